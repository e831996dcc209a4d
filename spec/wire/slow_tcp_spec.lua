-- Connections that dawdle, flood or say nothing don't keep others waiting, and
-- each is ended in its time.
local Siege = require "support.siege"
local Stream = require "support.stream"

local BAR = 50 -- ms until a new connection has its answer

describe("a siege of connections #slow:", function()
  local siege

  after_each(function()
    siege:finish()
  end)

  local function start(limits, descriptors)
    siege = Siege.new { endpoint = ("{ limits = { %s } }"):format(limits or ""),
      descriptors = descriptors }
  end

  -- ms until a connection of its own, made now, has its answer.
  local function visit()
    local start = siege.wire.time()
    local stream = siege:stream()
    stream:send(siege:request("OPTIONS", { protocol = "TCP" }))
    assert(siege:wait(function()
      return stream.messages[1] or stream.ended
    end))
    assert.matches("^SIP/2%.0 200 ", stream.messages[1])
    stream:close()
    return (siege.wire.time() - start) * 1000
  end

  -- The worst of ten visits, in each of three tries.
  local function served(what)
    Siege.best_of_three(function()
      local worst = 0
      for _ = 1, 10 do
        worst = math.max(worst, visit())
        siege:run(0.02)
      end
      Siege.say("%s: worst of ten visits %.1f ms", what, worst)
      return worst < BAR, ("%s: %.1f ms"):format(what, worst)
    end)
  end

  local function open(n)
    local streams = {}
    for i = 1, n do
      streams[i] = siege:stream()
    end
    assert(siege:wait(function()
      for _, stream in ipairs(streams) do
        if not stream.connected then
          return false
        end
      end
      return true
    end))
    return streams
  end

  local function all_ended(streams, seconds)
    return siege:wait(function()
      for _, stream in ipairs(streams) do
        if not stream.ended then
          return false
        end
      end
      return true
    end, seconds)
  end

  it("a hundred that send ten bytes a second are ended in their time",
    function()
      start "message_time = 2"
      local streams, text = open(100), siege:request "OPTIONS"
      local began = siege.wire.time()
      siege:every(10, 4, function(i)
        for _, stream in ipairs(streams) do
          stream:send(text:sub(i, i))
        end
      end)
      served "slow"
      assert.is_true(all_ended(streams, 5))
      local took = siege.wire.time() - began
      assert.is_true(took > 1.9 and took < 3, took)
      assert.equal(100, siege:fresh().refused_slow)
    end)

  it("three hundred are taken within a second, and say nothing", function()
    start "connection_idle = 1"
    local began = siege.wire.time()
    local streams = open(300)
    local took = siege.wire.time() - began
    Siege.say("300 connects: %.0f ms", took * 1000)
    assert.is_true(took < 1, took)
    served "idle"
    assert.is_true(all_ended(streams, 3))
    assert.equal(300, siege:fresh().refused_idle)
  end)

  it("half-open ones and a megabyte of garbage", function()
    start()
    local streams = open(50)
    for i, stream in ipairs(streams) do
      if i % 2 == 0 then
        stream:shut()
      else
        stream:send(("\255\0x\r"):rep(250000))
      end
    end
    served "garbage"
    assert.is_true(all_ended(streams, 5))
    local stats = siege:fresh()
    assert.equal(25, stats.refused_syntax + stats.refused_size
      + stats.refused_length + stats.refused_unanswerable)
    assert.equal(0, stats["alive.connections"])
  end)

  it("a body of four thousand million octets", function()
    start()
    local streams = open(50)
    for _, stream in ipairs(streams) do
      stream:send((siege:request("INVITE", { protocol = "TCP" })
        :gsub("Length: 0", "Length: 4000000000")))
    end
    served "4e9"
    assert.is_true(all_ended(streams, 5))
    for _, stream in ipairs(streams) do
      assert.matches("^SIP/2%.0 513 ", stream.messages[1])
    end
  end)

  -- libuv's own write queue keeps what the kernel doesn't take, so the flood is
  -- made to measure: four hundred kilobytes at a time.
  it("one that asks and never reads is cut off at its backlog", function()
    start "connection_backlog = 100000"
    local before = siege:memory()
    local seconds, cut = Siege.LONG and 60 or 2, 0
    local deaf, flood
    local function another()
      deaf = Stream.connect("127.0.0.1", siege.tcp_port, { deaf = true })
      siege.wire.open[#siege.wire.open + 1] = deaf
    end
    local chunk = {}
    for i = 1, 1000 do
      chunk[i] = siege:request("OPTIONS", { protocol = "TCP" })
    end
    flood = table.concat(chunk)
    another()
    siege:every(50, seconds, function()
      if deaf.handle:is_closing() then
        another()
      elseif deaf.handle:write_queue_size() < 1000000 then
        deaf.handle:write(flood, function(err)
          if err and not deaf.handle:is_closing() then
            cut = cut + 1
            deaf:close()
          end
        end)
      end
    end)
    served "flood"
    siege:run(seconds)
    Siege.say("flood: cut off %d times, %d -> %d KB", cut, before,
      siege:memory())
    assert.is_true(siege:fresh().refused_backlog > 0)
    assert.is_true(cut > 0)
    assert.is_true(Siege.SANITIZED or siege:memory() < before + 8000,
      siege:memory())
    served "flood over" -- and it has not died of a SIGPIPE
  end)
end)
