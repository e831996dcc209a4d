-- Mixed calls over UDP and TCP on the loopback interface, for a given time:
-- `make soak-sockets`. What tools/soak.lua does in memory, with a server in a
-- process of its own (soak_server.lua), SIPp for callers (soak_callers.lua)
-- and somebody who means no good (soak_hostile.lua).
--
--   lua5.4 tools/soak_sockets.lua [seconds] [seed]
--
-- Rounds of calls. After each the server rests until nothing is alive, within
-- the time that its timers have; calls whose callers forgot them are hung up.
-- Then no session may be left that wasn't collected, and after a quarter of
-- the run, no less than two rounds, its memory, Lua's, its descriptors and
-- its registry may grow no more. At the end it has to close with nothing left.

package.path = "./lua/?.lua;./spec/?.lua;./tools/?.lua;" .. package.path

local uv = require "luv"
local Directory = require "support.directory"
local Process = require "support.process"
local Callers = require "soak_callers"
local Hostile = require "soak_hostile"

local seconds, seed = tonumber(arg[1]) or 60,
  math.tointeger(tonumber(arg[2])) or 1
local LOAD = math.max(1.5, math.min(10, seconds / 20)) -- seconds of a round
local BASE, LEAST = 2, 4 -- rounds: until the bar is set, and in any run
local PATIENCE = 6       -- seconds: twice 64*T1 of the server, and some
-- What the measured values may gain: the collector and the C library have some
-- slack, a leak has none.
local SLACK = { lua = 64, rss = 4096, descriptors = 0, registry = 16 }
-- A handler that sleeps keeps its session from being collected, for 3 s.
local ALIVE = { "alive.sessions", "alive.lingering", "alive.dialogs",
  "alive.transactions", "alive.connections", "uncollected" }
-- Calls without loss that may go wrong for want of a processor: a share of
-- them, and some.
local WRONG, SOME = 0.05, 2
-- What must have happened in any run.
local MUST = { "calls_connected", "calls_rejected", "calls_cancelled",
  "calls_unacknowledged", "calls_failed", "retransmissions_in",
  "retransmissions_out", "refused_syntax" }

local server, callers, hostile, directory
local began = uv.hrtime()
local first, last -- as measured
local forgotten = 0

local function took()
  return (uv.hrtime() - began) / 1e9
end

local function fail(text, ...)
  error("soak-sockets: " .. text:format(...), 0)
end

-- --- the server --------------------------------------------------------------

local function told(line)
  server.last = line
  local kind, rest = line:match "^(%a+)\t(.*)$"
  if kind == "server" then
    server.pid = tonumber(rest:match "^%d+")
    server.udp = tonumber(rest:match "udp:127%.0%.0%.1:(%d+)")
    server.tcp = tonumber(rest:match "tcp:127%.0%.0%.1:(%d+)")
  elseif kind == "stats" then
    server.stats = {}
    for name, value in rest:gmatch "(%S+)=(%S+)" do
      server.stats[name] = tonumber(value)
    end
  else
    server.trouble = server.trouble or line
  end
end

local function start()
  server = { last = "it didn't start" }
  server.process = assert(Process.start(Process.LUA,
    { "tools/soak_server.lua" }, told, { seconds = math.ceil(seconds) + 600 }))
  Process.wait(function()
    return server.pid or server.process.ended
  end, 10)
  if not server.pid then
    fail("%s", server.last)
  end
end

local function pause(time)
  Process.wait(function()
    return server.process.ended
  end, time)
end

local function stats()
  server.stats = nil
  server.process:write "measure\n"
  Process.wait(function()
    return server.stats or server.process.ended
  end, 30)
  if server.process.ended or not server.stats or server.trouble then
    fail("the server: %s", server.trouble or server.last)
  end
  return server.stats
end

-- What is alive, or nil.
local function alive()
  local now = stats()
  for _, name in ipairs(ALIVE) do
    if now[name] > 0 then
      return ("%.0f %s"):format(now[name], name)
    end
  end
end

-- Until nothing is alive; what still is when the time is over, or nil.
local function rest(time)
  local since = uv.hrtime()
  local left = alive()
  while left and (uv.hrtime() - since) / 1e9 < time do
    pause(0.2)
    left = alive()
  end
  return left
end

local function descriptors()
  local n = 0
  local list = assert(uv.fs_scandir(("/proc/%d/fd"):format(server.pid)))
  while uv.fs_scandir_next(list) do
    n = n + 1
  end
  return n
end

