-- A scripted peer of the testing kit: an address on the in-memory network,
-- what was received there, and the calls it made. It answers nothing by
-- itself unless it is `auto`. Made by network:peer.
--
-- Fields: name (its own address, "udp:10.0.0.2:5060"), host, protocol, auto,
-- address (the one it last talked to).

local text = require "sipsession.testing_text"
local Call = require "sipsession.testing_call"

local Peer = {}
Peer.__index = Peer

local function receive(peer, bytes, from)
  local message = peer.network:message(bytes)
  local entry = { message = message }
  peer.address = from
  peer.sources[message] = from
  peer.inbox[#peer.inbox + 1] = entry
  local call = peer.branches[text.branch(message:header "Via")]
    or peer.calls[message:header "Call-ID"]
  if call then
    call:take(entry)
  elseif peer.auto and message.method and message.method ~= "ACK" then
    peer:reply(message, 200)
  end
end

-- network:peer(address [, options]). options.auto: does as real phones do. It
-- answers every request that comes with 200, in its calls also with the answer
-- to an offer (testing_auto.lua), and acknowledges the final responses and the
-- reliable provisional ones to its INVITEs.
function Peer.new(network, address, options)
  if type(address) ~= "string" then
    error("peer: an address is expected, \"udp:10.0.0.2:5060\"", 3)
  end
  for name in pairs(options or {}) do
    if name ~= "auto" then
      error("peer: unknown option '" .. name .. "'", 3)
    end
  end
  local protocol, host, port = address:match "^(%a+):(.-):?(%d*)$"
  if address:match "^%a+:%d+%.%d+%.%d+%.%d+$" or address:match "%]$" then
    host, port = address:match "^%a+:(.+)$", ""
  end
  if not host or host == "" then
    error(("peer: '%s' is no address; write it as \"udp:10.0.0.2:5060\"")
      :format(address), 3)
  end
  port = port == "" and "5060" or port
  local peer = setmetatable({
    network = network, name = ("%s:%s:%s"):format(protocol, host, port),
    protocol = protocol:lower(), host = host, port = port,
    auto = options and options.auto or false,
    inbox = {}, cursor = 0, calls = {}, branches = {},
    sources = setmetatable({}, { __mode = "k" }),
  }, Peer)
  local ok, core = pcall(network.core.attach, network.core, peer.name,
    function(bytes, from)
      receive(peer, bytes, from)
    end)
  if not ok then
    error("peer: " .. core, 3)
  end
  peer.core = core
  return peer
end

-- Sends any bytes at all, to the last address the peer sent to or received
-- from, or to `address`. A stream's connection is made at the first send.
-- Returns true, or nil and why not (a stream to where nobody listens).
function Peer:send(bytes, address)
  address = address or self.address
  if not address then
    error("send: this peer has not talked to anybody yet; say where: "
      .. "peer:send(text, \"udp:10.0.0.1:5060\")", 2)
  end
  if not address:find "^%a+:" then
    address = self.protocol .. ":" .. address
  end
  self.address = address
  return self.core:send(tostring(bytes), address)
end

local function next_entry(peer)
  for i = peer.cursor + 1, #peer.inbox do
    local entry = peer.inbox[i]
    local call = entry.call
    if not entry.taken and (not call or entry.index > call.cursor) then
      return entry
    end
    peer.cursor = i
  end
end

-- The next message that came to this address, in a call or not, and that was
-- not handed out yet; those a call:wait went past are not. Steps the network
-- for up to `seconds` (40) of its time; in a handler it can't be called.
-- Returns nil when none came.
function Peer:receive(seconds)
  local entry = self.network:wait(function()
    return next_entry(self)
  end, seconds)
  if not entry then
    return nil
  end
  if entry.call then
    return entry.call:hand(entry)
  end
  entry.taken = true
  return entry.message
end

-- Sends an INVITE at once and returns the call (testing_call.lua). Options:
-- to (a URI or name-addr), from, request_uri (that of `to`), sdp, or body with
-- content_type; headers; call_id, branch, cseq, from_tag, contact, transport
-- (in the Via); address (where it is sent; default the IP address in the
-- Request-URI, else the last address the peer talked to); auto (as the
-- peer's); auth: { user =, password = }, for call:authenticate, and for an
-- `auto` call, which answers challenges by itself. `headers` replace those the
-- INVITE has anyway, and { Contact = false } leaves one out.
function Peer:invite(options)
  local call = Call.new(self, options) -- no tail call: its errors name us
  return call
end

-- Answers a request that was received: reply(bye, 200). The headers that a
-- response takes from its request are put in, and a tag where To has none;
-- `headers` add to them or replace them. Instead of the headers a table with
-- any of headers, sdp, body and content_type may be given, and with reason and
-- contact in it; or the description as a fourth argument.
function Peer:reply(request, code, options, description)
  options = text.reply_options(options, description, 2)
  local reason = options.reason or self.network.reasons[code] or "Whatever"
  self.tag = self.tag or self.network:token()
  return self:send(text.response(request, code, reason, self.tag, options),
    self.sources[request])
end

-- A Via without its branch, and a Contact, with this peer's address.
function Peer:via(transport)
  local rport = self.protocol == "udp" and ";rport" or ""
  return ("SIP/2.0/%s %s:%s%s"):format((transport or self.protocol):upper(),
    self.host, self.port, rport)
end

function Peer:contact(user)
  local transport = self.protocol == "udp" and ""
    or ";transport=" .. self.protocol
  return ("<sip:%s@%s:%s%s>"):format(user, self.host, self.port, transport)
end

-- Ends a stream peer's connection to `address` (the last one it talked to).
-- What it sent before still arrives.
function Peer:shut(address)
  return self.core:shut(address or self.address)
end

-- Takes the peer off the network: what is sent there gets lost from now on,
-- and its connections end. What it received can still be read.
function Peer:close()
  return self.core:close()
end

Peer.__close = Peer.close

return Peer
