-- Races of CANCEL against what the script does at the same moment (RFC 3261
-- 9.2). Exactly one final response goes out, and everybody is told the same.
-- BYE and ACK are in crossings_spec.lua, what a script does to its own session
-- in verbs_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

-- Numbers from a seed, the same everywhere.
local function dice(seed)
  local state = seed * 2654435761 % 2147483647 + 1
  return function(n)
    state = state * 48271 % 2147483647
    return state % n
  end
end

describe("CANCEL", function()
  local w

  after_each(function()
    w:finish()
    w = nil
  end)

  it("in the INVITE's batch: no handler is called", function()
    w = World.new()
    w:serve()
    local called
    w.endpoint:on("session_received", function()
      called = true
    end)
    local call = w:invite()
    call:cancel()
    w.network:advance(1)
    assert.same({ "200 CANCEL", "487 INVITE", "487 INVITE" }, w:names())
    call:ack()
    w.network:advance(10)
    assert.is_nil(called)
    assert.same({}, w.log)
    assert.equal(0, w.endpoint.sessions)
    assert.equal(1, w.endpoint:stats().calls_cancelled)
  end)

  it("in the INVITE's batch, where nobody takes calls: one answer",
    function()
      w = World.new()
      local call = w:invite()
      call:cancel()
      w.network:advance(1)
      assert.same({ 487 }, w:finals())
      call:ack()
    end)

  it("on its way when the main chunk accepts: the accept wins", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    call:cancel()
    w:at(1, function()
      call:ack()
    end)
    w:outcome(w.sessions[1]:participate())
    assert.same({ "200 INVITE", "200 CANCEL" },
      { w:names()[1], w:names()[2] })
    assert.same({ 200 }, w:finals())
    assert.equal("accept ACK", w.log[#w.log])
  end)

  it("read just before a handler accepts: it wins", function()
    w = World.new()
    w:serve(function(session)
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    local call = w:invite()
    w:at(1, function() -- due with the sleeper
      call:cancel()
    end)
    w.network:advance(0.9)
    w.network:impair { delay = 0.1 }
    call:cancel()
    w.network:advance(0.2)
    assert.same({ 487 }, w:finals())
    assert.same({
      "incoming>disconnected canceled 487",
      "accept invalid_operation cancelled",
    }, w.log)
    w.network:advance(1)
    call:ack()
  end)

  -- One call of the thousand: the accept and the CANCEL within three
  -- milliseconds of each other, whichever comes first.
  local function collide(random, mode)
    local ended
    local function done(message, err)
      assert.is_nil(ended)
      ended = message and "ACK"
        or err.kind .. " " .. tostring(err.reason)
    end
    local accept_at, cancel_at = random(3) / 1000, random(3) / 1000
    local session
    local remove = w.endpoint:on("session_received", function(s)
      session = s
      if mode == 2 then
        return -- from the main chunk
      end
      sip.sleep(accept_at)
      if mode == 0 then
        done(s:participate())
      else
        local ok, err = s:participate_async(done)
        if not ok then
          done(ok, err)
        end
      end
    end)
    local from = #w:sent()
    local call = w:invite { auto = true }
    if mode == 2 then
      w.network:advance(0.03) -- what it takes to arrive at the latest
      if random(2) == 0 then
        call:cancel()
        done(session:participate())
      else
        w:at(cancel_at, function()
          call:cancel()
        end)
        done(session:participate())
      end
    else
      w.network:advance(cancel_at)
      call:cancel()
    end
    w.network:advance(6)
    remove()
    local finals = {}
    for i, name in ipairs(w:names()) do
      local code = i > from and name:match "^([2-6]%d%d) INVITE$"
      if code then
        finals[code] = true
      end
    end
    assert.is_not.equal(finals["200"], finals["487"])
    assert(call:wait(200))
    if finals["200"] then
      assert.equal("ACK", ended)
      assert.equal("connected", session.state)
      call:bye()
      w.network:advance(0.03)
    elseif session then
      assert.matches("cancelled$", ended)
    end
    assert.is_true(not session or session.state == "disconnected")
    return finals["200"] and "accepted" or "cancelled"
  end

  it("B13 and an accept at once: one final response, a thousand times",
    function()
      local won = { accepted = 0, cancelled = 0 }
      local rounds = math.max(1, 40 // World.SCALE)
      for seed = 1, rounds do
        if w then
          w:finish()
        end
        w = World.new { seed = seed }
        if seed % 4 == 0 then
          w.network:impair { reorder = 0.3, delay = 0.001 }
        end
        local random = dice(seed)
        for i = 1, 25 do
          local winner = collide(random, (seed + i) % 3)
          won[winner] = won[winner] + 1
        end
      end
      assert.equal(25 * rounds, won.accepted + won.cancelled)
      assert.is_true(won.accepted > 2 * rounds, "accepted " .. won.accepted)
      assert.is_true(won.cancelled > 2 * rounds,
        "cancelled " .. won.cancelled)
    end)

  it("and a reject at once: one final response", function()
    w = World.new()
    w:serve(function(session)
      sip.sleep(0.001)
      session:reject(486)
    end)
    for i = 0, 2 do
      local call = w:invite { auto = true }
      w.network:advance(i / 1000)
      call:cancel()
      w.network:advance(6)
      assert.is_not.equal(call:wait(486, 0) ~= nil, call:wait(487, 0) ~= nil)
      assert(call:wait(200)) -- to the CANCEL
    end
  end)

  it("twice: one end, and both get their 200", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0.5)
    call:cancel()
    call:retransmit()
    w.network:advance(0.1)
    assert.same({ "100 INVITE", "200 CANCEL", "487 INVITE", "200 CANCEL" },
      w:names())
    w:identical "200 CANCEL"
    call:ack()
    w.network:advance(0)
    assert.equal(1, #w.log)
  end)

  it("crosses a reject: 200, and the reject stands", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    local call = w:invite()
    w.network:advance(0)
    call:cancel()
    w.network:advance(0.1)
    assert.same({ "486 INVITE", "200 CANCEL" }, w:names())
    call:ack()
    w.network:advance(10)
    assert.same({ 486 }, w:finals())
    assert.same({ "incoming>disconnected terminated_locally 486" }, w.log)
  end)
end)
