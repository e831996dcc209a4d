local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/ring_then_answer.lua"

local OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\n"
  .. "t=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
  .. "a=rtpmap:101 telephone-event/8000\r\n"

describe("examples/ring_then_answer.lua", function()
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

  it("rings for two seconds, answers and hangs up after ten", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER }
    local ringing = assert(call:wait(180))
    local ok = assert(call:wait(200))
    assert.near(2, ok.time - ringing.time, 0.01)
    call:ack()
    local bye = assert(call:wait "BYE")
    assert.near(10, bye.time - ok.time, 0.01)
    assert.matches("enough", bye:header "Reason")
    call:reply(bye, 200)
  end)

  it("notices that the caller gave up", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER }
    assert(call:wait(180))
    network:advance(1)
    call:cancel()
    assert(call:wait(200))
    assert(call:wait(487))
    call:ack()
    network:advance(2)
    assert.same({ "the caller gave up" }, printed)
  end)
end)
