-- What happens to a call that is accepted, row by row, whichever way it is
-- accepted: on the wire, to the accept, to the session, and in what order.
-- Lost connections are in connections_spec.lua, the rows without an accept in
-- declines_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

local PROTOCOLS = { "udp", "tcp" }

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

describe("an accepted call", function()
  local w

  after_each(function()
    w:finish()
  end)

  for _, protocol in ipairs(PROTOCOLS) do
    modes("is connected by the ACK over " .. protocol, function(mode)
      w = World.new { protocol = protocol }
      w:accepting(mode)
      local call = w:invite()
      w:at(0.3, function()
        call:ack()
      end)
      w:run(mode, 10)
      assert.same({ "200 INVITE" }, w:names())
      assert.same({ 0 }, w:times())
      assert.same({
        "incoming>connecting none -",
        "connecting>connected none 200",
        "accept ACK",
      }, w.log)
      assert.equal("connected", w.sessions[1].state)
    end)
  end

  it("gives the ACK itself, with the change's message too", function()
    w = World.new()
    local given, message
    w:serve(function(session)
      session:on("state_changed", function(_, change)
        message = change.message or message
      end)
      given = session:participate()
    end)
    local call = w:invite()
    w.network:advance(0)
    call:ack { headers = { ["X-Ack"] = "yes" } }
    w.network:advance(0)
    assert.equal("ACK", given.method)
    assert.equal("yes", given:header "X-Ack")
    assert.equal("yes", message:header "X-Ack")
  end)

  it("has one To tag, also in its dialog", function()
    w = World.new()
    w:serve(function(session)
      session:progress(180)
      session:progress(183)
      sip.sleep(0.1)
      session:participate()
    end)
    local call = w:invite()
    w.network:advance(1)
    local seen = {}
    for i, response in ipairs(call.responses) do
      seen[i] = response:header "To":match ";tag=([^;]+)"
    end
    assert.equal(4, #seen) -- 180, 183, 200, 200
    for _, tag in ipairs(seen) do
      assert.equal(w.sessions[1].to_tag, tag)
    end
    call:ack()
  end)

  modes("is cancelled before that", function(mode)
    w = World.new()
    if mode == "from the main chunk" then
      w:serve()
    else
      w:serve(function(session)
        sip.sleep(1)
        if mode == "async" then
          local ok, err = session:participate_async(function()
            w:note "called"
          end)
          w:outcome(ok, err)
        else
          w:outcome(session:participate())
        end
      end)
    end
    local call = w:invite()
    w.network:advance(0.1)
    call:cancel()
    w.network:advance(2)
    if mode == "from the main chunk" then
      local t = w.network:time()
      w:outcome(w.sessions[1]:participate())
      assert.equal(t, w.network:time()) -- at once
    end
    assert(call:wait(487))
    call:ack()
    w.network:advance(1)
    assert.same({ "200 CANCEL", "487 INVITE" },
      { w:names()[1], w:names()[2] })
    assert.same({ 100, 600, 1600 }, w:times "487 INVITE")
    assert.same({ 487 }, w:finals())
    assert.same({
      "incoming>disconnected canceled 487",
      "accept invalid_operation cancelled",
    }, w.log)
  end)

  modes("is cancelled while it is pending, before its 200", function(mode)
    w = World.new { endpoint = { media = slow() } }
    w:accepting(mode)
    local call = w:invite()
    w:at(0.5, function()
      call:cancel()
    end)
    w:at(0.6, function()
      call:ack()
    end)
    w:run(mode, 10)
    assert.same({ "100 INVITE", "200 CANCEL", "487 INVITE" }, w:names())
    assert.same({ 200, 500, 500 }, w:times())
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected canceled 487",
      "accept operation_failure cancelled",
    }, w.log)
    local to = call.responses[2]:header "To"
    assert.equal(to, assert(call:wait(200)):header "To")
    assert.matches(";tag=.", to)
  end)

  modes("stands when it is cancelled after its 200", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.2, function()
      call:cancel()
    end)
    w:at(0.4, function()
      call:ack()
    end)
    w:run(mode, 10)
    assert.same({ "200 INVITE", "200 CANCEL" }, w:names())
    assert.same({
      "incoming>connecting none -",
      "connecting>connected none 200",
      "accept ACK",
    }, w.log)
    call:bye()
    assert(call:wait(200))
    w.network:advance(0)
    assert.equal("disconnected", w.sessions[1].state)
  end)

  modes("ends with a BYE before the ACK", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.7, function()
      call:bye()
    end)
    w:run(mode, 40)
    assert.same({ "200 INVITE", "200 INVITE", "200 BYE" }, w:names())
    assert.same({ 0, 500, 700 }, w:times()) -- and no more repeats
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_remotely -",
      "accept operation_failure terminated_after_200",
    }, w.log)
    call:ack() -- late: ignored
    w.network:advance(1)
    assert.equal(3, #w.log)
  end)

  for _, protocol in ipairs(PROTOCOLS) do
    modes("is given up when no ACK comes over " .. protocol, function(mode)
      w = World.new { protocol = protocol }
      w:accepting(mode)
      local call = w:invite()
      w:run(mode, 33)
      assert.same(World.REPEATS, w:times "200 INVITE")
      w:identical "200 INVITE"
      assert.equal(32000, w:times "BYE"[1])
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected timeout -",
        "accept operation_timeout -",
      }, w.log)
      call:reply(assert(call:wait "BYE"), 200)
      w.network:advance(40)
      assert.same(World.REPEATS, w:times "200 INVITE")
      if protocol == "tcp" then
        assert.same({ 32000 }, w:times "BYE")
      end
    end)
  end

  it("is repeated by the endpoint's own timers", function()
    w = World.new { endpoint = { timers = { t1 = 0.1, t2 = 0.4 } } }
    w:accepting "in a handler"
    local call = w:invite()
    call.auto = false
    w.network:advance(6.5)
    assert.same({ 0, 100, 300, 700, 1100 },
      table.move(w:times "200 INVITE", 1, 5, 1, {}))
    assert.equal(6400, w:times "BYE"[1])
    call:reply(assert(call:wait "BYE"), 200)
  end)

  modes("is terminated while its ACK is awaited, which comes", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.2, function()
      assert(w.sessions[1]:terminate { ["X-Why"] = "enough" })
    end)
    w:at(0.8, function()
      call:ack()
    end)
    w:run(mode, 0.9)
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(10)
    assert.same({ "200 INVITE", "200 INVITE", "BYE" }, w:names())
    assert.same({ 0, 500, 800 }, w:times())
    assert.matches("X%-Why: enough\r\n", w:sent "BYE"[1].text)
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_locally -",
      "accept operation_failure terminated",
    }, w.log)
  end)

  modes("is terminated while its ACK is awaited in vain", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.2, function()
      w.sessions[1]:terminate()
    end)
    w:run(mode, 32.1)
    assert.same(World.REPEATS, w:times "200 INVITE")
    assert.same({ 32000 }, w:times "BYE")
    assert.same({
      "incoming>connecting none -",
      "connecting>disconnected terminated_locally -",
      "accept operation_failure terminated",
    }, w.log)
    call:reply(assert(call:wait "BYE"), 200)
  end)

  for title, case in pairs {
    ["gave nothing"] = { code = 488, fn = function() end },
    ["gave nothing, after a while"] = {
      code = 488,
      fn = function()
        sip.sleep(0.1)
      end,
    },
    ["failed"] = {
      code = 500,
      fn = function()
        error "no codec today"
      end,
    },
    ["failed after a while"] = {
      code = 500,
      fn = function()
        sip.sleep(0.1)
        error "no codec today"
      end,
    },
  } do
    modes("is refused when the negotiator " .. title, function(mode)
      w = World.new { endpoint = { media = { get_answer = case.fn } } }
      w:accepting(mode)
      local call = w:invite()
      w:run(mode, 0.2)
      assert(call:wait(case.code))
      call:ack()
      w.network:advance(5)
      assert.same({ case.code .. " INVITE" }, w:names())
      assert.same({
        "incoming>connecting none -",
        "connecting>disconnected not_acceptable_media " .. case.code,
        "accept operation_failure media",
      }, w.log)
      if case.code == 500 then
        w:failed "no codec today"
      end
    end)
  end

  modes("ends with a BYE of the caller", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.1, function()
      call:ack()
    end)
    w:run(mode, 0.2)
    call:bye()
    assert(call:wait(200))
    w.network:advance(1)
    assert.same({ "200 INVITE", "200 BYE" }, w:names())
    assert.same({
      "incoming>connecting none -",
      "connecting>connected none 200",
      "accept ACK",
      "connected>disconnected terminated_remotely -",
    }, w.log)
  end)

  modes("ends with a BYE of ours", function(mode)
    w = World.new()
    w:accepting(mode)
    local call = w:invite()
    w:at(0.1, function()
      call:ack()
    end)
    w:run(mode, 0.2)
    assert.is_true(w.sessions[1]:terminate { ["X-Why"] = "tea" })
    local bye = assert(call:wait "BYE")
    assert.equal("tea", bye:header "X-Why")
    assert.equal(call.id, bye:header "Call-ID")
    assert.equal(w.sessions[1].to_tag, bye:header "From":match ";tag=(.*)")
    assert.equal(w.sessions[1].from_tag, bye:header "To":match ";tag=(.*)")
    assert.equal("sip:caller@10.0.0.2:5060", bye.uri)
    call:reply(bye, 200)
    w.network:advance(1)
    assert.same({ "200 INVITE", "BYE" }, w:names())
    assert.equal("connected>disconnected terminated_locally -", w.log[4])
    assert.equal(4, #w.log)
  end)

  it("is not heard of again after it has ended", function()
    w = World.new()
    local call = w:established()
    call:bye()
    w.network:advance(1)
    local n = #w.log
    call:bye()
    call:ack()
    call:cancel()
    call:request("INVITE", { sdp = World.OFFER })
    w.network:advance(5)
    assert.equal(n, #w.log)
  end)
end)
