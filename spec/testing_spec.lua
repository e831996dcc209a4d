-- The testing kit: peers, time, losses, the ladder.
local testing = require "sipsession.testing"

local OPTIONS = "OPTIONS sip:b@10.0.0.3 SIP/2.0\r\n"
  .. "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%d\r\n"
  .. "From: <sip:a@10.0.0.2>;tag=1\r\nTo: <sip:b@10.0.0.3>\r\n"
  .. "Call-ID: x%d\r\nCSeq: 7 OPTIONS\r\nMax-Forwards: 70\r\n"
  .. "Content-Length: 0\r\n\r\n"

local function options(n)
  return (OPTIONS:gsub("%%d", tostring(n or 1)))
end

describe("network", function()
  local network, a, b

  before_each(function()
    network = testing.network { seed = 1 }
    a = network:peer "udp:10.0.0.2:5060"
    b = network:peer "udp:10.0.0.3:5060"
  end)

  after_each(function()
    for name, n in pairs(network:leftovers()) do
      assert.equal(0, n, name)
    end
    network:close()
  end)

  it("carries a message from peer to peer", function()
    assert.is_true(a:send(options(), "udp:10.0.0.3:5060"))
    local message = assert(b:receive())
    assert.equal("OPTIONS", message.method)
    assert.equal("x1", message:header "call-id")
    assert.equal(options(), tostring(message))
  end)

  it("sends to the last address when none is given", function()
    a:send(options(1), "udp:10.0.0.3:5060")
    a:send(options(2))
    assert(b:receive())
    assert.equal("x2", assert(b:receive()):header "Call-ID")
    b:send(options(3)) -- to where the last one came from
    assert.equal("x3", assert(a:receive()):header "Call-ID")
  end)

  it("refuses to guess where to send", function()
    assert.error_matches(function()
      a:send(options())
    end, "say where")
  end)

  it("hands over what is no message", function()
    a:send("hello", "udp:10.0.0.3:5060")
    local message = assert(b:receive())
    assert.equal("hello", tostring(message))
    assert.is_string(message.junk)
    assert.is_nil(message:header "Via")
  end)

  it("answers a request with the headers it came with", function()
    a:send(options(), "udp:10.0.0.3:5060")
    b:reply(assert(b:receive()), 486, { ["X-Why"] = { "a", "b" } })
    local answer = assert(a:receive())
    assert.equal(486, answer.code)
    assert.equal("Busy Here", answer.reason)
    assert.equal("7 OPTIONS", answer:header "CSeq")
    assert.same({ "a", "b" }, answer:headers "X-Why")
    assert.matches(";tag=", answer:header "To")
  end)

  it("moves its time by what it is told to", function()
    local began = network:time()
    network:advance(2.5)
    assert.near(2.5, network:time() - began, 0.0011)
  end)

  it("waits in virtual time and gives up", function()
    local began, clock = network:time(), os.time()
    assert.is_nil(a:receive(1000))
    assert.near(1000, network:time() - began, 0.0011)
    assert.is_true(os.time() - clock < 30)
  end)

  it("delays", function()
    network:impair { delay = 0.25 }
    local began = network:time()
    a:send(options(), "udp:10.0.0.3:5060")
    assert.is_nil(b:receive(0.2))
    assert.near(0.25, assert(b:receive()).time - began, 0.0011)
  end)

  local function arrived(how, seed)
    local other = testing.network { seed = seed }
    local from = other:peer "udp:10.0.0.2:5060"
    local to = other:peer "udp:10.0.0.3:5060"
    other:impair(how)
    for i = 1, 200 do
      from:send(options(i), "udp:10.0.0.3:5060")
    end
    local ids = {}
    for message in function() return to:receive(1) end do
      ids[#ids + 1] = message:header "Call-ID"
    end
    other:close()
    return ids
  end

  it("loses about as much as it is told to", function()
    local n = #arrived({ loss = 0.3 }, 1)
    assert.is_true(n > 100 and n < 180, n .. " of 200")
  end)

  it("duplicates", function()
    local n = #arrived({ duplicate = 0.2 }, 1)
    assert.is_true(n > 205 and n < 280, n .. " of 200")
  end)

  it("reorders, and loses nothing by it", function()
    local ids = arrived({ reorder = 0.3, delay = 0.01 }, 1)
    local late = 0
    for i = 2, #ids do
      if tonumber(ids[i]:sub(2)) < tonumber(ids[i - 1]:sub(2)) then
        late = late + 1
      end
    end
    assert.equal(200, #ids)
    assert.is_true(late > 5)
  end)

  it("is repeated exactly by its seed", function()
    local how = { loss = 0.3, duplicate = 0.2, reorder = 0.2, delay = 0.01 }
    assert.same(arrived(how, 5), arrived(how, 5))
    assert.not_same(arrived(how, 5), arrived(how, 6))
  end)

  it("drops what a function chooses, until it is removed", function()
    local seen
    local remove = network:drop(function(message, from, to)
      seen = { message.method, from, to }
      return message:header "Call-ID" == "x2"
    end)
    for i = 1, 3 do
      a:send(options(i), "udp:10.0.0.3:5060")
    end
    assert.equal("x1", b:receive():header "Call-ID")
    assert.equal("x3", b:receive():header "Call-ID")
    assert.same({ "OPTIONS", "udp:10.0.0.2:5060", "udp:10.0.0.3:5060" }, seen)
    remove()
    remove()
    a:send(options(2))
    assert.equal("x2", b:receive():header "Call-ID")
  end)

  it("has several drop functions at once", function()
    local function id(name)
      return network:drop(function(message)
        return message:header "Call-ID" == name
      end)
    end
    local first = id "x1"
    id "x2"
    first()
    for i = 1, 3 do
      a:send(options(i), "udp:10.0.0.3:5060")
    end
    assert.equal("x1", b:receive():header "Call-ID")
    assert.equal("x3", b:receive():header "Call-ID")
  end)

  it("draws a ladder", function()
    network:drop(function(message)
      return message.code == 200
    end)
    a:send(options(), "udp:10.0.0.3:5060")
    b:reply(assert(b:receive()), 200)
    network:advance(0.5)
    a:send(options())
    network:advance(1)
    local lines = {}
    for line in network:trace():gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal(4, #lines)
    assert.matches("udp:10.0.0.2:5060 +udp:10.0.0.3:5060", lines[1])
    assert.matches("^ +0.000  │[─]+ OPTIONS sip:b@10.0.0.3 %(7%) "
      .. "[─]+▶│$", lines[2])
    assert.matches("│ ✗[─]+ 200 OK %(7 OPTIONS%) [─]+│$", lines[3])
    assert.matches("^ +0.500 .*▶│$", lines[4])
    assert.equal(utf8.len(lines[2]), utf8.len(lines[3]))
    network.filters[1] = nil
  end)

  it("cuts long labels in the ladder where it has no room", function()
    a:send(options(), "udp:10.0.0.3:5060")
    network:advance(1)
    for line in network:trace(20):gmatch "[^\n]+" do
      assert.is_true(utf8.len(line) < 50, line)
    end
    assert.matches("…", network:trace(20))
  end)

  it("draws no control of a peer's in the ladder", function()
    local to = "udp:10.0.0.3:5060"
    a:send("SIP/2.0 200 \27[2JOK\r\nCSeq: 1 \27]0;x\7\r\n\r\n", to)
    a:send("OP\27[31mTIONS sip:b\xff@10.0.0.3 SIP/2.0\r\n\r\n", to)
    a:send("SIP/2.0 200 \u{9b}2J\u{202e}KO\r\n\r\n", to)
    a:send("Authorization: Digest response=\"sesame\"\r\n\r\n", to)
    network:advance(1)
    local text = network:trace()
    assert.matches(" 200 \\x1b[2JOK (1 \\x1b]0;x\\x07) ", text, 1, true)
    assert.matches(" OP\\x1b[31mTIONS sip:b\\xff@10.0.0.3 ", text, 1, true)
    assert.matches(" 200 \\xc2\\x9b2J\\xe2\\x80\\xaeKO ", text, 1, true)
    assert.matches(" Authorization: Digest (hidden) ", text, 1, true)
    assert.is_nil(text:find "[\1-\9\11-\31\127]" or text:find "sesame"
      or text:find "\u{9b}")
    local width
    for line in text:gmatch "[^\n]+" do
      if line:find "│" then
        width = width or utf8.len(line)
        assert.equal(width, utf8.len(line))
      end
    end
  end)

  it("keeps no record when it is told so", function()
    local other = testing.network { trace = false }
    other:peer "udp:10.0.0.2:5060":send(options(), "udp:10.0.0.3:5060")
    assert.equal("", other:trace())
    other:close()
    assert.equal("", other:trace())
    other:close()
  end)

  it("has one user for each address", function()
    assert.error_matches(function()
      network:peer "udp:10.0.0.2:5060"
    end, "udp:10.0.0.2:5060")
  end)

  it("raises on what it doesn't know", function()
    for _, wrong in ipairs {
      function() testing.network { sed = 1 } end,
      function() network:impair { los = 1 } end,
      function() network:impair { loss = 2 } end,
      function() network:advance(-1) end,
      function() network:advance "1" end,
      function() network:drop(1) end,
      function() network:peer "10.0.0.9" end,
      function() a:invite { tol = "sip:x@10.0.0.3" } end,
      function() a:invite { to = "sip:x@example.com" } end,
    } do
      local ok, err = pcall(wrong)
      assert.is_false(ok)
      assert.matches("testing_spec.lua", err)
    end
  end)

  it("talks over streams", function()
    local listener = network:peer "tcp:10.0.0.5:5060"
    local caller = network:peer "tcp:10.0.0.4:5060"
    assert.is_true(caller:send(options():sub(1, 50), "tcp:10.0.0.5:5060"))
    assert.is_nil(listener:receive(1))
    caller:send(options():sub(51) .. options(2))
    assert.equal("x1", assert(listener:receive()):header "Call-ID")
    assert.equal("x2", assert(listener:receive()):header "Call-ID")
    listener:send(options(3))
    assert.equal("x3", assert(caller:receive()):header "Call-ID")
    caller:shut()
    network:advance(1)
    assert.is_nil((caller:send(options(), "tcp:10.0.0.6:5060")))
  end)
end)
