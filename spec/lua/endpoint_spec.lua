-- The endpoint class: options, events, closing, collection.
local sip = require "sipsession"
local testing = require "sipsession.testing"
local World = require "support.world"

describe("sip.endpoint", function()
  local network

  before_each(function()
    network = testing.network()
  end)

  after_each(function()
    network:close()
  end)

  local function options(more)
    local all = { listen = "udp:10.0.0.1:5060", network = network }
    for name, value in pairs(more) do
      all[name] = value
    end
    return all
  end

  local function raises(more, pattern)
    assert.error_matches(function()
      sip.endpoint(options(more))
    end, pattern)
  end

  it("takes every option", function()
    local endpoint = assert(sip.endpoint {
      listen = { "udp:10.0.0.1:5060", "tcp:[fd00::1]:5060" },
      network = network, uri = "sip:desk@example.com",
      advertise = "203.0.113.5:5070", user_agent = "desk/1.0",
      media = {
        get_answer = function() end,
        get_offer = function() end,
        set_answer = function() end,
      },
      unhandled_code = 404, terminate_code = 603, connect_timeout = 0,
      close_timeout = 0.5, accept = { "application/sdp", "text/plain" },
      timers = { t1 = 0.1, t2 = 1, t4 = 2.5 },
      limits = { sessions = 10, message_size = 4000 },
    })
    assert.same({ "udp:10.0.0.1:5060", "tcp:[fd00::1]:5060" },
      endpoint.addresses)
    assert.equal("sip:desk@example.com", endpoint.uri)
    assert.equal("desk/1.0", endpoint.user_agent)
    assert.equal("function", type(endpoint.media.get_offer))
    assert.equal(0, endpoint.sessions)
    assert.is_false(endpoint.is_closed)
    assert.matches("udp:10.0.0.1:5060", tostring(endpoint))
  end)

  it("picks a free port for 0", function()
    local endpoint = assert(sip.endpoint(options {
      listen = { "udp:10.0.0.1:0", "udp:10.0.0.1:0" },
    }))
    assert.not_equal(endpoint.addresses[1], endpoint.addresses[2])
    assert.not_matches(":0$", endpoint.addresses[1])
  end)

  it("knows no other options, and says what was meant", function()
    raises({ lisen = 1 }, "^unknown option 'lisen' %(did you mean 'listen'%?%)")
    raises({ zzz = 1 }, "^unknown option 'zzz'$")
    raises({ true }, "^unknown option 1: names expected")
    raises({ timers = { t3 = 1 } }, "^unknown timer 't3' %(did you mean 't")
    raises({ limits = { session = 1 } },
      "^unknown limit 'session' %(did you mean 'sessions'%?%)")
  end)

  it("raises on values that are none", function()
    for name, values in pairs {
      listen = { false, {}, "10.0.0.1", "udp:host:5060", "sctp:10.0.0.1:1",
        { 5060 }, "udp:10.0.0.1:99999" },
      uri = { 7, "", "desk", "tel:+1", "sip:a@b\r\n" },
      advertise = { 7, "", "a\nb" },
      user_agent = { 7, "", "a\r\nX: y" },
      media = { true, "x", { get_answer = 1 }, { set_answer = {} } },
      unhandled_code = { "480", 200, 302, 700, 480.5 },
      terminate_code = { 100, 399, 1000 },
      connect_timeout = { -1, "x", 0 / 0 },
      close_timeout = { -1, 1e12 },
      accept = { 7, {}, { 7 }, { "" }, { "a\r\nb" }, "" },
      timers = { 1, { t1 = 0 }, { t2 = -1 }, { t4 = "x" } },
      limits = { 1, { sessions = 0 }, { sessions = 1.5 },
        { header_lines = 1000 } },
      network = { true, {}, { core = 7 }, io.stdout },
    } do
      for _, value in ipairs(values) do
        assert.has_error(function()
          sip.endpoint(options { [name] = value })
        end)
      end
    end
    assert.has_error(function()
      sip.endpoint()
    end)
    assert.error_matches(function()
      sip.endpoint { network = network }
    end, "^listen: required")
  end)

  it("advertises a host, and a port where one is given", function()
    local peer = network:peer("udp:10.0.0.2:5062", { auto = true })
    for advertised, contact in pairs {
      ["203.0.113.5"] = "203.0.113.5:5060",
      ["203.0.113.5:5070"] = "203.0.113.5:5070",
      ["[2001:db8::1]"] = "[2001:db8::1]:5060",
      ["[2001:db8::1]:65535"] = "[2001:db8::1]:65535",
      ["sip.example.com"] = "sip.example.com:5060",
      ["my_desk-1:1"] = "my_desk-1:1", ["3com.example"] = "3com.example:5060",
    } do
      local endpoint =
        assert(sip.endpoint(options { advertise = advertised }))
      endpoint:on("session_received", function(session)
        session:progress(180)
        session:reject(486)
      end)
      local call = peer:invite { to = "sip:desk@10.0.0.1" }
      assert.equal("<sip:" .. contact .. ">",
        assert(call:wait(180)):header "Contact")
      assert(call:wait(486))
      endpoint:close()
      network:advance(3)
    end
  end)

  it("advertises nothing else", function()
    for _, bad in ipairs {
      "2001:db8::1", "::1", "[::1", "[]", "[host]", "[1.2.3.4]", "[1::2::3]",
      "[::1]5060", "sip:1.2.3.4", "udp:1.2.3.4:5060", "http://x", "user@host",
      "@host", "a b", " host", "host ", "a,b", "<host>", "host;lr", "host?x=1",
      "1.2.3.4:5060>;x=", "1.2.3.456", "1.2.3", ":5060", "host:", "host:abc",
      "1.2.3.4:0", "203.0.113.5:70000", "host:5060:1",
    } do
      raises({ advertise = bad }, "^advertise: '" .. bad:gsub("%p", "%%%0")
        .. "' is no host and port; write \"203%.0%.113%.5:5060\" or "
        .. "\"%[2001:db8::1%]\"$")
    end
  end)

  it("accepts media types, in a list or between commas", function()
    for _, accept in ipairs {
      "application/sdp", "application/sdp, text/plain", { "text/plain" },
      { "application/sdp", "application/vnd.x-y+xml" }, "*/*", "text/*",
    } do
      assert(sip.endpoint(options { accept = accept })):close()
      network:advance(3)
    end
    for _, bad in ipairs {
      "garbage", "*", "text/", "/plain", "/", "text/plain/x", "text plain",
      "text/pl ain", "text/plain;charset=utf-8", "\"a/b\"", "a/b, c",
      "a/b,,c/d", " ", "",
    } do
      for _, accept in ipairs { bad, { bad }, { "application/sdp", bad } } do
        raises({ accept = accept },
          "^accept: media types expected, as \"application/sdp\"$")
      end
    end
  end)

  it("raises at the caller's line", function()
    local ok, err = pcall(function()
      sip.endpoint { listen = 7 }
    end)
    assert.is_false(ok)
    assert.matches("^spec/lua/endpoint_spec.lua:%d+: listen: ", err)
  end)

  it("returns what went wrong with the address", function()
    local first = assert(sip.endpoint(options {}))
    local endpoint, err = sip.endpoint(options {})
    assert.is_nil(endpoint)
    assert.equal("connection_failure", err.kind)
    assert.matches("udp:10.0.0.1:5060", err.message, 1, true)
    assert.matches("choose another port", err.message)
    first:close()
  end)

  it("returns what went wrong with a real address", function()
    local first = assert(sip.endpoint { listen = "tcp:127.0.0.1:0" })
    local endpoint, err = sip.endpoint { listen = first.addresses[1] }
    assert.is_nil(endpoint)
    assert.matches(first.addresses[1], err.message, 1, true)
    endpoint, err = sip.endpoint { listen = "udp:192.0.2.1:5060" }
    assert.is_nil(endpoint)
    assert.matches("no address of this machine", err.message)
    first:close()
    assert.is_false(sip.run())
  end)
end)

