-- The negotiator in every place where a description may be (RFC 3264, RFC
-- 6337 2.2): when it is asked what, what becomes of its answers and failures,
-- and who wins while it works.
local sip = require "sipsession"
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("the negotiator", function()
  local w, asked, media

  before_each(function()
    asked = {}
    -- Each of these may be replaced; `delay` makes all of them yield.
    media = { answer = Sdp.audio(), offer = Sdp.audio { version = 50 } }
    local function ask(name, fn)
      return function(session, description)
        asked[#asked + 1] = { name, description }
        if media.delay then
          sip.sleep(media.delay)
        end
        return fn(session, description)
      end
    end
    media.table = {
      get_answer = ask("get_answer", function()
        return media.answer
      end),
      get_offer = ask("get_offer", function()
        return media.offer
      end),
      set_answer = ask("set_answer", function(session)
        if media.check then
          media.check(session)
        end
      end),
    }
    w = World.new { endpoint = { media = media.table } }
  end)

  after_each(function()
    w:finish()
  end)

  local function names()
    local list = {}
    for i, entry in ipairs(asked) do
      list[i] = entry[1]
    end
    return list
  end

  local function connected(options)
    local call, session = w:established(options)
    asked = {}
    return call, session, { session.local_description,
      session.remote_description }
  end

  local function in_force(session, before)
    assert.same(before,
      { session.local_description, session.remote_description })
  end

  local function fails()
    error "no media today"
  end

  it("answers INVITE, re-INVITE and UPDATE", function()
    local call, session = w:established()
    assert.same({ { "get_answer", World.OFFER } }, asked)
    assert.equal(media.answer, session.local_description)
    for i, method in ipairs { "INVITE", "UPDATE" } do
      asked = {}
      media.answer = Sdp.audio { version = 10 + i }
      local offer = Sdp.offer { version = i }
      call:request(method, { sdp = offer })
      assert.equal(media.answer, assert(call:wait(200)).body)
      if method == "INVITE" then
        call:ack()
      end
      w.network:advance(0)
      assert.same({ { "get_answer", offer } }, asked)
      in_force(session, { media.answer, offer })
    end
  end)

  it("makes the offer of an INVITE and a re-INVITE without", function()
    w:accepting "async"
    local call = w:invite { sdp = false }
    assert.equal(media.offer, assert(call:wait(200)).body)
    local session = w.sessions[1]
    in_force(session, {})
    for i = 1, 2 do
      local answer = Sdp.offer { version = i }
      call:ack { sdp = answer }
      w.network:advance(0)
      assert.same({ "get_offer", "set_answer" }, names())
      assert.equal(answer, asked[2][2])
      in_force(session, { media.offer, answer })
      asked = {}
      if i == 1 then
        media.offer = Sdp.audio { version = 51 }
        call:reinvite()
        assert.equal(media.offer, assert(call:wait(200)).body)
      end
    end
  end)

  it("has its own descriptions go out untouched, whatever they are",
    function()
      media.answer = "not SDP at all\n\1"
      local call, session = w:established()
      assert.equal(media.answer, call.responses[1].body)
      assert.equal(media.answer, session.local_description)
      call:reinvite { sdp = "nor this" }
      assert.equal(media.answer, assert(call:wait(200)).body)
      call:ack()
      w.network:advance(0)
      assert.equal("nor this", session.remote_description)
    end)

  it("may be taken away: then its last word is said again", function()
    local call, session = connected()
    session.media = {}
    call:reinvite { sdp = Sdp.offer { direction = "sendonly" } }
    local body = assert(call:wait(200)).body
    assert.same({ "recvonly" }, Sdp.directions(body))
    assert.same({ "audio 5000" }, Sdp.streams(body))
    call:ack()
  end)

  for _, method in ipairs { "INVITE", "UPDATE" } do
    describe("of a renewing " .. method, function()
      it("that gives nothing refuses it with 488; the call stands",
        function()
          local call, session, before = connected()
          media.answer, media.offer = nil, nil
          call:request(method, { sdp = Sdp.offer() })
          assert(call:wait(488))
          in_force(session, before)
          if method == "INVITE" then
            call:ack()
            call:reinvite()
            assert(call:wait(488))
            call:ack()
          end
          in_force(session, before)
          assert.equal("connected", session.state)
          media.answer = Sdp.audio()
          call:request(method, { sdp = Sdp.offer() })
          assert(call:wait(200))
          if method == "INVITE" then
            call:ack()
          end
        end)

      it("that raises refuses it with 500; the call stands", function()
        local call, session, before = connected()
        session.media = { get_answer = fails, get_offer = fails }
        call:request(method, { sdp = Sdp.offer() })
        assert(call:wait(500))
        if method == "INVITE" then
          call:ack()
        end
        w.network:advance(0)
        w:failed "no media today"
        in_force(session, before)
        assert.equal("connected", session.state)
      end)

      it("loses against BYE: 487 to it, its answer comes to nothing",
        function()
          local call, session, before = connected()
          media.delay = 2
          call:request(method, { sdp = Sdp.offer() })
          w.network:advance(1)
          call:bye()
          w.network:advance(0)
          assert.same({ "200 BYE", "487 " .. method }, w:names(#w:names() - 1))
          if method == "INVITE" then
            call:ack()
          end
          w.network:advance(5)
          in_force(session, before)
          assert.equal("connected>disconnected terminated_remotely -",
            w.log[#w.log])
        end)

      it("loses against terminate and close", function()
        for _, how in ipairs { "terminate", "close" } do
          local call, session = connected()
          media.delay = 2
          call:request(method, { sdp = Sdp.offer() })
          w.network:advance(1)
          if how == "close" then
            w.endpoint:close()
          else
            session:terminate()
          end
          assert(call:wait(487, 1))
          if method == "INVITE" then
            call:ack()
          end
          call:reply(assert(call:wait("BYE", 1)), 200)
          w.network:advance(5)
          assert.equal("connected>disconnected terminated_locally -",
            w.log[#w.log])
          media.delay = nil
        end
      end)

      it("at work: another re-INVITE or offer gets 500, Retry-After 0-10",
        function()
          local call, session = connected()
          media.delay = 3
          call:request(method, { sdp = Sdp.offer() })
          w.network:advance(1)
          local first, seen = call.cseq, {}
          for i = 1, 40 do
            local other = i % 2 == 0 and "INVITE" or "UPDATE"
            call:request(other, { sdp = Sdp.offer() })
            local no = assert(call:wait(500))
            local after = math.tointeger(no:header "Retry-After")
            assert.is_true(after >= 0 and after <= 10)
            seen[after] = true
            if other == "INVITE" then
              call:ack()
            end
          end
          assert.is_not_nil(next(seen, next(seen))) -- by chance
          call:update() -- without an offer
          assert(call:wait(200))
          w.network:advance(2)
          if method == "INVITE" then
            call:request("ACK", { cseq = first })
            call.cseq = first + 100
          end
          w.network:advance(0)
          assert.equal(2, w:count("200 " .. method))
          assert.equal("connected", session.state)
          assert.same({ "get_answer" }, names())
        end)
    end)
  end

  it("of a re-INVITE loses against CANCEL: 487, and the call stands",
    function()
      local call, session, before = connected()
      media.delay = 2
      call:reinvite { sdp = Sdp.offer() }
      w.network:advance(1)
      call:cancel()
      w.network:advance(0)
      assert.same({ "100 INVITE", "200 CANCEL", "487 INVITE" },
        w:names(#w:names() - 2))
      assert(call:wait(200)) -- to the CANCEL
      call:ack()
      w.network:advance(5)
      in_force(session, before)
      assert.equal("connected", session.state)
      assert.equal(1, w:count "200 INVITE")
      media.delay = nil
      call:reinvite { sdp = Sdp.offer() } -- afterwards it has no effect
      assert(call:wait(200))
      call:cancel()
      w.network:advance(0)
      call:request("ACK", { cseq = call.cseq })
      w.network:advance(40)
      assert.equal("connected", session.state)
      assert.equal("200 CANCEL", w:names()[#w:names()])
    end)

  it("takes its time over a re-INVITE, not over an UPDATE: 504", function()
    local call, session, before = connected()
    media.delay = 100
    call:update { sdp = Sdp.offer() }
    w.network:advance(15.9)
    assert.equal(0, w:count "504 UPDATE")
    assert(call:wait(504, 0.2)) -- RFC 3311 5.2, before its 64*T1
    in_force(session, before)
    call:reinvite { sdp = Sdp.offer() }
    w.network:advance(99)
    assert.equal(1, w:count "200 INVITE")
    assert(call:wait(200))
    call:ack()
    w.network:advance(1)
    assert.equal("connected", session.state)
  end)

  it("making an offer: another offer gets 491", function()
    local call = connected()
    media.delay = 2
    call:reinvite()
    w.network:advance(1)
    call:update { sdp = Sdp.offer() }
    assert(call:wait(491))
    w.network:advance(1)
    call.cseq = call.cseq - 1
    call:ack { sdp = Sdp.offer() }
    call.cseq = call.cseq + 1
    w.network:advance(0.5)
    assert.same({ "get_offer", "set_answer" }, names())
    call:update { sdp = Sdp.offer() } -- it takes the answer in still
    assert(call:wait(491))
    w.network:advance(2)
    call:update { sdp = Sdp.offer() }
    assert(call:wait(200))
  end)

  describe("and the answer in the ACK of an INVITE:", function()
    local function accepted()
      w:accepting "async"
      local call = w:invite { sdp = false }
      assert(call:wait(200))
      return call, w.sessions[#w.sessions]
    end

    it("the accept ends when set_answer has", function()
      local call, session = accepted()
      media.delay = 5
      call:ack { sdp = Sdp.offer() }
      w.network:advance(4.9)
      assert.equal("connecting", session.state)
      assert.equal(1, #w.log)
      assert.equal(Sdp.offer(), session.remote_description)
      call:ack { sdp = Sdp.offer() } -- again
      w.network:advance(0.1)
      assert.same({ "incoming>connecting none -",
        "connecting>connected none 200", "accept ACK" }, w.log)
      assert.same({ "get_offer", "set_answer" }, names())
    end)

    it("a re-INVITE or an offer meanwhile gets 491, INFO is taken",
      function()
        local call = accepted()
        media.delay = 5
        call:ack { sdp = Sdp.offer() }
        w.network:advance(1)
        call:reinvite { sdp = Sdp.offer() }
        assert(call:wait(491))
        call:ack()
        call:update { sdp = Sdp.offer() }
        assert(call:wait(491))
        call:request "INFO"
        w.network:advance(5)
        assert.equal("accept ACK", w.log[#w.log])
      end)

    for name, answer in pairs { none = false, junk = "junk",
      ["one of another shape"] = Sdp.offer { streams = {} } } do
      it(name .. ": set_answer(session, nil), BYE, \"media\"", function()
        local call, session = accepted()
        call:ack { sdp = answer }
        call:reply(assert(call:wait("BYE", 1)), 200)
        w.network:advance(1)
        assert.same({ "get_offer", "set_answer" }, names())
        assert.is_nil(asked[2][2])
        in_force(session, {})
        assert.same({ "incoming>connecting none -",
          "connecting>disconnected not_acceptable_media -",
          "accept operation_failure media" }, w.log)
      end)
    end

    it("set_answer raises: BYE, \"media\"", function()
      local call = accepted()
      media.check = fails
      call:ack { sdp = Sdp.offer() }
      call:reply(assert(call:wait("BYE", 1)), 200)
      w.network:advance(1)
      w:failed "no media today"
      assert.same({ "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media -",
        "accept operation_failure media" }, w.log)
    end)

    it("set_answer raises after the end: only told", function()
      local call = accepted()
      media.check, media.delay = fails, 1
      call:ack { sdp = Sdp.offer() }
      w.network:advance(0.5)
      call:bye()
      w.network:advance(5)
      w:failed "no media today"
      assert.equal(0, w:count "BYE")
    end)

    it("BYE, terminate and close win over set_answer", function()
      local ends = {
        bye = "terminated_after_200", terminate = "terminated",
        close = "endpoint_closed",
      }
      for _, how in ipairs { "bye", "terminate", "close" } do
        local call, session = accepted()
        media.delay = 5
        call:ack { sdp = Sdp.offer() }
        w.network:advance(1)
        if how == "bye" then
          call:bye()
          assert(call:wait(200))
        else
          if how == "close" then
            w.endpoint:close()
          else
            session:terminate()
          end
          call:reply(assert(call:wait("BYE", 1)), 200)
        end
        w.network:advance(10)
        assert.equal("accept operation_failure " .. ends[how], w.log[#w.log])
        assert.equal("disconnected", session.state)
        media.delay = nil
      end
    end)

    it("may end the call itself", function()
      local call = accepted()
      media.check = function(session)
        session:terminate()
      end
      call:ack { sdp = Sdp.offer() }
      call:reply(assert(call:wait("BYE", 1)), 200)
      w.network:advance(1)
      assert.equal("accept operation_failure terminated", w.log[#w.log])
    end)
  end)

  it("of a re-INVITE whose set_answer raises: told, the call stands",
    function()
      local call, session = connected()
      media.check = fails
      call:reinvite()
      assert(call:wait(200))
      call:ack { sdp = Sdp.offer() }
      w.network:advance(1)
      w:failed "no media today"
      assert.equal("connected", session.state)
      assert.equal(Sdp.offer(), session.remote_description)
    end)

  it("may end the call while it answers a re-INVITE", function()
    local call, session = connected()
    session.media = { get_answer = function()
      session:terminate()
      return Sdp.audio()
    end }
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(487))
    call:ack()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(1)
    assert.equal(1, w:count "200 INVITE")
  end)

  describe("is not asked where the script gives a description:", function()
    it("alone, or a part of a multipart body", function()
      local body = "--x\r\nContent-Type: application/sdp\r\n\r\n"
        .. media.answer .. "\r\n--x\r\n\r\nhi\r\n--x--\r\n"
      w:accepting("async", { body = body,
        content_type = "multipart/mixed;boundary=x" })
      local call = w:invite()
      local ok = assert(call:wait(200))
      assert.equal(body, ok.body)
      assert.equal("multipart/mixed;boundary=x", ok.content_type)
      call:ack()
      w.network:advance(0)
      local session = w.sessions[1]
      in_force(session, { media.answer, World.OFFER })
      session:renegotiate_async({ body = body,
        content_type = "multipart/mixed;boundary=x" }, function() end)
      local invite = assert(call:wait "INVITE")
      assert.equal(body, invite.body)
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      in_force(session, { media.answer, Sdp.offer() })
      assert.same({ "set_answer" }, names())
    end)

    it("a body of another kind is none", function()
      w:accepting("async", { body = "hi", content_type = "text/plain" })
      local call = w:invite()
      assert.equal("hi", assert(call:wait(200)).body)
      call:ack()
      w.network:advance(0)
      in_force(w.sessions[1], {})
      call:reinvite { sdp = Sdp.offer() }
      assert.equal(media.answer, assert(call:wait(200)).body)
      call:ack()
      w.network:advance(0)
      in_force(w.sessions[1], { media.answer, Sdp.offer() })
    end)
  end)
end)
