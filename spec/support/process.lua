-- Other programs for specs and tools, over luv: started with the tree's own
-- library in their paths, watched line by line, and ended with this process.
--
-- Fields: pid; code (its exit status, 128 and the signal for those that a
-- signal ended), ended: nil while it runs.

local uv = require "luv"

local Process = {}
Process.__index = Process

Process.LUA = os.getenv "LUA" or "lua5.4"

local function environment(program)
  local env = uv.os_environ()
  if program ~= Process.LUA then
    env.LD_PRELOAD = nil -- a sanitizer's, for our own library
  end
  local build = os.getenv "SIPSESSION_BUILD" or "."
  env.LUA_PATH_5_4 = "./lua/?.lua;./spec/?.lua;;"
  env.LUA_CPATH_5_4 = build .. "/?.so;;"
  env.TERM = "vt100" -- SIPp draws screens, also where there is none
  local list = {}
  for name, value in pairs(env) do
    list[#list + 1] = name .. "=" .. value
  end
  return list
end

-- Starts it; `on_line` gets each line that it prints, on either stream. It is
-- ended after `seconds` (120), whatever happens to us. Options: seconds,
-- directory. Returns nil and why where it can't be started.
function Process.start(program, args, on_line, options)
  options = options or {}
  local process = setmetatable({ open = 3 }, Process)
  local function one_less()
    process.open = process.open - 1
    process.ended = process.open == 0 or nil
  end
  local function reader()
    local pipe, rest = uv.new_pipe(false), ""
    return pipe, function(_, data)
      local from = 1
      rest = rest .. (data or "")
      for line, after in rest:gmatch "([^\n]*)\n()" do
        from = after
        if on_line then
          on_line((line:gsub("\r$", "")))
        end
      end
      rest = rest:sub(from)
      if not data then
        pipe:close(one_less)
      end
    end
  end
  local out, on_out = reader()
  local err, on_err = reader()
  process.input = uv.new_pipe(false)
  local all = { "-k", "1", tostring(options.seconds or 120), program }
  table.move(args, 1, #args, #all + 1, all)
  process.handle, process.pid = uv.spawn("timeout", {
    args = all, stdio = { process.input, out, err }, env = environment(program),
    cwd = options.directory,
  }, function(code, signal)
    process.code = signal == 0 and code or 128 + signal
    if not process.input:is_closing() then
      process.input:close()
    end
    process.handle:close(one_less)
  end)
  if not process.handle then
    return nil, ("can't start %s: %s"):format(program, process.pid)
  end
  out:read_start(on_out)
  err:read_start(on_err)
  return process
end

-- Is it there? It is asked for its version, by that option.
function Process.installed(program, option)
  local process = Process.start(program, { option })
  return process and process:finish(10) == 0
end

-- Runs luv's loop until condition() or the time is over; what it gave.
function Process.wait(condition, seconds)
  local timer, over = uv.new_timer(), false
  uv.update_time() -- luv's clock stands still while it isn't run
  timer:start(math.ceil(seconds * 1000), 0, function()
    over = true
  end)
  local result = condition()
  while not result and not over do
    uv.run "once"
    result = condition()
  end
  timer:close()
  uv.run "nowait"
  return result
end

-- A port that nothing on 127.0.0.1 has, as yet.
function Process.free_port()
  local tcp, udp = uv.new_tcp(), uv.new_udp()
  udp:bind("127.0.0.1", 0)
  local port = udp:getsockname().port
  assert(tcp:bind("127.0.0.1", port))
  tcp:close()
  udp:close()
  return port
end

-- Waits for its end: its exit status, or nil when it goes on.
function Process:finish(seconds)
  return Process.wait(function()
    return self.ended and self.code
  end, seconds)
end

function Process:write(text)
  self.input:write(text)
end

-- Ends it, and waits until that is so.
function Process:kill()
  if not self.ended then
    self.handle:kill "sigterm"
    self:finish(5)
  end
end

return Process
