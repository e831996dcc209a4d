-- One call of the testing kit's scripted peer: the caller's side of a dialog
-- (RFC 3261 12, 13.2, 9.1), which does what the script says and nothing else.
-- It has no timers and repeats nothing by itself, so that a script can leave
-- out, repeat and mix up what a real caller could not. Made by peer:invite.
-- Here is how it begins and what it receives; what it sends, and how it does
-- that, is in testing_requests.lua.
--
-- Fields: id (the Call-ID), from and to (headers as last sent or received),
-- address (where its requests go), cseq (last number used), auto, auth (user
-- and password), challenge (the last 401), sdp (the description it sent last);
-- responses: those to its INVITEs as messages in order of arrival, repeated
-- ones too.

local auth = require "sipsession.testing_auth"
local auto = require "sipsession.testing_auto"
local requests = require "sipsession.testing_requests"
local text = require "sipsession.testing_text"

local Call = {}
Call.__index = Call
for _, methods in ipairs { requests.methods, auth.methods } do
  for name, method in pairs(methods) do
    Call[name] = method
  end
end

local INVITE = {
  to = true, from = true, sdp = true, body = true, content_type = true,
  headers = true, request_uri = true, call_id = true, branch = true,
  cseq = true, contact = true, transport = true, address = true,
  from_tag = true, auto = true, auth = true,
}

-- peer:invite(options). A bare `false` for contact, branch or from_tag leaves
-- it out.
function Call.new(peer, options)
  requests.check(options, INVITE, "invite", 3)
  options = options or {}
  local network = peer.network
  local to = options.to or options.request_uri or "sip:desk@10.0.0.1"
  local uri = options.request_uri or text.uri(text.name_addr(to))
  local address = options.address or text.address(uri, peer.protocol)
    or peer.address
  if not address then
    error("invite: no IP address in " .. uri
      .. "; say where with address = \"udp:10.0.0.1:5060\"", 3)
  end
  local from = text.name_addr(options.from or "sip:caller@" .. peer.host)
  if not text.tag(from) and options.from_tag ~= false then
    from = from .. ";tag=" .. (options.from_tag or network:token())
  end
  local is_auto = options.auto
  if is_auto == nil then
    is_auto = peer.auto
  end
  local call = setmetatable({
    peer = peer, address = address, from = from, to = text.name_addr(to),
    id = options.call_id or network:token() .. "@" .. peer.host,
    cseq = options.cseq or 1, transport = options.transport,
    auth = auth.check(options.auth),
    uri = uri, target = uri, routes = {}, auto = is_auto,
    responses = {}, transactions = {}, inbox = {}, cursor = 0, given = {},
  }, Call)
  if options.contact == nil then
    local user = text.uri(from):match "^sips?:([^@;]+)@"
    call.contact = peer:contact(user or "caller")
  else
    call.contact = options.contact and text.name_addr(options.contact)
  end
  local invite = { method = "INVITE", uri = uri, cseq = call.cseq }
  local sent, why = requests.transmit(call, invite,
    call:base("INVITE", call.cseq, options.branch), options)
  if not sent then
    error("invite: " .. why, 3)
  end
  call.id = text.first(invite.fields, "Call-ID") or call.id
  peer.calls[call.id] = call
  return call
end

-- What the dialog learns from a response to an INVITE (RFC 3261 12.1.2).
local function learn(call, response)
  local to = response:header "To"
  if response.code == 100 or response.code >= 300 or not text.tag(to) then
    return
  end
  call.to = to
  requests.follow(call, response)
  local routes = {}
  for _, value in ipairs(response:headers "Record-Route") do
    for route in (value .. ","):gmatch "%s*([^,]*<[^>]*>[^,]*)," do
      table.insert(routes, 1, route)
    end
  end
  if not call.confirmed then
    call.routes = routes
    call.confirmed = response.code >= 200
  end
end

-- The peer's inbox gives a message of this call here, as it arrives.
function Call:take(entry)
  local message = entry.message
  self.inbox[#self.inbox + 1] = entry
  entry.call, entry.index = self, #self.inbox
  entry.cseq = message:header "CSeq" or ""
  if not message.code then
    entry.method = message.method
    if self.auto and entry.method and entry.method ~= "ACK" then
      auto.answer(self, message)
    end
    return
  end
  entry.code = message.code
  -- what came to a request that no script has sent is no script's
  entry.taken = requests.is_own(self, message)
  local method = entry.cseq:match "%a+%s*$"
  self.challenge = auth.challenge(message) or self.challenge
  if method == "INVITE" then
    self.responses[#self.responses + 1] = message
    learn(self, message)
    if self.auto then
      requests.acknowledge(self, message)
    end
  elseif method == "UPDATE" and entry.code >= 200 and entry.code < 300 then
    requests.follow(self, message) -- RFC 3311 5.1
  end
  if self.auto and self.challenge == message then
    auth.answer(self, message)
  end
end

local function matches(call, entry, what)
  if entry.taken then
    return false
  elseif what == nil then
    return entry.index > call.cursor
  elseif type(what) == "string" then
    return entry.method == what
  end
  local last = ("%d %s"):format(call.last.cseq, call.last.method)
  return entry.code == what
    and (entry.cseq == last or not call.given[what .. " " .. entry.cseq])
end

local function find(call, what)
  for i = what and 1 or call.cursor + 1, #call.inbox do
    if matches(call, call.inbox[i], what) then
      return call.inbox[i]
    end
  end
end

-- Marks a message as handed out.
function Call:hand(entry)
  entry.taken = true
  self.cursor = math.max(self.cursor, entry.index)
  if entry.code then
    self.given[entry.code .. " " .. entry.cseq] = true
  end
  return entry.message
end

-- The next message of the call with that response code (a number) or method (a
-- string: a request that the other side sent); without `what` the next one
-- after the last that was handed out. It may have come already: each message
-- is handed out once, here or by peer:receive. Once the call has sent another
-- request, repeats of what was handed out no longer count: after call:bye()
-- wait(200) means the answer to the BYE.
-- Steps the network for up to `seconds` (40: more than 64*T1) of its time, so
-- it can't be called in a handler. Returns nil and what did come otherwise.
function Call:wait(what, seconds)
  if what ~= nil and type(what) ~= "string"
    and math.type(what) ~= "integer" then
    error("wait: a response code or a method is expected, not "
      .. tostring(what), 2)
  end
  local network = self.peer.network
  local entry = network:wait(function()
    return find(self, what)
  end, seconds)
  if entry then
    return self:hand(entry)
  end
  local came = {}
  for i, seen in ipairs(self.inbox) do
    came[i] = seen.code and ("%d (%s)"):format(seen.code, seen.cseq)
      or seen.method
  end
  return nil, ("no %s came; the call got: %s"):format(what or "message",
    #came > 0 and table.concat(came, ", ") or "nothing")
end

return Call
