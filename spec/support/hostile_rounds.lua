-- Every hostile message over UDP, again and again, in a process that does
-- nothing else: what it costs in memory. After each round nothing is alive.
local World = require "support.world"
local ROWS = require "support.hostile_messages".rows

local function resident()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open "/proc/self/statm")
  local pages = file:read "a":match "^%d+ (%d+)"
  file:close()
  return collectgarbage "count", tonumber(pages) * 4
end

local function round(w)
  for _, row in ipairs(ROWS) do
    local bytes = w:request(row[2])
    w.caller:send(row[3] and row[3](bytes) or bytes, "udp:10.0.0.1:5060")
  end
  w.network:advance(70)
  w.network.log = {} -- what the kit keeps
  w.caller.inbox, w.caller.cursor = {}, 0
  for name, left in pairs(w.network:leftovers()) do
    assert(left == 0, name)
  end
end

-- By how many KB Lua's memory, and the process, have grown in `n` rounds after
-- so many others.
return function(others, n)
  local w = World.new()
  w.endpoint:on("session_received", function(session)
    session:reject(486)
  end)
  for _ = 1, others do
    round(w)
  end
  local lua, all = resident()
  for _ = 1, n do
    round(w)
  end
  local lua_after, all_after = resident()
  assert(w.endpoint:stats().messages_in >= (others + n) * #ROWS)
  w:probe()
  w:finish()
  return lua_after - lua, all_after - all
end
