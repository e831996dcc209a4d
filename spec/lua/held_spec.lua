-- What the library keeps for a script and what it lets go, when the collector
-- says so: by bundles (src/lua/bundle.c) and in tables of places
-- (src/lua/live.c).
local sip = require "sipsession"
local World = require "support.world"
local script = require "support.script"

local function collect()
  collectgarbage()
  collectgarbage()
end

describe("what the collector does at once", function()
  -- Each object with a finalizer is looked at with the world stopped.
  it("has no finalizer of a session, a message or headers to call", function()
    local having = {}
    for name, class in pairs(debug.getregistry()) do
      if type(name) == "string" and name:match "^sipsession%." then
        having[#having + 1] = rawget(class, "__gc") and name:match "%.(.*)"
      end
    end
    table.sort(having)
    assert.same({ "attempt", "bundle", "endpoint", "network", "peer",
      "referral" }, having)
  end)
end)

describe("ended calls", function()
  local w

  before_each(function()
    w = World.new()
  end)
  after_each(function()
    w:finish()
  end)

  -- So many calls, each answered, ended and handed to `see` with its ACK.
  local function calls(n, see)
    local forget = w.endpoint:on("session_received", function(session)
      see(session, assert(session:participate()))
      session:terminate()
    end)
    for _ = 1, n do
      w:invite { sdp = World.OFFER, auto = true }
      w.network:advance(1)
    end
    w.network:advance(40)
    forget()
  end

  it("stay readable for who kept them, among others that went", function()
    local kept, n = {}, 0
    calls(100, function(session, ack)
      n = n + 1
      if n % 9 == 0 then
        kept[#kept + 1] = { session = session, id = session.call_id }
      elseif n % 9 == 1 then
        kept[#kept + 1] = { message = session.request, id = session.call_id }
      elseif n % 9 == 2 then
        kept[#kept + 1] = { message = ack, id = session.call_id }
      end
    end)
    collect()
    calls(20, function() end) -- what nobody has goes meanwhile
    assert.equal(34, #kept)
    for _, k in ipairs(kept) do
      if k.session then
        assert.equal("disconnected", k.session.state)
        assert.equal(k.id, k.session.call_id)
        assert.equal(k.id, k.session.request:header "Call-ID")
        assert.equal("connected", k.session.record.outcome)
      else
        assert.equal(k.id, k.message:header "Call-ID")
      end
    end
  end)

  it("have messages that are what came, whenever they are read", function()
    local sent, got = {}, {}
    w.endpoint:on("message", function(direction, text)
      if direction == "in" and text:match "^ACK" then
        sent[#sent + 1] = text
      end
    end)
    calls(3, function(_, ack)
      got[#got + 1] = ack
    end)
    collect()
    for i = 1, 3 do
      assert.equal("ACK", got[i].method)
      assert.equal(sent[i], tostring(got[i]))
      assert.equal(i - 1, math.floor(got[i].time))
      assert.has_error(function()
        got[i]:respond(200)
      end)
    end
  end)
end)

-- Its bundle is finalized, and emptied by what finalizers parse, while it is
-- read. Each step of the collector calls ten of those at most.
it("a message that a finalizer brought back can be read to the end", function()
  local output, ok, status = script [[
    local parse = require("sipsession")._message
    local lines = { "OPTIONS sip:a@b SIP/2.0", "From: <sip:a@b>;tag=1",
      "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1", "To: <sip:a@b>",
      "Call-ID: 1", "CSeq: 1 OPTIONS" }
    for i = 1, 90 do
      lines[#lines + 1] = ("X-Long-%d: %s"):format(i, ("x"):rep(i))
    end
    local text = table.concat(lines, "\r\n") .. "\r\n\r\n"
    collectgarbage("incremental", 1000, 100, 1)
    collectgarbage()
    collectgarbage "stop"
    local saved, emptied
    setmetatable({}, { __gc = function() -- the oldest: the last to be called
      for _ = 1, 50 do
        parse(text)
      end
      emptied = true
    end })
    for _ = 1, 16 do
      assert(parse(text)) -- a bundle begins
    end
    local back = { assert(parse(text)) }
    for _ = 1, 32 do
      assert(parse(text)) -- and is no more the one that is filled
    end
    for _ = 1, 20 do
      setmetatable({}, { __gc = function() end })
    end
    setmetatable(back, { __gc = function(self)
      saved = self[1]
    end })
    back = nil
    while not saved do
      collectgarbage("step", 0)
    end
    assert(not emptied)
    collectgarbage "restart"
    local headers = saved:headers()
    assert(emptied)
    for i = 1, 90 do
      assert(headers[5 + i][2] == ("x"):rep(i))
    end
    print(pcall(function()
      return saved.method
    end))
  ]]
  assert.match("^false\t.*this message has been freed\n$", output)
  assert.is_true(ok, status)
end)

-- A script's finalizer runs wherever something is allocated.
describe("a network that is being closed, by a finalizer", function()
  -- In an interpreter of its own, for who fails goes round for ever. Each
  -- allocation is a cycle of the collector; the calls take several bundles.
  local function closes(how)
    local output, ok, status = script([[
      local sip = require "sipsession"
      local network = require("sipsession.testing").network()
      local core = network.core
      local endpoint = assert(sip.endpoint {
        listen = "udp:10.0.0.1:5060", network = network })
      local sessions = {}
      endpoint:on("session_received", function(session)
        sessions[#sessions + 1] = session
        session:participate()
      end)
      local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
      for _ = 1, 60 do
        caller:invite { to = "sip:desk@10.0.0.1" }
      end
      network:advance(1)
      local closing, done
      local function watch()
        setmetatable({}, { __gc = function()
          if not closing then
            return watch()
          end
          closing = false
          ]] .. how .. [[

          done = true
        end })
      end
      watch()
      collectgarbage("incremental", 1, 1000, 24)
      collectgarbage()
      closing = true
      core:close()
      assert(done)
      for _, session in ipairs(sessions) do
        assert(session.state == "disconnected")
        assert(session.request.method == "INVITE")
      end
      print(#sessions)
    ]])
    assert.is_true(ok, tostring(status) .. output)
    return output
  end

  it("is closed once", function()
    assert.equal("60\n", closes "core:close()")
  end)

  it("has calls that end meanwhile", function()
    assert.equal("60\n", closes [[
      endpoint:close()
      while core:step(core:now() + 70) do
      end
    ]])
  end)

  it("has calls that come meanwhile", function()
    assert.equal("90\n", closes [[
      for _ = 1, 30 do
        caller:invite { to = "sip:desk@10.0.0.1" }
      end
      for _ = 1, 600 do
        core:step(core:now() + 1)
      end
    ]])
  end)
end)

describe("more headers than lie in one piece", function()
  it("come whole", function()
    local w = World.new()
    local long = {}
    for i = 1, 40 do
      long[i] = ("%02d"):format(i):rep(i * 4)
    end
    w.endpoint:on("session_received", function(session)
      session:reject(486, { ["X-Long"] = long })
    end)
    local call = w:invite {}
    w.network:advance(1)
    local final = call.responses[#call.responses]
    assert.equal(486, final.code)
    assert.same(long, final:headers "X-Long")
    w:finish()
  end)
end)

describe("who waits", function()
  it("is found again in whatever order waits begin and end", function()
    local network = require("sipsession.testing").network()
    local woken, order = 0, {}
    for i = 1, 500 do
      sip.spawn(function()
        for k = 1, 5 do
          sip.sleep((i * 7919 * k) % 101 / 10)
          woken = woken + 1
        end
        order[#order + 1] = i
      end)
    end
    network:advance(100)
    assert.equal(2500, woken)
    assert.equal(500, #order)
    assert.equal(0, network.core:alive().waiters)
    network:close()
  end)

  it("is told in a finalizer that the network goes too", function()
    local yielding, blocking
    local function forget()
      local network = require("sipsession.testing").network()
      network.goes_with_it = setmetatable({}, { __gc = function()
        sip.spawn(function()
          yielding = table.pack(pcall(sip.sleep, 1))
        end)
        -- where that one isn't told, this one would never end
        blocking = yielding and table.pack(pcall(sip.sleep, 1))
      end })
    end
    forget()
    collect()
    assert.same({ false, "a wait in a network that is gone", n = 2 }, yielding)
    assert.same(yielding, blocking)
  end)
end)
