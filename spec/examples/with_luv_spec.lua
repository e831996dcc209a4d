-- On real sockets: luv's loop drives the endpoint and the caller's socket.
local sip = require "sipsession"
local uv = require "luv"
local driver = require "sipsession.luv"
local attach = dofile "examples/with_luv.lua"

local INVITE = table.concat({
  "INVITE sip:desk@127.0.0.1 SIP/2.0",
  "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKluv1",
  "Max-Forwards: 70",
  "From: <sip:ann@example.com>;tag=a",
  "To: <sip:desk@127.0.0.1>%s",
  "Call-ID: luv-example",
  "CSeq: 1 INVITE",
  "Contact: <sip:ann@127.0.0.1:%d>",
  "Content-Type: application/sdp",
  "", -- over UDP the body goes to the end
  "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
  "m=audio 4000 RTP/AVP 0", "",
}, "\r\n")

describe("examples/with_luv.lua", function()
  local original = print

  after_each(function()
    _G.print = original
  end)

  it("answers while luv's loop runs, and luv's timers go on", function()
    local printed, codes, ticks = {}, {}, 0
    _G.print = function(text)
      printed[#printed + 1] = text
    end
    local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
    attach(endpoint)
    driver.attach()
    local port = tonumber(endpoint.addresses[1]:match ":(%d+)$")

    uv.update_time() -- luv's clock stood still while other specs ran
    local socket, timer, deadline =
      uv.new_udp(), uv.new_timer(), uv.new_timer()
    socket:bind("127.0.0.1", 0)
    local own = socket:getsockname().port
    local function finish()
      endpoint:close()
      timer:close()
      deadline:close()
      socket:close()
      driver.detach()
      uv.stop()
    end
    socket:recv_start(function(_, data)
      local code = data and tonumber(data:match "^SIP/2.0 (%d+)")
      codes[#codes + 1] = code
      if code == 200 then
        local to = data:match "\r\nTo:[^\r]*(;tag=[^\r;]*)"
        local ack = INVITE:format(own, to, own)
          :gsub("INVITE", "ACK"):gsub("luv1", "luv2")
        socket:send(ack, "127.0.0.1", port)
      end
    end)
    timer:start(1, 1, function()
      ticks = ticks + 1
      if printed[1] then
        finish()
      end
    end)
    deadline:start(10000, 0, finish)
    socket:send(INVITE:format(own, "", own), "127.0.0.1", port)
    uv.run()

    assert.same({ "connected luv-example" }, printed)
    assert.equal(200, codes[#codes])
    assert.is_true(ticks > 0)
    assert.equal(0, endpoint.sessions)
  end)
end)
