-- A server that is told to end (SIGTERM, which its script listens to by luv)
-- hangs up on everybody and is gone in a moment; new calls are refused with
-- 503 meanwhile, so that whoever sent them goes elsewhere.
local uv = require "luv"
local Siege = require "support.siege"
local World = require "support.world"

describe("SIGTERM #slow", function()
  local siege

  after_each(function()
    siege.process:kill()
    siege.wire:close()
  end)

  it("ends a hundred calls, and then the server", function()
    siege = Siege.new { handler = "session:participate()", drain = true }
    local peer = siege.wire:peer("udp", { auto = true })
    local mute = siege.wire:peer "udp" -- its BYE isn't answered
    local function invite(from)
      return from:invite { to = "sip:desk@127.0.0.1", sdp = World.OFFER,
        address = siege.udp }
    end
    for _ = 1, 99 do
      invite(peer)
    end
    local last = invite(mute)
    assert(last:wait(200))
    last:ack()
    assert(siege:wait(function()
      return siege.stats["calls_connected"] == 100
    end))

    local began = siege.wire.time()
    assert.equal(0, uv.kill(siege.pid, "sigterm"))
    assert(last:wait "BYE")
    local late = invite(mute)
    assert(late:wait(503))
    assert(siege:wait(function()
      return siege.process.ended
    end, 5))
    local took = siege.wire.time() - began
    Siege.say("gone after %.1f s", took)
    assert.is_true(took > 1 and took < 4, took) -- close_timeout, for the mute
    assert.equal("drained", siege.last)
    assert.equal(0, siege.process.code)
    local byes = {}
    for _, entry in ipairs(siege.wire.log) do
      if entry.from == siege.udp and entry.text:find "^BYE " then
        byes[entry.text:match "\r\nCall%-ID: ([^\r]*)"] = true
      end
    end
    local n = 0
    for _ in pairs(byes) do
      n = n + 1
    end
    assert.equal(100, n)
  end)
end)
