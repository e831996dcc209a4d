-- The life of a call in the testing kit: PRACK, re-INVITE and UPDATE both
-- ways, and what an `auto` peer does about them.
local sip = require "sipsession"
local testing = require "sipsession.testing"

local function description(port, version, direction)
  return table.concat({
    "v=0", ("o=- 9 %d IN IP4 10.0.0.1"):format(version or 1), "s=-",
    "c=IN IP4 10.0.0.1", "t=0 0", ("m=audio %d RTP/AVP 0"):format(port),
    "a=" .. (direction or "sendrecv"), "",
  }, "\r\n")
end

local OFFER = description(6000)

describe("a call in the testing kit", function()
  local network, caller, callee

  before_each(function()
    network = testing.network { seed = 31 }
    caller = network:peer "udp:10.0.0.2:5060"
    callee = network:peer "udp:10.0.0.1:5060"
  end)

  after_each(function()
    network:close()
  end)

  local RELIABLE = { Require = "100rel", Contact = "<sip:callee@10.0.0.1>" }

  -- Sends a reliable provisional.
  local function ring(invite, rseq, options)
    local headers = { RSeq = rseq }
    for name, value in pairs(RELIABLE) do
      headers[name] = value
    end
    options = options or {}
    options.headers = headers
    callee:reply(invite, 183, options)
  end

  local function begin(options)
    options = options or {}
    options.to = "sip:desk@10.0.0.1"
    local call = caller:invite(options)
    return call, assert(callee:receive())
  end

  -- A call that was answered, and its INVITE.
  local function established(options)
    local call, invite = begin(options)
    callee:reply(invite, 200, { ["Contact"] = "<sip:callee@10.0.0.1>" })
    assert(call:wait(200))
    if not call.auto then
      call:ack()
    end
    assert.equal("ACK", assert(callee:receive()).method)
    return call, invite
  end

  -- The callee sends a request in the dialog.
  local function send(call, method, body, contact)
    network.sent = (network.sent or 0) + 1
    local lines = {
      method .. " sip:caller@10.0.0.2 SIP/2.0",
      "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKcallee" .. network.sent,
      "From: " .. call.to, "To: " .. call.from, "Call-ID: " .. call.id,
      ("CSeq: %d %s"):format(network.sent, method), "Max-Forwards: 70",
      contact and "Contact: " .. contact or "X-No: contact",
      "Content-Length: " .. #(body or ""),
      body and "Content-Type: application/sdp; x=y" or "X-No: type",
      "", body or "",
    }
    callee:send(table.concat(lines, "\r\n"), "udp:10.0.0.2:5060")
  end

  describe("acknowledges reliable provisionals", function()
    it("with their RSeq and the CSeq of the INVITE", function()
      local call, invite = begin { cseq = 5 }
      ring(invite, 77)
      local ringing = assert(call:wait(183))
      assert.equal("PRACK", assert(call:prack()).method)
      local prack = assert(callee:receive())
      assert.equal("PRACK", prack.method)
      assert.equal("77 5 INVITE", prack:header "RAck")
      assert.equal("6 PRACK", prack:header "CSeq")
      assert.equal("sip:callee@10.0.0.1", prack.uri)
      assert.equal(ringing:header "To", prack:header "To")
      assert.is_nil(prack:header "Contact")
      assert.not_equal(invite:header "Via", prack:header "Via")
      callee:reply(prack, 200)
      assert.equal("6 PRACK", assert(call:wait(200)):header "CSeq")
      callee:reply(invite, 200)
      assert.equal("5 INVITE", assert(call:wait(200)):header "CSeq")
      assert.equal("5 ACK", call:ack():header "CSeq")
      assert.equal("7 BYE", call:bye():header "CSeq")
    end)

    it("by default the last, or the one it is told to", function()
      local call, invite = begin()
      ring(invite, 1)
      ring(invite, 2)
      callee:reply(invite, 180)
      local first = assert(call:wait(183))
      assert(call:wait(180))
      assert.equal("2 1 INVITE", call:prack():header "RAck")
      assert.equal("1 1 INVITE", call:prack(first):header "RAck")
      local other = call:prack(first, { cseq = 40, headers = { RAck = "x" } })
      assert.equal("x", other:header "RAck")
      assert.equal("40 PRACK", other:header "CSeq")
      assert.equal("2 1 INVITE",
        call:prack({ headers = { ["X-A"] = "b" } }):header "RAck")
    end)

    it("only when there are any", function()
      local call, invite = begin()
      callee:reply(invite, 180)
      local ringing = assert(call:wait(180))
      for _, response in ipairs { false, ringing } do
        local ok, err = pcall(function()
          call:prack(response or nil)
        end)
        assert.is_false(ok)
        assert.matches("testing_dialog_spec.lua.*no reliable provisional", err)
      end
    end)

    it("with an answer to their offer, and no other in the ACK", function()
      local call, invite = begin()
      ring(invite, 1, { sdp = OFFER })
      assert(call:wait(183))
      assert.matches("m=audio 40000 RTP/AVP 0", call:prack().body)
      callee:reply(invite, 200, { sdp = OFFER })
      assert(call:wait(200))
      assert.is_nil(call:ack().body)
      assert.equal("PRACK", callee:receive().method)
      assert.equal("ACK", callee:receive().method)

      call, invite = begin()
      ring(invite, 1, { sdp = OFFER })
      assert(call:wait(183))
      assert.is_nil(call:prack({ sdp = false }).body)
      assert.equal("own", call:prack({ sdp = "own" }).body)
    end)
  end)

  it("re-INVITEs and UPDATEs", function()
    local call = established { sdp = OFFER }
    call:reinvite { sdp = "v=0\r\n", headers = { ["X-A"] = "1" } }
    local again = assert(callee:receive())
    assert.equal("2 INVITE", again:header "CSeq")
    assert.equal("v=0\r\n", again.body)
    assert.equal("1", again:header "X-A")
    assert.equal("<sip:caller@10.0.0.2:5060>", again:header "Contact")
    callee:reply(again, 200)
    assert(call:wait(200))
    assert.equal("2 ACK", call:ack():header "CSeq")
    assert(callee:receive())

    call:update()
    local update = assert(callee:receive())
    assert.equal("UPDATE", update.method)
    assert.equal("3 UPDATE", update:header "CSeq")
    assert.is_nil(update.body)
    callee:reply(update, 200, { Contact = "<sip:moved@10.0.0.1>" })
    assert(call:wait(200))
    assert.equal("sip:moved@10.0.0.1", call:bye().uri)
  end)

  describe("answers", function()
    local call

    before_each(function()
      call = established { sdp = OFFER }
    end)

    it("with headers, as ever", function()
      send(call, "INFO")
      call:reply(assert(call:wait "INFO"), 200, { { "X-A", "1" },
        { "Reason", "SIP" } })
      local ok = assert(callee:receive())
      assert.equal("1", ok:header "X-A")
      assert.equal("SIP", ok:header "Reason")
      assert.is_nil(ok:header "Contact")
      assert.is_nil(ok.body)
    end)

    it("a re-INVITE with a description and its Contact", function()
      send(call, "INVITE", OFFER, "<sip:new@10.0.0.1>")
      local invite = assert(call:wait "INVITE")
      call:reply(invite, 180)
      assert.equal("sip:callee@10.0.0.1", call.target)
      call:reply(invite, 200, { sdp = "v=0\r\n", reason = "Fine" })
      assert.equal(call.contact,
        assert(callee:receive()):header "Contact")
      local ok = assert(callee:receive())
      assert.equal("Fine", ok.reason)
      assert.equal("v=0\r\n", ok.body)
      assert.equal("application/sdp", ok.content_type)
      assert.same({ call.contact }, ok:headers "Contact")
      assert.equal("sip:new@10.0.0.1", call:bye().uri)
    end)

    it("an UPDATE, where it refuses without following", function()
      send(call, "UPDATE", OFFER, "<sip:new@10.0.0.1>")
      call:reply(assert(call:wait "UPDATE"), 488, { ["X-A"] = "1" })
      local no = assert(callee:receive())
      assert.is_nil(no:header "Contact")
      assert.equal("sip:callee@10.0.0.1", call:bye().uri)
    end)

    it("with a body of another kind, or a description apart", function()
      send(call, "MESSAGE")
      local message = assert(call:wait "MESSAGE")
      call:reply(message, 202, { body = "hi", content_type = "text/plain",
        headers = { ["X-A"] = "1" }, contact = "sip:own@10.0.0.2" })
      local ok = assert(callee:receive())
      assert.equal("hi", ok.body)
      assert.equal("text/plain", ok.content_type)
      assert.equal("1", ok:header "X-A")
      assert.equal("<sip:own@10.0.0.2>", ok:header "Contact")
      caller:reply(message, 200, { ["X-A"] = "2" }, "v=0\r\n")
      ok = assert(callee:receive())
      assert.equal("2", ok:header "X-A")
      assert.equal("v=0\r\n", ok.body)
      call:reply(message, 200, { body = "plain" })
      assert.equal("plain", assert(callee:receive()).body)
      call:reply(message, 200, nil, "v=1\r\n")
      assert.equal("v=1\r\n", assert(callee:receive()).body)
    end)

    it("not with what it doesn't know", function()
      send(call, "MESSAGE")
      local message = assert(call:wait "MESSAGE")
      for _, options in ipairs { { sdp = "x", code = 1 }, "text" } do
        local ok, err = pcall(function()
          call:reply(message, 200, options)
        end)
        assert.is_false(ok)
        assert.matches("testing_dialog_spec.lua.*reply: ", err)
      end
    end)
  end)

  describe("when it is auto", function()
    local call, invite

    local function call_established(options)
      options.auto = true
      call, invite = established(options)
    end

    -- What it answers to that request.
    local function answer(method, body)
      send(call, method, body, "<sip:callee@10.0.0.1>")
      return assert(callee:receive())
    end

    it("accepts offers", function()
      call_established { sdp = OFFER }
      for _, method in ipairs { "INVITE", "UPDATE" } do
        local ok = answer(method, description(7000, 2, "sendonly"))
        assert.equal(200, ok.code)
        assert.matches("m=audio 40000 RTP/AVP 0\r\n", ok.body)
        assert.matches("a=recvonly\r\n", ok.body)
        assert.equal(call.contact, ok:header "Contact")
      end
    end)

    it("raises the version when it says something else", function()
      call_established { sdp = description(7000, 4) }
      local function version(direction)
        return (answer("UPDATE", description(7000, 2, direction)).body
          :match "o=%- (9 %d+) ")
      end
      assert.equal("9 5", version "sendonly")
      assert.equal("9 5", version "sendonly")
      assert.equal("9 6", version "sendrecv")
    end)

    it("offers where it is asked for an offer, and only then", function()
      call_established { sdp = OFFER }
      assert.equal(OFFER, answer("INVITE").body)
      assert.is_nil(answer("UPDATE").body)
      call_established {}
      assert.matches("m=audio 40000 RTP/AVP 0 8", answer("INVITE").body)
    end)

    it("refuses what it can't accept, and the call stands", function()
      call_established { sdp = OFFER }
      assert.equal(488, answer("INVITE", "v=0\r\n").code)
      assert.equal(488, answer("UPDATE", "junk").code)
      assert.equal(200, answer("INFO", "junk").code)
    end)

    local function begin_auto(options)
      options.auto = true
      call, invite = begin(options)
    end

    -- What came from it within a second, CSeq and RAck.
    local function came()
      local list = {}
      for message in function() return callee:receive(1) end do
        list[#list + 1] = ("%s %s"):format(message:header "CSeq",
          message:header "RAck" or "-")
      end
      return list
    end

    it("acknowledges reliable provisionals in order", function()
      begin_auto { sdp = OFFER }
      ring(invite, 10)
      assert.same({ "2 PRACK 10 1 INVITE" }, came())
      ring(invite, 12)
      assert.same({}, came())
      ring(invite, 11)
      ring(invite, 12)
      assert.same({ "3 PRACK 11 1 INVITE", "4 PRACK 12 1 INVITE" }, came())
      callee:reply(invite, 180, { RSeq = 13 })
      assert.same({}, came())
    end)

    it("repeats its PRACK for a repeated one", function()
      begin_auto { sdp = OFFER }
      ring(invite, 1)
      local first = assert(callee:receive())
      ring(invite, 1)
      assert.equal(tostring(first), tostring(assert(callee:receive())))
    end)

    it("shows its script no answers to what that hasn't sent", function()
      begin_auto {}
      ring(invite, 1, { sdp = OFFER })
      local prack = assert(callee:receive())
      assert.matches("m=audio 40000", prack.body)
      callee:reply(prack, 200)
      callee:reply(invite, 200)
      assert.equal("1 INVITE", assert(call:wait(200)):header "CSeq")
      local ack = assert(callee:receive())
      assert.equal("1 ACK", ack:header "CSeq")
      assert.is_nil(ack.body)
      assert.is_nil(caller:receive(1))
      call:retransmit()
      assert.equal(tostring(invite), tostring(assert(callee:receive())))
    end)
  end)
end)

describe("a call of the testing kit with an endpoint", function()
  it("is renegotiated from its side", function()
    local network <close> = testing.network { seed = 32 }
    local endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
    })
    endpoint:on("session_received", function(session)
      session:participate()
    end)
    local caller = network:peer "udp:10.0.0.2:5060"
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER }
    assert(call:wait(200))
    call:ack()
    call:reinvite { sdp = description(6000, 2, "sendonly") }
    local ok = assert(call:wait(200))
    assert.equal("2 INVITE", ok:header "CSeq")
    assert.matches("m=audio", ok.body)
    call:ack()
    call:update { sdp = description(6000, 3) }
    assert.equal("3 UPDATE", assert(call:wait(200)):header "CSeq")
    call:bye()
    assert(call:wait(200))
    endpoint:close()
    network:advance(80)
    for name, n in pairs(network:leftovers()) do
      assert.equal(0, n, name)
    end
  end)
end)
