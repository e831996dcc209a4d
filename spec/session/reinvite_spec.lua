-- Their re-INVITE in a connected call (RFC 3261 14.2, RFC 3264 8, RFC 6141):
-- what it is answered with, and that the call stands whatever it was. Without
-- a negotiator; with one: offer_answer_spec.lua.
local sip = require "sipsession"
local World = require "support.world"
local Sdp = require "support.descriptions"

local DIRECTIONS = { "sendrecv", "sendonly", "recvonly", "inactive" }

-- RFC 3264 6.1: what we answer, by what we wish for and what is offered.
local ANSWERS = {
  sendrecv = { "sendrecv", "recvonly", "sendonly", "inactive" },
  sendonly = { "sendonly", "inactive", "sendonly", "inactive" },
  recvonly = { "recvonly", "recvonly", "inactive", "inactive" },
  inactive = { "inactive", "inactive", "inactive", "inactive" },
}

describe("their re-INVITE", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- A call whose first answer the script gave.
  local function connected(answer, options)
    w = World.new(options)
    w:accepting("async", { sdp = answer or Sdp.audio() })
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    w.start = w.network:time()
    return call, w.sessions[1]
  end

  -- Its final response, acknowledged.
  local function answered(call, options, code)
    call:reinvite(options)
    local response, why = call:wait(code or 200, 5)
    assert(response, why)
    call:ack()
    w.network:advance(0)
    return response
  end

  it("has the last answer again, in every direction of RFC 3264 6.1",
    function()
      for ours, answers in pairs(ANSWERS) do
        local call, session = connected(Sdp.audio { direction = ours })
        for i, theirs in ipairs(DIRECTIONS) do
          local ok = answered(call, { sdp = Sdp.offer { direction = theirs } })
          assert.same({ answers[i] }, Sdp.directions(ok.body), ours .. theirs)
          assert.equal(ok.body, session.local_description)
          assert.matches("a=" .. theirs, session.remote_description, 1, true)
        end
        call:bye()
        w:finish()
      end
      connected()
    end)

  it("from hold and back, by direction and by address", function()
    local call = connected()
    for _, hold in ipairs { { direction = "sendonly" },
      { address = "0.0.0.0" }, { direction = "inactive" } } do
      local held = answered(call, { sdp = Sdp.offer(hold) })
      assert.not_same({ "sendrecv" }, Sdp.directions(held.body))
      local resumed = answered(call, { sdp = Sdp.offer() })
      assert.same({ "sendrecv" }, Sdp.directions(resumed.body))
    end
  end)

  it("has a 200 that renews the dialog", function()
    local call = connected()
    local ok = answered(call, { sdp = Sdp.offer() })
    assert.equal("<sip:10.0.0.1:5060>", ok:header "Contact")
    assert.matches("INVITE, ACK", ok:header "Allow")
    assert.matches("UPDATE", ok:header "Allow")
    assert.is_string(ok:header "Supported")
    assert.equal("application/sdp", ok.content_type)
    assert.equal(call.to, ok:header "To")
  end)

  it("counts the version where something changes, and only there", function()
    local call = connected(Sdp.audio { version = 7 })
    local function version(direction)
      return Sdp.version(answered(call,
        { sdp = Sdp.offer { direction = direction } }).body)
    end
    assert.equal(8, version "sendrecv") -- it says so, the first one didn't
    assert.equal(8, version "sendrecv")
    assert.equal(9, version "sendonly")
    assert.equal(9, version "sendonly")
    assert.equal(10, version "inactive")
    assert.equal(11, version "sendrecv")
  end)

  it("may bring a stream: it is refused in its place, for good", function()
    local call, session = connected()
    local two = Sdp.offer { more = { "m=video 4002 RTP/AVP 31" } }
    local ok = answered(call, { sdp = two })
    assert.same({ "audio 5000", "video 0" }, Sdp.streams(ok.body))
    session:renegotiate_async(function() end)
    local ours = assert(call:wait "INVITE")
    assert.same({ "audio 5000", "video 0" }, Sdp.streams(ours.body))
    call:reply(ours, 200, nil, two)
    assert(call:wait "ACK")
    answered(call, { sdp = Sdp.offer() }, 488)
    assert.equal("connected", session.state)
  end)

  it("may end a stream, and begin it again", function()
    local call = connected()
    local ok = answered(call, { sdp = Sdp.offer { port = 0 } })
    assert.same({ "audio 0" }, Sdp.streams(ok.body))
    ok = answered(call, { sdp = Sdp.offer() })
    assert.same({ "audio 5000" }, Sdp.streams(ok.body))
  end)

  it("with fewer streams than before: 488", function()
    local call, session = connected()
    local before = { session.local_description, session.remote_description }
    answered(call, { sdp = Sdp.offer { streams = {} } }, 488)
    assert.same(before,
      { session.local_description, session.remote_description })
    answered(call, { sdp = Sdp.offer() })
  end)

  it("without one of our codecs goes on without it, without any: 488",
    function()
      local call = connected(Sdp.audio { formats = "0 8" })
      local ok = answered(call, { sdp = Sdp.offer { formats = "8 3" } })
      assert.matches("m=audio 5000 RTP/AVP 8\r\n", ok.body, 1, true)
      answered(call, { sdp = Sdp.offer { formats = "3" } }, 488)
      ok = answered(call, { sdp = Sdp.offer { formats = "0 8" } })
      assert.matches("m=audio 5000 RTP/AVP 0 8\r\n", ok.body, 1, true)
    end)

  it("that can't be read: 488, and nothing has changed", function()
    local call, session = connected()
    local before = { session.local_description, session.remote_description }
    for _, bad in ipairs { "hello", "v=0\r\n", "v=0\r\no=- 1 1 IN IP4 h\r\n",
      "\0\1\2", Sdp.offer():sub(1, -12), ("m=audio\r\n"):rep(500) } do
      answered(call, { sdp = bad }, 488)
    end
    assert.same(before,
      { session.local_description, session.remote_description })
    assert.equal("connected", session.state)
    answered(call, { sdp = Sdp.offer() })
  end)

  it("with a body that isn't SDP: 415, with Accept", function()
    local call, session = connected()
    local no = answered(call, { body = "x", content_type = "text/plain" }, 415)
    assert.equal("application/sdp", no:header "Accept")
    assert.equal("connected", session.state)
  end)

  it("whose offer is a part of a multipart body has it answered", function()
    local call, session = connected()
    local offer = Sdp.offer { direction = "sendonly" }
    local ok = answered(call, {
      content_type = "multipart/mixed;boundary=x",
      body = "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
        .. "--x\r\nContent-Type: application/sdp\r\n\r\n" .. offer
        .. "\r\n--x--\r\n",
    })
    assert.same({ "recvonly" }, Sdp.directions(ok.body))
    assert.equal(offer, session.remote_description)
  end)

  it("requiring what we don't know: 420", function()
    local call, session = connected()
    local no = answered(call, { sdp = Sdp.offer(),
      headers = { Require = "foo, bar" } }, 420)
    assert.equal("foo, bar", no:header "Unsupported")
    assert.equal("connected", session.state)
  end)

  it("with another Request-URI is taken all the same", function()
    local call = connected()
    answered(call, { sdp = Sdp.offer(),
      request_uri = "sip:somebody.else@10.9.9.9" })
  end)

  it("with a CSeq lower than the last: 500; equal Call-ID alone: 481",
    function()
      local call, session = connected()
      call:request("OPTIONS", { cseq = 10 })
      assert(call:wait(200))
      call:reinvite { sdp = Sdp.offer(), cseq = 9 }
      assert(call:wait(500))
      call:ack()
      call.cseq = 20
      call:reinvite { sdp = Sdp.offer(),
        headers = { To = "<sip:desk@10.0.0.1>;tag=other" } }
      assert(call:wait(481))
      call:ack()
      assert.equal("connected", session.state)
      w.network:advance(40)
    end)

  it("is told of as 'reinvite', in order, without an offer too", function()
    local call, session = connected()
    local seen = {}
    session:on("reinvite", function(s, request)
      assert.equal(session, s)
      seen[#seen + 1] = request.method .. " "
        .. (request.body and "offer" or "none")
    end)
    session:on("state_changed", function(_, change)
      seen[#seen + 1] = change.state
    end)
    answered(call, { sdp = Sdp.offer() })
    answered(call, { sdp = "junk" }, 488)
    call:reinvite()
    assert(call:wait(200))
    call:ack()
    call:update { sdp = Sdp.offer() }
    call:update()
    call:bye()
    w.network:advance(1)
    assert.same({ "INVITE offer", "INVITE offer", "INVITE none",
      "UPDATE offer", "disconnected" }, seen)
  end)

  describe("without an offer", function()
    it("gets ours: what was said last", function()
      local call, session = connected(Sdp.audio { direction = "sendrecv" })
      call:reinvite()
      local ok = assert(call:wait(200))
      assert.equal(Sdp.audio { direction = "sendrecv" }, ok.body)
      call:ack { sdp = Sdp.offer { direction = "recvonly" } }
      w.network:advance(0)
      assert.equal(ok.body, session.local_description)
      assert.same({ "recvonly" }, Sdp.directions(session.remote_description))
    end)

    it("and without the answer in its ACK leaves all as it was", function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      for _, answer in ipairs { false, "junk", Sdp.offer { streams = {} } } do
        call:reinvite()
        assert(call:wait(200))
        call:ack { sdp = answer }
        w.network:advance(0)
        assert.same(before,
          { session.local_description, session.remote_description })
      end
      assert.equal("connected", session.state)
      answered(call, { sdp = Sdp.offer() })
    end)

    it("has an open offer until its ACK: another one gets 491", function()
      local call, session = connected()
      call:reinvite()
      assert(call:wait(200))
      local cseq = call.cseq
      call:reinvite { sdp = Sdp.offer() }
      assert(call:wait(491))
      call:ack()
      call:update { sdp = Sdp.offer() }
      assert(call:wait(491))
      local done
      session:renegotiate_async(function(...)
        done = { ... }
      end)
      w.network:advance(3) -- waits until the offer is answered
      assert.equal(0, w:count "INVITE")
      call:request("ACK", { cseq = cseq, sdp = Sdp.offer() })
      call.cseq = cseq + 2
      local ours = assert(call:wait("INVITE", 3))
      call:reply(ours, 200, nil, Sdp.offer())
      w.network:advance(1)
      assert.equal(200, done[1].code)
    end)
  end)

  describe("whose 200 is lost", function()
    it("has it again at T1 doubling to T2, until the ACK", function()
      local call, session = connected()
      call:reinvite { sdp = Sdp.offer() }
      w.network:advance(20)
      local times = { 0, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500 }
      assert.same(times, w:times "200 INVITE") -- the first is the INVITE's
      call:ack()
      w.network:advance(60)
      assert.equal(#times, w:count "200 INVITE")
      assert.equal("connected", session.state)
    end)

    it("and never acknowledged: BYE after 64*T1, timeout", function()
      for _, protocol in ipairs { "udp", "tcp" } do
        local call, session = connected(nil, { protocol = protocol })
        call:reinvite { sdp = Sdp.offer() }
        w.network:advance(31.9)
        assert.equal("connected", session.state)
        call:reply(assert(call:wait("BYE", 1)), 200)
        assert.same({ 32000 }, w:times "BYE")
        assert.equal(11 + 1, w:count "200 INVITE")
        w.network:advance(1)
        assert.equal("connected>disconnected timeout -", w.log[#w.log])
        w:finish()
      end
      connected()
    end)

    it("ends with their BYE", function()
      local call = connected()
      call:reinvite { sdp = Sdp.offer() }
      w.network:advance(5)
      call:bye()
      assert(call:wait(200))
      local n = w:count "200 INVITE"
      w.network:advance(60)
      assert.equal(n, w:count "200 INVITE")
      assert.equal("connected>disconnected terminated_remotely -",
        w.log[#w.log])
    end)

    it("ends with our BYE", function()
      local call, session = connected()
      call:reinvite { sdp = Sdp.offer() }
      w.network:advance(5)
      local n = w:count "200 INVITE"
      session:terminate()
      call:reply(assert(call:wait "BYE"), 200)
      call:ack()
      w.network:advance(60)
      assert.equal(n, w:count "200 INVITE")
    end)

    it("is repeated where the re-INVITE is", function()
      local call = connected()
      call:reinvite { sdp = Sdp.offer() }
      assert(call:wait(200))
      call:retransmit()
      w.network:advance(0.1)
      assert.equal(3, w:count "200 INVITE")
      call:ack()
      w.network:advance(0)
      call:retransmit "INVITE"
      w.network:advance(1)
      assert.equal(3, w:count "200 INVITE")
    end)
  end)

  it("before the ACK of the one before: 491", function()
    local call = connected()
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(200))
    local cseq = call.cseq
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(491))
    call:ack()
    call:request("ACK", { cseq = cseq })
    call.cseq = cseq + 1
    w.network:advance(1)
    answered(call, { sdp = Sdp.offer() })
  end)

  it("in the batch of the ACK before it is taken", function()
    w = World.new()
    w:accepting("async", { sdp = Sdp.audio() })
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    answered(call, { sdp = Sdp.offer() })
    assert.equal("connected", w.sessions[1].state)
  end)

  it("and an ACK that is a stranger's changes nothing", function()
    local call, session = connected()
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(200))
    call:request("ACK", { cseq = 1 }) -- the INVITE's, again
    call:request("ACK", { cseq = 77 })
    call.cseq = 2
    w.network:advance(4)
    assert.is_true(w:count "200 INVITE" > 3)
    call:ack()
    w.network:advance(40)
    assert.equal("connected", session.state)
  end)

  it("crossing our BYE: 481", function()
    local call, session = connected()
    w.network:impair { delay = 0.05 }
    session:terminate()
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(481))
    call:ack()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(1)
    assert.equal("connected>disconnected terminated_locally -", w.log[#w.log])
  end)

  it("has no event without a listener, and 1,000 of them leave nothing",
    function()
      local call = connected()
      for _ = 1, 1000 // World.SCALE do
        answered(call, { sdp = Sdp.offer() })
      end
    end)

  it("takes no part in sip.run's end: all is over when the calls are",
    function()
      local call = connected()
      call:reinvite { sdp = Sdp.offer() }
      assert(call:wait(200))
      call:ack()
      call:bye()
      assert(call:wait(200))
      sip.sleep(60)
      assert.equal(0, w.network:leftovers().transactions)
    end)
end)
