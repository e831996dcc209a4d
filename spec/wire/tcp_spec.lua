-- Calls over real TCP connections: framing however the bytes arrive, limits,
-- and where responses go (RFC 3261 18.2.2, 18.3; RFC 5626 3.5.1, 4.4.1). What
-- happens when a connection goes away is in tcp_lost_spec.lua.
local sip = require "sipsession"
local Loopback = require "support.loopback"
local Stream = require "support.stream"
local World = require "support.world"

local CONNECTED = {
  "incoming>connecting none -",
  "connecting>connected none 200",
  "accept ACK",
}
describe("over tcp #slow,", function()
  local w

  before_each(function()
    w = nil
  end)
  after_each(function()
    w:finish()
  end)
  teardown(Loopback.settle)

  local function start(options)
    w = Loopback.new { protocol = "tcp", endpoint = options }
  end

  for _, mode in ipairs { "in a handler", "async" } do
    it("a call is answered, acknowledged and ended, accepted " .. mode,
      function()
        start()
        w:accepting(mode)
        local call = w:invite()
        assert(call:wait(200))
        call:ack()
        w:logged(CONNECTED)
        call:bye()
        assert(call:wait(200))
        assert.same({ "200 INVITE", "200 BYE" }, w:names())
        assert.equal(1, w.endpoint:stats().alive.connections)
      end)
  end

  it("a 200 without an ACK is repeated too, then comes a BYE (B07)",
    function()
      start()
      w:accepting "in a handler"
      local call = w:invite()
      call:reply(assert(call:wait "BYE"), 200)
      w:came_at("200 INVITE", Loopback.REPEATS)
      w:came_at("BYE", { 64 * Loopback.T1 * 1000 })
      w:logged { "incoming>connecting none -",
        "connecting>disconnected timeout -",
        "accept operation_timeout -" }
    end)

  it("a refusal is not repeated, and cancelling works", function()
    start()
    w:serve(function(session)
      sip.sleep(0.05)
      session:reject(486)
    end)
    local call = w:invite()
    assert(call:wait(486))
    local other = w:invite()
    other:cancel()
    assert(other:wait(487))
    w.wire:run(0.2)
    assert.same({ "486 INVITE", "200 CANCEL", "487 INVITE" }, w:names())
    call:ack()
    other:ack()
  end)

  it("a call may be split at every byte (B44)", function()
    start()
    w:accepting "in a handler"
    local stream = w.wire:stream(w.address)
    local text = w:request("INVITE", { body = World.OFFER,
      fields = "Content-Type: application/sdp\r\n" })
    for i = 1, #text do
      stream:send(text:sub(i, i))
      w.wire:wait(function() end, 0) -- let the endpoint read it
    end
    assert.equal(1, #w:answers(stream, 1))
    assert.matches("^SIP/2.0 200 ", stream.messages[1])
    assert.equal(1, w.endpoint:stats().calls_received)
    assert.equal(World.OFFER, w.sessions[1].offer)
    w.sessions[1]:terminate()
    w.endpoint:close()
  end)

  it("a request may be split in two at any byte (B44)", function()
    start()
    local stream = w.wire:stream(w.address)
    local n = 0
    local text = w:request("OPTIONS", { body = "0123\r\n\r\n" })
    for i = 1, #text - 1 do
      text = w:request("OPTIONS", { body = "0123\r\n\r\n" })
      stream:send(text:sub(1, i))
      w.wire:wait(function() end, 0)
      stream:send(text:sub(i + 1))
      n = n + 1
    end
    assert.equal(n, #w:answers(stream, n))
    for _, answer in ipairs(w:answers(stream, n)) do
      assert.matches("^200 ", answer)
    end
  end)

  it("the body may come later than the rest (B44)", function()
    start()
    local stream = w.wire:stream(w.address)
    local text = w:request("OPTIONS", { body = "later" })
    stream:send(text:sub(1, -6))
    assert.same({}, w:answers(stream, 1, 0.3))
    stream:send "later"
    assert.equal(1, #w:answers(stream, 1))
  end)

  it("fifty requests may come in one segment (B45)", function()
    start()
    local stream = w.wire:stream(w.address)
    local all, expected = {}, {}
    for i = 1, 50 do
      all[i] = w:request "OPTIONS"
      expected[i] = "200 own" .. i
    end
    stream:send(table.concat(all))
    assert.same(expected, w:answers(stream, 50))
  end)

  it("two and a half requests may (B45)", function()
    start()
    local stream = w.wire:stream(w.address)
    local third = w:request("OPTIONS", { body = ("x"):rep(500) })
    stream:send(w:request "OPTIONS" .. w:request "OPTIONS" .. third:sub(1, 300))
    assert.equal(2, #w:answers(stream, 2))
    assert.equal(2, #w:answers(stream, 3, 0.05))
    stream:send(third:sub(301))
    assert.equal(3, #w:answers(stream, 3))
  end)

  it("ten calls go on over one connection (B51)", function()
    start()
    w:serve(function(session)
      sip.sleep(math.random(0, 30) / 1000)
      w:outcome(session:participate())
    end)
    local calls = {}
    for i = 1, 10 do
      calls[i] = w:invite()
    end
    for _, call in ipairs(calls) do
      assert(call:wait(200))
      call:ack()
    end
    for i = 10, 1, -1 do
      calls[i]:bye()
      assert(calls[i]:wait(200))
    end
    assert.equal(10, w.endpoint:stats().calls_connected)
    assert.equal(1, w.endpoint:stats().alive.connections)
  end)

  it("a ping gets its pong, other CRLFs are ignored (B46)", function()
    start()
    local stream = w.wire:stream(w.address)
    stream:send "\r\n\r\n"
    w.wire:wait(function()
      return stream.pongs > 0
    end)
    assert.equal("\r\n", stream.bytes)
    stream:send("\r\n" .. w:request "OPTIONS")
    assert.equal(1, #w:answers(stream, 1))
    assert.equal(1, stream.pongs)
    stream:send "\r\n\r"
    w.wire:run(0.02)
    stream:send "\n"
    w.wire:wait(function()
      return stream.pongs > 1
    end)
    assert.equal(2, stream.pongs)
    stream:send(w:request "OPTIONS" .. "\r\n\r\n" .. w:request "OPTIONS")
    assert.equal(3, #w:answers(stream, 3))
    assert.equal(3, stream.pongs)
  end)

  for title, length in pairs {
    missing = "",
    negative = "Content-Length: -1\r\n",
    ["no number"] = "Content-Length: 5x\r\n",
    ["there twice"] = "Content-Length: 0\r\nl: 0\r\n",
    ["over the limit"] = "Content-Length: 4000000000\r\n",
    ["over 2^32"] = "Content-Length: 4294967297\r\n",
  } do
    it("a Content-Length that is " .. title .. " ends the connection (B48)",
      function()
        start()
        w:serve()
        local stream = w.wire:stream(w.address)
        stream:send(w:request("INVITE", { length = length })
          .. w:request "INVITE") -- is not looked at
        assert.equal("eof", w:ended(stream))
        local code = #stream.messages == 1
          and stream.messages[1]:match "^SIP/2.0 (%d+)"
        assert.is_truthy(code == "400" or code == "513", code)
        assert.equal(0, #w.sessions)
        local stats = w.endpoint:stats()
        assert.equal(1, stats.refused_length + stats.refused_size)
      end)
  end

  it("a header section without end is ended at its limit", function()
    start { limits = { header_size = 2000 } }
    local stream = w.wire:stream(w.address)
    stream:send("OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nX: " .. ("x"):rep(5000))
    assert.is_string(w:ended(stream))
    assert.equal(1, w.endpoint:stats().refused_size)
  end)

  it("a message that takes too long ends the connection", function()
    start { limits = { message_time = 1 } }
    local slow, idle = w.wire:stream(w.address), w.wire:stream(w.address)
    slow:send "OPTIONS sip:"
    w.wire:run(0.5)
    slow:send "a" -- the time runs from the first byte
    assert.is_string(w:ended(slow, 0.9))
    assert.is_nil(idle.ended)
    assert.equal(1, w.endpoint:stats().refused_slow)
    idle:send(w:request "OPTIONS")
    assert.equal(1, #w:answers(idle, 1))
  end)

  it("a connection that says nothing is ended", function()
    start { limits = { connection_idle = 1 } }
    local silent, talking = w.wire:stream(w.address), w.wire:stream(w.address)
    w.wire:run(0.7)
    talking:send "\r\n\r\n"
    assert.equal("eof", w:ended(silent, 0.9))
    assert.is_nil(talking.ended)
    assert.equal(1, w.endpoint:stats().refused_idle)
  end)

  it("connections over the limit are closed at once", function()
    start { limits = { connections = 2 } }
    local streams = {}
    for i = 1, 3 do
      streams[i] = w.wire:stream(w.address)
      w.wire:wait(function()
        return streams[i].connected
      end)
    end
    assert.is_string(w:ended(streams[3]))
    assert.equal(1, w.endpoint:stats().refused_connections)
    streams[1]:send(w:request "OPTIONS")
    assert.equal(1, #w:answers(streams[1], 1))
    streams[1]:close()
    w.wire:wait(function()
      return w.endpoint:stats().alive.connections == 1
    end)
    local again = w.wire:stream(w.address)
    again:send(w:request "OPTIONS")
    assert.equal(1, #w:answers(again, 1))
  end)

  it("a peer that never reads can't make us keep more than the limit",
    function()
      start { limits = { connection_backlog = 20000 } }
      local deaf = Stream.connect("127.0.0.1",
        math.tointeger(w.address:match "%d+$"), { deaf = true })
      w.wire.open[#w.wire.open + 1] = deaf
      local other = w.wire:stream(w.address)
      local text = w:request("OPTIONS"):gsub("Call%-ID: ", -- is echoed
        "%0" .. ("x"):rep(1500))
      w.wire:wait(function()
        for _ = 1, 50 do
          deaf:send((text:gsub("branch=[^\r]*", "branch=z9hG4bK"
            .. w.wire:token())))
        end
        return w.endpoint:stats().refused_backlog > 0
      end, 10)
      assert.equal(1, w.endpoint:stats().refused_backlog)
      other:send(w:request "OPTIONS")
      assert.equal(1, #w:answers(other, 1))
    end)

  it("responses go over the connection of their request, not to sent-by",
    function()
      start()
      local called = false
      local listener = Stream.listen("127.0.0.1", 0)
      listener.on_stream = function(stream)
        called = true
        stream:close()
      end
      local stream = w.wire:stream(w.address)
      stream:send(w:request("OPTIONS",
        { port = listener.getsockname().port }))
      assert.equal(1, #w:answers(stream, 1))
      listener.close()
      assert.is_false(called)
    end)

  it("a hundred connections come and go", function()
    start()
    local streams = {}
    for i = 1, 100 do
      streams[i] = w.wire:stream(w.address)
      streams[i]:send(w:request "OPTIONS")
    end
    for _, stream in ipairs(streams) do
      assert.equal(1, #w:answers(stream, 1))
    end
    assert.equal(100, w.endpoint:stats().alive.connections)
    for i, stream in ipairs(streams) do
      if i % 2 == 0 then
        stream:close()
      else
        stream:reset()
      end
    end
    w.wire:wait(function()
      return w.endpoint:stats().alive.connections == 0
    end)
    assert.equal(0, w.endpoint:stats().alive.connections)
  end)
end)
