-- The benchmark's server, driven from luv's loop so that each turn of it can be
-- timed: the CPU time that it took, from when there was something to do until
-- it waits again. The collector takes small steps. On SIGUSR1 it says how many
-- turns there were since the last; in us what 99.9 % of them took at most, the
-- worst, and the worst of those that had the processor all the time: of what
-- another took of it, some is counted as ours; then the KB that Lua has.
--
--   lua5.4 bench/scale_serve.lua port incremental|generational
package.path = "./lua/?.lua;" .. package.path

local sip = require "sipsession"
local uv = require "luv"

collectgarbage(arg[2])
if arg[2] == "incremental" then
  collectgarbage("incremental", 200, 1, 10)
end

local BUCKET, BUCKETS = 10, 100000 -- us, so that a second is the last
local ALONE = 100 -- us, by which a turn may last longer than its CPU time
local count, turns, worst, alone = {}, 0, 0, 0

local function note(us, lasted)
  local i = math.min(us // BUCKET, BUCKETS)
  count[i] = (count[i] or 0) + 1
  turns = turns + 1
  worst = math.max(worst, us)
  if lasted - us <= ALONE then
    alone = math.max(alone, us)
  end
end

-- us that so much of the turns took at most.
local function within(share)
  local left = turns * (1 - share)
  for i = BUCKETS, 0, -1 do
    left = left - (count[i] or 0)
    if left < 0 then
      return (i + 1) * BUCKET
    end
  end
  return 0
end

local run = sip.run
sip.run = function(mode)
  local began, cpu = uv.hrtime(), os.clock()
  local alive = run(mode)
  cpu = os.clock() - cpu
  note(math.floor(cpu * 1e6), (uv.hrtime() - began) // 1000)
  return alive
end

local signal = uv.new_signal()
signal:start("sigusr1", function()
  print(("turns=%d within=%d worst=%d alone=%d lua=%d"):format(turns,
    within(0.999), worst, alone, collectgarbage "count" // 1))
  count, turns, worst, alone = {}, 0, 0, 0
end)
io.stdout:setvbuf "line"

local endpoint = assert(sip.endpoint {
  listen = "udp:127.0.0.1:" .. arg[1],
  limits = { sessions = 1000000, transactions = 4000000 },
})
endpoint:on("session_received", function(session)
  local headers = { ["X-From"] = session.request:header "From" }
  session:progress(180)
  session:participate { headers = headers }
end)
require("sipsession.luv").attach()
uv.run()
