-- What a call of the testing kit sends: requests in and around its dialog (RFC
-- 3261 9.1, 12.2.1.1, 13.2.2.4, 17.1.1.3; RFC 3262, 3311) and answers to those
-- of the other side. The methods here are those of testing_call.lua's calls.

local auto = require "sipsession.testing_auto"
local text = require "sipsession.testing_text"

local requests, methods = {}, {}
requests.methods = methods

local REQUEST = {
  sdp = true, body = true, content_type = true, headers = true, branch = true,
  cseq = true, contact = true, request_uri = true, address = true,
}

function requests.check(options, known, what, level)
  if options ~= nil and type(options) ~= "table" then
    error(what .. ": a table is expected, not " .. type(options), level + 1)
  end
  for name in pairs(options or {}) do
    if not known[name] then
      error(("%s: unknown option '%s'"):format(what, name), level + 1)
    end
  end
end

local check = requests.check

-- Sends a request and remembers it as a transaction of the call, which is
-- `own` where no script asked for it. Returns the
-- message that was sent, or nil and why it wasn't (streams only).
function requests.transmit(call, t, base, options)
  local line = ("%s %s SIP/2.0"):format(t.method, t.uri)
  t.text, t.fields = text.message(line, base, options)
  t.branch = text.branch(text.first(t.fields, "Via"))
  t.address = options and options.address or call.address
  t.options = options
  t.has_body = options and (options.sdp or options.body)
  call.sdp = options and options.sdp or call.sdp
  if t.branch then
    call.peer.branches[t.branch] = call
  end
  call.transactions[#call.transactions + 1] = t
  if t.method ~= "ACK" and not t.own then
    call.last = t
  end
  local ok, why = call.peer:send(t.text, t.address)
  if not ok then
    return nil, ("%s can't be sent to %s: %s"):format(t.method, t.address, why)
  end
  return call.peer.network:message(t.text)
end

local transmit = requests.transmit

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

local NO_CONTACT = { ACK = true, BYE = true, PRACK = true }

-- The headers of a request in this call.
function methods:base(method, cseq, branch)
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
  if self.contact and not NO_CONTACT[method] then
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
function methods:request(method, options)
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

-- A request as it was sent before, with the next CSeq, a new branch, and a
-- further header.
function methods:again(t, header)
  self.cseq = self.cseq + 1
  local base = self:base(t.method, self.cseq)
  base[#base + 1] = header
  return transmit(self, { method = t.method, uri = t.uri, cseq = self.cseq,
    authorized = true }, base, t.options)
end

-- The INVITE that was answered by this response.
local function invite_of(call, response)
  local branch = text.branch(response:header "Via")
  for _, t in ipairs(call.transactions) do
    if t.method == "INVITE" and t.branch == branch then
      return t
    end
  end
end

-- The last response to an INVITE that is what `is` asks for, with the INVITE.
local function last(call, is)
  for i = #call.responses, 1, -1 do
    local response = call.responses[i]
    local invite = is(response) and invite_of(call, response)
    if invite then
      return response, invite
    end
  end
end

local function is_final(response)
  return response.code >= 200
end

-- Options with the answer to the offer in a response, where the INVITE had
-- none and no other body is to be sent.
local function with_answer(call, invite, response, options)
  if options.sdp ~= nil or options.body or invite.has_body
    or invite.answered then
    return options
  end
  return setmetatable({ sdp = auto.accept(call, text.sdp(response)) },
    { __index = options })
end

-- Acknowledges the last final response to an INVITE. That of a 2xx is a
-- request of its own, with a new branch, to the response's Contact along its
-- Record-Route (RFC 3261 13.2.2.4); that of any other response belongs to the
-- INVITE's transaction and has its branch and Request-URI (17.1.1.3).
-- Options and results as of call:request. Where the INVITE was without an
-- offer and the 2xx has one, an answer is put in, as it must be (13.2.1);
-- sdp = false leaves it out.
function methods:ack(options)
  check(options, REQUEST, "ack", 2)
  options = options or {}
  local response, invite = last(self, is_final)
  if not response then
    error("ack: no final response has come; call:wait(200) first", 2)
  end
  local cseq = options.cseq or invite.cseq
  local uri, base
  if response.code < 300 then
    uri = self.target
    base = self:base("ACK", cseq, options.branch)
    base[4][2] = response:header "To"
    options = with_answer(self, invite, response, options)
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

-- A re-INVITE, and an UPDATE (RFC 3311): options and results as of
-- call:request, `sdp` being the offer, if any.
function methods:reinvite(options)
  return self:request("INVITE", options)
end

function methods:update(options)
  return self:request("UPDATE", options)
end

local function is_reliable(response)
  return response.code > 100 and response.code < 200
    and response:header "RSeq" ~= nil
end

local function prack(call, response, invite, options, own)
  options = with_answer(call, invite, response, options)
  invite.answered = invite.answered or options.sdp or options.body
  call.cseq = options.cseq or call.cseq + 1
  local base = call:base("PRACK", call.cseq, options.branch)
  base[#base + 1] = { "RAck", ("%s %s"):format(response:header "RSeq",
    response:header "CSeq") }
  return transmit(call, { method = "PRACK", cseq = call.cseq, own = own,
    uri = options.request_uri or call.target }, base, options)
end

-- Acknowledges a reliable provisional response (RFC 3262): the last one to an
-- INVITE, or the one that is given. Options and results as of call:request.
-- Where the INVITE was without an offer and the response has one, an answer is
-- put in, as call:ack does it.
function methods:prack(response, options)
  if type(response) == "table" and options == nil and not response.code then
    response, options = nil, response
  end
  check(options, REQUEST, "prack", 2)
  local invite
  if response then
    invite = response.code and response:header "RSeq"
      and invite_of(self, response)
  else
    response, invite = last(self, is_reliable)
  end
  if not invite then
    error("prack: no reliable provisional response, one with an RSeq, has "
      .. "come", 2)
  end
  return prack(self, response, invite, options or {})
end

-- What an `auto` call does with a response to an INVITE: final ones are
-- acknowledged, and so are reliable provisional ones, in their order. One that
-- is repeated gets the same PRACK again (RFC 3262 3, 4).
function requests.acknowledge(call, response)
  local invite = invite_of(call, response)
  if response.code >= 200 then
    call:ack()
  elseif invite and is_reliable(response)
    and (response:header "Require" or ""):lower():find("100rel", 1, true) then
    local number = tonumber(response:header "RSeq") or 0
    invite.pracks = invite.pracks or {}
    local sent = invite.pracks[number]
    if sent then
      call.peer:send(sent.text, sent.address)
    elseif not invite.rseq or number == invite.rseq + 1 then
      invite.rseq = number
      prack(call, response, invite, {}, true)
      invite.pracks[number] = call.transactions[#call.transactions]
    end
  end
end

-- Is it the response to a request that no script has asked for?
function requests.is_own(call, response)
  local branch = text.branch(response:header "Via")
  for _, t in ipairs(call.transactions) do
    if t.branch == branch and t.own then
      return true
    end
  end
  return false
end

-- Cancels the last INVITE: its Request-URI, Call-ID, From, To, CSeq number and
-- top Via (RFC 3261 9.1). `headers` are added, or replace these. Results as of
-- call:request.
function methods:cancel(headers)
  local invite
  for _, t in ipairs(self.transactions) do
    invite = t.method == "INVITE" and t or invite
  end
  return transmit(self,
    { method = "CANCEL", uri = invite.uri, cseq = invite.cseq },
    companion(invite, "CANCEL"), { headers = headers })
end

-- Hangs up, whatever the state of the call. Results as of call:request.
function methods:bye(headers)
  return self:request("BYE", { headers = headers })
end

-- Sends the very bytes of the last request again, or of the last one with
-- that method. ACKs don't count unless asked for.
function methods:retransmit(method)
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

-- Where the other side is from now on, as its Contact says (RFC 3261 12.2).
function requests.follow(call, message)
  local contact = message:header "Contact"
  if contact then
    call.target = text.uri(contact)
  end
end

local REFRESHES = { INVITE = true, UPDATE = true }

-- Answers a request that came in, by call:wait("INVITE"), say. The peer never
-- does that by itself, unless it is `auto`. As peer:reply, and with the call's
-- Contact where a 2xx to an INVITE or UPDATE must have one.
function methods:reply(request, code, options, description)
  options = text.reply_options(options, description, 2)
  if REFRESHES[request.method] and code > 100 and code < 300 then
    if options.contact == nil then
      options.contact = self.contact
    end
    if code >= 200 then
      requests.follow(self, request)
    end
  end
  self.sdp = options.sdp or self.sdp
  return self.peer:reply(request, code, options)
end

return requests
