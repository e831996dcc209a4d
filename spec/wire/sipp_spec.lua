-- SIPp, a stack that isn't ours, calls the examples. The long runs, and those
-- with loss, are `make sipp`.
local Process = require "support.process"
local sipp = require "support.sipp"

local function installed()
  local version = Process.start("sipp", { "-v" })
  return version and version:finish(10) ~= 127
end

describe("sipp #sipp", function()
  if not installed() then
    pending "isn't installed: Debian's sip-tester"
    return
  end

  it("has 1,000 calls answered by examples/accept.lua at 500/s", function()
    local result = sipp.run { calls = 1000, rate = 500, settle = false }
    local calls, server = result.calls, result.after
    assert.equal(0, result.code)
    assert.equal(1000, calls["SuccessfulCall(C)"])
    assert.equal(0, calls["FailedCall(C)"])
    assert.equal(0, calls["OutOfCallMsgs(C)"])
    assert.equal(1000, server.calls_connected)
    assert.equal(1000, server.ended_connected_terminated_remotely)
    assert.equal(0, server.alive_sessions)
    assert.equal(0, server.alive_dialogs)
    assert.equal(0, server.handler_errors)
    -- what is left is an INVITE's transaction and a BYE's, for 32 s
    assert.is_true(server.alive_transactions <= 2000)
    assert.is_true(result.clean)
  end)

  it("has its calls answered by examples/accept_async.lua too", function()
    local result = sipp.run {
      script = "accept_async.lua", calls = 200, rate = 400, settle = false,
    }
    assert.equal(0, result.code)
    assert.equal(200, result.calls["SuccessfulCall(C)"])
    assert.equal(200, result.after.ended_connected_terminated_remotely)
    assert.equal(0, result.after.handler_errors)
    assert.is_true(result.clean)
  end)

  it("gets early media, and acknowledges it", function()
    local result = sipp.run {
      script = "spec/sipp/early_media.lua", scenario = "prack.xml",
      calls = 100, rate = 200, settle = false,
    }
    assert.equal(0, result.code)
    assert.equal(100, result.calls["SuccessfulCall(C)"])
    assert.equal(100, result.after.ended_connected_terminated_remotely)
    assert.equal(0, result.after.handler_errors)
    assert.is_true(result.clean)
  end)

  it("agrees on a session timer, and refreshes the session", function()
    local result = sipp.run {
      scenario = "session_timer.xml", calls = 100, rate = 200, settle = false,
    }
    assert.equal(0, result.code)
    assert.equal(100, result.calls["SuccessfulCall(C)"])
    assert.equal(100, result.after.refused_interval)
    assert.equal(100, result.after.ended_connected_terminated_remotely)
    assert.equal(0, result.after.handler_errors)
    assert.is_true(result.clean)
  end)

  -- scenario, who is called, who hangs up
  for name, case in pairs {
    ["holds, resumes and asks for an offer"] = { "hold.xml", "desk",
      "remotely" },
    ["renews by UPDATE"] = { "update.xml", "desk", "remotely" },
    ["is held, resumed, renewed and hung up on"] = { "renewed.xml", "renew",
      "locally" },
  } do
    it(name, function()
      local result = sipp.run {
        script = "spec/sipp/renewing.lua", scenario = case[1],
        service = case[2], calls = 50, rate = 50, settle = false,
      }
      assert.equal(0, result.code)
      assert.equal(50, result.calls["SuccessfulCall(C)"])
      assert.equal(50,
        result.after["ended_connected_terminated_" .. case[3]])
      assert.equal(0, result.after.handler_errors)
      assert.is_true(result.clean)
    end)
  end

  it("is declined by examples/decline.lua", function()
    local result = sipp.run {
      script = "decline.lua", calls = 100, rate = 400, settle = false,
    }
    -- its scenario wants a 200: each call fails, by the 488
    assert.equal(100, result.calls["FailedCall(C)"])
    assert.equal(100, result.calls["FailedUnexpectedMessage(C)"])
    assert.equal(100, result.after.calls_rejected)
    assert.equal(100, result.after.ended_incoming_terminated_locally)
    assert.equal(0, result.after.alive_sessions)
    assert.is_true(result.clean)
  end)

  it("presses a digit, and is transferred by examples/transfer.lua", function()
    local result = sipp.run {
      script = "transfer.lua", scenario = "info.xml", calls = 50, rate = 100,
      settle = false,
    }
    assert.equal(0, result.code)
    assert.equal(50, result.calls["SuccessfulCall(C)"])
    assert.equal(50, result.after.ended_connected_terminated_locally)
    assert.equal(0, result.after.handler_errors)
    assert.is_true(result.clean)
  end)

  it("refers, hangs up, and is told what became of it", function()
    local result = sipp.run {
      script = "spec/sipp/referred.lua", scenario = "refer.xml", calls = 50,
      rate = 100, settle = false,
    }
    assert.equal(0, result.code)
    assert.equal(50, result.calls["SuccessfulCall(C)"])
    assert.equal(50, result.after.ended_connected_terminated_remotely)
    assert.equal(0, result.after.handler_errors)
    assert.equal(0, result.after.alive_lingering)
    assert.is_true(result.clean)
  end)
end)
