-- One call of the testing kit's scripted peer: the caller's side of a dialog
-- (RFC 3261 12, 13.2, 9.1), which does what the script says and nothing else.
-- It has no timers and repeats nothing by itself, so that a script can leave
-- out, repeat and mix up what a real caller could not. Made by peer:invite.
--
-- Fields: id (the Call-ID), from and to (headers as last sent or received),
-- address (where its requests go), cseq (last number used), auto; responses:
-- those to its INVITEs as messages in order of arrival, repeated ones too.

local sdp = require "sipsession.sdp"
local text = require "sipsession.testing_text"

local Call = {}
Call.__index = Call

local INVITE = {
  to = true, from = true, sdp = true, body = true, content_type = true,
  headers = true, request_uri = true, call_id = true, branch = true,
  cseq = true, contact = true, transport = true, address = true,
  from_tag = true, auto = true,
}
local REQUEST = {
  sdp = true, body = true, content_type = true, headers = true, branch = true,
  cseq = true, contact = true, request_uri = true, address = true,
}

local function check(options, known, what, level)
  if options ~= nil and type(options) ~= "table" then
    error(what .. ": a table is expected, not " .. type(options), level + 1)
  end
  for name in pairs(options or {}) do
    if not known[name] then
      error(("%s: unknown option '%s'"):format(what, name), level + 1)
    end
  end
end

local function branch_of(via)
  return text.parameter(via or "", "branch")
end

