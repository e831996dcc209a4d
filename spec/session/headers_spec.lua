-- Headers of the script's own, on every verb: how they are given, what comes
-- out, and what is refused before anything is sent. The property test that
-- nothing can be smuggled in is in injection_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

-- Each verb with headers, and the name of what it sends.
local VERBS = {
  participate = {
    "200 INVITE", function(session, headers)
      return session:participate { headers = headers }
    end,
  },
  participate_async = {
    "200 INVITE", function(session, headers)
      return session:participate_async({ headers = headers }, function() end)
    end,
  },
  ["participate with a body"] = {
    "200 INVITE", function(session, headers)
      return session:participate_async({ headers = headers,
        sdp = World.ANSWER }, function() end)
    end,
  },
  progress = {
    "180 INVITE", function(session, headers)
      return session:progress(180, { headers = headers })
    end,
  },
  reject = {
    "486 INVITE", function(session, headers)
      return session:reject(486, headers)
    end,
  },
  ["reject with a table"] = {
    "486 INVITE", function(session, headers)
      return session:reject { code = 486, headers = headers }
    end,
  },
  redirect = {
    "302 INVITE", function(session, headers)
      return session:redirect("sip:a@10.0.0.9", 302, headers)
    end,
  },
  terminate = {
    "486 INVITE", function(session, headers)
      return session:terminate(headers)
    end,
  },
}

-- What the stack answers for, and Content-Type.
local OWNED = {
  "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Route",
  "Record-Route", "Content-Length", "Content-Type", "RSeq", "RAck",
  "Session-Expires", "Min-SE",
  "v", "f", "t", "i", "m", "l", "c", "x",
}

