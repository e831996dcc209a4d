-- The Reason header (RFC 3326): the caller's, as change.cause, and the script's
-- own. In records it is in ended_spec.lua.
local World = require "support.world"

local BYE = { Reason = 'Q.850;cause=16;text="Normal \\"call\\" clearing"' }
local ELSEWHERE = {
  Reason = 'SIP ;cause=200 ;text="Call completed elsewhere"',
}

describe("change.cause", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- The causes of the changes of a call that ends so.
  local function causes(headers, how)
    w = World.new()
    local seen = {}
    w:serve(function(session)
      session:on("state_changed", function(_, change)
        seen[#seen + 1] = change.cause or "none"
      end)
    end)
    local call = w:invite()
    w.network:advance(0)
    call[how](call, headers)
    w.network:advance(0)
    if how == "cancel" then
      call:ack()
    end
    return seen
  end

  it("is the Reason of a CANCEL", function()
    assert.same({ { protocol = "SIP", cause = 200,
      text = "Call completed elsewhere" } }, causes(ELSEWHERE, "cancel"))
  end)

  it("is nil without one, or when it makes no sense", function()
    assert.same({ "none" }, causes(nil, "cancel"))
    w:finish()
    assert.same({ "none" }, causes({ Reason = "(;)" }, "cancel"))
  end)

  it("lacks what the header lacks", function()
    assert.same({ { protocol = "SIP" } },
      causes({ Reason = "sip;cause=many;text" }, "cancel"))
  end)

  it("prefers Q.850 and SIP to others", function()
    assert.same({ { protocol = "Q.850", cause = 19 } },
      causes({ Reason = { "X;cause=1", "q.850;cause=19" } }, "cancel"))
  end)

  it("is the Reason of a BYE", function()
    w = World.new()
    local call, session = w:established()
    local cause
    session:on("state_changed", function(_, change)
      cause = change.cause
    end)
    call:bye(BYE)
    w.network:advance(0)
    assert.equal(16, cause.cause)
  end)
end)

describe("a Reason of the script's", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("goes into the BYE", function()
    w = World.new()
    local call, session = w:established()
    session:terminate(BYE)
    assert.equal(BYE.Reason, assert(call:wait "BYE"):header "Reason")
    assert.is_nil(session.record.cause) -- ours, not the caller's
    w.network:advance(1)
  end)

  it("goes into the BYE that waits for the ACK", function()
    w = World.new()
    w:serve(function(session)
      session:participate_async({ sdp = World.ANSWER }, function() end)
    end)
    local call = w:invite()
    w.network:advance(0)
    w.sessions[1]:terminate(BYE)
    call:ack()
    assert.equal(BYE.Reason, assert(call:wait "BYE"):header "Reason")
  end)

  it("goes into a refusal", function()
    w = World.new()
    w:serve(function(session)
      session:terminate(ELSEWHERE)
    end)
    local call = w:invite()
    local response = assert(call:wait(486))
    assert.equal(ELSEWHERE.Reason, response:header "Reason")
    call:ack()
  end)
end)