local function measure()
  local now = stats()
  local file = assert(io.open(("/proc/%d/status"):format(server.pid)))
  local rss = tonumber(file:read "a":match "VmRSS:%s*(%d+)")
  file:close()
  return { lua = now.lua, registry = now.registry, rss = rss,
    descriptors = descriptors() }
end

-- --- the run -----------------------------------------------------------------

local function settle()
  local left = rest(PATIENCE)
  if left then
    forgotten = forgotten + stats()["alive.sessions"]
    server.process:write "hang up\n"
    left = rest(PATIENCE)
  end
  if left then
    fail("left over after %d rounds: %s", callers.rounds, left)
  end
end

local function check(now)
  if now.pending ~= 0 then
    fail("%d accepts never completed", now.pending)
  elseif now.errors > 0 then
    fail("%d errors in handlers", now.errors)
  end
end

local function compare(base)
  for what, slack in pairs(SLACK) do
    if last[what] > base[what] + slack then
      fail("%s has grown from %.0f to %.0f", what, base[what], last[what])
    end
  end
end

local function report()
  local names, total = {}, 0
  for name, seen in pairs(callers.seen) do
    names[#names + 1] = name
    total = total + seen.created
  end
  table.sort(names)
  print(("%-28s %9s %11s"):format("calls", "placed", "as it should"))
  for _, name in ipairs(names) do
    local seen = callers.seen[name]
    print(("%-28s %9d %11d"):format(name, seen.created, seen.successful))
  end
  print(("hostile: %d datagrams, %d connections"):format(hostile.datagrams,
    hostile.connections))
  print(("at the relay: %d passed, %d of them twice, %d lost"):format(
    callers.passed, callers.doubled, callers.lost))
  print(("%d calls, %d forgotten by their callers, %d rounds, %.0f s"):format(
    total, forgotten, callers.rounds, took()))
  for _, what in ipairs { "rss", "lua", "descriptors", "registry" } do
    print(("%-12s %6.0f first, %6.0f last"):format(what, first[what],
      last[what]))
  end
end

local function went_well()
  for name, seen in pairs(callers.seen) do
    local lossy = name:find "u1$"
    local least = lossy and 1 or seen.created * (1 - WRONG) - SOME
    if seen.created == 0 or seen.successful < least then
      fail("%s: %d of %d calls went as they should", name, seen.successful,
        seen.created)
    end
  end
  local now = stats()
  for _, name in ipairs(MUST) do
    if now[name] == 0 then
      fail("never happened: %s", name)
    end
  end
  if callers.lost == 0 or callers.doubled == 0 then
    fail "the relay did nothing"
  end
end

local function finish()
  server.process:write "close\n"
  server.process:finish(10)
  if not server.process.ended then
    fail "a handle, a timer or a coroutine is left: it didn't end when closed"
  elseif server.process.code ~= 0 or server.last ~= "nothing left" then
    fail("it ended with %d: %s", server.process.code, server.last)
  end
end

local function run()
  start()
  callers = Callers.new(server.udp, server.tcp, directory, seed)
  hostile = Hostile.new(server.udp, server.tcp)
  local base = {}
  while took() < seconds or callers.rounds < LEAST do
    hostile:start()
    callers:round(LOAD)
    hostile:stop()
    settle()
    check(stats())
    last = measure()
    first = first or last
    if took() < seconds / 4 or callers.rounds <= BASE then
      for what, value in pairs(last) do
        base[what] = math.max(base[what] or 0, value)
      end
    else
      compare(base)
    end
  end
  went_well()
  finish()
end

local function processes()
  local list = callers and callers:processes() or {}
  if server and server.process and not server.process.ended then
    list[#list + 1] = server.process
  end
  return list
end

-- Whatever happens, what was started is ended.
local function clean()
  for _, process in ipairs(processes()) do
    process:kill()
  end
  Directory.remove(directory)
end

-- In a callback nothing can be waited for.
local function interrupted()
  for _, process in ipairs(processes()) do
    process.handle:kill "sigterm"
  end
  Directory.remove(directory)
  os.exit(1)
end

directory = Directory.new()
for _, name in ipairs { "sigint", "sigterm" } do
  local signal = uv.new_signal()
  signal:start(name, interrupted)
  signal:unref()
end
io.stdout:setvbuf "line"
local ok, err = xpcall(run, function(err)
  return tostring(err):find "^soak%-sockets: " and err
    or debug.traceback(err)
end)
if last then
  report()
end
clean()
if not ok then
  io.stderr:write(err, "\n")
end
os.exit(ok)
