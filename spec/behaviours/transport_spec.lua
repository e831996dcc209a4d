-- What a user agent server must do, rows B42, B46, B47, B55 and B56: sizes,
-- keep-alives, lengths, and callers of RFC 2543 (RFC 3261 17.2.3, 18; RFC
-- 5626). Framing of streams is in the specs of the transports.
local World = require "support.world"

describe("transport", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function body(size)
    local start = World.OFFER
    local line = "a=x:" .. ("y"):rep(94) .. "\r\n"
    return start .. line:rep((size - #start) // #line)
  end

  for _, protocol in ipairs { "udp", "tcp" } do
    it("B42 messages of 2 k, 10 k and 60 k are taken over " .. protocol,
      function()
        w = World.new { protocol = protocol }
        w:serve(function(session)
          session:reject(486)
        end)
        for i, size in ipairs { 2000, 10000, 60000 } do
          local offer = body(size)
          local call = w:invite { sdp = offer }
          assert(call:wait(486))
          call:ack()
          assert.equal(offer, w.sessions[i].offer)
          assert.equal(offer, w.sessions[i].request.body)
        end
      end)
  end

  it("B42 a larger one than the limit is refused, not cut", function()
    w = World.new { endpoint = { limits = { message_size = 5000 } } }
    w:serve(function(session)
      session:reject(486)
    end)
    local call = w:invite { sdp = body(4400) }
    assert(call:wait(486))
    call:ack()
    w:invite { sdp = body(6000) }
    w.network:advance(0)
    assert.matches("^[45]13 INVITE$", w:names()[2])
    assert.equal(1, #w.sessions)
    w:probe()
  end)

  it("B42 65535 octets are taken", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    local text = w:request("INVITE", { ["Call-ID"] = "large" })
    local offer = World.OFFER
    local head = text:gsub("Content%-Length: 0\r\n\r\n$",
      "Content-Type: application/sdp\r\nContent-Length: %%d\r\n\r\n")
    local room = 65535 - #head:format(10000)
    offer = offer .. ("a=" .. ("z"):rep(room - #offer - 4) .. "\r\n")
    text = head:format(room) .. offer
    assert.equal(65535, #text)
    w.caller:send(text, "udp:10.0.0.1:5060")
    w.network:advance(0)
    assert.equal(offer, w.sessions[1].offer)
  end)

  it("B46 a ping over a stream gets its pong", function()
    w = World.new { protocol = "tcp" }
    w.caller:send("\r\n\r\n", "tcp:10.0.0.1:5060")
    w.network:advance(0)
    local sent = w:sent()
    assert.equal(1, #sent)
    assert.equal("\r\n", sent[1].text)
    w:probe()
  end)

  it("B46 line ends before a message are passed over", function()
    for _, protocol in ipairs { "udp", "tcp" } do
      w = World.new { protocol = protocol }
      w.caller:send("\r\n" .. w:request "OPTIONS",
        protocol .. ":10.0.0.1:5060")
      w.network:advance(0)
      assert.equal("200 OPTIONS", w:names()[#w:names()])
      if protocol == "udp" then
        w:finish()
      end
    end
  end)

  it("B46 keep-alives over datagrams are passed over", function()
    w = World.new()
    for _, text in ipairs { "\r\n\r\n", "\r\n", "\0", "" } do
      w.caller:send(text, "udp:10.0.0.1:5060")
    end
    w.network:advance(1)
    assert.same({}, w:names())
    assert.equal(0, w.endpoint:stats().refused_unanswerable)
    w:probe()
  end)

  it("B47 a Content-Length beyond the datagram: 400", function()
    w = World.new()
    w:serve()
    assert.same({ "400 INVITE" }, w:ask("INVITE", {
      ["Content-Length"] = 9999,
      extra = "Content-Type: application/sdp\r\n", body = World.OFFER,
    }))
    assert.equal(0, #w.sessions)
  end)

  it("B47 octets behind the body are passed over", function()
    w = World.new()
    w:serve()
    w:ask("INVITE", {
      ["Content-Length"] = #World.OFFER,
      extra = "Content-Type: application/sdp\r\n",
      body = World.OFFER .. "OPTIONS sip:x@y SIP/2.0\r\n\r\n",
    })
    assert.equal(World.OFFER, w.sessions[1].offer)
    assert.equal(1, #w.sessions)
  end)

  it("B47 no Content-Length: the body is the rest of the datagram",
    function()
      w = World.new()
      w:serve()
      w:ask("INVITE", {
        ["Content-Length"] = false,
        extra = "Content-Type: application/sdp\r\n", body = World.OFFER,
      })
      assert.equal(World.OFFER, w.sessions[1].offer)
    end)

  it("B47 a Content-Length that is no number: 400", function()
    w = World.new()
    w:serve()
    for _, length in ipairs { "-999", "ten", "", "4294967328", "0x10",
      "1 2" } do
      assert.same({ "400 INVITE" },
        w:ask("INVITE", { ["Content-Length"] = length }), length)
    end
    assert.equal(0, #w.sessions)
  end)

  -- A request as RFC 2543 had it.
  local function old(method, lines, options)
    options = options or {}
    return table.concat({
      method .. " sip:desk@10.0.0.1 SIP/2.0",
      "Via: SIP/2.0/UDP 10.0.0.2" .. (options.via or ""),
      "From: <sip:old@10.0.0.2>",
      "To: " .. (options.to or "<sip:desk@10.0.0.1>"),
      "Call-ID: old@10.0.0.2",
      "CSeq: " .. (options.cseq or 1) .. " " .. method,
      options.contact or "Contact: <sip:old@10.0.0.2>",
    }, "\r\n") .. "\r\n" .. (lines or "") .. "\r\n"
  end

  it("B55 an RFC 2543 caller: refused, acknowledged", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    w.caller:send(old "INVITE", "udp:10.0.0.1:5060")
    w.network:advance(0.1)
    w.caller:send(old "INVITE") -- again
    w.network:advance(0.1)
    assert.same({ "486 INVITE", "486 INVITE" }, w:names())
    assert.equal(1, #w.sessions)
    local response = assert(w.caller:receive(0))
    w.caller:send(old("ACK", nil, { to = response:header "To" }))
    w.network:advance(10)
    assert.equal(2, #w:names())
    assert.equal(0, w.network:leftovers().transactions)
  end)

  it("B55 an RFC 2543 caller: cancelled", function()
    w = World.new()
    w:serve()
    w.caller:send(old "INVITE", "udp:10.0.0.1:5060")
    w.network:advance(0.1)
    w.caller:send(old "CANCEL")
    w.network:advance(0.1)
    assert.same({ "200 CANCEL", "487 INVITE" }, w:names())
    w.caller:receive(0)
    local response = assert(w.caller:receive(0))
    w.caller:send(old("ACK", nil, { to = response:header "To" }))
    w.network:advance(10)
    assert.equal(2, #w:names())
    assert.same({ "incoming>disconnected canceled 487" }, w.log)
  end)

  it("B55 an RFC 2543 caller: answered, acknowledged, ended", function()
    w = World.new()
    w:accepting "in a handler"
    w.caller:send(old("INVITE", "Content-Type: application/sdp\r\n\r\n"
      .. World.OFFER:sub(1, -3)), "udp:10.0.0.1:5060")
    w.network:advance(0.1)
    local response = assert(w.caller:receive(0))
    assert.equal(200, response.code)
    w.caller:send(old("ACK", nil, { to = response:header "To" }))
    w.network:advance(1)
    assert.equal("connected", w.sessions[1].state)
    assert.same({ "200 INVITE" }, w:names())
    w.caller:send(old("BYE", nil, { to = response:header "To", cseq = 2 }))
    w.network:advance(1)
    assert.same({ "200 INVITE", "200 BYE" }, w:names())
    assert.equal("disconnected", w.sessions[1].state)
  end)

  it("B55 an RFC 2543 caller without a Contact is called at its From",
    function()
      w = World.new()
      w:accepting "in a handler"
      w.caller:send(old("INVITE", "Content-Type: application/sdp\r\n\r\n"
        .. World.OFFER:sub(1, -3), { contact = "Subject: tea" }),
        "udp:10.0.0.1:5060")
      w.network:advance(0.1)
      local response = assert(w.caller:receive(0))
      w.caller:send(old("ACK", nil, { to = response:header "To" }))
      w.network:advance(1)
      w.sessions[1]:terminate()
      local bye = assert(w.caller:receive(1))
      assert.equal("sip:old@10.0.0.2", bye.uri)
      w.caller:reply(bye, 200)
    end)

  it("B56 the bare cookie as a branch is nobody's transaction", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    for i = 1, 2 do
      w:ask("INVITE", {
        Via = "SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK",
        ["Call-ID"] = "cookie" .. i,
      })
    end
    assert.equal(2, #w.sessions)
    assert.is_not.equal(w.sessions[1].call_id, w.sessions[2].call_id)
    assert.same({ "486 INVITE", "486 INVITE" }, w:names())
  end)

  it("B56 the same branch from two callers is two transactions", function()
    w = World.new()
    w:serve(function(session)
      session:reject(486)
    end)
    for i = 2, 3 do
      w:ask("INVITE", {
        Via = "SIP/2.0/UDP 10.0.0." .. i .. ":5060;branch=z9hG4bKsame",
        ["Call-ID"] = "same" .. i,
      })
    end
    assert.equal(2, #w.sessions)
  end)
end)
