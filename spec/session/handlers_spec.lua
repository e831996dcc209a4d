-- Handlers that fail, that end quietly, that are killed, and that run while
-- the collector does its worst.
local sip = require "sipsession"
local World = require "support.world"

-- As assert does in a script; busted's own wraps what it raises.
local function must(value, err)
  if not value then
    error(err)
  end
  return value
end

describe("handlers", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("that fail before they answered: 500, told once", function()
    w = World.new()
    w:serve(function()
      error "no such desk"
    end)
    local call = w:invite()
    assert(call:wait(500))
    call:ack()
    w.network:advance(1)
    w:failed "no such desk"
    assert.same({ "incoming>disconnected terminated_locally 500" }, w.log)
  end)

  it("that fail after they waited: 500", function()
    w = World.new()
    w:serve(function(session)
      session:progress()
      sip.sleep(1)
      error "no such desk"
    end)
    local call = w:invite()
    assert(call:wait(500))
    call:ack()
    w.network:advance(1)
    w:failed "no such desk"
  end)

  it("that fail after they answered: the answer stands", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
      error "too late"
    end)
    local call = w:invite()
    assert(call:wait(486))
    call:ack()
    w.network:advance(1)
    assert.same({ 486 }, w:finals())
    w:failed "too late"
  end)

  it("that fail while an accept is pending: the call stands", function()
    w = World.new()
    w:serve(function(session)
      session:participate_async(function(...)
        w:outcome(...)
      end)
      error "oops"
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(1)
    w:failed "oops"
    assert.equal("accept ACK", w.log[#w.log])
    assert.equal("connected", w.sessions[1].state)
  end)

  it("of a state that fail: told, and all goes on", function()
    w = World.new()
    w:serve(function(session)
      session:on("state_changed", function(_, change)
        if change.state == "connected" then
          error "of two minds"
        end
      end)
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(1)
    w:failed "of two minds"
    assert.equal("accept ACK", w.log[#w.log])
    call:bye()
    assert(call:wait(200))
  end)

  it("of an accept that fail: told, and the call stands", function()
    w = World.new()
    w:serve(function(session)
      session:participate_async(function()
        error "after all"
      end)
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(1)
    w:failed "after all"
    assert.equal("connected", w.sessions[1].state)
  end)

  it("that fail leave other calls alone", function()
    w = World.new()
    local n = 0
    w:serve(function(session)
      n = n + 1
      if n == 2 then
        error "the second"
      end
      w:outcome(session:participate())
    end)
    local calls = {}
    for i = 1, 3 do
      calls[i] = w:invite { auto = true }
    end
    w.network:advance(1)
    assert(calls[1]:wait(200))
    assert(calls[2]:wait(500))
    assert(calls[3]:wait(200))
    w:failed "the second"
  end)

  it("end quietly with the error of a cancelled accept", function()
    w = World.new()
    local after
    w:serve(function(session)
      sip.sleep(1)
      must(session:participate())
      after = true
    end)
    local call = w:invite()
    w.network:advance(0.5)
    call:cancel()
    assert(call:wait(487))
    call:ack()
    w.network:advance(1)
    assert.is_nil(after)
    assert.same({}, w.errors)
  end)

  it("end quietly with the error of a call ended before its ACK", function()
    w = World.new()
    local after
    w:serve(function(session)
      must(session:participate())
      after = true
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:bye()
    w.network:advance(1)
    assert.is_nil(after)
    assert.same({}, w.errors)
  end)

  it("don't end quietly with another call's: 500, told once", function()
    w = World.new()
    w:serve(function(session)
      if session == w.sessions[1] then
        must(session:progress())
        return
      end
      sip.sleep(1)
      must(w.sessions[1]:participate())
    end)
    local calls = { w:invite(), w:invite() }
    w.network:advance(0)
    calls[1]:cancel()
    assert(calls[1]:wait(487))
    calls[1]:ack()
    assert(calls[2]:wait(500, 2))
    calls[2]:ack()
    w:failed "invalid_operation.*cancelled"
  end)

  it("don't end quietly with any other error", function()
    w = World.new()
    w:serve(function(session)
      must(session:participate())
    end)
    local call = w:invite()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(1)
    assert.equal(1, #w.errors)
    assert.equal("operation_timeout", w.errors[1].kind)
    w.errors = {}
  end)

  it("get a traceback with the error", function()
    w = World.new()
    local trace
    w.endpoint:on("error", function(_, traceback)
      trace = traceback
    end)
    local function deep()
      error "deep"
    end
    w:serve(function()
      deep()
    end)
    local call = w:invite()
    assert(call:wait(500))
    call:ack()
    w:failed "deep"
    assert.matches("traceback", trace)
    assert.matches("handlers_spec.lua", trace)
  end)

  it("miss nothing when they are set in session_received", function()
    w = World.new()
    local seen = {}
    w:serve(function(session)
      session:participate_async(function() end)
      session:on("state_changed", function(_, change)
        seen[#seen + 1] = change.state
      end)
    end)
    w:invite { auto = true }
    w.network:advance(0)
    assert.same({ "connecting", "connected" }, seen)
  end)

  it("aren't called any more once they are removed", function()
    w = World.new()
    local seen = {}
    w:serve(function(session)
      local remove
      remove = session:on("state_changed", function(_, change)
        seen[#seen + 1] = change.state
        remove()
        remove()
      end)
      session:participate()
    end)
    w:invite { auto = true }
    w.network:advance(0)
    assert.same({ "connecting" }, seen)
  end)

  it("find the same session, and its data, each time", function()
    w = World.new()
    local same = true
    w:serve(function(session)
      session.data = { n = 1 }
      session:on("state_changed", function(s)
        same = same and s == session and s.data.n == 1
      end)
      session:participate()
    end)
    local call = w:invite { auto = true }
    w.network:advance(0)
    call:bye()
    w.network:advance(0)
    assert.is_true(same)
    assert.equal(1, w.sessions[1].data.n)
  end)

  it("may be the only ones who know the session", function()
    w = World.new()
    local ended
    w.endpoint:on("session_received", function(session)
      session:on("state_changed", function(_, change)
        ended = change.reason
      end)
      session:participate()
    end)
    local call = w:invite { auto = true }
    w.network:advance(0)
    for _ = 1, 3 do
      collectgarbage()
    end
    call:bye()
    w.network:advance(1)
    assert.equal("terminated_remotely", ended)
  end)

  it("run with a collector at work in each of them", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        collectgarbage()
        sip.sleep(0.01)
        collectgarbage()
        return World.ANSWER
      end,
    } } }
    w.endpoint:on("message", function()
      collectgarbage "step"
    end)
    local connected = 0
    w.endpoint:on("session_received", function(session)
      collectgarbage()
      session:on("state_changed", function(s, change)
        collectgarbage()
        connected = connected + (change.state == "connected" and 1 or 0)
        if change.state == "connected" and connected % 2 == 0 then
          s:terminate()
        end
      end)
      session:progress()
      collectgarbage()
      session:participate_async(function()
        collectgarbage()
      end)
      session = nil -- luacheck: ignore
      collectgarbage()
    end)
    local calls = {}
    for i = 1, 20 do
      calls[i] = w:invite { auto = true }
      w.network:advance(0.005)
      if i % 5 == 0 then
        calls[i]:cancel()
      end
    end
    w.network:advance(10)
    assert.equal(16, connected)
    for i, call in ipairs(calls) do
      if i % 5 ~= 0 then
        call:bye()
      end
    end
    w.network:advance(1)
    assert.equal(0, w.endpoint.sessions)
  end)

  it("may be killed while they wait, and all goes on", function()
    w = World.new()
    local co
    w:serve(function(session)
      co = coroutine.running()
      session:participate()
      w:note "woken"
    end)
    local call = w:invite()
    assert(call:wait(200))
    coroutine.close(co)
    call:ack()
    w.network:advance(1)
    assert.equal("connected", w.sessions[1].state)
    assert.same({
      "incoming>connecting none -", "connecting>connected none 200",
    }, w.log)
  end)

  it("stay where they are when somebody else resumes them", function()
    w = World.new()
    local co
    w:serve(function(session)
      co = coroutine.running()
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(200))
    coroutine.resume(co, "not yours")
    coroutine.resume(co, nil, "not yours")
    assert.same({ "incoming>connecting none -" }, w.log)
    call:ack()
    w.network:advance(1)
    assert.equal("accept ACK", w.log[#w.log])
  end)

  it("may wait under pcall and in coroutines of their own", function()
    w = World.new()
    w:serve(function(session)
      local ok, given = pcall(function()
        return session:participate()
      end)
      w:note("%s %s", ok, given and given.method)
      sip.spawn(function()
        sip.sleep(0.1)
        w:note "spawned"
      end)
      pcall(sip.sleep, 0.2)
      w:note "slept"
    end)
    w:invite { auto = true }
    w.network:advance(1)
    assert.same({ "true ACK", "spawned", "slept" },
      table.move(w.log, 3, 5, 1, {}))
  end)
end)
