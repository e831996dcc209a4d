-- Calls over real UDP sockets: every row of what happens to a call, with the
-- endpoint on the real loop and its real timers, made short. On the in-memory
-- network the same is in spec/session, in more detail.
local sip = require "sipsession"
local Loopback = require "support.loopback"
local World = require "support.world"

local MODES = { "in a handler", "async" }

local function modes(title, fn)
  for _, mode in ipairs(MODES) do
    it(title .. ", accepted " .. mode, function()
      fn(mode)
    end)
  end
end

-- A negotiator that needs a moment.
local slow = {
  get_answer = function()
    sip.sleep(0.1)
    return World.ANSWER
  end,
}

-- Lets the calls that come wait.
local function hold(seconds, fn)
  return function(session)
    sip.sleep(seconds)
    return fn(session)
  end
end

local CONNECTED = {
  "incoming>connecting none -",
  "connecting>connected none 200",
  "accept ACK",
}

describe("over udp #slow, a call", function()
  local w

  after_each(function()
    w:finish()
  end)
  teardown(Loopback.settle)

  -- Hangs up as the caller.
  local function bye(call)
    call:bye()
    assert.is_truthy(call:wait(200))
  end

  modes("is connected by the ACK", function(mode)
    w = Loopback.new()
    w:accepting(mode)
    local call = w:invite()
    local ok = assert(call:wait(200))
    assert.equal("application/sdp", ok.content_type)
    call:ack()
    w:logged(CONNECTED)
    assert.equal("connected", w.sessions[1].state)
    assert.equal(w.caller.name, w.sessions[1].remote_address)
    bye(call)
    assert.same({ "200 INVITE", "200 BYE" }, w:names())
  end)

  it("is cancelled before it is accepted, which then fails at once",
    function()
      w = Loopback.new()
      w:serve(hold(0.05, function(session)
        w:outcome(session:participate())
      end))
      local call = w:invite()
      w.wire:run(0.02)
      call:cancel()
      local refusal = assert(call:wait(487))
      call:ack()
      w:logged { "incoming>disconnected canceled 487",
        "accept invalid_operation cancelled" }
      assert.same({ "200 CANCEL", "487 INVITE" }, w:names())
      assert.equal(refusal:header "To",
        w.wire:message(w:got "200 CANCEL"[1].text):header "To")
    end)

  modes("is cancelled while the accept is pending", function(mode)
    w = Loopback.new { endpoint = { media = slow } }
    w:accepting(mode)
    local call = w:invite()
    w.wire:run(0.03)
    call:cancel()
    assert(call:wait(487))
    call:ack()
    w:logged { "incoming>connecting none -",
      "connecting>disconnected canceled 487",
      "accept operation_failure cancelled" }
    assert.same({ "200 CANCEL", "487 INVITE" }, w:names())
  end)

  modes("stands when it is cancelled after its 200", function(mode)
    w = Loopback.new()
    w:accepting(mode)
    local call = w:invite()
    assert(call:wait(200))
    call:cancel()
    assert(call:wait(200))
    call:ack()
    w:logged(CONNECTED)
    bye(call)
  end)

  it("whose CANCEL came with the INVITE is never heard of", function()
    w = Loopback.new()
    w:serve()
    local call = w:invite()
    call:cancel() -- both are in the socket before the endpoint reads
    assert(call:wait(487))
    call:ack()
    w:logged {}
    assert.equal(0, #w.sessions)
    assert.equal(1, w.endpoint:stats().calls_cancelled)
  end)

  modes("ends with a BYE before the ACK", function(mode)
    w = Loopback.new()
    w:accepting(mode)
    local call = w:invite()
    assert(call:wait(200))
    bye(call)
    w:logged { "incoming>connecting none -",
      "connecting>disconnected terminated_remotely -",
      "accept operation_failure terminated_after_200" }
    call:ack()
    local repeats = #w:got "200 INVITE"
    w.wire:run(0.2)
    assert.equal(repeats, #w:got "200 INVITE")
  end)

  modes("is given up when no ACK comes for 64*T1", function(mode)
    w = Loopback.new()
    w:accepting(mode)
    local call = w:invite()
    local ended = assert(call:wait "BYE")
    call:reply(ended, 200)
    w:came_at("200 INVITE", Loopback.REPEATS)
    w:came_at("BYE", { 64 * Loopback.T1 * 1000 })
    w:logged { "incoming>connecting none -",
      "connecting>disconnected timeout -",
      "accept operation_timeout -" }
  end)

  it("is terminated while its ACK is awaited: a BYE follows the ACK",
    function()
      w = Loopback.new()
      w:accepting "in a handler"
      local call = w:invite()
      assert(call:wait(200))
      assert.is_true(w.sessions[1]:terminate())
      assert.is_nil(call:wait("BYE", 0.05))
      call:ack()
      call:reply(assert(call:wait "BYE"), 200)
      w:logged { "incoming>connecting none -",
        "connecting>disconnected terminated_locally -",
        "accept operation_failure terminated" }
    end)

  it("is terminated while its ACK is awaited in vain: a BYE after 64*T1",
    function()
      w = Loopback.new()
      w:accepting "in a handler"
      local call = w:invite()
      assert(call:wait(200))
      w.sessions[1]:terminate()
      call:reply(assert(call:wait "BYE"), 200)
      w:came_at("BYE", { 64 * Loopback.T1 * 1000 })
      w:logged { "incoming>connecting none -",
        "connecting>disconnected terminated_locally -",
        "accept operation_failure terminated" }
    end)

  for title, case in pairs {
    rejected = { 488, function(session)
      return session:reject(488, { ["X-Reason"] = "no audio" })
    end },
    redirected = { 302, function(session)
      return session:redirect "sip:other@127.0.0.9"
    end },
    terminated = { 486, function(session)
      return session:terminate()
    end },
  } do
    it("is " .. title .. ": its code until the ACK", function()
      local code = case[1]
      w = Loopback.new()
      w:serve(function(session)
        assert.is_true(case[2](session))
        local _, err = session:participate()
        assert.equal("invalid_operation", err.kind)
      end)
      local call = w:invite()
      w.wire:wait(function()
        return #w:got(code .. " INVITE") >= 3
      end)
      call:ack()
      w.wire:run(0.2)
      w:came_at(code .. " INVITE", { 0, 10, 30 })
      w:logged { "incoming>disconnected terminated_locally " .. code }
    end)
  end

  it("is rejected: its code for 64*T1 without an ACK", function()
    w = Loopback.new()
    w:serve(function(session)
      session:reject(603)
    end)
    w:invite()
    w.wire:wait(function()
      return w.endpoint:stats().calls_unacknowledged == 1
    end)
    w:came_at("603 INVITE", Loopback.REPEATS)
  end)

  for title, case in pairs {
    ["gave nothing"] = { 488, function() end },
    ["failed"] = { 500, function()
      error "no codec today"
    end },
  } do
    modes("is refused when the negotiator " .. title, function(mode)
      w = Loopback.new { endpoint = { media = { get_answer = case[2] } } }
      w:accepting(mode)
      local call = w:invite()
      assert(call:wait(case[1]))
      call:ack()
      w:logged { "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media " .. case[1],
        "accept operation_failure media" }
      if case[1] == 500 then
        w:failed "no codec today"
      end
    end)
  end

  it("is ended with 408 when nobody answered it", function()
    w = Loopback.new { endpoint = { connect_timeout = 0.1 } }
    w:serve(function(session)
      session:progress(180)
    end)
    local call = w:invite()
    assert(call:wait(408))
    call:ack()
    w:came_at("180 INVITE", { 0 })
    assert.is_true(w:got "408 INVITE"[1].ms >= 97)
    w:logged { "incoming>disconnected timeout 408" }
  end)

  it("that the script keeps waiting hears 100 after 200 ms", function()
    w = Loopback.new()
    w:serve()
    local call = w:invite()
    assert(call:wait(100))
    w:came_at("100 INVITE", { 200 })
    call:cancel()
    assert(call:wait(487))
    call:ack()
  end)

  it("is ended by us, and by both at once", function()
    w = Loopback.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w:logged(CONNECTED)
    w.sessions[1]:terminate { ["X-Why"] = "tea" }
    call:bye() -- crosses ours
    local ours = assert(call:wait "BYE")
    assert.equal("tea", ours:header "X-Why")
    call:reply(ours, 200)
    assert(call:wait(200))
    assert.equal("connected>disconnected terminated_locally -", w.log[4])
    assert.equal(4, #w.log)
  end)

  it("that lost its caller is ended all the same", function()
    w = Loopback.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:ack()
    w:logged(CONNECTED)
    w.caller:close() -- its port answers with ICMP errors from now on
    w.sessions[1]:terminate()
    w.wire:wait(function()
      return w.endpoint:stats().alive.lingering == 0
    end)
    assert.equal(4, #w.log)
  end)
end)
