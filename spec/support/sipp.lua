-- SIPp's own `uac` scenario, or one of ours, against a script in a process of
-- its own, with or without loss between them, and what both sides say of it
-- afterwards.

local uv = require "luv"
local Directory = require "support.directory"
local Process = require "support.process"
local Relay = require "support.relay"

local sipp = {}

local wait = Process.wait

local function read_state(path)
  local state = {}
  for line in io.lines(path) do
    local name, n = line:match "^(%S+) (%d+)$"
    state[name] = tonumber(n)
  end
  return state
end

-- The last line of SIPp's statistics, by the names in the first.
local function read_statistics(path)
  local first, last
  for line in io.lines(path) do
    first, last = first or line, line
  end
  local names, values = {}, {}
  for name in first:gmatch "([^;]*);" do
    names[#names + 1] = name
  end
  local i = 0
  for value in last:gmatch "([^;]*);" do
    i = i + 1
    values[names[i]] = tonumber(value) or value
  end
  return values
end

local function exists(path)
  return uv.fs_stat(path) ~= nil
end

-- Waits for a state that was written after now and for which test() is true.
local function state_when(path, seconds, test)
  local since = uv.fs_stat(path).mtime
  local timer = uv.new_timer()
  timer:start(100, 100, function() end) -- looks again and again
  local state
  wait(function()
    local now = uv.fs_stat(path).mtime
    if now.sec ~= since.sec or now.nsec ~= since.nsec then
      state = read_state(path)
      return test(state)
    end
  end, seconds)
  timer:close()
  return state
end

local function idle(state)
  return state.alive_sessions + state.alive_lingering + state.alive_dialogs
    + state.alive_transactions == 0
end

-- Starts examples/<script>, or a script by its path, under support.answering.
-- Returns the server:
-- { process, port, said (how many lines it printed), before (its state) }.
function sipp.server(script, directory)
  local server = { said = 0, state = directory .. "/state" }
  os.remove(server.state)
  os.remove(server.state .. ".stop")
  if not script:find "/" then
    script = "examples/" .. script
  end
  server.process = assert(Process.start(Process.LUA,
    { "spec/support/answering.lua", script, "udp:127.0.0.1:0",
      server.state }, function(line)
      server.said = server.said + 1
      server.last = line
      server.port = server.port or tonumber(line:match
        "^listening on udp:127%.0%.0%.1:(%d+)$")
    end, { seconds = 600 }))
  assert(wait(function()
    return server.port or server.process.ended
  end, 10) and server.port, server.last)
  wait(function() return exists(server.state) end, 1)
  server.before = state_when(server.state, 2, idle)
  return server
end

-- Starts SIPp -sn uac, or with a scenario spec/sipp/<scenario>: calls, rate,
-- port; service: who is called; limit: seconds for all of it; transport: as -t
-- has it ("u1"); own_port; name: of its files in the directory ("calls"); open:
-- how many calls, and sockets, may be at once. What it gives is for
-- sipp.finish.
function sipp.start(options, directory)
  local base = directory .. "/" .. (options.name or "calls")
  local statistics, errors = base .. ".csv", base .. ".errors"
  os.remove(statistics)
  os.remove(errors)
  local seconds = options.limit
    or math.ceil(options.calls / options.rate) + 60
  local args = {
    options.scenario and "-sf" or "-sn",
    options.scenario and "spec/sipp/" .. options.scenario or "uac",
    "-s", options.service or "service", "-t", options.transport or "u1",
    "127.0.0.1:" .. options.port, "-i", "127.0.0.1",
    "-p", tostring(options.own_port or Process.free_port()),
    "-m", tostring(options.calls), "-r", tostring(options.rate),
    "-l", tostring(options.open or 100000), "-nostdin", "-trace_stat", "-stf",
    statistics, "-fd", "1", "-trace_err", "-error_file", errors, "-timeout",
    tostring(seconds),
  }
  if options.open then -- it refuses more than there may be descriptors
    table.move({ "-max_socket", tostring(options.open) }, 1, 2, #args + 1, args)
  end
  local caller = { statistics = statistics, seconds = seconds }
  caller.process = assert(Process.start("sipp", args, function(line)
    caller.last = line
  end, { seconds = seconds + 10 }))
  return caller
end

-- Waits for its end; its exit status and its statistics.
function sipp.finish(caller)
  local code = caller.process:finish(caller.seconds + 15)
  caller.process:kill()
  if not exists(caller.statistics) then
    error("SIPp has placed no calls: " .. (caller.last or "it said nothing"), 0)
  end
  return code, read_statistics(caller.statistics)
end

function sipp.call(options, directory)
  return sipp.finish(sipp.start(options, directory))
end

local function touch(path)
  assert(io.open(path, "w")):close()
end

-- Once nothing is alive any more, or the time is over. A call that SIPp has
-- forgotten is connected until somebody ends it: it takes a 200 to the INVITE
-- that was repeated for one to the BYE, and repeats a lost BYE no more. Such
-- calls are counted, and ended by the server.
local function settled(server, seconds, result)
  local state = state_when(server.state, seconds, idle)
  result.forgotten = state.alive_sessions
  if state.alive_sessions > 0 then
    touch(server.state .. ".hangup")
    state = state_when(server.state, seconds, idle)
  end
  result.after = state
  result.left = not idle(state)
end

-- Everything: options of sipp.call, and loss, seed, script ("accept.lua"),
-- warm: calls made before memory is measured, settle: seconds for everything
-- to end (45), or false. The result has code and calls (SIPp's), before and
-- after (the server's states), forgotten (see above), left (something was alive
-- even after that), clean (the server closed with nothing left), relay.
function sipp.run(options)
  local directory = Directory.new()
  local server = sipp.server(options.script or "accept.lua", directory)
  local result = { before = server.before }
  local seconds = options.settle or 45

  local function call(calls)
    local relay = options.loss and Relay.new { server = server.port,
      loss = options.loss, seed = options.seed }
    local code, seen = sipp.call({ calls = calls, rate = options.rate,
      scenario = options.scenario, service = options.service,
      limit = options.limit, port = relay and relay.port or server.port },
      directory)
    if options.settle ~= false then
      settled(server, seconds, result)
    else
      result.after = state_when(server.state, 2, function() return true end)
    end
    if relay then
      relay:close()
    end
    result.code, result.calls, result.relay = code, seen, relay
  end

  local ok, err = pcall(function()
    if options.warm then
      call(options.warm)
      result.before = result.after
    end
    call(options.calls)
    touch(server.state .. ".stop")
    server.process:finish(10)
    result.clean = server.last == "nothing left" and server.process.code == 0
  end)
  server.process:kill()
  Directory.remove(directory)
  if not ok then
    error(err, 0)
  end
  return result
end

return sipp
