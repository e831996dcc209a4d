-- Our re-INVITE (RFC 3261 14.1, RFC 5057, RFC 6141): refused, unanswered, or
-- overtaken by the end of the call.
local sip = require "sipsession"
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("session:renegotiate", function()
  local w, done

  before_each(function()
    done = nil
  end)

  after_each(function()
    w:finish()
  end)

  local function connected(options)
    w = World.new(options)
    return w:established(nil, { sdp = Sdp.audio() })
  end

  -- Begins one, and returns the re-INVITE that the peer gets.
  local function begun(call, session, options)
    done = nil
    assert(session:renegotiate_async(options or {}, function(...)
      assert.is_nil(done)
      done = table.pack(...)
    end))
    return assert(call:wait("INVITE", 1))
  end

  local function outcome()
    w.network:advance(0)
    local response, err = done[1], done[2]
    if response then
      return response.code
    end
    return err.kind, err.reason, err.code
  end

  describe("refused", function()
    it("leaves the call as it was", function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      for _, code in ipairs { 302, 401, 403, 415, 488, 500, 503, 606 } do
        local invite = begun(call, session,
          { sdp = Sdp.audio { version = code } })
        call:reply(invite, code)
        local ack = assert(call:wait "ACK")
        assert.equal(invite:header "Via", ack:header "Via")
        assert.same({ "failure_response", nil, code },
          { [1] = done[2].kind, [3] = select(3, outcome()) })
        assert.equal(code, done[2].response.code)
        assert.same(before,
          { session.local_description, session.remote_description })
        assert.equal("connected", session.state)
      end
    end)

    it("counts its version all the same (RFC 3264 8)", function()
      local call, session = connected()
      local function version(options, code)
        local invite = begun(call, session, options)
        call:reply(invite, code, nil, code == 200 and Sdp.offer() or nil)
        assert(call:wait "ACK")
        w.network:advance(0)
        return Sdp.version(invite.body)
      end
      assert.equal(9, version(
        { sdp = Sdp.audio { version = 9, formats = "8" } }, 488))
      assert.equal(10, version(nil, 488))
      assert.equal(10, version(nil, 200))
      assert.equal(10, version(nil, 200))
    end)

    for code, reason in pairs { [481] = "session_does_not_exist",
      [408] = "timeout" } do
      it(("with %d ends the call"):format(code), function()
        local call, session = connected()
        call:reply(begun(call, session), code)
        assert(call:wait "ACK")
        call:reply(assert(call:wait "BYE"), 200)
        assert.same({ "failure_response", nil, code },
          { [1] = done[2].kind, [3] = select(3, outcome()) })
        assert.equal("connected>disconnected " .. reason .. " -",
          w.log[#w.log])
      end)
    end

    it("with 491: again in 0 to 2 s, by the 10 ms, up to ten times",
      function()
        local call, session = connected()
        local invite = begun(call, session)
        local cseq
        local delays = {}
        for i = 1, 10 do
          local n = math.tointeger(invite:header("CSeq"):match "%d+")
          assert.is_true(not cseq or n == cseq + 1)
          cseq = n
          assert.is_nil(done)
          call:reply(invite, 491)
          assert(call:wait "ACK")
          local last = w.network:time()
          if i < 10 then
            invite = assert(call:wait("INVITE", 2.001))
            local ms = math.floor((w.network:time() - last) * 1000 + 0.5)
            assert.equal(0, ms % 10)
            assert.is_true(ms >= 10 and ms <= 2000)
            delays[ms] = true
          end
        end
        assert.is_not_nil(next(delays, next(delays)))
        assert.same({ "failure_response", nil, 491 },
          { [1] = done[2].kind, [3] = select(3, outcome()) })
        assert.equal("connected", session.state)
        w.network:advance(5)
        assert.equal(10, w:count "INVITE")
      end)

    it("with 491 and then not is a success", function()
      local call, session = connected()
      local offers = 0
      session.media = { get_offer = function()
        offers = offers + 1
        return Sdp.audio { version = 10 + offers }
      end }
      call:reply(begun(call, session), 491)
      assert(call:wait "ACK")
      call:reinvite { sdp = Sdp.offer { direction = "sendonly" } }
      assert(call:wait(200, 0)) -- theirs may come first now
      call:ack()
      local invite = assert(call:wait("INVITE", 4.1))
      assert.equal(2, offers)
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      assert.equal(200, outcome())
    end)
  end)

  describe("without an answer", function()
    it("ends the call after 64*T1", function()
      local call, session = connected()
      begun(call, session)
      w.network:advance(31.8)
      assert.same({ 0, 500, 1500, 3500, 7500, 15500, 31500 },
        w:times "INVITE")
      w:identical "INVITE"
      assert.is_nil(done)
      local bye = assert(call:wait("BYE", 0.5))
      assert.same({ 32000 }, w:times "BYE")
      call:reply(bye, 200)
      assert.equal("operation_timeout", (outcome()))
      assert.equal("connected>disconnected timeout -", w.log[#w.log])
    end)

    it("but a 100 ends it after connect_timeout", function()
      local call, session = connected { endpoint = { connect_timeout = 50 } }
      local invite = begun(call, session)
      w.network:advance(1)
      call:reply(invite, 100)
      w.network:advance(20)
      call:reply(invite, 180)
      w.network:advance(29.9)
      assert.is_nil(done)
      call:reply(assert(call:wait("BYE", 0.2)), 200)
      assert.equal("operation_timeout", (outcome()))
      assert.equal("connected>disconnected timeout -", w.log[#w.log])
      call:reply(invite, 487)
      w.network:advance(1)
    end)

    it("but a late one is taken before that", function()
      local call, session = connected()
      local invite = begun(call, session)
      call:reply(invite, 100)
      w.network:advance(150)
      assert.equal(1, w:count "INVITE")
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      assert.equal(200, outcome())
      w.network:advance(100)
      assert.equal("connected", session.state)
    end)
  end)

  describe("pending", function()
    it("ends with their BYE", function()
      local call, session = connected()
      local invite = begun(call, session)
      call:bye()
      assert(call:wait(200))
      assert.same({ "operation_failure", "terminated" }, { outcome() })
      assert.equal("connected>disconnected terminated_remotely -",
        w.log[#w.log])
      call:reply(invite, 487)
      w.network:advance(1)
    end)

    it("ends with terminate; a 200 that crosses gets its ACK", function()
      local call, session = connected()
      local invite = begun(call, session)
      session:terminate()
      local bye = assert(call:wait "BYE")
      assert.same({ "operation_failure", "terminated" }, { outcome() })
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK") -- RFC 5407 3.2.3
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      call:reply(bye, 200)
      w.network:advance(0)
      assert.equal("disconnected", session.state)
      assert.equal(0, w.network:leftovers().dialogs)
    end)

    it("ends with close", function()
      local call, session = connected()
      local invite = begun(call, session)
      w.endpoint:close()
      assert.same({ "operation_failure", "endpoint_closed" }, { outcome() })
      call:reply(assert(call:wait "BYE"), 200)
      call:reply(invite, 487)
      w.network:advance(1)
    end)

    it("while the negotiator works, ends all the same", function()
      local call, session = connected()
      session.media = { get_offer = function()
        sip.sleep(5)
        return Sdp.audio()
      end }
      session:renegotiate_async(function(...)
        done = table.pack(...)
      end)
      w.network:advance(1)
      call:bye()
      w.network:advance(10)
      assert.same({ "operation_failure", "terminated" }, { outcome() })
      assert.equal(0, w:count "INVITE")
    end)

    it("between two attempts, too", function()
      local call, session = connected()
      call:reply(begun(call, session), 491)
      assert(call:wait "ACK")
      session:terminate()
      call:reply(assert(call:wait("BYE", 0)), 200)
      w.network:advance(5)
      assert.same({ "operation_failure", "terminated" }, { outcome() })
      assert.equal(1, w:count "INVITE")
    end)

    it("with no way to the peer: connection_failure, the call stands",
      function()
        local call, session = connected { protocol = "tcp" }
        w.caller:close()
        session:renegotiate_async(function(...)
          done = table.pack(...)
        end)
        w.network:advance(1)
        assert.equal("connection_failure", (outcome()))
        assert.equal("connected", session.state)
        w.caller = w.network:peer "tcp:10.0.0.2:5060"
        w.caller.calls[call.id] = call
        call.peer = w.caller
        call:reply(begun(call, session), 200, nil, Sdp.offer())
        assert(call:wait "ACK") -- over a new one
        assert.equal(200, outcome())
      end)

    it("is resumed once, in the order of events", function()
      local call, session = connected()
      local order = {}
      session:on("state_changed", function(_, change)
        order[#order + 1] = change.reason
      end)
      session:on("ended", function()
        order[#order + 1] = "ended"
      end)
      sip.spawn(function()
        local _, err = session:renegotiate()
        order[#order + 1] = err.kind
      end)
      call:reply(assert(call:wait "INVITE"), 481)
      w.network:advance(0)
      assert.same({ "session_does_not_exist", "failure_response", "ended" },
        order)
      call:reply(assert(call:wait "BYE"), 481)
      w.network:advance(0)
    end)
  end)
end)
