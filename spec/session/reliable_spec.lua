-- Reliable provisional responses (RFC 3262): who gets them, their repeats, and
-- what becomes of the call meanwhile. Rows B36 and B40. PRACKs are in
-- prack_spec.lua, the policy in reliable_policy_spec.lua, the descriptions in
-- reliable_media_spec.lua and reliable_offer_spec.lua.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED, REQUIRED = reliable.SUPPORTED, reliable.REQUIRED
local hear, prack, rseq = reliable.hear, reliable.prack, reliable.rseq

-- 0, T1, 3*T1 …: doubling, without T2, for less than 64*T1.
local REPEATS = { 0, 500, 1500, 3500, 7500, 15500, 31500 }

describe("reliable", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function invite(headers)
    return w:invite { headers = headers or SUPPORTED }
  end

  local function progress(...)
    return reliable.progress(w, ...)
  end

  local function own_notes()
    return reliable.own_notes(w)
  end

  describe("progress", function()
    it("says Require and RSeq, and waits for the PRACK", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 183, { reliable = true })
      end)
      local call = invite()
      local ringing = assert(call:wait(183))
      assert.equal("100rel", ringing:header "Require")
      local n = rseq(ringing)
      assert.is_true(n >= 1 and n <= 2 ^ 31 - 1)
      assert.matches("UPDATE, PRACK", ringing:header "Allow")
      assert.is_string(ringing:header "Contact")
      w.network:advance(1)
      assert.same({}, own_notes())
      prack(call, ringing)
      local ok = assert(call:wait(200))
      assert.equal("2 PRACK", ok:header "CSeq")
      assert.is_nil(ok.body)
      assert.same({ "true - at 1" }, own_notes())
      w.network:advance(50)
      assert.same({ 0, 500 }, w:times "183 INVITE")
      w.sessions[1]:reject(486)
      assert(call:wait(486))
      call:ack()
    end)

    it("counts RSeq on from a random number", function()
      w = World.new()
      w:serve(function(session)
        for _ = 1, 3 do
          assert(session:progress(180, { reliable = true }))
        end
        session:reject(486)
      end)
      local starts = {}
      for i = 1, 2 do
        local call = invite()
        local last
        for _ = 1, 3 do
          local ringing = hear(call, 180)
          assert.is_true(not last or rseq(ringing) == last + 1)
          last = rseq(ringing)
          prack(call, ringing)
          assert(call:wait(200))
        end
        hear(call, 486)
        call:ack()
        starts[i] = last
      end
      assert.are_not.equal(starts[1], starts[2])
    end)

    it("in the main chunk runs the loop", function()
      w = World.new()
      w:serve()
      local call = invite()
      w.network:advance(0)
      w:at(1, function()
        prack(call, assert(call.responses[1]))
      end)
      assert.is_true(w.sessions[1]:progress(180, { reliable = true }))
      assert.equal(1, w.network:time() - w.start)
      w.sessions[1]:reject(486)
      assert(call:wait(486))
      call:ack()
    end)

    it("is refused where nothing can wait", function()
      w = World.new()
      w:serve(function(session)
        table.sort({ 1, 2 }, function() -- no yield across it
          progress(session, 180, { reliable = true })
          return false
        end)
        session:reject(486)
      end)
      local call = invite()
      assert(call:wait(486))
      call:ack()
      assert.equal("invalid_operation not_yieldable at 0", own_notes()[1])
      assert.equal(0, w:count "180 INVITE")
    end)

    it("takes nothing but true, false and \"auto\"", function()
      w = World.new()
      w:serve(function(session)
        for _, value in ipairs { 1, "yes", "true", {} } do
          local ok, err = pcall(session.progress, session, 180,
            { reliable = value })
          assert.is_false(ok)
          assert.matches("reliable: true, false or \"auto\" expected", err)
        end
        session:reject(486)
      end)
      local call = invite()
      assert(call:wait(486))
      call:ack()
      assert.same({ "486 INVITE" }, w:names())
    end)

    it("has the script's headers, reason and body", function()
      w = World.new()
      w:serve(function(session)
        session:progress(182, { reliable = true, reason = "In A Queue",
          headers = { ["X-Queue"] = 3, Allow = "INVITE" },
          body = "three", content_type = "text/plain" })
        session:reject(486)
      end)
      local call = invite()
      local queued = assert(call:wait(182))
      assert.equal("In A Queue", queued.reason)
      assert.equal("3", queued:header "X-Queue")
      assert.same({ "INVITE" }, queued:headers "Allow")
      assert.equal("three", queued.body)
      prack(call, queued)
      hear(call, 486)
      call:ack()
    end)
  end)

  describe("the caller", function()
    it("who can't: true is refused and nothing is sent", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 183, { reliable = true })
        progress(session, 183, { reliable = "auto" })
        session:reject(486)
      end)
      local call = invite { Supported = "timer" }
      local ringing = assert(call:wait(183))
      assert.is_nil(ringing:header "RSeq")
      assert.is_nil(ringing:header "Require")
      assert(call:wait(486))
      call:ack()
      assert.same({ "invalid_operation not_supported at 0", "true - at 0" },
        own_notes())
      assert.equal(1, w:count "183 INVITE")
    end)

    it("who can: \"auto\" waits, nothing is as it was", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 180)
        progress(session, 180, { reliable = false })
        progress(session, 183, { reliable = "auto" })
        session:reject(486)
      end)
      local call = invite { k = "100rel" }
      local ringing = assert(call:wait(183))
      assert.equal(2, w:count "180 INVITE")
      assert.is_nil(call.responses[1]:header "RSeq")
      w.network:advance(0.25)
      prack(call, ringing)
      hear(call, 486)
      call:ack()
      assert.same({ "true - at 0", "true - at 0", "true - at 0.25" },
        own_notes())
    end)

    it("who requires it gets all of them so, and nothing waits", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 180)
        progress(session, 183, { reliable = false })
        w:outcome(session:participate())
      end)
      local call = invite(REQUIRED)
      local ok = assert(call:wait(200))
      call:ack()
      local ringing = call.responses[1]
      assert.equal("100rel", ringing:header "Require")
      w.network:advance(40)
      assert.same({ "180 INVITE", "200 INVITE" }, w:names())
      assert.same({ "true - at 0", "true - at 0" }, own_notes())
      assert.matches("100rel", ok:header "Supported")
      call:bye()
      assert(call:wait(200))
    end)

    it("is never asked to acknowledge a 100", function()
      w = World.new()
      w:serve(function(session)
        sip.sleep(1)
        session:reject(486)
      end)
      local call = invite(REQUIRED)
      assert.is_nil(assert(call:wait(100)):header "RSeq")
      assert(call:wait(486))
      call:ack()
    end)
  end)

  describe("B36 repeats", function()
    for _, protocol in ipairs { "udp", "tcp" } do
      it(("at T1 doubling, and 504 after 64*T1 (%s)"):format(protocol),
        function()
          w = World.new { protocol = protocol }
          w:serve(function(session)
            local _, err = progress(session, 183, { reliable = true })
            assert.matches("no PRACK", err.message)
          end)
          local call = invite()
          assert(call:wait(504))
          call:ack()
          assert.same(REPEATS, w:times "183 INVITE")
          w:identical "183 INVITE"
          assert.equal(32000, w:times("504 INVITE")[1])
          assert.same({ "incoming>disconnected timeout 504",
            "operation_timeout - at 32" }, w.log)
          assert.equal("timeout", w.sessions[1].record.outcome)
          assert.equal(1, w.endpoint:stats().calls_timed_out)
        end)
    end

    it("end a pending accept too", function()
      w = World.new { endpoint = { media = { get_answer = function()
        sip.sleep(100)
      end } } }
      w:serve(function(session)
        session:progress()
        w:outcome(session:participate())
      end)
      local call = invite(REQUIRED)
      assert(call:wait(504))
      call:ack()
      w.network:advance(0)
      assert.same({ "incoming>connecting none -",
        "connecting>disconnected timeout 504",
        "accept operation_timeout -" }, w.log)
    end)

    it("stop with the PRACK, whatever was lost on the way", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 180, { reliable = true })
      end)
      local function lose(n, start, cseq)
        w.network:drop(function(message)
          if n > 0 and message:header "CSeq" == cseq
            and (message.method or message.code) == start then
            n = n - 1
            return true
          end
        end)
      end
      lose(2, 180, "1 INVITE")
      local call = invite()
      local ringing = assert(call:wait(180))
      assert.equal(1.5, w.network:time() - w.start)
      lose(1, "PRACK", "2 PRACK")
      prack(call, ringing) -- lost: the 180 comes again
      hear(call, 180)
      assert.equal(3.5, w.network:time() - w.start)
      lose(1, 200, "2 PRACK")
      call:retransmit "PRACK" -- its 200 is lost
      w.network:advance(0.5)
      call:retransmit "PRACK"
      assert(call:wait(200))
      assert.same({ "true - at 3.5" }, own_notes())
      w.network:advance(20)
      assert.equal(4, w:count "180 INVITE")
      w.sessions[1]:reject(486)
      hear(call, 486)
      call:ack()
    end)

    it("use the endpoint's T1", function()
      w = World.new { endpoint = { timers = { t1 = 0.1 } } }
      w:serve(function(session)
        progress(session, 180, { reliable = true })
      end)
      local call = invite()
      assert(call:wait(504))
      call:ack()
      assert.same({ 0, 100, 300, 700, 1500, 3100, 6300 },
        w:times "180 INVITE")
      assert.equal("operation_timeout - at 6.4", own_notes()[1])
    end)

    it("are not for the INVITE that comes again", function()
      w = World.new()
      w:serve(function(session)
        progress(session, 180, { reliable = true })
      end)
      local call = invite()
      assert(call:wait(180))
      w.network:advance(0.2)
      call:retransmit()
      w.network:advance(0)
      assert.same({ 0, 200 }, w:times "180 INVITE")
      w:identical "180 INVITE"
      prack(call, call.responses[1])
      assert(call:wait(200))
      w.sessions[1]:reject(486)
      hear(call, 486)
      call:ack()
    end)
  end)

  it("progress that doesn't fit a message fails for that", function()
    w = World.new()
    local kinds = {}
    w:serve(function(session)
      for i, reliable_too in ipairs { false, true } do
        local _, err = session:progress(183, { reliable = reliable_too,
          content_type = "text/plain", body = ("x"):rep(66000) })
        kinds[i] = err.kind
        assert.matches("too large", tostring(err), 1, true)
      end
      session:reject(486)
    end)
    local call = invite()
    assert(call:wait(486))
    call:ack()
    assert.same({ "operation_failure", "operation_failure" }, kinds)
  end)

  describe("B40 each minute", function()
    it("a new one, of the same code, without a body", function()
      w = World.new { endpoint = { connect_timeout = 0 } }
      w:serve(function(session)
        session:progress(183, { reliable = true, sdp = World.ANSWER,
          headers = { ["X-N"] = 1 } })
      end)
      local call = invite()
      local last
      for i = 0, 3 do
        local ringing = hear(call, 183, 61)
        assert.equal(i * 60, w.network:time() - w.start)
        assert.equal(i == 0 and World.ANSWER or nil, ringing.body)
        assert.equal(i == 0 and "1" or nil, ringing:header "X-N")
        assert.is_true(i == 0 or rseq(ringing) == last + 1)
        last = rseq(ringing)
        prack(call, ringing)
        assert(call:wait(200))
      end
      call:cancel()
      assert(call:wait(487))
      call:ack()
    end)

    it("not while one is still repeated", function()
      w = World.new { endpoint = { connect_timeout = 0,
        timers = { t1 = 2 } } }
      w:serve(function(session)
        session:progress(180)
      end)
      local call = invite(REQUIRED)
      assert(call:wait(504, 130))
      call:ack()
      assert.equal(128000, w:times("504 INVITE")[1])
      w:identical "180 INVITE"
    end)

    it("that is not acknowledged: 504", function()
      w = World.new { endpoint = { connect_timeout = 0 } }
      w:serve(function(session)
        session:progress(180)
      end)
      local call = invite(REQUIRED)
      prack(call, assert(call:wait(180)))
      assert(call:wait(200))
      hear(call, 504, 100)
      call:ack()
      assert.equal(92000, w:times("504 INVITE")[1])
    end)

    it("an unreliable one after it is repeated as it is", function()
      w = World.new { endpoint = { connect_timeout = 0 } }
      w:serve(function(session)
        session:progress(183, { reliable = true })
        session:progress(180)
      end)
      local call = invite()
      prack(call, assert(call:wait(183)))
      assert(call:wait(180))
      w.network:advance(121)
      assert.equal(3, w:count "180 INVITE")
      w:identical "180 INVITE"
      assert.equal(1, w:count "183 INVITE")
      call:cancel()
      assert(call:wait(487))
      call:ack()
    end)
  end)
end)
