-- Accepts every call and says how it went: straight-line code in a handler.
-- Run it and call sip:anything@127.0.0.1, or give it another address to listen
-- on: lua5.4 examples/accept.lua udp:192.0.2.1:5060
local sip = require "sipsession"

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    local ack, err = session:participate() -- sends the 200, waits for the ACK
    if not ack then
      print("not answered: " .. tostring(err))
      return
    end
    print("connected with " .. session.remote_participant.uri)
  end)
end

if arg and arg[0]:find "accept%.lua$" then -- as a script, not from a spec
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  sip.run()
end

return attach
