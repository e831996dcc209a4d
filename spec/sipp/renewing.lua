-- Takes every call with real audio. What the caller renews is answered by the
-- library; a call to "renew" is renewed by us in every way, and ended.
local sip = require "sipsession"

local AUDIO = { port = 40000, codecs = { "PCMU", "PCMA" } }

local function renew(session)
  assert(session:hold())
  assert(session.held)
  assert(session:resume())
  assert(session:renegotiate { offer = false })
  assert(session:renegotiate { method = "UPDATE" })
  session:terminate()
end

return function(endpoint)
  endpoint:on("session_received", function(session)
    local answer =
      sip.sdp.answer(session.offer, { address = "127.0.0.1", audio = AUDIO })
    if session:participate { sdp = answer }
      and session.request_uri:find "^sip:renew@" then
      renew(session)
    end
  end)
end
