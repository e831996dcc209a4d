-- What a user agent server must do, rows B01 to B14: responses, where they go,
-- and how often (RFC 3261 8.2.6, 17.2, 18.2; RFC 3581; RFC 6026), and CANCEL
-- (9.2). B13 is in spec/session/races_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

local function tag(message)
  return message:header "To":match ";tag=([^;]+)"
end

describe("transactions", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("B01 a silent script's INVITE gets 100 after 200 ms", function()
    w = World.new()
    w:serve()
    local call = w:invite()
    w.network:advance(30)
    assert.same({ "100 INVITE" }, w:names())
    assert.same({ 200 }, w:times())
    assert.is_nil(tag(call.responses[1]))
    assert.is_nil(call.responses[1]:header "Contact")
    call:cancel()
    assert(call:wait(487))
    call:ack()
  end)

  it("B01 no 100 where something else was said in time", function()
    w = World.new()
    w:serve(function(session)
      sip.sleep(0.19)
      session:progress()
      sip.sleep(1)
      session:reject(486)
    end)
    local call = w:invite()
    assert(call:wait(486))
    call:ack()
    assert.same({ "180 INVITE", "486 INVITE" }, w:names())
    assert.same({ 190, 1190 }, w:times())
  end)

  it("B01 no 100 for anything else", function()
    w = World.new()
    assert.same({ "200 OPTIONS" }, w:ask("OPTIONS", nil, 40))
    assert.same({ "501 FOO" }, w:ask("FOO", nil, 40))
  end)

  it("B02 one To tag in all responses but 100", function()
    w = World.new()
    w:serve(function(session)
      sip.sleep(0.5)
      session:progress()
      session:progress(183)
      session:reject(486)
    end)
    local call = w:invite()
    w.network:advance(2)
    call:ack()
    local first
    for _, response in ipairs(call.responses) do
      if response.code == 100 then
        assert.is_nil(tag(response))
      else
        first = first or tag(response)
        assert.equal(first, tag(response))
      end
    end
    assert.is_true(#call.responses >= 5)
    assert.is_true(#first >= 8)
    assert.matches("^[%w%-%.!%%*_+`'~]+$", first)
  end)

  it("B02 a tag that the request doesn't tell", function()
    w = World.new()
    local text = w:request "OPTIONS"
    local seen = {}
    for i = 1, 3 do
      local other = World.new { seed = 1 }
      other.caller:send(text, "udp:10.0.0.1:5060")
      seen[i] = tag(assert(other.caller:receive()))
      other:finish()
    end
    assert.is_not.equal(seen[1], seen[2])
    assert.is_not.equal(seen[2], seen[3])
    assert.is_not.equal(seen[1], seen[3])
  end)

  it("B02 the tag the request has stays", function()
    w = World.new()
    w:ask("OPTIONS", { To = "<sip:desk@10.0.0.1>;tag=unknown" })
    local response = assert(w.caller:receive())
    assert.equal("<sip:desk@10.0.0.1>;tag=unknown", response:header "To")
  end)

  it("B03 34 Vias come back in order, the first with what is known",
    function()
      w = World.new()
      local vias = {}
      for i = 1, 33 do
        vias[i] = "Via: SIP/2.0/UDP p" .. i .. ".example.com;branch=z9hG4bK"
          .. i .. "\r\n"
      end
      w:ask("OPTIONS", {
        Via = "SIP/2.0/UDP caller.example.com:9;rport;branch=z9hG4bKtop",
        extra = table.concat(vias),
      })
      local got = assert(w.caller:receive()):headers "Via"
      assert.equal(34, #got)
      assert.matches("^SIP/2%.0/UDP caller%.example%.com:9;", got[1])
      assert.matches(";branch=z9hG4bKtop", got[1])
      assert.matches(";received=10%.0%.0%.2", got[1])
      assert.matches(";rport=5060", got[1])
      for i = 1, 33 do
        assert.equal("SIP/2.0/UDP p" .. i .. ".example.com;branch=z9hG4bK"
          .. i, got[i + 1])
      end
    end)

  it("B03 34 Vias in one line come back in order", function()
    w = World.new()
    local vias = {}
    for i = 1, 34 do
      vias[i] = "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK" .. i
    end
    w:ask("OPTIONS", { Via = table.concat(vias, ", ") })
    local got = table.concat(assert(w.caller:receive()):headers "Via", ", ")
    assert.equal(table.concat(vias, ", "), got)
  end)

  it("B03 received only where the host differs", function()
    w = World.new()
    w:ask("OPTIONS", { Via = "SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKa" })
    assert.equal("SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKa",
      assert(w.caller:receive()):header "Via")
    w:ask("OPTIONS", { Via = "SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKb" })
    assert.matches(";received=10%.0%.0%.2",
      assert(w.caller:receive()):header "Via")
  end)

  it("B03 a forged received is replaced", function()
    w = World.new()
    w:ask("OPTIONS", { Via = "SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKa"
      .. ";received=10.6.6.6;rport=66" })
    local via = assert(w.caller:receive()):header "Via"
    assert.is_nil(via:find("10.6.6.6", 1, true))
    assert.equal("udp:10.0.0.2:5060", w:sent()[1].to)
  end)

  it("B04 the answer goes to sent-by's port, or to the source's with rport",
    function()
      w = World.new()
      for via, to in pairs {
        ["10.0.0.2:7777"] = "udp:10.0.0.2:7777",
        ["10.0.0.2"] = "udp:10.0.0.2:5060",
        ["caller.example.com"] = "udp:10.0.0.2:5060",
        ["10.0.0.99:7777"] = "udp:10.0.0.2:7777",
        ["10.0.0.2:7777;rport"] = "udp:10.0.0.2:5060",
        ["10.0.0.99;maddr=10.0.0.50;rport"] = "udp:10.0.0.2:5060",
      } do
        local n = #w:sent()
        w:ask("OPTIONS", { Via = "SIP/2.0/UDP " .. via
          .. ";branch=z9hG4bK" .. n })
        assert.equal(to, w:sent()[n + 1].to, via)
      end
    end)

  it("B04 from another port than 5060, too", function()
    w = World.new()
    local other = w.network:peer "udp:10.0.0.3:40000"
    other:send(w:request("OPTIONS",
      { Via = "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKp" }), "udp:10.0.0.1:5060")
    w.network:advance(0)
    assert.equal("udp:10.0.0.3:5060", w:sent()[1].to)
    other:send(w:request("OPTIONS",
      { Via = "SIP/2.0/UDP 10.0.0.3;rport;branch=z9hG4bKq" }))
    assert.matches("rport=40000", assert(other:receive()):header "Via")
  end)

  it("B04 over TCP back on the connection, else on a new one", function()
    w = World.new { protocol = "tcp" }
    w:serve()
    w:invite()
    w:invite()
    w.network:advance(0)
    w.sessions[1]:reject(486)
    w.network:advance(0)
    w.caller:shut()
    w.network:advance(0)
    w.sessions[2]:reject(487)
    w.network:advance(1)
    assert.equal(486, assert(w.caller:receive(0)).code)
    assert.equal(487, assert(w.caller:receive(0)).code)
  end)

  it("B05 an INVITE again while it rings: the last 1xx again", function()
    w = World.new()
    w:serve(function(session)
      session:progress()
      session:progress(183)
    end)
    local call = w:invite()
    w.network:advance(1)
    call:retransmit()
    w.network:advance(1)
    call:retransmit()
    w.network:advance(1)
    assert.same({ "180 INVITE", "183 INVITE", "183 INVITE", "183 INVITE" },
      w:names())
    w:identical "183 INVITE"
    assert.equal(1, #w.sessions)
    call:cancel()
    assert(call:wait(487))
    call:ack()
  end)

  it("B06 an INVITE again after the 200 is no second call", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    w.network:advance(0.1)
    call:retransmit()
    w.network:advance(0.1)
    assert.equal(1, #w.sessions)
    w:identical "200 INVITE"
    call:ack()
    w.network:advance(1)
    call:retransmit "INVITE"
    w.network:advance(20)
    call:retransmit "INVITE"
    w.network:advance(1)
    assert.equal(1, #w.sessions)
    for _, name in ipairs(w:names()) do
      assert.equal("200 INVITE", name)
    end
    assert.equal("connected", w.sessions[1].state)
  end)

  for _, protocol in ipairs { "udp", "tcp" } do
    it("B07 a 200 never acknowledged is repeated 11 times over " .. protocol
      .. ", then BYE", function()
      w = World.new { protocol = protocol }
      w:accepting "in a handler"
      local call = w:invite()
      call:reply(assert(call:wait("BYE", 33)), 200)
      w.network:advance(40)
      assert.same(World.REPEATS, w:times "200 INVITE")
      w:identical "200 INVITE"
      assert.same({ 32000 }, w:times "BYE")
      assert.equal("accept operation_timeout -", w.log[#w.log])
    end)

    it("B08 a refusal never acknowledged over " .. protocol, function()
      w = World.new { protocol = protocol }
      w:serve(function(session)
        session:reject(603)
      end)
      w:invite()
      w.network:advance(31.9)
      assert.equal(1, w.network:leftovers().transactions)
      w.network:advance(0.2)
      assert.equal(0, w.network:leftovers().transactions)
      assert.same(protocol == "udp" and World.REPEATS or { 0 }, w:times())
      w:identical "603 INVITE"
      assert.equal(1, w.endpoint:stats().calls_unacknowledged)
    end)
  end

  it("B09 an ACK stops the repeats; freed after T4", function()
    w = World.new()
    w:serve(function(session)
      session:reject(603)
    end)
    local call = w:invite()
    w.network:advance(1)
    call:ack()
    w.network:advance(0.1)
    call:ack()
    call:retransmit() -- the INVITE: absorbed
    w.network:advance(4.8)
    assert.equal(1, w.network:leftovers().transactions)
    w.network:advance(0.2)
    assert.equal(0, w.network:leftovers().transactions)
    assert.same({ 0, 500 }, w:times())
  end)

  it("B09 an ACK over TCP frees it at once", function()
    w = World.new { protocol = "tcp" }
    w:serve(function(session)
      session:reject(603)
    end)
    local call = w:invite()
    assert(call:wait(603))
    call:ack()
    w.network:advance(0)
    assert.equal(0, w.network:leftovers().transactions)
  end)
end)

describe("CANCEL", function()
  local w

  after_each(function()
    w:finish()
  end)

  it("B10 before the final response: 200 and 487, one tag, one event",
    function()
      w = World.new()
      w:serve(function(session)
        session:progress()
      end)
      local call = w:invite()
      w.network:advance(1)
      call:cancel()
      local response = assert(call:wait(487))
      local ok = assert(call:wait(200))
      call:ack()
      w.network:advance(1)
      assert.equal("1 CANCEL", ok:header "CSeq")
      assert.equal("1 INVITE", response:header "CSeq")
      assert.equal(tag(call.responses[1]), tag(ok))
      assert.equal(tag(call.responses[1]), tag(response))
      assert.same({ "180 INVITE", "200 CANCEL", "487 INVITE" }, w:names())
      assert.same({ "incoming>disconnected canceled 487" }, w.log)
    end)

  it("B11 with another branch, Call-ID, CSeq, From: 481, it rings on",
    function()
      w = World.new()
      w:serve(function(session)
        session:progress()
      end)
      local call = w:invite()
      assert(call:wait(180))
      for name, value in pairs {
        Via = "SIP/2.0/UDP 10.0.0.2:5060;rport;branch=z9hG4bKother",
        ["Call-ID"] = "other", CSeq = "2 CANCEL",
        From = "<sip:caller@10.0.0.2>;tag=other",
      } do
        local n = #w:sent()
        call:cancel { [name] = value }
        w.network:advance(0.1)
        assert.same({ "481 CANCEL" }, w:names(n + 1), name)
        w.network:advance(35) -- one has the INVITE's branch
      end
      assert.equal("incoming", w.sessions[1].state)
      call:cancel()
      assert(call:wait(487))
      call:ack()
    end)

  it("B11 of nothing: 481", function()
    w = World.new()
    assert.same({ "481 CANCEL" }, w:ask "CANCEL")
    assert.is_string(tag(assert(w.caller:receive())))
    assert.equal(1, w.endpoint:stats().refused_no_transaction)
  end)

  it("B12 after the 200: the call stands until BYE", function()
    w = World.new()
    w:accepting "in a handler"
    local call = w:invite()
    assert(call:wait(200))
    call:cancel()
    w.network:advance(0.1)
    assert.same({ "200 INVITE", "200 CANCEL" }, w:names())
    call:ack()
    w.network:advance(1)
    assert.equal("connected", w.sessions[1].state)
    call:bye()
    assert(call:wait(200))
  end)

  it("B14 then a late PRACK: 481, and no timer is left", function()
    w = World.new()
    w:serve(function(session)
      session:progress(180, { reliable = true })
    end)
    local call = w:invite { headers = { Supported = "100rel" } }
    local ringing = assert(call:wait(180))
    call:cancel()
    assert(call:wait(487))
    call:request("PRACK",
      { headers = { RAck = ringing:header "RSeq" .. " 1 INVITE" } })
    assert(call:wait(481))
    call.last = call.transactions[1]
    call:ack()
    w.network:advance(40)
    assert.equal(0, w.network:leftovers().timers)
  end)
end)
