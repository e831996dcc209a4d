-- What many calls at once cost: CPU for one more call beside so many that are
-- connected, memory, and how long a turn of the loop takes; and what ended
-- transactions cost that wait for their timers.
--
--   lua5.4 bench/scale.lua [generational]
--
-- The servers' collector is incremental unless it says generational. Each
-- number of calls has a server of its own, which waits until the transactions
-- of their INVITEs have ended (RFC 6026: 64*T1) before it is measured, by as
-- many calls as are connected, at least: so many let the collector come round.
-- Prints a table and writes bench/scale.csv.

package.path = "./?.lua;" .. package.path

local process = require "bench.process"

local LIVE = { 10, 1000, 10000, 50000, 100000 }
local RATE, SECONDS, FILL = 2000, 5, 2000
local ENDED = 33 -- s
local WAITING = 25000 -- calls; each leaves two transactions
local collector = arg[1] or "incremental"
local output = os.tmpname()

local function sleep(seconds)
  os.execute("sleep " .. seconds)
end

local function start()
  return process.start(("lua5.4 bench/scale_serve.lua %d %s"):format(
    process.PORT, collector), { output = output })
end

-- What the server has to say of its turns since it was asked last.
local function turns(pid)
  os.execute("kill -USR1 " .. pid)
  sleep(0.3)
  local last
  for line in io.lines(output) do
    last = line
  end
  return process.values(last)
end

local function hold(n)
  local pid = start()
  process.load("answered", 1000, 1000)
  local before = process.memory(pid)
  process.load("held", math.min(n, FILL), n)
  local filling = turns(pid)
  sleep(ENDED)
  turns(pid)
  local mb, cpu = process.memory(pid), process.cpu(pid)
  local got = process.load("answered", RATE, math.max(RATE * SECONDS, n))
  cpu = process.cpu(pid) - cpu
  local said = turns(pid)
  process.stop(pid)
  return { live = n, us = cpu / got.calls / 1000, mb = mb,
    kb = (mb - before) * 1024 / n, p99 = got.p99, lost = got.calls -
    got.completed, repeated = got.repeated, within = said.within,
    worst = said.worst, filling = filling.worst }
end

local HEAD = "   live  us/call  total MB  KB/call  turn 99.9%  worst  "
  .. "worst, filling (us)  lost  repeated"
local LINE = "%7d  %7.1f  %8.1f  %7s  %10d  %5d  %19d  %4d  %8d"
local CSV = "live,us,mb,kb,turn_us_999,turn_us_worst,turn_us_worst_filling,"
  .. "lost,repeated,collector\n"

local file = assert(io.open("bench/scale.csv", "w"))
file:write(CSV)
print(HEAD)
for _, n in ipairs(LIVE) do
  local row = hold(n)
  local kb = n >= 1000 and ("%.2f"):format(row.kb) or "-"
  print(LINE:format(n, row.us, row.mb, kb, row.within, row.worst, row.filling,
    row.lost, row.repeated))
  file:write(("%d,%.1f,%.1f,%s,%d,%d,%d,%d,%d,%s\n"):format(n, row.us, row.mb,
    kb, row.within, row.worst, row.filling, row.lost, row.repeated, collector))
end

local pid = start()
process.load("answered", FILL, WAITING)
local before = process.cpu(pid)
sleep(ENDED)
local share = (process.cpu(pid) - before) / ENDED / 1e7
print(("%d ended transactions, until the last is gone: %.2f %% of a core")
  :format(2 * WAITING, share))
file:write(("# %d ended transactions: %.2f %% of a core\n"):format(2 * WAITING,
  share))
file:close()
process.stop(pid)
os.remove(output)
