-- session:refer (RFC 3515, 3891, 3892, 4488): our REFER in a call, and the
-- event "refer_notified" for the NOTIFYs about it, which may come before its
-- answer and after the call's end (RFC 5057).
local sip = require "sipsession"
local World = require "support.world"

describe("session:refer", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  local function text(response, err)
    if response then
      return ("%d"):format(response.code)
    end
    return ("%s %s %s"):format(err.kind, err.reason or "-", err.code or "-")
  end

  -- Refers in a coroutine; the result goes to the log. Returns the REFER.
  local function refer(call, session, ...)
    sip.spawn(function(...)
      w:note("%s", text(session:refer(...)))
    end, ...)
    return (assert(call:wait("REFER", 0)))
  end

  local function last()
    return w.log[#w.log]
  end

  local function listen(session)
    session:on("refer_notified", function(s, code, reason, request)
      assert.equal(session, s)
      assert.equal("NOTIFY", request.method)
      w:note("news %s %s", code, reason)
    end)
  end

  -- Sends a NOTIFY and returns the answer.
  local function notify(call, state, body, options)
    options = options or {}
    local headers = {
      Event = options.event or "refer", ["Subscription-State"] = state or nil,
    }
    if options.event == false then
      headers.Event = nil
    end
    call:request("NOTIFY", {
      headers = headers, body = body or nil,
      content_type = body and (options.content_type
        or "message/sipfrag;version=2.0"),
    })
    local response
    repeat -- past repeats of ours
      response = assert(call:wait(nil, 0))
    until response.code
    return response
  end

  it("sends a REFER and gives the 2xx; then there are NOTIFYs", function()
    local call, session = w:established()
    listen(session)
    local request = refer(call, session, "sip:carol@example.com;x=y", {
      headers = { ["X-A"] = "1" },
    })
    assert.equal("<sip:carol@example.com;x=y>", request:header "Refer-To")
    assert.equal("<sip:10.0.0.1:5060>", request:header "Referred-By")
    assert.equal("1", request:header "X-A")
    assert.is_nil(request:header "Refer-Sub")
    assert.matches("^<sip:10%.0%.0%.1:5060", request:header "Contact")
    assert.equal("sip:caller@10.0.0.2:5060", request.uri)
    call:reply(request, 202)
    w.network:advance(0)
    assert.equal("202", last())
    assert.equal(200,
      notify(call, "active;expires=60", "SIP/2.0 100 Trying\r\n").code)
    assert.equal("news 100 Trying", last())
    assert.equal(200, notify(call, "active", "SIP/2.0 180").code)
    assert.equal("news 180 nil", last())
    assert.equal(200, notify(call, "terminated;reason=noresource",
      "SIP/2.0 486 Not Now\r\n").code)
    assert.equal("news 486 Not Now", last())
    assert.equal(481, notify(call, "active", "SIP/2.0 200 OK").code)
    assert.equal("news 486 Not Now", last())
    assert.equal("connected", session.state)
  end)

  it("says by whom, or doesn't", function()
    w:finish()
    w = World.new { endpoint = { uri = "sip:desk@example.com" } }
    local call, session = w:established { auto = true }
    for _, case in ipairs {
      { nil, "<sip:desk@example.com>" },
      { "sip:bob@example.com", "<sip:bob@example.com>" },
      { "\"B\" <sip:bob@example.com>;x=y", "\"B\" <sip:bob@example.com>;x=y" },
      { false, nil },
    } do
      local request = refer(call, session, "tel:+123",
        { referred_by = case[1], subscribe = false })
      assert.equal(case[2], request:header "Referred-By")
      assert.equal("<tel:+123>", request:header "Refer-To")
      assert.equal("false", request:header "Refer-Sub")
      w.network:advance(0)
    end
    w.network:advance(33)
  end)

  it("names the call it is to replace, as the other side sees it", function()
    local call, session = w:established()
    local carol = w.network:peer "udp:10.0.0.3:5060"
    w:serve(function(s)
      s:participate()
    end)
    local other = carol:invite {
      to = "sip:desk@10.0.0.1", call_id = "a+b?c=d%;e@x", from_tag = "ct%~1",
    }
    assert(other:wait(200))
    other:ack()
    w.network:advance(0)
    local replaced = w.sessions[2]
    local expected = ("a+b?c%%3Dd%%25%%3Be%%40x%%3Bto-tag%%3Dct%%25~1"
      .. "%%3Bfrom-tag%%3D%s"):format(replaced.to_tag)
    local request = refer(call, session, "sip:carol@10.0.0.3",
      { replaces = replaced })
    assert.equal("<sip:carol@10.0.0.3?Replaces=" .. expected .. ">",
      request:header "Refer-To")
    call:reply(request, 603)
    request = refer(call, session, "sip:carol@10.0.0.3?X=y",
      { replaces = replaced })
    assert.equal("<sip:carol@10.0.0.3?X=y&Replaces=" .. expected .. ">",
      request:header "Refer-To")
    call:reply(request, 603)
    other:bye()
    w.network:advance(0)
    assert.equal("invalid_operation terminated -",
      text(session:refer("sip:carol@10.0.0.3", { replaces = replaced })))
    w.network:advance(0)
  end)

  it("gives what it names to a session of this library as `replaces`",
    function()
      local call, session = w:established()
      local _, other = w:established { auto = true }
      local seen
      session:on("refer_received", function(_, referral)
        seen = referral.replaces
      end)
      local request = refer(call, session, "sip:carol@10.0.0.3",
        { replaces = other })
      call:reply(request, 603)
      call:request("REFER", { headers = {
        ["Refer-To"] = request:header "Refer-To",
      } })
      assert(call:wait(603, 0))
      assert.equal(("%s;to-tag=%s;from-tag=%s"):format(other.call_id,
        other.from_tag, other.to_tag), seen)
    end)

  it("that wants no NOTIFYs gets none (RFC 4488)", function()
    local call, session = w:established()
    listen(session)
    local request = refer(call, session, "sip:c@x", { subscribe = false })
    call:reply(request, 200, { ["Refer-Sub"] = "false" })
    w.network:advance(0)
    assert.equal("200", last())
    assert.equal(481, notify(call, "active", "SIP/2.0 200 OK").code)
    -- one who doesn't know of that sends them all the same
    request = refer(call, session, "sip:c@x", { subscribe = false })
    call:reply(request, 202)
    w.network:advance(0)
    assert.equal(200, notify(call, "terminated", "SIP/2.0 200 OK").code)
    assert.equal("news 200 OK", last())
  end)

  it("that is refused gives the error, and has no subscription", function()
    local call, session = w:established()
    for _, code in ipairs { 302, 405, 491, 603 } do
      call:reply(refer(call, session, "sip:c@x"), code)
      w.network:advance(0)
      assert.equal("failure_response - " .. code, last())
      assert.equal(481, notify(call, "active", "SIP/2.0 100 Trying").code)
    end
    assert.equal("connected", session.state)
  end)

  it("that is answered 481, or not at all, ends the call", function()
    for _, code in ipairs { 481, 408, 0 } do
      local call, session = w:established()
      local request = refer(call, session, "sip:c@x")
      if code > 0 then
        call:reply(request, code)
      else
        w.network:advance(33)
      end
      call:reply(assert(call:wait("BYE", 1)), 200)
      w.network:advance(0)
      assert.equal(code == 481 and "session_does_not_exist" or "timeout",
        session.record.reason)
      assert.equal(code > 0 and "failure_response - " .. code
        or "operation_timeout - -", last())
      assert.equal(481, notify(call, "active", "SIP/2.0 100 Trying").code)
    end
  end)

  it("may be told of before its answer", function()
    local call, session = w:established()
    listen(session)
    local request = refer(call, session, "sip:c@x")
    assert.equal(200,
      notify(call, "active;expires=60", "SIP/2.0 100 Trying").code)
    call:reply(request, 202)
    w.network:advance(0)
    assert.same({ "news 100 Trying", "202" }, { table.unpack(w.log, 4) })
    assert.equal(200, notify(call, "terminated", "SIP/2.0 200 OK").code)
  end)

  it("may be told all before its answer", function()
    local call, session = w:established()
    listen(session)
    local request = refer(call, session, "sip:c@x")
    assert.equal(200, notify(call, "terminated", "SIP/2.0 200 OK").code)
    w.network:advance(1)
    call:reply(request, 202)
    w.network:advance(0)
    assert.equal("202", last())
    assert.equal(481, notify(call, "terminated", "SIP/2.0 200 OK").code)
  end)

  it("is told apart from others by the id, or is the first", function()
    local call, session = w:established()
    session:on("refer_notified", function(_, _, reason)
      w:note("%s", reason)
    end)
    local ids = {}
    for i = 1, 3 do
      local request = refer(call, session, "sip:c@x")
      ids[i] = request:header "CSeq":match "%d+"
      call:reply(request, 202)
      w.network:advance(0)
    end
    local function tell(event, state, reason)
      return notify(call, state, "SIP/2.0 180 " .. reason,
        { event = event }).code
    end
    assert.equal(200, tell("refer;id=" .. ids[2], "active", "two"))
    assert.equal(200, tell("refer", "active", "one"))
    assert.equal(200, tell("refer;id=" .. ids[1], "terminated", "one"))
    assert.equal(200, tell("refer;id=" .. ids[3], "terminated", "three"))
    for _, id in ipairs { ids[1], ids[3], "1", "x", "99999999999" } do
      assert.equal(481, tell("refer;id=" .. id, "active", "none"))
    end
    -- the only one that is left, of one who gives no ids
    assert.equal(200, tell("Refer", "terminated", "two"))
    assert.equal(481, tell("refer", "terminated", "none"))
    assert.same({ "two", "one", "one", "three", "two" },
      { table.unpack(w.log, 7) })
  end)

  it("ends with a final code, whatever the state says", function()
    local call, session = w:established()
    listen(session)
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    assert.equal(200, notify(call, "active;expires=60",
      "\r\nSIP/2.0 200 OK\r\nContact: <sip:c@x>\r\n").code)
    assert.equal("news 200 OK", last())
    assert.equal(481, notify(call, "terminated", "SIP/2.0 200 OK").code)
  end)

  it("may end without a word", function()
    local call, session = w:established()
    listen(session)
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    assert.equal(200, notify(call, "terminated;reason=giveup").code)
    assert.equal("news nil nil", last())
    assert.equal(481, notify(call, "terminated", "SIP/2.0 200 OK").code)
  end)

  it("goes on when the call ends: told until the end (RFC 5057)", function()
    local call, session = w:established()
    listen(session)
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(10)
    assert.equal(1, w.endpoint:stats().alive.dialogs)
    for _, method in ipairs { "BYE", "INFO", "REFER", "OPTIONS" } do
      call:request(method)
      assert.equal(481, assert(call:wait(nil, 0)).code, method)
    end
    assert.equal(200,
      notify(call, "active;expires=9999999999", "SIP/2.0 180 Ringing").code)
    assert.equal(200, notify(call, "terminated", "SIP/2.0 200 OK").code)
    assert.equal("news 200 OK", last())
    assert.equal(0, w.endpoint:stats().alive.dialogs)
    assert.equal(481, notify(call, "terminated", "SIP/2.0 200 OK").code)
    assert.equal("disconnected", session.state)
  end)

  it("is over when the call ended and no NOTIFY comes", function()
    local call, session = w:established()
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(31.9)
    assert.equal(1, w.endpoint:stats().alive.lingering)
    w.network:advance(0.2)
    assert.equal(0, w.endpoint:stats().alive.lingering)
  end)

  it("is over when the NOTIFYs stop", function()
    local call, session = w:established()
    listen(session)
    for _, expires in ipairs { ";expires=10", "", ";expires=0" } do
      call:reply(refer(call, session, "sip:c@x"), 202)
      assert.equal(200,
        notify(call, "active" .. expires, "SIP/2.0 100 Trying").code)
      local seconds = tonumber(expires:match "%d+") or 180
      w.network:advance(math.max(seconds - 0.1, 0))
      if seconds > 0 then
        assert.equal(200,
          notify(call, "active" .. expires, "SIP/2.0 180 Ringing").code)
      end
      w.network:advance(seconds + 0.1)
      assert.equal(481, notify(call, "active", "SIP/2.0 200 OK").code)
    end
  end)

  it("that waits when the call ends is over for the script", function()
    local call, session = w:established()
    listen(session)
    local request = refer(call, session, "sip:c@x")
    session:terminate()
    w.network:advance(0)
    assert.equal("operation_failure terminated -", last())
    call:reply(assert(call:wait "BYE"), 200)
    call:reply(request, 202)
    assert.equal(200, notify(call, "terminated", "SIP/2.0 200 OK").code)
    assert.equal("news 200 OK", last())
  end)

  it("that waits when the endpoint closes is over for all", function()
    local call, session = w:established()
    listen(session)
    local first = refer(call, session, "sip:c@x")
    call:reply(first, 202)
    refer(call, session, "sip:c@x")
    w.endpoint:close()
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(0)
    assert.equal("operation_failure endpoint_closed -", last())
    assert.equal(0, w.endpoint:stats().alive.lingering)
  end)

  it("is refused where there is no connected call", function()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    local session = w.sessions[1]
    assert.equal("invalid_operation not_connected -",
      text(session:refer "sip:c@x"))
    session:reject(486)
    assert(call:wait(486))
    call:ack()
    assert.equal("invalid_operation terminated -",
      text(session:refer_async("sip:c@x", function() end)))
    assert.equal(0, w:count "REFER")
  end)

  it("asynchronously calls back once", function()
    local _, session = w:established { auto = true }
    assert.is_true(session:refer_async("sip:c@x", { subscribe = false },
      function(response, err)
        assert.is_nil(err)
        w:note("%d", response.code)
      end))
    assert.is_true(session:refer_async("sip:c@x", function(response)
      w:note("%d", response.code)
    end))
    w.network:advance(0)
    assert.same({ "200", "200" }, { table.unpack(w.log, 4) })
    w.network:advance(33)
  end)

  it("called from the main chunk runs the loop", function()
    local _, session = w:established { auto = true }
    assert.equal("200", text(session:refer("sip:c@x", { subscribe = false })))
    w.network:advance(33)
  end)

  it("raises on wrong arguments, and sends nothing", function()
    local _, session = w:established()
    for i, wrong in ipairs {
      function() session:refer() end,
      function() session:refer(1) end,
      function() session:refer "" end,
      function() session:refer "carol" end,
      function() session:refer "<sip:c@x>" end,
      function() session:refer "sip:c@x>" end,
      function() session:refer "sip:c@x\r\nX: 1" end,
      function() session:refer("sip:c@x", "y") end,
      function() session:refer("sip:c@x", { what = 1 }) end,
      function() session:refer("sip:c@x", { subscribe = 1 }) end,
      function() session:refer("sip:c@x", { referred_by = 1 }) end,
      function() session:refer("sip:c@x", { referred_by = true }) end,
      function() session:refer("sip:c@x", { referred_by = "b" }) end,
      function() session:refer("sip:c@x", { referred_by = "sip:b@x>" }) end,
      function() session:refer("sip:c@x", { replaces = "b" }) end,
      function() session:refer("tel:+1", { replaces = session }) end,
      function()
        session:refer("sip:c@x", { headers = { ["Refer-To"] = "y" } })
      end,
      function() session:refer("sip:c@x", { headers = { b = "y" } }) end,
      function() session:refer("sip:c@x", { headers = { Via = "y" } }) end,
      function() session:refer_async "sip:c@x" end,
      function() session:refer_async("sip:c@x", {}) end,
    } do
      local ok, err = pcall(wrong)
      assert.is_false(ok, "wrong argument " .. i .. " was taken")
      assert.matches("refer_out_spec.lua:%d+:", err)
    end
    assert.equal("connection_failure - -",
      text(session:refer("sip:c@x?X=" .. ("y"):rep(9000))))
    assert.equal(0, w:count "REFER")
  end)

  it("with NOTIFYs that make no sense: 400, 415, 489, 481", function()
    local call, session = w:established()
    listen(session)
    local ok = "SIP/2.0 200 OK"
    assert.equal(481, notify(call, "active", ok).code)
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    local n = #w.log
    for i, case in ipairs {
      { 400, nil, ok }, { 400, "", ok }, { 400, "a b", ok }, { 400, ";", ok },
      { 400, "active" }, { 400, "active", "" }, { 400, "active", "hello" },
      { 400, "active", "SIP/2.0 99 X" }, { 400, "active", "SIP/2.0 700 X" },
      { 400, "active", "SIP/2.0 2000 X" }, { 400, "active", "SIP/3.0 200 X" },
      { 400, "active", "SIP/2.0 200\1X" }, { 400, "terminated", "200 OK" },
      { 400, "active", "INVITE sip:a@b SIP/2.0\r\n" },
      { 400, "active", ok, { event = false } },
      { 400, "active", ok, { event = "" } },
      { 400, "active", ok, { event = ";id=1" } },
      { 415, "active", ok, { content_type = "text/plain" } },
      { 489, "active", ok, { event = "dialog" } },
      { 489, "active", ok, { event = "refer.x" } },
      { 489, "terminated", ok, { event = "presence;id=refer" } },
    } do
      local response = notify(call, table.unpack(case, 2))
      assert.equal(case[1], response.code, "NOTIFY " .. i)
      if case[1] == 489 then
        assert.equal("refer", response:header "Allow-Events")
      elseif case[1] == 415 then
        assert.equal("message/sipfrag", response:header "Accept")
      end
    end
    assert.equal(n, #w.log)
    assert.equal(200, notify(call, "terminated", ok,
      { content_type = "Message / SIPfrag" }).code)
  end)

  it("with more NOTIFYs than anybody reads harms nobody", function()
    local call, session = w:established()
    listen(session)
    call:reply(refer(call, session, "sip:c@x"), 202)
    w.network:advance(0)
    for i = 1, 300 do
      call:request("NOTIFY", {
        headers = { Event = "refer", ["Subscription-State"] = "active" },
        content_type = "message/sipfrag", body = "SIP/2.0 180 " .. i,
      })
    end
    w.network:advance(0)
    assert.equal(64, w:count "200 NOTIFY")
    assert.equal(236, w:count "503 NOTIFY")
    assert.equal("news 180 64", last())
    call:request("NOTIFY", {
      headers = { Event = "refer", ["Subscription-State"] = "terminated" },
    })
    w.network:advance(0)
    assert.equal("news nil nil", last())
  end)
end)
