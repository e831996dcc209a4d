-- `make sipp`: SIPp's own `uac` scenario against examples/accept.lua, first
-- over a network that loses nothing, then over one that loses datagrams in
-- both directions. Says how the calls ended, on both sides, what was left after
-- the transactions' timers, and memory before and after. Exit status 0: no
-- failed call without loss, and nothing left with or without.
--
--   lua5.4 tools/sipp.lua [calls [rate [loss [seed]]]]     20000 500 0.3 1

package.path = "./lua/?.lua;./spec/?.lua;" .. package.path
local sipp = require "support.sipp"

local calls = tonumber(arg[1]) or 20000
local rate = tonumber(arg[2]) or 500
local loss = tonumber(arg[3]) or 0.3
local seed = math.tointeger(tonumber(arg[4])) or 1

local function line(name, value)
  print(("  %-34s %s"):format(name, value))
end

local function report(result)
  local seen, before, after = result.calls, result.before, result.after
  line("sipp: calls", seen["TotalCallCreated"])
  line("sipp: successful", seen["SuccessfulCall(C)"])
  line("sipp: failed", seen["FailedCall(C)"])
  line("sipp: unexpected messages", seen["FailedUnexpectedMessage(C)"])
  line("sipp: retransmissions", seen["Retransmissions(C)"])
  local names = {}
  for name in pairs(after) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local n = after[name] - (before[name] or 0)
    if n ~= 0 and not name:find "_kb$" and not name:find "^alive" then
      line("server: " .. name, n)
    end
  end
  local relay = result.relay
  if relay then
    line("lost on the way to the server", relay.lost.to_server)
    line("lost on the way to sipp", relay.lost.to_client)
    line("calls that sipp forgot", result.forgotten)
  end
  for _, what in ipairs { "sessions", "lingering", "dialogs", "transactions" }
  do
    line("left: " .. what, after["alive_" .. what])
  end
  line("left: timers, sockets", result.clean and "none" or "SOME")
  line("resident, kB", ("%d before, %d after"):format(before.rss_kb,
    after.rss_kb))
  line("Lua's part, kB", ("%d before, %d after"):format(before.lua_kb,
    after.lua_kb))
end

io.stdout:setvbuf "line"
local good = true

local function run(title, options)
  options.calls, options.rate, options.warm = calls, rate, calls
  options.limit = math.ceil(calls / rate) + 90
  print(title)
  local result = sipp.run(options)
  report(result)
  local failed = result.calls["FailedCall(C)"] > 0
    or result.after.calls_connected - result.before.calls_connected < calls
  if failed and not options.loss then
    print "  FAILED: calls did"
    good = false
  end
  if result.left or not result.clean or result.after.handler_errors > 0 then
    print "  FAILED: something was left, or a handler has failed"
    good = false
  end
end

print(("Each run follows one of the same size that warms the server up, so "
  .. "that memory\ncan be compared: %d calls at %d/s."):format(calls, rate))
run("Without loss:", {})
run(("With %g %% of the datagrams lost in each direction, seed %d:")
  -- 64*T1 for the ACK, as long for the BYE's answer, and for its transaction
  :format(loss * 100, seed), { loss = loss, seed = seed, settle = 110 })
os.exit(good)
