-- A Contact may come with "?headers" in its URI, though in a dialog it must
-- not (RFC 3261 19.1.1). They went into the Request-URI of what we sent
-- within the call, where they make the request malformed.
local World = require "support.world"

describe("a Contact whose URI has headers", function()
  it("is a remote target without them", function()
    local w = World.new()
    w.endpoint:on("session_received", function(session)
      session:participate { sdp = World.ANSWER }
      session:terminate()
    end)
    local call = w.caller:invite {
      to = "sip:desk@10.0.0.1", sdp = World.OFFER,
      headers = { Contact = "<sip:a@10.0.0.2?Subject=x&Route=%3Csip:b%3E>" },
    }
    assert(call:wait(200))
    call:ack()
    local bye = assert(call:wait "BYE")
    assert.equal("sip:a@10.0.0.2", bye.uri)
    w:finish()
  end)
end)
