-- Who sends what costs most to read doesn't slow anybody down: libosip2 alone
-- needs a third of a second for some of these.
local Siege = require "support.siege"
local SLOW = require "support.slow_messages"

local SECONDS = Siege.LONG and 30 or 2

describe("datagrams of 60 KB #slow", function()
  local siege

  before_each(function()
    siege = Siege.new()
  end)
  after_each(function()
    siege:finish()
  end)

  it("at twenty a second leave others their 50 ms and the processor its rest",
    function()
      local socket = siege:socket()
      local port, turn = socket:getsockname().port, 0
      Siege.best_of_three(function()
        local before, received = siege:used(), siege:fresh().messages_in
        local took = siege:ask(100, SECONDS)
        siege:every(20, SECONDS, function()
          turn = turn + 1
          local text = SLOW[turn % #SLOW + 1][2]
          assert(#text > 55000 and #text < 65000)
          siege:send(socket, text:format(port, turn, turn))
        end)
        siege:run(SECONDS + 0.2)
        local share = (siege:used() - before) / SECONDS
        local p99 = Siege.percentile(took, 99)
        Siege.say("%d slow ones, %d OPTIONS: CPU %.1f %%, p99 %.1f ms",
          20 * SECONDS, #took, share * 100, p99)
        assert.equal(took.sent, #took)
        assert.is_true(siege:fresh().messages_in - received >= 120 * SECONDS)
        return share < 0.3 and p99 < 50,
          ("%.0f %%, p99 %.1f ms"):format(share * 100, p99)
      end)
    end)
end)
