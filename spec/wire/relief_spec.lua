-- What a rush took goes back to the system (SR08): near what the process had at
-- first, and no more after the second than after the first.
local Siege = require "support.siege"

local CALLS = Siege.LONG and 200000 or 8000
local RATE = 5000 -- a second
local T1 = 0.02   -- seconds
local MB = 1024
-- A heap torn by what lives on, and idle coroutines, for the next: the more,
-- the more calls there were at once, which a busy machine has a say in.
local NEAR = 4 * MB
local SHARE = 8

local function near(began, peak)
  return began + math.max(NEAR, (peak - began) / SHARE)
end

describe("memory that a rush of calls took #slow", function()
  local siege

  -- The most that it had, and what it has once it has none of them and is
  -- below bar(peak), or wasn't in ten seconds.
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
      return siege:memory() < bar(peak)
    end, 10)
    return peak, siege:memory()
  end

  local function goes_back(handler)
    siege = Siege.new {
      handler = handler, seconds = 600,
      endpoint = ("{ timers = { t1 = %g } }"):format(T1),
    }
    local began = siege:memory()
    local peak, first = rush(CALLS, function(most)
      return near(began, most)
    end)
    Siege.say("%d KB at first, %d at the most, %d after", began, peak, first)
    if Siege.SANITIZED then
      return
    end
    assert.is_true(peak > began + NEAR, ("%d, was %d"):format(peak, began))
    assert.is_true(first < near(began, peak), ("%d, was %d"):format(first,
      began))
    if Siege.LONG then
      -- a block for each call would be 6 MB more each time; a heap that is
      -- torn is so now and then
      local function bar()
        return first + NEAR
      end
      local least = math.huge
      for _ = 1, 3 do
        local again, after = rush(CALLS, bar)
        Siege.say("%d at the most, %d after", again, after)
        least = math.min(least, after)
      end
      assert.is_true(least < bar(), ("%d, was %d"):format(least, first))
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