describe("an endpoint", function()
  local w

  before_each(function()
    w = World.new()
  end)

  after_each(function()
    w:finish()
  end)

  it("knows its events and no others", function()
    for _, bad in ipairs { "session", "state_changed", 7 } do
      assert.has_error(function()
        w.endpoint:on(bad, function() end)
      end)
    end
    assert.has_error(function()
      w.endpoint:on "error"
    end)
    assert.has_error(function()
      w.endpoint:on("error", {})
    end)
  end)

  it("has no fields to write but media", function()
    assert.is_nil(w.endpoint.colour)
    assert.error_matches(function()
      w.endpoint.colour = "red"
    end, "field 'colour' can't be set; writable: 'media', 'reliable'")
    assert.has_error(function()
      w.endpoint.media = 7
    end)
    local media = {}
    w.endpoint.media = media
    assert.equal(media, w.endpoint.media)
  end)

  it("answers unhandled_code when its handlers have been removed", function()
    local remove = w.endpoint:on("session_received", function(session)
      session:reject(600)
    end)
    local call = w:invite { auto = true }
    assert(call:wait(600))
    remove()
    remove()
    call = w:invite { auto = true }
    assert(call:wait(480))
  end)

  it("tells of every message as it goes over the wire", function()
    local log, texts = {}, {}
    local remove = w.endpoint:on("message", function(direction, text, address)
      log[#log + 1] = ("%s %s %s"):format(direction, text:match "^[^\r]*",
        address)
      texts[#texts + 1] = text
    end)
    w:serve(function(session)
      session:reject(486)
    end)
    local call = w:invite { auto = true }
    local busy = assert(call:wait(486))
    w.network:advance(1)
    assert.same({
      "in INVITE sip:desk@10.0.0.1 SIP/2.0 udp:10.0.0.2:5060",
      "out SIP/2.0 486 Busy Here udp:10.0.0.2:5060",
      "in ACK sip:desk@10.0.0.1 SIP/2.0 udp:10.0.0.2:5060",
    }, log)
    assert.equal(tostring(busy), texts[2])
    remove()
    w:invite { auto = true }
    w.network:advance(1)
    assert.equal(3, #log)
  end)

  it("tells of messages of one batch in their order", function()
    local log = {}
    w.endpoint:on("message", function(direction, text)
      log[#log + 1] = direction .. text:match "CSeq: (%d+)"
      sip.sleep(0.1)
    end)
    for i = 1, 3 do
      w.caller:send(table.concat({
        "OPTIONS sip:desk@10.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKorder" .. i,
        "From: <sip:ann@example.com>;tag=a", "To: <sip:desk@10.0.0.1>",
        "Call-ID: order" .. i, "CSeq: " .. i .. " OPTIONS", "", "",
      }, "\r\n"), "udp:10.0.0.1:5060")
    end
    w.network:advance(1)
    assert.equal(6, #log)
    local ins = {}
    for _, entry in ipairs(log) do
      ins[#ins + 1] = entry:match "^in(%d)"
    end
    assert.same({ "1", "2", "3" }, ins)
  end)

  it("counts", function()
    local stats = w.endpoint:stats()
    for name, value in pairs(stats) do
      if name ~= "alive" then
        assert.equal(0, value, name)
      end
    end
    w:serve(function(session)
      session:reject(486)
    end)
    w:invite { auto = true }
    w.network:advance(0)
    stats = w.endpoint:stats()
    assert.equal(1, stats.calls_received)
    assert.equal(1, stats.calls_rejected)
    assert.equal(0, stats.alive.sessions)
    assert.equal("integer", math.type(stats.alive.transactions))
  end)

  it("can be read, closed and closed again when it is closed", function()
    w.endpoint:close()
    w.endpoint:close { ["X-Reason"] = "again" }
    assert.is_true(w.endpoint.is_closed)
    w.network:advance(10)
    assert.equal("udp:10.0.0.1:5060", w.endpoint.addresses[1])
    assert.equal(0, w.endpoint.sessions)
    assert.equal(0, w.endpoint:stats().calls_received)
    assert.equal("function", type(w.endpoint:on("error", function() end)))
    assert.matches("closed", tostring(w.endpoint))
  end)

  it("ends its calls when it is closed, and their accepts", function()
    w:serve(function(session)
      w:outcome(session:participate())
    end)
    local first = w:invite { auto = true }
    w.network:advance(0)
    local second = w:invite()
    w.network:advance(0.3)
    w.endpoint:close { ["X-Reason"] = "night" }
    local bye = assert(first:wait "BYE")
    assert.equal("night", bye:header "X-Reason")
    second:ack()
    assert(second:wait "BYE")
    w.network:advance(1)
    assert.matches("accept operation_failure endpoint_closed",
      table.concat(w.log, "\n"), 1, true)
  end)
end)

describe("an endpoint that goes out of", function()
  local network

  before_each(function()
    network = testing.network()
  end)

  after_each(function()
    network:close()
  end)

  local function open()
    return sip.endpoint { listen = "udp:10.0.0.1:5060", network = network }
  end

  it("scope is closed", function()
    local kept
    do
      local endpoint <close> = assert(open())
      kept = endpoint
    end
    assert.is_true(kept.is_closed)
    network:advance(3)
    assert(open())
  end)

  it("reach is collected and closed", function()
    assert(open()):on("session_received", function() end)
    collectgarbage()
    collectgarbage()
    network:advance(3)
    assert(open())
  end)

  it("reach stays as long as it has calls", function()
    local states = {}
    local endpoint = assert(open())
    endpoint:on("session_received", function(session)
      session:on("state_changed", function(_, change)
        states[#states + 1] = change.state
      end)
      session:participate()
    end)
    local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
    local call = caller:invite { to = "sip:desk@10.0.0.1" }
    assert(call:wait(200))
    endpoint = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    network:advance(5)
    assert.is_nil((open()))
    call:bye()
    assert(call:wait(200))
    network:advance(1)
    assert.same({ "connecting", "connected", "disconnected" }, states)
    collectgarbage()
    collectgarbage()
    network:advance(40)
    assert(open())
  end)
end)
