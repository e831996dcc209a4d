-- Session descriptions of an accept: the library's own, the script's, and a
-- negotiator's (RFC 3264; RFC 3261 13.2.1, 13.3.1; UCMA's
-- OfferAnswerNegotiation). The descriptions of sip.sdp are in sdp_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

describe("media", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- Lines of a description that begin so.
  local function grep(text, start)
    local found = {}
    for line in text:gmatch "([^\r\n]*)\r\n" do
      if line:sub(1, #start) == start then
        found[#found + 1] = line
      end
    end
    return found
  end

  -- The 200 of an accept with these options, and its call.
  local function accept(invite, options)
    w:serve(function(session)
      w:outcome(session:participate(options))
    end)
    local call = w:invite(invite)
    local ok = assert(call:wait(200))
    return ok, call
  end

  describe("of the library's own", function()
    it("is an answer with the stream inactive", function()
      w = World.new()
      local ok, call = accept()
      assert.equal("application/sdp", ok.content_type)
      assert.equal("v=0", ok.body:match "^[^\r]*")
      assert.matches("\r\no=%S+ %d+ %d+ IN IP4 10%.0%.0%.1\r\n", ok.body)
      assert.equal(1, #grep(ok.body, "s="))
      assert.equal(1, #grep(ok.body, "t="))
      assert.same({ "a=inactive" }, grep(ok.body, "a=inactive"))
      local m = grep(ok.body, "m=")
      assert.equal(1, #m)
      assert.matches("^m=audio %d+ RTP/AVP 0", m[1])
      assert.is_not.equal("0", m[1]:match "^m=audio (%d+)")
      call:ack()
    end)

    it("answers each stream in its place", function()
      w = World.new()
      local ok, call = accept { sdp = lines("v=0",
        "o=- 1 1 IN IP4 10.0.0.2", "s=-", "c=IN IP4 10.0.0.2", "t=0 0",
        "m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 opus/48000/2",
        "a=sendonly",
        "m=video 0 RTP/AVP 31",
        "m=video 4002 RTP/SAVPF 97", "a=rtpmap:97 H264/90000",
        "m=application 4004 TCP/BFCP *",
        "m=image 4006 udptl t38") }
      local m = grep(ok.body, "m=")
      assert.equal(5, #m)
      assert.matches("^m=audio %d+ RTP/AVP ", m[1])
      assert.equal("m=video 0 RTP/AVP 31", m[2])
      assert.matches("^m=video %d+ RTP/SAVPF ", m[3])
      assert.matches("^m=application %d+ TCP/BFCP ", m[4])
      assert.matches("^m=image %d+ udptl ", m[5])
      local live = 0
      for _, line in ipairs(m) do
        live = live + (line:match "^m=%a+ (%d+)" ~= "0" and 1 or 0)
      end
      assert.is_true(#grep(ok.body, "a=inactive") >= math.min(live, 1))
      assert.equal(0, #grep(ok.body, "a=sendrecv"))
      assert.equal(0, #grep(ok.body, "a=sendonly"))
      assert.equal(0, #grep(ok.body, "a=recvonly"))
      call:ack()
    end)

    it("is an offer where there was none", function()
      w = World.new()
      local ok, call = accept { sdp = false }
      assert.equal("application/sdp", ok.content_type)
      assert.equal(1, #grep(ok.body, "m=audio "))
      assert.equal(1, #grep(ok.body, "a=inactive"))
      call:ack()
      w.network:advance(0)
      assert.equal("accept ACK", w.log[#w.log])
    end)

    it("is refused with 488 where the offer can't be read", function()
      w = World.new()
      w:accepting "in a handler"
      local call = w:invite { sdp = "this is no description" }
      assert(call:wait(488))
      call:ack()
      w.network:advance(0)
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media 488",
        "accept operation_failure media",
      }, w.log)
    end)

    it("names an IPv6 address over IPv6", function()
      w = World.new { endpoint = { listen = "udp:[fd00::1]:5060" } }
      w.caller = w.network:peer "udp:[fd00::2]:5060"
      local ok, call = accept { to = "sip:desk@[fd00::1]",
        from = "sip:caller@[fd00::2]" }
      assert.matches("IN IP6 fd00::1\r\n", ok.body)
      call:ack()
    end)
  end)

  describe("of the script's own", function()
    it("goes as it is given", function()
      w = World.new()
      local ok, call = accept(nil, { sdp = World.ANSWER })
      assert.equal(World.ANSWER, ok.body)
      assert.equal("application/sdp", ok.content_type)
      call:ack()
      w.network:advance(0)
      assert.equal("accept ACK", w.log[#w.log])
    end)

    it("may be a body of any type", function()
      w = World.new()
      local ok, call = accept(nil, { body = "\0\1\2\r\n",
        content_type = "multipart/mixed;boundary=x" })
      assert.equal("\0\1\2\r\n", ok.body)
      assert.equal("multipart/mixed;boundary=x", ok.content_type)
      call:ack()
    end)

    it("comes before the negotiator", function()
      w = World.new { endpoint = { media = { get_answer = error } } }
      local ok, call = accept(nil, { sdp = World.ANSWER })
      assert.equal(World.ANSWER, ok.body)
      call:ack()
    end)
  end)

  describe("of a negotiator", function()
    it("answers the offer", function()
      local given
      w = World.new { endpoint = { media = {
        get_answer = function(session, offer)
          given = { session, offer, session.state }
          return World.ANSWER
        end,
        get_offer = error,
      } } }
      local ok, call = accept()
      assert.equal(World.ANSWER, ok.body)
      assert.equal("application/sdp", ok.content_type)
      assert.equal(w.sessions[1], given[1])
      assert.equal(World.OFFER, given[2])
      assert.equal("connecting", given[3])
      call:ack()
    end)

    it("makes the offer where there is none, and is told the answer",
      function()
        local given, n = nil, 0
        w = World.new { endpoint = { media = {
          get_offer = function(session)
            n = n + 1
            assert.equal(w.sessions[1], session)
            return World.OFFER
          end,
          get_answer = error,
          set_answer = function(session, answer)
            given = { session, answer }
          end,
        } } }
        local ok, call = accept { sdp = false }
        assert.equal(World.OFFER, ok.body)
        call:ack { sdp = World.ANSWER }
        w.network:advance(0)
        assert.equal(1, n)
        assert.equal(w.sessions[1], given[1])
        assert.equal(World.ANSWER, given[2])
        assert.equal("accept ACK", w.log[#w.log])
      end)

    it("may take its time, in both directions", function()
      w = World.new { endpoint = { media = {
        get_answer = function()
          sip.sleep(0.1)
          sip.sleep(1)
          return World.ANSWER
        end,
        get_offer = function()
          sip.sleep(2)
          return World.OFFER
        end,
      } } }
      local ok, call = accept()
      assert.equal(World.ANSWER, ok.body)
      assert.same({ 1100 }, w:times "200 INVITE")
      call:ack()
      call = w:invite { sdp = false }
      ok = assert(call:wait(200))
      assert.equal(World.OFFER, ok.body)
      assert.equal(2000, w:sent "200 INVITE"[2].ms)
      call:ack { sdp = World.ANSWER }
    end)

    it("is the session's before the endpoint's", function()
      w = World.new { endpoint = { media = { get_answer = error } } }
      w:serve(function(session)
        session.media = {
          get_answer = function()
            return World.ANSWER
          end,
        }
        w:outcome(session:participate())
      end)
      local call = w:invite()
      assert.equal(World.ANSWER, assert(call:wait(200)).body)
      call:ack()
    end)

    it("that lacks what is needed leaves it to the library", function()
      w = World.new { endpoint = { media = {
        set_answer = function() end,
      } } }
      local ok, call = accept()
      assert.equal(1, #grep(ok.body, "a=inactive"))
      call:ack()
    end)

    local function failing(title, fn, code, error_text)
      it("that " .. title .. " gets the call " .. code, function()
        w = World.new { endpoint = { media = { get_answer = fn } } }
        w:accepting "in a handler"
        local call = w:invite()
        assert(call:wait(code))
        call:ack()
        w.network:advance(5)
        assert.same({ code }, w:finals())
        assert.same({
          "incoming>connecting none -",
          "connecting>disconnected not_acceptable_media " .. code,
          "accept operation_failure media",
        }, w.log)
        if error_text then
          w:failed(error_text)
        end
      end)
    end

    failing("gives nothing", function() end, 488)
    failing("gives nil and why", function()
      return nil, "no codec"
    end, 488)
    failing("gives nothing after a while", function()
      sip.sleep(1)
    end, 488)
    failing("fails", function()
      error "broken"
    end, 500, "broken")
    failing("fails after a while", function()
      sip.sleep(1)
      error "broken"
    end, 500, "broken")
    failing("gives what is no description", function()
      return {}
    end, 500, "negotiator")

    it("that works when CANCEL comes: 487, and its result is nothing",
      function()
        local went_on
        w = World.new { endpoint = { media = {
          get_answer = function()
            sip.sleep(1)
            went_on = true
            return World.ANSWER
          end,
        } } }
        w:accepting "in a handler"
        local call = w:invite()
        w.network:advance(0.5)
        call:cancel()
        assert(call:wait(487))
        call:ack()
        w.network:advance(5)
        assert.is_true(went_on)
        assert.same({ 487 }, w:finals())
        assert.equal("accept operation_failure cancelled", w.log[3])
        assert.equal(3, #w.log)
      end)

    it("that works when BYE comes: 487, and its result is nothing",
      function()
        w = World.new { endpoint = { media = {
          get_answer = function()
            sip.sleep(1)
            return World.ANSWER
          end,
        } } }
        w:serve(function(session)
          session:progress()
          w:outcome(session:participate())
        end)
        local call = w:invite()
        assert(call:wait(180))
        call:bye()
        assert(call:wait(200))
        assert(call:wait(487))
        w.network:advance(5)
        assert.same({ 487 }, w:finals())
        assert.equal("accept operation_failure cancelled", w.log[3])
        assert.equal(3, #w.log)
      end)

    it("that fails after a CANCEL is told of, and nothing else", function()
      w = World.new { endpoint = { media = {
        get_answer = function()
          sip.sleep(1)
          error "too late"
        end,
      } } }
      w:accepting "in a handler"
      local call = w:invite()
      w.network:advance(0.5)
      call:cancel()
      assert(call:wait(487))
      call:ack()
      w.network:advance(5)
      assert.same({ 487 }, w:finals())
      w:failed "too late"
    end)

    it("may end the call itself", function()
      w = World.new { endpoint = { media = {
        get_answer = function(session)
          session:terminate()
          return World.ANSWER
        end,
      } } }
      w:accepting "in a handler"
      local call = w:invite()
      assert(call:wait(486))
      call:ack()
      w.network:advance(5)
      assert.same({ 486 }, w:finals())
      assert.equal("accept operation_failure terminated", w.log[3])
    end)

    it("whose set_answer fails is told of, and ends the call", function()
      w = World.new { endpoint = { media = {
        get_offer = function()
          return World.OFFER
        end,
        set_answer = function()
          error "can't hear you"
        end,
      } } }
      local _, call = accept { sdp = false }
      call:ack { sdp = World.ANSWER }
      call:reply(assert(call:wait("BYE", 1)), 200)
      w:failed "can't hear you"
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media -",
        "accept operation_failure media",
      }, w.log)
    end)
  end)
end)
