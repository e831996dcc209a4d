-- On real sockets, with an rtpengine where one is installed, and with a
-- stand-in everywhere.
local uv = require "luv"
local rtpengine = require "sipsession.rtpengine"
local Daemon = require "support.ng_daemon"
local Loopback = require "support.loopback"
local Process = require "support.process"
local Rtpengine = require "support.rtpengine"
local attach = dofile "examples/ivr_rtpengine.lua"

local function offer(port, formats)
  return table.concat({
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
    ("m=audio %d RTP/AVP %s"):format(port, formats),
    "a=rtpmap:96 opus/48000/2", "a=rtpmap:101 telephone-event/8000", "",
  }, "\r\n")
end

describe("examples/ivr_rtpengine.lua #slow", function()
  local w, printed
  local original = print

  before_each(function()
    printed = {}
    _G.print = function(text)
      printed[#printed + 1] = text
    end
    w = Loopback.new { auto = true }
    w:serve()
  end)

  after_each(function()
    _G.print = original
    w:finish()
  end)
  teardown(Loopback.settle)

  describe("with a stand-in for rtpengine", function()
    local daemon, engine

    before_each(function()
      daemon = Daemon.new()
      engine = assert(rtpengine.client { address = daemon.address,
        timeout = 0.1, tries = 2 })
      attach(w.endpoint, engine)
    end)

    after_each(function()
      engine:close()
      daemon:close()
    end)

    local function commands(expected)
      w.wire:wait(function()
        return #daemon:commands() >= #expected
      end)
      w.wire:run(0.02)
      assert.same(expected, daemon:commands())
      for _, entry in ipairs(daemon.log) do
        local request, session = entry.request, w.sessions[1]
        assert.equal(session.call_id, request["call-id"])
        assert.equal(session.from_tag, request["from-tag"])
        assert.equal(session.to_tag, request["to-tag"])
      end
    end

    it("offers, answers, plays, deletes", function()
      local call = w:invite { sdp = offer(4000, "96 8 0 101") }
      local ok = assert(call:wait(200))
      assert.matches("\r\nm=audio 9 RTP/AVP 8 0 101\r\n", ok.body)
      w:logged { "incoming>connecting none -", "connecting>connected none 200",
        "connected>disconnected terminated_locally -" }
      commands { "offer", "answer", "play media", "delete" }
      assert.equal(ok.body, daemon.log[2].request.sdp)
      assert.matches("^RIFF", daemon.log[3].request.blob)
      assert.same({ "played to " .. w.sessions[1].call_id }, printed)
    end)

    it("answers a re-INVITE with the next version of its own", function()
      local call = w:invite { sdp = offer(4000, "0") }
      local ok = assert(call:wait(200))
      w.wire:wait(function()
        return w.sessions[1].state == "connected"
      end)
      call:request("INVITE", { sdp = offer(4002, "0") })
      local again = call:wait(200)
      local id = ok.body:match "\r\no=%- (%d+) 1 IN "
      assert.equal(id, again.body:match "\r\no=%- (%d+) 2 IN ")
      w.wire:wait(function()
        return printed[1]
      end)
      assert.equal("m=audio 4002 RTP/AVP 0",
        daemon.log[4].request.sdp:match "m=[^\r]*")
    end)

    it("refuses an offer with nothing in common with 488", function()
      local call = w:invite { sdp = offer(4000, "96") }
      assert(call:wait(488))
      commands { "offer", "delete" }
    end)

    it("refuses calls with 500 where rtpengine is silent", function()
      daemon.answer = function() end
      local call = w:invite { sdp = offer(4000, "0") }
      assert(call:wait(500))
      commands { "offer", "delete" }
      w:failed "has not answered offer in 2 tries"
    end)

    it("hangs up when the prompt can't be played", function()
      daemon.answer = function(request)
        return request.command == "play media"
          and { result = "error", ["error-reason"] = "no such file" }
          or Daemon.agree(request)
      end
      w:invite { sdp = offer(4000, "0") }
      commands { "offer", "answer", "play media", "delete" }
      assert.matches("refused play media: no such file", printed[1])
    end)

    it("leaves nothing behind for who gives up while it asks", function()
      local held
      daemon.answer = function(request, _, cookie)
        if request.command == "offer" then
          held = cookie
        elseif request.command == "answer" then
          return { result = "error", ["error-reason"] = "Unknown call-id" }
        else
          return Daemon.agree(request)
        end
      end
      local call = w:invite { sdp = offer(4000, "0") }
      w.wire:wait(function()
        return held
      end)
      call:cancel()
      assert(call:wait(487))
      assert.same({ "offer" }, daemon:commands())
      daemon:send(held .. " d6:result2:ok3:sdp"
        .. #offer(4, "0") .. ":" .. offer(4, "0") .. "e")
      commands { "offer", "delete", "answer" }
      w.errors = {} -- the answer came too late
    end)
  end)

  describe("with rtpengine", function()
    if not Rtpengine.path() then
      pending "isn't installed: `make rtpengine` installs it"
      return
    end
    local engine, socket, packets

    before_each(function()
      engine = Rtpengine.start(w.wire)
      socket, packets = uv.new_udp(), {}
      socket:bind("127.0.0.1", 0)
      socket:recv_start(function(_, bytes, from)
        if bytes then
          packets[#packets + 1] = { from = from.ip .. ":" .. from.port,
            fields = table.pack((">BBI2I4I4"):unpack(bytes)),
            payload = bytes:sub(13) }
        end
      end)
    end)

    after_each(function()
      socket:close()
      engine:close()
    end)

    local function serve(prompt)
      attach(w.endpoint, engine.client, prompt)
    end

    local function port()
      return socket:getsockname().port
    end

    -- What the query says of the call, or why not.
    local function query()
      local result
      engine.client:command_async("query",
        { ["call-id"] = w.sessions[1].call_id }, function(reply, err)
          result = reply or err.message
        end)
      return w.wire:wait(function()
        return result
      end)
    end

    local function is_gone()
      return w.wire:wait(function()
        return query() == "rtpengine refused query: Unknown call-id"
      end)
    end

    for name, case in pairs {
      PCMU = { "0 8 101", 0 },
      ["PCMA, where the caller likes that"] = { "8 0 101", 8 },
      ["PCMU, where that is all we have in common"] = { "96 0", 0 },
    } do
      it("plays the prompt as " .. name, function()
        serve()
        local call = w:invite { sdp = offer(port(), case[1]) }
        local ok = assert(call:wait(200))
        w.wire:wait(function()
          return packets[10]
        end)
        assert.is_table(query().tags)
        assert.is_truthy(call:wait("BYE", 5))
        assert.is_truthy(is_gone())
        -- Half a second in packets of 20 ms.
        assert.is_true(#packets >= 20 and #packets <= 26, #packets)
        local from = ok.body:match "\nc=IN IP4 (%S+)" .. ":"
          .. ok.body:match "\nm=audio (%d+) "
        assert.matches("^" .. Rtpengine.MEDIA .. ":", from)
        local first, heard = packets[1], {}
        for i, packet in ipairs(packets) do
          local flags, format, sequence, time, source =
            table.unpack(packet.fields)
          assert.equal(from, packet.from)
          assert.equal(0x80, flags)
          assert.equal(case[2], format & 0x7f)
          assert.equal((first.fields[3] + i - 1) & 0xffff, sequence)
          assert.equal((first.fields[4] + 160 * (i - 1)) & 0xffffffff, time)
          assert.equal(first.fields[5], source)
          assert.equal(160, #packet.payload)
          heard[packet.payload] = true
        end
        local kinds = 0
        for byte in first.payload:gmatch "." do
          kinds = kinds + (heard[byte] and 0 or 1)
          heard[byte] = true
        end
        assert.is_true(kinds > 5, "silence")
        assert.same({ "played to " .. w.sessions[1].call_id }, printed)
      end)
    end

    it("goes on where a re-INVITE says", function()
      serve()
      local elsewhere, heard = uv.new_udp(), 0
      elsewhere:bind("127.0.0.1", 0)
      elsewhere:recv_start(function(_, bytes)
        heard = heard + (bytes and 1 or 0)
      end)
      local call = w:invite { sdp = offer(port(), "0") }
      assert(call:wait(200))
      w.wire:wait(function()
        return packets[5]
      end)
      call:request("INVITE",
        { sdp = offer(elsewhere:getsockname().port, "0") })
      assert(call:wait(200))
      assert.is_truthy(call:wait("BYE", 5))
      assert.is_truthy(is_gone())
      elsewhere:close()
      assert.is_true(heard >= 5, heard)
      assert.is_true(#packets + heard <= 26, #packets + heard)
    end)

    it("plays a file, and stops when the caller hangs up", function()
      local name = os.tmpname()
      local file = assert(io.open(name, "wb"))
      file:write("RIFF", ("<I4"):pack(16036), "WAVEfmt ",
        ("<I4I2I2I4I4I2I2"):pack(16, 1, 1, 8000, 8000, 1, 8),
        "data", ("<I4"):pack(16000), ("\x40\xc0"):rep(8000))
      file:close()
      serve(name)
      local call = w:invite { sdp = offer(port(), "0") }
      assert(call:wait(200))
      w.wire:wait(function()
        return packets[5]
      end)
      call:bye()
      assert.is_truthy(is_gone())
      os.remove(name)
      local n = #packets
      w.wire:run(0.1)
      assert.equal(n, #packets)
      assert.is_true(n < 90) -- of two seconds
      w.wire:wait(function()
        return printed[1]
      end)
    end)

    it("lets nothing out at our end", function()
      serve()
      local discard, heard = uv.new_udp(), 0
      if not discard:bind("127.0.0.1", 9) then
        discard:close()
        pending "port 9 can't be had here"
        return
      end
      discard:recv_start(function(_, bytes)
        heard = heard + (bytes and 1 or 0)
      end)
      local call = w:invite { sdp = offer(port(), "0") }
      local ok = assert(call:wait(200))
      local to = tonumber(ok.body:match "\nm=audio (%d+) ")
      for i = 1, 5 do
        socket:send((">BBI2I4I4"):pack(0x80, 0, i, 160 * i, 7)
          .. ("\x55"):rep(160), Rtpengine.MEDIA, to)
      end
      w.wire:wait(function()
        return query().totals.RTP.packets == 5
      end)
      assert.is_table(query().totals)
      call:bye()
      assert.is_truthy(is_gone())
      w.wire:wait(function()
        return printed[1]
      end)
      discard:close()
      assert.equal(0, heard)
    end)

    it("is a script too", function()
      local said = {}
      local script = assert(Process.start(Process.LUA, {
        "examples/ivr_rtpengine.lua", "udp:127.0.0.1:0", engine.address,
      }, function(line)
        said[#said + 1] = line
      end))
      w.wire:wait(function()
        return said[1] or script.ended
      end)
      local address = said[1]:match "^listening on (udp:.*)$"
      local call = w:invite { sdp = offer(port(), "0"), address = address }
      assert.is_truthy(call:wait(200))
      assert.is_truthy(call:wait("BYE", 5))
      w.wire:wait(function()
        return said[2]
      end)
      script:kill()
      assert.matches("^played to ", said[2])
      assert.is_true(#packets >= 20, #packets)
    end)
  end)
end)
