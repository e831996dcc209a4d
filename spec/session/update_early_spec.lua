-- UPDATE before the INVITE is answered (RFC 3311 5): what it may offer depends
-- on who has offered what by then. Row B37.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED = reliable.SUPPORTED
local acknowledge, hear = reliable.acknowledge, reliable.hear

local function theirs(n, lines)
  return (World.OFFER:gsub("o=%- 1 1", "o=- 1 " .. n)) .. (lines or "")
end

describe("UPDATE in the early dialog", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- The answer to an UPDATE.
  local function update(call, options)
    call:request("UPDATE", options)
    w.network:advance(0)
    for _, entry in ipairs(call.inbox) do
      if entry.cseq == call.cseq .. " UPDATE" then
        return call:hand(entry)
      end
    end
    error "the UPDATE isn't answered"
  end

  -- A call whose early media is agreed upon.
  local function agreed(media)
    w = World.new { endpoint = { media = media } }
    w:serve(function(session)
      session:on("reinvite", function(_, request)
        w:note("reinvite %s", request.method)
      end)
      assert(session:progress(183, { sdp = World.ANSWER, reliable = true }))
    end)
    local call = w:invite { headers = SUPPORTED }
    assert.equal(200, acknowledge(call, assert(call:wait(183))).code)
    return call
  end

  local function accept(call)
    w.sessions[1]:participate_async(function(...)
      w:outcome(...)
    end)
    local ok = hear(call, 200)
    call:ack()
    w.network:advance(0)
    assert.equal("connected", w.sessions[1].state)
    call:bye()
    assert(call:wait(200))
    return ok
  end

  local function cancel(call)
    call:cancel()
    hear(call, 487)
    call:ack()
  end

  it("B37 with an offer, theirs unanswered: 500, come back later", function()
    w = World.new()
    w:serve(function(session)
      session:progress(183, { sdp = World.ANSWER }) -- not for good
    end)
    local call = w:invite()
    assert(call:wait(183))
    local later = update(call, { sdp = theirs(2) })
    assert.equal(500, later.code)
    local seconds = tonumber(later:header "Retry-After")
    assert.is_true(seconds >= 0 and seconds <= 10)
    assert.is_nil(w.sessions[1].remote_description) -- not answered yet
    accept(call)
  end)

  it("B37 with an offer, ours unanswered: 491", function()
    w = World.new()
    w:serve(function(session)
      session:progress(183, { sdp = World.ANSWER, reliable = "auto" })
    end)
    local call = w:invite { headers = SUPPORTED, sdp = false }
    local early = assert(call:wait(183))
    assert.equal(491, update(call, { sdp = theirs(2) }).code)
    assert.equal(200, acknowledge(call, early, { sdp = theirs(3) }).code)
    assert.equal(200, update(call, { sdp = theirs(4) }).code)
    cancel(call)
  end)

  it("B37 with an offer, when the INVITE asked for ours: 491", function()
    w = World.new()
    w:serve(function(session)
      session:progress(180)
    end)
    local call = w:invite { sdp = false }
    assert(call:wait(180))
    assert.equal(491, update(call, { sdp = theirs(2) }).code)
    assert.is_nil(w.sessions[1].remote_description)
    cancel(call)
  end)

  it("with an offer, all agreed: 200 and the answer", function()
    local call = agreed()
    local ok = update(call, { sdp = theirs(2, "a=recvonly\r\n") })
    assert.equal(200, ok.code)
    assert.matches("m=audio 5000 .*a=sendonly", ok.body)
    assert.is_string(ok:header "Contact")
    assert.equal(ok.body, w.sessions[1].local_description)
    assert.equal(theirs(2, "a=recvonly\r\n"),
      w.sessions[1].remote_description)
    assert.is_nil(accept(call).body)
    assert.equal("reinvite UPDATE", w.log[1])
  end)

  it("that the negotiator refuses: 488, all is as it was", function()
    local call = agreed { get_answer = function() end }
    assert.equal(488, update(call, { sdp = theirs(2) }).code)
    assert.equal(World.ANSWER, w.sessions[1].local_description)
    assert.equal(World.OFFER, w.sessions[1].remote_description)
    assert.is_nil(accept(call).body)
  end)

  it("without an offer: 200, whatever is open", function()
    w = World.new()
    w:serve(function(session)
      session:progress(180)
    end)
    local call = w:invite()
    assert(call:wait(180))
    local ok = update(call)
    assert.equal(200, ok.code)
    assert.is_nil(ok.body)
    cancel(call)
  end)

  it("moves the remote target", function()
    local call = agreed()
    assert.equal(200,
      update(call, { contact = "<sip:caller@10.0.0.2:5070>" }).code)
    local other = w.network:peer "udp:10.0.0.2:5070"
    w.sessions[1]:participate_async(function() end)
    hear(call, 200)
    call:ack()
    w.network:advance(0)
    w.sessions[1]:terminate()
    local bye = assert(other:receive())
    assert.equal("BYE", bye.method)
    other:reply(bye, 200)
  end)

  it("one at a time: 500 for the second", function()
    local call = agreed { get_answer = function()
      sip.sleep(2)
      return World.ANSWER
    end }
    call:request("UPDATE", { sdp = theirs(2) })
    w.network:advance(1)
    local later = update(call, { sdp = theirs(3) })
    assert.equal(500, later.code)
    assert.is_string(later:header "Retry-After")
    w.network:advance(1)
    assert.equal(1, w:count "200 UPDATE")
    assert.equal(theirs(2), w.sessions[1].remote_description)
    cancel(call)
  end)

  it("the call is answered while it is being answered", function()
    local call = agreed { get_answer = function()
      sip.sleep(2)
      return World.ANSWER
    end }
    call:request("UPDATE", { sdp = theirs(2) })
    w.network:advance(1)
    assert.is_nil(accept(call).body)
    w.network:advance(2)
    assert.equal(1, w:count "487 UPDATE") -- the BYE came first
  end)

  it("the 200 goes, the ACK comes, then its answer", function()
    local call = agreed { get_answer = function()
      sip.sleep(2)
      return World.ANSWER
    end }
    call:request("UPDATE", { sdp = theirs(2) })
    w.network:advance(1)
    w.sessions[1]:participate_async(function() end)
    hear(call, 200)
    assert.equal(500, update(call, { sdp = theirs(3) }).code)
    call:cancel() -- too late, and of no effect on the UPDATE
    call:ack()
    w.network:advance(1)
    assert.equal("connected", w.sessions[1].state)
    assert.equal(1, w:count "200 UPDATE")
    assert.equal(1, w:count "500 UPDATE")
    assert.equal(theirs(2), w.sessions[1].remote_description)
    call:bye()
    assert(call:wait(200))
  end)

  it("a CANCEL wins while it is answered: 487 to both", function()
    local call = agreed { get_answer = function()
      sip.sleep(2)
      return World.ANSWER
    end }
    call:request("UPDATE", { sdp = theirs(2) })
    w.network:advance(1)
    cancel(call)
    assert.equal(1, w:count "487 UPDATE")
  end)
end)
