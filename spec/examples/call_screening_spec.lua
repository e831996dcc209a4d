local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/call_screening.lua"

local OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\n"
  .. "t=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
  .. "a=rtpmap:101 telephone-event/8000\r\n"

describe("examples/call_screening.lua", function()
  local network, endpoint, caller, printed, original, hour

  before_each(function()
    printed, original = {}, print
    _G.print = function(...)
      printed[#printed + 1] = table.concat({ ... }, "\t")
    end
    network = testing.network { seed = 1 }
    endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
    })
    caller = network:peer "udp:10.0.0.2:5060"
    hour = 12
    attach(endpoint, function()
      return hour
    end)
  end)

  after_each(function()
    _G.print = original
    endpoint:close()
    network:advance(40)
    for name, n in pairs(network:leftovers()) do
      assert.equal(0, n, name)
    end
    network:close()
  end)

  local function call_from(user, callee)
    return caller:invite { from = "sip:" .. user .. "@example.com",
      to = ("sip:%s@10.0.0.1"):format(callee or "desk"), sdp = OFFER }
  end

  it("accepts who is not on a list", function()
    local call = call_from "ann"
    assert(call:wait(200))
    call:ack()
    call:bye()
    assert(call:wait(200))
    network:advance(0.1)
    local id = "call " .. call.id
    assert.same({
      id .. " incoming -> connecting",
      id .. " connecting -> connected",
      id .. " connected -> disconnected (terminated_remotely)",
    }, printed)
  end)

  it("blocks", function()
    local call = call_from "spam"
    assert.equal("blocked", assert(call:wait(488)):header "X-Screen")
    call:ack()
    network:advance(0.1)
    assert.same({ ("call %s incoming -> disconnected (terminated_locally)")
      :format(call.id) }, printed)
  end)

  it("lets a patient caller ring for five seconds", function()
    local call = call_from "patient"
    local ringing = assert(call:wait(180))
    assert.near(5, assert(call:wait(200)).time - ringing.time, 0.01)
    call:ack()
    call:bye()
    assert(call:wait(200))
  end)

  it("lets a patient caller give up", function()
    local call = call_from "patient"
    assert(call:wait(180))
    call:cancel()
    assert(call:wait(200))
    assert(call:wait(487))
    call:ack()
    network:advance(6)
    assert.same({ ("call %s incoming -> disconnected (canceled)")
      :format(call.id) }, printed)
  end)

  it("keeps office hours", function()
    hour = 17
    local call = call_from("ann", "office")
    assert.equal("<sip:voicemail@voice.example.com>",
      assert(call:wait(302)):header "Contact")
    call:ack()
    hour = 16
    call = call_from("ann", "office")
    assert(call:wait(200))
    call:ack()
    call:bye()
    assert(call:wait(200))
  end)
end)
