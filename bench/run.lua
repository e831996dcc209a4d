-- The benchmark: servers in turn, each in a fresh process on one core, the
-- load on the other, and what each call cost its server.
--
--   lua5.4 bench/run.lua [rounds]
--
-- CPU is what the kernel has accounted to all threads of all the server's
-- processes, to the nanosecond (schedstat). First comes the highest rate each
-- carries, coarsely; who carries less than RATE is measured at that. Meanwhile
-- the transactions of the calls that are held end (bench/hold.lua), and
-- instructions are counted (bench/count.lua). A server that keeps ended calls
-- has taken as many as it keeps at its rate before it is measured; then come
-- its answer times, at half of the highest rate. bench/report.lua says what
-- came of it.

package.path = "./?.lua;" .. package.path

local count = require "bench.count"
local hold = require "bench.hold"
local peers = require "bench.peers"
local process = require "bench.process"
local report = require "bench.report"

local RATE, SECONDS = 2000, 2
-- One of these is the highest rate; FIRST is tried first, and then it goes on
-- upwards, or from USUAL.
local RATES = { 250, 500, 1000, RATE, 5000, 7500, 10000, 15000, 20000 }
local FIRST, USUAL = 7, 4
local IN_TIME = 100000 -- us, 99 of 100 calls
-- s: RFC 3261 17.2.2, timer J, RFC 6026, timer L; RFC 3261 17.2.1, timer I.
local KEPT = { answered = 32, declined = 5 }
-- Answer times: ms between calls that begin together, since of many the last
-- waits for all the others; and so many seconds.
local TICK, TIMED = 1, 1
-- Calls in flight, one as soon as another ends, and for about how long.
local IN_FLIGHT, BUSY = 100, 0.5
local rounds = tonumber(arg[1]) or 3

local function missing(server)
  for _, need in ipairs(server.needs or {}) do
    if not os.execute("{ " .. need[1] .. "; } >/dev/null 2>&1") then
      return need[2]
    end
  end
end

local function load(row, rate, calls, options)
  options = options or {}
  options.connections = row.server.connections
  return process.load(row.kind, rate, calls, options)
end

-- Others use the machine too: so many tries to have a run in which no more than
-- one call in a thousand was lost or repeated.
local TRIES = 3

local function clean(got)
  return got.calls - got.completed + got.repeated <= got.calls // 1000
end

-- Of several tries the first clean one, or the last.
local function try(attempt)
  local got
  for _ = 1, TRIES do
    got = attempt()
    if clean(got) then
      break
    end
  end
  return got
end

-- Whether it carries that rate for a second, answering in time: else a queue
-- grows that nobody repeats anything for as yet. row.pid is the process that
-- has carried a lower rate, if any.
local function carries(row, rate)
  for _ = 1, rate == RATE and TRIES or 2 do
    row.pid = row.pid or process.start(row.command)
    local got = load(row, rate, rate, { repeated = rate // 1000 })
    if clean(got) and got.p99 < IN_TIME then
      return true
    end
    process.stop(row.pid)
    row.pid = nil
  end
end

local function highest(row)
  local at, too_much = FIRST, #RATES + 1
  if not carries(row, RATES[at]) then
    at, too_much = USUAL, FIRST
    while at > 0 and not carries(row, RATES[at]) do
      at, too_much = at - 1, at
    end
  end
  while at > 0 and at + 1 < too_much and carries(row, RATES[at + 1]) do
    at = at + 1
  end
  if row.pid then
    process.stop(row.pid)
  end
  return RATES[at]
end

-- Calls a second when there is always something to do.
local function busy(row)
  local pid = process.start(row.command)
  local got = try(function()
    return load(row, IN_FLIGHT, math.ceil(row.highest * BUSY),
      { in_flight = true })
  end)
  process.stop(pid)
  return clean(got) and got.persecond or nil
end

-- What to take before it is measured: at which rate, how many calls.
local function filling(row)
  local server, rate = row.server, row.rate
  return math.max(rate, math.min(server.fill or rate, row.highest)),
    (server.keeps and KEPT[row.kind] or 1) * rate
end

local function measure_times(row)
  local half = row.highest // 2
  local got = try(function()
    return load(row, half, half * TIMED, { tick = TICK })
  end)
  row.p50[#row.p50 + 1], row.p99[#row.p99 + 1] = got.p50, got.p99
end

local function measure(row)
  local pid = process.start(row.command)
  load(row, filling(row))
  local cpu, user, system, drops
  local got = try(function()
    cpu, drops = process.cpu(pid), process.drops(pid)
    user, system = process.ticks(pid)
    return load(row, row.rate, row.rate * SECONDS)
  end)
  local now_user, now_system = process.ticks(pid)
  row.us[#row.us + 1] = (process.cpu(pid) - cpu) / got.calls / 1000
  row.user, row.system = row.user + now_user - user,
    row.system + now_system - system
  local _, peak = process.memory(pid)
  row.mb[#row.mb + 1] = peak
  row.drops = row.drops + process.drops(pid) - drops
  row.lost = row.lost + got.calls - got.completed
  row.repeated = row.repeated + got.repeated
  row.unexpected = row.unexpected + got.unexpected
  if row.kind == "answered" and not row.server.connections then
    measure_times(row)
  end
  process.stop(pid)
end

local function new_row(server, kind)
  return { server = server, kind = kind,
    command = peers.command(server, kind, process.PORT), us = {}, mb = {},
    p50 = {}, p99 = {}, user = 0, system = 0, lost = 0, repeated = 0,
    unexpected = 0, drops = 0 }
end

local rows, absent, why, holding = {}, {}, {}, {}
for _, server in ipairs(peers) do
  why[server] = missing(server)
  if server.holds and not why[server] then
    holding[#holding + 1] = server
  end
end

local function search(kind)
  for _, server in ipairs(peers) do
    local row = new_row(server, kind)
    row.highest = row.command and not why[server] and highest(row)
    if row.highest then
      row.rate = math.min(server.rate or RATE, row.highest)
      row.busy = busy(row)
      rows[#rows + 1] = row
    elseif row.command then
      absent[#absent + 1] = ("%s, %s (%s)"):format(server.name, kind,
        why[server] or ("less than %d/s"):format(RATES[1]))
    end
  end
end

local function instructions()
  local got, program = {}, count.program()
  local uncounted = not program and "it isn't the release build"
    or count.why_not()
  for _, kind in ipairs { "answered", "declined" } do
    got[kind] = not uncounted and count.instructions(program, kind) or nil
  end
  if uncounted then
    absent[#absent + 1] = ("instructions (%s)"):format(uncounted)
  end
  return got
end

local _ <close> = process.all
search "answered"
local held = hold.begin(holding)
search "declined"
local counted = instructions()
hold.finish(held)
for round = 1, rounds do
  for _, row in ipairs(rows) do
    if round <= (row.server.rounds or rounds) then
      measure(row)
    end
  end
end
report { rows = rows, absent = absent, held = held, rounds = rounds,
  rate = RATE, instructions = counted }
