-- How the subscription ends that a REFER makes, and that it outlives the call
-- (RFC 3515 2.4.4, 5057 4, 6665 4.2.2).
local sip = require "sipsession"
local World = require "support.world"
local referring = require "support.referring"

local refer, notified = referring.refer, referring.notified
local result, accepting = referring.result, referring.accepting
local TARGET = referring.TARGET

describe("a referral", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  local function last()
    return w.log[#w.log]
  end

  it("that nobody finishes is finished after a minute", function()
    local call, session = w:established()
    local referral
    accepting(session, function(given)
      referral = given
      given:notify(180)
    end)
    refer(call)
    notified(call)
    notified(call)
    w.network:advance(59.5)
    assert.equal(2, w:count "NOTIFY")
    assert.equal("SIP/2.0 180 Ringing|terminated;reason=timeout|refer",
      (notified(call, 1)))
    assert.equal("invalid_operation terminated", result(referral:notify(200)))
    assert.equal("connected", session.state)
  end)

  it("of a call that ends is told of all the same (RFC 5057)", function()
    local call, session = w:established()
    accepting(session, function(referral)
      sip.sleep(5)
      w:note("%s", result(referral:notify(200)))
    end)
    refer(call)
    assert(call:wait(202))
    notified(call)
    call:bye()
    assert(call:wait(200, 0))
    assert.equal("disconnected", session.state)
    assert.equal("terminated_remotely", session.record.reason)
    assert.equal(1, w.endpoint:stats().alive.lingering)
    for _, method in ipairs { "BYE", "INFO", "REFER", "INVITE", "OPTIONS",
      "UPDATE", "NOTIFY" } do
      call:request(method, { headers = { ["Refer-To"] = TARGET } })
      assert.equal(481, assert(call:wait(nil, 0)).code, method)
    end
    local says, notify = notified(call, 5)
    assert.equal("SIP/2.0 200 OK|terminated;reason=noresource|refer", says)
    assert.equal(session.call_id, notify:header "Call-ID")
    assert.equal("true", last())
    w.network:advance(0)
    assert.equal(0, w.endpoint:stats().alive.lingering)
    assert.equal("invalid_operation terminated",
      result(session:send "INFO"))
  end)

  it("of a call that we end is told of too, while the BYE waits", function()
    local call, session = w:established()
    local n = 0
    session:on("ended", function()
      n = n + 1
    end)
    accepting(session, function(referral)
      session:terminate()
      w:note("%s", result(referral:notify(200)))
    end)
    refer(call)
    assert(call:wait(202))
    notified(call)
    local bye = assert(call:wait("BYE", 0))
    notified(call)
    call:reply(bye, 200)
    w.network:advance(0)
    assert.equal("true", last())
    assert.equal(1, n)
  end)

  it("that is not decided when the call ends gets 487", function()
    local call, session = w:established()
    session:on("refer_received", function(_, referral)
      sip.sleep(1)
      w:note("%s", result(referral:accept()))
      w:note("%s", result(referral:reject(486)))
      w:note("%s", result(referral:notify(200)))
    end)
    refer(call)
    w.network:advance(0.5)
    call:bye()
    w.network:advance(1)
    assert.equal(1, w:count "487 REFER")
    assert.equal(0, w:count "NOTIFY")
    for i = 0, 2 do
      assert.equal("invalid_operation terminated", w.log[#w.log - i])
    end
  end)

  it("whose NOTIFY is refused is over, and the call goes on", function()
    local call, session = w:established()
    for _, code in ipairs { 481, 489, 500, 603, 302 } do
      local first
      accepting(session, function(referral)
        first = table.pack(referral:notify(180))
        w:note("%s", result(referral:notify(200)))
      end)
      refer(call)
      notified(call)
      notified(call, 0, code)
      assert.is_nil(first[1])
      assert.equal("failure_response", first[2].kind)
      assert.equal(code, first[2].code)
      assert.equal("invalid_operation terminated", last())
      assert.equal("connected", session.state)
      call:bye()
      w.network:advance(40)
      call, session = w:established()
    end
  end)

  it("whose first NOTIFY is refused is over", function()
    local call, session = w:established()
    accepting(session, function(referral)
      w:note("%s", result(referral:notify(180)))
    end)
    refer(call)
    notified(call, 0, 481)
    assert.equal("invalid_operation terminated", last())
    assert.equal("connected", session.state)
    assert.equal(1, w:count "NOTIFY")
  end)

  it("whose NOTIFY is never answered is over, and the call goes on", function()
    local call, session = w:established()
    accepting(session, function(referral)
      w:note("%s", result(referral:notify(180)))
    end)
    refer(call)
    notified(call)
    w.network:advance(33)
    assert.equal("operation_timeout -", last())
    assert.equal("connected", session.state)
    w.network:advance(70)
    assert.equal(11, w:count "NOTIFY" - 1)
  end)

  it("is over when the endpoint closes, which waits for nobody", function()
    local call, session = w:established()
    accepting(session, function(referral)
      w:note("%s", result(referral:notify(180)))
      w:note("%s", result(referral:notify(200)))
    end)
    refer(call)
    notified(call)
    call:bye()
    assert(call:wait(200, 0))
    w.endpoint:close()
    w.network:advance(2.1)
    assert.equal(0, w.endpoint:stats().alive.lingering)
    assert.equal("operation_failure endpoint_closed", w.log[#w.log - 1])
    assert.equal("invalid_operation terminated", last())
  end)

  it("is told so when the endpoint closes", function()
    local call, session = w:established()
    accepting(session)
    refer(call)
    notified(call)
    w.endpoint:close()
    call:reply(assert(call:wait "BYE"), 200)
    assert.equal(
      "SIP/2.0 503 Service Unavailable|terminated;reason=noresource|refer",
      (notified(call)))
    w.network:advance(0)
    assert.equal(0, w.endpoint:stats().alive.lingering)
  end)

  it("may be forgotten by its script", function()
    local call, session = w:established()
    accepting(session)
    refer(call)
    notified(call)
    collectgarbage()
    collectgarbage()
    assert.equal("SIP/2.0 100 Trying|terminated;reason=timeout|refer",
      (notified(call, 61)))
  end)

  for name, code in pairs { shut = "true", close = "connection_failure -" } do
    it("over TCP tells over a new connection, where it can: " .. name,
      function()
        w:finish()
        w = World.new { protocol = "tcp" }
        local call, session = w:established()
        accepting(session, function(referral)
          sip.sleep(2)
          w:note("%s", result(referral:notify(200)))
        end)
        refer(call)
        notified(call)
        call:bye()
        w.network:advance(0)
        w.caller[name](w.caller)
        w.network:advance(3)
        local notify = call:wait("NOTIFY", 0)
        if notify then
          call:reply(notify, 200)
          w.network:advance(0)
        end
        assert.equal(code, last())
      end)
  end
end)
