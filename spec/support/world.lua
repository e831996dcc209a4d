-- What almost every spec of calls needs, in one line: a network, an endpoint
-- on it at 10.0.0.1, a caller at 10.0.0.2, and a record of what happened.
-- finish() asserts that nothing is left over and that no handler has failed.
--
-- Fields: network, endpoint, caller; sessions (in order of arrival); log (the
-- transitions and how accepts ended, as text, in order of delivery); errors
-- (what the "error" handler got).

local assert = require "luassert"
local sip = require "sipsession"
local testing = require "sipsession.testing"

local World = {}
World.__index = World

local function sdp(lines)
  return table.concat(lines, "\r\n") .. "\r\n"
end

World.OFFER = sdp {
  "v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-", "c=IN IP4 10.0.0.2", "t=0 0",
  "m=audio 4000 RTP/AVP 0 8",
}
World.ANSWER = sdp {
  "v=0", "o=- 7 1 IN IP4 10.0.0.1", "s=-", "c=IN IP4 10.0.0.1", "t=0 0",
  "m=audio 5000 RTP/AVP 0",
}

-- Loops of a thousand are divided by this where each round is slow.
World.SCALE = os.getenv "SIPSESSION_GC" == "aggressive" and 100 or 1

-- The ways of accepting a call.
World.MODES = { "in a handler", "async", "from the main chunk" }

-- When something is sent again and again over UDP with the default timers, in
-- ms: T1 doubling up to T2, for less than 64*T1.
World.REPEATS = { 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500,
  31500 }

