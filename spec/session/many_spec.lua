-- Many calls at once: an endpoint that closes with a thousand of them pending,
-- ten thousand CANCELs that cross an accept, and finalizers of a script's that
-- raise while calls go on.
local sip = require "sipsession"
local World = require "support.world"

-- Counts what fn gives for each, by its text.
local function tally(list, text)
  list[text] = (list[text] or 0) + 1
end

describe("a thousand pending calls", function()
  it("end once each, with the endpoint that closes", function()
    local n = 1000 // World.SCALE
    local w = World.new()
    local accepts, changes, records = {}, {}, {}
    w.endpoint:on("ended", function()
      tally(records, "ended")
    end)
    w:serve(function(session)
      session:on("state_changed", function(_, change)
        if change.state == "disconnected" then
          tally(changes, change.previous .. " " .. change.reason)
        end
      end)
      local _, err = session:participate()
      tally(accepts, err.kind .. " " .. err.reason)
    end)
    for _ = 1, n do
      w:invite()
    end
    w.network:advance(0.1)
    assert.equal(n, w.endpoint.sessions)
    w.endpoint:close()
    w.network:advance(3) -- close_timeout, 2 s
    assert.same({ ["operation_failure endpoint_closed"] = n }, accepts)
    assert.same({ ["connecting terminated_locally"] = n }, changes)
    assert.same({ ended = n }, records)
    w:finish()
  end)
end)

describe("a hundred calls and their CANCELs at once", function()
  it("are dealt with in their order: no handler is called", function()
    local w = World.new { auto = true }
    local called, calls = 0, {}
    w:serve(function()
      called = called + 1
    end)
    for i = 1, 100 do
      calls[i] = w:invite()
      calls[i]:cancel()
    end
    w.network:advance(1)
    assert.equal(0, called)
    local answers = {}
    for _, name in ipairs(w:names()) do
      tally(answers, name)
    end
    assert.same({ ["200 CANCEL"] = 100, ["487 INVITE"] = 100 }, answers)
    assert.equal(100, w.endpoint:stats().calls_cancelled)
    w:finish()
  end)
end)

describe("CANCELs that cross an accept", function()
  -- A round of a hundred calls: INVITE, accept and CANCEL some ms apart, the
  -- datagrams mixed up and doubled.
  local function round(seed, outcomes)
    local w = World.new { seed = seed, auto = true }
    w.network:impair { reorder = 0.5, duplicate = 0.2 }
    math.randomseed(seed)
    local ended, calls = {}, {}
    w.endpoint:on("ended", function(session)
      tally(ended, session.call_id)
    end)
    w:serve(function(session)
      sip.sleep(math.random(0, 8) / 1000)
      local ack, err = session:participate()
      tally(outcomes, ack and "accepted" or err.kind .. " " .. err.reason)
    end)
    for i = 1, 100 do
      calls[i] = w:invite()
      w.network:advance(math.random(0, 8) / 1000)
      calls[i]:cancel()
    end
    w.network:advance(1)
    for _, call in ipairs(calls) do
      local finals = {}
      for _, response in ipairs(call.responses) do
        if response.code >= 200 then
          finals[response.code] = true
        end
      end
      assert.is_true(finals[200] or finals[487])
      assert.is_nil(next(finals, next(finals))) -- one, not two
      if finals[200] then
        call:bye()
      end
    end
    w.network:advance(70)
    for _, call in ipairs(calls) do
      assert.equal(1, ended[call.id])
    end
    w:finish()
  end

  it("give one final response and one end, ten thousand times", function()
    local outcomes = {}
    for seed = 1, 100 // World.SCALE do
      round(seed, outcomes)
    end
    -- both win, again and again
    assert.is_true(outcomes["accepted"] > 10)
    assert.is_true(outcomes["invalid_operation cancelled"] > 10)
    for name in pairs(outcomes) do
      assert.is_true(name == "accepted" or name:find "cancelled" ~= nil, name)
    end
  end)
end)

describe("a finalizer of a script's that raises", function()
  it("harms no call, in handlers and between them", function()
    local w = World.new { auto = true }
    local raised = 0
    local function trouble()
      setmetatable({}, { __gc = function()
        raised = raised + 1
        error "in __gc"
      end })
    end
    w:serve(function(session)
      trouble()
      collectgarbage()
      assert(session:participate())
      trouble()
      collectgarbage()
    end)
    for _ = 1, 20 do
      local call = w:invite()
      assert(call:wait(200))
      w.network:advance(0.1)
      call:bye()
      trouble()
      w.network:advance(1)
      assert.equal("disconnected", w.sessions[#w.sessions].state)
    end
    collectgarbage()
    assert.equal(60, raised)
    assert.equal(20, #w.sessions)
    w:finish() -- and the "error" handler was told nothing
  end)
end)
