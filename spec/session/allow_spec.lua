-- Who may call: networks (RFC 3261 21.4.4; security of the port).
local sip = require "sipsession"
local World = require "support.world"

describe("allow", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function world(allow, deny, options)
    options = options or {}
    options.endpoint = options.endpoint or {}
    options.endpoint.allow, options.endpoint.deny = allow, deny
    w = World.new(options)
    w:serve(function(session)
      session:reject(486)
    end)
    return w
  end

  local function refused()
    return w.endpoint:stats().refused_source
  end

  for _, protocol in ipairs { "udp", "tcp" } do
    for _, allow in ipairs { "10.0.0.0/24", "10.0.0.2", "0.0.0.0/0",
      { "192.0.2.0/24", "::/0", "10.0.0.0/8" }, "::ffff:10.0.0.0/120" } do
      local text = type(allow) == "table" and table.concat(allow, " ") or allow
      it(("lets in 10.0.0.2 by %s over %s"):format(text, protocol), function()
        world(allow, nil, { protocol = protocol })
        w:probe()
        local call = w:invite()
        assert(call:wait(486))
        call:ack()
        assert.equal(0, refused())
      end)
    end

    it("answers others 403 over " .. protocol, function()
      world({ "192.0.2.0/24", "10.0.0.0/31", "::/0" }, nil,
        { protocol = protocol })
      local call = w:invite()
      local response = assert(call:wait(403))
      assert.is_nil(response:header "Retry-After")
      call:ack()
      w.network:advance(40)
      assert.same({ "403 INVITE" }, w:names())
      assert.equal(0, #w.sessions)
      assert.is_true(refused() >= 1)
      assert.equal(0, w.endpoint:stats().alive.transactions)
    end)

    it("gives others silence over " .. protocol, function()
      world("192.0.2.0/24", "drop", { protocol = protocol })
      w:invite()
      w.network:advance(40)
      assert.same({}, w:names())
      assert.equal(0, #w.sessions)
      assert.equal(1, refused())
      assert.equal(0, w.endpoint:stats().alive.connections)
    end)

    it("refuses whatever they send over " .. protocol, function()
      world("192.0.2.0/24", "reject", { protocol = protocol })
      for _, method in ipairs { "OPTIONS", "BYE", "CANCEL", "REGISTER",
        "FOO" } do
        assert.same({ "403 " .. method }, w:ask(method))
        assert.same({ "403 " .. method }, w:ask(method,
          { To = "<sip:desk@10.0.0.1>;tag=x" }))
        w.network:advance(10)
      end
      assert.same({}, w:ask "ACK")
      -- not even what is wrong with it
      assert.same({ "403 INVITE" }, w:ask("INVITE",
        { ["Max-Forwards"] = "none" }))
      assert.equal(12, refused())
      assert.equal(0, w.endpoint:stats().refused_syntax)
    end)
  end

  it("asks nobody else who they are", function()
    world("192.0.2.0/24", nil, { endpoint = { auth = {
      realm = "x", lookup = function() end } } })
    assert.same({ "403 OPTIONS" }, w:ask "OPTIONS")
    assert.equal(0, w.endpoint:stats().challenged)
  end)

  it("closes the connection of whom it has told so", function()
    world("192.0.2.0/24", nil, { protocol = "tcp" })
    assert.same({ "403 OPTIONS" }, w:ask "OPTIONS")
    w.network:advance(0.1)
    assert.equal(0, w.endpoint:stats().alive.connections)
  end)

  it("closes the connection of who says nothing, sooner than others'",
    function()
      world("192.0.2.0/24", nil, { protocol = "tcp" })
      w.caller:send("\r\n\r\n", "tcp:10.0.0.1:5060")
      w.network:advance(5)
      w.caller:send("INVITE", "tcp:10.0.0.1:5060")
      w.network:advance(4)
      assert.equal(1, w.endpoint:stats().alive.connections)
      w.network:advance(2)
      assert.equal(0, w.endpoint:stats().alive.connections)
    end)

  it("leaves half of the connections to those it lets in", function()
    world({ "10.0.0.2" }, nil, { protocol = "tcp",
      endpoint = { limits = { connections = 4 } } })
    local peers = {} -- one that is collected hangs up
    for i = 1, 5 do
      peers[i] = w.network:peer(("tcp:10.0.1.%d:5060"):format(i))
      peers[i]:send("\r\n\r\n", "tcp:10.0.0.1:5060")
      w.network:advance(0)
    end
    assert.equal(2, w.endpoint:stats().alive.connections)
    assert.equal(3, w.endpoint:stats().refused_connections)
    w:probe()
    w.network:advance(20)
  end)

  it("still hears the answers to its own requests", function()
    w = World.new { endpoint = { allow = "10.0.0.2", deny = "drop" } }
    local phone = w.network:peer("udp:10.0.0.7:5060", { auto = true })
    local _, session = w:established { contact = "<sip:phone@10.0.0.7:5060>" }
    session:terminate()
    w.network:advance(0)
    assert.equal("BYE", assert(phone:receive(0)).method)
    w.network:advance(1)
    assert.equal(1, w:count "BYE") -- it was answered, and isn't repeated
    assert.equal(0, w.endpoint:stats().alive.lingering)
  end)

  it("raises for what is no network", function()
    w = World.new()
    for _, case in ipairs { { {}, "1 to 256" }, { 1, "got number" },
      { { 1 }, "got number" }, { "", "is no network" },
      { "example.com", "is no network" }, { "10.0.0.0/33", "no network" },
      { "10.0.0.0/", "is no network" }, { "10.0.0.0/-1", "is no network" },
      { "10.0.0", "is no network" }, { "::1/129", "is no network" },
      { "10.0.0.1:5060", "is no network" }, { "10.0.0.0/8 ", "no network" },
    } do
      local ok, err = pcall(sip.endpoint, { listen = "udp:10.0.0.9:5060",
        network = w.network, allow = case[1] })
      assert.is_false(ok)
      assert.matches("^allow: ", (err:gsub("^%S+:%d+: ", "")))
      assert.matches(case[2], err)
    end
    local ok, err = pcall(sip.endpoint, { listen = "udp:10.0.0.9:5060",
      network = w.network, deny = "no" })
    assert.is_false(ok)
    assert.matches("deny: \"reject\" or \"drop\"", err)
  end)
end)
