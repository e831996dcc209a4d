-- The processes of the benchmarks: a server on one core, the load on the other.
-- Of a server with children, such as Kamailio, all count.

local process = { PORT = 15070 }

local ports = {} -- by process id

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  return text, pipe:close()
end

-- Whether anyone has the port: bound (07) over UDP, listening (0A) over TCP.
local function taken(port)
  return shell("cat /proc/net/udp /proc/net/tcp"):find(
    (":%04X %%x+:%%x+ 0[7A] "):format(port))
end

local function wait_until(what)
  for _ = 1, 200 do
    if what() then
      return
    end
    os.execute "sleep 0.05"
  end
  error "a server didn't start, or didn't end"
end

-- Starts it and gives its process id once it has the port. Options: port, if
-- not PORT; output, the file that its output goes to.
function process.start(command, options)
  options = options or {}
  local port = options.port or process.PORT
  assert(not taken(port), "someone has the port")
  local pid = tonumber((shell(
    ("taskset -c 0 %s >%s 2>&1 </dev/null & echo $!"):format(command,
      options.output or "/dev/null"))))
  ports[pid] = port
  wait_until(function() return taken(port) end)
  os.execute "sleep 0.1"
  return pid
end

local function family(pid)
  local list = { pid }
  local children = shell(("cat /proc/%d/task/*/children"):format(pid))
  for child in children:gmatch "%d+" do
    local theirs = family(child)
    table.move(theirs, 1, #theirs, #list + 1, list)
  end
  return list
end

function process.stop(pid)
  os.execute("kill -9 " .. table.concat(family(pid), " "))
  wait_until(function() return not taken(ports[pid]) end)
  ports[pid] = nil
end

-- To be closed: stops those that still run.
process.all = setmetatable({}, { __close = function()
  for pid in pairs(ports) do
    os.execute("kill -9 " .. table.concat(family(pid), " "))
  end
end })

-- What the kernel has accounted to all of its threads, ns.
function process.cpu(pid)
  local sum = 0
  for _, each in ipairs(family(pid)) do
    local stats = shell(("cat /proc/%d/task/*/schedstat"):format(each))
    for ns in stats:gmatch "(%d+)[^\n]*\n" do
      sum = sum + ns
    end
  end
  return sum
end

-- The same as user's and the system's, in ticks of 10 ms. Which of the two it
-- was, the kernel looks up at its own ticks only (4 ms at 250 Hz): a sample.
function process.ticks(pid)
  local user, system = 0, 0
  for _, each in ipairs(family(pid)) do
    local stat = shell(("cat /proc/%d/stat"):format(each))
    local u, s = stat:match ("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
    user, system = user + u, system + s
  end
  return user, system
end

local function sizes(pid)
  local text = shell(("cat /proc/%d/smaps_rollup /proc/%d/status"):format(pid,
    pid))
  local function kb(name)
    return tonumber(text:match("\n" .. name .. ":%s*(%d+)"))
  end
  return kb "Pss", kb "VmHWM" - kb "Rss"
end

-- MB: what it has, what processes share counted once; and what it had at most:
-- each process's own peak beyond that.
function process.memory(pid)
  local now, peak = 0, 0
  for _, each in ipairs(family(pid)) do
    local pss, more = sizes(each)
    now, peak = now + pss, peak + pss + math.max(more, 0)
  end
  return now / 1024, peak / 1024
end

-- Datagrams for which the server's UDP socket had no room (0 over TCP).
function process.drops(pid)
  local sum, local_port = 0, ("^%%s*%%d+: %%x+:%04X "):format(ports[pid])
  for line in shell("cat /proc/net/udp"):gmatch "[^\n]+" do
    if line:find(local_port) then
      sum = sum + line:match "(%d+)%s*$"
    end
  end
  return sum
end

-- Of a line of name=value pairs.
function process.values(text)
  local result = {}
  for key, value in text:gmatch "(%w+)=(%d+)" do
    result[key] = math.tointeger(value)
  end
  return result
end

-- What the load says (load.c). Options: port, if not PORT; connections (of
-- TCP); repeated (more than so many, and it gives up); tick (ms between the
-- calls that begin together); in_flight (the rate is how many are).
function process.load(kind, rate, count, options)
  options = options or {}
  local text, ok = shell(("taskset -c 1 build/release/bench/load " ..
    "%s -t %d -r %d -i %d %d %s %d %d"):format(
    options.in_flight and "-f" or "", options.connections or 0,
    options.repeated or count, options.tick or 10,
    options.port or process.PORT, kind, rate, count))
  assert(ok, "the load failed")
  return process.values(text)
end

return process
