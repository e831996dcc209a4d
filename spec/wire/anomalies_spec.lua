-- Some thousand anomalies in INVITE, CANCEL and ACK (support.anomalies), with a
-- probe after each fifty: none stops the server, none slows it down, and when
-- they are over and forgotten its memory is what it was. In each round they
-- come in another order, in every other one apart from their CANCEL and ACK.
local Siege = require "support.siege"
local anomalies = require "support.anomalies"

local T1, T4 = 0.01, 0.04

-- How long one may be remembered: an INVITE is rejected in the turn in which it
-- came, and never accepted, so nothing is left of it after Timer H and, with
-- its ACK, I; nor of another request after Timer J (RFC 3261 17.2).
local LIFE = 64 * T1 + T4

-- The server says what is alive four times a second, by a timer in the same
-- wheel: what it says so many times later, it says after all those have fired,
-- however late they do.
local TELLINGS = math.ceil(LIFE / 0.25) + 1

describe("anomalies #slow", function()
  local siege

  before_each(function()
    siege = Siege.new { handler = "session:reject(486)",
      endpoint = ("{ timers = { t1 = %g, t2 = 0.04, t4 = %g } }")
        :format(T1, T4) }
  end)
  after_each(function()
    siege:finish()
  end)

  local function shuffle(list)
    for i = #list, 2, -1 do
      local j = math.random(i)
      list[i], list[j] = list[j], list[i]
    end
  end

  -- Every message, { number, anomaly, method }, numbered from n + 1, in an
  -- order of its own for each seed.
  local function all(n, seed)
    local odd, list = {}, {}
    anomalies.pairs_of(function(name, value)
      odd[#odd + 1] = { [name] = value }
    end)
    math.randomseed(seed)
    shuffle(odd)
    for i, one in ipairs(odd) do
      for _, method in ipairs { "INVITE", "CANCEL", "ACK" } do
        list[#list + 1] = { n + i, one, method }
      end
    end
    if seed % 2 == 1 then
      shuffle(list)
    end
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
    local port = socket:getsockname().port
    local sent, worst, dearest, seed = 0, 0, 0, 1

    local function probe()
      local text = siege:request "OPTIONS"
      local id, began = text:match "Call%-ID: ([^\r]*)", siege.wire.time()
      siege:send(asker, text)
      assert(siege:wait(function()
        return answered[id]
      end, 30), "no answer to a probe")
      worst = math.max(worst, siege.wire.time() - began)
    end

    local function round()
      local list, used = all(sent // 3, seed), siege:used()
      for i, item in ipairs(list) do
        siege:send(socket, anomalies.message(item[3], item[1], port, item[2]))
        if i % 150 == 0 or i == #list then
          probe() -- it has read them all
          dearest = math.max(dearest, siege:used() - used)
          used = siege:used()
        end
      end
      sent = sent + #list
      local s = siege:fresh(TELLINGS)
      assert.equal(0, s["alive.sessions"] + s["alive.lingering"]
        + s["alive.dialogs"] + s["alive.transactions"],
        ("order %d: %s"):format(seed, siege.last))
      seed = seed + 1
    end

    -- What it keeps for later (the C library's arenas, Lua's) grows for a
    -- dozen rounds, to a half more, and then no more.
    local rounds, bar = 1, 2
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
    Siege.say("%d anomalies, %d answers, worst probe %.1f ms, at most %.1f ms "
      .. "of CPU for 150, %d -> %d KB", sent, answers, worst * 1000,
      dearest * 1000, before, after)
    assert.is_true(dearest < 0.1 * Siege.SLOWER, dearest)
    assert.is_true(sent > 9000 * rounds)
    assert.is_true(stats.messages_in > 0.99 * sent, stats.messages_in)
    assert.is_true(stats.calls_received > 100)
    assert.is_true(stats.refused_syntax > 1000)
    assert.is_true(Siege.SANITIZED or after < bar * before, after)
  end)
end)
