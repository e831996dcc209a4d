-- An interface goes down, loses its address or is deleted, under a server that
-- listens there and has calls there; then it is as it was. The server and its
-- callers are in two network namespaces with a pair of interfaces between them
-- (support.namespace), and a second pair, to which nothing happens.
local Namespace = require "support.namespace"
local Siege = require "support.siege"

if not Namespace.INSIDE then
  describe("an interface that goes away #slow", function()
    it("ends what it has to, and nothing else", function()
      local why = Namespace.why_not()
      if why then
        return pending(why)
      end
      local output, ok = Namespace.specs "spec/wire/interface_spec.lua"
      assert.is_true(ok, output)
      assert.matches("3 successes / 0 failures / 0 errors / 0 pending", output,
        1, true)
      Siege.say("%s", output)
    end)
  end)
  return
end

local World = require "support.world"

local ADDRESS, CALLER = "10.9.0.1", "10.9.0.2"
local OTHER, ASKER = "10.9.1.1", "10.9.1.2"
local RATE, SECONDS = 50, 0.7 -- of who asks by the other way meanwhile

local ENDPOINT = ([[{ listen = { "udp:%s:5060", "udp:%s:5060", "tcp:%s:5060" },
  timers = { t1 = 0.01, t2 = 0.08, t4 = 0.02 } }]]):format(OTHER, ADDRESS,
  ADDRESS)

-- A call says by its user what becomes of it: `up` stays, `ended` is ended
-- and `late` is answered once a call to `gone` has come, by the other way.
local HANDLER = [[
  local user = session.request_uri:match "^sip:(%a+)%d*@"
  local name = session.request_uri:match "^sip:(%w+)@"
  if user == "gone" then
    GONE = true
    return session:reject(486)
  end
  session:on("state_changed", function(_, change)
    print("log", ("%s %s %s"):format(name, change.state, change.reason))
  end)
  local function wait()
    while not GONE do
      sip.sleep(0.01)
    end
  end
  if user == "late" then
    wait()
  end
  local ack, err = session:participate()
  print("log", name .. " accept " .. (ack and ack.method or err.kind))
  if user == "ended" then
    wait()
    session:terminate()
  end
]]

-- What happens to the interface, and what brings it back.
local KINDS = {
  { "goes down", "link set %s down", function(there)
    there:ip "link set near up"
  end },
  { "loses its address", "addr del " .. ADDRESS .. "/24 dev %s",
    function(there)
      there:ip("addr add %s/24 dev near", ADDRESS)
    end },
  { "is deleted", "link del %s", function(there)
    there:pair("near", ADDRESS, CALLER)
  end },
}

describe("a server whose interface", function()
  local there, siege

  before_each(function()
    there = Namespace.new()
    there:pair("near", ADDRESS, CALLER)
    there:pair("other", OTHER, ASKER)
    siege = Siege.new { namespace = there, endpoint = ENDPOINT,
      handler = HANDLER }
  end)
  after_each(function()
    siege:finish()
    there:close()
  end)

  local function invite(peer, user)
    return peer:invite { to = ("sip:%s@%s"):format(user, ADDRESS),
      sdp = World.OFFER, address = ("%s:%s:5060"):format(peer.protocol,
        ADDRESS) }
  end

  local function connect(peer, user)
    local call = invite(peer, user)
    assert(call:wait(200, 5))
    call:ack()
    return call
  end

  -- What became of that call, in order.
  local function said(name)
    local list = {}
    for _, text in ipairs(siege.log) do
      list[#list + 1] = text:match("^" .. name .. " (.*)")
    end
    return list
  end

  local function became(name, expected)
    siege:wait(function()
      return #said(name) >= #expected
    end)
    assert.same(expected, said(name), name)
  end

  for _, kind in ipairs(KINDS) do
    local title, cut, mend = table.unpack(kind)
    it(title, function()
      local up = {}
      for i, protocol in ipairs { "udp", "tcp" } do
        local peer = siege.wire:peer(protocol .. ":" .. CALLER)
        up[i] = connect(peer, "up" .. i)
        connect(peer, "ended" .. i)
        invite(peer, "late" .. i)
      end
      assert(siege:wait(function()
        return siege.stats and siege.stats["alive.sessions"] == 6
      end))

      there:ip(cut, "near")
      local used = siege:used()
      siege:send(siege:socket(ASKER), siege:request("INVITE",
        { user = "gone" }))
      local took = siege:ask(RATE, SECONDS, { host = ASKER })
      siege:run(SECONDS)
      for i = 1, 2 do
        became("late" .. i, { "connecting none", "disconnected timeout",
          "accept operation_timeout" })
        became("ended" .. i, { "connecting none", "connected none",
          "accept ACK", "disconnected terminated_locally" })
        assert.same({ "connecting none", "connected none", "accept ACK" },
          said("up" .. i))
      end
      siege:wait(function()
        return #took == RATE * SECONDS
      end)
      used = siege:used() - used
      local median = Siege.percentile(took, 50)
      assert.equal(RATE * SECONDS, #took)
      assert.is_true(median < 100, median)
      assert.is_true(used < 0.1 * Siege.SLOWER, used)
      assert(siege:wait(function()
        return siege.stats["alive.sessions"] == 2
      end))
      Siege.say("%s: %d sends failed, %.1f ms of CPU, the other's median "
        .. "%.1f ms", title, siege.stats.send_errors, used * 1000, median)
      assert.is_true(siege.stats.send_errors > 10, siege.stats.send_errors)

      mend(there)
      for i, protocol in ipairs { "udp", "tcp" } do
        up[i]:bye()
        assert(up[i]:wait(200, 5))
        became("up" .. i, { "connecting none", "connected none", "accept ACK",
          "disconnected terminated_remotely" })
        local call = connect(siege.wire:peer(protocol .. ":" .. CALLER), "new")
        call:bye()
        assert(call:wait(200, 5))
      end
      assert(siege:wait(function()
        return siege.stats["alive.sessions"] == 0
      end))
      assert.equal(6, siege.stats.calls_connected)
      assert.equal(2, siege.stats.calls_failed)
    end)
  end
end)
