-- Session timers that are ours to refresh (RFC 4028 7): when, how, with what.
-- Those of the other side, and the end of calls that nobody refreshes, are in
-- session_expiry_spec.lua; how they are agreed on in session_timer_spec.lua.
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

  describe("that we refresh", function()
    it("gets an UPDATE at half of it, without a description", function()
      local call = begin "1800;refresher=uas"
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
      local call, session = begin "1800;refresher=uas"
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
        local call, session = begin("600;refresher=uas", { Allow = false })
        local said = session.local_description
        for n = 1, 3 do
          local invite = next_at(call, "INVITE", n * 300000)
          assert.equal("600;refresher=uac", invite:header "Session-Expires")
          assert.equal(said, invite.body)
          timed.accept(call, invite)
        end
        assert.equal(said, session.local_description)
        assert.equal(0, w:count "UPDATE")
        assert.equal(3, w:count "INVITE")
        hang_up(call)
      end)

    it("gets re-INVITEs from then on where UPDATE turns out to be none",
      function()
        for _, code in ipairs { 405, 501 } do
          local call = begin "600;refresher=uas"
          call:reply(next_at(call, "UPDATE", 300000), code)
          local invite = next_at(call, "INVITE", 300000)
          timed.accept(call, invite)
          invite = next_at(call, "INVITE", 600000)
          timed.accept(call, invite)
          assert.equal(1, w:count "UPDATE")
          hang_up(call)
          finish()
        end
      end)

    it("gets UPDATEs once the other side allows or sends one", function()
      local call = begin("600;refresher=uas", { Allow = false })
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
        local call = begin "90;refresher=uas"
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
      local call = begin "200;refresher=uas"
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
      local call = begin("200;refresher=uas", { ["Min-SE"] = "150" })
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
      local call, session = begin "600;refresher=uas"
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
      local call = begin "600;refresher=uas"
      call:reply(next_at(call, "UPDATE", 300000), 200,
        { headers = { ["Session-Expires"] = "400;refresher=uas" } })
      call:reply(next_at(call, "BYE", 300000 + 368000), 200)
      w.network:advance(0)
      assert.equal(1, w:count "UPDATE")
      assert.matches("session_timer_expired", w.log[#w.log])
    end)

    it("isn't shorter than 90 s, whatever the 2xx says", function()
      local call = begin "600;refresher=uas"
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
      local call, session = begin "600;refresher=uas"
      w:at(200, function()
        w:note("hold %s", session:hold().code)
      end)
      local invite = next_at(call, "INVITE", 200000)
      assert.equal("600;refresher=uac", invite:header "Session-Expires")
      timed.accept(call, invite)
      assert.equal("hold 200", w.log[#w.log])
      local update = next_at(call, "UPDATE", 500000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("is refreshed by what the script does when it is due", function()
      local call, session = begin "600;refresher=uas"
      w:at(299, function()
        session:renegotiate { sdp = World.ANSWER }
      end)
      local invite = next_at(call, "INVITE", 299000)
      call:reply(invite, 100)
      w.network:advance(10)
      timed.accept(call, invite)
      local update = next_at(call, "UPDATE", 309000 + 300000)
      call:reply(update, 200, agreeing(update))
      assert.equal(1, w:count "UPDATE")
      hang_up(call)
    end)

    it("is refreshed at last when what the script did was refused", function()
      local call, session = begin "600;refresher=uas"
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
      local call, session = begin "100;refresher=uas"
      w:at(10, function()
        w:note("renegotiated %d", session:renegotiate().code)
      end)
      call:reply(next_at(call, "INVITE", 10000), 422,
        { headers = { ["Min-SE"] = "120" } })
      assert(call:wait("ACK", 0))
      local invite = next_at(call, "INVITE", 10000)
      assert.equal("120;refresher=uac", invite:header "Session-Expires")
      timed.accept(call, invite)
      assert.equal("renegotiated 200", w.log[#w.log])
      hang_up(call)
    end)

    it("says what was said last again while the call is held", function()
      local call, session = begin("600;refresher=uas", { Allow = false })
      w:at(1, function()
        session:hold()
      end)
      local invite = next_at(call, "INVITE", 1000)
      timed.accept(call, invite)
      local held = invite.body
      invite = next_at(call, "INVITE", 301000)
      assert.equal(held, invite.body)
      timed.accept(call, invite)
      assert.is_true(session.held)
      hang_up(call)
    end)

    it("waits out glare", function()
      local call = begin("600;refresher=uas", { Allow = false })
      local invite = next_at(call, "INVITE", 300000)
      call:reinvite { sdp = World.OFFER, headers = asking("600").headers }
      assert(call:wait(491))
      call:ack()
      call:reply(invite, 491)
      invite = assert(call:wait("INVITE", 2.1))
      timed.accept(call, invite)
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
      assert.equal(305, w.network:time() - w.start)
      assert.equal("600;refresher=uas", ok:header "Session-Expires")
      call:ack()
      assert.equal(0, w:count "UPDATE")
      local update = next_at(call, "UPDATE", 605000)
      call:reply(update, 200, agreeing(update))
      hang_up(call)
    end)

    it("survives that requests and responses are lost", function()
      local call, session = begin "90;refresher=uas"
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
    local call, session = begin "4294967296;refresher=uas"
    w.network:advance(100000)
    assert.equal("connected", session.state)
    assert.equal(0, w:count "UPDATE")
    hang_up(call)
  end)
end)
