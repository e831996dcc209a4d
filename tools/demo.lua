-- `make demo`: starts examples/call_screening.lua as a process of its own,
-- lets SIPp place three real calls to it over UDP on the loopback interface,
-- and draws each call as a ladder while it happens. The script decides by the
-- caller; nothing here answers for it. Exit status 0 means that SIPp was
-- content with every call and that the script saw what it should have.
local uv = require "luv"

local LUA = os.getenv "LUA" or "lua5.4"
local SCRIPT = "examples/call_screening.lua"
local LOGS = "build/demo"
local SECONDS = 30 -- for all of it

local CALLS = {
  {
    name = "accepted",
    title = "Alice calls. The script answers; she hangs up.",
    states = {
      "incoming -> connecting",
      "connecting -> connected",
      "connected -> disconnected (terminated_remotely)",
    },
  },
  {
    name = "declined",
    title = "A spammer calls. The script declines with 488 and a header "
      .. "of its own.",
    states = { "incoming -> disconnected (terminated_locally)" },
  },
  {
    name = "cancelled",
    title = "Pat calls. It rings, and Pat gives up before the answer.",
    states = { "incoming -> disconnected (canceled)" },
  },
}

-- Processes -----------------------------------------------------------------

local running = {}

local function environment()
  local env = uv.os_environ()
  env.LUA_PATH_5_4 = "./lua/?.lua;;"
  env.LUA_CPATH_5_4 = "./?.so;;"
  env.TERM = "vt100" -- SIPp draws screens, also where there is none
  local list = {}
  for name, value in pairs(env) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

-- Starts a program; `on_line` gets each line that it prints. The result's
-- `ended` is set once it has exited and all of its output was read.
local function start(program, args, on_line)
  local process = { open = 3, rest = "" }
  local function one_less()
    process.open = process.open - 1
    process.ended = process.open == 0
  end
  local function reader()
    local pipe = uv.new_pipe(false)
    return pipe, function(_, data)
      process.rest = process.rest .. (data or "")
      process.rest = process.rest:gsub("([^\n]*)\n", function(line)
        on_line(line)
        return ""
      end)
      if not data then
        pipe:close(one_less)
      end
    end
  end
  local out, on_out = reader()
  local err, on_err = reader()
  process.handle, process.pid = uv.spawn(program, {
    args = args,
    stdio = { nil, out, err },
    env = environment(),
  }, function(code, signal)
    process.code = signal == 0 and code or 128 + signal
    running[process] = nil
    process.handle:close(one_less)
  end)
  if not process.handle then
    out:close()
    err:close()
    return nil, ("can't start %s: %s"):format(program, process.pid)
  end
  running[process] = true
  out:read_start(on_out)
  err:read_start(on_err)
  return process
end

local function stop_all()
  for process in pairs(running) do
    process.handle:kill "sigterm"
  end
end

local deadline = uv.now() + SECONDS * 1000

-- Runs the loop until `done()` or the time is over.
local function wait(seconds, done)
  local timer = uv.new_timer()
  local over = false
  local ms = math.min(seconds * 1000, deadline - uv.now())
  timer:start(math.max(0, ms), 0, function()
    over = true
  end)
  while not over and not done() do
    uv.run "once"
  end
  timer:close()
  return done()
end

-- The ladder ----------------------------------------------------------------

local INNER = 58
local tty = uv.guess_handle(1) == "tty" and not os.getenv "NO_COLOR"

local function paint(code, text)
  return tty and ("\27[%sm%s\27[0m"):format(code, text) or text
end

local GREEN, RED, BLUE, YELLOW, BOLD, DIM = "32", "31", "34", "33", "1", "2"

-- Times count from the first message.
local function rung(call, text)
  call.started = call.started or uv.hrtime()
  local at = (uv.hrtime() - call.started) / 1e9
  print(("%s |%s|"):format(paint(DIM, ("%7.3f s"):format(at)), text))
end

