-- The offer in a reliable provisional, where the INVITE had none (RFC 3262 5):
-- who makes it, and the answer in its PRACK. Answers are in
-- reliable_media_spec.lua.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED, REQUIRED = reliable.SUPPORTED, reliable.REQUIRED
local acknowledge, hear = reliable.acknowledge, reliable.hear
local theirs = reliable.theirs

describe("reliable offer", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function invite(offer, headers)
    return w:invite { headers = headers or SUPPORTED, sdp = offer }
  end

  -- A negotiator that notes what it is asked.
  local function negotiator(more)
    local media = {
      get_answer = function(_, offer)
        w:note("get_answer %s", offer:match "o=%- %d+ (%d+)")
        return World.ANSWER
      end,
      get_offer = function()
        w:note "get_offer"
        return World.ANSWER
      end,
      set_answer = function(_, answer)
        w:note("set_answer %s", answer and answer:match "o=%- %d+ (%d+)")
      end,
    }
    for name, value in pairs(more or {}) do
      media[name] = value
    end
    return media
  end

  it("is the library's own, the PRACK answers it", function()
    w = World.new()
    w:serve(function(session)
      assert(session:progress(180, { reliable = true }))
      assert.matches("a=inactive", session.local_description)
      assert.equal(theirs(5), session.remote_description)
      w:outcome(session:participate())
    end)
    local call = invite(false)
    local ringing = assert(call:wait(180))
    assert.matches("m=audio .*a=inactive", ringing.body)
    assert.equal(200, acknowledge(call, ringing, { sdp = theirs(5) }).code)
    assert.is_nil(hear(call, 200).body)
    call:ack { sdp = false }
    w.network:advance(0)
    assert.equal("accept ACK", w.log[#w.log])
    call:bye()
    assert(call:wait(200))
  end)

  it("is the script's", function()
    w = World.new()
    w:serve(function(session)
      assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
      assert.equal(World.ANSWER, session.local_description)
      session:reject(486)
    end)
    local call = invite(false)
    local early = assert(call:wait(183))
    assert.equal(World.ANSWER, early.body)
    acknowledge(call, early, { sdp = theirs(2) })
    hear(call, 486)
    call:ack()
  end)

  it("is the negotiator's, who gets the answer too", function()
    w = World.new()
    w.endpoint.media = negotiator()
    w:serve(function(session)
      assert(session:progress(180, { reliable = true }))
      w:outcome(session:participate())
    end)
    local call = invite(false)
    local ringing = assert(call:wait(180))
    assert.equal(World.ANSWER, ringing.body)
    acknowledge(call, ringing, { sdp = theirs(3) })
    assert.is_nil(hear(call, 200).body)
    call:ack { sdp = false }
    w.network:advance(0)
    assert.same({ "get_offer", "set_answer 3", "incoming>connecting none -",
      "connecting>connected none 200", "accept ACK" }, w.log)
    call:bye()
    assert(call:wait(200))
  end)

  it("is in the first only", function()
    w = World.new()
    w.endpoint.media = negotiator()
    w:serve(function(session)
      session:progress(180)
      session:progress(182)
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    local call = invite(false, REQUIRED)
    local ringing = assert(call:wait(180))
    w.network:advance(5)
    assert.equal(0, w:count "200 INVITE") -- waits for the answer
    acknowledge(call, ringing, { sdp = theirs(3) })
    hear(call, 200)
    assert.equal(0, w:count "182 INVITE")
    call:ack { sdp = false }
    w.network:advance(0)
    call:bye()
    assert(call:wait(200))
  end)

  it("may take its time, and others wait behind it", function()
    w = World.new()
    w.endpoint.media = negotiator {
      get_offer = function()
        sip.sleep(2)
        return World.ANSWER
      end,
    }
    w:serve(function(session)
      sip.spawn(function()
        assert(session:progress(180, { reliable = true }))
        w:note("180 at %g", w.network:time() - w.start)
      end)
      sip.spawn(function()
        assert(session:progress(182, { reliable = true }))
        w:note("182 at %g", w.network:time() - w.start)
      end)
    end)
    local call = invite(false)
    local ringing = assert(call:wait(180))
    assert.equal(2, w.network:time() - w.start)
    acknowledge(call, ringing, { sdp = theirs(3) })
    local queued = hear(call, 182)
    assert.is_nil(queued.body)
    acknowledge(call, queued)
    assert.same({ "set_answer 3", "180 at 2", "182 at 2" }, w.log)
    call:cancel()
    hear(call, 487)
    call:ack()
  end)

  for name, get_offer in pairs {
    ["gives nothing"] = function() end,
    raises = function() error "no offer today" end,
  } do
    it(("that %s: that progress fails, the call goes on"):format(name),
      function()
        w = World.new()
        w.endpoint.media = negotiator { get_offer = get_offer }
        w:serve(function(session)
          local _, err = session:progress(180, { reliable = true })
          w:note("%s %s", err.kind, err.reason)
          session:reject(486)
        end)
        local call = invite(false)
        assert(call:wait(486))
        call:ack()
        assert.equal(0, w:count "180 INVITE")
        assert.equal("operation_failure media", w.log[1])
        if name == "raises" then
          w:failed "no offer today"
        end
      end)
  end

  it("is given up for an accept", function()
    w = World.new()
    local asked = 0
    w.endpoint.media = negotiator {
      get_offer = function()
        asked = asked + 1
        if asked == 1 then
          sip.sleep(10)
        end
        return World.ANSWER
      end,
    }
    w:serve(function(session)
      session:progress(180)
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    local call = invite(false, REQUIRED)
    assert.equal(World.ANSWER, assert(call:wait(200)).body)
    assert.equal(1000, w:times("200 INVITE")[1])
    call:ack()
    w.network:advance(20)
    assert.equal(0, w:count "180 INVITE")
    assert.equal("connected", w.sessions[1].state)
    call:bye()
    assert(call:wait(200))
  end)

  it("is given up for an accept with a body", function()
    w = World.new()
    w.endpoint.media = negotiator {
      get_offer = function()
        sip.sleep(10)
        return World.ANSWER
      end,
    }
    w:serve(function(session)
      session:progress(180)
      sip.sleep(1)
      w:outcome(session:participate { body = "x",
        content_type = "application/x-own" })
    end)
    local call = invite(false, REQUIRED)
    assert(call:wait(200))
    call:ack { sdp = false }
    w.network:advance(1)
    call:request("UPDATE", { sdp = theirs(2) })
    w.network:advance(0)
    assert.equal(1, w:count "200 UPDATE")
    call:bye()
    w.network:advance(20)
    assert.equal(0, w:count "180 INVITE")
  end)

  it("a CANCEL wins while it is made", function()
    w = World.new()
    w.endpoint.media = negotiator {
      get_offer = function()
        sip.sleep(10)
        return World.ANSWER
      end,
    }
    w:serve(function(session)
      local _, err = session:progress(180, { reliable = true })
      w:note("%s %s", err.kind, err.reason)
    end)
    local call = invite(false)
    assert(call:wait(100))
    call:cancel()
    assert(call:wait(487))
    call:ack()
    w.network:advance(20)
    assert.same({ "incoming>disconnected canceled 487",
      "operation_failure cancelled" }, w.log)
    assert.equal(0, w:count "180 INVITE")
  end)

  it("a PRACK without the answer: 400, and it is awaited", function()
    w = World.new()
    w:serve(function(session)
      assert(session:progress(180, { reliable = true }))
      session:reject(486)
    end)
    local call = invite(false)
    local ringing = assert(call:wait(180))
    assert.equal(400, acknowledge(call, ringing).code)
    w.network:advance(0.5)
    assert.equal(2, w:count "180 INVITE")
    assert.equal(200, acknowledge(call, ringing, { sdp = theirs(2) }).code)
    hear(call, 486)
    call:ack()
  end)

  it("set_answer that raises: 500, operation_failure media", function()
    w = World.new()
    w.endpoint.media = negotiator { set_answer = function()
      error "not that codec"
    end }
    w:serve(function(session)
      local _, err = session:progress(180, { reliable = true })
      w:note("%s %s", err.kind, err.reason)
    end)
    local call = invite(false)
    local ringing = assert(call:wait(180))
    assert.equal(200, acknowledge(call, ringing, { sdp = theirs(2) }).code)
    hear(call, 500)
    call:ack()
    w:failed "not that codec"
    assert.same({ "get_offer",
      "incoming>disconnected not_acceptable_media 500",
      "operation_failure media" }, w.log)
  end)

  it("set_answer ends before the operation and the accept", function()
    w = World.new()
    w.endpoint.media = negotiator { set_answer = function()
      sip.sleep(3)
      w:note "settled"
    end }
    w:serve(function(session)
      session:progress(180)
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    local call = invite(false, REQUIRED)
    local ringing = assert(call:wait(180))
    acknowledge(call, ringing, { sdp = theirs(2) })
    assert.equal(481, acknowledge(call, ringing, { sdp = theirs(2) }).code)
    hear(call, 200)
    assert.equal(3000, w:times("200 INVITE")[1])
    assert.equal(1, w:count "180 INVITE")
    call:ack { sdp = false }
    w.network:advance(0)
    assert.same({ "get_offer", "incoming>connecting none -", "settled",
      "connecting>connected none 200", "accept ACK" }, w.log)
    call:bye()
    assert(call:wait(200))
  end)
end)
