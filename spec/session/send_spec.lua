-- session:send: requests of ours in a connected call (RFC 3261 12.2.1, 17.1.2;
-- RFC 5057 for what ends the call).
local sip = require "sipsession"
local World = require "support.world"

describe("session:send", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- What it returned, as text.
  local function text(response, err)
    if response then
      return ("%d"):format(response.code)
    end
    return ("%s %s %s"):format(err.kind, err.reason or "-", err.code or "-")
  end

  -- Sends in a coroutine; the result goes to the log.
  local function send(session, ...)
    sip.spawn(function(...)
      w:note("%s", text(session:send(...)))
    end, ...)
  end

  local function last()
    return w.log[#w.log]
  end

  it("sends within the dialog, and gives the answer", function()
    w = World.new()
    local call, session = w:established()
    send(session, "INFO", {
      headers = { ["X-A"] = "1" }, body = "hi", content_type = "text/plain",
    })
    local request = assert(call:wait("INFO", 0))
    assert.equal("hi", request.body)
    assert.equal("text/plain", request.content_type)
    assert.equal("1", request:header "X-A")
    assert.equal(session.call_id, request:header "Call-ID")
    assert.matches(";tag=" .. session.to_tag, request:header "From", 1, true)
    assert.matches(";tag=" .. session.from_tag, request:header "To", 1, true)
    assert.equal("sip:caller@10.0.0.2:5060", request.uri)
    call:reply(request, 200, { ["X-B"] = "2" })
    w.network:advance(0)
    assert.equal("200", last())
  end)

  it("counts CSeq on, also for the BYE", function()
    w = World.new()
    local call, session = w:established { auto = true }
    local numbers = {}
    for _, method in ipairs { "INFO", "MESSAGE", "OPTIONS" } do
      send(session, method)
      numbers[#numbers + 1] = tonumber(assert(call:wait(method, 0))
        :header "CSeq":match "%d+")
    end
    session:terminate()
    numbers[4] = tonumber(assert(call:wait("BYE", 0)):header "CSeq"
      :match "%d+")
    for i = 2, 4 do
      assert.equal(numbers[i - 1] + 1, numbers[i])
    end
    w.network:advance(0)
  end)

  it("takes any method that has no verb of its own", function()
    w = World.new()
    local call, session = w:established()
    for _, method in ipairs { "INFO", "MESSAGE", "OPTIONS", "NOTIFY",
      "SUBSCRIBE", "PUBLISH", "REGISTER", "FOO", "foo", "x-y.z!%*_+`'~" } do
      send(session, method)
      local request = assert(call:wait(method, 0))
      assert.matches("^%d+ ", request:header "CSeq")
      assert.equal(method, request:header "CSeq":match " (.*)$")
      call:reply(request, 202)
      w.network:advance(0)
      assert.equal("202", last(), method)
    end
    for _, method in ipairs { "INVITE", "ACK", "BYE", "CANCEL", "PRACK",
      "UPDATE", "REFER" } do
      assert.error_matches(function()
        session:send(method)
      end, method .. " has a verb of its own")
      assert.has_error(function()
        session:send_async(method, print)
      end)
    end
  end)

  it("raises on what is no method or no option, and sends nothing", function()
    w = World.new()
    local _, session = w:established()
    local n = #w:names()
    for i, wrong in ipairs {
      function() session:send() end,
      function() session:send(1) end,
      function() session:send "" end,
      function() session:send "IN FO" end,
      function() session:send "INFO\r\nX: 1" end,
      function() session:send "INFO:" end,
      function() session:send("INFO", { code = 1 }) end,
      function() session:send("INFO", { body = "x" }) end,
      function() session:send("INFO", { headers = { CSeq = 1 } }) end,
      function() session:send("INFO", "x") end,
      function() session:send_async "INFO" end,
      function() session:send_async("INFO", {}) end,
      function() session:send_async("INFO", {}, 1) end,
    } do
      local ok, err = pcall(wrong)
      assert.is_false(ok, "wrong argument " .. i .. " was taken")
      assert.matches("send_spec.lua:%d+:", err)
    end
    assert.equal(n, #w:names())
  end)

  it("gives a 3xx-6xx as an error with the response", function()
    w = World.new()
    local call, session = w:established()
    for _, code in ipairs { 302, 415, 501, 603 } do
      local err
      session:send_async("INFO", function(response, why)
        assert.is_nil(response)
        err = why
      end)
      call:reply(assert(call:wait("INFO", 0)), code, { ["X-Why"] = "so" })
      w.network:advance(0)
      assert.equal("failure_response", err.kind)
      assert.equal(code, err.code)
      assert.equal("so", err.response:header "X-Why")
      assert.is_true(err:is_realtime())
    end
    assert.equal("connected", session.state)
  end)

  it("passes over provisional answers, and may have several under way",
    function()
      w = World.new()
      local call, session = w:established()
      send(session, "INFO")
      send(session, "MESSAGE")
      local info = assert(call:wait("INFO", 0))
      local message = assert(call:wait("MESSAGE", 0))
      call:reply(info, 100)
      call:reply(message, 202)
      w.network:advance(1)
      assert.equal("202", last())
      call:reply(info, 201)
      w.network:advance(0)
      assert.equal("201", last())
      w.network:advance(10)
      assert.equal(2, w:count "INFO")
    end)

  it("without an answer ends by timeout, and ends the call", function()
    w = World.new()
    local call, session = w:established()
    send(session, "INFO")
    w.network:advance(31.9)
    assert.equal("connected", session.state)
    assert.equal(0, w:times "INFO"[1])
    assert.equal(11, w:count "INFO")
    w.network:advance(0.2)
    assert.same({
      "connected>disconnected timeout -",
      "operation_timeout - -",
    }, { w.log[4], w.log[5] })
    call:reply(assert(call:wait "BYE"), 200)
  end)

  it("answered 481 or 408 ends the call (RFC 5057)", function()
    for code, reason in pairs {
      [481] = "session_does_not_exist", [408] = "timeout",
    } do
      w = World.new()
      local call, session = w:established()
      send(session, "INFO")
      call:reply(assert(call:wait("INFO", 0)), code)
      call:reply(assert(call:wait("BYE", 1)), 481)
      w.network:advance(0)
      assert.same({
        ("connected>disconnected %s -"):format(reason),
        ("failure_response - %d"):format(code),
      }, { w.log[4], w.log[5] })
      assert.equal(reason, session.record.reason)
      if code == 481 then
        w:finish()
      end
    end
  end)

  it("ends with the call: terminated by us, by the caller, by close",
    function()
      local ends = {
        function(_, session)
          session:terminate()
          return "operation_failure terminated -"
        end,
        function(call)
          call:bye()
          return "operation_failure terminated -"
        end,
        function()
          w.endpoint:close()
          return "operation_failure endpoint_closed -"
        end,
      }
      for i, fn in ipairs(ends) do
        w = World.new()
        local call, session = w:established()
        send(session, "INFO")
        local request = assert(call:wait("INFO", 0))
        local expected = fn(call, session)
        w.network:advance(0)
        assert.equal(expected, last())
        call:reply(request, 200) -- too late
        if i ~= 2 then
          call:reply(assert(call:wait "BYE"), 200)
        end
        w.network:advance(0)
        assert.equal(expected, last())
        if i < #ends then
          w:finish()
        end
      end
    end)

  it("is refused where there is no connected call", function()
    w = World.new()
    local results = {}
    w:serve(function(session)
      results[1] = text(session:send "INFO")
      session:participate_async(function() end)
      results[2] = text(session:send "INFO")
    end)
    local call = w:invite()
    assert(call:wait(200))
    local session = w.sessions[1]
    results[3] = text(session:send_async("INFO", function() end))
    call:ack()
    w.network:advance(0)
    call:bye()
    w.network:advance(0)
    results[4] = text(session:send "INFO")
    w.network:advance(40)
    results[5] = text(session:send_async("INFO", function() end))
    assert.same({
      "invalid_operation not_connected -",
      "invalid_operation not_connected -",
      "invalid_operation not_connected -",
      "invalid_operation terminated -",
      "invalid_operation terminated -",
    }, results)
    assert.equal(0, w:count "INFO")
    local _, live = w:established { auto = true }
    w.endpoint:close()
    assert.equal("invalid_operation endpoint_closed -",
      text(live:send "INFO"))
  end)

  it("called from the main chunk runs the loop", function()
    w = World.new()
    local _, session = w:established { auto = true }
    assert.equal("200", text(session:send "INFO"))
  end)

  it("called where it can neither yield nor run the loop is refused",
    function()
      w = World.new()
      local _, session = w:established { auto = true }
      w:at(0, function()
        table.sort({ 1, 2 }, function()
          w:note("%s", text(session:send "INFO"))
          return false
        end)
      end)
      w.network:advance(0)
      assert.equal("invalid_operation not_yieldable -", last())
      assert.equal(0, w:count "INFO")
    end)

  it("asynchronously calls back once, in a coroutine of its own", function()
    w = World.new()
    local _, session = w:established { auto = true }
    local n = 0
    assert.is_true(session:send_async("INFO", { headers = { A = 1 } },
      function(response, err)
        sip.sleep(1)
        n = n + 1
        assert.is_nil(err)
        assert.equal(200, response.code)
      end))
    assert.equal(0, n)
    w.network:advance(2)
    assert.equal(1, n)
    session:send_async("INFO", function()
      error "in the callback"
    end)
    w.network:advance(0)
    w:failed "in the callback"
  end)

  it("can't say more than fits into a message", function()
    w = World.new()
    local _, session = w:established()
    local response, err = session:send("INFO", {
      body = ("x"):rep(66000), content_type = "text/plain",
    })
    assert.is_nil(response)
    assert.matches("too large", err.message)
    assert.equal("connected", session.state)
  end)

  it("to where no connection can be made fails, and the call stands",
    function()
      w = World.new { protocol = "tcp" }
      local _, session = w:established()
      w.caller:close()
      w.network:advance(1)
      send(session, "INFO")
      w.network:advance(1)
      assert.equal("connection_failure - -", last())
      assert.equal("connected", session.state)
      session:terminate()
    end)

  it("over a connection that ends meanwhile waits in vain", function()
    w = World.new { protocol = "tcp" }
    local _, session = w:established()
    send(session, "INFO")
    w.network:advance(1)
    w.caller:close()
    w.network:advance(32)
    assert.same({
      "connected>disconnected timeout -",
      "operation_timeout - -",
    }, { w.log[4], w.log[5] })
  end)
end)
