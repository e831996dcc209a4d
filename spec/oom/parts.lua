-- Endpoints and networks that come and go, sockets, and what knows no calls.
local memory = _G.memory
local directory = _G.directory
local sip = require "sipsession"
local testing = require "sipsession.testing"
local kit = ...
local OFFER = kit.OFFER
local body, invite, connect, check =
  kit.body, kit.invite, kit.connect, kit.check

body "descriptions" {
  bare = true,
  caller = function()
    local offer = assert(sip.sdp.parse(OFFER))
    local answer = assert(sip.sdp.answer(OFFER, { address = "10.0.0.1",
      audio = { port = 5000, codecs = { "PCMA", "telephone-event" } } }))
    local odd = sip.sdp.parse "v=0\r\nnonsense\r\nm=audio"
    return offer.media[1].port == 4000 and tostring(offer) and answer
      and sip.sdp.parse(answer) and (odd or true)
  end,
}

body "a client of rtpengine" {
  bare = true,
  caller = function(w)
    local rtpengine = require "sipsession.rtpengine"
    local client = rtpengine.client { address = "127.0.0.1:2223", tries = 3 }
    w.client = client
    local one = client:command("ping")
    local two, told = 0, nil
    for _ = 1, 2 do
      local thread = coroutine.create(w:handler(function()
        local reply = client:command("offer",
          { ["call-id"] = "a", sdp = OFFER })
        two = two + (reply and reply.result == "ok" and 1 or 0)
      end))
      local ok, err = coroutine.resume(thread)
      if not ok then
        coroutine.close(thread)
        error(err, 0)
      end
    end
    check(w, client:command_async("query", { ["call-id"] = "a" },
      function(reply, why)
        w:once "the callback"
        told = not reply and why
      end))
    w.uv.run()
    return one and two == 2 and told
  end,
  prepare = function(w)
    w.uv = dofile(directory .. "/luv.lua")(w)
    package.loaded.luv = w.uv
  end,
  after = function(w)
    w.uv.run()
    if w.client then
      w.client:close()
      w.uv.run()
    end
    if w.uv.handles > 0 then
      w:fault("%d handles of luv are open", w.uv.handles)
    end
  end,
}

local function request(method, extra, port, n, protocol)
  return method .. " sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/"
    .. protocol:upper() .. " 127.0.0.1:" .. port
    .. ";branch=z9hG4bKreal" .. n .. "\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: "
    .. "<sip:desk@127.0.0.1>" .. extra .. "\r\nCall-ID: real\r\n"
    .. "Max-Forwards: 70\r\nCSeq: " .. n .. " " .. method
    .. "\r\nContact: <sip:a@127.0.0.1:" .. port
    .. ">\r\nContent-Length: 0\r\n\r\n"
end

-- Lets the loop go on until such a response has come, or 50 ms.
local function response(fd, pattern)
  for _ = 1, 50 do
    sip.run "nowait"
    local text = memory.get(fd)
    if text:find(pattern) then
      return text
    end
  end
end

for _, protocol in ipairs { "udp", "tcp" } do
  body("sockets, " .. protocol) {
    bare = true,
    caller = function(w)
      local endpoint, err = sip.endpoint { close_timeout = 0.05,
        listen = protocol .. ":127.0.0.1:0" }
      if not check(w, endpoint, err) then
        return
      end
      w.endpoint = endpoint
      endpoint:on("error", function() end)
      endpoint:on("session_received", function(session)
        session:participate()
      end)
      local fd, port = memory.open(protocol, endpoint.addresses[1]:match "%d+$")
      memory.put(fd, request("INVITE", "", port, 1, protocol))
      local text = response(fd, "SIP/2.0 200")
      if not text then
        return
      end
      local tag = text:match "\nTo:[^\r]*(;tag=[^\r;]*)"
      memory.put(fd, request("ACK", tag, port, 1, protocol))
      memory.put(fd, request("BYE", tag, port, 2, protocol))
      return response(fd, "CSeq: 2 BYE")
    end,
    after = function(w)
      if not w.endpoint then
        return
      end
      local fd, port = memory.open(protocol,
        w.endpoint.addresses[1]:match "%d+$")
      memory.put(fd, request("OPTIONS", "", port, 3, protocol))
      if not response(fd, "CSeq: 3 OPTIONS") then
        w:fault "OPTIONS is not answered any more"
      end
      w.endpoint:close()
      sip.run()
      local alive = w.endpoint:stats().alive
      if alive.connections > 0 then
        w:fault("%d connections left over", alive.connections)
      end
    end,
  }
