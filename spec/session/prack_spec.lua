-- PRACK (RFC 3262 3, 7.2): which one acknowledges what, what waits for it, and
-- what comes too late. Rows B14 and B36.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED, REQUIRED = reliable.SUPPORTED, reliable.REQUIRED
local hear, prack, rseq = reliable.hear, reliable.prack, reliable.rseq

describe("PRACK:", function()
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

  describe("B36 one at a time:", function()
    it("the next goes when the one before is acknowledged", function()
      w = World.new()
      w:serve(function(session)
        for i, how in ipairs { true, false, true } do
          sip.spawn(function()
            progress(session, 180 + i, { reliable = how,
              headers = { ["X-N"] = i }, reason = "N " .. i })
          end)
        end
      end)
      local call = invite()
      local first = assert(call:wait(181))
      w.network:advance(1)
      assert.same({ 0, 500 }, w:times "181 INVITE")
      assert.same({ "true - at 0" }, own_notes()) -- the unreliable one
      assert.equal(0, w:count "182 INVITE")
      prack(call, first)
      assert(call:wait(200))
      local second = assert(call:wait(182))
      assert.is_nil(second:header "RSeq")
      assert.equal("2", second:header "X-N")
      assert.equal("N 2", second.reason)
      local third = assert(call:wait(183))
      assert.equal(rseq(first) + 1, rseq(third))
      prack(call, third)
      assert(call:wait(200))
      assert.same({ "true - at 0", "true - at 1", "true - at 1" },
        own_notes())
      w.sessions[1]:terminate()
      hear(call, 486)
      call:ack()
    end)

    it("sixteen wait, the next is refused", function()
      w = World.new()
      w:serve(function(session)
        for i = 1, 18 do
          progress(session, 180, { headers = { ["X-N"] = i } })
        end
      end)
      local call = invite(REQUIRED)
      assert(call:wait(180))
      local notes = own_notes()
      assert.equal(18, #notes)
      assert.equal("true - at 0", notes[17])
      assert.equal("operation_failure pending at 0", notes[18])
      for i = 1, 17 do
        local ringing = call.responses[#call.responses]
        assert.equal(tostring(i), ringing:header "X-N")
        prack(call, ringing)
        assert(call:wait(200))
      end
      assert.equal(17, w:count "180 INVITE")
      call:cancel()
      assert(call:wait(487))
      call:ack()
    end)

    for name, ending in pairs {
      reject = function(session) session:reject(486) end,
      redirect = function(session) session:redirect "sip:a@10.0.0.3" end,
      terminate = function(session) session:terminate() end,
    } do
      it(name .. " goes at once and drops what waits", function()
        w = World.new()
        w:serve(function(session)
          for _ = 1, 3 do
            sip.spawn(progress, session, 180, { reliable = true })
          end
          sip.sleep(1)
          ending(session)
        end)
        local call = invite()
        assert(call:wait(name == "redirect" and 302 or 486))
        call:ack()
        w.network:advance(40)
        assert.same({ 0, 500 }, w:times "180 INVITE")
        assert.same({ "operation_failure terminated at 1",
          "operation_failure terminated at 1",
          "operation_failure terminated at 1" }, own_notes())
      end)
    end

    it("participate drops what waits", function()
      w = World.new()
      w:serve(function(session)
        for _ = 1, 2 do
          sip.spawn(progress, session, 180, { reliable = true })
        end
        sip.sleep(1)
        w:outcome(session:participate())
      end)
      local call = invite()
      assert(call:wait(200))
      call:ack()
      w.network:advance(40)
      assert.same({ 0, 500 }, w:times "180 INVITE")
      assert.same({ "operation_failure already_participating at 1",
        "operation_failure already_participating at 1" }, own_notes())
      call:bye()
      assert(call:wait(200))
    end)
  end)

  describe("B36 a PRACK", function()
    -- The answer to a PRACK with this RAck (false: without).
    local function answer(call, rack, options)
      options = options or {}
      options.headers = options.headers or {}
      options.headers.RAck = rack or nil
      call:request("PRACK", options)
      return w.network:wait(function()
        for _, entry in ipairs(call.inbox) do
          if entry.cseq == call.cseq .. " PRACK" then
            return entry.code
          end
        end
      end, 1)
    end

    local function ringing_call(protocol)
      w = World.new { protocol = protocol }
      w:serve(function(session)
        progress(session, 180, { reliable = true })
      end)
      local call = invite()
      return call, rseq(assert(call:wait(180)))
    end

    local function finish(call)
      call:cancel()
      assert(call:wait(487))
      call:ack()
    end

    it("that matches nothing: 481, and it goes on", function()
      local call, n = ringing_call()
      for _, rack in ipairs {
        ("%d 1 INVITE"):format(n + 1), ("%d 1 INVITE"):format(n - 1),
        ("%d 2 INVITE"):format(n), ("%d 1 invite"):format(n),
        ("%d 1 UPDATE"):format(n), "0 1 INVITE", "4294967295 1 INVITE",
      } do
        assert.equal(481, answer(call, rack), rack)
      end
      assert.equal(7, w.endpoint:stats().refused_no_transaction)
      assert.same({}, own_notes())
      w.network:advance(0.5)
      assert.equal(2, w:count "180 INVITE")
      assert.equal(200, answer(call, ("%d  1\tINVITE"):format(n)))
      finish(call)
    end)

    it("without a RAck, or a malformed one: 400", function()
      local call, n = ringing_call()
      for _, rack in ipairs {
        false, "", "INVITE", tostring(n), ("%d 1"):format(n),
        ("%d INVITE"):format(n), ("%d1INVITE"):format(n),
        ("%d 1 INV/ITE"):format(n), ("-%d 1 INVITE"):format(n),
        "4294967296 1 INVITE", ("%d 99999999999999999999 INVITE"):format(n),
        ("%d 1 IN@VITE"):format(n),
      } do
        assert.equal(400, answer(call, rack), tostring(rack))
      end
      assert.same({}, own_notes())
      assert.equal(200, answer(call, ("%d 1 INVITE"):format(n)))
      assert.same({ "true - at 0" }, own_notes())
      finish(call)
    end)

    it("with a body of an unknown type: 415, and it goes on", function()
      local call, n = ringing_call()
      local rack = ("%d 1 INVITE"):format(n)
      assert.equal(415, answer(call, rack, { body = "x",
        content_type = "text/plain" }))
      assert.same({}, own_notes())
      assert.equal(200, answer(call, rack))
      finish(call)
    end)

    it("again: the 200 again; with another branch: 481", function()
      for _, protocol in ipairs { "udp", "tcp" } do
        local call, n = ringing_call(protocol)
        local rack = ("%d 1 INVITE"):format(n)
        assert.equal(200, answer(call, rack))
        if protocol == "udp" then
          call:retransmit()
          w.network:advance(0)
          assert.equal(2, w:count "200 PRACK")
        end
        assert.equal(481, answer(call, rack))
        assert.same({ "true - at 0" }, own_notes())
        finish(call)
        if protocol == "udp" then
          w:finish()
        end
      end
    end)

    it("before anything was sent, or of another call: 481", function()
      w = World.new()
      w:serve(function(session)
        session:progress(180)
      end)
      local call = invite()
      assert(call:wait(180))
      assert.equal(481, answer(call, "1 1 INVITE"))
      assert.same({ "481 PRACK" }, w:ask("PRACK",
        { To = "<sip:desk@10.0.0.1>;tag=none",
          extra = "RAck: 1 1 INVITE\r\n" }))
      assert.same({ "405 PRACK" }, w:ask("PRACK",
        { extra = "RAck: 1 1 INVITE\r\n" }))
      finish(call)
    end)

    it("out of order: 500", function()
      local call, n = ringing_call()
      assert.equal(481, answer(call, "1 1 INVITE", { cseq = 10 }))
      assert.equal(500, answer(call, ("%d 1 INVITE"):format(n), { cseq = 9 }))
      assert.equal(200, answer(call, ("%d 1 INVITE"):format(n), { cseq = 11 }))
      finish(call)
    end)

    it("a thousand times: one is taken", function()
      local call, n = ringing_call()
      local taken = 0
      for _ = 1, math.max(10, 1000 // World.SCALE) do
        if answer(call, ("%d 1 INVITE"):format(n)) == 200 then
          taken = taken + 1
        end
      end
      assert.equal(1, taken)
      assert.same({ "true - at 0" }, own_notes())
      finish(call)
    end)

    it("after the 2xx that came before it: 200, once", function()
      w = World.new()
      w:serve(function(session)
        session:progress()
        w:outcome(session:participate())
      end)
      local call = invite(REQUIRED)
      assert(call:wait(200))
      local rack = ("%d 1 INVITE"):format(rseq(call.responses[1]))
      assert.equal(200, answer(call, rack))
      assert.equal(481, answer(call, rack))
      call.last = call.transactions[1]
      call:ack()
      w.network:advance(1)
      assert.equal("connected", w.sessions[1].state)
      call:bye()
      assert(call:wait(200))
      assert.equal(481, answer(call, rack))
    end)

    it("after the ACK: 200 all the same", function()
      w = World.new()
      w:serve(function(session)
        session:progress()
        w:outcome(session:participate())
      end)
      local call = invite(REQUIRED)
      assert(call:wait(200))
      call:ack()
      w.network:advance(1)
      local rack = ("%d 1 INVITE"):format(rseq(call.responses[1]))
      assert.equal(200, answer(call, rack))
      assert.equal(481, answer(call, rack))
      call:bye()
      assert(call:wait(200))
    end)

    it("after a rejection: 481", function()
      w = World.new()
      w:serve(function(session)
        session:progress()
        session:reject(486)
      end)
      local call = invite(REQUIRED)
      assert(call:wait(486))
      call:ack()
      assert.equal(481, answer(call,
        ("%d 1 INVITE"):format(rseq(call.responses[1]))))
    end)
  end)

  describe("B14 the caller gives up:", function()
    for name, give_up in pairs {
      CANCEL = function(call) call:cancel() end,
      BYE = function(call) call:bye() end,
    } do
      it(name .. " wins, and ends what waits", function()
        w = World.new()
        w:serve(function(session)
          sip.spawn(progress, session, 183, { reliable = true })
          sip.spawn(progress, session, 180, { reliable = true })
        end)
        local call = invite()
        local ringing = assert(call:wait(183))
        w.network:advance(0.6)
        give_up(call)
        assert(call:wait(200))
        hear(call, 487)
        call:ack()
        prack(call, ringing)
        assert(call:wait(481))
        w.network:advance(40)
        assert.same({ 0, 500 }, w:times "183 INVITE")
        assert.equal(0, w:count "180 INVITE")
        assert.same({ "operation_failure cancelled at 0.6",
          "operation_failure cancelled at 0.6" }, own_notes())
        assert.equal(0, w.network:leftovers().timers)
      end)
    end

    it("the connection is lost", function()
      w = World.new { protocol = "tcp" }
      w:serve(function(session)
        progress(session, 183, { reliable = true })
      end)
      local call = invite()
      assert(call:wait(183))
      w.caller:close()
      w.network:advance(40)
      assert.equal("incoming>disconnected unreachable -", w.log[1])
      assert.same({ "connection_failure - at 1.5" }, own_notes())
    end)

    it("nobody has answered in connect_timeout", function()
      w = World.new { endpoint = { connect_timeout = 5 } }
      w:serve(function(session)
        progress(session, 183, { reliable = true })
      end)
      local call = invite()
      hear(call, 408, 6)
      call:ack()
      assert.same({ "operation_timeout - at 5" }, own_notes())
    end)

    it("the endpoint closes", function()
      w = World.new()
      w:serve(function(session)
        sip.spawn(progress, session, 183, { reliable = true })
        sip.spawn(progress, session, 183, { reliable = true })
        sip.sleep(1)
        w.endpoint:close()
      end)
      local call = invite()
      assert(call:wait(486))
      call:ack()
      assert.same({ "operation_failure endpoint_closed at 1",
        "operation_failure endpoint_closed at 1" }, own_notes())
    end)
  end)
end)
