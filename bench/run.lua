-- The benchmark: servers in turn, each in a fresh process on one core, the
-- load on the other, and what each call cost its server.
--
--   lua5.4 bench/run.lua [rounds]
--
-- CPU is what the kernel has accounted to the process, to the nanosecond
-- (/proc/PID/schedstat). A server that keeps ended calls has taken 32 s worth
-- of RATE before it is measured at that. Prints medians and ranges, and writes
-- bench/results.csv and docs/performance.svg.

package.path = "./?.lua;" .. package.path

local BUILD = "build/release/bench/"
local RATE, SECONDS, PORT = 2000, 4, 15070
local RATES = { 2000, 5000, 10000, 15000, 20000, 25000 } -- for the highest
local rounds = tonumber(arg[1]) or 3

local SERVERS = {
  { name = "sipsession", command = "lua5.4 bench/serve.lua %d %s",
    keeps = true, settings = "limits raised to what the rates need" },
  { name = "floor", command = BUILD .. "floor %d %s",
    settings = "parses nothing, keeps nothing" },
  { name = "sipp", program = "sipp", settings = "-sn uas; -sf for 486",
    answered = "sipp -sn uas -i 127.0.0.1 -p %d -nostdin",
    declined = "sipp -sf bench/uas_declined.xml -i 127.0.0.1 -p %d -nostdin" },
}
-- Not measured by this runner, and said so.
local MISSING = { "kamailio with app_lua", "Sofia-SIP", "npm sip" }

local function read(path)
  local file = io.open(path)
  local text = file and file:read "a"
  if file then
    file:close()
  end
  return text
end

local function sleep(seconds)
  os.execute("sleep " .. seconds)
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null")
end

local function start(server, kind)
  local command = (server.command or server[kind == "declined" and kind
    or "answered"]):format(PORT, kind)
  local pipe = assert(io.popen(
    "taskset -c 0 " .. command .. " >/dev/null 2>&1 </dev/null & echo $!"))
  local pid = math.tointeger(pipe:read "n")
  pipe:close()
  sleep(0.5)
  return pid
end

local function stop(pid)
  os.execute(("kill -9 %d 2>/dev/null"):format(pid))
  sleep(0.3)
end

local function cpu(pid) -- ns
  return tonumber(read(("/proc/%d/schedstat"):format(pid)):match "^%d+")
end

local function memory(pid, what) -- KB
  return tonumber(read(("/proc/%d/status"):format(pid)):match(
    what .. ":%s*(%d+)"))
end

local function load(kind, rate, count)
  local pipe = assert(io.popen(("taskset -c 1 %sload %d %s %d %d"):format(
    BUILD, PORT, kind, rate, count)))
  local result = {}
  for key, value in pipe:read("a"):gmatch "(%w+)=(%d+)" do
    result[key] = math.tointeger(value)
  end
  assert(pipe:close(), "the load failed")
  return result
end

-- CPU per call, us; and what went wrong, if anything did.
local function per_call(server, kind)
  local pid = start(server, kind)
  load(kind, server.keeps and 8000 or RATE, (server.keeps and 32 or 1) * RATE)
  local before = cpu(pid)
  local got = load(kind, RATE, RATE * SECONDS)
  local us = (cpu(pid) - before) / (RATE * SECONDS) / 1000
  local peak = memory(pid, "VmHWM") / 1024
  stop(pid)
  return us, peak, got
end

-- The highest rate at which fewer than one call in a thousand was repeated.
local function highest(server, kind)
  local best, at = 0, {}
  for _, rate in ipairs(RATES) do
    local pid = start(server, kind)
    local got = load(kind, rate, rate * 2)
    stop(pid)
    if got.completed < got.calls or got.repeated > got.calls / 1000 then
      break
    end
    best, at = rate, got
  end
  return best, at
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local rows = {}
for _, kind in ipairs { "answered", "declined" } do
  local us, peak, lost = {}, {}, {}
  for round = 1, rounds do
    for _, server in ipairs(SERVERS) do
      local name = server.name
      if not server.program or has(server.program) then
        us[name], peak[name] = us[name] or {}, peak[name] or {}
        local cost, most, got = per_call(server, kind)
        us[name][round], peak[name][round] = cost, most
        lost[name] = (lost[name] or 0) + got.calls - got.completed
      end
    end
  end
  for _, server in ipairs(SERVERS) do
    local list = us[server.name]
    if list then
      local best, at = highest(server, kind)
      rows[#rows + 1] = {
        kind = kind, name = server.name, us = median(list), least = list[1],
        most = list[#list], peak = median(peak[server.name]),
        lost = lost[server.name], highest = best, p99 = at.p99,
        settings = server.settings,
      }
    else
      MISSING[#MISSING + 1] = server.name
    end
  end
end

-- Memory of calls that are held.
local HELD = 10000
local pid = start(SERVERS[1], "answered")
load("answered", 1000, 1000)
local before = memory(pid, "VmRSS")
local held = load("held", 2000, HELD)
local each = (memory(pid, "VmRSS") - before) / HELD
stop(pid)

local function of(kind, name)
  for _, row in ipairs(rows) do
    if row.kind == kind and row.name == name then
      return row.us
    end
  end
end

local csv = assert(io.open("bench/results.csv", "w"))
csv:write("kind,server,rate,us_median,us_least,us_most,to_floor,to_sipp,",
  "highest_rate,p99_us_at_highest,peak_mb,lost,settings\n")
print(("CPU for a call at %d/s, us; %d rounds"):format(RATE, rounds))
print("kind      server       median  range        floor  SIPp   highest/s  MB")
for _, row in ipairs(rows) do
  local floor, sipp = of(row.kind, "floor"), of(row.kind, "sipp")
  local to_floor = row.us / floor
  local to_sipp = sipp and row.us / sipp or 0
  print(("%-9s %-12s %6.1f  %5.1f-%5.1f  %5.2f  %5.2f  %8d  %4.0f"):format(
    row.kind, row.name, row.us, row.least, row.most, to_floor, to_sipp,
    row.highest, row.peak))
  csv:write(("%s,%s,%d,%.1f,%.1f,%.1f,%.2f,%.2f,%d,%d,%.0f,%d,%q\n"):format(
    row.kind, row.name, RATE, row.us, row.least, row.most, to_floor, to_sipp,
    row.highest, row.p99 or 0, row.peak, row.lost, row.settings))
end
csv:close()
require("bench.chart")(rows, RATE)
print(("a connected call held: %.1f KB (%d of %d held)"):format(each,
  held.completed, HELD))
print("not measured: " .. table.concat(MISSING, ", "))