end

-- --- opening and closing ----------------------------------------------------

body "endpoints come and go" {
  caller = function(w)
    local fine
    for i = 1, 2 do
      local endpoint, err = sip.endpoint {
        listen = { "udp:10.0.0.3:5060", "tcp:10.0.0.3:5060" },
        network = w.network, uri = "sip:desk@example.com",
        advertise = "203.0.113.5", user_agent = "desk/1.0",
        accept = { "application/sdp", "text/plain" },
        timers = { t1 = 0.5, t2 = 4, t4 = 5 },
        limits = { sessions = 100, message_size = 30000 },
      }
      if not check(w, endpoint, err) then
        return
      end
      local stats = endpoint:stats()
      fine = endpoint.addresses[2] and stats.alive and tostring(endpoint)
      if i == 1 then
        local other, why = sip.endpoint {
          listen = "udp:10.0.0.3:5060", network = w.network }
        fine = check(w, other, why, "connection_failure") and fine
        endpoint:close { ["X-Bye"] = "all" }
        w.network:advance(3)
      end
    end
    collectgarbage()
    w.network:advance(3)
    return fine
  end,
}

body "closed with calls" {
  script = function(session, w)
    if w.second then
      session:progress()
      sip.sleep(1)
      w.late = check(w, session:participate())
      return
    end
    w.second = true
    session:participate()
  end,
  caller = function(w)
    local one = connect(w)
    local two = invite(w)
    w.network:advance(0)
    w.endpoint:close()
    local bye = one and one:wait("BYE", 5)
    if bye then
      one:reply(bye, 200)
    end
    if not two:wait(486, 5) then
      return
    end
    two:ack()
    w.network:advance(70)
    return bye and not w.late
  end,
}

body "networks come and go" {
  caller = function()
    for i = 1, 2 do
      local network = testing.network { seed = i }
      local endpoint = assert(sip.endpoint {
        listen = "udp:10.0.0.1:5060", network = network })
      endpoint:on("session_received", function(session)
        session:participate()
      end)
      local peer = network:peer "udp:10.0.0.2:5060"
      local call = peer:invite { to = "sip:desk@10.0.0.1", auto = true }
      call:wait(200)
      if i == 1 then
        network:close()
      end
    end
    collectgarbage()
    return true
  end,
}

body "the library is loaded" {
  bare = true,
  caller = function(w)
    local ok, err = memory.another [[
      package.path = "./lua/?.lua;" .. package.path
      local sip = require "sipsession"
      local endpoint = sip.endpoint { listen = "udp:127.0.0.1:0" }
      sip.run "nowait"
    ]]
    if not ok then
      w:given(err)
    end
    return ok
  end,
}

-- Lua takes no finalizer any more of what its last ones make.
body "finalizers at the end" {
  bare = true,
  caller = function(w)
    local ok, err = memory.another [[
      package.path = "./lua/?.lua;" .. package.path
      local sip = require "sipsession"
      local network = require("sipsession.testing").network()
      local endpoint = assert(sip.endpoint {
        listen = "udp:10.0.0.1:5060", network = network })
      endpoint:on("session_received", function(session)
        local ack = session:participate()
        if ack and ack.method then
          session:terminate()
        end
      end)
      local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
      last = setmetatable({}, { __gc = function()
        for _ = 1, 5 do -- more than one bundle
          caller:invite { to = "sip:desk@10.0.0.1" }
        end
        network:advance(70)
      end })
    ]]
    if not ok then
      w:given(err)
    end
    return ok
  end,
}
