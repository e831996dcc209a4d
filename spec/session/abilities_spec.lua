-- What a call says that it can do, and what it refuses (RFC 3261 8.2.1, 11; RFC
-- 6665 4.2.1.1: event packages).
local World = require "support.world"

describe("in a dialog", function()
  local w, call, session

  before_each(function()
    w = World.new()
    call, session = w:established()
  end)

  after_each(function()
    w:finish()
  end)

  local function ask(method, headers)
    call:request(method, { headers = headers })
    return (assert(call:wait(nil, 0)))
  end

  it("a SUBSCRIBE gets 489 with what there is", function()
    for _, event in ipairs { "refer", "dialog", "" } do
      local response = ask("SUBSCRIBE", { Event = event })
      assert.equal(489, response.code)
      assert.equal("refer", response:header "Allow-Events")
    end
    assert.equal("connected", session.state)
  end)

  it("REGISTER and PUBLISH get 405, what nobody knows 501", function()
    for method, code in pairs { REGISTER = 405, PUBLISH = 405, FOO = 501 } do
      local response = ask(method)
      assert.equal(code, response.code)
      assert.matches(", REFER, NOTIFY$", response:header "Allow")
    end
  end)

  it("OPTIONS gets what we can", function()
    local response = ask "OPTIONS"
    assert.equal(200, response.code)
    assert.matches(", REFER, NOTIFY$", response:header "Allow")
    assert.matches("norefersub", response:header "Supported")
    assert.equal("application/sdp", response:header "Accept")
    assert.equal("refer", response:header "Allow-Events")
  end)
end)
