-- The policy about reliable provisional responses (RFC 3262 3): the endpoint's
-- option and field, and the extensions that may be required of us.
local sip = require "sipsession"
local World = require "support.world"
local reliable = require "support.reliable"

local SUPPORTED, REQUIRED = reliable.SUPPORTED, reliable.REQUIRED
local hear, prack = reliable.hear, reliable.prack

describe("endpoint.reliable", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function invite(headers)
    return w:invite { headers = headers or SUPPORTED }
  end

  local function progress(...)
    return reliable.progress(w, ...)
  end

  local function own_notes()
    return reliable.own_notes(w)
  end

  it("off: not supported, and required of us: 420", function()
    w = World.new { endpoint = { reliable = "off" } }
    w:serve(function(session)
      progress(session, 183, { reliable = true })
      session:progress(180, { reliable = "auto" })
      w:outcome(session:participate())
    end)
    local refused = invite(REQUIRED)
    assert.equal("100rel", assert(refused:wait(420)):header "Unsupported")
    refused:ack()
    local call = invite()
    local ok = assert(call:wait(200))
    call:ack()
    assert.not_matches("100rel", ok:header "Supported" or "")
    assert.not_matches("PRACK", ok:header "Allow")
    assert.is_nil(assert(call:wait(180)):header "RSeq")
    assert.equal("invalid_operation not_supported at 0", own_notes()[1])
    call:request("PRACK", { headers = { RAck = "1 1 INVITE" } })
    assert(call:wait(405))
    call:bye()
    assert(call:wait(200))
  end)

  it("required: 421 for who can't, and all of them reliable", function()
    w = World.new { endpoint = { reliable = "required" } }
    w:serve(function(session)
      progress(session)
      w:outcome(session:participate())
    end)
    local refused = invite { Supported = "timer" }
    assert.equal("100rel", assert(refused:wait(421)):header "Require")
    refused:ack()
    assert.equal(0, #w.sessions)
    assert.equal(1, w.endpoint:stats().refused_extension)
    for _, headers in ipairs { SUPPORTED, REQUIRED } do
      local call = invite(headers)
      assert(call:wait(200))
      call:ack()
      assert.equal("100rel", call.responses[1]:header "Require")
      call:bye()
      assert(call:wait(200))
    end
  end)

  it("can be read and set, for the calls to come", function()
    w = World.new()
    w:serve(function(session)
      progress(session, 180, { reliable = true })
      session:reject(486)
    end)
    assert.equal("supported", w.endpoint.reliable)
    local before = invite()
    assert(before:wait(180))
    w.endpoint.reliable = "off"
    assert.equal("off", w.endpoint.reliable)
    prack(before, before.responses[1]) -- from before it was turned off
    assert.equal(200, assert(before:wait(200)).code)
    hear(before, 486)
    before:ack()
    local off = invite()
    assert(off:wait(486))
    off:ack()
    assert.equal("invalid_operation not_supported at 0", own_notes()[2])
    w.endpoint.reliable = "required"
    local refused = invite {}
    assert(refused:wait(421))
    refused:ack()
    for _, value in ipairs { "on", true, 1 } do
      assert.error_matches(function()
        w.endpoint.reliable = value
      end, "reliable: \"off\", \"supported\" or \"required\" expected")
    end
    assert.equal("required", w.endpoint.reliable)
  end)

  it("is checked among the options", function()
    w = World.new()
    assert.error_matches(function()
      sip.endpoint { listen = "udp:10.0.0.1:7000", network = w.network,
        reliable = "maybe" }
    end, "reliable: \"off\", \"supported\" or \"required\" expected")
  end)

  it("leaves the other known tags alone", function()
    w = World.new()
    w:serve()
    local call = invite { Require = "norefersub, 100REL, foo" }
    assert.equal("foo", assert(call:wait(420)):header "Unsupported")
    call:ack()
  end)
end)
