local sip = require "sipsession"
local testing = require "sipsession.testing"
local attach = dofile "examples/transfer.lua"

describe("examples/transfer.lua", function()
  local network, endpoint, call, printed, original

  before_each(function()
    printed, original = {}, print
    _G.print = function(...)
      printed[#printed + 1] = table.concat({ ... }, "\t")
    end
    network = testing.network { seed = 1 }
    endpoint = assert(sip.endpoint {
      listen = "udp:10.0.0.1:5060", network = network,
    })
    attach(endpoint)
    call = network:peer "udp:10.0.0.2:5060":invite {
      to = "sip:desk@10.0.0.1",
    }
    assert(call:wait(200))
    call:ack()
  end)

  after_each(function()
    _G.print = original
    endpoint:close()
    network:advance(80)
    for name, n in pairs(network:leftovers()) do
      assert.equal(0, n, name)
    end
    network:close()
  end)

  local function press(digit)
    call:request("INFO", {
      content_type = "application/dtmf-relay",
      body = ("Signal=%s\r\nDuration=160\r\n"):format(digit),
    })
    assert(call:wait(200, 0))
  end

  local function referred()
    local request = assert(call:wait("REFER", 0))
    call:reply(request, 202)
    network:advance(0)
    return request:header "Refer-To"
  end

  local function notify(status, id)
    call:request("NOTIFY", {
      headers = {
        Event = "refer" .. (id or ""),
        ["Subscription-State"] = "active;expires=60",
      },
      content_type = "message/sipfrag", body = "SIP/2.0 " .. status,
    })
    assert(call:wait(200, 0))
  end

  it("transfers to the extension of the digit, and hangs up", function()
    press "7"
    press "1"
    assert.equal("<sip:sales@example.com>", referred())
    press "2"
    notify "100 Trying"
    notify "200 OK"
    call:reply(assert(call:wait("BYE", 0)), 200)
    assert.same({
      "referred to sip:sales@example.com",
      "sip:sales@example.com: 100 Trying",
      "sip:sales@example.com: 200 OK",
    }, printed)
  end)

  it("keeps the call where nobody answers there", function()
    press "1"
    referred()
    notify "486 Busy Here"
    press "2"
    local request = assert(call:wait("REFER", 0))
    assert.equal("<sip:support@example.com>", request:header "Refer-To")
    call:reply(request, 603)
    network:advance(0)
    assert.matches("^not referred: failure_response", printed[3])
    press "2"
    assert.equal("<sip:support@example.com>", referred())
    call:bye()
    assert(call:wait(200, 0))
  end)
end)
