-- What many calls at once cost: CPU for one more call beside so many that are
-- connected, memory, and how long a turn of the loop takes; and what ended
-- transactions cost that wait for their timers.
--
--   lua5.4 bench/scale.lua [generational]
--
-- The servers' collector is incremental unless it says generational. Each
-- number of calls has a server of its own; all of them are there at once, and
-- wait until the transactions of their INVITEs have ended (RFC 6026: 64*T1).
-- Each then takes WARM calls, in which the collector comes round, so that what
-- is taken has been somebody's before. They are measured in turn, ROUNDS times,
-- and compared with the least number in the same round, so that what the
-- machine does meanwhile meets all of them, and with as many ended transactions
-- each. Turns of the loop are timed after that, by as many calls as are
-- connected, at least; in between those of the bare loop (floor.c), at the same
-- rate, which tell what the machine adds to a turn. Prints a table and writes
-- bench/scale.csv.

package.path = "./?.lua;" .. package.path

local process = require "bench.process"

local LIVE = { 10, 1000, 10000, 50000, 100000 }
local RATE, SECONDS, FILL = 2000, 5, 2000
local WARM, WARM_RATE = 50000, 5000
local ROUNDS, CALLS = 31, 2000 -- the first round isn't counted
local FLOOR = 20000 -- calls, before each that is timed
local ENDED = 33 -- s
local WAITING = 25000 -- calls; each leaves two transactions
local collector = arg[1] or "incremental"

local function sleep(seconds)
  os.execute("sleep " .. seconds)
end

local function start(i, command, mode)
  local server = { port = process.PORT + i, output = os.tmpname() }
  server.pid = process.start(("%s %d %s"):format(command, server.port, mode),
    server)
  return server
end

local function start_ours(i)
  return start(i, "lua5.4 bench/scale_serve.lua", collector)
end

local function stop(server)
  process.stop(server.pid)
  os.remove(server.output)
end

local function load(server, kind, rate, calls)
  return process.load(kind, rate, calls, { port = server.port })
end

-- What the server has to say of its turns since it was asked last.
local function turns(server)
  os.execute("kill -USR1 " .. server.pid)
  sleep(0.3)
  local last
  for line in io.lines(server.output) do
    last = line
  end
  return process.values(last)
end

local function hold(i, n)
  local server = start_ours(i)
  load(server, "answered", 1000, 1000)
  local before = process.memory(server.pid)
  load(server, "held", math.min(n, FILL), n)
  return { live = n, server = server, before = before, us = {}, lost = 0,
    repeated = 0, filling = turns(server) }
end

local function count_lost(row, got)
  row.lost = row.lost + got.calls - got.completed
  row.repeated = row.repeated + got.repeated
end

local function measure(row, round)
  local cpu = process.cpu(row.server.pid)
  local got = load(row.server, "answered", RATE, CALLS)
  if round > 1 then
    row.us[#row.us + 1] = (process.cpu(row.server.pid) - cpu) / got.calls / 1000
  end
  count_lost(row, got)
end

local function measure_turns(row)
  turns(row.server)
  count_lost(row, load(row.server, "answered", RATE,
    math.max(RATE * SECONDS, row.live)))
  row.turns = turns(row.server)
end

local function ratios(row, to)
  local list = {}
  for round, us in ipairs(row.us) do
    list[round] = us / to.us[round]
  end
  return list
end

local function median(list)
  table.sort(list)
  local n = #list
  return (list[(n + 1) // 2] + list[n // 2 + 1]) / 2
end

-- A turn's worst: of all; and of those that had the processor all the time.
local HEAD = (" "):rep(53) .. "turns, us          while filling\n"
  .. "   live us/call (least, most) ratio    MB KB/call   99.9% worst alone   "
  .. "worst alone  lost repeated"
local LINE = "%7d %7.1f  %5.1f %5.1f  %4.2f %6.1f %7s   %5d %5d %5d   "
  .. "%5d %5d  %4d %8d"
local CSV = "live,us,us_least,us_most,ratio,mb,kb,turn_us_999,turn_us_worst,"
  .. "turn_us_alone,filling_us_worst,filling_us_alone,lost,repeated,collector\n"

local _ <close> = process.all
local rows = {}
for i, n in ipairs(LIVE) do
  rows[i] = hold(i, n)
end
sleep(ENDED)
for _, row in ipairs(rows) do
  row.mb = process.memory(row.server.pid)
end
for _, row in ipairs(rows) do
  count_lost(row, load(row.server, "answered", WARM_RATE, WARM))
end
for round = 1, ROUNDS do
  for _, row in ipairs(rows) do
    measure(row, round)
  end
end

for _, row in ipairs(rows) do
  row.ratio = median(ratios(row, rows[1]))
end

local floor = start(#rows + 1, "build/release/bench/floor", "answered turns")
local file = assert(io.open("bench/scale.csv", "w"))
file:write(CSV)
print(HEAD)
for _, row in ipairs(rows) do
  load(floor, "answered", RATE, FLOOR)
  measure_turns(row)
  stop(row.server)
  local n, us = row.live, median(row.us)
  local kb = n >= 1000 and ("%.2f"):format((row.mb - row.before) * 1024 / n)
    or "-"
  local least, most = row.us[1], row.us[#row.us]
  local t, filling = row.turns, row.filling
  print(LINE:format(n, us, least, most, row.ratio, row.mb, kb, t.within,
    t.worst, t.alone, filling.worst, filling.alone, row.lost, row.repeated))
  file:write(("%d,%.1f,%.1f,%.1f,%.3f,%.1f,%s,%d,%d,%d,%d,%d,%d,%d,%s\n")
    :format(n, us, least, most, row.ratio, row.mb, kb, t.within, t.worst,
      t.alone, filling.worst, filling.alone, row.lost, row.repeated, collector))
end

local bare = turns(floor)
stop(floor)
local said = ("the bare loop's turns: 99.9 %% within %d us, worst %d, alone %d")
  :format(bare.within, bare.worst, bare.alone)
print(said)
file:write("# ", said, "\n")

local server = start_ours(0)
load(server, "answered", FILL, WAITING)
local before = process.cpu(server.pid)
sleep(ENDED)
local share = (process.cpu(server.pid) - before) / ENDED / 1e7
print(("%d ended transactions, until the last is gone: %.2f %% of a core")
  :format(2 * WAITING, share))
file:write(("# %d ended transactions: %.2f %% of a core\n"):format(2 * WAITING,
  share))
file:close()
stop(server)
