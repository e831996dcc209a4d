-- Messages as a script sees them: requests in session.request and in what an
-- accept gives, responses at the testing kit's peers. Both are the same class.
local World = require "support.world"

describe("message", function()
  local w

  before_each(function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
  end)

  after_each(function()
    w:finish()
  end)

  -- The INVITE that the script sees when this is sent.
  local function received(options)
    w:ask("INVITE", options)
    return assert(w.sessions[#w.sessions]).request
  end

  it("that is a request has a method and a URI, and no code", function()
    local request = received()
    assert.equal("INVITE", request.method)
    assert.equal("sip:desk@10.0.0.1", request.uri)
    assert.is_nil(request.code)
    assert.is_nil(request.reason)
  end)

  it("that is a response has a code and a reason, and no method", function()
    w:ask "INVITE"
    local response = assert(w.caller:receive())
    assert.equal(486, response.code)
    assert.equal("integer", math.type(response.code))
    assert.equal("Busy Here", response.reason)
    assert.is_nil(response.method)
    assert.is_nil(response.uri)
  end)

  it("gives headers by name in any case", function()
    local request = received { extra = "X-Ray: 1\r\nsUBJECT: tea\r\n" }
    for _, name in ipairs { "X-Ray", "x-ray", "X-RAY", "x-RaY" } do
      assert.equal("1", request:header(name))
      assert.same({ "1" }, request:headers(name))
    end
    assert.equal("tea", request:header "Subject")
  end)

  it("gives headers by the short and the long name, however sent", function()
    local request = received {
      Via = false, From = false, To = false, ["Call-ID"] = false,
      Contact = false, ["Content-Length"] = false,
      extra = "v: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKshort\r\n"
        .. "f: <sip:caller@10.0.0.2>;tag=s\r\nt: <sip:desk@10.0.0.1>\r\n"
        .. "i: short\r\nm: <sip:caller@10.0.0.2>\r\n"
        .. "c: application/sdp\r\ns: tea\r\nk: timer\r\nl: "
        .. #World.OFFER .. "\r\n",
      body = World.OFFER,
    }
    for short, long in pairs { v = "Via", f = "From", t = "To",
      i = "Call-ID", m = "Contact", c = "Content-Type", s = "Subject",
      k = "Supported", l = "Content-Length" } do
      assert.is_string(request:header(long), long)
      assert.equal(request:header(long), request:header(short))
      assert.equal(request:header(long), request:header(short:upper()))
      assert.same({ request:header(long) }, request:headers(long))
    end
    assert.equal("tea", request:header "subject")
    assert.equal("application/sdp", request.content_type)
    assert.equal(World.OFFER, request.body)
    assert.equal("short", w.sessions[1].call_id)
    local long = received()
    assert.equal(long:header "Via", long:header "v")
    assert.equal(long:header "Contact", long:header "m")
  end)

  it("gives nil and an empty list for what isn't there", function()
    local request = received()
    assert.is_nil(request:header "X-Ray")
    assert.same({}, request:headers "X-Ray")
    assert.is_nil(request:header "")
    assert.is_nil(request:header "not a name")
    assert.is_nil(request:header "X-Ray\0")
    assert.is_nil(request.body)
    assert.is_nil(request.content_type)
    assert.is_nil(request.nonsense)
  end)

  it("gives the first value, and all of them in order", function()
    local request = received { extra =
      "X-A: 1\r\nX-B: b\r\nx-a: 2, 3\r\nX-A: \r\nX-A: 4\r\n" }
    assert.equal("1", request:header "X-A")
    assert.same({ "1", "2, 3", "", "4" }, request:headers "X-A")
  end)

  it("gives every header in order, as it is spelt", function()
    local request = received {
      Via = "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKall",
      extra = "x-b: 2\r\nX-A:1\r\nx-b  : 3\r\n",
    }
    local names = {}
    for i, header in ipairs(request:headers()) do
      names[i] = header[1]
      assert.equal(2, #header)
    end
    assert.same({ "Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq",
      "Contact", "x-b", "X-A", "x-b", "Content-Length" }, names)
    assert.same({ "x-b", "2" }, request:headers()[8])
    assert.same({ "X-A", "1" }, request:headers()[9])
    assert.same({ "x-b", "3" }, request:headers()[10])
  end)

  it("gives folded values in one line", function()
    local request = received { extra =
      "X-Fold: one\r\n two\r\n\t three\r\nX-Next: n\r\n" }
    local value = request:header "X-Fold"
    assert.is_nil(value:find "[\r\n\t]")
    assert.equal("one two three", (value:gsub(" +", " ")))
    assert.equal("n", request:header "X-Next")
  end)

  it("is the text as it was received", function()
    local text = w:request("INVITE", {
      extra = "X-Fold: one\r\n two\r\nx-odd  :  1  \r\n"
        .. "Content-Type: application/sdp\r\n",
      body = World.OFFER,
    })
    w.caller:send(text, "udp:10.0.0.1:5060")
    w.network:advance(0)
    assert.equal(text, tostring(w.sessions[1].request))
  end)

  it("has its body, octet by octet", function()
    local octets = {}
    for i = 0, 255 do
      octets[#octets + 1] = string.char(i)
    end
    local body = table.concat(octets) .. "\0\0\r\n\r\n\0"
    w:finish()
    w = World.new { endpoint = { accept = { "application/octets" } } }
    w:serve(function(session)
      session:reject {
        code = 486, body = session.request.body,
        content_type = session.request.content_type,
      }
    end)
    local request = received {
      extra = "Content-Type: application/octets;v=\"1\"\r\n", body = body,
    }
    assert.equal(body, request.body)
    assert.equal("application/octets;v=\"1\"", request.content_type)
    local response = assert(w.caller:receive())
    assert.equal(body, response.body)
    assert.equal("application/octets;v=\"1\"", response.content_type)
    assert.equal(tostring(#body), response:header "Content-Length")
  end)

  it("has the time it came at", function()
    w.network:advance(1.5)
    local t = w.network:time()
    assert.equal(t, received().time)
    assert.equal(t, assert(w.caller:receive()).time)
  end)

  it("can't be changed", function()
    local request = received()
    for _, name in ipairs { "method", "body", "code", "nonsense" } do
      assert.is_false(pcall(function()
        request[name] = "x"
      end))
    end
    assert.equal("INVITE", request.method)
  end)

  it("raises on wrong arguments", function()
    local request = received()
    for _, wrong in ipairs {
      function() request:header() end,
      function() request:header {} end,
      function() request:headers(true) end,
      function() request.header("x", "Via") end,
      function() request.header(nil, "Via") end,
    } do
      assert.is_false((pcall(wrong)))
    end
  end)

  it("outlives its session", function()
    local request = received { extra = "X-A: 1\r\n" }
    w.sessions = {}
    w.network:advance(40)
    collectgarbage()
    collectgarbage()
    assert.equal("1", request:header "X-A")
    assert.matches("^INVITE ", tostring(request))
  end)

  it("is told of as sent and as received by the endpoint", function()
    local told = {}
    local remove = w.endpoint:on("message", function(direction, text, address)
      told[#told + 1] = { direction, text, address }
    end)
    local request = received()
    assert.same({ "in", tostring(request), "udp:10.0.0.2:5060" }, told[1])
    assert.same({ "out", w:sent()[1].text, "udp:10.0.0.2:5060" }, told[2])
    remove()
    w:ask "OPTIONS"
    assert.equal(2, #told)
  end)
end)

describe("a session", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function check(session, call)
    assert.is_true(session.is_incoming)
    assert.equal(call.id, session.call_id)
    assert.equal("sip:desk@10.0.0.1", session.request_uri)
    assert.equal("udp:10.0.0.2:5060", session.remote_address)
    assert.equal(World.OFFER, session.offer)
    assert.equal("INVITE", session.request.method)
    assert.equal(w.endpoint, session.endpoint)
    assert.equal(call.from:match ";tag=(.*)", session.from_tag)
    assert.is_true(#session.to_tag >= 8)
    local remote, here = session.remote_participant, session.local_participant
    assert.equal("sip:ann@example.com", remote.uri)
    assert.equal("Ann \"The\" Caller", remote.display_name)
    assert.equal(session.from_tag, remote.tag)
    assert.equal("sip:desk@example.com", here.uri)
    assert.equal("The Desk", here.display_name)
    assert.equal(session.to_tag, here.tag)
  end

  it("can be read at any time, also after the end", function()
    w = World.new()
    local seen
    w:serve(function(session)
      seen = session.state
      w:outcome(session:participate())
    end)
    local call = w:invite {
      to = "The Desk <sip:desk@example.com>",
      request_uri = "sip:desk@10.0.0.1",
      from = "\"Ann \\\"The\\\" Caller\" <sip:ann@example.com>",
    }
    w.network:advance(0)
    local session = w.sessions[1]
    assert.equal("incoming", seen)
    assert.equal("connecting", session.state)
    check(session, call)
    call:ack()
    w.network:advance(0)
    assert.equal("connected", session.state)
    check(session, call)
    call:bye()
    w.network:advance(40)
    assert.equal("disconnected", session.state)
    check(session, call)
    w.endpoint:close()
    w.network:advance(40)
    collectgarbage()
    check(session, call)
  end)

  it("has no offer where there is none", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    w:invite { sdp = false, auto = true }
    w.network:advance(0)
    assert.is_nil(w.sessions[1].offer)
    assert.is_nil(w.sessions[1].remote_participant.display_name)
  end)

  it("may not be written to, but for data and media", function()
    w = World.new()
    w:serve()
    w:invite { auto = true }
    w.network:advance(0)
    local session = w.sessions[1]
    for _, name in ipairs { "state", "call_id", "offer", "foo", "request" } do
      local ok, err = pcall(function()
        session[name] = "x"
      end)
      assert.is_false(ok)
      assert.matches("message_spec.lua", err)
    end
    for _, bad in ipairs { 1, "x", { get_answer = 1 } } do
      assert.is_false(pcall(function()
        session.media = bad
      end))
    end
    session.data = "mine"
    session.media = { get_answer = print }
    session.media = nil
    assert.equal("mine", session.data)
    assert.is_nil(session.media)
    session:reject(486)
  end)
end)
