-- What a script does to its own session: verbs in the wrong order, in state
-- handlers, on an ended session, with wrong arguments. Races with the caller
-- are in races_spec.lua, failing handlers in handlers_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

describe("verbs", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- An error as text, or what else came back.
  local function text(ok, err)
    if ok == nil and err then
      return ("%s %s"):format(err.kind, err.reason or "-")
    end
    return ok
  end

  -- What each verb gives now. terminate is the last, it changes something.
  local function all(session)
    local result = {}
    result.participate = text(session:participate())
    result.async = text(session:participate_async(function() end))
    result.reject = text(session:reject(486))
    result.redirect = text(session:redirect "sip:a@10.0.0.9")
    result.progress = text(session:progress())
    result.terminate = text(session:terminate())
    return result
  end

  local function refused(reason)
    local why = "invalid_operation " .. reason
    return {
      participate = why, async = why, reject = why, redirect = why,
      progress = why, terminate = true,
    }
  end

  it("are refused while another accept is pending", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    } } }
    w:accepting "async"
    local call = w:invite()
    w.network:advance(0.5)
    local session = w.sessions[1]
    local why = "invalid_operation already_participating"
    assert.equal(why, text(session:participate()))
    assert.equal(why, text(session:participate_async(print)))
    assert.equal(why, text(session:reject(486)))
    assert.equal(why, text(session:redirect "sip:a@10.0.0.9"))
    assert.equal(why, text(session:progress()))
    assert(call:wait(200))
    call:ack()
    w.network:advance(1)
    assert.same({ 200 }, w:finals())
    assert.equal("accept ACK", w.log[#w.log])
  end)

  it("are refused while the ACK is awaited, and when connected", function()
    w = World.new()
    w:accepting "async"
    local call = w:invite()
    assert(call:wait(200))
    for _ = 1, 2 do
      local session = w.sessions[1]
      local why = "invalid_operation already_participating"
      assert.equal(why, text(session:participate()))
      assert.equal(why, text(session:participate_async(print)))
      assert.equal(why, text(session:reject(486)))
      assert.equal(why, text(session:redirect "sip:a@10.0.0.9"))
      assert.equal(why, text(session:progress()))
      call:ack()
      w.network:advance(0.1)
    end
    assert.same({ "200 INVITE" }, w:names())
  end)

  it("are refused after a reject, a redirect, a terminate", function()
    w = World.new()
    local verbs = {
      function(session)
        return session:reject(486)
      end,
      function(session)
        return session:redirect "sip:a@10.0.0.9"
      end,
      function(session)
        return session:terminate()
      end,
    }
    local n = 0
    w:serve(function(session)
      n = n + 1
      assert.is_true(verbs[n](session))
      assert.same(refused "terminated", all(session))
    end)
    for i = 1, #verbs do
      w:invite { auto = true }
      w.network:advance(1)
      assert.equal(i, #w:names())
      assert.equal(i, #w.log)
    end
  end)

  it("are refused after a CANCEL, a BYE, a timeout", function()
    w = World.new { endpoint = { connect_timeout = 3 } }
    w:serve()
    local call = w:invite { auto = true }
    w.network:advance(0)
    call:cancel()
    w.network:advance(0)
    assert.same(refused "cancelled", all(w.sessions[1]))
    w:invite { auto = true }
    w.network:advance(4)
    assert.same(refused "terminated", all(w.sessions[2]))
    local session
    call, session = w:established()
    call:bye()
    w.network:advance(0)
    assert.same(refused "terminated", all(session))
    assert.equal(0, w:count "BYE")
  end)

  it("are refused when the endpoint was closed", function()
    w = World.new()
    local _, session = w:established { auto = true }
    w:serve()
    w:invite { auto = true }
    w.network:advance(0)
    w.endpoint:close()
    assert.same(refused "endpoint_closed", all(session))
    assert.same(refused "endpoint_closed", all(w.sessions[2]))
    w.network:advance(10)
    assert.same(refused "endpoint_closed", all(session))
  end)

  it("terminate twice ends once", function()
    w = World.new()
    local call, session = w:established()
    assert.is_true(session:terminate())
    assert.is_true(session:terminate())
    call:reply(assert(call:wait "BYE"), 200)
    assert.is_true(session:terminate())
    w.network:advance(10)
    assert.is_true(session:terminate())
    assert.equal(1, w:count "BYE")
    assert.equal(4, #w.log)
  end)

  it("terminate twice while the ACK is awaited sends one BYE", function()
    w = World.new()
    w:accepting "async"
    local call = w:invite()
    assert(call:wait(200))
    w.sessions[1]:terminate { ["X-N"] = "1" }
    w.sessions[1]:terminate { ["X-N"] = "2" }
    call:ack()
    local bye = assert(call:wait "BYE")
    assert.same({ "1" }, bye:headers "X-N")
    call:reply(bye, 200)
    w.network:advance(10)
    assert.equal(1, w:count "BYE")
  end)

  it("terminate while the negotiator works gives its code", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    } } }
    w:accepting "in a handler"
    local call = w:invite()
    w.network:advance(0.5)
    w.sessions[1]:terminate()
    w.network:advance(0.1)
    call:ack()
    w.network:advance(5)
    assert.same({ 486 }, w:finals())
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_locally 486",
      "accept operation_failure terminated",
    }, w.log)
  end)

  it("progress says so, as often as wanted", function()
    w = World.new()
    w:serve(function(session)
      assert.is_true(session:progress())
      assert.is_true(session:progress(183, {
        reason = "Hold On", headers = { ["X-A"] = "1" }, sdp = World.ANSWER,
      }))
      assert.is_true(session:progress(199))
      session:reject(486)
    end)
    local call = w:invite { auto = true }
    w.network:advance(0)
    assert.same({ "180 INVITE", "183 INVITE", "199 INVITE", "486 INVITE" },
      w:names())
    local second = call.responses[2]
    assert.equal("Hold On", second.reason)
    assert.equal("1", second:header "X-A")
    assert.equal(World.ANSWER, second.body)
    assert.matches("^<sip:", second:header "Contact")
  end)

  it("in a state handler act on the state they find", function()
    w = World.new()
    local results = {}
    w:serve(function(session)
      session:on("state_changed", function(s, change)
        results[#results + 1] = change.state .. " "
          .. text(s:participate()) .. ", " .. text(s:reject(486))
      end)
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w.network:advance(0)
    call:bye()
    w.network:advance(1)
    local already = "invalid_operation already_participating"
    local ended = "invalid_operation terminated"
    assert.same({
      "connecting " .. already .. ", " .. already,
      "connected " .. already .. ", " .. already,
      "disconnected " .. ended .. ", " .. ended,
    }, results)
  end)

  for _, state in ipairs { "connecting", "connected", "disconnected" } do
    it("terminate in the handler of " .. state .. " ends once", function()
      w = World.new()
      w:serve(function(session)
        session:on("state_changed", function(s, change)
          if change.state == state then
            assert.is_true(s:terminate())
          end
        end)
        w:outcome(session:participate())
      end)
      local call = w:invite { auto = true }
      w.network:advance(0.1)
      if state == "disconnected" then
        call:bye()
      end
      w.network:advance(1)
      assert.equal(state == "disconnected" and 0 or 1, w:count "BYE")
      local ends = 0
      for _, line in ipairs(w.log) do
        ends = ends + (line:find ">disconnected" and 1 or 0)
      end
      assert.equal(1, ends)
      assert.equal("disconnected", w.sessions[1].state)
    end)
  end

  it("see a state that may be ahead of the event", function()
    w = World.new()
    local seen = {}
    w:serve(function(session)
      session:on("state_changed", function(s, change)
        seen[#seen + 1] = change.state .. " " .. s.state
      end)
      w:outcome(session:participate())
      session:terminate()
    end)
    w:invite { auto = true }
    w.network:advance(1)
    assert.equal("connecting connecting", seen[1])
    assert.equal("disconnected disconnected", seen[#seen])
    assert.equal(3, #seen)
  end)

  it("raise on wrong arguments, and change nothing", function()
    w = World.new()
    w:serve()
    local call = w:invite { auto = true }
    w.network:advance(0)
    local s = w.sessions[1]
    for i, wrong in ipairs {
      function() s:participate { sdpp = "x" } end,
      function() s:participate "sdp" end,
      function() s:participate { sdp = 1 } end,
      function() s:participate { sdp = "x", body = "y" } end,
      function() s:participate { body = "y" } end,
      function() s:participate_async() end,
      function() s:participate_async({}, 1) end,
      function() s:participate_async(1) end,
      function() s:reject() end,
      function() s:reject {} end,
      function() s:reject { code = 486, kode = 1 } end,
      function() s:reject(486, "X-A: 1") end,
      function() s:reject(486, nil, 1) end,
      function() s:redirect() end,
      function() s:redirect {} end,
      function() s:redirect "not a uri" end,
      function() s:redirect { "sip:a@b", "" } end,
      function() s:redirect(1) end,
      function() s:progress(180, { what = 1 }) end,
      function() s:progress "180x" end,
      function() s:terminate "X-A" end,
      function() s:on("state_change", print) end,
      function() s:on("state_changed", 1) end,
      function() s.state = "connected" end,
      function() s.colour = "red" end,
      function() s.reject(nil, 486) end,
      function() w.endpoint:on("call", print) end,
    } do
      local ok, err = pcall(wrong)
      assert.is_false(ok, "wrong argument " .. i .. " was taken")
      assert.matches("verbs_spec.lua:%d+:", err)
    end
    assert.same({}, w:names())
    assert.equal("incoming", s.state)
    assert.same({}, w.log)
    assert.is_true(s:reject(486))
    assert(call:wait(486))
  end)
end)
