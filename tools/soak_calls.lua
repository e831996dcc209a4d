-- The calls of tools/soak.lua: what the script does with each, by the user in
-- its To; what its caller does; and which ends fit the two. The caller repeats
-- what isn't answered, as RFC 3261 17.1 wants it, save where it is to be a bad
-- one.

local sip = require "sipsession"

local Soak = {}
Soak.__index = Soak

local OFFER = table.concat({
  "v=0", "o=- 1 1 IN IP4 10.1.0.1", "s=-", "c=IN IP4 10.1.0.1", "t=0 0",
  "m=audio 4000 RTP/AVP 0 8", "",
}, "\r\n")

-- --- what the script does ----------------------------------------------------

local script = {}

function script.accept(session)
  session:participate { headers = { ["X-Soak"] = "1" } }
end

function script.async(session)
  session:participate_async(function() end)
end

function script.ring(session, random)
  session:progress(180)
  sip.sleep(random() * 4)
  session:participate()
end

function script.reliable(session)
  session:progress(183, { reliable = true, sdp = OFFER })
  session:participate()
end

function script.decline(session, random)
  sip.sleep(random(0, 1))
  session:reject(486, { ["X-Soak"] = "busy" })
end

function script.redirect(session)
  session:redirect { "sip:other@10.0.0.9" }
end

function script.terminate(session)
  session:terminate()
end

-- while its ACK is awaited, or soon after
function script.hasty(session, random)
  session:participate_async(function() end)
  sip.sleep(random() * 0.1)
  session:terminate()
end

function script.silent()
end

function script.raise()
  error "soak"
end

function script.nothing(session) -- its negotiator has none
  local function none() end
  session.media = { get_answer = none, get_offer = none }
  session:participate()
end

function script.hold(session, random)
  if session:participate() then
    sip.sleep(random() * 2)
    if session:hold() then
      session:resume()
    end
  end
end

function script.leave(session, random)
  if session:participate() then
    sip.sleep(random() * 5)
    session:terminate()
  end
end

-- The records' outcomes that fit, where the caller is no trouble.
local FITS = {
  accept = { connected = true }, async = { connected = true },
  ring = { connected = true },
  reliable = { connected = true, timeout = true }, -- no PRACK came in time
  hold = { connected = true }, leave = { connected = true },
  decline = { rejected = true }, redirect = { redirected = true },
  terminate = { rejected = true },
  hasty = { failed = true, connected = true, rejected = true },
  silent = { timeout = true }, raise = { rejected = true },
  nothing = { failed = true },
}

-- --- what the caller does ----------------------------------------------------

-- What else may come of it; `auto`: it acknowledges, and answers requests. A
-- BYE whose ACK was lost makes a call that was given up before it began.
local CALLERS = {
  usual = { auto = true, also = { cancelled = true } },
  cancels = { auto = true, also = { cancelled = true } },
  deaf = { also = { timeout = true } }, -- never sends an ACK
  hangs_up_early = { also = { cancelled = true, timeout = true } },
  talks = { auto = true, also = { cancelled = true } },
  vanishes = { auto = true, protocol = "tcp",
    also = { unreachable = true, cancelled = true, timeout = true } },
}

local function names(of)
  local list = {}
  for name in pairs(of) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

local SCRIPTS, KINDS = names(script), names(CALLERS)

