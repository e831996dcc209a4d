-- A drop function, and the trace, were called in the middle of whoever sends a
-- datagram. What ends the call or closes the endpoint there (the drop function
-- itself, or a finalizer) took away what the sender still used.
local World = require "support.world"

local TEXT = { body = "x", content_type = "text/plain" }

-- Runs fn once, as the endpoint's first such message leaves.
local function when(w, name, fn)
  local done
  w.network:drop(function(message, from)
    local own = message.method
      or message.code .. " " .. message:header "CSeq":match "%a+$"
    if not done and own == name and from:find "10.0.0.1" then
      done = true
      fn()
    end
  end)
  return function()
    return done
  end
end

describe("while a message leaves", function()
  local w

  after_each(function()
    w:finish()
  end)

  for _, protocol in ipairs { "udp", "tcp" } do
    it("nothing is half done: " .. protocol, function()
      w = World.new { protocol = protocol, auto = true }
      local sending, seen = nil, 0
      w.network:drop(function()
        assert(not sending, "a drop function in the middle of a verb")
        seen = seen + 1
      end)
      w:serve(function(session)
        sending = true
        session:progress(180)
        session:terminate()
        sending = false
      end)
      w:invite { transport = protocol }
      w.network:advance(1)
      sending = true
      w.endpoint:close()
      sending = false
      assert.is_true(seen >= 3) -- INVITE, 180, 486
    end)

    local cases = {
      ["200 INVITE"] = function() end,
      ["200 INFO"] = function(call) call:request("INFO", TEXT) end,
      ["202 REFER"] = function(call)
        call:request("REFER", { headers = { ["Refer-To"] = "<sip:x@y>" } })
      end,
      ["200 UPDATE"] = function(call) call:update { sdp = World.OFFER } end,
      ["INVITE"] = function(_, session) session:hold_async(function() end) end,
      ["INFO"] = function(_, session)
        session:send_async("INFO", TEXT, function() end)
      end,
      ["BYE"] = function(_, session) session:terminate() end,
      ["200 BYE"] = function(call) call:bye() end,
    }
    for name, provoke in pairs(cases) do
      for _, verb in ipairs { "terminate", "close" } do
        it(("the call may end: %s at %s, %s"):format(verb, name, protocol),
          function()
            w = World.new { protocol = protocol, auto = true }
            local done = when(w, name, function()
              if verb == "close" then
                w.endpoint:close()
              else
                w.sessions[1]:terminate()
              end
            end)
            w:serve(function(session)
              session:on("message_received", function() end)
              session:on("refer_received", function(_, referral)
                referral:accept()
              end)
              session:participate { sdp = World.ANSWER }
            end)
            local call = w:invite { auto = true, transport = protocol }
            call:wait(200, 1)
            w.network:advance(1)
            provoke(call, w.sessions[1])
            w.network:advance(1)
            assert.is_true(done())
            assert.equal("disconnected", w.sessions[1].state)
          end)
      end
    end
  end

  it("the endpoint may be closed by its answer outside of calls", function()
    w = World.new()
    local done = when(w, "200 OPTIONS", function()
      w.endpoint:close()
    end)
    assert.same({ "200 OPTIONS" }, w:ask "OPTIONS")
    assert.is_true(done())
  end)

  it("a finalizer may end the call", function()
    w = World.new { auto = true }
    local remove = w.network:drop(function()
      collectgarbage()
    end)
    local result, why
    w:serve(function(session)
      session:participate { sdp = World.ANSWER }
      setmetatable({}, { __gc = function() session:terminate() end })
      result, why = session:hold()
    end)
    w:invite { auto = true }
    w.network:advance(2)
    remove()
    assert.is_nil(result)
    assert.equal("terminated", why.reason)
  end)

  it("what was sent before a peer's message leaves before it", function()
    w = World.new()
    w:serve()
    w:invite()
    w.network:advance(0)
    w.sessions[1]:progress(180)
    w.caller:send("\r\n\r\n", "udp:10.0.0.1:5060")
    local log = w.network.log
    assert.matches("^SIP/2.0 180", log[#log - 1].text)
  end)

  it("what was sent before a change is treated as before it", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    w.sessions[1]:progress(180)
    assert.equal(1, w.network:leftovers().in_flight)
    w.network:impair { loss = 1 }
    assert(call:wait(180, 0))
    w.network:impair()
    local remove = w.network:drop(function()
      return true
    end)
    w.sessions[1]:progress(183)
    remove()
    assert.is_nil(call:wait(183, 0))
  end)
end)
