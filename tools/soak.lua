-- Mixed calls over a network in memory that loses, doubles and reorders, for a
-- given time or number of calls: `make soak`.
--
--   lua5.4 tools/soak.lua [seconds] [calls] [seed]
--
-- Rounds of calls with callers of every kind (soak_calls.lua). After each the
-- clock goes on until nothing may be left, and network:leftovers() has to be
-- zero; each call must end once, in a way that fits it. After a quarter of the
-- run, no less than ten rounds, Lua's memory, the process's, its descriptors
-- and the registry may grow no more.

package.path = "./lua/?.lua;./tools/?.lua;" .. package.path
package.cpath = (os.getenv "SIPSESSION_BUILD" or ".") .. "/?.so;"
  .. package.cpath

local sip = require "sipsession"
local testing = require "sipsession.testing"
local calls = require "soak_calls"

local seconds, most, seed = tonumber(arg[1]) or 60, tonumber(arg[2]),
  tonumber(arg[3]) or 1
local ROUND = 50  -- calls that begin within SPREAD seconds of virtual time
local SPREAD = 20
local REST = 140  -- longer than a call and all its timers
-- What the measured values may gain over the first part of the run: the
-- collector and the C library have some slack, a leak has none.
local SLACK = { lua = 64, rss = 4096, descriptors = 0, registry = 16 }

local function fail(text, ...)
  io.stderr:write("soak: ", text:format(...), "\n")
  os.exit(1)
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function count(pairs_of)
  local n = 0
  for _ in pairs(pairs_of) do
    n = n + 1
  end
  return n
end

-- io.popen has its other end of the pipe open for a moment yet, which a pause
-- lets pass.
local function descriptors_after(pause)
  local pipe = io.popen(("sleep %g; ls /proc/$PPID/fd | wc -l"):format(pause))
  local n = tonumber(pipe:read "a")
  pipe:close()
  return n
end

local function measure()
  collectgarbage()
  collectgarbage()
  return {
    lua = collectgarbage "count", -- KB
    rss = tonumber(read("/proc/self/status"):match "VmRSS:%s*(%d+)"),
    descriptors = descriptors_after(0),
    registry = count(debug.getregistry()),
  }
end

local network = testing.network { seed = seed, trace = false }
local endpoint = assert(sip.endpoint {
  listen = { "udp:10.0.0.1:5060", "tcp:10.0.0.1:5060" },
  network = network,
  connect_timeout = 15,
  accept = { "application/sdp", "text/plain" },
})
local soak = calls.new(network, endpoint, seed)

local function rest()
  network:impair {}
  network:advance(REST)
  for what, n in pairs(network:leftovers()) do
    if n ~= 0 then
      fail("%d %s left over after %d calls", n, what, soak.began)
    end
  end
end

local function round()
  local loss = soak.random() * 0.2
  network:impair {
    loss = loss, duplicate = loss / 2, reorder = loss, delay = 0.01,
  }
  soak:round(ROUND, SPREAD)
  network:advance(SPREAD + 40)
  soak:hang_up()
  rest()
  local trouble = soak:check()
  if trouble then
    fail("%s", trouble)
  end
end

local began, rounds, base, last = os.time(), 0, nil, nil
local function share() -- of the run that is behind us
  if most then
    return soak.began / most
  end
  return (os.time() - began) / seconds
end

while share() < 1 do
  round()
  rounds = rounds + 1
  last = measure()
  if share() < 0.25 or rounds <= 10 then
    base = base or last
    for what, value in pairs(last) do
      base[what] = math.max(base[what], value)
    end
  else
    if last.descriptors > base.descriptors then
      last.descriptors = descriptors_after(0.5)
    end
    for what, slack in pairs(SLACK) do
      if last[what] > base[what] + slack then
        fail("%s has grown from %.0f to %.0f (%d calls)", what, base[what],
          last[what], soak.began)
      end
    end
  end
end

for _, line in ipairs(soak:report()) do
  print(line)
end
print(("%d calls, %.1f hours of virtual time, %d s; Lua %.0f KB, process "
  .. "%.0f KB, %d descriptors"):format(soak.began, network:time() / 3600,
  os.time() - began, last.lua, last.rss, last.descriptors))
local missing = soak:missing()
if missing then
  fail("never happened: %s", missing)
end
endpoint:close()
network:advance(1)
network:close()
