-- An example as a server under test, in a process of its own:
--
--   lua5.4 spec/support/answering.lua SCRIPT ADDRESS STATE
--
-- SCRIPT is one of examples/, which answers the calls. Four times a second the
-- file STATE is written anew: the endpoint's counters, how its calls ended,
-- memory, `name value` in each line. Once there is a file STATE.hangup, calls
-- that are there still are ended; with STATE.stop the endpoint is closed, and
-- when nothing at all is left, "nothing left" is printed.
local sip = require "sipsession"

local script, address, state = table.unpack(arg)
local endpoint = assert(sip.endpoint { listen = address })
local outcomes, live, errors = {}, {}, 0

endpoint:on("session_received", function(session)
  live[session] = true
  session:on("state_changed", function(_, change)
    if change.state == "disconnected" then
      live[session] = nil
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

local function told_to(what)
  local file = io.open(state .. "." .. what)
  return file and file:close()
end

sip.spawn(function()
  repeat
    write_state()
    sip.sleep(0.25)
    if told_to "hangup" then
      os.remove(state .. ".hangup")
      for session in pairs(live) do
        session:terminate()
      end
    end
  until told_to "stop"
  endpoint:close()
end)

print("listening on " .. endpoint.addresses[1])
io.stdout:flush()
sip.run()
assert(not sip.timeout())
print "nothing left"
