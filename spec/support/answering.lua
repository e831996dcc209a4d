-- An example as a server under test, in a process of its own:
--
--   lua5.4 spec/support/answering.lua SCRIPT ADDRESS STATE
--
-- SCRIPT is one of examples/, which answers the calls. Four times a second the
-- file STATE is written anew: the endpoint's counters, how its calls ended,
-- memory, `name value` in each line. Once there is a file STATE.stop the
-- endpoint is closed; when nothing at all is left, "nothing left" is printed.
local sip = require "sipsession"

local script, address, state = table.unpack(arg)
local endpoint = assert(sip.endpoint { listen = address })
local outcomes, errors = {}, 0

endpoint:on("session_received", function(session)
  session:on("state_changed", function(_, change)
    if change.state == "disconnected" then
      local name = ("ended_%s_%s"):format(change.previous, change.reason)
      outcomes[name] = (outcomes[name] or 0) + 1
    end
  end)
end)
endpoint:on("error", function(err)
  errors = errors + 1
  io.stderr:write(tostring(err), "\n")
end)
dofile(script)(endpoint)

local function resident() -- in kB
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s*(%d+)"
    if kb then
      return tonumber(kb)
    end
  end
end

local function write_state()
  collectgarbage()
  local all = { handler_errors = errors, rss_kb = resident(),
    lua_kb = math.ceil(collectgarbage "count") }
  local stats = endpoint:stats()
  for name, n in pairs(stats.alive) do
    all["alive_" .. name] = n
  end
  stats.alive = nil
  for _, counts in ipairs { stats, outcomes } do
    for name, n in pairs(counts) do
      all[name] = n
    end
  end
  local file = assert(io.open(state .. ".new", "w"))
  for name, n in pairs(all) do
    file:write(("%s %d\n"):format(name, n))
  end
  file:close()
  os.rename(state .. ".new", state)
end

sip.spawn(function()
  repeat
    write_state()
    sip.sleep(0.25)
    local stop = io.open(state .. ".stop")
  until stop
  endpoint:close()
end)

print("listening on " .. endpoint.addresses[1])
io.stdout:flush()
sip.run()
assert(not sip.timeout())
print "nothing left"
