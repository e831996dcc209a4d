-- What happens to a call that isn't accepted: rejected, redirected,
-- terminated, cancelled, forgotten. Row by row, over datagrams and streams.
-- How accepts end is in outcomes_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

local VERBS = {
  reject = {
    code = 603,
    fn = function(session)
      return session:reject(603)
    end,
  },
  redirect = {
    code = 302,
    fn = function(session)
      return session:redirect "sip:other@10.0.0.9"
    end,
  },
  terminate = {
    code = 486,
    fn = function(session)
      return session:terminate()
    end,
  },
}

describe("a declined call", function()
  local w

  after_each(function()
    w:finish()
  end)

  for name, verb in pairs(VERBS) do
    local ended = "incoming>disconnected terminated_locally " .. verb.code
    local response = verb.code .. " INVITE"

    it("gets its code until the ACK, by " .. name, function()
      w = World.new()
      w:serve(function(session)
        assert.is_true(verb.fn(session))
        assert.equal("disconnected", session.state)
      end)
      local call = w:invite()
      w.network:advance(2)
      call:ack()
      w.network:advance(40)
      assert.same({ 0, 500, 1500 }, w:times(response))
      assert.equal(3, #w:names())
      w:identical(response)
      assert.same({ ended }, w.log)
      assert.matches(";tag=" .. w.sessions[1].to_tag,
        call.responses[1]:header "To", 1, true)
    end)

    it("gets its code for 64*T1 without an ACK, by " .. name, function()
      w = World.new()
      w:serve(verb.fn)
      w:invite()
      w.network:advance(100)
      assert.same(World.REPEATS, w:times(response))
      assert.equal(11, #w:names())
      w:identical(response)
      assert.same({ ended }, w.log)
      assert.equal(1, w.endpoint:stats().calls_unacknowledged)
    end)

    it("gets its code once over tcp, by " .. name, function()
      w = World.new { protocol = "tcp" }
      w:serve(verb.fn)
      local call = w:invite()
      w.network:advance(20)
      assert.same({ 0 }, w:times())
      call:ack()
      w.network:advance(0)
      assert.equal(0, w.network:leftovers().transactions)
      assert.same({ response }, w:names())
      assert.same({ ended }, w.log)
    end)

    it("may be declined later, from anywhere, by " .. name, function()
      w = World.new()
      w:serve()
      local call = w:invite()
      w.network:advance(5)
      assert.is_true(verb.fn(w.sessions[1]))
      assert(call:wait(verb.code))
      call:ack()
      w.network:advance(0)
      assert.same({ 200, 5000 }, w:times())
      assert.same({ "100 INVITE", response }, w:names())
      assert.same({ ended }, w.log)
    end)

    it("can't be answered over a connection that is lost, by " .. name,
      function()
        w = World.new { protocol = "tcp" }
        w:serve()
        w:invite()
        w.network:advance(0)
        w.caller:close()
        w.network:advance(1)
        verb.fn(w.sessions[1])
        w.network:advance(10)
        assert.equal("disconnected", w.sessions[1].state)
        assert.equal(1, #w.log)
        assert.equal(0, w.network:leftovers().transactions)
      end)
  end

  it("gets the code, reason, headers and body of its reject", function()
    w = World.new()
    w:serve(function(session)
      assert.is_true(session:reject {
        code = 480, reason = "Gone Fishing", headers = { ["X-A"] = "1" },
        body = "later", content_type = "text/plain",
      })
    end)
    local call = w:invite()
    local response = assert(call:wait(480))
    call:ack()
    assert.equal("Gone Fishing", response.reason)
    assert.equal("1", response:header "X-A")
    assert.equal("later", response.body)
    assert.equal("text/plain", response.content_type)
  end)

  it("may get each code from 400 to 699", function()
    w = World.new()
    local code
    w:serve(function(session)
      session:reject(code)
    end)
    for c = 400, 699, World.SCALE do
      code = c
      local call = w:invite()
      local response = assert(call:wait(c))
      assert.equal(sip.code[c] or response.reason, response.reason)
      call:ack()
    end
  end)

  it("can't get a code that isn't a refusal", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    for _, code in ipairs { 399, 700, 200, 180, 0, -1, 486.5, "busy", {} } do
      assert.is_false(pcall(w.sessions[1].reject, w.sessions[1], code))
      assert.is_false(pcall(w.sessions[1].reject, w.sessions[1],
        { code = code }))
    end
    for _, code in ipairs { 299, 400, 486 } do
      assert.is_false(pcall(w.sessions[1].redirect, w.sessions[1],
        "sip:a@10.0.0.9", code))
    end
    for _, code in ipairs { 100, 200, 99 } do
      assert.is_false(pcall(w.sessions[1].progress, w.sessions[1], code))
    end
    assert.same({}, w:names())
    assert.equal("incoming", w.sessions[1].state)
    w.sessions[1]:reject(486)
    assert(call:wait(486))
    call:ack()
  end)

  it("is sent elsewhere, in order of the targets", function()
    w = World.new()
    w:serve(function(session)
      assert.is_true(session:redirect({ "sip:a@10.0.0.8",
        "<sip:b@10.0.0.9>;q=0.5" }, 300, { ["X-A"] = "1" }))
    end)
    local call = w:invite()
    local response = assert(call:wait(300))
    call:ack()
    assert.equal("<sip:a@10.0.0.8>, <sip:b@10.0.0.9>;q=0.5",
      table.concat(response:headers "Contact", ", "))
    assert.equal("1", response:header "X-A")
  end)

  it("gets the endpoint's own codes", function()
    w = World.new { endpoint = { terminate_code = 603, unhandled_code = 404 } }
    local call = w:invite()
    assert(call:wait(404))
    call:ack()
    w:serve(function(session)
      session:terminate { ["X-A"] = "1" }
    end)
    call = w:invite()
    assert.equal("1", assert(call:wait(603)):header "X-A")
    call:ack()
  end)

  it("gets 480 where nobody takes calls", function()
    w = World.new()
    local call = w:invite()
    assert(call:wait(480))
    call:ack()
    assert.equal(1, w.endpoint:stats().calls_unhandled)
  end)

  for _, protocol in ipairs { "udp", "tcp" } do
    it("is cancelled over " .. protocol, function()
      w = World.new { protocol = protocol }
      w:serve()
      local call = w:invite()
      w.network:advance(1)
      call:cancel { Reason = "SIP;cause=200" }
      w.network:advance(2)
      call:ack()
      w.network:advance(40)
      assert.equal("200 CANCEL", w:names()[2])
      assert.same(protocol == "udp" and { 1000, 1500, 2500 } or { 1000 },
        w:times "487 INVITE")
      w:identical "487 INVITE"
      assert.same({ "incoming>disconnected canceled 487" }, w.log)
      assert.equal(assert(call:wait(487)):header "To",
        assert(call:wait(200)):header "To")
    end)
  end

  it("tells with what it was cancelled", function()
    w = World.new()
    local change
    w:serve(function(session)
      session:on("state_changed", function(_, c)
        change = c
      end)
    end)
    local call = w:invite()
    w.network:advance(0)
    call:cancel { Reason = "SIP;cause=200" }
    w.network:advance(0)
    call:ack()
    assert.equal("CANCEL", change.message.method)
    assert.equal("SIP;cause=200", change.message:header "Reason")
  end)

  it("is ended with 408 when nobody answered it for connect_timeout",
    function()
      w = World.new()
      w:serve(function(session)
        session:progress()
      end)
      local call = w:invite()
      w.network:advance(180)
      assert(call:wait(408))
      call:ack()
      assert.same({ 180000 }, w:times "408 INVITE")
      assert.same({ "incoming>disconnected timeout 408" }, w.log)
      assert.equal("terminated", select(2, w.sessions[1]:participate()).reason)
    end)

  it("isn't declined with what doesn't fit a message; nothing is sent",
    function()
      w = World.new()
      local uris = {}
      for i = 1, 32 do
        uris[i] = "sip:" .. ("x"):rep(2100) .. i .. "@10.0.0.9"
      end
      local function refused(ok, err)
        assert.is_nil(ok)
        assert.equal("operation_failure", err.kind)
        assert.matches("too large", tostring(err), 1, true)
      end
      w:serve(function(session)
        refused(session:redirect(uris))
        refused(session:reject { code = 488, content_type = "text/plain",
          body = ("x"):rep(66000) })
        assert.equal("incoming", session.state)
        assert(session:reject { code = 488, headers = { ["X-N"] = "1" } })
      end)
      local call = w:invite()
      assert.equal("1", assert(call:wait(488)):header "X-N")
      call:ack()
      w.network:advance(1)
      assert.same({ "488 INVITE" }, w:names())
      assert.same({ "incoming>disconnected terminated_locally 488" }, w.log)
    end)

  it("hears of the connection that is gone while it can't be declined",
    function()
      w = World.new { protocol = "tcp" }
      w:serve(function(session)
        session:reject { code = 488, content_type = "text/plain",
          body = ("x"):rep(66000) }
        sip.sleep(1)
        session:participate()
      end)
      w:invite()
      w.network:advance(0.5)
      w.caller:close()
      w.network:advance(1)
      assert.equal("connecting>disconnected unreachable -", w.log[#w.log])
    end)

  it("is waited for as long as the endpoint wants to", function()
    w = World.new { endpoint = { connect_timeout = 5 } }
    w:serve()
    local call = w:invite()
    assert(call:wait(408))
    call:ack()
    assert.same({ 5000 }, w:times "408 INVITE")
  end)

  it("is waited for without end with a connect_timeout of 0", function()
    w = World.new { endpoint = { connect_timeout = 0 } }
    w:serve()
    local call = w:invite()
    w.network:advance(1000)
    assert.same({ "100 INVITE" }, w:names())
    call:cancel()
    assert(call:wait(487))
    call:ack()
  end)

  it("is given up on after limits.provisional_time all the same", function()
    w = World.new { endpoint = { connect_timeout = 0,
      limits = { provisional_time = 7 } } }
    w:serve()
    local call = w:invite()
    assert(call:wait(408, 10))
    call:ack()
    assert.same({ 7000 }, w:times "408 INVITE")
  end)

  it("ends an accept whose negotiator is too slow with 408", function()
    w = World.new { endpoint = {
      connect_timeout = 2,
      media = {
        get_answer = function()
          sip.sleep(5)
          return World.ANSWER
        end,
      },
    } }
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(408))
    call:ack()
    w.network:advance(10)
    assert.same({ 408 }, w:finals())
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected timeout 408",
      "accept operation_timeout -",
    }, w.log)
  end)
end)
