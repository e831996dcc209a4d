-- Who means no good in tools/soak_sockets.lua, from an address of its own: the
-- anomalies of spec/support over UDP, twenty datagrams a second, and five TCP
-- connections a second that bring an INVITE, or a part of one, and are closed
-- or reset within half a second, whatever came of it.
--
-- Fields: datagrams, connections: how many so far.

local uv = require "luv"
local anomalies = require "support.anomalies"

local HOST, SERVER = "127.0.0.3", "127.0.0.1"
local TICK = 50       -- ms
local CONNECT = 4     -- ticks
local LONGEST = 500   -- ms that a connection lives
local METHODS = { "INVITE", "CANCEL", "ACK" }

local Hostile = {}
Hostile.__index = Hostile

local odds = {}
anomalies.pairs_of(function(name, value)
  odds[#odds + 1] = { [name] = value }
end)

-- libuv's own streams write without MSG_NOSIGNAL.
local sigpipe = uv.new_signal()
sigpipe:start("sigpipe", function() end)
sigpipe:unref()

-- Ports of the server.
function Hostile.new(udp, tcp)
  local hostile = setmetatable({ udp = udp, tcp = tcp, datagrams = 0,
    connections = 0, ticks = 0, open = {} }, Hostile)
  hostile.socket = uv.new_udp()
  assert(hostile.socket:bind(HOST, 0))
  hostile.port = hostile.socket:getsockname().port
  hostile.timer = uv.new_timer()
  return hostile
end

function Hostile:datagram()
  local n = self.datagrams
  local text = anomalies.message(METHODS[n % #METHODS + 1], n, self.port,
    odds[math.random(#odds)])
  self.datagrams = n + 1
  self.socket:send(text, SERVER, self.udp)
end

function Hostile:connection()
  local n = self.connections
  self.connections = n + 1
  local odd = math.random(2) == 1 and odds[math.random(#odds)]
    or { via = ("SIP/2.0/TCP %s;branch=z9hG4bKtcp%d"):format(HOST, n) }
  local text = anomalies.message("INVITE", n, self.port, odd)
  if math.random(3) == 1 then
    text = text:sub(1, math.random(#text))
  end
  local stream, timer = uv.new_tcp(), uv.new_timer()
  assert(stream:bind(HOST, 0))
  self.open[timer] = function()
    self.open[timer] = nil
    timer:close()
    if n % 2 == 0 or not stream:close_reset() then
      stream:close()
    end
  end
  stream:connect(SERVER, self.tcp, function(err)
    if not err and not stream:is_closing() then
      stream:write(text)
    end
  end)
  timer:start(math.random(LONGEST), 0, self.open[timer])
end

function Hostile:start()
  self.timer:start(TICK, TICK, function()
    self.ticks = self.ticks + 1
    self:datagram()
    if self.ticks % CONNECT == 0 then
      self:connection()
    end
  end)
end

function Hostile:stop()
  self.timer:stop()
  for _, close in pairs(self.open) do
    close()
  end
end

return Hostile