-- Repeats the last request until something final came to it.
local function insist(call)
  local t, wait, left = call.transactions[#call.transactions], 0.5, 32
  sip.spawn(function()
    while left > 0 and call.peer.core do
      sip.sleep(wait)
      local final = t.method == "INVITE" and #call.responses > 0
      for _, entry in ipairs(call.inbox) do
        final = final or (entry.code and entry.code >= 200
          and entry.cseq == ("%d %s"):format(t.cseq, t.method))
      end
      if final then
        return
      end
      left, wait = left - wait, math.min(wait * 2, 4)
      call.peer:send(t.text, t.address)
    end
  end)
end

local function answered(call)
  local last = call.responses[#call.responses]
  return last and last.code >= 200 and last.code < 300
end

local caller = {}

function caller.usual(call, random)
  sip.sleep(5 + random() * 10)
  if answered(call) and call:bye() then
    insist(call)
  end
end

function caller.cancels(call, random)
  sip.sleep(random() * random() * 3)
  local last = call.responses[#call.responses]
  if last and last.code < 200 and call:cancel() then
    insist(call)
  end
  caller.usual(call, random)
end

function caller.deaf()
end

function caller.hangs_up_early(call, random)
  sip.sleep(random() * 3)
  if #call.responses > 0 and call:bye() then
    insist(call)
  end
end

function caller.talks(call, random)
  sip.sleep(2 + random() * 2)
  local methods = { "INFO", "UPDATE", "OPTIONS", "INVITE" }
  if answered(call) then
    local method = methods[random(#methods)]
    local body = (method == "UPDATE" or method == "INVITE") and OFFER or nil
    if call:request(method, { sdp = body }) then
      insist(call)
    end
  end
  caller.usual(call, random)
end

function caller.vanishes(call, random)
  sip.sleep(random() * random() * 5)
  call.peer:shut(call.address)
  sip.sleep(0.1)
  call.peer:close()
end

-- --- bad messages ------------------------------------------------------------

local function noise(peer, random)
  local text = ("INVITE sip:a@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;"
    .. "branch=z9hG4bK%d\r\nFrom: <sip:n@h>;tag=n\r\nTo: <sip:accept@h>\r\n"
    .. "Call-ID: n%d\r\nCSeq: 1 INVITE\r\nContact: <sip:n@%s>\r\n\r\n"):format(
      peer.host, random(1 << 30), random(1 << 30), peer.host)
  local at = random(#text - 1)
  local what = random(3)
  if what == 1 then
    text = text:sub(1, at)
  elseif what == 2 then
    text = text:sub(1, at) .. string.char(random(0, 255)) .. text:sub(at + 2)
  else
    text = text:sub(1, at) .. text:sub(at, at):rep(2000) .. text:sub(at)
  end
  peer:send(text, "udp:10.0.0.1:5060")
end

-- --- rounds ------------------------------------------------------------------

function Soak:serve(session)
  local what = session.request:header("To"):match "sip:([%a_]+)@"
  local act = script[what]
  if not act then -- of the noise: it has no caller to acknowledge
    session:reject(404)
    return
  end
  self.live[session] = true
  act(session, self.random)
end

-- Ends what a caller has forgotten, whose 200 came when it no longer looked, or
-- what its lost INVITEs have made late. How that ends is no matter.
function Soak:hang_up()
  for session in pairs(self.live) do
    local pair = self.pairs[session.call_id]
    if pair then
      pair.hung_up = true
    end
    session:terminate()
  end
  self.live = {}
end

-- endpoint's "ended": once for each call.
function Soak:ended(session, record)
  local pair = self.pairs[session.call_id]
  self.live[session] = nil
  if not pair then
    return
  end
  local name = pair.script .. " " .. pair.caller .. " " .. record.outcome
  self.seen[record.outcome] = (self.seen[record.outcome] or 0) + 1
  if pair.ended then
    self.trouble = self.trouble or name .. ": it ended twice"
  end
  pair.ended = true
  if not pair.hung_up and not FITS[pair.script][record.outcome]
    and not CALLERS[pair.caller].also[record.outcome] then
    self.trouble = self.trouble or name .. ": it should have ended otherwise"
  end
end

function Soak.new(network, endpoint, seed)
  math.randomseed(seed)
  local soak = setmetatable({ network = network, began = 0, pairs = {},
    live = {}, seen = {}, kinds = {}, addresses = 0, random = math.random,
  }, Soak)
  endpoint:on("session_received", function(session)
    soak:serve(session)
  end)
  endpoint:on("ended", function(session, record)
    soak:ended(session, record)
  end)
  endpoint:on("error", function(err, traceback)
    if not tostring(err):find "soak$" then
      soak.trouble = soak.trouble or traceback
    end
  end)
  return soak
end

function Soak:begin(peers)
  local random = self.random
  local what, kind = SCRIPTS[random(#SCRIPTS)], KINDS[random(#KINDS)]
  local options = CALLERS[kind]
  local peer = peers.udp
  if options.protocol then
    self.addresses = self.addresses % 60000 + 1
    peer = self.network:peer(("tcp:10.2.0.1:%d"):format(
      1024 + self.addresses), { auto = true })
    peers[#peers + 1] = peer
  end
  local call = peer:invite {
    to = "sip:" .. what .. "@10.0.0.1", sdp = random(4) > 1 and OFFER or nil,
    auto = options.auto or false, headers = { Supported = "100rel" },
  }
  self.began = self.began + 1
  self.kinds[what .. " " .. kind] = true
  self.pairs[call.id] = { script = what, caller = kind }
  if not options.protocol then
    insist(call)
  end
  caller[kind](call, random)
end

-- So many calls that begin within so many seconds; in the loop.
function Soak:round(n, spread)
  self.addresses = self.addresses % 60000 + 1
  local peers = { udp = self.network:peer(("udp:10.1.0.1:%d"):format(
    1024 + self.addresses), { auto = true }) }
  peers[1] = peers.udp
  self.peers = peers
  self.pairs = {}
  for _ = 1, n do
    sip.spawn(function()
      sip.sleep(self.random() * spread)
      self:begin(peers)
    end)
    sip.spawn(function()
      sip.sleep(self.random() * spread)
      noise(peers.udp, self.random)
    end)
  end
end

-- After all of them are over: what went wrong, or nil.
function Soak:check()
  for _, peer in ipairs(self.peers) do
    peer:close()
  end
  return self.trouble
end

function Soak:report()
  local lines = {}
  for _, outcome in ipairs(names(self.seen)) do
    lines[#lines + 1] = ("%-12s %7d"):format(outcome, self.seen[outcome])
  end
  return lines
end

-- What should have happened in any run of some length, and has not; or nil.
function Soak:missing()
  local list = {}
  for _, outcome in ipairs { "connected", "cancelled", "rejected", "redirected",
    "timeout", "unreachable", "failed" } do
    if not self.seen[outcome] then
      list[#list + 1] = outcome
    end
  end
  for _, what in ipairs(SCRIPTS) do
    for _, kind in ipairs(KINDS) do
      local pair = what .. " " .. kind
      if self.began > 2000 and not self.kinds[pair] then
        list[#list + 1] = pair
      end
    end
  end
  return list[1] and table.concat(list, ", ")
end

return Soak
