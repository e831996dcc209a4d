-- One source that floods is held back, and another doesn't notice (see
-- `invites_per_source`).
local Siege = require "support.siege"

local SECONDS = Siege.LONG and 30 or 2

describe("a thousand INVITEs a second of one source #slow", function()
  local siege

  before_each(function()
    siege = Siege.new { handler = "session:reject(486)",
      endpoint = "{ limits = { invites_per_source = 50 } }" }
  end)
  after_each(function()
    siege:finish()
  end)

  it("leave ten of another their answers, and are told so once a second",
    function()
      local answers, limited, retry = 0, 0, nil
      local socket = siege:socket("127.0.0.66", function(bytes)
        answers = answers + 1
        if bytes:find "^SIP/2%.0 503 " then
          limited = limited + 1
          retry = retry or bytes:match "\r\nRetry%-After: (%d+)"
        end
      end)
      local port = socket:getsockname().port
      siege:every(1000, SECONDS, function()
        siege:send(socket, siege:request("INVITE",
          { host = "127.0.0.66", port = port }))
      end)
      siege:run(0.3) -- its burst is over
      limited = 0
      local used, began = siege:used(), siege.wire.time()
      local took = siege:ask(10, SECONDS, { host = "127.0.0.67",
        method = "INVITE" })
      siege:run(SECONDS)
      siege:wait(function()
        return #took == 10 * SECONDS
      end)
      local seconds = siege.wire.time() - began
      local share = (siege:used() - used) / SECONDS
      local median = Siege.percentile(took, 50)
      Siege.say("the other's median %.1f ms, CPU %.1f %%, %d times 503",
        median, share * 100, limited)
      assert.equal(10 * SECONDS, #took)
      assert.same({ [486] = 10 * SECONDS }, took.codes)
      assert.is_true(limited >= 1 and limited <= seconds + 1, limited)
      assert.is_true(share < 0.2 * Siege.SLOWER, share)
      assert.is_true(median < 100, median)
      assert.is_string(retry)
      assert.is_true(siege:fresh().refused_rate > 800 * SECONDS)
    end)
end)
