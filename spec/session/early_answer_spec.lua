-- An answer in a provisional response that isn't reliable: the caller takes the
-- first description for the answer, so the 200 says the same (RFC 3261 13.2.1),
-- and what comes later goes on from it.
local World = require "support.world"
local Sdp = require "support.descriptions"

local EARLY = World.ANSWER

describe("an answer in an unreliable 183", function()
  local w, asked

  before_each(function()
    asked = 0
  end)

  after_each(function()
    w:finish()
  end)

  local function negotiator()
    asked = asked + 1
    return Sdp.audio { port = 7000 }
  end

  local function ring(session)
    assert(session:progress(180))
    assert(session:progress(183, { sdp = EARLY }))
  end

  -- The call, and the 200.
  local function accepted(accept, fn)
    w = World.new { endpoint = { media = { get_answer = negotiator } } }
    w:serve(function(session)
      (fn or ring)(session)
      w:outcome(session:participate(accept))
    end)
    local call = w:invite()
    local ok = assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    assert.equal("accept ACK", w.log[#w.log])
    return call, ok
  end

  it("is in the 200, too; no negotiator is asked", function()
    local _, ok = accepted { headers = { ["X-Desk"] = "1" }, reason = "Yes" }
    assert.equal(EARLY, ok.body)
    assert.equal("application/sdp", ok:header "Content-Type")
    assert.equal("1", ok:header "X-Desk")
    assert.equal("Yes", ok.reason)
    assert.equal(EARLY, w.sessions[1].local_description)
    assert.equal(0, asked)
  end)

  it("is what hold and resume go on from", function()
    local call = accepted()
    local session = w.sessions[1]
    session.media = {}
    for _, verb in ipairs { "hold", "resume" } do
      session[verb .. "_async"](session, function() end)
      local invite = assert(call:wait("INVITE", 1))
      assert.same({ "audio 5000" }, Sdp.streams(invite.body))
      assert.matches("o=- 7 ", invite.body, 1, true)
      call:reply(invite, 200, { sdp = Sdp.offer() })
      assert(call:wait "ACK")
      w.network:advance(0)
    end
  end)

  it("is the first one's", function()
    local _, ok = accepted(nil, function(session)
      ring(session)
      assert(session:progress(183, { sdp = Sdp.audio { port = 6000 } }))
    end)
    assert.equal(EARLY, ok.body)
  end)

  it("gives way to what participate says", function()
    local mine = Sdp.audio { port = 6000 }
    local _, ok = accepted { sdp = mine }
    assert.equal(mine, ok.body)
  end)

  it("is found in a body of several parts", function()
    local _, ok = accepted(nil, function(session)
      assert(session:progress(183, {
        content_type = "multipart/mixed;boundary=b",
        body = "--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\n"
          .. "Content-Type: application/sdp\r\n\r\n" .. EARLY
          .. "\r\n--b--\r\n",
      }))
    end)
    assert.equal(EARLY, ok.body)
  end)

  it("is none where the INVITE has no offer", function()
    w = World.new()
    w:serve(function(session)
      ring(session)
      session.media = { get_offer = negotiator }
      session:participate()
    end)
    local call = w:invite { sdp = false }
    assert.equal(Sdp.audio { port = 7000 }, assert(call:wait(200)).body)
    call:ack { sdp = Sdp.offer() }
    w.network:advance(0)
  end)
end)
