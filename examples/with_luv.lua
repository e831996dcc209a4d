-- sipsession beside luv in one script: luv's loop drives both. A luv timer
-- says every ten seconds how many calls there are; SIGINT ends it.
local sip = require "sipsession"
local uv = require "luv"
local driver = require "sipsession.luv"

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    local ack, err = session:participate()
    print(ack and "connected " .. session.call_id or tostring(err))
  end)
end

if arg and arg[0]:find "with_luv%.lua$" then -- as a script, not from a spec
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  driver.attach()

  local timer, interrupt = uv.new_timer(), uv.new_signal()
  timer:start(10000, 10000, function()
    print(("%d calls"):format(endpoint.sessions))
  end)
  interrupt:start("sigint", function()
    endpoint:close() -- hangs up; the loop ends when that is done
    timer:close()
    interrupt:close()
  end)
  uv.run()
end

return attach
