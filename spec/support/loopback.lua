-- An endpoint and a caller on real sockets of the loopback interface: what
-- support.world is for the in-memory network, with the same record of what
-- happened. Timers are short (T1 is 10 ms), since time is real here.
--
-- Fields: wire, endpoint, caller, address (where the caller calls); sessions,
-- log, errors as in support.world.

local assert = require "luassert"
local sip = require "sipsession"
local Wire = require "support.wire"
local World = require "support.world"

local Loopback = {}
Loopback.__index = Loopback

Loopback.T1 = 0.01
Loopback.TIMERS = { t1 = 0.01, t2 = 0.08, t4 = 0.02 }

-- When something is sent again and again with these timers, in ms.
Loopback.REPEATS = { 0, 10, 30, 70, 150, 230, 310, 390, 470, 550, 630 }

Loopback.note, Loopback.outcome = World.note, World.outcome
Loopback.serve, Loopback.accepting = World.serve, World.accepting
Loopback.failed = World.failed

-- Options: protocol ("udp"), host ("127.0.0.1"), auto (of the caller), and
-- endpoint: further options of sip.endpoint.
function Loopback.new(options)
  options = options or {}
  local protocol, host = options.protocol or "udp", options.host or "127.0.0.1"
  local config =
    { listen = ("%s:%s:0"):format(protocol, host), timers = Loopback.TIMERS }
  for name, value in pairs(options.endpoint or {}) do
    config[name] = value
  end
  local w = setmetatable({
    sessions = {}, log = {}, errors = {}, protocol = protocol,
    wire = Wire.new(),
  }, Loopback)
  w.endpoint = assert(sip.endpoint(config))
  w.endpoint:on("error", function(err)
    w.errors[#w.errors + 1] = err
  end)
  w.address = w.endpoint.addresses[1]
  w.caller = w.wire:peer(protocol .. ":" .. host, { auto = options.auto })
  return w
end

-- Sends an INVITE, by default with an offer; options.peer: from that one.
-- Times of got() count from here.
function Loopback:invite(options)
  local all = { to = "sip:desk@example.com", sdp = World.OFFER,
    address = self.address }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local peer = all.peer or self.caller
  all.peer = nil
  if all.body then
    all.sdp = nil
  end
  self.start = self.wire.time()
  return peer:invite(all)
end

-- Waits until there is that much in the log, and a moment longer for what
-- shouldn't be there.
function Loopback:logged(expected)
  self.wire:wait(function()
    return #self.log >= #expected
  end)
  self.wire:run(0.01)
  assert.same(expected, self.log)
end

local function name_of(bytes)
  local code = bytes:match "^SIP/2%.0 (%d%d%d)"
  if not code then
    return bytes:match "^%S+" or ""
  end
  local method = ("\n" .. bytes):match "\n[Cc][Ss]eq%s*:%s*%d+%s+(%S+)"
  return ("%s %s"):format(code, method or "?")
end

-- What the caller got, in order: { name, ms since the last INVITE, text }.
function Loopback:got(name)
  local list = {}
  for _, entry in ipairs(self.wire.log) do
    if entry.to == self.caller.name then
      local own = name_of(entry.text)
      if not name or own == name then
        list[#list + 1] = { name = own, text = entry.text,
          ms = (entry.time - self.start) * 1000 }
      end
    end
  end
  return list
end

-- Without repeats: with a T1 this short a busy machine makes some.
function Loopback:names()
  local names, seen = {}, {}
  for _, entry in ipairs(self:got()) do
    if not seen[entry.text] then
      seen[entry.text] = true
      names[#names + 1] = entry.name
    end
  end
  return names
end

-- These came at these times: never early, and late by at most 500 ms, for
-- machines that have other things to do. A repeat that such a machine delays
-- past the end isn't sent any more: up to three of many may be missing here,
-- the exact number is proved in virtual time.
function Loopback:came_at(name, times)
  local entries = self:got(name)
  local least = #times > 4 and #times - 3 or #times
  assert.is_true(#entries >= least and #entries <= #times,
    ("%d times %s, not %d"):format(#entries, name, #times))
  for i, entry in ipairs(entries) do
    assert.equal(entries[1].text, entry.text)
    assert.is_true(entry.ms >= times[i] - 3 and entry.ms <= times[i] + 500,
      ("%s number %d at %.1f ms, not %d"):format(name, i, entry.ms, times[i]))
  end
end

-- A request of no call of the kit, for raw streams: `options` are body, fields
-- (lines to put in), port (of its sent-by), and length, a line instead of the
-- Content-Length it has. Call-IDs are own1, own2 …
function Loopback:request(method, options)
  options = options or {}
  self.serial = (self.serial or 0) + 1
  local n, body = self.serial, options.body or ""
  local length = options.length or "Content-Length: " .. #body .. "\r\n"
  return table.concat {
    method, " sip:desk@127.0.0.1 SIP/2.0\r\n",
    ("Via: SIP/2.0/TCP 127.0.0.1:%d;branch=z9hG4bKown%d\r\n")
      :format(options.port or 5060, n),
    "From: <sip:ann@example.com>;tag=t", n,
    "\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: own", n,
    "\r\nCSeq: ", n, " ", method, "\r\nMax-Forwards: 70\r\n",
    "Contact: <sip:ann@127.0.0.1:5060;transport=tcp>\r\n",
    options.fields or "", length, "\r\n", body,
  }
end

-- The codes and Call-IDs of what came over a stream, once there are n.
function Loopback:answers(stream, n, seconds)
  self.wire:wait(function()
    return #stream.messages >= n or stream.ended
  end, seconds)
  local codes = {}
  for i, text in ipairs(stream.messages) do
    codes[i] = text:match "^SIP/2.0 (%d+)" .. " "
      .. text:match "\r\nCall%-ID: ([^\r]*)"
  end
  return codes
end

-- How the stream ended, once it has.
function Loopback:ended(stream, seconds)
  return self.wire:wait(function()
    return stream.ended
  end, seconds)
end

local waiting = {} -- endpoints whose transactions still run out

-- Ends it: nobody is left, no handler has failed. That transactions end takes
-- its time; it is looked at in Loopback.settle, once for all.
function Loopback:finish()
  local endpoint, alive = self.endpoint
  self.wire:wait(function()
    alive = endpoint:stats().alive
    return alive.sessions + alive.lingering + alive.dialogs == 0
  end)
  waiting[#waiting + 1] = endpoint
  self.sessions = {} -- the endpoint's handlers keep this
  self.wire:close()
  assert.same({}, self.errors)
  assert.same({ 0, 0, 0 }, { alive.sessions, alive.lingering, alive.dialogs })
end

-- Within 64*T1 and what follows it nothing is left of all that were finished,
-- and their endpoints close.
function Loopback.settle()
  local wire = Wire.new()
  local left = { transactions = 0, connections = 0 }
  collectgarbage()
  collectgarbage()
  for _, endpoint in ipairs(waiting) do
    local alive
    wire:wait(function()
      alive = endpoint:stats().alive
      return alive.transactions + alive.connections == 0
    end)
    for name, n in pairs(left) do
      left[name] = n + alive[name]
    end
    endpoint:close()
  end
  waiting = {}
  wire:wait(function()
    return not sip.timeout()
  end, 1)
  wire:close()
  assert.same({ transactions = 0, connections = 0 }, left)
  assert.is_nil(sip.timeout())
end

return Loopback
