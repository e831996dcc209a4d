-- Every limit of README's table: a message or a peer just within it is served,
-- one just over it is refused as the table says, and counted by its reason.
-- What the scanner refuses octet by octet is in spec/unit/test_scan_limits.c,
-- requests that wait for a script in spec/session/in_dialog_spec.lua.
local World = require "support.world"

local function repeated(piece, n)
  return piece:rep(n)
end

-- Fills a header up to so many octets of the message's header section.
local function padded(w, size, options)
  options.extra = "X-Fill: \r\n"
  local short = w:request("OPTIONS", options)
  w.serial = w.serial - 1
  local head = #short:match "^.-\r\n\r\n"
  options.extra = ("X-Fill: %s\r\n"):format(("x"):rep(size - head))
  return options
end

describe("limits", function()
  local w
  local peers = {}

  after_each(function()
    for i, peer in ipairs(peers) do
      peer:close()
      peers[i] = nil
    end
    w:finish()
  end)

  local function open(limits, protocol)
    w = World.new { protocol = protocol, endpoint = { limits = limits } }
    w:serve(function(session)
      session:reject(486)
    end)
    return w
  end

  -- How much the counters have grown since the last time.
  local function refused(seen)
    local grown = {}
    for name, n in pairs(w.endpoint:stats()) do
      if name:find "^refused" and n > (seen[name] or 0) then
        grown[name] = n - (seen[name] or 0)
      end
      if name:find "^refused" then
        seen[name] = n
      end
    end
    return grown
  end

  -- within and over are options of World:request; the answers are told by
  -- their codes.
  local function boundary(within, over, code, counter)
    local seen = {}
    refused(seen)
    assert.same({ "200 OPTIONS" }, w:ask("OPTIONS", within))
    assert.same({}, refused(seen))
    assert.same({ code .. " OPTIONS" }, w:ask("OPTIONS", over))
    assert.same({ [counter or "refused_limit"] = 1 }, refused(seen))
    w:probe()
  end

  local function lines(n)
    return { extra = repeated("X-A: y\r\n", n) }
  end

  local PROTOCOLS = { "udp", "tcp" }

  for _, protocol in ipairs(PROTOCOLS) do
    it("header_lines over " .. protocol .. ": 400", function()
      open({ header_lines = 20 }, protocol)
      boundary(lines(12), lines(13), 400)
    end)

    it("header_lines as they are over " .. protocol .. ": 400", function()
      open(nil, protocol)
      boundary(lines(92), lines(93), 400)
    end)

    it("header_separators over " .. protocol .. ": 400", function()
      open(nil, protocol)
      boundary({ extra = "X-A: " .. repeated(";a", 256) .. "\r\n" },
        { extra = "X-A: " .. repeated(",", 257) .. "\r\n" }, 400)
    end)

    it("all_separators over " .. protocol .. ": 400", function()
      open({ all_separators = 12 }, protocol)
      -- Via and From have one each
      boundary({ extra = "X-A: ;;;;;\r\nX-B: &,&,&\r\n" },
        { extra = "X-A: ;;;;;\r\nX-B: &,&,&,\r\n" }, 400)
    end)

    it("vias over " .. protocol .. ": 400", function()
      open({ vias = 5 }, protocol)
      local via = "v: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n"
      boundary({ extra = via:rep(2) },
        { extra = via:rep(2) .. "Via: SIP/2.0/UDP c\r\n" }, 400)
    end)

    it("routes over " .. protocol .. ": 400", function()
      for _, name in ipairs { "Record-Route", "Route" } do
        open({ routes = 3 }, protocol)
        local route = name .. ": <sip:a;lr>\r\n"
        boundary({ extra = route:rep(3) }, { extra = route:rep(4) }, 400)
        if name ~= "Route" then
          w:finish()
        end
      end
    end)

    it("uri_length over " .. protocol .. ": 414", function()
      open(nil, protocol)
      boundary({ uri = "sip:" .. ("a"):rep(2048 - 6) .. "@b" },
        { uri = "sip:" .. ("a"):rep(2048 - 5) .. "@b" }, 414)
    end)
  end

  it("header_size over udp: 400", function()
    open()
    boundary(padded(w, 16384, {}), padded(w, 16385, {}), 400)
  end)

  it("header_size over tcp: 513, and closed", function()
    open(nil, "tcp")
    boundary(padded(w, 16384, {}), padded(w, 16385, {}), 513, "refused_size")
  end)

  it("message_size over udp: 513", function()
    open { message_size = 3000 }
    local size = #w:request("OPTIONS", { body = "" })
    local n = 3000 - size - 3
    local within = { body = ("x"):rep(n) }
    assert.equal(3000, #w:request("OPTIONS", within))
    boundary(within, { body = ("x"):rep(n + 1) }, 513, "refused_size")
  end)

  it("message_size over tcp: 513, and closed", function()
    open({ message_size = 3000 }, "tcp")
    local size = #w:request("OPTIONS", { body = "" })
    local n = 3000 - size - 3
    boundary({ body = ("x"):rep(n) }, { body = ("x"):rep(n + 1) }, 513,
      "refused_size")
  end)

  it("message_size as it is: 65535", function()
    open()
    local n = 65535 - #w:request("OPTIONS") - 4
    local bytes = w:request("OPTIONS", { body = ("x"):rep(n) })
    assert.equal(65535, #bytes)
    w.caller:send(bytes, "udp:10.0.0.1:5060")
    w.network:advance(0)
    assert.same({ "200 OPTIONS" }, w:names())
  end)

  it("sessions: 503 with Retry-After, and those there are go on", function()
    w = World.new { endpoint = { limits = { sessions = 2 } } }
    w:serve(function(session)
      session:progress(180)
    end)
    local a, b = w:invite { auto = true }, w:invite { auto = true }
    assert(a:wait(180) and b:wait(180))
    local c = w:invite()
    local refusal = assert(c:wait(503))
    assert.matches("^%d+$", refusal:header "Retry-After")
    c:ack()
    assert.equal(1, w.endpoint:stats().refused_overload)
    a:cancel()
    assert(a:wait(487))
    local d = w:invite { auto = true }
    assert(d:wait(180))
    b:cancel()
    d:cancel()
    w.network:advance(6)
  end)

  it("transactions: 503 with Retry-After, and BYE has some left", function()
    w = World.new { endpoint = { limits = { transactions = 8 } } }
    local call = w:established()
    w.network:advance(40)
    for i = 1, 8 do
      assert.same({ "200 OPTIONS" }, w:ask "OPTIONS", i)
    end
    assert.same({ "503 OPTIONS" }, w:ask "OPTIONS")
    local sent = w:sent "503 OPTIONS"
    assert.matches("\r\nRetry%-After: %d+\r\n", sent[1].text)
    assert.equal(1, w.endpoint:stats().refused_overload)
    call:bye()
    assert(call:wait(200, 1))
    w.network:advance(40)
    w:probe()
  end)

  -- Opens so many connections from there; returns the first.
  local function connect(n, from)
    local first = #peers + 1
    for i = first, first + n - 1 do
      peers[i] = w.network:peer(("tcp:%s:%d"):format(from or "10.0.0.9",
        6000 + i))
      peers[i]:send("\r\n\r\n", "tcp:10.0.0.1:5060")
    end
    w.network:advance(1)
    return peers[first]
  end

  local function connections()
    return w.endpoint:stats().alive.connections
  end

  it("connections: closed", function()
    open({ connections = 3 }, "udp")
    connect(3)
    assert.equal(3, connections())
    assert.equal(0, w.endpoint:stats().refused_connections)
    connect(1, "10.0.0.8")
    assert.equal(3, connections())
    assert.equal(1, w.endpoint:stats().refused_connections)
    w:probe()
  end)

  it("connections_per_source: closed, and others get in", function()
    open({ connections_per_source = 3 }, "udp")
    local peer = connect(3)
    connect(2, "10.0.0.8")
    assert.equal(5, connections())
    assert.equal(0, w.endpoint:stats().refused_connections)
    connect(1)
    assert.equal(5, connections())
    assert.equal(1, w.endpoint:stats().refused_connections)
    peer:close()
    w.network:advance(1)
    assert.equal(4, connections())
    connect(2)
    assert.equal(5, connections())
  end)

  it("connection_idle: closed", function()
    open({ connection_idle = 20 }, "udp")
    connect(1)
    w.network:advance(18.5)
    assert.equal(1, connections())
    w.network:advance(1)
    assert.equal(0, connections())
    assert.equal(1, w.endpoint:stats().refused_idle)
  end)

  it("message_time: closed, however much comes in between", function()
    open({ message_time = 5 }, "tcp")
    local bytes = w:request "OPTIONS"
    for i = 1, 49 do
      w.caller:send(bytes:sub(i, i), "tcp:10.0.0.1:5060")
      w.network:advance(0.1)
    end
    assert.equal(1, connections())
    w.network:advance(0.2)
    assert.equal(0, connections())
    assert.equal(1, w.endpoint:stats().refused_slow)
    for i = 1, 40 do -- in its time
      w.caller:send(bytes:sub(i, i), "tcp:10.0.0.1:5060")
      w.network:advance(0.1)
    end
    w.caller:send(bytes:sub(41))
    w.network:advance(0)
    assert.same({ "200 OPTIONS" }, w:names())
  end)

  it("a message without an end over tcp: 513 at its limit, closed", function()
    open({ header_size = 2000 }, "tcp")
    local head = w:request("OPTIONS"):match "^(.*)\r\nContent%-Length"
    w.caller:send(head .. "\r\nX: " .. ("x"):rep(1990 - #head),
      "tcp:10.0.0.1:5060")
    w.network:advance(1)
    assert.equal(1, connections())
    assert.same({}, w:names())
    w.caller:send(("x"):rep(10))
    w.network:advance(1)
    assert.same({ "513 OPTIONS" }, w:names())
    assert.equal(0, connections())
    assert.equal(1, w.endpoint:stats().refused_size)
  end)

  describe("invites_per_source", function()
    -- So many INVITEs from there; the codes of what is sent in answer.
    local function flood(n, from, seconds)
      local peer = w.network:peer(from)
      local before = #w:sent()
      for _ = 1, n do
        peer:invite { to = "sip:desk@10.0.0.1", auto = true }
        w.network:advance(seconds and seconds / n or 0)
      end
      local counts = {}
      for i, entry in ipairs(w:sent()) do
        if i > before then
          local code = tonumber(entry.name:match "^%d+")
          counts[code] = (counts[code] or 0) + 1
        end
      end
      return counts
    end

    it("one 503 with Retry-After, then silence; others aren't held back",
      function()
        open { invites_per_source = 5 }
        assert.same({ [486] = 5, [503] = 1 }, flood(50, "udp:10.0.0.7:5060"))
        assert.equal(45, w.endpoint:stats().refused_rate)
        assert.matches("\r\nRetry%-After: 1\r\n",
          w:sent("503 INVITE")[1].text)
        assert.same({ [486] = 5 }, flood(5, "udp:10.0.0.8:5060"))
        -- another port is no other source
        assert.same({}, flood(5, "udp:10.0.0.7:5061"))
        w.network:advance(2)
        assert.same({ [486] = 5 }, flood(5, "udp:10.0.0.7:5062"))
        w.network:advance(40)
      end)

    it("over a second of a flood: the rate, and a 503", function()
      open { invites_per_source = 10 }
      local counts = flood(1000, "udp:10.0.0.7:5060", 10)
      -- ten at once, then ten a second
      assert.is_true(counts[486] >= 109 and counts[486] <= 110, counts[486])
      assert.is_true(counts[503] >= 9 and counts[503] <= 10, counts[503])
      w.network:advance(40)
    end)

    it("doesn't count repeats, nor what belongs to a call", function()
      w = World.new { endpoint = { limits = { invites_per_source = 1 } } }
      local call = w:established()
      for _ = 1, 5 do
        call:retransmit()
      end
      w.network:advance(0)
      call:reinvite { sdp = World.OFFER }
      assert(call:wait("INVITE", 0) == nil)
      w.network:advance(1)
      assert.equal(0, w.endpoint:stats().refused_rate)
      assert.is_true(w:count "200 INVITE" >= 2)
      assert.same({ "200 OPTIONS" }, w:ask "OPTIONS")
      call:bye()
      w.network:advance(40)
    end)

    it("counts INVITEs with a made-up To tag", function()
      open { invites_per_source = 1 }
      local function ask()
        return w:ask("INVITE", { To = "<sip:desk@10.0.0.1>;tag=made.up" })
      end
      assert.same({ "481 INVITE" }, ask())
      assert.same({ "503 INVITE" }, ask())
      assert.same({}, ask())
      w.network:advance(40)
    end)

    it("is off by default", function()
      open()
      assert.same({ [486] = 200 }, flood(200, "udp:10.0.0.7:5060"))
      w.network:advance(40)
    end)
  end)
end)
