-- Sockets: what the endpoint can listen on and how it fails, where datagrams
-- go, how long they may be, and many of them at once.
local sip = require "sipsession"
local Loopback = require "support.loopback"
local Wire = require "support.wire"

local CONNECTED = {
  "incoming>connecting none -",
  "connecting>connected none 200",
  "accept ACK",
}

describe("a udp socket #slow", function()
  local w

  after_each(function()
    w:finish()
  end)
  teardown(Loopback.settle)

  -- One call, start to end, from this peer to that address.
  local function one_call(peer, address, options)
    local all = { peer = peer, address = address }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local call = w:invite(all)
    local ok = assert(call:wait(200))
    call:ack()
    call:bye()
    assert(call:wait(200))
    return ok
  end

  it("takes calls over IPv6", function()
    w = Loopback.new { host = "[::1]" }
    w:accepting "in a handler"
    assert.matches("^udp:%[::1%]:%d+$", w.address)
    local ok = one_call(w.caller, w.address)
    assert.matches("^<sip:[^>]*%[::1%]:%d+", ok:header "Contact")
    assert.matches("IN IP6 ::1", ok.body, 1, true)
    assert.equal(w.caller.name, w.sessions[1].remote_address)
  end)

  it("is one of several, and each answers for itself", function()
    w = Loopback.new { endpoint = { listen = { "udp:127.0.0.1:0",
      "udp:127.0.0.2:0", "udp:[::1]:0", "tcp:127.0.0.1:0" } } }
    w:accepting "in a handler"
    assert.equal(4, #w.endpoint.addresses)
    local seen = {}
    for _, address in ipairs(w.endpoint.addresses) do
      assert.is_nil(seen[address])
      seen[address] = true
      local host = address:match "^%a+:(.+):%d+$"
      local peer = w.wire:peer(address:match "^(%a+:.+):%d+$")
      local ok = one_call(peer, address)
      assert.matches(host, ok:header "Contact", 1, true)
      for _, entry in ipairs(w.wire.log) do
        if entry.to == peer.name then
          assert.equal(address, entry.from)
        end
      end
    end
    assert.equal(4, w.endpoint:stats().calls_connected)
  end)

  it("may listen on every address, and names the one that was called",
    function()
      w = Loopback.new { endpoint = { listen = "udp:0.0.0.0:0" } }
      w:accepting "in a handler"
      local port = w.address:match "%d+$"
      local ok = one_call(w.caller, "udp:127.0.0.1:" .. port)
      assert.matches("@?127%.0%.0%.1:" .. port, ok:header "Contact")
      assert.matches("c=IN IP4 127.0.0.1", ok.body, 1, true)
    end)

  it("names what it is told to in Contact", function()
    w = Loopback.new { endpoint = { advertise = "203.0.113.5:5070" } }
    w:accepting "in a handler"
    local call = w:invite()
    local ok = assert(call:wait(200))
    assert.matches("203.0.113.5:5070", ok:header "Contact", 1, true)
    call:ack()
    w:logged(CONNECTED)
    w.sessions[1]:terminate()
    local bye = assert(call:wait "BYE")
    assert.matches("203.0.113.5:5070", bye:header "Via", 1, true)
    call:reply(bye, 200)
  end)

  it("answers where rport asks for it, else where sent-by says (B04)",
    function()
      w = Loopback.new()
      w:serve(function(session)
        session:reject(486)
      end)
      local other = w.wire:peer "udp" -- its port is in the Via
      local branch = "z9hG4bK" .. w.wire:token()
      local via = "SIP/2.0/UDP elsewhere.example.com:%s;branch=%s"
      local call = w:invite { headers = {
        Via = via:format(other.port, branch) } }
      local refusal = assert(other:receive())
      assert.equal(486, refusal.code)
      assert.matches("received=127.0.0.1", refusal:header "Via", 1, true)
      call:take { message = refusal }
      call:ack()
      branch = "z9hG4bK" .. w.wire:token()
      call = w:invite { headers = {
        Via = via:format(other.port, branch) .. ";rport" } }
      refusal = assert(call:wait(486))
      assert.matches("rport=" .. w.caller.port, refusal:header "Via", 1, true)
      call:ack()
    end)

  for _, size in ipairs { 2000, 10000, 60000 } do
    it("takes a datagram of " .. size .. " octets (B42)", function()
      w = Loopback.new()
      local body = ("x"):rep(size)
      w:serve(function(session)
        w:note("%d", #session.request.body)
        assert.is_true(body == session.request.body)
        session:reject { code = 486, body = session.request.body,
          content_type = "text/plain" }
      end)
      local call = w:invite { body = body,
        content_type = "application/sdp" }
      local refusal = assert(call:wait(486))
      assert.is_true(body == refusal.body)
      call:ack()
      assert.equal(tostring(size), w.log[1])
    end)
  end

  it("refuses a datagram over its limit with 513 (B42)", function()
    w = Loopback.new { endpoint = { limits = { message_size = 4000 } } }
    w:serve()
    local call = w:invite { body = ("x"):rep(8000),
      content_type = "application/sdp" }
    assert(call:wait(513))
    assert.equal(0, #w.sessions)
    assert.equal(1, w.endpoint:stats().refused_size)
  end)

  it("counts a datagram that the kernel doesn't take, and goes on", function()
    w = Loopback.new()
    local size = 60000
    w:serve(function(session)
      session:reject { code = 486, body = ("x"):rep(size),
        content_type = "text/plain" }
    end)
    local call = w:invite()
    local head = #tostring(assert(call:wait(486))) - size
    call:ack()
    -- fits the library's limit, 65535, but no datagram: 65507 over IPv4
    size = 65521 - head
    w:invite()
    w.wire:wait(function()
      return w.endpoint:stats().send_errors > 0
    end)
    assert.is_true(w.endpoint:stats().send_errors > 0)
    local other = w.wire:peer "udp"
    other:send((w:request("OPTIONS", { port = other.port })
      :gsub("SIP/2%.0/TCP", "SIP/2.0/UDP")), w.address)
    assert.equal(200, assert(other:receive()).code)
  end)

  it("isn't troubled by what is no SIP", function()
    w = Loopback.new()
    w:accepting "in a handler"
    for _, junk in ipairs { "", "\r\n\r\n", "\0", "x", ("\255"):rep(1400),
      ("A"):rep(60000) } do
      w.caller:send(junk, w.address)
    end
    one_call(w.caller, w.address)
    assert.equal(1, #w.sessions)
  end)

  it("is read and written in batches, and no call is lost", function()
    w = Loopback.new { auto = true }
    w:accepting "async"
    local calls = {}
    for i = 1, 200 do
      calls[i] = w:invite()
    end
    w.wire:wait(function()
      return w.endpoint:stats().calls_connected == 200
    end)
    for _, call in ipairs(calls) do
      call:bye()
    end
    w.wire:wait(function()
      return w.endpoint.sessions == 0
    end)
    local stats = w.endpoint:stats()
    assert.equal(200, stats.calls_connected)
    assert.equal(0, stats.calls_failed)
    assert.equal(0, w.endpoint.sessions)
  end)
end)

describe("binding #slow", function()
  local wire, endpoint

  before_each(function()
    wire = Wire.new()
    endpoint = assert(sip.endpoint {
      listen = { "udp:127.0.0.1:0", "tcp:127.0.0.1:0" } })
  end)

  after_each(function()
    endpoint:close()
    wire:run(0.01)
    wire:close()
    assert.is_nil(sip.timeout())
  end)

  local function refused(listen, pattern)
    local none, err = sip.endpoint { listen = listen }
    assert.is_nil(none)
    assert.equal("connection_failure", err.kind)
    assert.is_true(err:is_realtime())
    assert.matches(pattern, err.message, 1, true)
    assert.matches(pattern, tostring(err), 1, true)
  end

  it("to port 0 picks a free one", function()
    for _, address in ipairs(endpoint.addresses) do
      assert.matches("^%a+:127%.0%.0%.1:[1-9]%d*$", address)
    end
  end)

  it("to a port in use fails and names it", function()
    for _, address in ipairs(endpoint.addresses) do
      refused(address, address)
      -- the listeners before it are given up again
      refused({ "udp:127.0.0.1:0", "tcp:127.0.0.1:0", address }, address)
    end
  end)

  it("to an address that isn't ours fails and names it", function()
    refused("udp:192.0.2.1:5060", "udp:192.0.2.1:5060")
    refused("tcp:192.0.2.1:5060", "tcp:192.0.2.1:5060")
    refused("udp:[2001:db8::1]:5060", "udp:[2001:db8::1]:5060")
  end)

  it("again works once the endpoint is closed", function()
    local addresses = endpoint.addresses
    endpoint:close()
    wire:run(0.01)
    endpoint = assert(sip.endpoint { listen = addresses })
    assert.same(addresses, endpoint.addresses)
  end)
end)
