local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/accept_async.lua"

local OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\n"
  .. "t=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
  .. "a=rtpmap:101 telephone-event/8000\r\n"

describe("examples/accept_async.lua", function()
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

  it("answers with the codecs in common", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = OFFER }
    local ok = assert(call:wait(200))
    assert.matches("m=audio 40000 RTP/AVP 0 101\r\n", ok.body)
    assert.same({ "answering " .. call.id }, printed)
    call:ack()
    network:advance(0.1)
    assert.equal("connected " .. call.id, printed[2])
    call:bye()
    assert(call:wait(200))
    assert.equal(2, #printed)
  end)

  it("offers when the caller doesn't", function()
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    local ok = assert(call:wait(200))
    assert.matches("m=audio 40000 RTP/AVP 0 8 96\r\n", ok.body)
    call:ack { sdp = OFFER }
    call:bye()
    assert(call:wait(200))
  end)

  it("answers 488 without a codec in common", function()
    local offer = OFFER:gsub("AVP 0 101", "AVP 3")
    local call = caller:invite { to = "sip:desk@10.0.0.1", sdp = offer }
    assert(call:wait(488))
    call:ack()
    network:advance(0.1)
    assert.matches("^not answered: ", printed[2])
  end)
end)
