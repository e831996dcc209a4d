-- What happens to a call whose connection is lost before it is answered, or
-- before the answer is acknowledged (RFC 3261 18.2.2).
local sip = require "sipsession"
local World = require "support.world"

-- A negotiator that needs a second.
local function slow()
  return {
    get_answer = function()
      sip.sleep(1)
      return World.ANSWER
    end,
  }
end

local function modes(title, fn)
  for _, mode in ipairs(World.MODES) do
    it(title .. ", accepted " .. mode, function()
      fn(mode)
    end)
  end
end

describe("a call over a stream", function()
  local w

  after_each(function()
    w:finish()
  end)

  modes("loses its connection before it ended", function(mode)
    w = World.new { protocol = "tcp", endpoint = { media = slow() } }
    w:accepting(mode)
    w:invite()
    w:at(0.5, function()
      w.caller:close() -- nobody there to connect to either
    end)
    w:run(mode, 10)
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected unreachable -",
      "accept connection_failure -",
    }, w.log)
  end)

  modes("loses its connection when the ACK is awaited", function(mode)
    w = World.new { protocol = "tcp" }
    w:accepting(mode)
    w:invite()
    w:at(0.1, function()
      w.caller:close()
    end)
    w:run(mode, 10)
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected unreachable -",
      "accept connection_failure -",
    }, w.log)
  end)

  it("is answered over a new connection when the first was closed",
    function()
      w = World.new { protocol = "tcp" }
      w:serve(function(session)
        sip.sleep(1)
        w:outcome(session:participate())
      end)
      local call = w:invite()
      w.network:advance(0.5)
      w.caller:shut()
      assert(call:wait(200))
      call:ack()
      w.network:advance(1)
      assert.same({
        "incoming>connecting none -",
        "connecting>connected none 200",
        "accept ACK",
      }, w.log)
      assert.same({ 200, 1000 }, w:times())
    end)
end)
