-- A real limit on descriptors: connections that there is no room for are taken
-- and closed, datagrams are answered meanwhile, nothing spins, and when
-- descriptors are free again connections are served again.
local Siege = require "support.siege"

describe("with 64 descriptors #slow", function()
  local siege

  before_each(function()
    siege = Siege.new { descriptors = 64 }
  end)
  after_each(function()
    siege:finish()
  end)

  local function ended(streams)
    local n = 0
    for _, stream in ipairs(streams) do
      n = n + (stream.ended and 1 or 0)
    end
    return n
  end

  it("two hundred connections are survived", function()
    local streams = {}
    for i = 1, 200 do
      streams[i] = siege:stream()
    end
    assert(siege:wait(function()
      return ended(streams) > 130
    end))
    siege:run(0.1)
    local over = ended(streams)
    local stats = siege:fresh()
    assert.equal(200, stats["alive.connections"] + over)
    assert.equal(over, stats.refused_connections)

    local before = siege:used()
    local took = siege:ask(50, 1)
    siege:run(1)
    siege:wait(function()
      return #took == 50
    end)
    local busy = siege:used() - before
    Siege.say("%d of 200 refused, CPU %.1f %%, p99 of datagrams %.1f ms", over,
      busy * 100, Siege.percentile(took, 99))
    assert.equal(50, #took)
    assert.is_true(busy < 0.1 * Siege.SLOWER, busy)

    for i, stream in ipairs(streams) do
      if i % 2 == 0 then
        stream:close()
      else
        stream:reset()
      end
    end
    assert(siege:wait(function()
      return siege.stats["alive.connections"] == 0
    end))
    local again = {}
    for i = 1, 200 - over do
      again[i] = siege:stream()
      again[i]:send(siege:request("OPTIONS", { protocol = "TCP" }))
    end
    assert(siege:wait(function()
      for _, stream in ipairs(again) do
        if not stream.messages[1] then
          return false
        end
      end
      return true
    end))
    for _, stream in ipairs(again) do
      assert.matches("^SIP/2%.0 200 ", stream.messages[1])
    end
    assert.equal(over, siege:fresh().refused_connections)
  end)
end)
