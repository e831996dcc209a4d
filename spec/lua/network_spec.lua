-- The raw network, as sipsession.testing uses it: what that module doesn't
-- show. The rest is in spec/testing_spec.lua.
local sip = require "sipsession"

describe("the raw network", function()
  local network, a, b

  before_each(function()
    network = sip._network(7)
    a = network:attach("udp:10.0.0.1:5060", function() end)
    b = network:attach("udp:10.0.0.2:5060", function() end)
  end)

  after_each(function()
    network:close()
    network:close()
  end)

  it("steps to what is due next, and no further than it is told", function()
    local start = network:now()
    network:impair { delay = 0.5 }
    assert(a:send("x", "udp:10.0.0.2:5060"))
    assert.equal(1, network:alive().in_flight)
    assert.is_false(network:step(start + 0.25))
    assert.is_true(math.abs(network:now() - start - 0.25) < 1e-9)
    assert.is_true(network:step())
    assert.is_true(math.abs(network:now() - start - 0.5) < 1e-9)
    assert.is_false(network:step())
    assert.equal(0, network:alive().in_flight)
  end)

  it("raises what a peer raised, at the step, once", function()
    b:close()
    b = network:attach("udp:10.0.0.2:5060", function(text)
      error({ text = text })
    end)
    a:send("x", "udp:10.0.0.2:5060")
    local ok, err = pcall(network.step, network)
    assert.is_false(ok)
    assert.same({ text = "x" }, err)
    assert.is_false(network:step())
  end)

  it("raises what a hook raised, at the send or the step", function()
    for _, hook in ipairs { "filter", "observe" } do
      network[hook](network, function()
        error("in " .. hook, 0)
      end)
      local ok, err = pcall(a.send, a, "x", "udp:10.0.0.2:5060")
      if ok then
        ok, err = pcall(network.step, network)
      end
      assert.is_false(ok)
      assert.equal("in " .. hook, err)
      network[hook](network, nil)
    end
    assert(a:send("x", "udp:10.0.0.2:5060"))
  end)

  it("can't be stepped nor closed by what it calls", function()
    b:close()
    local stepped, closed
    b = network:attach("udp:10.0.0.2:5060", function()
      stepped = select(2, pcall(network.step, network))
      closed = select(2, pcall(network.close, network))
    end)
    a:send("x", "udp:10.0.0.2:5060")
    network:step()
    assert.matches("running already", stepped)
    assert.matches("network is running", closed)
  end)

  for _, protocol in ipairs { "udp", "tcp" } do
    it("nor by a hook that a send calls: " .. protocol, function()
      local stepped, closed, waited, ran
      local from = network:attach(protocol .. ":10.0.0.3:5060", function() end)
      local to = network:attach(protocol .. ":10.0.0.4:5060", function() end)
      for _, hook in ipairs { "filter", "observe" } do
        network[hook](network, function()
          stepped = select(2, pcall(network.step, network))
          closed = select(2, pcall(network.close, network))
          waited = select(3, pcall(sip.sleep, 1))
          ran = sip.run "nowait"
        end)
        assert(from:send("x", protocol .. ":10.0.0.4:5060"))
        assert.matches("running already", stepped)
        assert.matches("network is running", closed)
        assert.matches("not_yieldable", tostring(waited))
        assert.is_false(ran)
        network[hook](network, nil)
        stepped, closed, waited = nil, nil, nil
      end
      assert.is_true(network:alive().in_flight > 0)
      from:close()
      to:close()
    end)
  end

  it("tells of the end of a stream", function()
    local log = {}
    local server = network:attach("tcp:10.0.0.3:5060", function(text, from)
      log[#log + 1] = text:match "^%w+" .. " " .. from
    end, function(from)
      log[#log + 1] = "closed " .. from
    end)
    local client = network:attach("tcp:10.0.0.4:5060", function() end)
    assert(client:send("OPTIONS sip:x SIP/2.0\r\nContent-Length: 0\r\n\r\n",
      "tcp:10.0.0.3:5060"))
    client:shut "tcp:10.0.0.3:5060"
    while network:step() do
    end
    assert.equal(2, #log)
    assert.matches("^OPTIONS tcp:10.0.0.4:", log[1])
    assert.matches("^closed tcp:10.0.0.4:", log[2])
    server:close()
  end)

  it("says that nobody listens", function()
    local client = network:attach("tcp:10.0.0.4:5060", function() end)
    local ok, why = client:send("x", "tcp:10.0.0.5:5060")
    assert.is_nil(ok)
    assert.equal("string", type(why))
  end)

  it("checks what it is given", function()
    for _, bad in ipairs {
      function() network:attach("10.0.0.9", function() end) end,
      function() network:attach("udp:10.0.0.9:5060") end,
      function() network:attach("udp:10.0.0.1:5060", function() end) end,
      function() a:send("x", "nowhere") end,
      function() a:send("x") end,
      function() network:impair { loss = 2 } end,
      function() network:impair { los = 1 } end,
      function() network:impair { delay = -1 } end,
      function() network:step "x" end,
      function() network:step(-1) end,
      function() network:filter(7) end,
    } do
      assert.has_error(bad)
    end
  end)

  it("is of no use when it is closed", function()
    network:close()
    assert.error_matches(function()
      network:step()
    end, "this network is closed")
    assert.error_matches(function()
      a:send("x", "udp:10.0.0.2:5060")
    end, "this peer is closed")
    assert.has_error(function()
      sip.endpoint { listen = "udp:10.0.0.1:5060", network = network }
    end)
    a:close()
    assert.same(0, network:alive().sessions)
  end)

  it("lets go of peers that nobody has", function()
    a, b = nil, nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    a = network:attach("udp:10.0.0.1:5060", function() end)
    a:send("x", "udp:10.0.0.2:5060")
    network:step()
  end)

  it("keeps endpoints readable that outlive it", function()
    local endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.8:5060", network = network,
    })
    local woken
    sip.spawn(function()
      sip.sleep(1)
      woken = true
    end)
    network:close()
    assert.is_true(endpoint.is_closed)
    assert.same({}, endpoint.addresses)
    assert.equal(0, endpoint.sessions)
    endpoint:close()
    assert.matches("closed", tostring(endpoint))
    assert.is_nil(woken)
  end)
end)
