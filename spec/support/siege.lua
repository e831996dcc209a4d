-- A server under siege, and what it costs it: processor time, memory, and how
-- long somebody who asks for nothing bad waits meanwhile. Specs judge by the
-- first, which is the server's alone whatever else the machine has to do: who
-- waits, waits for what the server does. Elapsed time shows only what takes
-- none (a server that sleeps), so its bars are wide, and for a median.
--
-- Fields: process, udp and tcp (its first addresses), host and port (of the
-- former), pid, stats (as last told), log (what its handler has said, by
-- print("log", text)).

local assert = require "luassert"
local uv = require "luv"
local Process = require "support.process"
local Stream = require "support.stream"
local Wire = require "support.wire"

local TICKS = 100 -- a second: USER_HZ

local Siege = {}
Siege.__index = Siege

-- Memory under a sanitizer says nothing about ours; processor time is as many
-- times ours, at most.
Siege.SANITIZED = os.getenv "SIPSESSION_BUILD" ~= nil
Siege.SLOWER = Siege.SANITIZED and 10 or 1
Siege.LONG = os.getenv "SIPSESSION_LONG" ~= nil

-- What was measured, in the long form of the specs.
function Siege.say(...)
  if Siege.LONG then
    print("\n  " .. string.format(...))
  end
end

