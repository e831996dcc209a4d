-- The processes of the benchmarks: a server on one core, the load on the other.
-- Of a server with children, such as Kamailio, all count.

local process = { PORT = 15070 }

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  return text, pipe:close()
end

-- Whether anyone has the port: bound (07) over UDP, listening (0A) over TCP.
local function taken()
  return shell("cat /proc/net/udp /proc/net/tcp"):find(
    (":%04X %%x+:%%x+ 0[7A] "):format(process.PORT))
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

-- Starts it and gives its process id once it has the port; its output goes to
-- that file.
function process.start(command, output)
  assert(not taken(), "someone has the port")
  local pid = tonumber((shell(
    ("taskset -c 0 %s >%s 2>&1 </dev/null & echo $!"):format(command,
      output or "/dev/null"))))
  wait_until(taken)
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
  wait_until(function() return not taken() end)
end

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

-- MB; what processes share is counted once.
function process.memory(pid)
  local sum = 0
  for _, each in ipairs(family(pid)) do
    local rollup = shell(("cat /proc/%d/smaps_rollup"):format(each))
    sum = sum + rollup:match "Pss:%s*(%d+)"
  end
  return sum / 1024
end

-- Of a line of name=value pairs.
function process.values(text)
  local result = {}
  for key, value in text:gmatch "(%w+)=(%d+)" do
    result[key] = math.tointeger(value)
  end
  return result
end

-- What the load says (load.c). Options: connections (of TCP), repeated (more
-- than so many, and it gives up).
function process.load(kind, rate, count, options)
  options = options or {}
  local text, ok = shell(("taskset -c 1 build/release/bench/load " ..
    "-t %d -r %d %d %s %d %d"):format(options.connections or 0,
    options.repeated or count, process.PORT, kind, rate, count))
  assert(ok, "the load failed")
  return process.values(text)
end

return process
