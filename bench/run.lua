-- The benchmark: servers in turn, each in a fresh process on one core, the
-- load on the other, and what each call cost its server.
--
--   lua5.4 bench/run.lua [rounds]
--
-- CPU is what the kernel has accounted to all threads of all the server's
-- processes, to the nanosecond (schedstat). First comes the highest rate each
-- carries, coarsely; who carries less than RATE is measured at that. A server
-- that keeps ended calls has taken as many as it keeps at that rate before it
-- is measured. bench/report.lua says what came of it.

package.path = "./?.lua;" .. package.path

local peers = require "bench.peers"
local process = require "bench.process"
local report = require "bench.report"

local RATE, SECONDS = 2000, 3
local HIGHER, LOWER = { 5000, 10000, 20000 }, { 1000, 500, 250 }
-- s: RFC 3261 17.2.2, timer J, RFC 6026, timer L; RFC 3261 17.2.1, timer I.
local KEPT = { answered = 32, declined = 5 }
local HELD = 10000
local rounds = tonumber(arg[1]) or 2

local function missing(server)
  for _, need in ipairs(server.needs or {}) do
    if not os.execute("{ " .. need[1] .. "; } >/dev/null 2>&1") then
      return need[2]
    end
  end
end

local function command(server, kind)
  local of = server.command
  return type(of) == "string" and of or of[kind]
end

local function start(server, kind)
  return process.start(command(server, kind):format(process.PORT, kind))
end

local function load(server, kind, rate, count, repeated)
  return process.load(kind, rate, count,
    { connections = server.connections, repeated = repeated })
end

-- Others use the machine too: so many tries to have a run in which no more than
-- one call in a thousand was lost or repeated.
local TRIES = 3

local function clean(got)
  return got.calls - got.completed + got.repeated <= got.calls // 1000
end

-- What the load saw, if the server carries that rate.
local function carries(server, kind, rate)
  for _ = 1, rate == RATE and TRIES or 2 do
    local pid = start(server, kind)
    load(server, kind, 1000, 200)
    local got = load(server, kind, rate, rate, rate // 1000)
    process.stop(pid)
    if clean(got) then
      got.rate = rate
      return got
    end
  end
end

local function highest(server, kind)
  local best = carries(server, kind, RATE)
  for _, rate in ipairs(best and HIGHER or LOWER) do
    local got = carries(server, kind, rate)
    if (got == nil) ~= (best == nil) then
      return best or got
    end
    best = got
  end
  return best
end

local function measure(row)
  local server, kind, rate = row.server, row.kind, row.rate
  local kept = server.keeps and KEPT[kind] or 1
  local pid = start(server, kind)
  load(server, kind, math.max(rate, math.min(server.fill or rate, row.highest)),
    kept * rate)
  local before, got
  for _ = 1, TRIES do
    before = process.cpu(pid)
    got = load(server, kind, rate, rate * SECONDS)
    if clean(got) then
      break
    end
  end
  row.us[#row.us + 1] = (process.cpu(pid) - before) / got.calls / 1000
  row.mb[#row.mb + 1] = process.memory(pid)
  row.lost = row.lost + got.calls - got.completed
  row.repeated = row.repeated + got.repeated
  row.unexpected = row.unexpected + got.unexpected
  process.stop(pid)
end

local rows, absent = {}, {}
for _, kind in ipairs { "answered", "declined" } do
  for _, server in ipairs(peers) do
    local why = missing(server)
    local has = command(server, kind)
    local best = has and not why and highest(server, kind)
    if best then
      rows[#rows + 1] = { kind = kind, server = server, highest = best.rate,
        rate = math.min(RATE, best.rate), p99 = best.p99, us = {}, mb = {},
        lost = 0, repeated = 0, unexpected = 0 }
    elseif has then
      absent[#absent + 1] = ("%s, %s (%s)"):format(server.name, kind,
        why or ("less than %d/s"):format(LOWER[#LOWER]))
    end
  end
end
for round = 1, rounds do
  for _, row in ipairs(rows) do
    if round <= (row.server.rounds or rounds) then
      measure(row)
    end
  end
end

-- KB of a call that is held.
local pid = start(peers[1], "answered")
load(peers[1], "answered", 1000, 1000)
local before = process.memory(pid)
local held = load(peers[1], "held", 2000, HELD)
held.kb = (process.memory(pid) - before) * 1024 / HELD
process.stop(pid)

report { rows = rows, absent = absent, held = held, rounds = rounds,
  rate = RATE }
