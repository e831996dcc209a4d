-- The module's own functions: run, stop, spawn, code, what embedders need.
local sip = require "sipsession"
local testing = require "sipsession.testing"
local script = require "support.script"

describe("sip.code", function()
  it("goes both ways", function()
    assert.equal(488, sip.code.NOT_ACCEPTABLE_HERE)
    assert.equal("Not Acceptable Here", sip.code[488])
    assert.equal(200, sip.code.OK)
    assert.is_nil(sip.code[299])
    local names = 0
    for name, code in pairs(sip.code) do
      if type(name) == "string" then
        names = names + 1
        assert.equal("string", type(sip.code[code]), name)
      end
    end
    assert.is_true(names > 60)
  end)
end)

describe("sipsession", function()
  it("names its version and its sdp module", function()
    assert.matches("^sipsession %d+%.%d+%.%d+$", sip._VERSION)
    assert.equal(require "sipsession.sdp", sip.sdp)
    assert.is_nil(sip.nothing)
  end)
end)

describe("sip.spawn", function()
  it("runs until the first yield and returns the coroutine", function()
    local args
    local thread = sip.spawn(function(...)
      args = table.pack(...)
      coroutine.yield()
    end, 1, nil, 3, nil)
    assert.same({ 1, nil, 3, nil, n = 4 }, args)
    assert.equal("suspended", coroutine.status(thread))
    coroutine.resume(thread)
    assert.equal("dead", coroutine.status(thread))
  end)

  it("gives a coroutine that is its own and not used again", function()
    local seen = {}
    for i = 1, 3 do
      seen[i] = sip.spawn(function() end)
      assert.equal("dead", coroutine.status(seen[i]))
    end
    assert.not_equal(seen[1], seen[2])
    assert.not_equal(seen[2], seen[3])
  end)

  it("takes functions only", function()
    assert.has_error(function()
      sip.spawn(7)
    end)
  end)
end)

describe("sip.run", function()
  local network

  before_each(function()
    network = testing.network()
  end)

  after_each(function()
    network:close()
  end)

  it("runs the open networks until nothing is due", function()
    local start, log = network:time(), {}
    sip.spawn(function()
      for i = 1, 3 do
        sip.sleep(100)
        log[i] = network:time() - start
      end
    end)
    assert.is_false(sip.run())
    assert.equal(3, #log)
    assert.is_true(math.abs(log[3] - 300) < 1e-6)
  end)

  it("stops when it is told to", function()
    local n = 0
    local thread = sip.spawn(function()
      while true do
        sip.sleep(1)
        n = n + 1
        if n == 10 then
          sip.stop()
        end
      end
    end)
    sip.run()
    assert.equal(10, n)
    coroutine.close(thread)
    sip.run()
    assert.equal(10, n)
  end)

  it("makes one step when it is asked for one", function()
    local n = 0
    for i = 1, 3 do
      sip.spawn(function()
        sip.sleep(i)
        n = n + 1
      end)
    end
    assert.is_true(sip.run "once")
    assert.equal(1, n)
    sip.run "nowait"
    assert.equal(1, n)
    sip.run()
    assert.equal(3, n)
  end)

  it("can't be run by a handler", function()
    local ok, err
    sip.spawn(function()
      sip.sleep(1)
      ok, err = pcall(sip.run)
    end)
    sip.run()
    assert.is_false(ok)
    assert.matches("sip.run is running already", err)
  end)

  it("knows its modes", function()
    assert.has_error(function()
      sip.run "forever"
    end)
    assert.has_error(function()
      sip.run(7)
    end)
  end)

  it("returns false when nothing is left on real sockets", function()
    assert.is_false(sip.run())
    local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
    assert.is_true(sip.run "nowait")
    endpoint:close()
    assert.is_false(sip.run())
  end)
end)

describe("what an embedder needs", function()
  it("is a descriptor, and the seconds to the next timer", function()
    local output, ok = script [[
      local sip = require "sipsession"
      assert(math.type(sip.pollfd()) == "integer" and sip.pollfd() > 2)
      assert(sip.pollfd() == sip.pollfd())
      assert(sip.timeout() == nil)
      sip.sleep(0) -- a loop's first turn is always due
      local woken
      sip.spawn(function()
        sip.sleep(0.05)
        woken = true
      end)
      local timeout = sip.timeout()
      assert(timeout > 0 and timeout <= 0.05)
      while not woken do
        sip.run "once"
      end
      assert(sip.timeout() == nil)
      assert(sip.run "nowait" == false)
    ]]
    assert.is_true(ok, output)
  end)
end)
