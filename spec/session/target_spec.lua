-- The remote target, and who renews it (RFC 3261 12.2, RFC 6141 4): where our
-- requests go after a re-INVITE, an UPDATE, and ours.
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("the remote target:", function()
  local w, phone

  after_each(function()
    w:finish()
  end)

  local function connected(options)
    w = World.new(options)
    w:accepting("async", { sdp = Sdp.audio() })
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    return call, w.sessions[1]
  end

  -- Its final response, acknowledged.
  local function answered(call, options, code)
    call:reinvite(options)
    local response = assert(call:wait(code or 200, 5))
    call:ack()
    w.network:advance(0)
    return response
  end

  local function moved(options)
    local call, session = connected(options)
    phone = w.network:peer "udp:10.0.0.3:6060"
    return call, session
  end

  it("our requests go to the Contact that it had", function()
    local call, session = moved()
    answered(call, { sdp = Sdp.offer(),
      contact = "<sip:phone@10.0.0.3:6060;x=y>" })
    session:hold_async(function() end)
    local invite = assert(phone:receive(1))
    assert.equal("sip:phone@10.0.0.3:6060;x=y", invite.uri)
    phone:reply(invite, 200, { Contact = "<sip:again@10.0.0.3:6060>" },
      Sdp.offer())
    local ack = assert(phone:receive(1))
    assert.equal("ACK", ack.method)
    assert.equal("sip:again@10.0.0.3:6060", ack.uri)
    session:terminate()
    local bye = assert(phone:receive(1))
    assert.equal("sip:again@10.0.0.3:6060", bye.uri)
    phone:reply(bye, 200)
  end)

  it("UPDATE does, with an offer and without", function()
    local call, session = moved()
    call:update { contact = "<sip:one@10.0.0.3:6060>" }
    assert(call:wait(200))
    session:send_async("INFO", function() end)
    local info = assert(phone:receive(1))
    assert.equal("sip:one@10.0.0.3:6060", info.uri)
    phone:reply(info, 200)
    call:update { contact = "<sip:two@10.0.0.3:6060>", sdp = Sdp.offer() }
    assert(call:wait(200))
    session:terminate()
    local bye = assert(phone:receive(1))
    assert.equal("sip:two@10.0.0.3:6060", bye.uri)
    phone:reply(bye, 200)
  end)

  it("not one that failed, and no other request", function()
    local call, session = moved()
    local contact = "<sip:phone@10.0.0.3:6060>"
    answered(call, { sdp = "junk", contact = contact }, 488)
    call:update { sdp = "junk", contact = contact }
    assert(call:wait(488))
    call:request("INFO", { contact = contact })
    assert(call:wait(200))
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
    assert.is_nil(phone:receive(1))
  end)

  it("a Contact that is none, or no SIP URI, is passed over", function()
    local call, session = moved()
    for _, contact in ipairs { "<tel:1>", "*", "<>", "<sip:>" } do
      call:reinvite { sdp = Sdp.offer(),
        headers = { Contact = contact } }
      w.network:advance(0)
      call:ack()
      w.network:advance(0)
    end
    answered(call, { sdp = Sdp.offer(), contact = false })
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
  end)

  it("over TCP with the connection lost in between", function()
    local call, session = moved { protocol = "tcp" }
    w.caller:shut()
    w.network:advance(1)
    answered(call, { sdp = Sdp.offer() }) -- a new connection
    w.caller:shut()
    w.network:advance(1)
    session:terminate()
    local bye = assert(call:wait("BYE", 1)) -- and one of ours
    assert.equal("sip:caller@10.0.0.2:5060;transport=tcp", bye.uri)
    call:reply(bye, 200)
    w.network:advance(1)
  end)

  it("a caller behind a NAT is found where it was heard from last",
    function()
      w = World.new()
      w:accepting("async", { sdp = Sdp.audio() })
      local contact = "<sip:me@192.168.1.9:5070>"
      local via = "SIP/2.0/UDP 192.168.1.9:5070;rport;branch="
      local call = w:invite { contact = contact,
        headers = { Via = via .. "z9hG4bKn1" } }
      assert(call:wait(200))
      call:ack()
      w.network:advance(0)
      local session = w.sessions[1]
      session:hold_async(function() end)
      local invite = assert(call:wait("INVITE", 1))
      assert.equal("sip:me@192.168.1.9:5070", invite.uri)
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait("ACK", 1))
      local moved_to = w.network:peer "udp:10.0.0.4:7000"
      moved_to.tag = call.from:match "tag=(.*)"
      moved_to:send(w:request("UPDATE", {
        From = call.from, To = call.to, ["Call-ID"] = call.id,
        CSeq = "5 UPDATE", Contact = contact, Via = via .. "z9hG4bKn2",
      }), "udp:10.0.0.1:5060")
      assert.equal(200, assert(moved_to:receive(1)).code)
      session:terminate()
      local bye = assert(moved_to:receive(1))
      assert.equal("sip:me@192.168.1.9:5070", bye.uri)
      moved_to:reply(bye, 200)
    end)

  it("with Record-Route changes no route (RFC 3261 12.2)", function()
    local call, session = connected()
    answered(call, { sdp = Sdp.offer(),
      headers = { ["Record-Route"] = "<sip:10.0.0.77;lr>" } })
    session:terminate()
    local bye = assert(call:wait "BYE")
    assert.is_nil(bye:header "Route")
    call:reply(bye, 200)
  end)
end)
