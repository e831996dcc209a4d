-- Timers that a handler starts after it has worked for a while were counted
-- from the time its batch was read, and fired early: a second of work and a
-- sleep of a second was no sleep at all.
local sip = require "sipsession"
local uv = require "luv"

local function seconds()
  return uv.hrtime() / 1e9
end

describe("a script that takes its time", function()
  it("sleeps as long as it says afterwards #slow", function()
    local slept
    collectgarbage() -- where a network is left, its time is what counts
    collectgarbage()
    sip.spawn(function()
      sip.sleep(0.01)
      local start = seconds()
      while seconds() - start < 0.2 do -- work that doesn't yield
      end
      start = seconds()
      sip.sleep(0.1)
      slept = seconds() - start
    end)
    sip.run()
    assert.is_true(slept >= 0.099, slept)
  end)
end)