-- Its interpreter behind a shell, which does something first. A sanitizer's
-- library is for the former alone.
local function behind_shell(line, command)
  local preload = os.getenv "LD_PRELOAD"
  line = ("%s %s\"$0\" \"$@\""):format(line,
    preload and "env LD_PRELOAD='" .. preload .. "' " or "")
  return table.move(command, 1, #command, 4, { "sh", "-c", line })
end

-- Options: endpoint and handler (Lua, see support.besieged), descriptors (a
-- limit on them), namespace (where it runs, see support.namespace), drain,
-- seconds (after which it is ended whatever happens).
function Siege.new(options)
  options = options or {}
  local siege = setmetatable(
    { wire = Wire.new(), serial = 0, tellings = 0, log = {} }, Siege)
  local command = { Process.LUA, "spec/support/besieged.lua",
    options.endpoint or "{}", options.handler or "", options.drain and "drain" }
  if options.descriptors then
    command = behind_shell(
      ("ulimit -n %d; exec"):format(options.descriptors), command)
  elseif options.namespace then
    command = behind_shell(
      ("exec nsenter -t %d -n"):format(options.namespace.pid), command)
  end
  local program = table.remove(command, 1)
  siege.process = assert(Process.start(program, command, function(text)
    siege:told(text)
  end, { seconds = options.seconds or 300 }))
  siege.wire:wait(function()
    return siege.pid or siege.process.ended
  end, 10)
  if not siege.pid then
    siege:close()
    error(siege.last or "the server didn't start", 0)
  end
  return siege
end

function Siege:told(text)
  self.last = text
  local kind, rest = text:match "^(%a+)\t(.*)$"
  if kind == "pid" then
    local pid, addresses = rest:match "^(%d+)\t(.*)$"
    self.pid = tonumber(pid)
    for address in addresses:gmatch "%S+" do
      local name = address:match "^%a+"
      self[name] = self[name] or address
    end
    self.host = (self.udp or self.tcp):match "^%a+:(.*):"
    self.port = tonumber((self.udp or self.tcp):match "%d+$")
    self.tcp_port = self.tcp and tonumber(self.tcp:match "%d+$")
  elseif kind == "stats" then
    self.stats = {}
    for name, value in rest:gmatch "(%S+)=(%S+)" do
      self.stats[name] = tonumber(value)
    end
    self.tellings = self.tellings + 1
  elseif kind == "log" then
    self.log[#self.log + 1] = rest
  end
end

-- Waits for that as a wire does. A server that has ended meanwhile, by itself
-- or because its time was up, would say the same for ever: that is an error.
function Siege:wait(condition, seconds)
  return self.wire:wait(function()
    local result = condition()
    if not result and self.process.ended then
      error(("the server has ended (%d): %s"):format(self.process.code,
        self.last or "it said nothing"), 0)
    end
    return result
  end, seconds)
end

function Siege:run(seconds)
  self.wire:run(seconds)
end

-- What it says so many times (1) from now on. What comes next may have been
-- said before now.
function Siege:fresh(times)
  local enough = self.tellings + 1 + (times or 1)
  assert(self:wait(function()
    return self.tellings >= enough
  end, 60), self.last)
  return self.stats
end

-- What a file of /proc says; nil where there is none.
local function read(...)
  local file = io.open(string.format(...))
  if file then
    local text = file:read "a"
    file:close()
    return text
  end
end

-- Seconds of a processor that its first thread has used: to the nanosecond
-- where the kernel keeps such an account, else to the tick.
function Siege:used()
  local account = read("/proc/%d/schedstat", self.pid)
  local ns = account and tonumber(account:match "^%d+")
  if ns and ns > 0 then
    return ns / 1e9
  end
  local fields = {}
  for field in read("/proc/%d/stat", self.pid):match "%) (.*)":gmatch "%S+" do
    fields[#fields + 1] = field
  end
  return (fields[12] + fields[13]) / TICKS -- utime, stime
end

-- Kilobytes that it has in memory.
function Siege:memory()
  return tonumber(read("/proc/%d/status", self.pid):match "VmRSS:%s*(%d+)")
end

function Siege:alive()
  return not self.process.ended
end

-- A datagram socket; what comes to it goes to fn(bytes).
function Siege:socket(host, fn)
  local socket = uv.new_udp()
  assert(socket:bind(host or "127.0.0.1", 0))
  socket:recv_start(Stream.guarded(function(err, bytes)
    if bytes and not err and fn then
      fn(bytes)
    end
  end))
  self.wire.open[#self.wire.open + 1] = { close = function()
    if not socket:is_closing() then
      socket:close()
    end
  end }
  return socket
end

function Siege:send(socket, bytes)
  socket:send(bytes, self.host, self.port)
end

function Siege:stream()
  return self.wire:stream(self.tcp)
end

-- A request that differs from all others. Options: host (of the Via), port,
-- protocol, fields (lines), user (who is called).
function Siege:request(method, options)
  options = options or {}
  self.serial = self.serial + 1
  local n = ("%d-%d"):format(uv.os_getpid(), self.serial)
  return table.concat {
    ("%s sip:%s@127.0.0.1 SIP/2.0\r\n"):format(method, options.user or "desk"),
    ("Via: SIP/2.0/%s %s:%d;rport;branch=z9hG4bK%s\r\n"):format(
      options.protocol or "UDP", options.host or "127.0.0.1",
      options.port or 5060, n),
    "From: <sip:ann@example.com>;tag=t", n,
    "\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: ", n,
    "\r\nCSeq: 1 ", method, "\r\nMax-Forwards: 70\r\n",
    "Contact: <sip:ann@127.0.0.1:5060>\r\n",
    options.fields or "", "Content-Length: 0\r\n\r\n",
  }
end

-- fn(i) so many times a second, for so long; late ones are made up for.
function Siege:every(rate, seconds, fn)
  local start, n = Wire.time(), 0
  local timer = uv.new_timer()
  timer:start(0, math.max(1, 1000 // rate), Stream.guarded(function()
    local due = math.min((Wire.time() - start) * rate, rate * seconds)
    while n < due do
      n = n + 1
      fn(n)
    end
    if n >= rate * seconds then
      timer:stop()
    end
  end))
  self.wire.open[#self.wire.open + 1] = { close = function()
    if not timer:is_closing() then
      timer:close()
    end
  end }
end

-- OPTIONS (or what options.method says), so many times a second for so long,
-- from options.host: a list of ms that answers took, complete once wait() has
-- run that long, and sent: how many were. Answers are told apart by Call-ID.
function Siege:ask(rate, seconds, options)
  options = options or {}
  local asked, took = {}, { sent = 0, codes = {} }
  local socket
  socket = self:socket(options.host, function(bytes)
    local id = bytes:match "\r\nCall%-ID: ([^\r]*)"
    local code = tonumber(bytes:match "^SIP/2%.0 (%d+)")
    if id and asked[id] and code and code >= 200 then
      took[#took + 1] = (Wire.time() - asked[id].time) * 1000
      took.codes[code] = (took.codes[code] or 0) + 1
      if options.method == "INVITE" then
        local to = bytes:match "\r\nTo: ([^\r]*)"
        self:send(socket, (asked[id].text:gsub("^INVITE", "ACK")
          :gsub("1 INVITE", "1 ACK"):gsub("\r\nTo: [^\r]*", "\r\nTo: " .. to)))
      end
      asked[id] = nil
    end
  end)
  self:every(rate, seconds, function()
    local text = self:request(options.method or "OPTIONS",
      { host = options.host, port = socket:getsockname().port })
    asked[text:match "\r\nCall%-ID: ([^\r]*)"] =
      { time = Wire.time(), text = text }
    took.sent = took.sent + 1
    self:send(socket, text)
  end)
  return took
end

-- Of a list of ms: what so many percent are below.
function Siege.percentile(took, percent)
  local sorted = table.move(took, 1, #took, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(#sorted * percent / 100))]
end

function Siege:close()
  self.process:kill()
  self.wire:close()
end

-- Ends it. It must have lived until now.
function Siege:finish()
  local alive = self:alive()
  self:close()
  assert.is_true(alive, self.last)
end

return Siege
