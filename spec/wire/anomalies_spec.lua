-- Some thousand anomalies in INVITE, CANCEL and ACK (support.anomalies), with a
-- probe after each fifty: none stops the server, none slows it down, and when
-- they are over and forgotten its memory is what it was.
local Siege = require "support.siege"
local anomalies = require "support.anomalies"

describe("anomalies #slow", function()
  local siege

  before_each(function()
    siege = Siege.new { handler = "session:reject(486)",
      endpoint = "{ timers = { t1 = 0.01, t2 = 0.04, t4 = 0.04 } }" }
  end)
  after_each(function()
    siege:finish()
  end)

  local function all()
    local list = {}
    anomalies.pairs_of(function(name, value)
      list[#list + 1] = { [name] = value }
    end)
    return list
  end

  it("are survived, and forgotten", function()
    local answered, answers = {}, 0
    local socket = siege:socket(nil, function()
      answers = answers + 1
    end)
    -- its own, which the answers to twenty kilobytes don't fill
    local asker = siege:socket(nil, function(bytes)
      answered[bytes:match "\r\nCall%-ID: ([^\r]*)"] = true
    end)
    local port, worst, sent = socket:getsockname().port, 0, 0
    local list = all()
    assert.is_true(#list > 3000, #list)

    local function probe()
      local text = siege:request "OPTIONS"
      local id, began = text:match "Call%-ID: ([^\r]*)", siege.wire.time()
      siege:send(asker, text)
      assert(siege:wait(function()
        return answered[id]
      end, 5), "no answer to a probe")
      worst = math.max(worst, siege.wire.time() - began)
    end

    local function round()
      for i, odd in ipairs(list) do
        for _, method in ipairs { "INVITE", "CANCEL", "ACK" } do
          siege:send(socket, anomalies.message(method, sent, port, odd))
        end
        sent = sent + 1
        if i % 50 == 0 then
          probe()
        end
      end
      assert(siege:wait(function()
        local s = siege.stats
        return s["alive.sessions"] + s["alive.transactions"] == 0
      end, 30), siege.last)
    end

    -- What it keeps for later (the C library's arenas, Lua's) grows for a
    -- dozen rounds, to a half more, and then no more.
    local rounds, bar = 1, 1.5
    if Siege.LONG then
      rounds, bar = 15, 1.1
    end
    for _ = 1, rounds do
      round()
    end
    local before = siege:memory()
    for _ = 1, rounds do
      round()
    end
    local after, stats = siege:memory(), siege:fresh()
    Siege.say("%d anomalies, %d answers, worst probe %.1f ms, %d -> %d KB",
      3 * sent, answers, worst * 1000, before, after)
    assert.is_true(worst < 1, worst)
    assert.is_true(stats.messages_in > 0.99 * 3 * sent, stats.messages_in)
    assert.is_true(stats.calls_received > 100)
    assert.is_true(stats.refused_syntax > 1000)
    assert.is_true(Siege.SANITIZED or after < bar * before, after)
  end)
end)
