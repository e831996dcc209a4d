-- Once a rush is over the collector is asked to work (src/lua/relief.c). More
-- than a thousand sleepers are a rush: what counts are timers.
local sip = require "sipsession"
local script = require "support.script"

describe("after a rush #slow", function()
  local mode, pause, step

  before_each(function()
    collectgarbage()
    mode = collectgarbage "incremental"
    -- nothing that is allocated here makes it begin
    pause = collectgarbage("setpause", 1000)
    step = collectgarbage("setstepmul", 100)
    collectgarbage()
  end)
  after_each(function()
    collectgarbage "incremental"
    collectgarbage("setpause", pause)
    collectgarbage("setstepmul", step)
    collectgarbage "restart"
    collectgarbage(mode)
  end)

  -- Is what nobody holds collected within so many seconds?
  local function collects(sleepers, seconds)
    local collected = false
    for _ = 1, sleepers do
      sip.spawn(sip.sleep, 0.01)
    end
    setmetatable({}, { __gc = function()
      collected = true
    end })
    sip.spawn(function()
      local slept = 0
      repeat
        sip.sleep(0.1)
        slept = slept + 0.1
      until collected or slept >= seconds
      sip.stop()
    end)
    sip.run()
    return collected
  end

  it("garbage goes although nothing is allocated", function()
    assert.is_true(collects(1200, 10))
  end)

  it("who waits meanwhile is found again, and those that come later", function()
    local woken = 0
    local function sleep(seconds)
      sip.spawn(function()
        sip.sleep(seconds)
        woken = woken + 1
      end)
    end
    for i = 1, 1200 do
      sleep(i % 13 == 0 and 2 or 0.01) -- a thirteenth, in every small table
    end
    for _ = 1, 200 do
      sleep(0.01) -- in tables of their own, which go
    end
    assert.is_true(collects(0, 10))
    for _ = 1, 300 do
      sleep(0.01)
    end
    sip.run()
    assert.equal(1700, woken)
  end)

  it("so are those that begin and end in the midst of it", function()
    local begun, woken = 0, 0
    local function sleep(seconds)
      begun = begun + 1
      sip.spawn(function()
        sip.sleep(seconds)
        woken = woken + 1
      end)
    end
    for i = 1, 40000 do -- more than are looked at in one step
      sleep(i % 45 == 0 and 0.4 + i * 7919 % 700 / 1000 or 0.01)
    end
    local over = false
    sip.spawn(function()
      while not over do
        sip.sleep(0.001)
        for i = 1, 10 do
          sleep(i / 1000)
        end
      end
    end)
    assert.is_true(collects(0, 10))
    over = true
    sip.run()
    assert.equal(begun, woken)
  end)

  it("a generational collector is one again", function()
    collectgarbage "generational"
    assert.is_true(collects(1200, 10))
    local seen
    sip.spawn(function()
      for _ = 1, 100 do
        sip.sleep(0.1)
        seen = collectgarbage "incremental"
        if seen == "generational" then
          break
        end
        -- not yet: the mode that it found is the one it puts back
      end
      sip.stop()
    end)
    sip.run()
    assert.equal("generational", seen)
  end)

  it("that was none, for another one began: all is as it was", function()
    collectgarbage "generational"
    local big = {}
    for i = 1, 200000 do -- its cycles last a while
      big[i] = { i }
    end
    for _ = 1, 1200 do
      sip.spawn(sip.sleep, 0.01)
    end
    local found
    sip.spawn(function()
      sip.sleep(0.6)
      for _ = 1, 1200 do
        sip.spawn(sip.sleep, 0.3)
      end
      sip.sleep(0.1)
      found = collectgarbage "generational"
      sip.stop()
    end)
    sip.run()
    assert.equal("generational", found)
    assert.equal(200000, #big)
    sip.run()
  end)

  it("a collector that the script stopped stays so", function()
    collectgarbage "stop"
    assert.is_false(collects(1200, 1))
    assert.is_false(collectgarbage "isrunning")
  end)

  it("what is no rush is left to the collector", function()
    assert.is_false(collects(900, 1))
  end)
end)

-- Messages that were kept, and are no more: they lie on the C heap. What a
-- sanitizer frees stays for a while.
local SANITIZED = os.getenv "SIPSESSION_BUILD" ~= nil

describe("without a rush, and without calls #slow", function()
  (SANITIZED and pending or it)("what was dropped goes back", function()
    local output, ok = script [[
      local sip = require "sipsession"
      local function resident() -- MB
        local file = assert(io.open "/proc/self/status")
        local kb = file:read "a":match "VmRSS:%s*(%d+)"
        file:close()
        return kb / 1024
      end
      local text = "OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n"
        .. "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1\r\nTo: <sip:a@b>\r\n"
        .. "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n" .. ("x"):rep(1000)
      local before, kept = resident(), {}
      for i = 1, 30000 do -- more than go in one step
        kept[i] = assert(sip._message(text))
      end
      local held = resident() - before
      assert(held > 30)
      kept = nil
      collectgarbage()
      collectgarbage() -- a generational one calls the finalizers late
      local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
      local left
      sip.spawn(function()
        for _ = 1, 100 do
          sip.sleep(0.1)
          left = resident() - before
          if left < held / 4 then
            break
          end
        end
        endpoint:close()
      end)
      sip.run()
      print(left < held / 4)
    ]]
    assert.equal("true\n", output)
    assert.is_true(ok)
  end)
end)
