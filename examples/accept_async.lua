-- Accepts every call with a callback instead of waiting for the ACK, and gives
-- a real answer to the offered audio.
local sip = require "sipsession"

local audio = { port = 40000, codecs = { "PCMU", "PCMA", "telephone-event" } }

local media = {
  get_answer = function(_, offer) -- nil: no codec in common, the call gets 488
    return sip.sdp.answer(offer, { address = "127.0.0.1", audio = audio })
  end,
  get_offer = function() -- the INVITE came without an offer
    return sip.sdp.offer { address = "127.0.0.1", audio = audio }
  end,
}

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    session.media = media
    local going, err = session:participate_async(function(ack, failed)
      if ack then
        print("connected " .. session.call_id)
      else
        print("not answered: " .. tostring(failed))
      end
    end)
    print(going and "answering " .. session.call_id or tostring(err))
  end)
end

if arg and arg[0]:find "accept_async%.lua$" then -- as a script
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  sip.run()
end

return attach