describe("headers", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- A session that rings, and its call.
  local function ringing()
    local call = w:invite { auto = true }
    w.network:advance(0)
    return w.sessions[#w.sessions], call
  end

  -- The last message of that name that was sent.
  local function sent(name)
    w.network:advance(0.01)
    local all = w:sent(name)
    return w.network:message(all[#all].text)
  end

  for title, verb in pairs(VERBS) do
    -- Runs the verb in a handler with these headers and returns what it sent.
    local function run(headers)
      w = World.new()
      w:serve(function(session)
        verb[2](session, headers)
      end)
      w:invite { auto = true }
      return sent(verb[1])
    end

    it("of " .. title .. " may be a map", function()
      local message = run { ["X-One"] = "1", ["x-two"] = "zwei; a=\"b\"",
        ["X-Number"] = 42 }
      assert.equal("1", message:header "X-One")
      assert.equal("zwei; a=\"b\"", message:header "X-Two")
      assert.equal("42", message:header "X-Number")
      assert.matches("\r\nx%-two: zwei", tostring(message))
    end)

    it("of " .. title .. " may have several values, in order", function()
      local message = run { Warning = { "399 a \"1\"", "399 b \"2\"",
        "399 c \"3\"" } }
      assert.same({ "399 a \"1\"", "399 b \"2\"", "399 c \"3\"" },
        message:headers "Warning")
    end)

    it("of " .. title .. " may be a list, in order", function()
      local message = run { { "X-B", "1" }, { "X-A", "2" }, { "X-B", "3" },
        { "X-C", { "4", 5 } } }
      local list = {}
      for _, header in ipairs(message:headers()) do
        if header[1]:find "^X%-" then
          list[#list + 1] = header[1] .. header[2]
        end
      end
      assert.same({ "X-B1", "X-A2", "X-B3", "X-C4", "X-C5" }, list)
    end)

    it("of " .. title .. " may be none", function()
      local message = run {}
      assert.is_string(message:header "Via")
    end)

    it("of " .. title .. " can't be the stack's own, or break a line",
      function()
        w = World.new()
        w:serve()
        local session = ringing()
        local function refused(headers, name)
          local line = debug.getinfo(1, "l").currentline + 1
          local ok, err = pcall(function() verb[2](session, headers) end)
          assert.is_false(ok, name)
          assert.is_string(err)
          -- VERBS is where the verb is called
          assert.matches("headers_spec.lua:%d+: ", err)
          assert.is_true(tonumber(err:match ":(%d+):") < line)
          return err
        end
        for _, name in ipairs(OWNED) do
          for _, form in ipairs { name, name:upper(), name:lower() } do
            assert.matches("'" .. form:gsub("%-", "%%-") .. "'",
              refused({ [form] = "1" }, form))
            refused({ { "X-A", "1" }, { form, "1" } }, form)
          end
        end
        for _, bad in ipairs { "a\r\nX-B: 1", "a\nX-B: 1", "a\rb", "a\0b",
          "\r\n", "a\r\n b", "a\127b", "a\27[1m" } do
          assert.matches("X%-A", refused({ ["X-A"] = bad }, bad))
          refused({ ["X-A"] = { "ok", bad } }, bad)
          refused({ { "X-A", bad } }, bad)
        end
        for _, bad in ipairs { "", " ", "X A", "X:A", "X\r\nY", "X\0", "X-Ä",
          "X-A:", "X-A ", "(X)", "X\"Y" } do
          refused({ [bad] = "1" }, bad)
          refused({ { bad, "1" } }, bad)
        end
        for _, bad in ipairs { true, {}, print, { {} }, { true } } do
          refused({ ["X-A"] = bad }, type(bad))
        end
        for _, bad in ipairs { { "X-A" }, { { "X-A" } }, { { 1, 2 } },
          { [true] = "1" }, { [2] = { "X-A", "1" } }, { [1.5] = "1" } } do
          refused(bad, "malformed")
        end
        assert.same({}, w:names())
        assert.equal("incoming", session.state)
        assert.same({}, w.log)
        assert.is_true(session:reject(486, { ["X-A"] = "fine" }))
      end)
  end

  it("that are none at all raise", function()
    w = World.new()
    w:serve()
    local session = ringing()
    for _, bad in ipairs { 1, "X-A: 1", true, print } do
      for title, verb in pairs(VERBS) do
        assert.is_false(pcall(verb[2], session, bad), title)
      end
    end
    assert.same({}, w:names())
    session:reject(486)
  end)

  it("of our BYE may be anything that isn't the stack's", function()
    w = World.new()
    local call, session = w:established()
    for _, name in ipairs(OWNED) do
      assert.is_false(pcall(session.terminate, session, { [name] = "1" }))
    end
    assert.equal("connected", session.state)
    session:terminate { Reason = { "Q.850;cause=16", "SIP;cause=200" } }
    local bye = assert(call:wait "BYE")
    assert.same({ "Q.850;cause=16", "SIP;cause=200" }, bye:headers "Reason")
    call:reply(bye, 200)
  end)

  it("of endpoint:close are checked as well", function()
    w = World.new()
    w:serve()
    ringing()
    for _, bad in ipairs { { Via = "1" }, { ["X-A"] = "a\r\nb" }, 1, "x" } do
      assert.is_false(pcall(w.endpoint.close, w.endpoint, bad))
    end
    assert.equal("incoming", w.sessions[1].state)
    w.endpoint:close { { "X-A", "1" }, { "X-A", "2" } }
    assert.same({ "1", "2" }, sent "486 INVITE":headers "X-A")
  end)

  it("of one response don't get into the next", function()
    w = World.new()
    w:serve(function(session)
      session:progress(180, { headers = { ["X-A"] = "1" }, reason = "One" })
      session:progress(183, { headers = { ["X-B"] = "2" } })
      sip.sleep(1)
      session:reject(486)
    end)
    local call = w:invite { auto = true }
    assert(call:wait(486))
    local one, two, three = table.unpack(call.responses)
    assert.equal("1", one:header "X-A")
    assert.equal("One", one.reason)
    assert.is_nil(two:header "X-A")
    assert.equal("2", two:header "X-B")
    assert.equal("Session Progress", two.reason)
    assert.is_nil(three:header "X-A")
    assert.is_nil(three:header "X-B")
    assert.equal("Busy Here", three.reason)
  end)

  it("of a 200 don't get into our BYE", function()
    w = World.new()
    w:serve(function(session)
      session:participate { headers = { ["X-A"] = "1" }, reason = "Yes" }
      session:terminate()
    end)
    local call = w:invite()
    assert.equal("Yes", assert(call:wait(200)).reason)
    call:ack()
    local bye = assert(call:wait "BYE")
    assert.is_nil(bye:header "X-A")
    call:reply(bye, 200)
  end)

  it("of a 200 don't get into the BYE for want of an ACK", function()
    w = World.new()
    w:serve(function(session)
      session:participate_async({ headers = { ["X-A"] = "1" } },
        function() end)
    end)
    local call = w:invite()
    local bye = assert(call:wait "BYE")
    assert.is_nil(bye:header "X-A")
    call:reply(bye, 200)
  end)

  it("of one call don't get into another's", function()
    w = World.new()
    local n = 0
    w:serve(function(session)
      n = n + 1
      session:reject(486, n == 1 and { ["X-A"] = "1" } or nil)
    end)
    local first, second = w:invite { auto = true }, w:invite { auto = true }
    assert.equal("1", assert(first:wait(486)):header "X-A")
    assert.is_nil(assert(second:wait(486)):header "X-A")
  end)

  it("stay the same in each repeat, whatever becomes of the table",
    function()
      w = World.new()
      local headers = { ["X-A"] = { "1", "2" } }
      w:serve(function(session)
        session:participate_async({ headers = headers }, function() end)
        headers["X-A"] = "changed"
        headers["X-B"] = "new"
      end)
      local call = w:invite()
      w.network:advance(10)
      assert.equal(5, w:count "200 INVITE")
      w:identical "200 INVITE"
      assert.same({ "1", "2" }, call.responses[1]:headers "X-A")
      call:ack()
    end)

  it("wait for the negotiator with the 200", function()
    w = World.new { endpoint = { media = {
      get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end,
    } } }
    w:serve(function(session)
      local headers = { ["X-A"] = "1" }
      session:participate_async({ headers = headers, reason = "Here" },
        function() end)
      headers["X-A"] = "2"
    end)
    local call = w:invite()
    local ok = assert(call:wait(200))
    assert.same({ "1" }, ok:headers "X-A")
    assert.equal("Here", ok.reason)
    call:ack()
  end)

  it("may replace Allow, Supported and Server", function()
    w = World.new()
    w:serve(function(session)
      session:participate { headers = { Allow = "INVITE, ACK, BYE",
        Supported = "tdialog" } }
    end)
    local call = w:invite { auto = true }
    local ok = assert(call:wait(200))
    assert.same({ "INVITE, ACK, BYE" }, ok:headers "Allow")
    assert.same({ "tdialog" }, ok:headers "Supported")
  end)

  it("have a limit, and say so", function()
    w = World.new()
    w:serve()
    local session = ringing()
    local ok, err = pcall(session.reject, session, 486,
      { ["X-A"] = ("y"):rep(100000) })
    assert.is_false(ok)
    assert.matches("X%-A", err)
    assert.is_true(session:reject(486, { ["X-A"] = ("y"):rep(1000) }))
  end)
end)
