-- A network that is collected together with its endpoint: the endpoint's
-- finalizer ends its call, and the network's hooks were called for that.
local sip = require "sipsession"
local testing = require "sipsession.testing"

local function leave(answer)
  local network = testing.network { seed = 1 }
  local endpoint =
    assert(sip.endpoint { listen = "udp:10.0.0.1:5060", network = network })
  local received
  endpoint:on("session_received", function(session)
    received = true
    if answer then
      session:participate()
    end
  end)
  network:drop(function()
    return false
  end)
  local peer = network:peer "udp:10.0.0.2:5060"
  local call = peer:invite { to = "sip:desk@10.0.0.1" }
  network:advance(0.1)
  if answer then
    call:ack()
    network:advance(0.1)
  end
  assert.is_true(received)
end

describe("a network nobody keeps", function()
  it("is collected with the ringing and the connected calls on it", function()
    for _ = 1, 20 do
      leave(false)
      leave(true)
      collectgarbage()
      collectgarbage()
    end
    local network <close> = testing.network()
    assert.equal(0, network:leftovers().sessions)
  end)
end)
