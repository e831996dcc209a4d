local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/decline.lua"

local OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\n"
  .. "t=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
  .. "a=rtpmap:101 telephone-event/8000\r\n"

describe("examples/decline.lua", function()
  local network, endpoint, caller, printed, original

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
    attach(endpoint)
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

  it("declines with 488 and its headers", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER }
    local no = assert(call:wait(488))
    assert.equal('399 desk.example.com "no audio device"',
      no:header "Warning")
    assert.equal("headset unplugged", no:header "X-Reason")
    call:ack()
    assert.equal(0, endpoint.sessions)
    assert.same({}, printed)
  end)

  it("sends calls for sales elsewhere", function()
    local call = caller:invite { to = "sip:sales@10.0.0.1", sdp = OFFER }
    local moved = assert(call:wait(302))
    assert.equal("<sip:sales@branch.example.com>", moved:header "Contact")
    call:ack()
  end)
end)
