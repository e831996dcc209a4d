-- 64*T1 was counted in 32 bits: with a T1 of 67,108.864 s it was 0, and a
-- transaction was over before its answer had left.
local sip = require "sipsession"
local World = require "support.world"

describe("timers of the protocol", function()
  it("are an hour at most", function()
    for _, name in ipairs { "t1", "t2", "t4" } do
      for _, value in ipairs { 3600.001, 67108.864, 4294967 } do
        assert.error_matches(function()
          sip.endpoint {
            listen = "udp:127.0.0.1:0", timers = { [name] = value },
          }
        end, name .. ": at most 3600 seconds")
      end
    end
  end)

  it("are kept to when they are an hour", function()
    local w = World.new {
      endpoint = { timers = { t1 = 3600, t2 = 3600, t4 = 3600 } },
    }
    w:ask "OPTIONS"
    w.network:advance(64 * 3600 - 1)
    assert.equal(1, w.network:leftovers().transactions)
    w.network:advance(1)
    assert.equal(0, w.network:leftovers().transactions)
    w:finish()
  end)
end)
