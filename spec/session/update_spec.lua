-- UPDATE in a connected call, theirs and ours (RFC 3311). What the negotiator
-- has to do with it is in offer_answer_spec.lua, and the rest of ours in
-- renegotiate_spec.lua.
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("UPDATE", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function connected(options)
    w = World.new(options)
    w:accepting("async", { sdp = Sdp.audio() })
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    return call, w.sessions[1]
  end

  describe("of theirs", function()
    it("with an offer has it answered", function()
      local call, session = connected()
      for _, direction in ipairs { "sendonly", "inactive", "sendrecv" } do
        local offer = Sdp.offer { direction = direction }
        call:update { sdp = offer }
        local ok = assert(call:wait(200))
        assert.equal("<sip:10.0.0.1:5060>", ok:header "Contact")
        assert.equal(ok.body, session.local_description)
        assert.equal(offer, session.remote_description)
      end
      w.network:advance(40)
      assert.equal(3, w:count "200 UPDATE")
    end)

    it("without an offer is a 200 without one", function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      call:update()
      local ok = assert(call:wait(200))
      assert.is_nil(ok.body)
      assert.equal("<sip:10.0.0.1:5060>", ok:header "Contact")
      assert.matches("UPDATE", ok:header "Allow")
      assert.same(before,
        { session.local_description, session.remote_description })
    end)

    it("repeated has the same 200 again", function()
      local call = connected()
      call:update { sdp = Sdp.offer() }
      assert(call:wait(200))
      call:retransmit()
      w.network:advance(1)
      assert.equal(2, w:count "200 UPDATE")
      w:identical "200 UPDATE"
    end)

    it("that can't be answered is refused by what is wrong", function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      for code, options in pairs {
        [488] = { sdp = "junk" },
        [415] = { body = "x", content_type = "text/plain" },
        [420] = { sdp = Sdp.offer(), headers = { Require = "magic" } },
        [500] = { sdp = Sdp.offer(), cseq = 1 },
      } do
        call:update(options)
        assert(call:wait(code), code)
        call.cseq = 10
      end
      assert.same(before,
        { session.local_description, session.remote_description })
      assert.equal("connected", session.state)
    end)

    it("before the ACK of the INVITE is taken where the answer was given",
      function()
        w = World.new()
        w:accepting("async", { sdp = Sdp.audio() })
        local call = w:invite()
        local ok = assert(call:wait(200))
        call:update { sdp = Sdp.offer { direction = "sendonly" } }
        assert.same({ "recvonly" },
          Sdp.directions(assert(call:wait(200)).body))
        assert.equal(200, ok.code)
        call:request("ACK", { cseq = 1 })
        w.network:advance(1)
        assert.equal("connected", w.sessions[1].state)
        assert.same({ "recvonly" },
          Sdp.directions(w.sessions[1].local_description))
      end)

    it("with an offer while the INVITE's is unanswered: 500, Retry-After",
      function()
        w = World.new()
        w:serve(function(session)
          session:progress()
        end)
        local call = w:invite()
        assert(call:wait(180))
        call:update { sdp = Sdp.offer() }
        local no = assert(call:wait(500))
        assert.is_not_nil(math.tointeger(no:header "Retry-After"))
        call:update()
        assert(call:wait(200))
        w.sessions[1]:reject(486)
        assert(call:wait(486))
        call.cseq = 1
        call:ack()
      end)

    it("with an offer while ours in the 200 is unanswered: 491", function()
      w = World.new()
      w:accepting "async"
      local call = w:invite { sdp = false }
      assert(call:wait(200))
      call:update { sdp = Sdp.offer() }
      assert(call:wait(491))
      call:request("ACK", { cseq = 1, sdp = Sdp.offer() })
      w.network:advance(1)
      assert.equal("connected", w.sessions[1].state)
    end)

    it("with an offer between the 200 of a re-INVITE and its ACK waits",
      function()
        local call, session = connected()
        call:reinvite { sdp = Sdp.offer() }
        assert(call:wait(200))
        call:update { sdp = Sdp.offer { direction = "sendonly" } }
        local no = assert(call:wait(500))
        assert.is_not_nil(math.tointeger(no:header "Retry-After"))
        call:request("ACK", { cseq = 2 })
        call.cseq = 4
        call:update { sdp = Sdp.offer { direction = "sendonly" } }
        assert(call:wait(200))
        assert.same({ "recvonly" }, Sdp.directions(session.local_description))
      end)

    it("with an offer while our re-INVITE is on its way: 491", function()
      for _, options in ipairs { {}, { offer = false } } do
        local call, session = connected()
        local done
        session:renegotiate_async(options, function(...)
          done = { ... }
        end)
        local invite = assert(call:wait "INVITE")
        call:update { sdp = Sdp.offer() }
        assert(call:wait(491))
        call:update()
        assert(call:wait(200))
        call:reply(invite, 200, nil, Sdp.offer())
        assert(call:wait "ACK")
        w.network:advance(0)
        assert.equal(200, done[1].code)
        call:update { sdp = Sdp.offer() }
        assert(call:wait(200))
        call:bye()
        w:finish()
      end
      connected()
    end)

    it("crossing our BYE: 481", function()
      local call, session = connected()
      w.network:impair { delay = 0.05 }
      session:terminate()
      call:update { sdp = Sdp.offer() }
      assert(call:wait(481))
      call:reply(assert(call:wait "BYE"), 200)
    end)
  end)

  describe("of ours", function()
    local done

    local function update(session, options)
      done = nil
      options = options or {}
      options.method = "UPDATE"
      assert(session:renegotiate_async(options, function(...)
        done = table.pack(...)
      end))
    end

    it("has an offer, and no ACK", function()
      local call, session = connected()
      update(session)
      local request = assert(call:wait "UPDATE")
      assert.equal(Sdp.audio(), request.body)
      assert.equal("application/sdp", request.content_type)
      assert.equal("<sip:10.0.0.1:5060>", request:header "Contact")
      assert.matches("UPDATE", request:header "Allow")
      assert.is_string(request:header "Supported")
      local answer = Sdp.offer { version = 2 }
      call:reply(request, 200, nil, answer)
      w.network:advance(1)
      assert.equal(200, done[1].code)
      assert.equal(answer, session.remote_description)
      assert.equal(0, w:count "ACK")
    end)

    it("without an offer refreshes", function()
      local call, session = connected()
      local before = { session.local_description, session.remote_description }
      update(session, { offer = false })
      local request = assert(call:wait "UPDATE")
      assert.is_nil(request.body)
      call:reply(request, 200)
      w.network:advance(0)
      assert.equal(200, done[1].code)
      assert.same(before,
        { session.local_description, session.remote_description })
    end)

    it("crossing theirs: 491 both ways, then tried again", function()
      local call, session = connected()
      update(session)
      local request = assert(call:wait "UPDATE")
      call:update { sdp = Sdp.offer() }
      assert(call:wait(491))
      call:reply(request, 491)
      local again = assert(call:wait("UPDATE", 2.01))
      assert.not_equal(request:header "CSeq", again:header "CSeq")
      call:reply(again, 200, nil, Sdp.offer())
      w.network:advance(0)
      assert.equal(200, done[1].code)
    end)

    it("without an offer leaves theirs alone, whatever becomes of it",
      function()
        local call, session = connected()
        update(session, { offer = false })
        local request = assert(call:wait "UPDATE")
        call:reinvite() -- our offer goes into its 200
        local ok = assert(call:wait(200))
        call:reply(request, 500)
        w.network:advance(0)
        assert.equal("failure_response", done[2].kind)
        call:update { sdp = Sdp.offer() }
        assert(call:wait(491)) -- ours is open still
        call:request("ACK", { cseq = 2, sdp = Sdp.offer { version = 9 } })
        w.network:advance(0)
        assert.equal(ok.body, session.local_description)
        assert.equal(Sdp.offer { version = 9 }, session.remote_description)
      end)

    it("repeated until it is answered; not at all: the call ends",
      function()
        local call, session = connected()
        w.start = w.network:time()
        update(session)
        w.network:advance(31.9)
        assert.same(World.REPEATS, w:times "UPDATE")
        w:identical "UPDATE"
        assert.is_nil(done)
        call:reply(assert(call:wait("BYE", 1)), 200)
        w.network:advance(0)
        assert.equal("operation_timeout", done[2].kind)
        assert.equal("connected>disconnected timeout -", w.log[#w.log])
      end)

    it("refused with 405 leaves the call", function()
      local call, session = connected()
      update(session)
      call:reply(assert(call:wait "UPDATE"), 405)
      w.network:advance(0)
      assert.equal("failure_response", done[2].kind)
      assert.equal(405, done[2].code)
      assert.equal("connected", session.state)
    end)
  end)
end)
