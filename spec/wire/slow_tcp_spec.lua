-- Connections that dawdle, flood or say nothing don't keep others waiting, and
-- each is ended in its time.
local Siege = require "support.siege"
local Stream = require "support.stream"

local BAR = 20 * Siege.SLOWER -- ms of a processor, until one has its answer

describe("a siege of connections #slow:", function()
  local siege

  after_each(function()
    siege:finish()
  end)

  local function start(limits, descriptors)
    siege = Siege.new { endpoint = ("{ limits = { %s } }"):format(limits or ""),
      descriptors = descriptors }
  end

  -- A connection of its own, made now, has its answer: ms that took, and those
  -- for which the server was at work meanwhile.
  local function visit()
    local began, used = siege.wire.time(), siege:used()
    local stream = siege:stream()
    stream:send(siege:request("OPTIONS", { protocol = "TCP" }))
    assert(siege:wait(function()
      return stream.messages[1] or stream.ended
    end), siege.last)
    local took, busy = siege.wire.time() - began, siege:used() - used
    assert.matches("^SIP/2%.0 200 ", stream.messages[1])
    stream:close()
    return took * 1000, busy * 1000
  end

  -- Nothing keeps ten visits from their answers, but for one, which the machine
  -- may keep: what the server does only once is for cheap() to see.
  local function served(what)
    local times, work = {}, {}
    for i = 1, 10 do
      times[i], work[i] = visit()
      siege:run(0.02)
    end
    local median = Siege.percentile(times, 50)
    local worst = Siege.percentile(work, 90)
    Siege.say("%s: ten visits, median %.1f ms, the worst but one %.1f ms of "
      .. "CPU", what, median, worst)
    assert.is_true(worst < BAR, ("%s: %.1f ms of CPU"):format(what, worst))
    assert.is_true(median < 100, ("%s: %.1f ms"):format(what, median))
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

  -- All that the server has done until now took less than so many ms.
  local function cheap(ms)
    local used = siege:used() * 1000
    Siege.say("%.0f ms of CPU", used)
    assert.is_true(used < ms * Siege.SLOWER, used)
  end

  it("a hundred that send ten bytes a second are ended in their time",
    function()
      start "message_time = 2"
      local streams, text = open(100), siege:request "OPTIONS"
      local began = siege.wire.time()
      siege:every(10, 5, function(i)
        for _, stream in ipairs(streams) do
          stream:send(text:sub(i, i))
        end
      end)
      served "slow"
      assert.is_true(all_ended(streams, 6))
      local took = siege.wire.time() - began
      assert.is_true(took > 1.9 and took < 4.5, took)
      assert.equal(100, siege:fresh().refused_slow)
      cheap(150)
    end)

  it("three hundred are taken at once, and say nothing", function()
    start "connection_idle = 2"
    local used, began = siege:used(), siege.wire.time()
    local streams = open(300)
    local busy, took = siege:used() - used, siege.wire.time() - began
    Siege.say("300 connects: %.0f ms, %.1f ms of CPU", took * 1000, busy * 1000)
    assert.is_true(busy < 0.1 * Siege.SLOWER, busy)
    served "idle"
    assert.equal(0, siege:fresh().refused_connections)
    assert.is_true(all_ended(streams, 5))
    assert.is_true(siege.wire.time() - began > 1.9)
    assert.equal(300, siege:fresh().refused_idle)
    cheap(150)
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
    cheap(150)
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
    assert.equal(50, siege:fresh().refused_size)
    cheap(150)
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
    assert.is_true(cut > 0)
    assert.is_true(siege:fresh().refused_backlog >= cut)
    assert.is_true(Siege.SANITIZED or siege:memory() < before + 8000,
      siege:memory())
    served "flood over"
  end)

  -- The first system call of its answers is answered by a reset, and the next
  -- one would be by a SIGPIPE.
  it("those that ask a hundred times and are gone", function()
    start()
    local streams, chunk = open(20), {}
    for i = 1, 100 do
      chunk[i] = siege:request("OPTIONS", { protocol = "TCP" })
    end
    for _, stream in ipairs(streams) do
      stream:send(table.concat(chunk))
      stream:close()
    end
    served "gone"
    local stats = siege:fresh()
    assert.is_true(stats.requests_in > 100, stats.requests_in)
    assert.equal(0, stats["alive.connections"])
    cheap(150)
  end)
end)
