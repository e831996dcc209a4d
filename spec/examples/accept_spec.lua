local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/accept.lua"

local OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\n"
  .. "t=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
  .. "a=rtpmap:101 telephone-event/8000\r\n"

describe("examples/accept.lua", function()
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

  it("answers a call", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER,
      from = "sip:ann@example.com" }
    local ok = assert(call:wait(200))
    assert.equal("application/sdp", ok.content_type)
    call:ack()
    network:advance(0.1)
    assert.same({ "connected with sip:ann@example.com" }, printed)
    call:bye()
    assert(call:wait(200))
  end)

  it("says so when the caller never acknowledges", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER,
      auto = false }
    assert(call:wait(200))
    call:reply(assert(call:wait("BYE", 33)), 200)
    assert.equal(1, #printed)
    assert.matches("^not answered: .*ACK", printed[1])
  end)
end)
