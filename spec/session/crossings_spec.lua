-- Races of BYE and ACK: crossing, early, late, lost, repeated (RFC 5407 3).
-- Those of CANCEL are in races_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

describe("BYE", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("crosses our BYE: both get 200, one end is told", function()
    w = World.new()
    local call, session = w:established()
    w.network:impair { delay = 0.01 }
    session:terminate()
    call:bye()
    local theirs = assert(call:wait "BYE")
    call:reply(theirs, 200)
    assert(call:wait(200))
    w.network:advance(10)
    assert.same({ "BYE", "200 BYE" }, { w:names()[2], w:names()[3] })
    assert.equal(3, #w:names())
    assert.same({
      "incoming>connecting none -",
      "connecting>connected none 200",
      "accept ACK",
      "connected>disconnected terminated_locally -",
    }, w.log)
  end)

  it("early, while it rings: 200, and 487 to the INVITE", function()
    w = World.new()
    w:serve(function(session)
      session:progress()
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(180))
    call:bye()
    w.network:advance(0.1)
    assert.same({ "180 INVITE", "200 BYE", "487 INVITE" }, w:names())
    w.network:advance(2)
    call:ack()
    assert.same({
      "incoming>disconnected terminated_remotely 487",
      "accept invalid_operation cancelled",
    }, w.log)
  end)

  it("early, while an accept is pending: its end", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    } } }
    w:serve(function(session)
      session:progress()
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(180))
    call:bye()
    assert(call:wait(487))
    call:ack()
    w.network:advance(5)
    assert.same({ 487 }, w:finals())
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_remotely 487",
      "accept operation_failure cancelled",
    }, w.log)
  end)

  it("in the batch of the ACK: connected, then ended", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    call:bye()
    w.network:advance(1)
    assert.same({
      "incoming>connecting none -",
      "connecting>connected none 200",
      "connected>disconnected terminated_remotely -",
      "accept ACK", -- pending, so it comes all the same
    }, w.log)
  end)

  it("with the ACK behind it: the late ACK is ignored", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    local ok = call.responses[1]
    call:bye()
    w.network:advance(0.1)
    assert.equal(200, ok.code)
    local n = #w.log
    call:ack { cseq = 1 }
    call:ack { cseq = 1 }
    w.network:advance(5)
    assert.equal(n, #w.log)
    assert.same({ "200 INVITE", "200 BYE" }, w:names())
  end)

  it("answers our BYE that nobody answers: the end comes anyway", function()
    w = World.new()
    local _, session = w:established()
    session:terminate()
    w.network:advance(31.9)
    assert.same({ 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500,
      31500 }, w:times "BYE")
    w:identical "BYE"
    w.network:advance(0.2)
    local left = w.network:leftovers()
    assert.equal(0, left.dialogs)
    assert.equal(0, left.sessions)
  end)

  it("with a wrong answer to ours is over all the same", function()
    w = World.new()
    local call, session = w:established()
    session:terminate()
    call:reply(assert(call:wait "BYE"), 481)
    w.network:advance(10)
    assert.same({ 0 }, w:times "BYE")
    assert.equal(0, w.network:leftovers().dialogs)
  end)
end)

describe("ACK", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("late, but within 64*T1, connects", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    w.network:advance(31.9)
    call:ack()
    w.network:advance(40)
    assert.equal(11, w:count "200 INVITE")
    assert.equal(0, w:count "BYE")
    assert.equal("accept ACK", w.log[#w.log])
  end)

  it("too late changes nothing", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    local bye = assert(call:wait "BYE")
    call:ack()
    w.network:advance(0.1)
    call:reply(bye, 200)
    w.network:advance(10)
    assert.equal("accept operation_timeout -", w.log[#w.log])
    assert.equal(3, #w.log)
    assert.same({ 32000 }, w:times "BYE")
  end)

  it("again and again connects once", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    for _ = 1, 3 do
      call:ack()
      call:retransmit "ACK"
    end
    w.network:advance(5)
    assert.equal(3, #w.log)
    assert.same({ "200 INVITE" }, w:names())
  end)

  it("with another CSeq or tag isn't it", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:ack { cseq = 2 }
    call:ack { headers = { From = "<sip:caller@10.0.0.2>;tag=other" } }
    call:ack { headers = { To = "<sip:desk@10.0.0.1>;tag=other" } }
    call:ack { headers = { To = "<sip:desk@10.0.0.1>" } }
    call:ack { headers = { ["Call-ID"] = "other" } }
    w.network:advance(0.1)
    assert.equal("connecting", w.sessions[1].state)
    assert.equal(5, w.endpoint:stats().stray_acks)
    call:ack()
    w.network:advance(0.1)
    assert.equal("connected", w.sessions[1].state)
  end)

  it("lost: the 200 comes again and the next ACK connects", function()
    w = World.new()
    w:accepting "in a handler"
    local lost = 0
    w.network:drop(function(message)
      lost = lost + (message.method == "ACK" and 1 or 0)
      return message.method == "ACK" and lost <= 2
    end)
    local call = w:invite { auto = true }
    w.network:advance(10)
    assert.same({ 0, 500, 1500 }, w:times "200 INVITE")
    assert.equal("accept ACK", w.log[#w.log])
    assert.equal(3, #call.responses)
  end)
end)
