-- Declines every call: with 488 and headers that say why; a call to "sales"
-- is sent to somebody else instead.
local sip = require "sipsession"

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    if session.request_uri:find "^sip:sales@" then
      session:redirect("sip:sales@branch.example.com")
      return
    end
    session:reject(sip.code.NOT_ACCEPTABLE_HERE, {
      Warning = '399 desk.example.com "no audio device"',
      ["X-Reason"] = "headset unplugged",
    })
  end)
end

if arg and arg[0]:find "decline%.lua$" then -- as a script, not from a spec
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  sip.run()
end

return attach
