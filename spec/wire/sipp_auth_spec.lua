-- SIPp says who it is (the packaged one knows MD5 only), and is let in.
local sip = require "sipsession"
local Loopback = require "support.loopback"
local Process = require "support.process"

local function installed()
  local version = Process.start("sipp", { "-v" })
  return version and version:finish(10) ~= 127
end

describe("sipp with a password #sipp", function()
  if not installed() then
    pending "isn't installed: Debian's sip-tester"
    return
  end
  local w

  before_each(function()
    w = Loopback.new { endpoint = {
      auth = {
        realm = "example.com", algorithms = { "MD5" },
        lookup = function(user)
          sip.sleep(0.01)
          return user == "alice" and "wonderland" or nil
        end,
      },
    } }
    w:serve(function(session)
      session:participate()
    end)
  end)

  after_each(function()
    w:finish()
  end)
  teardown(Loopback.settle)

  -- SIPp's exit status: 0 when all calls went as they should.
  local function call(password, calls, seconds)
    local port = w.address:match "(%d+)$"
    local caller = assert(Process.start("sipp", {
      "-sf", "spec/sipp/authenticated.xml", "127.0.0.1:" .. port,
      "-i", "127.0.0.1", "-p", tostring(Process.free_port()),
      "-m", tostring(calls), "-r", "100", "-nostdin",
      "-timeout", tostring(seconds), "-timeout_error",
      "-au", "alice", "-ap", password,
    }, nil, { seconds = 30 }))
    w.wire:wait(function()
      return caller.ended
    end, 30)
    caller:kill()
    return caller.code
  end

  it("has its calls accepted, and ends them", function()
    assert.equal(0, call("wonderland", 20, 20))
    assert.equal(20, #w.sessions)
    for _, session in ipairs(w.sessions) do
      assert.equal("alice", session.user)
      assert.equal("connected", session.record.outcome)
      assert.equal("terminated_remotely", session.record.reason)
    end
    local stats = w.endpoint:stats()
    assert.equal(0, stats.refused_credentials)
    assert.is_true(stats.challenged >= 40)
  end)

  it("isn't let in with a wrong one", function()
    assert.not_equal(0, call("guess", 1, 1))
    assert.equal(0, #w.sessions)
    assert.is_true(w.endpoint:stats().refused_credentials >= 1)
  end)
end)
