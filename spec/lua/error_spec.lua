-- Error objects.
local sip = require "sipsession"
local World = require "support.world"

describe("an error object", function()
  local w, invalid, timeout

  before_each(function()
    w = World.new()
    local call
    w:serve(function(session)
      timeout = select(2, session:participate())
      invalid = select(2, session:participate())
    end)
    call = w:invite()
    call:reply(assert(call:wait("BYE", 40)), 200)
    w.network:advance(1)
  end)

  after_each(function()
    w:finish()
  end)

  it("has kind, reason and message", function()
    assert.equal("invalid_operation", invalid.kind)
    assert.equal("terminated", invalid.reason)
    assert.equal("string", type(invalid.message))
    assert.equal("operation_timeout", timeout.kind)
    assert.is_nil(timeout.reason)
    assert.is_nil(timeout.code)
    assert.is_nil(timeout.response)
  end)

  it("knows whether it is of UCMA's RealTimeException family", function()
    assert.is_false(invalid:is_realtime())
    assert.is_true(timeout:is_realtime())
  end)

  it("makes a line of log", function()
    assert.equal("invalid_operation (terminated): the session has ended",
      tostring(invalid))
    assert.matches("^operation_timeout: [^\n]+$", tostring(timeout))
  end)

  it("makes one, whatever it is about", function()
    local call, session = w:established()
    local err
    sip.spawn(function()
      err = select(2, session:refer "sip:x@example.com")
    end)
    call:reply(assert(call:wait("REFER", 0)), 400,
      { headers = {}, reason = "No\u{9b}2J\u{202e} \xff" })
    w.network:advance(0)
    assert.equal("failure_response: the other side answered 400 No\\xc2\\x9b2J"
      .. "\\xe2\\x80\\xae \\xff", tostring(err))
    assert.equal("operation_failure (media): \\x1b[2J\\x0d\\x0aall is well",
      tostring(sip._media_failure "\27[2J\r\nall is well"))
  end)
end)