-- Sends a request and remembers it as a transaction of the call. Returns the
-- message that was sent, or nil and why it wasn't (streams only).
local function transmit(call, t, base, options)
  local line = ("%s %s SIP/2.0"):format(t.method, t.uri)
  t.text, t.fields = text.message(line, base, options)
  t.branch = branch_of(text.first(t.fields, "Via"))
  t.address = options and options.address or call.address
  t.has_body = options and (options.sdp or options.body)
  if t.branch then
    call.peer.branches[t.branch] = call
  end
  call.transactions[#call.transactions + 1] = t
  if t.method ~= "ACK" then
    call.last = t
  end
  local ok, why = call.peer:send(t.text, t.address)
  if not ok then
    return nil, ("%s can't be sent to %s: %s"):format(t.method, t.address, why)
  end
  return call.peer.network:message(t.text)
end

-- The headers of a request that belongs to the INVITE's transaction: CANCEL
-- (RFC 3261 9.1) and the ACK of a refusal (17.1.1.3).
local function companion(invite, method, to)
  local base = {
    { "Via", text.first(invite.fields, "Via") or "" },
    { "Max-Forwards", 70 },
    { "From", text.first(invite.fields, "From") or "" },
    { "To", to or text.first(invite.fields, "To") or "" },
    { "Call-ID", text.first(invite.fields, "Call-ID") or "" },
    { "CSeq", invite.cseq .. " " .. method },
  }
  for _, field in ipairs(invite.fields) do
    if field[1]:lower() == "route" then
      base[#base + 1] = field
    end
  end
  return base
end

local function via(call, branch)
  if branch == nil then
    branch = "z9hG4bK" .. call.peer.network:token()
  end
  branch = branch and ";branch=" .. branch or ""
  return call.peer:via(call.transport) .. branch
end

-- peer:invite(options). A bare `false` for contact, branch or from_tag leaves
-- it out.
function Call.new(peer, options)
  check(options, INVITE, "invite", 3)
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
  local auto = options.auto
  if auto == nil then
    auto = peer.auto
  end
  local call = setmetatable({
    peer = peer, address = address, from = from, to = text.name_addr(to),
    id = options.call_id or network:token() .. "@" .. peer.host,
    cseq = options.cseq or 1, transport = options.transport,
    uri = uri, target = uri, routes = {}, auto = auto,
    responses = {}, transactions = {}, inbox = {}, cursor = 0, given = {},
  }, Call)
  if options.contact == nil then
    local user = text.uri(from):match "^sips?:([^@;]+)@"
    call.contact = peer:contact(user or "caller")
  else
    call.contact = options.contact and text.name_addr(options.contact)
  end
  local invite = { method = "INVITE", uri = uri, cseq = call.cseq }
  local sent, why = transmit(call, invite,
    call:base("INVITE", call.cseq, options.branch), options)
  if not sent then
    error("invite: " .. why, 3)
  end
  call.id = text.first(invite.fields, "Call-ID") or call.id
  peer.calls[call.id] = call
  return call
end

-- The headers of a request in this call.
function Call:base(method, cseq, branch)
  local base = {
    { "Via", via(self, branch) },
    { "Max-Forwards", 70 },
    { "From", self.from },
    { "To", self.to },
    { "Call-ID", self.id },
    { "CSeq", cseq .. " " .. method },
  }
  for _, route in ipairs(self.routes) do
    base[#base + 1] = { "Route", route }
  end
  if self.contact and method ~= "BYE" and method ~= "ACK" then
    base[#base + 1] = { "Contact", self.contact }
  end
  return base
end

-- A request within the dialog, "BYE", "INFO", "UPDATE", "INVITE" …, with the
-- next CSeq and a new branch, to the remote target along the route set
-- (RFC 3261 12.2.1.1). It goes to the address the INVITE went to, whatever the
-- target is, unless options.address says otherwise. Further options: headers,
-- sdp, body, content_type, cseq, branch, contact, request_uri.
-- Returns the message that was sent, or nil and why it couldn't be (the other
-- side of a stream is gone).
function Call:request(method, options)
  check(options, REQUEST, method, 2)
  options = options or {}
  self.cseq = options.cseq or self.cseq + 1
  local contact = self.contact
  if options.contact ~= nil then
    self.contact = options.contact and text.name_addr(options.contact)
  end
  local uri = options.request_uri or self.target
  local base = self:base(method, self.cseq, options.branch)
  self.contact = contact
  return transmit(self, { method = method, uri = uri, cseq = self.cseq }, base,
    options)
end

-- The last final response to an INVITE, with the INVITE.
local function final(call)
  for i = #call.responses, 1, -1 do
    local response = call.responses[i]
    if response.code >= 200 then
      local branch = branch_of(response:header "Via")
      for _, t in ipairs(call.transactions) do
        if t.method == "INVITE" and t.branch == branch then
          return response, t
        end
      end
    end
  end
end

-- An answer to the offer in a 2xx that takes everything that is offered.
local function accept_all(call, response)
  local offer = sdp.parse(response.body)
  local options = { address = call.peer.host }
  for _, media in ipairs(offer and offer.media or {}) do
    local codecs = {}
    for _, map in pairs(media.rtpmap) do
      codecs[#codecs + 1] = map.encoding
    end
    if (media.type == "audio" or media.type == "video") and codecs[1] then
      options[media.type] = { port = 40000, codecs = codecs }
    end
  end
  return (options.audio or options.video) and sdp.answer(offer, options) or nil
end

-- Acknowledges the last final response to an INVITE. That of a 2xx is a
-- request of its own, with a new branch, to the response's Contact along its
-- Record-Route (RFC 3261 13.2.2.4); that of any other response belongs to the
-- INVITE's transaction and has its branch and Request-URI (17.1.1.3).
-- Options and results as of call:request. Where the INVITE was without an
-- offer and the 2xx has one, an answer is put in, as it must be (13.2.1);
-- sdp = false leaves it out.
function Call:ack(options)
  check(options, REQUEST, "ack", 2)
  options = options or {}
  local response, invite = final(self)
  if not response then
    error("ack: no final response has come; call:wait(200) first", 2)
  end
  local cseq = options.cseq or invite.cseq
  local uri, base
  if response.code < 300 then
    uri = self.target
    base = self:base("ACK", cseq, options.branch)
    base[4][2] = response:header "To"
    if options.sdp == nil and not options.body and not invite.has_body then
      options = setmetatable({ sdp = accept_all(self, response) },
        { __index = options })
    end
  else
    uri = invite.uri
    base = companion(invite, "ACK", response:header "To")
    if options.branch ~= nil then
      base[1][2] = via(self, options.branch)
    end
  end
  base[6][2] = cseq .. " ACK"
  return transmit(self, { method = "ACK", uri = options.request_uri or uri,
    cseq = cseq }, base, options)
end

-- Cancels the last INVITE: its Request-URI, Call-ID, From, To, CSeq number and
-- top Via (RFC 3261 9.1). `headers` are added, or replace these. Results as of
-- call:request.
function Call:cancel(headers)
  local invite
  for _, t in ipairs(self.transactions) do
    invite = t.method == "INVITE" and t or invite
  end
  return transmit(self,
    { method = "CANCEL", uri = invite.uri, cseq = invite.cseq },
    companion(invite, "CANCEL"), { headers = headers })
end

-- Hangs up, whatever the state of the call. Results as of call:request.
function Call:bye(headers)
  return self:request("BYE", { headers = headers })
end

-- Sends the very bytes of the last request again, or of the last one with
-- that method. ACKs don't count unless asked for.
function Call:retransmit(method)
  local t = self.last
  if method then
    t = nil
    for _, sent in ipairs(self.transactions) do
      t = sent.method == method and sent or t
    end
    if not t then
      error("retransmit: no " .. method .. " was sent in this call", 2)
    end
  end
  return self.peer:send(t.text, t.address)
end

-- Answers a request that came in, by call:wait("BYE"), say. The peer never
-- does that by itself, unless it is `auto`. `headers`: further ones.
function Call:reply(request, code, headers)
  return self.peer:reply(request, code, headers)
end

-- What the dialog learns from a response to an INVITE (RFC 3261 12.1.2).
local function learn(call, response)
  local to = response:header "To"
  if response.code == 100 or response.code >= 300 or not text.tag(to) then
    return
  end
  call.to = to
  local contact = response:header "Contact"
  if contact then
    call.target = text.uri(contact)
  end
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
    if self.auto and entry.method ~= "ACK" then
      self:reply(message, 200)
    end
    return
  end
  entry.code = message.code
  if entry.cseq:match "%a+%s*$" == "INVITE" then
    self.responses[#self.responses + 1] = message
    learn(self, message)
    if self.auto and message.code >= 200 then
      self:ack()
    end
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