local function arrow(call, direction, label)
  label = label:gsub("^SIP/2%.0 ", ""):gsub(" SIP/2%.0$", "")
  label = " " .. label:sub(1, INNER - 8) .. " "
  local colour = direction == "in" and BLUE
    or label:match "^ [12]" and GREEN
    or label:match "^ [3-6]" and YELLOW
    or BLUE
  local line = ("-"):rep(INNER - 3 - #label)
  if direction == "in" then
    rung(call, paint(colour, "--" .. label .. line .. ">"))
  else
    rung(call, paint(colour, "<" .. line .. label .. "--"))
  end
end

local function note(call, text)
  local pad = (" "):rep(INNER - 1 - #text)
  rung(call, pad .. paint(BOLD, text) .. " ")
end

local function head(call, port)
  print ""
  print(paint(BOLD, call.title))
  local left, right = "caller", "script, port " .. port
  print((" "):rep(10) .. left .. (" "):rep(INNER + 2 - #left - #right)
    .. right)
end

-- The script's lines --------------------------------------------------------

local port
local current
local said = {}

local function mine(call_id)
  return current and call_id:sub(1, #current.name + 1) == current.name .. "-"
end

-- What the script prints: `listening on ADDRESS`, `wire in|out PEER FIRST
-- LINE CALL-ID`, `call CALL-ID OLD -> NEW [(reason)]`; anything else is shown
-- as it is.
local function on_script_line(line)
  said[#said + 1] = line
  port = port or line:match "^listening on udp:127%.0%.0%.1:(%d+)"
  local direction, label, wire_id = line:match "^wire (%l+) %S+ (.+) (%S+)$"
  local call_id, change = line:match "^call (%S+) (.+)$"
  if wire_id and mine(wire_id) then
    arrow(current, direction, label)
  elseif call_id and mine(call_id) then
    current.seen[#current.seen + 1] = change
    note(current, change)
  else
    print(line)
  end
end

-- The calls -----------------------------------------------------------------

local function sipp(call, log, lines)
  return start("sipp", {
    "127.0.0.1:" .. port, "-i", "127.0.0.1", "-s", "desk",
    "-sf", "spec/sipp/" .. call.name .. ".xml", "-m", "1",
    "-cid_str", call.name .. "-%u-%p@%s",
    "-timeout", "10", "-timeout_error", "-nostdin",
    "-trace_err", "-error_file", log,
  }, function(line)
    lines[#lines + 1] = line
  end)
end

local function show_file(path)
  local file = io.open(path)
  if file then
    print(file:read "a")
    return file:close()
  end
end

-- One call, start to end: true, or nil and what was wrong.
local function place(call, script)
  current, call.seen, call.started = call, {}, nil
  head(call, port)
  local lines, log = {}, LOGS .. "/" .. call.name .. ".log"
  os.remove(log)
  local caller, why = sipp(call, log, lines)
  if not caller then
    return nil, why
  end
  wait(12, function() return caller.ended or script.ended end)
  if not caller.ended then
    caller.handle:kill "sigterm"
    return nil, script.ended and "the script is gone" or "SIPp did not end"
  end
  if caller.code ~= 0 then
    if not show_file(log) then
      print(table.concat(lines, "\n"))
    end
    return nil, ("SIPp says no (exit %d)"):format(caller.code)
  end
  wait(2, function() return #call.seen >= #call.states end)
  wait(0.1, function() return false end) -- for the ACK's line
  local seen = table.concat(call.seen, ", ")
  if seen ~= table.concat(call.states, ", ") then
    return nil, "the script saw: " .. (seen == "" and "nothing" or seen)
  end
  return true
end

local function main()
  -- `timeout` is for the day on which this process is killed outright.
  local script, why = start("timeout", {
    "-k", "1", tostring(SECONDS + 5), LUA, "-e", "io.stdout:setvbuf 'line'",
    SCRIPT, "udp:127.0.0.1:0", "--trace",
  }, on_script_line)
  if not script then
    return nil, why
  end
  wait(5, function() return port or script.ended end)
  if not port then
    return nil, SCRIPT .. " did not come up"
  end
  local good = 0
  for _, call in ipairs(CALLS) do
    local ok, wrong = place(call, script)
    good = good + (ok and 1 or 0)
    print(ok and paint(GREEN, "ok: " .. call.name)
      or paint(RED, ("FAILED: %s: %s"):format(call.name, wrong)))
    if script.ended then
      break
    end
  end
  if script.ended then
    return nil, ("%s ended by itself (exit %d)"):format(SCRIPT, script.code)
  end
  print(("\n%d of %d calls went as they should"):format(good, #CALLS))
  return good == #CALLS
end

io.stdout:setvbuf "line"
for _, signal in ipairs { "sigint", "sigterm", "sighup", "sigpipe" } do
  local watcher = uv.new_signal()
  watcher:start(signal, function()
    stop_all()
    os.exit(1)
  end)
  watcher:unref()
end
uv.fs_mkdir("build", 493)
uv.fs_mkdir(LOGS, 493)

local ok, why = main()
current = nil
stop_all()
if not wait(3, function() return next(running) == nil end) then
  for process in pairs(running) do
    process.handle:kill "sigkill"
  end
end
if why then
  print(paint(RED, "demo: " .. why))
end
os.exit(ok == true)
