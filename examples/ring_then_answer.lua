-- Rings for two seconds, then answers, and hangs up ten seconds later. The
-- caller may cancel at any moment: the accept says so.
local sip = require "sipsession"

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    session:progress(sip.code.RINGING)
    sip.sleep(2) -- only this call waits
    local ack, err = session:participate()
    if not ack then
      print(err.reason == "cancelled" and "the caller gave up"
        or tostring(err))
      return
    end
    print("answered " .. session.remote_participant.uri)
    sip.sleep(10)
    session:terminate { Reason = 'Q.850;cause=16;text="enough"' }
  end)
end

if arg and arg[0]:find "ring_then_answer%.lua$" then -- as a script
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  sip.run()
end

return attach
