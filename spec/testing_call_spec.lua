-- The calls of the testing kit, to a scripted peer and to an endpoint.
local sip = require "sipsession"
local testing = require "sipsession.testing"

local function count(messages, code)
  local n = 0
  for _, message in ipairs(messages) do
    n = n + (message.code == code and 1 or 0)
  end
  return n
end

describe("call to a scripted peer", function()
  local network, caller, callee

  before_each(function()
    network = testing.network { seed = 255 }
    caller = network:peer "udp:10.0.0.2:5060"
    callee = network:peer "udp:10.0.0.1:5060"
  end)

  after_each(function()
    network:close()
  end)

  local function same(one, other, ...)
    for _, name in ipairs { ... } do
      assert.same(one:headers(name), other:headers(name), name)
    end
  end

  it("sends a whole INVITE", function()
    caller:invite { to = "sip:desk@10.0.0.1" }
    local invite = assert(callee:receive())
    assert.equal("INVITE", invite.method)
    assert.equal("sip:desk@10.0.0.1", invite.uri)
    assert.equal("<sip:desk@10.0.0.1>", invite:header "To")
    assert.matches("^<sip:caller@10.0.0.2>;tag=.", invite:header "From")
    assert.equal("<sip:caller@10.0.0.2:5060>", invite:header "Contact")
    assert.matches("^SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bK.",
      invite:header "Via")
    assert.equal("1 INVITE", invite:header "CSeq")
    assert.equal("70", invite:header "Max-Forwards")
    assert.equal("0", invite:header "Content-Length")
    assert.same({}, invite:headers "Content-Type")
  end)

  it("sends the INVITE that it is told to", function()
    caller:invite {
      to = '"D" <sip:desk@10.0.0.1:5060;x=y>;a=b', from = "<sip:a@b>;tag=t",
      call_id = "id", branch = "z9hG4bKown", cseq = 9, contact = "sip:c@d",
      request_uri = "sip:other@10.0.0.1", sdp = "v=0\r\n", transport = "TCP",
      headers = { Route = { "<sip:r;lr>" }, ["Max-Forwards"] = 3 },
    }
    assert.equal(table.concat({
      "INVITE sip:other@10.0.0.1 SIP/2.0",
      "Via: SIP/2.0/TCP 10.0.0.2:5060;rport;branch=z9hG4bKown",
      "Max-Forwards: 3",
      "From: <sip:a@b>;tag=t",
      'To: "D" <sip:desk@10.0.0.1:5060;x=y>;a=b',
      "Call-ID: id",
      "CSeq: 9 INVITE",
      "Contact: <sip:c@d>",
      "Content-Type: application/sdp",
      "Content-Length: 5",
      "Route: <sip:r;lr>",
      "", "v=0", "",
    }, "\r\n"), tostring(callee:receive()))
  end)

  it("leaves out what an old caller doesn't have", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", branch = false,
      from_tag = false, contact = false }
    local invite = assert(callee:receive())
    assert.same({}, invite:headers "Contact")
    assert.equal("SIP/2.0/UDP 10.0.0.2:5060;rport", invite:header "Via")
    assert.equal("<sip:caller@10.0.0.2>", invite:header "From")
    callee:reply(invite, 486)
    assert(call:wait(486))
    assert.equal(invite:header "Via", call:ack():header "Via")
  end)

  it("cancels with the headers of the INVITE", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", cseq = 5,
      headers = { Route = "<sip:r;lr>", ["X-A"] = "1" } }
    local invite = assert(callee:receive())
    call:cancel { Reason = "why" }
    local cancel = assert(callee:receive())
    assert.equal("CANCEL", cancel.method)
    assert.equal(invite.uri, cancel.uri)
    same(invite, cancel, "Via", "From", "To", "Call-ID", "Route")
    assert.equal("5 CANCEL", cancel:header "CSeq")
    assert.equal("why", cancel:header "Reason")
    assert.is_nil(cancel:header "X-A")
  end)

  it("acknowledges a refusal within the transaction", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1",
      headers = { Route = "<sip:r;lr>" } }
    local invite = assert(callee:receive())
    callee:reply(invite, 486, { Contact = "<sip:elsewhere@10.0.0.9>" })
    local refusal = assert(call:wait(486))
    call:ack()
    local ack = assert(callee:receive())
    assert.equal("ACK", ack.method)
    assert.equal(invite.uri, ack.uri)
    same(invite, ack, "Via", "From", "Call-ID", "Route")
    same(refusal, ack, "To")
    assert.equal("1 ACK", ack:header "CSeq")
    assert.is_nil(ack:header "Contact")
  end)

  it("acknowledges an answer, and a second one, in a dialog", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    local invite = assert(callee:receive())
    callee:reply(invite, 180, { ["Record-Route"] = "<sip:old;lr>" })
    callee:reply(invite, 200, {
      Contact = "<sip:target@10.0.0.1:5090>",
      ["Record-Route"] = "<sip:p1;lr>, <sip:p2;lr>",
    })
    local answer = assert(call:wait(200))
    call:ack { sdp = "v=0\r\n" }
    local ack = assert(callee:receive())
    assert.equal("sip:target@10.0.0.1:5090", ack.uri)
    assert.not_equal(invite:header "Via", ack:header "Via")
    same(answer, ack, "From", "To", "Call-ID")
    assert.same({ "<sip:p2;lr>", "<sip:p1;lr>" }, ack:headers "Route")
    assert.equal("1 ACK", ack:header "CSeq")
    assert.equal("v=0\r\n", ack.body)
    assert.equal("application/sdp", ack:header "Content-Type")

    call:request("INVITE", { sdp = "v=0\r\n" })
    local again = assert(callee:receive())
    assert.equal("2 INVITE", again:header "CSeq")
    callee:reply(again, 488)
    assert(call:wait(488))
    call:ack()
    ack = assert(callee:receive())
    assert.equal("2 ACK", ack:header "CSeq")
    same(again, ack, "Via")

    call:bye()
    local bye = assert(callee:receive())
    assert.equal("3 BYE", bye:header "CSeq")
    assert.equal("sip:target@10.0.0.1:5090", bye.uri)
    same(answer, bye, "From", "To", "Call-ID")
  end)

  it("has nothing to acknowledge before a final response", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    callee:reply(assert(callee:receive()), 180)
    assert(call:wait(180))
    local ok, err = pcall(function()
      call:ack()
    end)
    assert.is_false(ok)
    assert.matches("testing_call_spec.lua.*no final response", err)
  end)

  it("tells the answer to a BYE from a late answer to the INVITE", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    local invite = assert(callee:receive())
    callee:reply(invite, 200)
    assert(call:wait(200))
    callee:reply(invite, 200)
    callee:reply(invite, 200)
    assert(call:wait(200))
    call:ack()
    assert(callee:receive())
    call:bye()
    network:advance(1)
    assert.is_nil(call:wait(200, 1))
    callee:reply(assert(callee:receive()), 200)
    assert.equal("2 BYE", assert(call:wait(200)):header "CSeq")
    assert.equal(3, #call.responses)
  end)

  it("knows its messages by their branch, or else their Call-ID", function()
    local one = caller:invite { to = "sip:desk@10.0.0.1", call_id = "c" }
    local other = caller:invite { to = "sip:desk@10.0.0.1", call_id = "c" }
    local first, second = callee:receive(), callee:receive()
    callee:reply(second, 482)
    callee:reply(first, 180)
    assert(one:wait(180))
    assert(other:wait(482))
    assert.equal(1, #one.responses)
    assert.equal(1, #other.responses)
  end)

  it("repeats the last request, or the last with a method", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    local invite = assert(callee:receive())
    callee:reply(invite, 200)
    assert(call:wait(200))
    call:ack()
    local ack = assert(callee:receive())
    call:retransmit()
    assert.equal(tostring(invite), tostring(callee:receive()))
    call:retransmit "ACK"
    assert.equal(tostring(ack), tostring(callee:receive()))
    call:bye()
    local bye = assert(callee:receive())
    call:retransmit()
    assert.equal(tostring(bye), tostring(callee:receive()))
  end)
end)

describe("call", function()
  local network, endpoint, caller

  local function on_call(fn)
    endpoint:on("session_received", fn)
  end

  before_each(function()
    network = testing.network { seed = 7 }
    endpoint = assert(sip.endpoint {
      listen = { "udp:10.0.0.1:5060", "tcp:10.0.0.1:5060" },
      network = network,
    })
    caller = network:peer "udp:10.0.0.2:5060"
  end)

  after_each(function()
    endpoint:close()
    network:advance(80)
    for name, n in pairs(network:leftovers()) do
      assert.equal(0, n, name)
    end
    network:close()
  end)

  it("is answered, acknowledged and hung up", function()
    local states = {}
    on_call(function(session)
      session:on("state_changed", function(_, change)
        states[#states + 1] = change.state
      end)
      session:participate { headers = { ["X-Desk"] = "3" } }
    end)
    local call = caller:invite {
      to = '"The Desk" <sip:desk@10.0.0.1>', from = "sip:ann@example.com",
      headers = { Subject = "tea", ["X-List"] = { "1", "2" } },
    }
    local ok = assert(call:wait(200))
    assert.equal("3", ok:header "X-Desk")
    call:ack()
    call:bye { ["X-Bye"] = "so long" }
    local bye = assert(call:wait(200))
    assert.matches("BYE", bye:header "CSeq")
    network:advance(0)
    assert.same({ "connecting", "connected", "disconnected" }, states)
    assert.equal(1, count(call.responses, 200))
    assert.is_number(call.responses[1].time)
  end)

  it("sends the headers that it is given, and none it is told not to",
    function()
      local request
      on_call(function(session)
        request = session.request
        session:reject(486)
      end)
      local call = caller:invite {
        to = "sip:desk@10.0.0.1", call_id = "own", cseq = 41,
        headers = { { "x-a", 1 }, { "X-A", 2 }, { "m", "<sip:c@10.0.0.2>" },
          { "Max-Forwards", false } },
        sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\n"
          .. "c=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
      }
      assert(call:wait(486))
      call:ack()
      assert.same({ "1", "2" }, request:headers "X-A")
      assert.same({ "<sip:c@10.0.0.2>" }, request:headers "Contact")
      assert.same({}, request:headers "Max-Forwards")
      assert.equal("41 INVITE", request:header "CSeq")
      assert.equal("application/sdp", request.content_type)
      assert.matches("^v=0", request.body)
    end)

  it("is refused, and repeated until the ACK", function()
    on_call(function(session)
      session:reject(486)
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(486))
    network:advance(1)
    assert.equal(2, count(call.responses, 486))
    call:ack()
    network:advance(10)
    assert.equal(2, count(call.responses, 486))
  end)

  it("is cancelled", function()
    on_call(function(session)
      session:progress()
      sip.sleep(5)
      session:participate()
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(180))
    call:cancel { Reason = "SIP;cause=200" }
    local ok = assert(call:wait(200))
    assert.equal("1 CANCEL", ok:header "CSeq")
    assert.equal("1 INVITE", assert(call:wait(487)):header "CSeq")
    call:ack()
    network:advance(10)
    assert.equal(1, count(call.responses, 487))
    assert.equal(0, count(call.responses, 200))
  end)

  it("repeats its last request byte by byte", function()
    local received = 0
    on_call(function(session)
      received = received + 1
      session:progress()
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(180))
    call:retransmit()
    assert(call:wait(180))
    assert.equal(1, received)
    call:cancel()
    assert(call:wait(487))
    call:ack()
    call:retransmit()
    assert(call:wait(200))
  end)

  it("waits for a request and can answer it", function()
    on_call(function(session)
      if session:participate() then
        session:terminate { ["X-Why"] = "enough" }
      end
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(200))
    call:ack()
    local bye = assert(call:wait "BYE")
    assert.equal("enough", bye:header "X-Why")
    assert.is_true(call:reply(bye, 200))
    assert.is_nil(call:wait("BYE", 10))
  end)

  it("leaves a BYE unanswered unless it is told to", function()
    on_call(function(session)
      if session:participate() then
        session:terminate()
      end
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(200))
    call:ack()
    assert(call:wait "BYE")
    assert(call:wait "BYE") -- again: nobody answered the first
  end)

  it("does what a phone does when it is auto", function()
    local ended
    on_call(function(session)
      session:on("state_changed", function(_, change)
        ended = change.state == "disconnected" and change.reason
      end)
      if session:participate() then
        session:terminate()
      end
    end)
    local phone = network:peer("udp:10.0.0.3:5060", { auto = true })
    local call = phone:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait "BYE")
    assert.is_nil(call:wait("BYE", 10))
    assert.equal("terminated_locally", ended)
  end)

  it("says what came instead of what it waited for", function()
    on_call(function(session)
      session:reject(404)
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    local message, why = call:wait(200, 0.1)
    assert.is_nil(message)
    assert.equal("no 200 came; the call got: 404 (1 INVITE)", why)
    call:ack()
  end)

  it("hands out what came in order, each message once", function()
    on_call(function(session)
      session:progress(183)
      session:progress(180)
      session:reject(603)
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(603))
    assert.equal(183, assert(call:wait(183)).code)
    assert.equal(180, assert(call:wait(180)).code)
    assert.is_nil(call:wait(183, 0))
    call:ack()
    call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert.equal(183, assert(call:wait()).code)
    assert.equal(180, assert(call:wait()).code)
    assert.equal(603, assert(caller:receive()).code)
    assert.is_nil(call:wait(603, 0.1))
    call:ack()
  end)

  it("follows the Contact and the route set of the answer", function()
    local answer = caller:invite {
      to = "sip:desk@10.0.0.1",
      headers = { ["Record-Route"] = { "<sip:p1.example.com;lr>",
        "<sip:p2.example.com;lr>" } },
    }
    on_call(function(session)
      session:participate()
    end)
    local ok = assert(answer:wait(200))
    local contact = ok:header "Contact":match "<([^>]*)>"
    local ack = answer:ack()
    assert.equal(contact, ack.uri)
    assert.same({ "<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>" },
      ack:headers "Route")
    assert.not_equal(ok:header "Via", ack:header "Via")
    assert.equal(ok:header "To", ack:header "To")
    assert.equal(contact, answer:bye().uri)
    assert(answer:wait(200))
  end)

  it("answers the offer in a 200 in its ACK, unless told not to", function()
    local ended
    on_call(function(session)
      session:on("state_changed", function(_, change)
        ended = change.state == "disconnected" and change.reason
      end)
      session:participate()
    end)
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert.matches("m=audio", assert(call:wait(200)).body)
    assert.matches("m=audio 40000", call:ack().body)
    assert.is_nil(call:wait("BYE", 10))
    assert.is_false(ended)
    call:bye()
    assert(call:wait(200))

    call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(200))
    assert.is_nil(call:ack { sdp = false }.body)
    call:reply(assert(call:wait "BYE"), 200)
  end)

  it("goes over a stream", function()
    on_call(function(session)
      session:participate()
    end)
    local phone = network:peer "tcp:10.0.0.2:5060"
    local call = phone:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(200))
    call:ack()
    call:bye()
    assert(call:wait(200))
    phone:shut()
  end)

  it("can't be waited for in a handler", function()
    local failure
    local call
    on_call(function(session)
      local ok, err = pcall(call.wait, call, 200)
      failure = not ok and tostring(err)
      session:reject(486)
    end)
    call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(486))
    call:ack()
    assert.is_string(failure)
  end)

  it("survives heavy losses", function()
    on_call(function(session)
      session:participate()
    end)
    network:impair { loss = 0.4, duplicate = 0.1, reorder = 0.1,
      delay = 0.01 }
    local answered = 0
    for _ = 1, 20 do
      local call = caller:invite { to = "sip:desk@10.0.0.1" }
      for _ = 1, 7 do
        if call:wait(200, 0.5) then
          answered = answered + 1
          break
        end
        call:retransmit()
      end
    end
    assert.is_true(answered >= 18)
    network:impair()
  end)
end)
