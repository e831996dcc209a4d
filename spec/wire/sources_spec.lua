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

  it("leave ten of another their 100 ms, and are told so once a second",
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
      local function flood(seconds)
        siege:every(1000, seconds, function()
          siege:send(socket, siege:request("INVITE",
            { host = "127.0.0.66", port = port }))
        end)
      end
      Siege.best_of_three(function()
        flood(SECONDS)
        siege:run(0.3) -- its burst is over
        limited = 0
        local used = siege:used()
        local took = siege:ask(10, SECONDS, { host = "127.0.0.67",
          method = "INVITE" })
        siege:run(SECONDS + 0.3)
        local share = (siege:used() - used) / SECONDS
        local p99 = Siege.percentile(took, 99)
        Siege.say("p99 of the other %.1f ms, CPU %.1f %%, %d times 503", p99,
          share * 100, limited)
        assert.equal(took.sent, #took)
        assert.same({ [486] = took.sent }, took.codes)
        assert.is_true(limited >= 1 and limited <= SECONDS + 1, limited)
        return p99 < 100, ("p99 %.1f ms"):format(p99)
      end)
      assert.is_string(retry)
      assert.is_true(siege:fresh().refused_rate > 800 * SECONDS)
    end)
end)
