-- What is left of a call over real TCP when its connection goes away, in
-- whichever phase: half closed, closed or reset (RFC 3261 18.2.2).
local sip = require "sipsession"
local Loopback = require "support.loopback"
local Stream = require "support.stream"
local World = require "support.world"

local CONNECTED = {
  "incoming>connecting none -",
  "connecting>connected none 200",
  "accept ACK",
}
local UNREACHABLE = {
  "incoming>connecting none -",
  "connecting>disconnected unreachable -",
  "accept connection_failure -",
}

describe("over tcp #slow,", function()
  local w

  before_each(function()
    w = Loopback.new { protocol = "tcp" }
  end)
  after_each(function()
    w:finish()
  end)
  teardown(Loopback.settle)

  -- What the kit's caller has towards the endpoint.
  local function stream_of(peer)
    return peer.core.streams[w.address]
  end

  it("a half closed connection still gets its answer (B50)", function()
    w:serve(function(session)
      sip.sleep(0.1)
      session:reject(486)
    end)
    local stream = w.wire:stream(w.address)
    stream:send(w:request("INVITE", { port = 9 }))
    w.wire:wait(function()
      return #w.sessions == 1
    end)
    stream:shut()
    assert.equal(1, #w:answers(stream, 1))
    assert.matches("^SIP/2.0 486", stream.messages[1])
    w:logged { "incoming>disconnected terminated_locally 486" }
    w.endpoint:close()
  end)

  for title, finish in pairs {
    closed = function(stream)
      stream:close()
    end,
    reset = function(stream)
      stream:reset()
    end,
  } do
    local function lost(fn)
      return function()
        fn(function(close)
          w.wire:run(0.02)
          finish(stream_of(w.caller))
          if close then
            w.caller:close()
          end
          w.wire:wait(function()
            return w.endpoint:stats().alive.connections == 0
          end, 0.1)
        end)
      end
    end

    it("a call whose connection is " .. title
      .. " before the answer gets it over a new one (B04, B49)",
      lost(function(lose)
        w:serve(function(session)
          sip.sleep(0.1)
          w:outcome(session:participate())
        end)
        local call = w:invite()
        lose()
        assert(call:wait(200))
        call:ack()
        w:logged(CONNECTED)
        call:bye()
        assert(call:wait(200))
      end))

    it("an accept fails when that can't be made: " .. title .. " (B49)",
      lost(function(lose)
        w:serve(function(session)
          sip.sleep(0.1)
          w:outcome(session:participate())
        end)
        w:invite()
        lose(true)
        w:logged(UNREACHABLE)
      end))

    it("a reject finds nobody then, and the call is over: " .. title
      .. " (B49)", lost(function(lose)
        w:serve()
        w:invite()
        lose(true)
        w.sessions[1]:reject(486)
        w.wire:wait(function()
          return w.endpoint:stats().alive.transactions == 0
        end, 0.5)
        assert.equal("disconnected", w.sessions[1].state)
        assert.equal(1, #w.log)
        assert.equal(0, w.endpoint:stats().alive.transactions)
      end))

    it("an accept that negotiates fails: " .. title, lost(function(lose)
      w.endpoint.media = {
        get_answer = function()
          sip.sleep(0.1)
          return World.ANSWER
        end,
      }
      w:accepting "async"
      w:invite()
      lose(true)
      w:logged(UNREACHABLE)
    end))

    it("an accept that awaits its ACK fails: " .. title, lost(function(lose)
      w:accepting "in a handler"
      local call = w:invite()
      assert(call:wait(200))
      lose(true)
      w:logged(UNREACHABLE)
    end))

    it("one that awaits its ACK says its 200 again over a new one: " .. title,
      lost(function(lose)
        w:accepting "in a handler"
        local call = w:invite()
        assert(call:wait(200))
        lose()
        w.wire:wait(function()
          return #w:got "200 INVITE" >= 2
        end)
        call:ack()
        w:logged(CONNECTED)
        call:bye()
        assert(call:wait(200))
      end))

    it("a connected call stands, and our BYE opens one: " .. title,
      lost(function(lose)
        w:accepting "in a handler"
        local call = w:invite()
        assert(call:wait(200))
        call:ack()
        w:logged(CONNECTED)
        lose()
        assert.equal("connected", w.sessions[1].state)
        w.sessions[1]:terminate()
        call:reply(assert(call:wait "BYE"), 200)
      end))

    it("a BYE that can't be delivered ends the call: " .. title,
      lost(function(lose)
        w:accepting "in a handler"
        local call = w:invite()
        assert(call:wait(200))
        call:ack()
        w:logged(CONNECTED)
        lose(true)
        w.sessions[1]:terminate()
        w.wire:wait(function()
          return w.endpoint:stats().alive.lingering == 0
        end, 0.5)
        assert.equal("connected>disconnected terminated_locally -", w.log[4])
        assert.equal(0, w.endpoint:stats().alive.lingering)
      end))
  end

  it("nobody is called back at a port that refuses (B04)", function()
    w:serve(function(session)
      sip.sleep(0.1)
      w:outcome(session:participate())
    end)
    local refusing = Stream.listen("127.0.0.1", 0)
    local port = refusing.getsockname().port
    refusing.close()
    local stream = w.wire:stream(w.address)
    stream:send(w:request("INVITE", { port = port }))
    w.wire:wait(function()
      return #w.sessions == 1
    end)
    stream:close()
    w:logged(UNREACHABLE)
  end)

  it("an ended call doesn't hold on to its connection", function()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    call:bye()
    assert(call:wait(200))
    w.caller:close()
    w.wire:wait(function()
      return w.endpoint:stats().alive.connections == 0
    end)
    assert.equal("disconnected", w.sessions[1].state)
    assert.equal(0, w.endpoint:stats().alive.connections)
  end)
end)
