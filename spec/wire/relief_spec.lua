-- What a rush took goes back to the system (SR08), each time.
local Siege = require "support.siege"

local CALLS = Siege.LONG and 200000 or 8000
local RATE = 5000 -- a second
local T1 = 0.02   -- seconds
local MUCH = 2048 -- KB
-- Of what the process had when its first calls had ended: the best of all, and
-- each. What the server's own script leaves to its collector is in it.
local BAR, EACH = 1.1, 1.2

describe("memory that a rush of calls took #slow", function()
  local siege

  -- The most that it had, and what it has once it has none of them and is
  -- below the bar, or wasn't in ten seconds.
  local function rush(calls, bar)
    local socket = siege:socket "127.0.0.1"
    siege:every(RATE, calls / RATE, function()
      siege:send(socket, siege:request "INVITE")
    end)
    siege:run(calls / RATE)
    local peak = siege:memory()
    siege:fresh()
    assert.is_true(siege:wait(function()
      local stats = siege.stats
      return stats["alive.sessions"] + stats["alive.transactions"] == 0
    end, 30))
    siege:wait(function()
      return siege:memory() < bar
    end, 10)
    return peak, siege:memory()
  end

  local function goes_back(handler)
    siege = Siege.new {
      handler = handler, seconds = 600,
      endpoint = ("{ timers = { t1 = %g } }"):format(T1),
    }
    local _, began = rush(100, math.huge)
    local least = math.huge
    for _ = 1, Siege.LONG and 4 or 1 do
      local most, after = rush(CALLS, began * BAR)
      Siege.say("%d KB at first, %d at the most, %d after", began, most, after)
      if not Siege.SANITIZED then
        assert.is_true(most > began + MUCH, ("%d, was %d"):format(most, began))
        assert.is_true(after < began * EACH,
          ("%d, was %d"):format(after, began))
      end
      least = math.min(least, after)
    end
    if not Siege.SANITIZED then
      assert.is_true(least < began * BAR, ("%d, was %d"):format(least, began))
    end
  end

  after_each(function()
    siege:finish()
  end)

  it("goes back when each is accepted and none acknowledged", function()
    goes_back "session:participate()"
  end)

  if Siege.LONG then
    it("goes back when each is declined", function()
      goes_back "session:reject(486)"
    end)
  end
end)
