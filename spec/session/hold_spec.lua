-- session:hold and resume (RFC 3264 8.4, RFC 6337 5.3).
local World = require "support.world"
local Sdp = require "support.descriptions"

describe("session:hold", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function connected(options)
    w = World.new()
    w:accepting("async", { sdp = Sdp.audio(options) })
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    return call, w.sessions[1]
  end

  -- Holds or resumes, the peer answering so. Returns the offer.
  local function run(call, session, verb, answer, code)
    local done
    assert(session[verb .. "_async"](session, function(...)
      done = table.pack(...)
    end))
    local invite = assert(call:wait "INVITE")
    call:reply(invite, code or 200, nil, answer)
    assert(call:wait "ACK")
    w.network:advance(0)
    assert.equal(code == nil, done[1] ~= nil)
    return invite.body
  end

  local HELD = Sdp.offer { direction = "recvonly" }

  it("is what was said last, without receiving", function()
    local call, session = connected()
    assert.is_false(session.held)
    local offer = run(call, session, "hold", HELD)
    assert.equal(Sdp.audio { version = 2, direction = "sendonly" }, offer)
    assert.is_true(session.held)
    assert.equal(offer, session.local_description)
    assert.equal(HELD, session.remote_description)
    offer = run(call, session, "resume", Sdp.offer())
    assert.equal(Sdp.audio { version = 3 }, offer)
    assert.is_false(session.held)
    assert.equal(offer, session.local_description)
  end)

  it("takes only what there is", function()
    for wish, said in pairs { sendrecv = "sendonly", sendonly = "sendonly",
      recvonly = "inactive", inactive = "inactive" } do
      local call, session = connected { direction = wish }
      assert.same({ said },
        Sdp.directions(run(call, session, "hold", HELD)))
      assert.same({ wish },
        Sdp.directions(run(call, session, "resume", Sdp.offer())))
      call:bye()
      w:finish()
    end
    connected()
  end)

  it("waits in the main chunk, with headers", function()
    w = World.new { auto = true }
    w:accepting("async", { sdp = Sdp.audio() })
    local call = w:invite()
    w.network:advance(1)
    local session = w.sessions[1]
    assert.equal(200,
      assert(session:hold { headers = { ["X-Hold"] = "music" } }).code)
    assert.matches("X-Hold: music", w:sent("INVITE")[1].text)
    assert.is_true(session.held)
    assert.equal(200, assert(session:resume()).code)
    assert.is_false(session.held)
    call:bye()
  end)

  it("twice says the same again", function()
    local call, session = connected()
    local one = run(call, session, "hold", HELD)
    assert.equal(one, run(call, session, "hold", HELD))
    assert.is_true(session.held)
    local two = run(call, session, "resume", Sdp.offer())
    assert.equal(two, run(call, session, "resume", Sdp.offer()))
  end)

  it("refused leaves it as it was; the versions go on", function()
    local call, session = connected()
    local refused = run(call, session, "hold", nil, 488)
    assert.equal(2, Sdp.version(refused))
    assert.is_false(session.held)
    assert.equal(Sdp.audio(), session.local_description)
    assert.equal(2, Sdp.version(run(call, session, "hold", HELD)))
    refused = run(call, session, "resume", nil, 500)
    assert.equal(3, Sdp.version(refused))
    assert.is_true(session.held)
    assert.same({ "sendonly" }, Sdp.directions(session.local_description))
    -- what it says once more differs from what was refused
    assert.equal(4, Sdp.version(run(call, session, "hold", HELD)))
  end)

  it("goes on through their offers, without a negotiator", function()
    local call, session = connected()
    run(call, session, "hold", HELD)
    for theirs, ours in pairs { sendrecv = "sendonly", recvonly = "sendonly",
      sendonly = "inactive", inactive = "inactive" } do
      for _, method in ipairs { "INVITE", "UPDATE" } do
        call:request(method, { sdp = Sdp.offer { direction = theirs } })
        assert.same({ ours }, Sdp.directions(assert(call:wait(200)).body))
        if method == "INVITE" then
          call:ack()
        end
        w.network:advance(0)
        assert.is_true(session.held)
      end
    end
    call:reinvite()
    assert.same({ "sendonly" }, Sdp.directions(assert(call:wait(200)).body))
    call:ack { sdp = HELD }
    w.network:advance(0)
    assert.same({},
      Sdp.directions(run(call, session, "resume", Sdp.offer())))
    call:reinvite { sdp = Sdp.offer() }
    assert.same({ "sendrecv" }, Sdp.directions(assert(call:wait(200)).body))
    call:ack()
  end)

  it("of both sides, ended in either order", function()
    local call, session = connected()
    run(call, session, "hold", HELD)
    local function theirs(direction)
      call:reinvite { sdp = Sdp.offer { direction = direction } }
      local ok = assert(call:wait(200))
      call:ack()
      w.network:advance(0)
      return Sdp.directions(ok.body)[1]
    end
    assert.equal("inactive", theirs "sendonly")
    run(call, session, "resume", Sdp.offer { direction = "sendonly" })
    assert.equal("sendrecv", theirs "sendrecv")
    assert.equal("recvonly", theirs "sendonly")
    run(call, session, "hold", Sdp.offer { direction = "inactive" })
    assert.equal("sendonly", theirs "sendrecv")
    run(call, session, "resume", Sdp.offer())
  end)

  it("leaves other renegotiations held", function()
    local call, session = connected()
    run(call, session, "hold", HELD)
    local offer = run(call, session, "renegotiate", HELD)
    assert.same({ "sendonly" }, Sdp.directions(offer))
    assert.is_true(session.held)
  end)

  it("asks no negotiator for an offer, and tells it the answer", function()
    local call, session = connected()
    local told
    session.media = {
      get_offer = function()
        error "asked"
      end,
      set_answer = function(_, answer)
        told = answer
      end,
    }
    run(call, session, "hold", HELD)
    assert.equal(HELD, told)
  end)

  it("of several streams holds each", function()
    w = World.new()
    local ours = Sdp.audio { streams = { "m=audio 5000 RTP/AVP 0",
      "a=sendrecv", "m=video 5002 RTP/AVP 31", "a=recvonly" } }
    w:accepting("async", { sdp = ours })
    local call = w:invite { sdp = Sdp.offer { streams = {
      "m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 31" } } }
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    local offer = run(call, w.sessions[1], "hold", Sdp.offer { streams = {
      "m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31" } })
    assert.same({ "sendonly", "inactive" }, Sdp.directions(offer))
  end)

  it("where nothing was ever described: \"media\"", function()
    w = World.new()
    w:accepting("async", { body = "hi", content_type = "text/plain" })
    local call = w:invite { sdp = false }
    assert(call:wait(200))
    call:ack { sdp = false }
    w.network:advance(0)
    local _, err = w.sessions[1]:hold()
    assert.equal("operation_failure", err.kind)
    assert.equal("media", err.reason)
    assert.equal(0, w:count "INVITE")
    call:bye()
  end)
end)
