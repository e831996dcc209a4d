-- INFO and MESSAGE that come in a call (RFC 6086, RFC 3428): the events
-- "message_received" and "dtmf", and who answers.
local sip = require "sipsession"
local World = require "support.world"

describe("requests in a call", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  -- Sends that, and returns the answer.
  local function ask(call, method, options)
    call:request(method, options)
    return (assert(call:wait(nil, 5)))
  end

  local function info(call, content_type, body, headers)
    return ask(call, "INFO",
      { content_type = content_type, body = body, headers = headers })
  end

  it("without a handler are answered 200, before and after the ACK",
    function()
      w:serve(function(session)
        w:outcome(session:participate())
      end)
      local call = w:invite()
      assert(call:wait(200))
      assert.equal(200, ask(call, "INFO").code)
      call:ack()
      local session = w.sessions[1]
      for _, method in ipairs { "INFO", "MESSAGE" } do
        local response = info(call, "text/plain", "hello")
        assert.equal(200, response.code, method)
        assert.is_nil(response.body)
      end
      assert.equal("connected", session.state)
    end)

  it("of an Info-Package are answered 469 where nobody listens", function()
    local call, session = w:established()
    local response = ask(call, "INFO", { headers = {
      ["Info-Package"] = "trickle-ice",
    } })
    assert.equal(469, response.code)
    assert.equal("", response:header "Recv-Info")
    assert.equal(200, ask(call, "MESSAGE", { headers = {
      ["Info-Package"] = "trickle-ice",
    } }).code)
    session:on("message_received", function(_, request)
      if request:header "Info-Package" == "mine" then
        request:respond(200)
      else
        request:respond(469, { headers = { ["Recv-Info"] = "mine" } })
      end
    end)
    for package, code in pairs { mine = 200, theirs = 469 } do
      assert.equal(code, ask(call, "INFO",
        { headers = { ["Info-Package"] = package } }).code)
    end
  end)

  it("are answered by the handler: code, reason, headers, body", function()
    local call, session = w:established()
    session:on("message_received", function(s, request)
      assert.equal(session, s)
      w:note("%s %s %s", request.method, request.content_type, request.body)
      assert.is_true(request:respond(299, {
        reason = "So What", headers = { ["X-A"] = { "1", "2" } },
        body = "<a/>", content_type = "text/xml",
      }))
    end)
    local response = info(call, "text/plain", "hello")
    assert.equal(299, response.code)
    assert.equal("So What", response.reason)
    assert.same({ "1", "2" }, response:headers "X-A")
    assert.equal("<a/>", response.body)
    assert.equal("text/xml", response.content_type)
    assert.equal(call.responses[1]:header "To", response:header "To")
    assert.equal("INFO text/plain hello", w.log[#w.log])
    call:retransmit()
    assert.equal(299, assert(call:wait(nil, 0)).code)
  end)

  it("are refused by the handler with any code", function()
    local call, session = w:established()
    session:on("message_received", function(_, request)
      assert.is_true(request:respond(tonumber(request.body)))
    end)
    for _, code in ipairs { 300, 415, 481, 503, 603, 699 } do
      assert.equal(code, info(call, "text/plain", tostring(code)).code)
    end
    assert.equal("connected", session.state)
  end)

  it("are answered once: a second answer is refused", function()
    local call, session = w:established()
    local kept
    local function refused(request)
      local ok, err = request:respond(200)
      assert.is_nil(ok)
      assert.equal("invalid_operation", err.kind)
      assert.equal("answered", err.reason)
    end
    session:on("message_received", function(_, request)
      kept = request
      assert.is_true(request:respond(202))
      refused(request)
    end)
    assert.equal(202, ask(call, "INFO").code)
    refused(kept)
    call:bye()
    w.network:advance(40)
    refused(kept)
  end)

  it("are answered 200 when all handlers have ended", function()
    local call, session = w:established()
    local kept
    for i = 1, 2 do
      session:on("message_received", function(_, request)
        kept = request
        sip.sleep(i)
      end)
    end
    call:request "MESSAGE"
    assert.is_nil(call:wait(200, 1.9))
    assert(call:wait(200, 0.2))
    local ok, err = kept:respond(404)
    assert.is_nil(ok)
    assert.equal("answered", err.reason)
  end)

  it("may be answered from another coroutine, while a handler runs",
    function()
      local call, session = w:established()
      session:on("message_received", function(_, request)
        sip.spawn(function()
          sip.sleep(1)
          assert.is_true(request:respond(404))
        end)
        sip.sleep(3)
      end)
      call:request "MESSAGE"
      assert.is_nil(call:wait(nil, 0.9))
      call:retransmit()
      assert.equal(404, assert(call:wait(nil, 0.2)).code)
      w.network:advance(5)
      assert.equal(1, w:count "404 MESSAGE")
    end)

  it("go to all handlers, and the first one's answer counts", function()
    local call, session = w:established()
    for _, code in ipairs { 486, 487 } do
      session:on("message_received", function(_, request)
        local ok, err = request:respond(code)
        w:note("%s", ok or err.reason)
      end)
    end
    assert.equal(486, ask(call, "INFO").code)
    assert.same({ "true", "answered" }, { w.log[4], w.log[5] })
  end)

  it("are answered 500 when a handler died, after the others", function()
    local call, session = w:established()
    session:on("message_received", function()
      error "no idea"
    end)
    assert.equal(500, ask(call, "INFO").code)
    w:failed "no idea"
    local remove = session:on("message_received", function(_, request)
      sip.sleep(1)
      request:respond(202)
    end)
    assert.equal(202, ask(call, "INFO").code)
    w:failed "no idea"
    remove()
    assert.equal(500, ask(call, "INFO").code)
    w:failed "no idea"
    assert.equal("connected", session.state)
  end)

  it("that wait when the call ends are answered 487", function()
    local call, session = w:established()
    local result
    session:on("message_received", function(_, request)
      sip.sleep(1)
      result = table.pack(request:respond(202))
    end)
    call:request "INFO"
    w.network:advance(0.5)
    session:terminate()
    w.network:advance(0)
    assert.same({ "487 INFO", "BYE" }, {
      w:sent "487 INFO"[1].name, w:sent "BYE"[1].name,
    })
    call:reply(assert(call:wait "BYE"), 200)
    w.network:advance(1)
    assert.is_nil(result[1])
    assert.equal("invalid_operation", result[2].kind)
    assert.equal("terminated", result[2].reason)
  end)

  it("that wait when the caller hangs up are answered 487", function()
    local call, session = w:established()
    session:on("message_received", function(_, request)
      sip.sleep(1)
      assert.is_nil((request:respond(202)))
    end)
    call:request "INFO"
    w.network:advance(0.5)
    call:bye()
    assert(call:wait(200))
    assert.equal(1, w:count "487 INFO")
    w.network:advance(1)
  end)

  it("come in their order, among the transitions of one batch", function()
    w:serve(function(session)
      session:on("message_received", function(s, request)
        w:note("%s %s", request.body, s.state)
      end)
      w:outcome(session:participate())
    end)
    local call = w:invite()
    assert(call:wait(200))
    call:request("INFO", { body = "early", content_type = "text/plain" })
    call:ack()
    call:request("INFO", { body = "one", content_type = "text/plain" })
    call:request("MESSAGE", { body = "two", content_type = "text/plain" })
    call:bye()
    call:request("INFO", { body = "late", content_type = "text/plain" })
    w.network:advance(0)
    assert.same({
      "incoming>connecting none -",
      "early disconnected",
      "connecting>connected none 200",
      "one disconnected",
      "two disconnected",
      "connected>disconnected terminated_remotely -",
      "accept ACK",
    }, w.log)
    assert.equal(2, w:count "487 INFO")
    assert.equal(1, w:count "481 INFO")
    assert.equal(1, w:count "487 MESSAGE")
  end)

  it("are told of while it rings", function()
    w:serve(function(session)
      session:on("message_received", function(s, request)
        w:note("%s %s", request.method, s.state)
      end)
      session:progress()
    end)
    local call = w:invite { auto = true }
    assert(call:wait(180))
    call:request "INFO"
    assert(call:wait(200))
    assert.equal("INFO incoming", w.log[1])
    w.sessions[1]:reject(486)
    w.network:advance(0)
  end)

  it("are refused once our BYE is due: 481", function()
    w:serve(function(session)
      session:on("message_received", function()
        w:note "told"
      end)
      session:participate()
    end)
    local call = w:invite()
    assert(call:wait(200))
    w.sessions[1]:terminate()
    w.network:advance(0)
    assert.equal(481, ask(call, "INFO").code)
    assert.equal(481, ask(call, "UPDATE", { sdp = World.OFFER }).code)
    call:ack()
    call:reply(assert(call:wait "BYE"), 200)
    for _, line in ipairs(w.log) do
      assert.not_equal("told", line)
    end
  end)

  it("over the limit of dialog_requests get 503 with Retry-After", function()
    w:finish()
    w = World.new { endpoint = { limits = { dialog_requests = 3 } } }
    local call, session = w:established()
    session:on("message_received", function()
      sip.sleep(1)
    end)
    for _ = 1, 5 do
      call:request "INFO"
    end
    w.network:advance(0)
    assert.equal(2, w:count "503 INFO")
    assert.matches("\r\nRetry%-After: 1\r\n", w:sent "503 INFO"[1].text)
    assert.equal(2, w.endpoint:stats().refused_overload)
    w.network:advance(1)
    assert.equal(3, w:count "200 INFO")
    call:request "INFO"
    w.network:advance(2)
    assert.equal(4, w:count "200 INFO")
  end)

  it("with a wrong answer raise, and can still be answered", function()
    local call, session = w:established()
    session:on("message_received", function(_, request)
      for i, wrong in ipairs {
        function() request:respond() end,
        function() request:respond(100) end,
        function() request:respond(700) end,
        function() request:respond "200" end,
        function() request:respond(200, { code = 1 }) end,
        function() request:respond(200, { body = "x" }) end,
        function() request:respond(200, { headers = { Via = "x" } }) end,
      } do
        local ok, err = pcall(wrong)
        assert.is_false(ok, "wrong argument " .. i .. " was taken")
        assert.matches("in_dialog_spec.lua:%d+:", err)
      end
      local ok, err = request:respond(200, {
        body = ("x"):rep(66000), content_type = "text/plain",
      })
      assert.is_nil(ok)
      assert.equal("operation_failure", err.kind)
      assert.is_true(request:respond(204))
    end)
    assert.equal(204, ask(call, "INFO").code)
    assert.has_error(function()
      session.request:respond(200)
    end)
  end)

  it("of other kinds can't be answered by the script", function()
    local call, session = w:established()
    session:on("reinvite", function(_, request)
      w:note("%s", request.method)
      assert.has_error(function()
        request:respond(200)
      end)
    end)
    assert.equal(200, ask(call, "UPDATE", { sdp = World.OFFER }).code)
    assert.equal("UPDATE", w.log[#w.log])
  end)

  it("wait for a lost answer to be asked for again, over TCP too", function()
    w:finish()
    w = World.new { protocol = "tcp" }
    local call, session = w:established()
    session:on("message_received", function(_, request)
      sip.sleep(2)
      w:note("%s", request:respond(200))
    end)
    call:request "MESSAGE"
    assert(call:wait(200))
    assert.equal("true", w.log[#w.log])
  end)

  describe("with digits", function()
    local function listen(session)
      session:on("dtmf", function(s, digit, duration)
        assert.equal(session, s)
        w:note("%s %s", digit, duration)
      end)
    end

    it("are events of their own, answered 200", function()
      local call, session = w:established()
      listen(session)
      for _, case in ipairs {
        { "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5 0.16" },
        { "application/dtmf-relay", "duration = 1000\nsignal = 11", "# 1.0" },
        { "Application/DTMF-Relay;x=y", "Signal=*\r\n", "* nil" },
        { "application/dtmf", "7", "7 nil" },
        { "application/dtmf", "Signal=a", "A nil" },
        { "application/dtmf-relay", "Signal=!", "! nil" },
      } do
        assert.equal(200, info(call, case[1], case[2]).code)
        assert.equal(case[3], w.log[#w.log])
      end
      call:bye()
    end)

    it("come in order, to every handler", function()
      local call, session = w:established()
      listen(session)
      listen(session)
      for _, digit in ipairs { "1", "2" } do
        call:request("INFO",
          { content_type = "application/dtmf", body = digit })
      end
      w.network:advance(0)
      assert.same({ "1 nil", "1 nil", "2 nil", "2 nil" },
        { table.unpack(w.log, 4) })
      assert.equal(2, w:count "200 INFO")
    end)

    it("go to message_received where nobody listens for digits", function()
      local call, session = w:established()
      session:on("message_received", function(_, request)
        request:respond(tonumber(request.body) + 200)
      end)
      assert.equal(203, info(call, "application/dtmf", "3").code)
      listen(session)
      assert.equal(200, info(call, "application/dtmf", "4").code)
      assert.equal("4 nil", w.log[#w.log])
    end)

    it("that are none go to message_received, or get 200", function()
      local call, session = w:established()
      listen(session)
      local bodies = { "", "Signal=", "Signal=77", "Signal\0=1", "x",
        ("9"):rep(2000), "Duration=4" }
      for _, body in ipairs(bodies) do
        assert.equal(200, info(call, "application/dtmf-relay", body).code)
      end
      session:on("message_received", function(_, request)
        request:respond(415)
      end)
      for _, body in ipairs(bodies) do
        assert.equal(415, info(call, "application/dtmf-relay", body).code)
      end
      assert.equal(415, ask(call, "MESSAGE",
        { content_type = "application/dtmf", body = "5" }).code)
      assert.equal(415, ask(call, "INFO").code)
      assert.equal(3, #w.log)
    end)

    it("of handlers that die are answered 200 all the same", function()
      local call, session = w:established()
      session:on("dtmf", function()
        error "all thumbs"
      end)
      assert.equal(200, info(call, "application/dtmf", "5").code)
      w:failed "all thumbs"
    end)
  end)
end)
