-- Our re-INVITE (RFC 3261 14.1, RFC 3264 8, RFC 6141): what goes out, and what
-- a 2xx means. Other ends: renegotiate_ends_spec.lua; UPDATE: update_spec.lua;
-- hold and resume: hold_spec.lua.
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

  it("offers what was said last; the 2xx is what it gives", function()
    local call, session = connected()
    local invite = begun(call, session)
    assert.equal(Sdp.audio(), invite.body)
    assert.equal("application/sdp", invite.content_type)
    assert.equal("sip:caller@10.0.0.2:5060", invite.uri)
    assert.equal("<sip:10.0.0.1:5060>", invite:header "Contact")
    assert.equal("70", invite:header "Max-Forwards")
    assert.matches("INVITE, ACK", invite:header "Allow")
    assert.is_string(invite:header "Supported")
    assert.equal(call.from, invite:header "To")
    assert.equal(call.to, invite:header "From")
    local answer = Sdp.offer { version = 2 }
    call:reply(invite, 200, { ["X-A"] = "b" }, answer)
    local ack = assert(call:wait("ACK", 1))
    assert.is_nil(ack.body)
    assert.equal(invite:header("CSeq"):match "%d+" .. " ACK",
      ack:header "CSeq")
    assert.not_equal(invite:header "Via", ack:header "Via")
    assert.equal(200, outcome())
    assert.equal("b", done[1]:header "X-A")
    assert.equal(Sdp.audio(), session.local_description)
    assert.equal(answer, session.remote_description)
  end)

  it("waits in a coroutine, and in the main chunk", function()
    local call, session = connected { auto = true }
    local result
    sip.spawn(function()
      result = session:renegotiate()
    end)
    w.network:advance(1)
    assert.equal(200, result.code)
    assert.equal(200, assert(session:renegotiate()).code)
    assert.same({ "audio 40000" }, Sdp.streams(session.remote_description))
    call:bye()
  end)

  it("sends the description it is given, which is the last one then",
    function()
      local call, session = connected()
      local given = Sdp.audio { version = 20, formats = "8" }
      local invite = begun(call, session,
        { sdp = given, headers = { ["X-Why"] = "because" } })
      assert.equal(given, invite.body)
      assert.equal("because", invite:header "X-Why")
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      assert.equal(200, outcome())
      assert.equal(given, session.local_description)
      invite = begun(call, session)
      assert.equal(given, invite.body)
      call:reply(invite, 200, nil, Sdp.offer())
      assert(call:wait "ACK")
    end)

  it("has an Allow and Supported of the script's own go instead", function()
    local call, session = connected()
    local invite = begun(call, session,
      { headers = { Allow = "INVITE, ACK, BYE" } })
    assert.same({ "INVITE, ACK, BYE" }, invite:headers "Allow")
    call:reply(invite, 500)
    w.network:advance(0)
  end)

  it("asks the negotiator for the offer, tells it the answer", function()
    local call, session = connected()
    local told
    session.media = {
      get_offer = function()
        sip.sleep(1)
        return Sdp.audio { version = 3 }
      end,
      set_answer = function(_, answer)
        sip.sleep(1)
        told = answer
      end,
    }
    assert(session:renegotiate_async(function(...)
      done = table.pack(...)
    end))
    w.network:advance(0.9)
    assert.equal(0, w:count "INVITE")
    local invite = assert(call:wait("INVITE", 0.2))
    assert.equal(Sdp.audio { version = 3 }, invite.body)
    call:reply(invite, 200, nil, Sdp.offer())
    assert(call:wait("ACK", 0.1)) -- at once
    w.network:advance(0.9)
    assert.is_nil(done)
    w.network:advance(0.2)
    assert.equal(200, outcome())
    assert.equal(Sdp.offer(), told)
  end)

  it("gives \"media\" where the negotiator has no offer, or dies", function()
    local call, session = connected()
    local function dies()
      error "no media today"
    end
    for _, fn in ipairs { function() end, dies } do
      session.media = { get_offer = fn }
      session:renegotiate_async(function(...)
        done = table.pack(...)
      end)
      w.network:advance(1)
      assert.same({ "operation_failure", "media" }, { outcome() })
    end
    w:failed "no media today"
    assert.equal(0, w:count "INVITE")
    assert.equal("connected", session.state)
    call:bye()
  end)

  it("gives \"media\" where set_answer dies; the call stands", function()
    local call, session = connected()
    session.media = { set_answer = function()
      error "no media today"
    end }
    call:reply(begun(call, session), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    assert.same({ "operation_failure", "media" }, { outcome() })
    w:failed "no media today"
    assert.equal("connected", session.state)
  end)

  for name, answer in pairs { none = "", junk = "junk",
    ["one of another shape"] = Sdp.offer { streams = {} } } do
    it("gives \"media\" where the 200 has no answer: " .. name, function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      local told = {}
      session.media = { set_answer = function(_, sdp)
        told[#told + 1] = sdp or "nil"
      end }
      local invite = begun(call, session)
      call:reply(invite, 200, nil, answer ~= "" and answer or nil)
      assert(call:wait "ACK")
      assert.same({ "operation_failure", "media" }, { outcome() })
      assert.same({ "nil" }, told)
      assert.equal("connected", session.state)
      assert.same(before,
        { session.local_description, session.remote_description })
      call:reply(begun(call, session), 200, nil, Sdp.offer())
      assert(call:wait "ACK")
      assert.equal(200, outcome())
    end)
  end

  describe("without an offer", function()
    it("has theirs answered in the ACK", function()
      local call, session = connected()
      local invite = begun(call, session, { offer = false })
      assert.is_nil(invite.body)
      local offer = Sdp.offer { direction = "sendonly" }
      call:reply(invite, 200, nil, offer)
      local ack = assert(call:wait "ACK")
      assert.same({ "recvonly" }, Sdp.directions(ack.body))
      assert.equal(200, outcome())
      assert.equal(ack.body, session.local_description)
      assert.equal(offer, session.remote_description)
      call:reply(invite, 200, nil, offer) -- again: the same ACK
      w.network:advance(0)
      assert.equal(2, w:count "ACK")
      w:identical "ACK"
    end)

    it("asks the negotiator; while it works there is no ACK", function()
      local call, session = connected()
      session.media = { get_answer = function(_, offer)
        assert.equal(Sdp.offer(), offer)
        sip.sleep(2)
        return Sdp.audio { version = 4 }
      end }
      local invite = begun(call, session, { offer = false })
      for _ = 1, 4 do
        call:reply(invite, 200, nil, Sdp.offer())
        w.network:advance(0.5 - 1e-3)
        assert.equal(0, w:count "ACK")
      end
      call:update { sdp = Sdp.offer() }
      assert(call:wait(491, 0))
      local ack = assert(call:wait("ACK", 1))
      assert.equal(Sdp.audio { version = 4 }, ack.body)
      assert.equal(200, outcome())
    end)

    it("and an offer that can't be answered: ACK, BYE, \"media\"",
      function()
        local call, session = connected()
        local invite = begun(call, session, { offer = false })
        call:reply(invite, 200, nil, "junk")
        local ack = assert(call:wait "ACK")
        assert.is_nil(ack.body)
        call:reply(assert(call:wait("BYE", 1)), 200)
        assert.same({ "operation_failure", "media" }, { outcome() })
        assert.equal("connected>disconnected not_acceptable_media -",
          w.log[#w.log])
      end)

    it("and none in the 200 is no harm", function()
      local call, session = connected()
      call:reply(begun(call, session, { offer = false }), 200)
      assert(call:wait "ACK")
      assert.equal(200, outcome())
      assert.equal(World.OFFER, session.remote_description)
    end)
  end)

  it("with a body of another kind sends it", function()
    local call, session = connected()
    local invite = begun(call, session,
      { body = "hi", content_type = "text/plain" })
    assert.equal("hi", invite.body)
    assert.equal("text/plain", invite.content_type)
    call:reply(invite, 200, nil, Sdp.offer()) -- their offer
    assert.same({ "sendrecv" },
      Sdp.directions(assert(call:wait "ACK").body))
    assert.equal(200, outcome())
  end)

  it("crossing theirs: 491 both ways", function()
    local call, session = connected()
    local invite = begun(call, session)
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(491))
    call:ack()
    call:reply(invite, 491)
    call:reply(assert(call:wait("INVITE", 2.001)), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    assert.equal(200, outcome())
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(200))
    call:ack()
  end)

  it("waits for theirs to be done", function()
    local call, session = connected()
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(200))
    session:renegotiate_async(function(...)
      done = table.pack(...)
    end)
    w.network:advance(3)
    assert.equal(0, w:count "INVITE")
    call:ack()
    call:reply(assert(call:wait("INVITE", 2.1)), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    assert.equal(200, outcome())
  end)

  it("asked for by a negotiator waits for what that is about", function()
    local call, session = connected()
    session.media = { get_answer = function()
      assert(session:renegotiate_async(function(...)
        done = table.pack(...)
      end))
      return Sdp.audio()
    end }
    call:reinvite { sdp = Sdp.offer() }
    assert(call:wait(200))
    w.network:advance(3)
    assert.equal(0, w:count "INVITE")
    call:ack()
    call:reply(assert(call:wait("INVITE", 3)), 200, nil, Sdp.offer())
    w.network:advance(1)
    assert.equal(200, done[1].code)
  end)

  it("acknowledges each repeat of the 200, for 64*T1", function()
    local call, session = connected()
    local invite = begun(call, session)
    for i = 1, 8 do
      call:reply(invite, 200, nil, Sdp.offer())
      w.network:advance(4)
      assert.equal(i, w:count "ACK")
    end
    assert.equal(200, outcome())
    w:identical "ACK"
    w.network:advance(1)
    call:reply(invite, 200, nil, Sdp.offer())
    w.network:advance(1)
    assert.equal(8, w:count "ACK")
    assert.equal(0, w.network:leftovers().transactions)
  end)

  it("takes odd responses for what they are", function()
    local call, session = connected()
    local invite = begun(call, session)
    call:reply(invite, 199)
    call:reply(invite, 183, nil, Sdp.offer { version = 77 })
    w.network:advance(0)
    assert.is_nil(done)
    assert.equal(World.OFFER, session.remote_description)
    call:reply(invite, 299, nil, Sdp.offer())
    call:reply(invite, 100)
    call:reply(invite, 500)
    call:reply(invite, 200, { To = call.from .. "x" }, Sdp.offer())
    w.network:advance(0)
    assert.equal(299, outcome())
    assert.equal(2, w:count "ACK")
    assert.equal("connected", session.state)
  end)

  it("is the only one at a time: \"pending\"", function()
    local call, session = connected()
    local invite = begun(call, session)
    local function refused(...)
      local value, err = ...
      assert.is_nil(value)
      assert.equal("invalid_operation", err.kind)
      assert.equal("pending", err.reason)
    end
    local function never()
      error "called"
    end
    refused(session:renegotiate())
    refused(session:renegotiate_async(never))
    refused(session:hold())
    refused(session:hold_async(never))
    refused(session:resume())
    refused(session:resume_async(never))
    call:reply(invite, 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    assert.equal(200, outcome())
    call:reply(begun(call, session), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
  end)

  it("gives \"not_connected\" before, \"terminated\" after", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    local session = w.sessions[1]
    for _, verb in ipairs { "renegotiate", "hold", "resume" } do
      local value, err = session[verb](session)
      assert.is_nil(value)
      assert.equal("not_connected", err.reason)
    end
    session:participate_async(function() end)
    w.network:advance(0)
    assert.equal("not_connected", select(2, session:hold()).reason)
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    call:bye()
    w.network:advance(0)
    for _, verb in ipairs { "renegotiate", "hold", "resume" } do
      assert.equal("terminated",
        select(2, session[verb](session)).reason)
      assert.equal("terminated",
        select(2, session[verb .. "_async"](session, print)).reason)
    end
    w.endpoint:close()
  end)

  it("raises what is the script's mistake, and sends nothing", function()
    local call, session = connected()
    local function bad(pattern, ...)
      local ok, err = pcall(session.renegotiate, session, ...)
      assert.is_false(ok)
      assert.matches(pattern, tostring(err))
    end
    bad("method", { method = "BYE" })
    bad("method", { method = 1 })
    bad("offer", { offer = "no" })
    bad("offer = false", { offer = false, sdp = Sdp.audio() })
    bad("unknown", { sdpp = "x" })
    bad("unknown", { reason = "x" })
    bad("table", 1)
    bad("Contact", { headers = { Contact = "<sip:x@y>" } })
    assert.has_error(function()
      session:hold { sdp = Sdp.audio() }
    end)
    assert.has_error(function()
      session:renegotiate_async {}
    end)
    assert.equal(0, w:count "INVITE")
    call:bye()
  end)

  it("over TCP", function()
    local call, session = connected { protocol = "tcp" }
    local invite = begun(call, session)
    assert.equal("<sip:10.0.0.1:5060;transport=tcp>", invite:header "Contact")
    w.network:advance(5)
    assert.equal(1, w:count "INVITE")
    call:reply(invite, 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    assert.equal(200, outcome())
  end)

  it("along the route set", function()
    w = World.new()
    w:accepting("async", { sdp = Sdp.audio() })
    local proxy = w.network:peer "udp:10.0.0.7:5060"
    local call = w:invite { headers = { ["Record-Route"] =
      "<sip:10.0.0.7;lr>" } }
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    local session = w.sessions[1]
    session:renegotiate_async(function(...)
      done = table.pack(...)
    end)
    local invite = assert(proxy:receive(1))
    assert.equal("<sip:10.0.0.7;lr>", invite:header "Route")
    proxy:reply(invite, 200, { Contact = "<sip:new@10.0.0.2:5060>",
      ["Record-Route"] = "<sip:10.0.0.99;lr>" }, Sdp.offer())
    local ack = assert(proxy:receive(1))
    assert.equal("<sip:10.0.0.7;lr>", ack:header "Route")
    assert.equal("sip:new@10.0.0.2:5060", ack.uri)
    assert.equal(200, outcome())
  end)

  it("and all our requests have rising CSeqs", function()
    local call, session = connected()
    local cseqs = {}
    local function seen(request)
      cseqs[#cseqs + 1] =
        math.tointeger(request:header("CSeq"):match "^%d+")
      return request
    end
    session:send_async("INFO", function() end)
    call:reply(seen(assert(call:wait "INFO")), 200)
    call:reply(seen(begun(call, session)), 488)
    assert(call:wait "ACK")
    call:reply(seen(begun(call, session)), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    session:renegotiate_async({ method = "UPDATE" }, function() end)
    call:reply(seen(assert(call:wait "UPDATE")), 200, nil, Sdp.offer())
    w.network:advance(0)
    session:hold_async(function() end)
    call:reply(seen(assert(call:wait "INVITE")), 200, nil, Sdp.offer())
    assert(call:wait "ACK")
    session:terminate()
    call:reply(seen(assert(call:wait "BYE")), 200)
    for i = 2, #cseqs do
      assert.equal(cseqs[1] + i - 1, cseqs[i])
    end
    assert.equal(6, #cseqs)
  end)
end)
