-- Session timers that expire, or not (RFC 4028 10): where our refreshes fail,
-- where the other side refreshes, and where the call ends before.
local sip = require "sipsession"
local World = require "support.world"
local timed = require "support.timed"

local asking, agreeing, hang_up = timed.asking, timed.agreeing, timed.hang_up

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

  local function begin(...)
    local call, session
    w, call, session = timed.call(...)
    return call, session
  end

  local function next_at(call, method, ms)
    return timed.next_at(w, call, method, ms)
  end

  local EXPIRED = "connected>disconnected session_timer_expired -"

  describe("whose refresh fails", function()
    it("is tried again, less and less often, and expires", function()
      local call, session = begin "600;refresher=uas"
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
      local call = begin "600;refresher=uas"
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
        local call = begin "600;refresher=uas"
        call:reply(next_at(call, "UPDATE", 300000), code)
        call:reply(next_at(call, "BYE", 300000), 200)
        w.network:advance(0)
        assert.equal(("connected>disconnected %s -"):format(reason),
          w.log[#w.log])
        finish()
      end
    end)

    it("ends the call when nobody answers", function()
      begin "600;refresher=uas"
      w.network:advance(400)
      assert.equal("connected>disconnected timeout -", w.log[#w.log])
      assert.equal(11, w:count "UPDATE")
      assert.equal(332000, w:times("BYE")[1])
    end)

    it("ends before it has expired, while a re-INVITE is on its way",
      function()
        local call = begin("90;refresher=uas", { Allow = false })
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
          local call, session = begin(expires .. ";refresher=uac")
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
      local call, session = begin "1800;refresher=uac"
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
      local call = begin "1800;refresher=uac"
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
      local call = begin "600;refresher=uac"
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
        local call, session = begin "600;refresher=uac"
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
      local call, session = begin "600;refresher=uac"
      w:at(10, function()
        session:renegotiate { method = "UPDATE", offer = false }
      end)
      call:reply(next_at(call, "UPDATE", 10000), 200,
        { headers = { ["Session-Expires"] = "600" } })
      call:reply(next_at(call, "BYE", 578000), 200)
      assert.equal(1, w:count "UPDATE")
    end)

    it("stays theirs where a refresh doesn't say", function()
      local call = begin "600;refresher=uac"
      call:update(asking "500")
      assert.equal("500;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 468000), 200)
    end)

    it("is over when a refresh asks for none, and we don't either",
      function()
        local call, session = begin "600;refresher=uac"
        call:update(asking(nil))
        assert.is_nil(assert(call:wait(200)):header "Session-Expires")
        w.network:advance(3600)
        assert.equal("connected", session.state)
        hang_up(call)
      end)

    it("goes on when a refresh asks for none and we do", function()
      local call = begin("600;refresher=uac", nil, { interval = 400 })
      call:update(asking(nil))
      assert.equal("400;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:reply(next_at(call, "BYE", 368000), 200)
    end)

    it("becomes ours, and theirs again, when a refresh says so", function()
      local call = begin "600;refresher=uac"
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
      local call = begin "600;refresher=uas"
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
      local call = begin "600;refresher=uac"
      w.network:impair { delay = 0.01 }
      w.network:advance(567.995)
      call:update(asking "600;refresher=uac")
      call:reply(assert(call:wait("BYE", 1)), 200)
      assert(call:wait(481))
      assert.equal(EXPIRED, w.log[#w.log])
    end)

    it("terminate, with a refresh on its way", function()
      local call, session = begin "600;refresher=uas"
      local update = next_at(call, "UPDATE", 300000)
      session:terminate()
      call:reply(assert(call:wait("BYE", 1)), 200)
      call:reply(update, 481)
      w.network:advance(1000)
      assert.equal(1, w:count "UPDATE")
      assert.equal(1, w:count "BYE")
    end)

    it("an endpoint that is closed", function()
      local call = begin "600;refresher=uas"
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
      w = World.new { endpoint = { timers = { t1 = 1 }, media = {
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
end)