-- Options: protocol of the caller ("udp"), seed, auto (of the caller), and
-- endpoint: further options of sip.endpoint.
function World.new(options)
  options = options or {}
  local w = setmetatable({
    sessions = {}, log = {}, errors = {},
    protocol = options.protocol or "udp",
    network = testing.network { seed = options.seed or 1 },
  }, World)
  local config = {
    listen = { "udp:10.0.0.1:5060", "tcp:10.0.0.1:5060" },
    network = w.network,
  }
  for name, value in pairs(options.endpoint or {}) do
    config[name] = value
  end
  w.endpoint = assert(sip.endpoint(config))
  w.endpoint:on("error", function(err)
    w.errors[#w.errors + 1] = err
  end)
  w.caller = w.network:peer(w.protocol .. ":10.0.0.2:5060",
    { auto = options.auto })
  w.start = w.network:time()
  return w
end

function World:note(text, ...)
  self.log[#self.log + 1] = text:format(...)
end

-- Notes how an accept ended. Returns what it was given.
function World:outcome(message, err)
  if message then
    self:note("accept %s", message.method)
  else
    self:note("accept %s %s", err.kind, err.reason or "-")
  end
  return message, err
end

-- Takes the calls that come from now on: notes their transitions, then runs
-- fn(session) in the handler.
function World:serve(fn)
  return self.endpoint:on("session_received", function(session)
    self.sessions[#self.sessions + 1] = session
    session:on("state_changed", function(_, change)
      self:note("%s>%s %s %s", change.previous, change.state, change.reason,
        change.code or "-")
    end)
    if fn then
      fn(session)
    end
  end)
end

-- Accepts the calls that come, in one of World.MODES, with these options of
-- participate; w:run(mode) goes with it.
function World:accepting(mode, options)
  local function done(...)
    self:outcome(...)
  end
  if mode == "in a handler" then
    return self:serve(function(session)
      done(session:participate(options))
    end)
  elseif mode == "async" then
    return self:serve(function(session)
      local ok, err
      if options then
        ok, err = session:participate_async(options, done)
      else
        ok, err = session:participate_async(done)
      end
      if not ok then
        done(nil, err)
      end
    end)
  end
  self.options = options
  return self:serve()
end

-- Lets time pass; in the mode "from the main chunk" it first accepts the last
-- call here, which takes what time it takes.
function World:run(mode, seconds)
  local t = self.network:time()
  if mode == "from the main chunk" then
    self.network:advance(0)
    local session = self.sessions[#self.sessions]
    self:outcome(session:participate(self.options))
  end
  self.network:advance(math.max(0, t + seconds - self.network:time()))
end

-- Runs fn in so many seconds of the network's time, in the loop.
function World.at(_, seconds, fn)
  sip.spawn(function()
    sip.sleep(seconds)
    fn()
  end)
end

-- Sends an INVITE, by default to the desk and with an offer. Times of sent()
-- count from here.
function World:invite(options)
  local all = { to = "sip:desk@10.0.0.1", sdp = World.OFFER }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  if all.sdp == false then
    all.sdp = nil
  end
  self.start = self.network:time()
  return self.caller:invite(all)
end

-- An accepted and acknowledged call, and its session; `accept`: options of
-- participate.
function World:established(options, accept)
  local remove = self:serve(function(session)
    self:outcome(session:participate(accept))
  end)
  local call = self:invite(options)
  assert(call:wait(200))
  call:ack()
  self.network:advance(0)
  remove()
  local session = self.sessions[#self.sessions]
  assert.equal("connected", session.state)
  self.start = self.network:time()
  return call, session
end

local function name_of(bytes)
  local code = bytes:match "^SIP/2%.0 (%d%d%d)"
  if not code then
    return bytes:match "^%S+" or ""
  end
  local method = ("\n" .. bytes):match "\n[Cc][Ss]eq%s*:%s*%d+%s+(%S+)"
  return ("%s %s"):format(code, method or "?")
end

-- What the endpoint sent, in order: { name = "200 INVITE" or "BYE", ms = since
-- the last INVITE of invite(), time, text, to }. With `name`: only those.
function World:sent(name)
  local list = {}
  for _, entry in ipairs(self.network.log) do
    if entry.from:find "10.0.0.1:" then
      local own = name_of(entry.text)
      if not name or own == name then
        list[#list + 1] = {
          name = own, text = entry.text, to = entry.to, time = entry.time,
          ms = math.floor((entry.time - self.start) * 1000 + 0.5),
        }
      end
    end
  end
  return list
end

-- The names of what the endpoint sent since the n-th message (1), in order.
function World:names(n)
  local names = {}
  for i, entry in ipairs(self:sent()) do
    if i >= (n or 1) then
      names[#names + 1] = entry.name
    end
  end
  return names
end

-- When the endpoint sent that, in ms.
function World:times(name)
  local times = {}
  for i, entry in ipairs(self:sent(name)) do
    times[i] = entry.ms
  end
  return times
end

-- How often the endpoint sent that.
function World:count(name)
  return #self:sent(name)
end

-- The final responses to INVITEs, each code once.
function World:finals()
  local codes, seen = {}, {}
  for _, entry in ipairs(self:sent()) do
    local code = entry.name:match "^([2-6]%d%d) INVITE$"
    if code and not seen[code] then
      seen[code] = true
      codes[#codes + 1] = math.tointeger(code)
    end
  end
  return codes
end

-- All these messages are the same bytes.
function World:identical(name)
  local first
  for _, entry in ipairs(self:sent(name)) do
    first = first or entry.text
    assert.equal(first, entry.text)
  end
  assert.is_string(first)
end

-- A request in the caller's name that belongs to no call of the kit: fields
-- that `options` names replace the usual ones (false: left out), `extra` are
-- further lines.
function World:request(method, options)
  options = options or {}
  self.serial = (self.serial or 0) + 1
  local n = self.serial
  local function field(name, usual)
    local value = options[name]
    if value == nil then
      value = usual
    end
    return value and ("%s: %s\r\n"):format(name, value) or ""
  end
  local body = options.body or ""
  local proto = self.protocol:upper()
  return table.concat {
    options.line or ("%s %s SIP/2.0"):format(method,
      options.uri or "sip:desk@10.0.0.1"), "\r\n",
    field("Via", ("SIP/2.0/%s 10.0.0.2:5060;branch=z9hG4bKown%d")
      :format(proto, n)),
    field("Max-Forwards", 70),
    field("From", "<sip:caller@10.0.0.2>;tag=own" .. n),
    field("To", "<sip:desk@10.0.0.1>"),
    field("Call-ID", "own" .. n),
    field("CSeq", "1 " .. method),
    field("Contact", "<sip:caller@10.0.0.2:5060>"),
    options.extra or "",
    field("Content-Length", #body),
    "\r\n", body,
  }
end

-- Sends such a request and returns the names of what is sent in answer within
-- so many seconds (0).
function World:ask(method, options, seconds)
  local n = #self:sent()
  self.caller:send(self:request(method, options),
    self.protocol .. ":10.0.0.1:5060")
  self.network:advance(seconds or 0)
  return self:names(n + 1)
end

-- The endpoint is alive and well.
function World:probe()
  assert.same({ "200 OPTIONS" }, self:ask "OPTIONS")
end

-- What the "error" handler got, and it is as it should be.
function World:failed(pattern)
  assert.equal(1, #self.errors)
  assert.matches(pattern, tostring(self.errors[1]))
  self.errors = {}
end

local function nothing_left(w, open)
  w.network:advance(70) -- more than 64*T1, and what follows it
  if not open then
    collectgarbage()
    collectgarbage()
  end
  for name, n in pairs(w.network:leftovers()) do
    local streams = open and w.protocol ~= "udp"
      and (name == "connections" or name == "timers")
    if not streams then
      assert.equal(0, n, ("%s left over (%s)"):format(name,
        open and "before the end" or "after the end"))
    end
  end
end

local function finish(w)
  assert.same({}, w.errors)
  local open
  for _, session in ipairs(w.sessions) do
    open = open or session.state ~= "disconnected"
  end
  if not open then
    nothing_left(w, true)
  end
  w.endpoint:close()
  nothing_left(w, false)
  assert.same({}, w.errors)
end

-- Ends it: every spec's last act, in after_each.
function World:finish()
  local ok, err = pcall(finish, self)
  self.network:close()
  for name in pairs(self) do -- busted keeps the spec's variables to the end
    self[name] = nil
  end
  if not ok then
    error(err, 0)
  end
end

return World
