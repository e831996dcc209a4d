-- What a user agent server must do, rows B15 to B25, B34 and B38: requests
-- within dialogs and look-alikes (RFC 3261 8.2.2.2, 12, 14, 15; RFC 5407).
local World = require "support.world"

describe("dialogs", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("B15 a merged request gets 482, the script is called once", function()
    w = World.new()
    w:serve()
    local call = w:invite { from_tag = "same", call_id = "same" }
    w.network:advance(0)
    w:invite { from_tag = "same", call_id = "same" }
    w.network:advance(0.1)
    assert.same({ "482 INVITE" }, w:names())
    assert.equal(1, #w.sessions)
    assert.equal(1, w.endpoint:stats().refused_merged)
    w.network:advance(40)
    w.sessions[1]:reject(486)
    w.caller.calls.same = call
    w.network:advance(0)
    call:cancel()
    w.network:advance(0)
    assert.equal("200 CANCEL", w:names()[#w:names()])
  end)

  it("B15 in the same batch, too", function()
    w = World.new()
    w:serve()
    w:invite { from_tag = "same", call_id = "same" }
    w:invite { from_tag = "same", call_id = "same" }
    w.network:advance(0.1)
    assert.same({ "482 INVITE" }, w:names())
    assert.equal(1, #w.sessions)
  end)

  it("B16 a To tag that nobody gave out: 481, whatever the method", function()
    w = World.new()
    w:serve()
    for _, method in ipairs { "INVITE", "BYE", "OPTIONS", "INFO", "PRACK",
      "UPDATE" } do
      assert.same({ "481 " .. method },
        w:ask(method, { To = "<sip:desk@10.0.0.1>;tag=nobody" }))
    end
    assert.same({}, w:ask("ACK", { To = "<sip:desk@10.0.0.1>;tag=nobody" }))
    assert.same({ "481 BYE" }, w:ask "BYE")
    assert.equal(0, #w.sessions)
  end)

  it("B16 another dialog's tags: 481, and that dialog stands", function()
    w = World.new()
    local call, session = w:established()
    for name, value in pairs {
      From = "<sip:caller@10.0.0.2>;tag=other", ["Call-ID"] = "other",
      To = "<sip:desk@10.0.0.1>;tag=other",
    } do
      call:request("BYE", { headers = { [name] = value } })
      w.network:advance(0)
      assert.equal("481 BYE", w:names()[#w:names()], name)
    end
    assert.equal("connected", session.state)
  end)

  it("B17 stray ACKs and responses are not answered", function()
    w = World.new()
    w:serve()
    assert.same({}, w:ask("ACK", nil, 1))
    for _, line in ipairs { "SIP/2.0 200 OK", "SIP/2.0 180 Ringing",
      "SIP/2.0 487 Request Terminated" } do
      for _, via in ipairs { "10.0.0.1:5060", "255.255.255.255", "10.0.0.9" }
      do
        assert.same({}, w:ask("INVITE", {
          line = line, Via = "SIP/2.0/UDP " .. via .. ";branch=z9hG4bKx",
        }, 1))
        assert.same({}, w:ask("INVITE", {
          line = line,
          Via = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKy,"
            .. "SIP/2.0/UDP " .. via .. ";branch=z9hG4bKx",
        }, 1))
      end
    end
    assert.equal(18, w.endpoint:stats().stray_responses)
    assert.equal(1, w.endpoint:stats().stray_acks)
    assert.equal(0, #w.sessions)
    w:probe()
  end)

  it("B18 BYE in the early dialog: 200, and 487 to the INVITE", function()
    w = World.new()
    w:serve(function(session)
      session:progress()
    end)
    local call = w:invite()
    assert(call:wait(180))
    call:bye()
    assert(call:wait(200))
    w.network:advance(0.1)
    assert.same({ "180 INVITE", "200 BYE", "487 INVITE" }, w:names())
    call:ack()
    w.network:advance(1)
    assert.same({ "incoming>disconnected terminated_remotely 487" }, w.log)
  end)

  it("B19 BYE before the ACK: 200, no more repeats, a late ACK is nothing",
    function()
      w = World.new()
      w:accepting "in a handler"
      local call = w:invite()
      w.network:advance(0.6)
      call:bye()
      w.network:advance(10)
      call:ack()
      w.network:advance(40)
      assert.same({ "200 INVITE", "200 INVITE", "200 BYE" }, w:names())
      assert.equal("accept operation_failure terminated_after_200", w.log[3])
      assert.equal(3, #w.log)
    end)

  it("B20 BYE crossing ours: both get 200, one end", function()
    w = World.new()
    local call, session = w:established()
    w.network:impair { delay = 0.05 }
    session:terminate()
    call:bye()
    call:reply(assert(call:wait "BYE"), 200)
    assert(call:wait(200))
    w.network:advance(20)
    assert.same({ "BYE", "200 BYE" }, w:names(2))
    assert.equal(4, #w.log)
  end)

  it("B21 BYE twice: the same again, or 481", function()
    w = World.new()
    local call = w:established()
    call:bye()
    w.network:advance(1)
    call:retransmit()
    w.network:advance(1)
    assert.same({ "200 BYE", "200 BYE" }, w:names(2))
    w:identical "200 BYE"
    call:bye()
    w.network:advance(1)
    assert.equal("481 BYE", w:names()[4])
    w.network:advance(40)
    call:bye()
    w.network:advance(1)
    assert.equal("481 BYE", w:names()[5])
    assert.equal(4, #w.log)
  end)

  it("B22 a CSeq lower than the last: 500, and nothing happens", function()
    w = World.new()
    local call, session = w:established { cseq = 10 }
    call:request("OPTIONS", { cseq = 20 })
    assert(call:wait(200))
    call:request("BYE", { cseq = 15 })
    assert(call:wait(500))
    assert.equal("connected", session.state)
    call:request("BYE", { cseq = 21 })
    assert(call:wait(200))
    w.network:advance(0)
    assert.equal("disconnected", session.state)
  end)

  it("B23 a re-INVITE before the first is answered: 500, Retry-After",
    function()
      w = World.new()
      w:serve(function(session)
        session:progress()
      end)
      local call = w:invite()
      assert(call:wait(180))
      for _ = 1, 20 do
        call:request("INVITE", { sdp = World.OFFER })
        local response = assert(call:wait(500))
        local after = assert(math.tointeger(response:header "Retry-After"))
        assert.is_true(after >= 0 and after <= 10)
        call:ack()
      end
      assert.equal(1, #w.sessions)
      assert.equal("incoming", w.sessions[1].state)
      w.sessions[1]:reject(486)
      w.network:advance(0)
    end)

  it("B23 a re-INVITE between the 200 and its ACK: 491", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:request("INVITE", { sdp = World.OFFER })
    assert(call:wait(491))
    call:ack()
    assert.equal("connecting", w.sessions[1].state)
    call:request("ACK", { cseq = 1 })
    w.network:advance(1)
    assert.equal("connected", w.sessions[1].state)
  end)

  it("B24 a re-INVITE crossing our BYE: 481", function()
    w = World.new()
    local call, session = w:established()
    session:terminate()
    call:request("INVITE", { sdp = World.OFFER })
    assert(call:wait(481))
    call:ack()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(5)
    assert.equal(4, #w.log)
  end)

  it("B25 a re-INVITE is declined and the call stands", function()
    w = World.new()
    local call, session = w:established()
    session.media = { get_answer = function() end }
    call:request("INVITE", { sdp = World.OFFER })
    assert(call:wait(488))
    call:ack()
    w.network:advance(10)
    assert.equal("connected", session.state)
    assert.equal(1, w:count "488 INVITE")
    assert.equal(3, #w.log)
    call:bye()
    assert(call:wait(200))
  end)

  it("B34 an INVITE without an offer gets ours in the 200", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite { sdp = false }
    local ok = assert(call:wait(200))
    assert.equal("application/sdp", ok.content_type)
    assert.matches("^v=0\r\n", ok.body)
    call:ack { sdp = World.ANSWER }
    w.network:advance(1)
    assert.equal("accept ACK", w.log[#w.log])
  end)

  it("B34 an ACK without the answer ends the call", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite { sdp = false }
    assert(call:wait(200))
    call:ack { sdp = false }
    call:reply(assert(call:wait("BYE", 1)), 200)
    w.network:advance(1)
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected not_acceptable_media -",
      "accept operation_failure media",
    }, w.log)
  end)

  it("B38 a loose route: copied in order, and our BYE follows it", function()
    w = World.new()
    local proxy = w.network:peer "udp:10.0.0.7:5060"
    local routes = { "<sip:10.0.0.7;lr>", "<sip:p2.example.com;lr>;x=1",
      "<sip:p3.example.com;lr>" }
    w:serve(function(session)
      session:progress()
      session:participate()
      session:terminate()
    end)
    local call = w:invite { headers = {
      { "Record-Route", routes[1] .. ", " .. routes[2] },
      { "Record-Route", routes[3] },
    } }
    local all = table.concat(routes, ", ")
    for _, code in ipairs { 180, 200 } do
      assert.equal(all, table.concat(
        assert(call:wait(code)):headers "Record-Route", ", "))
    end
    call:ack()
    local bye = assert(proxy:receive(1))
    assert.equal("sip:caller@10.0.0.2:5060", bye.uri)
    assert.equal(all, table.concat(bye:headers "Route", ", "))
    proxy:reply(bye, 200)
  end)

  it("B35 Session-Expires below our Min-SE gets 422 and the Min-SE", function()
    w = World.new { endpoint = { session_timer = { minimum = 300 } } }
    w:serve()
    local call = w:invite { headers = {
      Supported = "timer", ["Session-Expires"] = "299",
    } }
    assert.equal("300", assert(call:wait(422)):header "Min-SE")
    call:ack()
    assert.equal(0, #w.sessions)
  end)

  it("B35 without a refresh a BYE goes shortly before it expires", function()
    w = World.new()
    local call = w:established { headers = {
      Supported = "timer", ["Session-Expires"] = "300;refresher=uac",
    } }
    w.network:advance(267)
    assert.equal(0, w:count "BYE")
    call:reply(assert(call:wait("BYE", 1)), 200)
    w.network:advance(0)
    assert.equal("connected>disconnected session_timer_expired -",
      w.log[#w.log])
  end)

  it("B38 a strict route: it is the Request-URI, the target goes last",
    function()
      w = World.new()
      local proxy = w.network:peer "udp:10.0.0.7:5060"
      w:serve(function(session)
        session:participate()
        session:terminate()
      end)
      local call = w:invite { headers = { ["Record-Route"] =
        { "<sip:10.0.0.7>", "<sip:p2.example.com;lr>" } } }
      assert(call:wait(200))
      call:ack()
      local bye = assert(proxy:receive(1))
      assert.equal("sip:10.0.0.7", bye.uri)
      assert.equal("<sip:p2.example.com;lr>, <sip:caller@10.0.0.2:5060>",
        table.concat(bye:headers "Route", ", "))
      proxy:reply(bye, 200)
    end)

  it("B38 refusals carry no Record-Route", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    local call = w:invite { headers = { ["Record-Route"] =
      "<sip:10.0.0.7;lr>" } }
    assert.same({}, assert(call:wait(486)):headers "Record-Route")
    call:ack()
  end)

  it("B38 our BYE goes to the Contact, with rising CSeq and own Via",
    function()
      w = World.new()
      local phone = w.network:peer "udp:10.0.0.3:6060"
      local _, session = w:established {
        contact = "<sip:phone@10.0.0.3:6060;x=y>",
      }
      session:terminate()
      local bye = assert(phone:receive(1))
      assert.equal("sip:phone@10.0.0.3:6060;x=y", bye.uri)
      assert.matches("^SIP/2%.0/UDP 10%.0%.0%.1:5060;.*branch=z9hG4bK",
        bye:header "Via")
      assert.matches("^%d+ BYE$", bye:header "CSeq")
      assert.equal("70", bye:header "Max-Forwards")
      phone:reply(bye, 200)
      w.network:advance(1)
      assert.equal(1, w:count "BYE")
    end)
end)
