-- endpoint:close in each state of a call, and from within each handler: what
-- goes out, and how what is pending ends.
local sip = require "sipsession"
local World = require "support.world"

describe("endpoint:close", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("answers a call that rings with terminate_code", function()
    w = World.new()
    w:serve(function(session)
      sip.sleep(1)
      w:outcome(session:participate())
    end)
    w:invite { auto = true }
    w.network:advance(0.5)
    w.endpoint:close { ["X-Why"] = "closed" }
    w.network:advance(5)
    assert.same({ 486 }, w:finals())
    assert.matches("X%-Why: closed\r\n", w:sent "486 INVITE"[1].text)
    assert.same({
      "incoming>disconnected terminated_locally 486",
      "accept invalid_operation endpoint_closed",
    }, w.log)
  end)

  it("fails an accept whose negotiator works", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    } } }
    w:accepting "in a handler"
    w:invite { auto = true }
    w.network:advance(0.5)
    w.endpoint:close()
    w.network:advance(5)
    assert.same({ 486 }, w:finals())
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_locally 486",
      "accept operation_failure endpoint_closed",
    }, w.log)
  end)

  for _, mode in ipairs(World.MODES) do
    it("fails an accept " .. mode .. " that waits for its ACK", function()
      w = World.new()
      w:accepting(mode)
      w:invite()
      w:at(0.1, function()
        w.endpoint:close()
      end)
      w:run(mode, 10)
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected terminated_locally -",
        "accept operation_failure endpoint_closed",
      }, w.log)
    end)
  end

  it("waits for the ACK, and says BYE", function()
    w = World.new()
    w:accepting "async"
    local call = w:invite()
    w.network:advance(0.1)
    w.endpoint:close()
    w.network:advance(0.5)
    call:ack()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(10)
    assert.same({ 600 }, w:times "BYE")
  end)

  it("ends a connected call with a BYE", function()
    w = World.new()
    local call = w:established()
    w.endpoint:close { ["X-Why"] = "closed" }
    local bye = assert(call:wait "BYE")
    assert.equal("closed", bye:header "X-Why")
    call:reply(bye, 200)
    w.network:advance(1)
    assert.equal("connected>disconnected terminated_locally -", w.log[4])
    assert.equal(0, w.network:leftovers().transactions)
  end)

  it("on an ended call does nothing to it, and twice is once", function()
    w = World.new()
    local call = w:established()
    call:bye()
    w.network:advance(1)
    local n = #w.log
    w.endpoint:close()
    w.endpoint:close()
    w.network:advance(5)
    w.endpoint:close()
    assert.equal(n, #w.log)
  end)

  it("within each handler does no harm", function()
    for _, place in ipairs { "received", "connecting", "connected",
      "disconnected", "done", "message" } do
      w = World.new()
      if place == "message" then
        w.endpoint:on("message", function()
          w.endpoint:close()
        end)
      end
      w:serve(function(session)
        session:on("state_changed", function(_, change)
          if change.state == place then
            w.endpoint:close()
          end
        end)
        if place == "received" then
          w.endpoint:close()
        end
        w:outcome(session:participate())
        if place == "done" then
          w.endpoint:close()
        end
        if place == "disconnected" then
          session:terminate()
        end
      end)
      w:invite { auto = true }
      w.network:advance(40)
      assert.is_true(#w:finals() <= 1)
      if place ~= "message" then
        assert.equal("disconnected", w.sessions[1].state)
        assert.equal(1, #w:finals())
      end
      if place ~= "message" then
        w:finish()
      end
    end
  end)

  it("refuses what comes while it closes", function()
    w = World.new()
    w:established()
    w.endpoint:close()
    w.network:advance(0.1)
    assert.same({ "503 INVITE" }, w:ask "INVITE")
  end)
end)
