-- Waiting: sleep and participate in coroutines, in the main chunk, under
-- pcall, and where neither is possible.
local sip = require "sipsession"
local testing = require "sipsession.testing"
local World = require "support.world"

local function near(expected, actual)
  assert.is_true(math.abs(expected - actual) < 1e-6,
    ("%g expected, got %g"):format(expected, actual))
end

describe("sip.sleep", function()
  local network

  before_each(function()
    network = testing.network()
  end)

  after_each(function()
    assert.equal(0, network:leftovers().waiters)
    network:close()
  end)

  it("runs the newest network in the main chunk", function()
    local start = network:time()
    assert.is_true(sip.sleep(2.5))
    near(start + 2.5, network:time())
  end)

  it("yields in a coroutine, whoever made it", function()
    local start, log = network:time(), {}
    local function sleeper(seconds)
      return function()
        sip.sleep(seconds)
        log[#log + 1] = network:time() - start
      end
    end
    coroutine.wrap(sleeper(2))()
    sip.spawn(sleeper(1))
    assert.same({}, log)
    assert.equal(2, network:leftovers().waiters)
    network:advance(5)
    assert.equal(2, #log)
    near(1, log[1])
    near(2, log[2])
  end)

  it("of no time yields once", function()
    local woken
    sip.spawn(function()
      sip.sleep(0)
      woken = true
    end)
    assert.is_nil(woken)
    network:advance(0)
    assert.is_true(woken)
  end)

  it("is in the network of the coroutine that spawned it", function()
    local other = testing.network()
    local woken
    local endpoint = sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
    }
    endpoint:on("session_received", function(session)
      session:reject(486)
      sip.spawn(function()
        sip.sleep(1)
        woken = true
      end)
    end)
    local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
    caller:invite { to = "sip:desk@10.0.0.1" }
    network:advance(10)
    assert.is_true(woken)
    endpoint:close()
    network:advance(70)
    other:close()
  end)

  it("works under pcall", function()
    local ok
    sip.spawn(function()
      ok = pcall(sip.sleep, 1)
    end)
    network:advance(2)
    assert.is_true(ok)
  end)

  it("goes on waiting when somebody else resumes it", function()
    local result
    local thread = sip.spawn(function()
      result = table.pack(sip.sleep(1))
    end)
    assert.same({ true }, { coroutine.resume(thread, "not yours") })
    assert.same({ true }, { coroutine.resume(thread, 1, 2, 3) })
    assert.is_nil(result)
    network:advance(2)
    assert.same({ true, n = 1 }, result)
  end)

  it("is forgotten when its coroutine is closed", function()
    local woken
    local thread = sip.spawn(function()
      sip.sleep(1)
      woken = true
    end)
    coroutine.close(thread)
    network:advance(2)
    assert.is_nil(woken)
  end)

  it("in a chain of coroutines yields from the innermost", function()
    local log = {}
    local outer = coroutine.wrap(function()
      local inner = coroutine.wrap(function()
        sip.sleep(1)
        log[#log + 1] = "inner"
      end)
      inner()
      log[#log + 1] = "outer"
    end)
    outer()
    network:advance(2)
    assert.same({ "outer", "inner" }, log)
  end)

  it("says so where it can neither yield nor run the loop", function()
    local ok, err
    sip.spawn(function()
      sip.sleep(0.5)
      table.sort({ 2, 1 }, function(a, b) -- no yield across a C call
        ok, err = sip.sleep(1)
        return a < b
      end)
    end)
    network:advance(2)
    assert.is_nil(ok)
    assert.equal("invalid_operation", err.kind)
    assert.equal("not_yieldable", err.reason)
  end)

  it("takes a time that is none for a mistake", function()
    for _, bad in ipairs { -1, 0 / 0, 1 / 0, "1", {}, 1e10 } do
      assert.error_matches(function()
        sip.sleep(bad)
      end, "^sleep: ")
    end
    assert.has_error(function()
      sip.sleep()
    end)
  end)

  it("wakes many in order", function()
    local log = {}
    for i = 1, 200 do
      sip.spawn(function()
        sip.sleep((i * 37 % 200) / 100)
        log[#log + 1] = i * 37 % 200
      end)
    end
    network:advance(5)
    assert.equal(200, #log)
    for i = 2, 200 do
      assert.is_true(log[i - 1] <= log[i])
    end
  end)
end)

describe("sip.sleep without a network", function()
  it("runs the real loop in the main chunk", function()
    collectgarbage()
    collectgarbage() -- networks of other specs
    local before = os.time()
    assert.is_true(sip.sleep(0.01))
    assert.is_true(os.time() - before < 5)
  end)
end)

describe("participate", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  it("runs the network in the main chunk until it is done", function()
    w:serve()
    w:invite { auto = true }
    w.network:advance(0.3)
    local ack = assert(w.sessions[1]:participate())
    assert.equal("ACK", ack.method)
  end)

  it("says so where it can't wait, and claims nothing", function()
    local ok, err
    w:serve(function(session)
      table.sort({ 2, 1 }, function(a, b)
        ok, err = session:participate()
        return a < b
      end)
      assert.equal("incoming", session.state)
      session:reject(486)
    end)
    local call = w:invite { auto = true }
    assert(call:wait(486))
    assert.is_nil(ok)
    assert.equal("not_yieldable", err.reason)
  end)

  it("wakes a coroutine of the script's own", function()
    w:serve()
    w:invite { auto = true }
    w.network:advance(0.3)
    local method
    coroutine.wrap(function()
      method = w.sessions[1]:participate().method
    end)()
    w.network:advance(1)
    assert.equal("ACK", method)
  end)

  it("raises before anything happens", function()
    w:serve()
    w:invite { auto = true }
    w.network:advance(0.3)
    local session = w.sessions[1]
    for _, bad in ipairs {
      { sdpp = "" }, { sdp = 1 }, { body = "x" }, { content_type = "a/b" },
      { sdp = "v=0", body = "x", content_type = "a/b" },
      { body = "x", content_type = "a/b\r\n" },
      { body = "x", content_type = "ab" }, { reason = "a\nb" },
      { headers = { Via = "x" } }, { headers = 1 }, "options", { "x" },
    } do
      assert.has_error(function()
        session:participate(bad)
      end)
      assert.has_error(function()
        session:participate_async(bad, function() end)
      end)
    end
    assert.has_error(function()
      session:participate_async {}
    end)
    assert.equal("incoming", session.state)
    assert.equal(0, w.network:leftovers().waiters)
    session:reject(486)
    w.network:advance(1)
  end)
end)
