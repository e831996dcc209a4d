-- While a negotiator takes in the answer to our offer (set_answer): the call
-- may end, and a negotiator that never returns keeps nothing waiting for ever.
local sip = require "sipsession"
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("while set_answer works", function()
  local w, media, told

  before_each(function()
    told = {}
    media = {
      get_answer = function()
        return Sdp.audio()
      end,
      get_offer = function()
        return Sdp.audio { version = 50 }
      end,
      set_answer = function(_, answer)
        told[#told + 1] = answer or "none"
        if media.delay then
          sip.sleep(media.delay)
        end
      end,
    }
    w = World.new { endpoint = { media = media, connect_timeout = 10 } }
  end)

  after_each(function()
    w.network:advance(1000) -- all have returned
    w:finish()
  end)

  -- An accept of an INVITE without an offer, acknowledged with an answer that
  -- takes so long to be taken in.
  local function settling(delay)
    w.endpoint:on("ended", function(_, record)
      w:note("ended %s %d", record.outcome, record.code)
    end)
    w:serve(function(session)
      local _, err = w:outcome(session:participate())
      w.text = tostring(err)
    end)
    media.delay = delay
    local call = w:invite { sdp = false }
    assert(call:wait(200))
    call:ack { sdp = Sdp.offer() }
    w.network:advance(1)
    assert.same({ Sdp.offer() }, told)
    return call, w.sessions[1]
  end

  it("a BYE is of a call whose ACK came", function()
    local call = settling(1000)
    call:bye()
    w.network:advance(0)
    assert.same({ "incoming>connecting none -",
      "connecting>disconnected terminated_remotely -",
      "accept operation_failure terminated_after_200", "ended connected 200" },
      w.log)
    assert.matches("before its answer was taken in", w.text, 1, true)
  end)

  it("so is our own", function()
    local call, session = settling(1000)
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(0)
    assert.same({ "incoming>connecting none -",
      "connecting>disconnected terminated_locally -",
      "accept operation_failure terminated", "ended connected 200" }, w.log)
  end)

  it("for 64*T1, the call is ended", function()
    local call = settling(1000)
    w.network:advance(30)
    assert.equal("connecting", w.sessions[1].state)
    w.network:advance(1.5)
    call:reply(assert(call:wait "BYE"), 200)
    assert.same({ "incoming>connecting none -",
      "connecting>disconnected not_acceptable_media -",
      "accept operation_failure media", "ended failed 200" }, w.log)
    w.network:advance(1000)
    assert.equal(4, #w.log)
  end)

  it("in time, the call goes on", function()
    settling(31)
    w.network:advance(60)
    assert.equal("accept ACK", w.log[#w.log])
    assert.equal("connected", w.sessions[1].state)
  end)

  -- Begins one of ours, whose negotiator takes too long.
  local function renegotiating(session)
    media.delay = 1000
    assert(session:renegotiate_async(function(...)
      w.done = table.pack(...)
    end))
  end

  local function failed()
    w.network:advance(31)
    assert.is_nil(w.done)
    w.network:advance(1.5)
    assert.same({ "operation_failure", "media" },
      { w.done[2].kind, w.done[2].reason })
    w.done = nil
  end

  it("of our re-INVITE for 64*T1, that has failed; the call goes on",
    function()
      local call, session = w:established()
      renegotiating(session)
      call:reply(assert(call:wait("INVITE", 1)), 200, { sdp = Sdp.offer() })
      failed()
      media.delay = nil
      call:reinvite { sdp = Sdp.offer { version = 2 } }
      assert(call:wait(200))
      call:ack()
      assert.equal("connected", session.state)
    end)

  it("no less than get_offer and get_answer", function()
    local call, session = w:established()
    local get_offer = media.get_offer
    function media.get_offer()
      sip.sleep(1000)
    end
    renegotiating(session)
    failed()
    assert.equal("connected", session.state)
    media.get_offer = get_offer
    assert(session:renegotiate_async({ offer = false }, function(...)
      w.done = table.pack(...)
    end))
    function media.get_answer()
      sip.sleep(1000)
    end
    call:reply(assert(call:wait("INVITE", 1)), 200, { sdp = Sdp.offer() })
    failed()
    call:reply(assert(call:wait "BYE"), 200)
  end)

  it("of our re-INVITE it is told of no answer, though theirs comes with it",
    function()
      local call, session = w:established()
      assert(session:renegotiate_async(function(...)
        w.done = table.pack(...)
      end))
      call:reply(assert(call:wait("INVITE", 1)), 200, {})
      call:reinvite { sdp = Sdp.offer { version = 2 } }
      w.network:advance(0)
      assert.same({ "none" }, told)
      assert.equal("media", w.done[2].reason)
      assert(call:wait(491))
      call:ack()
      call:reinvite { sdp = Sdp.offer { version = 3 } }
      assert(call:wait(200))
      call:ack()
    end)
end)
