-- Descriptions in reliable provisionals and their PRACKs (RFC 3262 5, RFC 6337
-- 2.2): the answer that stands, and a new offer in the PRACK. Offers of ours
-- are in reliable_offer_spec.lua.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED, REQUIRED = reliable.SUPPORTED, reliable.REQUIRED
local acknowledge, hear = reliable.acknowledge, reliable.hear
local theirs = reliable.theirs

describe("reliable media", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function invite(offer, headers)
    return w:invite { headers = headers or SUPPORTED, sdp = offer }
  end

  -- Acknowledges the 200, ends the call and lets its 200s come.
  local function hang_up(call)
    call.last = call.transactions[1]
    call:ack()
    w.network:advance(0)
    assert.equal("connected", w.sessions[1].state)
    call:bye()
    assert(call:wait(200))
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

  local function transitions()
    local list = {}
    for _, note in ipairs(w.log) do
      if note:find ">" then
        list[#list + 1] = note
      end
    end
    return list
  end

  describe("an answer in a provisional", function()
    it("stands: the 200 has none, and no negotiator is asked", function()
      w = World.new { endpoint = { media = { get_answer = error } } }
      w:serve(function(session)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        assert.equal(World.ANSWER, session.local_description)
        assert.equal(World.OFFER, session.remote_description)
        w:outcome(session:participate { headers = { ["X-Desk"] = 4 } })
      end)
      local call = invite()
      local early = assert(call:wait(183))
      assert.equal(World.ANSWER, early.body)
      assert.equal("application/sdp", early.content_type)
      assert.equal(200, acknowledge(call, early).code)
      local ok = hear(call, 200)
      assert.is_nil(ok.body)
      assert.is_nil(ok.content_type)
      assert.equal("4", ok:header "X-Desk")
      hang_up(call)
    end)

    it("is in force as soon as it is sent", function()
      w = World.new()
      w:serve(function(session)
        session:progress(183, { sdp = World.ANSWER })
        assert.equal(World.ANSWER, session.local_description)
        session:reject(486)
      end)
      local call = invite(nil, REQUIRED)
      assert(call:wait(486))
      call:ack()
    end)

    it("stands against what participate and later ones give", function()
      w = World.new()
      local other = World.ANSWER:gsub("5000", "6000")
      w:serve(function(session)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        assert(session:progress(182, { sdp = other, reliable = true }))
        assert(session:progress(180, { sdp = other }))
        w:outcome(session:participate { sdp = other, reason = "Fine" })
        assert.equal(World.ANSWER, session.local_description)
      end)
      local call = invite()
      acknowledge(call, assert(call:wait(183)))
      local queued = hear(call, 182)
      assert.is_nil(queued.body)
      acknowledge(call, queued)
      local ringing = hear(call, 180)
      assert.is_nil(ringing.body)
      assert.is_nil(ringing:header "RSeq")
      local ok = hear(call, 200)
      assert.is_nil(ok.body)
      assert.equal("Fine", ok.reason)
      hang_up(call)
    end)

    it("but another body goes through untouched", function()
      w = World.new()
      w:serve(function(session)
        sip.spawn(session.progress, session, 183,
          { sdp = World.ANSWER, reliable = true })
        w:outcome(session:participate { body = "\0x",
          content_type = "application/x-own" })
      end)
      local call = invite()
      acknowledge(call, assert(call:wait(183)))
      local ok = hear(call, 200)
      assert.equal("\0x", ok.body)
      assert.equal("application/x-own", ok.content_type)
      hang_up(call)
    end)

    it("is acknowledged before the 200 goes (RFC 3262 3)", function()
      w = World.new()
      w:serve(function(session)
        session:progress(183, { sdp = World.ANSWER })
        w:outcome(session:participate { headers = { ["X-Desk"] = 4 },
          reason = "Fine" })
      end)
      local call = invite(nil, REQUIRED)
      local early = assert(call:wait(183))
      w.network:advance(5)
      assert.equal(0, w:count "200 INVITE")
      assert.equal("connecting", w.sessions[1].state)
      acknowledge(call, early)
      local ok = hear(call, 200)
      assert.equal(5000, w:times("200 INVITE")[1])
      assert.equal("4", ok:header "X-Desk")
      assert.equal("Fine", ok.reason)
      hang_up(call)
    end)

    it("that nobody acknowledges ends the accept", function()
      w = World.new()
      w:serve(function(session)
        session:progress(183, { sdp = World.ANSWER })
        w:outcome(session:participate())
      end)
      local call = invite(nil, REQUIRED)
      assert(call:wait(504))
      call:ack()
      w.network:advance(0)
      assert.same({ "incoming>connecting none -",
        "connecting>disconnected timeout 504",
        "accept operation_timeout -" }, w.log)
    end)

    it("doesn't hold up a rejection, a CANCEL or a BYE", function()
      for _, ending in ipairs { "CANCEL", "BYE", "terminate" } do
        w = World.new()
        w:serve(function(session)
          session:progress(183, { sdp = World.ANSWER })
          w:outcome(session:participate())
        end)
        local call = invite(nil, REQUIRED)
        assert(call:wait(183))
        w.network:advance(0)
        if ending == "CANCEL" then
          call:cancel()
        elseif ending == "BYE" then
          call:bye()
        else
          w.sessions[1]:terminate()
        end
        hear(call, ending == "terminate" and 486 or 487)
        call:ack()
        w.network:advance(40)
        assert.equal("disconnected", w.sessions[1].state)
        assert.equal(1, w:count "183 INVITE")
        assert.equal(ending == "terminate" and
          "accept operation_failure terminated"
          or "accept operation_failure cancelled", w.log[#w.log])
        if ending ~= "terminate" then
          w:finish()
        end
      end
    end)

    it("not in one without: the 200 has it, and goes at once", function()
      w = World.new()
      w:serve(function(session)
        session:progress(180)
        w:outcome(session:participate { sdp = World.ANSWER })
      end)
      local call = invite(nil, REQUIRED)
      assert.equal(World.ANSWER, assert(call:wait(200)).body)
      assert.same({ 0 }, w:times "200 INVITE")
      hang_up(call)
    end)

    it("waits behind another one, and is dropped with it", function()
      w = World.new()
      w:serve(function(session)
        session:progress(180)
        session:progress(183, { sdp = World.ANSWER })
        w:outcome(session:participate())
      end)
      local call = invite(nil, REQUIRED)
      assert.matches("a=inactive", assert(call:wait(200)).body)
      assert.equal(0, w:count "183 INVITE")
      hang_up(call)
    end)
  end)

  describe("a new offer in the PRACK", function()
    it("is answered in its 200", function()
      w = World.new()
      w.endpoint.media = negotiator()
      w:serve(function(session)
        session:on("reinvite", function() w:note "reinvite" end)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        w:note "acknowledged"
      end)
      local call = invite()
      local ok = acknowledge(call, assert(call:wait(183)), { sdp = theirs(2) })
      assert.equal(200, ok.code)
      assert.equal(World.ANSWER, ok.body)
      assert.equal(theirs(2), w.sessions[1].remote_description)
      w.network:advance(0)
      assert.same({ "get_answer 2", "acknowledged" }, w.log)
      call:cancel()
      hear(call, 487)
      call:ack()
    end)

    it("doesn't move the remote target", function()
      w = World.new()
      w:serve(function(session)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        w:outcome(session:participate())
        session:terminate()
      end)
      local call = invite()
      local early = assert(call:wait(183))
      local ok = acknowledge(call, early, { sdp = theirs(2), headers = {
        RAck = early:header "RSeq" .. " 1 INVITE",
        Contact = "<sip:caller@10.0.0.2:5070>" } })
      assert.equal(200, ok.code)
      assert.is_nil(ok:header "Contact")
      hear(call, 200)
      call:ack()
      call:reply(assert(call:wait "BYE"), 200)
    end)

    it("is refused with 488, and the 1xx is acknowledged", function()
      w = World.new()
      w.endpoint.media = negotiator { get_answer = function() end }
      w:serve(function(session)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        w:outcome(session:participate())
      end)
      local call = invite()
      local early = assert(call:wait(183))
      assert.equal(488, acknowledge(call, early, { sdp = theirs(2) }).code)
      assert.equal(World.OFFER, w.sessions[1].remote_description)
      hear(call, 200)
      hang_up(call)
      assert.equal(1, w:count "183 INVITE")
    end)

    it("by the library alone repeats the answer", function()
      w = World.new()
      w:serve(function(session)
        assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
        session:reject(486)
      end)
      local call = invite()
      local ok = acknowledge(call, assert(call:wait(183)),
        { sdp = theirs(2, "a=sendonly\r\n") })
      assert.equal(200, ok.code)
      assert.matches("m=audio 5000 .*a=recvonly", ok.body)
      hear(call, 486)
      call:ack()
    end)

    it("before the INVITE's is answered: 500, come back later", function()
      w = World.new()
      w:serve(function(session)
        assert(session:progress(180, { reliable = true }))
        session:reject(486)
      end)
      local call = invite()
      local later = acknowledge(call, assert(call:wait(180)),
        { sdp = theirs(2) })
      assert.equal(500, later.code)
      assert.is_string(later:header "Retry-After")
      hear(call, 486)
      call:ack()
    end)

    it("a CANCEL wins while it is answered: 487 to both", function()
      w = World.new()
      w.endpoint.media = negotiator { get_answer = function()
        sip.sleep(5)
        return World.ANSWER
      end }
      w:serve(function(session)
        session:progress(183, { sdp = World.ANSWER, reliable = true })
      end)
      local call = invite()
      reliable.prack(call, assert(call:wait(183)), { sdp = theirs(2) })
      w.network:advance(1)
      call:cancel()
      hear(call, 487)
      call:ack()
      assert.equal(1, w:count "487 PRACK")
      assert.same({ "incoming>disconnected canceled 487" }, transitions())
    end)
  end)
end)
