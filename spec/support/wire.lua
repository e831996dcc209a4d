-- Real sockets for specs: peers over luv on the loopback interface, whose loop
-- drives sipsession too. A wire takes the place of the testing kit's network
-- under the kit's own peers and calls (sipsession.testing_peer), so that a
-- script reads alike on both; streams that do what no peer does are in
-- support.stream. Every wait has a deadline.
--
-- Fields: log: what arrived at and left the peers, in order, as { time, from,
-- to, text }.

local uv = require "luv"
local sip = require "sipsession"
local driver = require "sipsession.luv"
local Peer = require "sipsession.testing_peer"
local Namespace = require "support.namespace"
local Stream = require "support.stream"

local WAIT = 5 -- seconds

local Wire = {}
Wire.__index = Wire

function Wire.new()
  driver.attach()
  local wire = setmetatable(
    { reasons = sip.code, serial = 0, log = {}, open = {} }, Wire)
  wire.core = {
    attach = function(_, _, fn)
      local socket = wire.bound
      wire.bound = nil
      socket.receive = fn
      return socket
    end,
  }
  return wire
end

-- Seconds, from a clock that never jumps.
function Wire.time()
  return uv.hrtime() / 1e9
end

function Wire:token()
  self.serial = self.serial + 1
  return ("%x-%x"):format(uv.hrtime() & 0xffffffffff, self.serial)
end

function Wire:message(bytes)
  local message = assert(sip._message(bytes, self.time()))
  return message
end

-- Runs both loops until condition() gives something, and returns that; nil
-- when it doesn't within `seconds` (5).
function Wire.wait(_, condition, seconds)
  local over = false
  uv.update_time() -- luv's clock stands still while it isn't run
  local timer = uv.new_timer()
  timer:start(math.ceil((seconds or WAIT) * 1000), 0, function()
    over = true
  end)
  local ok, result
  repeat
    ok, result = pcall(condition)
    if not ok or result or over then
      break
    end
    uv.run "once"
    Stream.raise()
  until false
  timer:close()
  if not ok then
    error(result, 0)
  end
  return result
end

-- Lets real time pass.
function Wire:run(seconds)
  self:wait(function() end, seconds)
end

function Wire:note(from, to, text)
  self.log[#self.log + 1] =
    { time = self.time(), from = from, to = to, text = text }
end

local function literal(host) -- as luv has it
  return host:match "^%[(.*)%]$" or host
end

local function name_of(protocol, at)
  local host = at.ip:find(":", 1, true) and "[" .. at.ip .. "]" or at.ip
  return ("%s:%s:%d"):format(protocol, host, at.port)
end

local function parts(address)
  local host, port = address:match "^%a+:(.+):(%d+)$"
  return literal(host), math.tointeger(port)
end

-- Datagrams: a socket with what a peer's core has.
local function open_udp(wire, host, port)
  local handle = uv.new_udp()
  assert(handle:bind(literal(host), port))
  assert(handle:getsockname().ip:find "^127%." or host == "[::1]"
    or Namespace.INSIDE)
  local socket = { handle = handle }
  socket.name = name_of("udp", handle:getsockname())
  handle:recv_start(Stream.guarded(function(err, bytes, from)
    if err or not bytes then
      return
    end
    from = name_of("udp", from)
    wire:note(from, socket.name, bytes)
    socket.receive(bytes, from)
  end))
  function socket:send(bytes, address)
    wire:note(self.name, address, bytes)
    local ip, to = parts(address)
    return handle:send(bytes, ip, to)
  end
  function socket.close()
    if not handle:is_closing() then
      handle:close()
    end
  end
  return socket
end

-- Streams: a listener, and the connections it took or made, by address.
local function open_tcp(wire, host, port)
  local listener = Stream.listen(literal(host), port)
  local socket = { name = name_of("tcp", listener:getsockname()), streams = {} }
  local function keep(stream, address)
    socket.streams[address] = stream
    stream.on_message = function(bytes)
      wire:note(address, socket.name, bytes)
      socket.receive(bytes, address)
    end
  end
  listener.on_stream = function(stream)
    keep(stream, name_of("tcp", stream.handle:getpeername()))
  end
  function socket:send(bytes, address)
    local stream = self.streams[address]
    if not stream or stream.ended or stream.handle:is_closing() then
      stream = Stream.connect(parts(address))
      keep(stream, address)
    end
    wire:note(self.name, address, bytes)
    return stream:send(bytes)
  end
  function socket:shut(address)
    self.streams[address]:close()
    self.streams[address] = nil
  end
  function socket:close()
    listener:close()
    for address, stream in pairs(self.streams) do
      stream:close()
      self.streams[address] = nil
    end
  end
  return socket
end

-- A peer of the testing kit on a real socket: "udp", "tcp", "udp:[::1]",
-- "udp:127.0.0.2", with or without a port. A tcp peer also listens there.
-- Options: auto.
function Wire:peer(address, options)
  local protocol, host, port = address:match "^(%a+):?(.-):?(%d*)$"
  if address:match "^%a+:%d+%.%d+%.%d+%.%d+$" or address:match "%]$" then
    host, port = address:match "^%a+:(.+)$", ""
  end
  host = host ~= "" and host or "127.0.0.1"
  local open = protocol == "tcp" and open_tcp or open_udp
  self.bound = open(self, host, math.tointeger(port) or 0)
  self.open[#self.open + 1] = self.bound
  return Peer.new(self, self.bound.name, options)
end

-- A connection to the address, for bytes that are no messages. It is being
-- made when this returns; what is sent waits for that.
function Wire:stream(address)
  local stream = Stream.connect(parts(address))
  self.open[#self.open + 1] = stream
  return stream
end

function Wire:close()
  for _, socket in ipairs(self.open) do
    socket:close()
  end
  driver.detach()
  uv.run "nowait"
end

return Wire
