-- What a user agent server must do, rows B26 to B33 and B39 to B41: requests
-- as they come in (RFC 3261 8.1.1, 8.2, 11, 13.3.1).
local World = require "support.world"

-- Where there is no dialog, and in one.
local ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"
local DIALOG = ALLOW .. ", UPDATE, PRACK, INFO, MESSAGE, REFER, NOTIFY"

describe("requests", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- The answer to a request.
  local function answer(method, options)
    local names = w:ask(method, options)
    assert.equal(1, #names, table.concat(names, ", "))
    return assert(w.caller:receive(0))
  end

  it("B26 unknown extensions are required: 420 that lists them", function()
    w = World.new()
    w:serve()
    for _, method in ipairs { "INVITE", "OPTIONS" } do
      local response = answer(method, { extra =
        "Require: nothingSupportsThis, nothingSupportsThisEither\r\n"
        .. "Require: 100rel, another\r\n"
        .. "Proxy-Require: noProxiesSupportThis\r\n" })
      assert.equal(420, response.code)
      assert.equal(
        "nothingSupportsThis, nothingSupportsThisEither, another",
        table.concat(response:headers "Unsupported", ", "))
    end
    assert.equal(0, #w.sessions)
    assert.equal(200, answer("OPTIONS",
      { extra = "Proxy-Require: foo\r\n" }).code)
  end)

  it("B26 never for ACK and CANCEL", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(0)
    call:cancel { Require = "foo" }
    assert(call:wait(200))
    assert(call:wait(487))
    call:ack { headers = { Require = "foo" } }
    w.network:advance(5)
    assert.same({ 0 }, w:times "487 INVITE")
  end)

  it("B26 in a dialog: 420, and the call stands", function()
    w = World.new()
    local call, session = w:established()
    call:request("BYE", { headers = { Require = "foo" } })
    assert.equal("foo", assert(call:wait(420)):header "Unsupported")
    assert.equal("connected", session.state)
  end)

  it("B27 a body of an unknown type: 415 with Accept", function()
    w = World.new()
    w:serve()
    local response = answer("INVITE",
      { extra = "Content-Type: application/x-what\r\n", body = "what" })
    assert.equal(415, response.code)
    assert.equal("application/sdp", response:header "Accept")
    assert.is_nil(response:header "Accept-Encoding")
    assert.equal(0, #w.sessions)
  end)

  it("B27 an encoded body: 415 with Accept-Encoding", function()
    w = World.new()
    w:serve()
    local response = answer("INVITE", {
      extra = "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n",
      body = "\31\139",
    })
    assert.equal(415, response.code)
    assert.equal("identity", response:header "Accept-Encoding")
    assert.equal("application/sdp", response:header "Accept")
    assert.equal(0, #w.sessions)
  end)

  it("B27 an optional body of an unknown type is passed over", function()
    w = World.new()
    w:serve()
    w:ask("INVITE", {
      extra = "Content-Type: application/x-what\r\n"
        .. "Content-Disposition: render;handling=optional\r\n",
      body = "what",
    })
    assert.equal(1, #w.sessions)
    assert.is_nil(w.sessions[1].offer)
  end)

  it("B27 a multipart body with a description is taken", function()
    w = World.new()
    w:serve()
    w:ask("INVITE", {
      extra = "Content-Type: multipart/mixed;boundary=\"cut here\"\r\n",
      body = "--cut here\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        .. "--cut here\r\nContent-Type: application/sdp\r\n\r\n"
        .. World.OFFER .. "\r\n--cut here--\r\n",
    })
    assert.equal(1, #w.sessions)
    assert.equal(World.OFFER, w.sessions[1].offer)
  end)

  it("B27 white space round the slash is not of the type", function()
    w = World.new()
    w:serve()
    for i, type in ipairs { "application / sdp", "Application\t/\r\n SDP;x" } do
      w:ask("INVITE",
        { extra = ("c: %s\r\n"):format(type), body = World.OFFER })
      assert.equal(World.OFFER, w.sessions[i].offer)
    end
    w:ask("INVITE", {
      extra = "Content-Type: multipart / mixed ; boundary=b\r\n",
      body = "--b\r\nContent-Type: application / sdp\r\n\r\n"
        .. World.OFFER .. "\r\n--b--\r\n",
    })
    assert.equal(World.OFFER, w.sessions[3].offer)
  end)

  it("B27 a multipart body without one is not", function()
    w = World.new()
    w:serve()
    local response = answer("INVITE", {
      extra = "Content-Type: multipart/mixed;boundary=x\r\n",
      body = "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n",
    })
    assert.equal(415, response.code)
  end)

  it("B27 what the endpoint accepts is up to its script", function()
    w = World.new { endpoint = {
      accept = { "application/sdp", "text/plain" },
    } }
    w:serve()
    w:ask("INVITE", { extra = "Content-Type: text/plain\r\n", body = "hi" })
    assert.equal(1, #w.sessions)
    assert.is_nil(w.sessions[1].offer)
    assert.equal("hi", w.sessions[1].request.body)
    local response = answer("INVITE",
      { extra = "Content-Type: text/html\r\n", body = "hi" })
    assert.equal("application/sdp, text/plain",
      table.concat(response:headers "Accept", ", "))
  end)

  it("B28 an Accept without what we could answer with: 406", function()
    w = World.new()
    w:serve()
    for _, accept in ipairs { "text/plain", "", "application/sdpx",
      "application, text/*", "application / sdpx" } do
      assert.equal(406, answer("INVITE",
        { extra = "Accept: " .. accept .. "\r\n" }).code, accept)
    end
    assert.equal(0, #w.sessions)
    for i, accept in ipairs { "text/plain, application/sdp", "*/*",
      "application/*;q=0.1", "Application/SDP;level=1", "application / sdp",
      "* / *", "application / *" } do
      w:ask("INVITE", { extra = "Accept: " .. accept .. "\r\n" })
      assert.equal(accept, w.sessions[i].request:header "Accept")
      w.sessions[i]:terminate()
    end
    w.network:advance(40)
  end)

  it("B28 of an Accept the closest range counts, and q=0 is a no", function()
    w = World.new()
    w:serve()
    for _, accept in ipairs { "application/sdp;q=0", "*/*;q=0.0",
      "application/sdp;level=1 ; q = 0.000", "*/*, application/sdp;q=0",
      "application/sdp;Q=0, application/*", "*/*, application/*;q=0.",
      "application/sdp;q=0\r\nAccept: */*" } do
      assert.equal(406, answer("INVITE",
        { extra = "Accept: " .. accept .. "\r\n" }).code, accept)
    end
    for i, accept in ipairs { "application/sdp;q=0.001", "application/sdp;q=1",
      "*/*;q=0, application/sdp", "application/sdp, application/*;q=0",
      "*/*;q=0, application/*;q=0.5", "application/sdp;level=1;q=0, */sdp, "
      .. "application/sdp", "text/plain;q=0, application/sdp;x=\";q=0\"" } do
      w:ask("INVITE", { extra = "Accept: " .. accept .. "\r\n" })
      assert.equal(i, #w.sessions, accept)
      w.sessions[i]:terminate()
    end
    w.network:advance(40)
  end)

  it("B28 one of the types that the script takes is enough", function()
    w = World.new { endpoint = {
      accept = { "application/sdp", "text/plain" },
    } }
    w:serve()
    w:ask("INVITE", { extra = "Accept: application/sdp;q=0, text/*\r\n" })
    assert.equal(1, #w.sessions)
    assert.equal(406, answer("INVITE",
      { extra = "Accept: application/sdp;q=0, text/plain;q=0\r\n" }).code)
  end)

  it("B29 an unknown scheme: 416; sip, sips and tel are known", function()
    w = World.new()
    w:serve()
    for _, uri in ipairs { "nobodyKnowsThisScheme:totally/opaque", "http://x/",
      "mailto:desk@example.com" } do
      assert.equal(416, answer("OPTIONS", { uri = uri }).code, uri)
      assert.equal(416, answer("INVITE", { uri = uri }).code, uri)
    end
    for _, uri in ipairs { "sip:desk@10.0.0.1", "sips:desk@10.0.0.1",
      "tel:+1234567" } do
      assert.equal(200, answer("OPTIONS", { uri = uri }).code, uri)
    end
    assert.equal(0, #w.sessions)
  end)

  it("B30 an unknown method: 501; a known one that isn't ours: 405",
    function()
      w = World.new()
      for method, code in pairs { FOO = 501, invite = 501,
        ["RE%47IST%45R"] = 501, REGISTER = 405, SUBSCRIBE = 405,
        MESSAGE = 405, PUBLISH = 405, INFO = 405, NOTIFY = 405, REFER = 405,
        UPDATE = 405, PRACK = 405 } do
        local response = answer(method)
        assert.equal(code, response.code, method)
        assert.equal(ALLOW, response:header "Allow", method)
        assert.equal("1 " .. method, response:header "CSeq")
      end
    end)

  it("B30 in a dialog too, and it stands", function()
    w = World.new()
    local call, session = w:established()
    for method, code in pairs { REGISTER = 405, PUBLISH = 405, FOO = 501 } do
      call:request(method)
      assert.equal(DIALOG, assert(call:wait(code)):header "Allow")
    end
    assert.equal("connected", session.state)
  end)

  it("B31 what is wrong in the frame: 505, 400", function()
    w = World.new()
    w:serve()
    for name, case in pairs {
      version = { 505, { line = "INVITE sip:desk@10.0.0.1 SIP/7.0" } },
      method = { 400, { CSeq = "1 BYE" } },
      large = { 400, { CSeq = "2147483648 INVITE" } },
      huge = { 400, { CSeq = "4294967297 INVITE" } },
      negative = { 400, { CSeq = "-1 INVITE" } },
      number = { 400, { CSeq = "one INVITE" } },
      twice = { 400, { extra = "Call-ID: another\r\n" } },
      compact = { 400, { extra = "i: another\r\n" } },
      to = { 400, { extra = "To: <sip:b@c>\r\n" } },
      from = { 400, { extra = "f: <sip:b@c>;tag=3\r\n" } },
      cseq = { 400, { extra = "CSeq: 2 INVITE\r\n" } },
      forwards = { 400, { ["Max-Forwards"] = "256" } },
      expires = { 400, { extra = "Expires: 99999999999\r\n" } },
      space = { 400, { uri = "sip:de sk@10.0.0.1" } },
      quote = { 400, { From = "\"Ann <sip:a@b>;tag=1" } },
      brackets = { 400, { To = "Ann <sip:a@b" } },
      colon = { 400, { extra = "X-No-Colon\r\n" } },
      name = { 400, { extra = "X No: 1\r\n" } },
      headers = { 400, { uri = "sip:desk@10.0.0.1?Route=x" } },
    } do
      local names = w:ask("INVITE", case[2])
      assert.equal(1, #names, name)
      assert.equal(case[1], tonumber(names[1]:match "^%d+"), name)
      w:probe()
    end
    assert.equal(0, #w.sessions)
    assert.equal(18, w.endpoint:stats().refused_syntax)
    assert.equal(1, w.endpoint:stats().refused_version)
  end)

  it("B31 the largest CSeq there may be is taken", function()
    w = World.new()
    assert.equal(200, answer("OPTIONS", { CSeq = "2147483647 OPTIONS" }).code)
    assert.equal(200, answer("OPTIONS", { CSeq = "0009 OPTIONS" }).code)
  end)

  it("B31 without what an answer needs there is none, and no harm",
    function()
      w = World.new()
      w:serve()
      for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq" } do
        for _, method in ipairs { "INVITE", "OPTIONS", "BYE", "CANCEL",
          "ACK" } do
          for _, sent in ipairs(w:ask(method, { [name] = false })) do
            assert.matches("^400 ", sent)
          end
        end
      end
      assert.equal(0, #w.sessions)
      w:probe()
    end)

  it("B32 Max-Forwards 0 or none at all is no matter to us", function()
    w = World.new()
    assert.equal(200, answer("OPTIONS", { ["Max-Forwards"] = 0 }).code)
    assert.equal(200, answer("OPTIONS", { ["Max-Forwards"] = false }).code)
  end)

  it("B33 an INVITE without a usable Contact: 400", function()
    w = World.new()
    w:serve()
    for _, contact in ipairs { false, "*", "<http://10.0.0.2/>", "<sip:>" } do
      assert.equal(400, answer("INVITE", { Contact = contact }).code,
        tostring(contact))
    end
    assert.equal(0, #w.sessions)
    assert.equal(0, w.network:leftovers().dialogs)
  end)

  it("B33 a tag in a Contact is an extension like any other", function()
    w = World.new()
    w:serve()
    for _, params in ipairs { "tag=\"x", ";tag", "tag=x y" } do
      assert.equal(400, answer("INVITE",
        { Contact = "<sip:caller@10.0.0.2:5060>;" .. params }).code, params)
    end
    for i, params in ipairs { "tag", "tag=x", "tag=\"x y\"", "tag=a;TAG=b" } do
      w:ask("INVITE", { Contact = "<sip:caller@10.0.0.2:5060>;" .. params })
      assert.equal(i, #w.sessions, params)
      w.sessions[i]:terminate()
    end
    w.network:advance(40)
  end)

  it("B39 Expires passes: 487, and the script is told", function()
    w = World.new()
    w:serve()
    local call = w:invite { headers = { Expires = 3 } }
    assert(call:wait(487))
    call:ack()
    w.network:advance(1)
    assert.same({ 200, 3000 }, w:times())
    assert.same({ "incoming>disconnected timeout 487" }, w.log)
  end)

  it("B39 Expires doesn't matter to an answered call", function()
    w = World.new()
    local _, session = w:established { headers = { Expires = 3 } }
    w.network:advance(10)
    assert.equal("connected", session.state)
  end)

  it("B39 connect_timeout comes first where it is shorter", function()
    w = World.new { endpoint = { connect_timeout = 2 } }
    w:serve()
    local call = w:invite { headers = { Expires = 3 } }
    assert(call:wait(408))
    call:ack()
  end)

  it("B40 long ringing is repeated each minute", function()
    w = World.new { endpoint = { connect_timeout = 0 } }
    w:serve(function(session)
      session:progress()
      session:progress(183)
    end)
    local call = w:invite()
    w.network:advance(200)
    assert.same({ 0, 60000, 120000, 180000 }, w:times "183 INVITE")
    assert.same({ 0 }, w:times "180 INVITE")
    w:identical "183 INVITE"
    w.sessions[1]:reject(486)
    assert(call:wait(486))
    call:ack()
    w.network:advance(100)
    assert.same({ 0, 60000, 120000, 180000 }, w:times "183 INVITE")
  end)

  it("B41 OPTIONS out of a dialog and in it: what we can", function()
    w = World.new()
    local response = answer "OPTIONS"
    assert.equal(200, response.code)
    assert.equal(DIALOG, response:header "Allow")
    assert.equal("application/sdp", response:header "Accept")
    assert.is_string(response:header "Supported")
    assert.matches(";tag=", response:header "To")
    local call, session = w:established()
    call:request "OPTIONS"
    response = assert(call:wait(200))
    assert.equal(DIALOG, response:header "Allow")
    assert.equal("application/sdp", response:header "Accept")
    assert.equal("connected", session.state)
  end)

  it("B41 a 200 says what we can, too", function()
    w = World.new()
    local call = w:established()
    assert.equal(DIALOG, call.responses[1]:header "Allow")
    assert.is_string(call.responses[1]:header "Supported")
    assert.matches("^<sip:10%.0%.0%.1:5060", call.responses[1]:header "Contact")
  end)
end)
