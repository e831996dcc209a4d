-- A UDP relay on the loopback interface that loses datagrams, and sends some
-- twice, in both directions, as a seed says. A client at 127.0.0.1:P is seen by
-- the server as 127.0.0.2:P, so that answers sent to the port of its sent-by
-- (RFC 3261 18.2.2, no rport) come back through here too. What the server sends
-- to a Contact goes past it.
--
-- Fields: port (where clients send), passed, lost: counts by direction,
-- { to_server = n, to_client = n }; doubled: how many of those that passed.

local uv = require "luv"

local Relay = {}
Relay.__index = Relay

local OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"
local BUFFER = 4 << 20
local LATE = 30 -- ms after the first: the answer may be out by then

-- xorshift64*: the same on every machine. From 0 to 1.
local function random(relay)
  local x = relay.state
  x = x ~ (x << 13)
  x = x ~ (x >> 7)
  x = x ~ (x << 17)
  relay.state = x
  return (x * 0x2545F4914F6CDD1D >> 11) / (1 << 53)
end

local function passes(relay, direction)
  local counts = random(relay) < relay.loss and relay.lost or relay.passed
  counts[direction] = counts[direction] + 1
  return counts == relay.passed
end

-- From that socket, and again a little later where a seed says so.
local function send(relay, socket, data, port)
  socket:send(data, OUTSIDE, port)
  if relay.duplicate > 0 and random(relay) < relay.duplicate then
    relay.doubled = relay.doubled + 1
    local timer = uv.new_timer()
    timer:start(LATE, 0, function()
      timer:close()
      if not socket:is_closing() then
        socket:send(data, OUTSIDE, port)
      end
    end)
  end
end

local function open(ip, port)
  local socket = uv.new_udp()
  assert(socket:bind(ip, port))
  socket:recv_buffer_size(BUFFER)
  return socket
end

-- The socket that stands for the client at this port.
local function inner(relay, port)
  local socket = relay.inner[port]
  if not socket then
    socket = open(INSIDE, port)
    socket:recv_start(function(_, data)
      if data and passes(relay, "to_client") then
        send(relay, relay.outer, data, port)
      end
    end)
    relay.inner[port] = socket
  end
  return socket
end

-- Options: server (its port on 127.0.0.1), loss (0.3), duplicate (0), seed (1).
function Relay.new(options)
  local relay = setmetatable({
    loss = options.loss or 0.3, duplicate = options.duplicate or 0,
    doubled = 0, inner = {},
    state = 0x9E3779B97F4A7C15 * (options.seed or 1) | 1,
    passed = { to_server = 0, to_client = 0 },
    lost = { to_server = 0, to_client = 0 },
    outer = open(OUTSIDE, 0),
  }, Relay)
  relay.port = relay.outer:getsockname().port
  relay.outer:recv_start(function(_, data, from)
    if data and passes(relay, "to_server") then
      send(relay, inner(relay, from.port), data, options.server)
    end
  end)
  return relay
end

function Relay:close()
  self.outer:close()
  for _, socket in pairs(self.inner) do
    socket:close()
  end
end

return Relay
