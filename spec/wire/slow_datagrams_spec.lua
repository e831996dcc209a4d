-- Who sends what costs most to read doesn't slow anybody down: libosip2 alone
-- needs a third of a second for some of these.
local Siege = require "support.siege"
local slow_messages = require "support.slow_messages"

local SECONDS = Siege.LONG and 30 or 2
local SMALL, LARGE = 15500, 60000 -- within limits.header_size, and over it
local BAR = 1 * Siege.SLOWER -- ms of a processor, for one

describe("datagrams that are slow to read #slow", function()
  local siege

  before_each(function()
    siege = Siege.new { handler = "session:participate()" }
  end)
  after_each(function()
    siege:finish()
  end)

  -- Each is behind the answer to the one before it: none is lost for room. What
  -- one costs is the least of some, apart from each other: what else a machine
  -- does adds to it, and lasts for longer than one takes.
  it("cost no more than some ordinary ones, each kind of them", function()
    local rounds = Siege.LONG and 25 or 5
    local answered, refused, sent = {}, 0, 0
    local socket = siege:socket(nil, function(bytes)
      answered[bytes:match "\r\nCall%-ID: ([^\r]*)"] = true
    end)
    local port = socket:getsockname().port
    local function probe()
      local text = siege:request("OPTIONS", { port = port })
      siege:send(socket, text)
      assert(siege:wait(function()
        return answered[text:match "\r\nCall%-ID: ([^\r]*)"]
      end), siege.last)
    end
    local kinds = {}
    for _, size in ipairs { SMALL, LARGE } do
      for _, kind in ipairs(slow_messages(size)) do
        for _, method in ipairs { "OPTIONS", "INVITE" } do
          kinds[#kinds + 1] = { size = size, method = method, text = kind[2],
            over = kind[3], least = math.huge, name = ("%s, %d bytes of %s")
              :format(kind[1], size, method) }
        end
      end
    end
    local function cost(kind)
      sent = sent + 1
      refused = refused + (kind.over and 1 or 0)
      local text, used = kind.text(kind.method, port, sent), siege:used()
      assert(#text < kind.size and #text > kind.size - 1000)
      siege:send(socket, text)
      probe()
      return (siege:used() - used) * 1000
    end
    probe()
    local before = siege:fresh()
    for _ = 1, rounds do
      for _, kind in ipairs(kinds) do
        kind.least = math.min(kind.least, cost(kind))
      end
      siege:run(0.05)
    end
    table.sort(kinds, function(a, b)
      return a.least > b.least
    end)
    local worst = ("%s: %.2f ms of CPU"):format(kinds[1].name, kinds[1].least)
    Siege.say("the worst: %s", worst)
    assert.is_true(kinds[1].least < BAR, worst)
    local after = siege:fresh()
    assert.equal(2 * sent, after.messages_in - before.messages_in)
    assert.equal(refused, after.refused_limit)
  end)

  it("at twenty a second leave others their answers, the processor its rest",
    function()
      local socket = siege:socket()
      local port, kinds = socket:getsockname().port, slow_messages(LARGE)
      local before, received = siege:used(), siege:fresh().messages_in
      local took = siege:ask(100, SECONDS)
      siege:every(20, SECONDS, function(n)
        siege:send(socket, kinds[n % #kinds + 1][2]("OPTIONS", port, n))
      end)
      siege:run(SECONDS)
      siege:wait(function()
        return #took == 100 * SECONDS
      end)
      local share = (siege:used() - before) / SECONDS
      local median = Siege.percentile(took, 50)
      Siege.say("%d slow ones, %d OPTIONS: CPU %.1f %%, median %.1f ms, "
        .. "p99 %.1f ms", 20 * SECONDS, #took, share * 100, median,
        Siege.percentile(took, 99))
      assert.equal(100 * SECONDS, #took)
      assert.is_true(siege:fresh().messages_in - received >= 120 * SECONDS)
      assert.is_true(share < 0.05 * Siege.SLOWER, share)
      assert.is_true(median < 50, median)
    end)
end)
