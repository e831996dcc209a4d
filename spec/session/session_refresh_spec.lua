-- Session timers as they are kept (RFC 4028 7, 10): refreshes of ours and of
-- the other side, and the end of calls that nobody refreshes.
local sip = require "sipsession"
local World = require "support.world"

local function asking(expires, more)
  local headers = {
    Supported = "timer", Allow = "INVITE, ACK, BYE, UPDATE",
    ["Session-Expires"] = expires,
  }
  for name, value in pairs(more or {}) do
    headers[name] = value or nil
  end
  return { headers = headers }
end

-- What a 2xx says that agrees to what a request asks for.
local function agreeing(request)
  return { headers = {
    Require = "timer", ["Session-Expires"] = request:header "Session-Expires",
  } }
end

describe("a session timer", function()
  local w

  local function finish()
    if w then
      local world = w
      w = nil
      world:finish()
    end
  end

  after_each(finish)

  -- An established call with a timer.
  local function timed(expires, more, timer)
    w = World.new { endpoint = { session_timer = timer } }
    return w:established(asking(expires, more))
  end

  local function now()
    return math.floor((w.network:time() - w.start) * 1000 + 0.5)
  end

  local function hang_up(call)
    call:bye()
    assert(call:wait(200))
  end

  -- The next request of that method, which comes at that time, in ms.
  local function next_at(call, method, ms)
    local request = assert(call:wait(method, ms / 1000 + 1))
    assert.equal(ms, now())
    return request
  end

  local EXPIRED = "connected>disconnected session_timer_expired -"

  describe("that we refresh", function()
    it("gets an UPDATE at half of it, without a description", function()
      local call = timed "1800;refresher=uas"
      local update = next_at(call, "UPDATE", 900000)
      assert.equal("1800;refresher=uac", update:header "Session-Expires")
      assert.is_nil(update:header "Min-SE")
      assert.matches("timer", update:header "Supported")
      assert.is_string(update:header "Contact")
      assert.is_nil(update.body)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("keeps a call for six hours, and ends with it", function()
      local call, session = timed "1800;refresher=uas"
      for n = 1, 24 do
        local update = next_at(call, "UPDATE", n * 900000)
        call:reply(update, 200, agreeing(update))
      end
      assert.equal(24, w:count "UPDATE")
      w.network:advance(100)
      assert.equal("connected", session.state)
      hang_up(call)
      w.network:advance(7200)
      assert.equal(24, w:count "UPDATE")
      assert.equal(0, w:count "BYE")
      assert.equal(0, w:count "INVITE")
      assert.equal("terminated_remotely", session.record.reason)
      assert.equal(6 * 3600 + 100, math.floor(session.record.duration))
    end)

    it("gets a re-INVITE where UPDATE isn't allowed, with the same again",
      function()
        local call, session = timed("600;refresher=uas", { Allow = false })
        local said = session.local_description
        for n = 1, 3 do
          local invite = next_at(call, "INVITE", n * 300000)
          assert.equal("600;refresher=uac", invite:header "Session-Expires")
          assert.equal(said, invite.body)
          local answer = agreeing(invite)
          answer.sdp = World.OFFER
          call:reply(invite, 200, answer)
          assert(call:wait("ACK", 1))
        end
        assert.equal(said, session.local_description)
        assert.equal(0, w:count "UPDATE")
        assert.equal(3, w:count "INVITE")
        hang_up(call)
      end)

    it("gets re-INVITEs from then on where UPDATE turns out to be none",
      function()
        for _, code in ipairs { 405, 501 } do
          local call = timed "600;refresher=uas"
          call:reply(next_at(call, "UPDATE", 300000), code)
          local invite = next_at(call, "INVITE", 300000)
          local answer = agreeing(invite)
          answer.sdp = World.OFFER
          call:reply(invite, 200, answer)
          assert(call:wait("ACK", 1))
          invite = next_at(call, "INVITE", 600000)
          answer = agreeing(invite)
          answer.sdp = World.OFFER
          call:reply(invite, 200, answer)
          assert(call:wait("ACK", 1))
          assert.equal(1, w:count "UPDATE")
          hang_up(call)
          finish()
        end
      end)

    it("gets UPDATEs once the other side allows or sends one", function()
      local call = timed("600;refresher=uas", { Allow = false })
      call:update { headers = {
        Supported = "timer", ["Session-Expires"] = "600",
      } }
      assert.equal("600;refresher=uas",
        assert(call:wait(200)):header "Session-Expires")
      local update = next_at(call, "UPDATE", 300000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("is made longer by a 422, at once, and tells its Min-SE from then on",
      function()
        local call = timed "90;refresher=uas"
        call:reply(next_at(call, "UPDATE", 45000), 422,
          { headers = { ["Min-SE"] = "300" } })
        local update = next_at(call, "UPDATE", 45000)
        assert.equal("300;refresher=uac", update:header "Session-Expires")
        assert.equal("300", update:header "Min-SE")
        call:reply(update, 200, agreeing(update))
        update = next_at(call, "UPDATE", 45000 + 150000)
        assert.equal("300;refresher=uac", update:header "Session-Expires")
        assert.equal("300", update:header "Min-SE")
        call:reply(update, 200, agreeing(update))
        hang_up(call)
      end)

    it("isn't made longer and longer, nor by what is no 422", function()
      local call = timed "200;refresher=uas"
      call:reply(next_at(call, "UPDATE", 100000), 422) -- without Min-SE
      call:reply(next_at(call, "UPDATE", 105000), 422,
        { headers = { ["Min-SE"] = "many" } })
      call:reply(next_at(call, "UPDATE", 115000), 422,
        { headers = { ["Min-SE"] = "200" } }) -- it was as much
      for n = 1, 10 do
        local update = next_at(call, "UPDATE", 135000)
        call:reply(update, 422, { headers = { ["Min-SE"] = 200 + n } })
      end
      assert.equal(13, w:count "UPDATE")
      assert.is_nil(call:wait("UPDATE", 39))
      hang_up(call)
    end)

    it("keeps the Min-SE of the other side's requests", function()
      local call = timed("200;refresher=uas", { ["Min-SE"] = "150" })
      local update = next_at(call, "UPDATE", 100000)
      assert.equal("200;refresher=uac", update:header "Session-Expires")
      assert.equal("150", update:header "Min-SE")
      call:reply(update, 200, { headers = { ["Session-Expires"] = "170" } })
      update = next_at(call, "UPDATE", 185000)
      assert.equal("170;refresher=uac", update:header "Session-Expires")
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("is over when the 2xx says nothing of it", function()
      local call, session = timed "600;refresher=uas"
      call:reply(next_at(call, "UPDATE", 300000), 200)
      w.network:advance(7200)
      assert.equal("connected", session.state)
      assert.equal(1, w:count "UPDATE")
      hang_up(call)
    end)

    it("goes on where the other side knows nothing of it, and we ask",
      function()
        w = World.new { endpoint = { session_timer = { interval = 600 } } }
        local call = w:established { headers = { Allow = "UPDATE" } }
        for n = 1, 5 do
          call:reply(next_at(call, "UPDATE", n * 300000), 200)
        end
        assert.is_nil(call:wait("UPDATE", 299))
        hang_up(call)
      end)

    it("is over where the other side turns out to know of it", function()
      w = World.new { endpoint = { session_timer = { interval = 600 } } }
      local call = w:established { headers = { Allow = "UPDATE" } }
      call:reply(next_at(call, "UPDATE", 300000), 200,
        { headers = { Supported = "timer" } })
      assert.is_nil(call:wait("UPDATE", 3600))
      hang_up(call)
    end)

    it("is theirs to refresh when the 2xx says so", function()
      local call = timed "600;refresher=uas"
      call:reply(next_at(call, "UPDATE", 300000), 200,
        { headers = { ["Session-Expires"] = "400;refresher=uas" } })
      call:reply(next_at(call, "BYE", 300000 + 368000), 200)
      w.network:advance(0)
      assert.equal(1, w:count "UPDATE")
      assert.equal(EXPIRED, w.log[#w.log])
    end)

    it("isn't shorter than 90 s, whatever the 2xx says", function()
      local call = timed "600;refresher=uas"
      call:reply(next_at(call, "UPDATE", 300000), 200,
        { headers = { ["Session-Expires"] = "0;refresher=uac" } })
      local update = next_at(call, "UPDATE", 345000)
      assert.equal("90;refresher=uac", update:header "Session-Expires")
      call:reply(update, 200,
        { headers = { ["Session-Expires"] = "garbage" } })
      update = next_at(call, "UPDATE", 390000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("is refreshed by what the script renegotiates", function()
      local call, session = timed "600;refresher=uas"
      w:at(200, function()
        w:note("hold %s", session:hold().code)
      end)
      local invite = next_at(call, "INVITE", 200000)
      assert.equal("600;refresher=uac", invite:header "Session-Expires")
      local answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      assert.equal("hold 200", w.log[#w.log])
      local update = next_at(call, "UPDATE", 500000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("is refreshed by what the script does when it is due", function()
      local call, session = timed "600;refresher=uas"
      w:at(299, function()
        session:renegotiate { sdp = World.ANSWER }
      end)
      local invite = next_at(call, "INVITE", 299000)
      call:reply(invite, 100)
      w.network:advance(10)
      local answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      local update = next_at(call, "UPDATE", 309000 + 300000)
      call:reply(update, 200, agreeing(update))
      assert.equal(1, w:count "UPDATE")
      hang_up(call)
    end)

    it("is refreshed at last when what the script did was refused", function()
      local call, session = timed "600;refresher=uas"
      w:at(299, function()
        local _, err = session:renegotiate { sdp = World.ANSWER }
        w:note("refused %d", err.code)
      end)
      local invite = next_at(call, "INVITE", 299000)
      call:reply(invite, 100)
      w.network:advance(10)
      call:reply(invite, 488)
      local update = next_at(call, "UPDATE", 309000 + 5000)
      call:reply(update, 200, agreeing(update))
      assert.equal("refused 488", w.log[#w.log])
      hang_up(call)
    end)

    it("doesn't tell the script of a 422 to what it renegotiates", function()
      local call, session = timed "100;refresher=uas"
      w:at(10, function()
        w:note("renegotiated %d", session:renegotiate().code)
      end)
      call:reply(next_at(call, "INVITE", 10000), 422,
        { headers = { ["Min-SE"] = "120" } })
      assert(call:wait("ACK", 0))
      local invite = next_at(call, "INVITE", 10000)
      assert.equal("120;refresher=uac", invite:header "Session-Expires")
      local answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      assert.equal("renegotiated 200", w.log[#w.log])
      hang_up(call)
    end)

    it("says what was said last again while the call is held", function()
      local call, session = timed("600;refresher=uas", { Allow = false })
      w:at(1, function()
        session:hold()
      end)
      local invite = next_at(call, "INVITE", 1000)
      local answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      local held = invite.body
      invite = next_at(call, "INVITE", 301000)
      assert.equal(held, invite.body)
      answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      assert.is_true(session.held)
      hang_up(call)
    end)

    it("waits out glare", function()
      local call = timed("600;refresher=uas", { Allow = false })
      local invite = next_at(call, "INVITE", 300000)
      call:reinvite { sdp = World.OFFER, headers = asking("600").headers }
      assert(call:wait(491))
      call:ack()
      call:reply(invite, 491)
      invite = assert(call:wait("INVITE", 2.1))
      local answer = agreeing(invite)
      answer.sdp = World.OFFER
      call:reply(invite, 200, answer)
      assert(call:wait("ACK", 1))
      assert.is_nil(call:wait("INVITE", 299))
      hang_up(call)
    end)

    it("is left to their re-INVITE where that is there first", function()
      w = World.new { endpoint = { media = {
        get_answer = function()
          sip.sleep(10)
          return World.ANSWER
        end,
      } } }
      local call = w:established(asking "600;refresher=uas")
      w.network:advance(295)
      call:reinvite { sdp = World.OFFER, headers = asking("600").headers }
      local ok = assert(call:wait(200))
      assert.equal(305000, now())
      assert.equal("600;refresher=uas", ok:header "Session-Expires")
      call:ack()
      assert.equal(0, w:count "UPDATE")
      local update = next_at(call, "UPDATE", 605000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("survives that requests and responses are lost", function()
      local call, session = timed "90;refresher=uas"
      local n = 0
      w.network:drop(function(message)
        if message.method == "UPDATE" or message.code == 200 then
          n = n + 1
          return n % 3 == 1
        end
      end)
      for i = 1, 10 do
        local update = assert(call:wait("UPDATE", 60))
        call:reply(update, 200, agreeing(update))
        w.network:advance(0.5)
        while session.state == "connected" do
          local again = call:wait("UPDATE", 5)
          if not again then
            break
          end
          call:reply(again, 200, agreeing(again))
        end
        assert.equal("connected", session.state, "in round " .. i)
      end
      session:terminate()
      call:reply(assert(call:wait("BYE", 5)), 200)
      for _ = 1, 5 do
        local bye = call:wait("BYE", 5)
        if bye then
          call:reply(bye, 200)
        end
      end
    end)
  end)

  describe("whose refresh fails", function()
    it("is tried again, less and less often, and expires", function()
      local call, session = timed "600;refresher=uas"
      for _, ms in ipairs { 300, 305, 315, 335, 375, 455 } do
        call:reply(next_at(call, "UPDATE", ms * 1000), 500)
      end
      call:reply(next_at(call, "BYE", 590000), 200)
      w.network:advance(0)
      assert.equal(6, w:count "UPDATE")
      assert.equal(EXPIRED, w.log[#w.log])
      assert.equal("session_timer_expired", session.record.reason)
      assert.equal("connected", session.record.outcome)
    end)

    it("is tried again when the other side says when", function()
      local call = timed "600;refresher=uas"
      call:reply(next_at(call, "UPDATE", 300000), 503,
        { headers = { ["Retry-After"] = "100" } })
      local update = next_at(call, "UPDATE", 400000)
      call:reply(update, 200, agreeing(update))
      call:reply(next_at(call, "UPDATE", 700000), 503,
        { headers = { ["Retry-After"] = "4294967295" } })
      call:reply(next_at(call, "BYE", 400000 + 590000), 200)
    end)

    it("ends the call at a 481 or 408", function()
      local reasons = {
        [481] = "session_does_not_exist", [408] = "timeout",
      }
      for code, reason in pairs(reasons) do
        local call = timed "600;refresher=uas"
        call:reply(next_at(call, "UPDATE", 300000), code)
        call:reply(next_at(call, "BYE", 300000), 200)
        w.network:advance(0)
        assert.equal(("connected>disconnected %s -"):format(reason),
          w.log[#w.log])
        finish()
      end
    end)

    it("ends the call when nobody answers", function()
      timed "600;refresher=uas"
      w.network:advance(400)
      assert.equal("connected>disconnected timeout -", w.log[#w.log])
      assert.equal(11, w:count "UPDATE")
      assert.equal(332000, w:times("BYE")[1])
    end)

    it("ends before it has expired, while a re-INVITE is on its way",
      function()
        local call = timed("90;refresher=uas", { Allow = false })
        call:reply(next_at(call, "INVITE", 45000), 180)
        call:reply(next_at(call, "BYE", 80000), 200)
        w.network:advance(0)
        assert.equal(EXPIRED, w.log[#w.log])
      end)

    it("expires in calls without any description too", function()
      w = World.new()
      w:serve(function(session)
        session:participate { body = "x", content_type = "text/plain" }
      end)
      local options = asking("600;refresher=uas", { Allow = false })
      options.sdp = false
      local call = w:invite(options)
      assert(call:wait(200))
      call:ack()
      local invite = next_at(call, "INVITE", 300000)
      assert.is_nil(invite.body)
      call:reply(invite, 488)
      assert(call:wait("ACK", 0))
      hang_up(call)
    end)
  end)

  describe("that the other side refreshes", function()
    it("ends the call when it doesn't, a bit before it has expired (B35)",
      function()
        for expires, ms in pairs { [90] = 60000, [600] = 568000 } do
          local call, session = timed(expires .. ";refresher=uac")
          call:reply(next_at(call, "BYE", ms), 200)
          w.network:advance(0)
          assert.equal(EXPIRED, w.log[#w.log])
          assert.equal("disconnected", session.state)
          assert.equal("session_timer_expired", session.record.reason)
          assert.equal("connected", session.record.outcome)
          assert.equal(ms / 1000, session.record.duration)
          finish()
        end
      end)

    it("lives for six hours of UPDATEs, and ends after the last", function()
      local call, session = timed "1800;refresher=uac"
      for _ = 1, 24 do
        w.network:advance(900)
        call:update(asking "1800;refresher=uac")
        local ok = assert(call:wait(200))
        assert.equal("1800;refresher=uac", ok:header "Session-Expires")
        assert.equal("timer", ok:header "Require")
      end
      assert.equal("connected", session.state)
      assert.equal(24, w:count "200 UPDATE")
      call:reply(next_at(call, "BYE", 24 * 900000 + 1768000), 200)
      w.network:advance(0)
      assert.equal(EXPIRED, w.log[#w.log])
      assert.equal(0, w:count "UPDATE")
    end)

    it("lives by re-INVITEs, and ends by BYE as other calls do", function()
      local call = timed "1800;refresher=uac"
      for _ = 1, 8 do
        w.network:advance(1700)
        call:reinvite {
          sdp = World.OFFER, headers = asking("1800;refresher=uac").headers,
        }
        assert(call:wait(200))
        call:ack()
      end
      hang_up(call)
      w.network:advance(3600)
      assert.equal(0, w:count "BYE")
    end)

    it("isn't refreshed by what is refused, nor by other requests", function()
      local call = timed "600;refresher=uac"
      w.network:advance(300)
      call:update(asking "30")
      assert(call:wait(422))
      call:request("OPTIONS", asking "600")
      assert(call:wait(200))
      call:request("INFO", asking "600")
      assert(call:wait(200))
      call:reply(next_at(call, "BYE", 568000), 200)
    end)

    it("is refreshed by what the script renegotiates, and stays theirs",
      function()
        local call, session = timed "600;refresher=uac"
        w:at(500, function()
          session:renegotiate { method = "UPDATE", offer = false }
        end)
        local update = next_at(call, "UPDATE", 500000)
        assert.equal("600;refresher=uas", update:header "Session-Expires")
        call:reply(update, 200, agreeing(update))
        call:reply(next_at(call, "BYE", 1068000), 200)
        assert.equal(1, w:count "UPDATE")
      end)

    it("stays theirs where the 2xx to our request doesn't say", function()
      local call, session = timed "600;refresher=uac"
      w:at(10, function()
        session:renegotiate { method = "UPDATE", offer = false }
      end)
      call:reply(next_at(call, "UPDATE", 10000), 200,
        { headers = { ["Session-Expires"] = "600" } })
      call:reply(next_at(call, "BYE", 578000), 200)
      assert.equal(1, w:count "UPDATE")
    end)

    it("stays theirs where a refresh doesn't say", function()
      local call = timed "600;refresher=uac"
      call:update(asking "500")
      assert.equal("500;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 468000), 200)
    end)

    it("is over when a refresh asks for none, and we don't either",
      function()
        local call, session = timed "600;refresher=uac"
        call:update(asking(nil))
        assert.is_nil(assert(call:wait(200)):header "Session-Expires")
        w.network:advance(3600)
        assert.equal("connected", session.state)
        hang_up(call)
      end)

    it("goes on when a refresh asks for none and we do", function()
      local call = timed("600;refresher=uac", nil, { interval = 400 })
      call:update(asking(nil))
      assert.equal("400;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 368000), 200)
    end)

    it("becomes ours, and theirs again, when a refresh says so", function()
      local call = timed "600;refresher=uac"
      call:update(asking "600;refresher=uas")
      assert.equal("600;refresher=uas",
        assert(call:wait(200)):header "Session-Expires")
      local update = next_at(call, "UPDATE", 300000)
      call:reply(update, 200, agreeing(update))
      call:update(asking "600;refresher=uac")
      assert.equal("600;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 300000 + 568000), 200)
      assert.equal(1, w:count "UPDATE")
    end)

    it("may begin in the middle of a call", function()
      w = World.new()
      local call = w:established()
      w.network:advance(1000)
      call:update(asking "90")
      assert.equal("90;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 1060000), 200)
    end)

    it("doesn't begin before the call is answered", function()
      w = World.new()
      w:serve(function(session)
        session:progress(180)
        sip.sleep(100)
        session:participate()
      end)
      local call = w:invite(asking(nil))
      assert(call:wait(180))
      call:update(asking "90")
      assert.is_nil(assert(call:wait(200)):header "Session-Expires")
      assert.is_nil(assert(call:wait(200, 101)):header "Session-Expires")
      call:ack()
      w.network:advance(1000)
      assert.equal(0, w:count "BYE")
      hang_up(call)
    end)

    it("may begin with the 2xx of the other side", function()
      w = World.new()
      local call, session = w:established()
      w:at(1, function()
        session:renegotiate { method = "UPDATE", offer = false }
      end)
      local update = next_at(call, "UPDATE", 1000)
      assert.is_nil(update:header "Session-Expires")
      call:reply(update, 200, { headers = {
        Require = "timer", ["Session-Expires"] = "120;refresher=uac",
        Allow = "UPDATE",
      } })
      update = next_at(call, "UPDATE", 61000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)
  end)

  describe("goes with the call:", function()
    it("an UPDATE of ours crosses their BYE", function()
      local call = timed "600;refresher=uas"
      w.network:impair { delay = 0.01 }
      w.network:advance(299.995)
      call:bye()
      local update = assert(call:wait("UPDATE", 1))
      call:reply(update, 481)
      assert(call:wait(200))
      w.network:advance(1)
      assert.equal(1, w:count "UPDATE")
      assert.equal(0, w:count "BYE")
      assert.equal("connected>disconnected terminated_remotely -",
        w.log[#w.log])
    end)

    it("their UPDATE crosses our BYE", function()
      local call = timed "600;refresher=uac"
      w.network:impair { delay = 0.01 }
      w.network:advance(567.995)
      call:update(asking "600;refresher=uac")
      call:reply(assert(call:wait("BYE", 1)), 200)
      assert(call:wait(481))
      assert.equal(EXPIRED, w.log[#w.log])
    end)

    it("terminate, with a refresh on its way", function()
      local call, session = timed "600;refresher=uas"
      local update = next_at(call, "UPDATE", 300000)
      session:terminate()
      call:reply(assert(call:wait("BYE", 1)), 200)
      call:reply(update, 481)
      w.network:advance(1000)
      assert.equal(1, w:count "UPDATE")
      assert.equal(1, w:count "BYE")
    end)

    it("an endpoint that is closed", function()
      local call = timed "600;refresher=uas"
      w.endpoint:close()
      call:reply(assert(call:wait("BYE", 1)), 200)
      w.network:advance(1000)
      assert.equal(0, w:count "UPDATE")
    end)

    it("a 200 whose ACK never comes", function()
      w = World.new { endpoint = { session_timer = {} } }
      w:accepting "async"
      w:invite(asking "90;refresher=uas")
      w.network:advance(200)
      assert.equal(0, w:count "UPDATE")
      assert.equal("accept operation_timeout -", w.log[#w.log])
    end)

    it("an answer in the ACK that is still taken in", function()
      w = World.new { endpoint = { media = {
        get_offer = function()
          return World.OFFER
        end,
        set_answer = function()
          sip.sleep(1000)
        end,
      } } }
      w:accepting "async"
      local options = asking "90;refresher=uac"
      options.sdp = false
      local call = w:invite(options)
      assert(call:wait(200))
      call:ack()
      call:reply(next_at(call, "BYE", 60000), 200)
      w.network:advance(0)
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected session_timer_expired -",
        "accept operation_failure terminated",
      }, w.log)
      w.network:advance(1000)
    end)
  end)

  it("runs over TCP, and from one connection to the next", function()
    w = World.new { protocol = "tcp" }
    local call = w:established(asking "200;refresher=uas")
    local update = next_at(call, "UPDATE", 100000)
    call:reply(update, 200, agreeing(update))
    w.caller:shut()
    update = next_at(call, "UPDATE", 200000)
    call:reply(update, 200, agreeing(update))
    update = next_at(call, "UPDATE", 300000)
    call:reply(update, 200, agreeing(update))
    hang_up(call)
  end)

  it("may be as long as can be said, and never ends", function()
    local call, session = timed "4294967296;refresher=uas"
    w.network:advance(100000)
    assert.equal("connected", session.state)
    assert.equal(0, w:count "UPDATE")
    hang_up(call)
  end)
end)
