-- A stand-in for rtpengine: a UDP socket on the loopback interface that takes
-- ng commands and answers what the spec wants, or nothing.
--
-- Fields: address; log: what came, { cookie, request (a table), text }.

local uv = require "luv"
local bencode = require "sipsession.bencode"

local Daemon = {}
Daemon.__index = Daemon

-- Answers offer and answer with the description they brought, query with an
-- error, and everything else with "ok", as rtpengine would on a good day.
function Daemon.agree(request)
  if request.command == "ping" then
    return { result = "pong" }
  elseif request.command == "query" then
    return { result = "error", ["error-reason"] = "Unknown call-id" }
  elseif request.command == "play media" then
    return { result = "ok", duration = 100 }
  end
  return { result = "ok", sdp = request.sdp }
end

-- answer(request, n): the reply to what came as number n: a table, bytes to
-- send after the cookie, or nil for none. By default Daemon.agree.
function Daemon.new(answer)
  local daemon = setmetatable({ log = {}, answer = answer or Daemon.agree },
    Daemon)
  local socket = uv.new_udp()
  assert(socket:bind("127.0.0.1", 0))
  daemon.socket = socket
  daemon.address = "127.0.0.1:" .. socket:getsockname().port
  socket:recv_start(function(_, text, from)
    if not text then
      return
    end
    local cookie, rest = text:match "^(%S+) (.*)$"
    local request = bencode.decode(rest)
    daemon.log[#daemon.log + 1] =
      { cookie = cookie, request = request, text = text }
    daemon.from = from
    local reply = daemon.answer(request, #daemon.log, cookie)
    if type(reply) == "table" then
      reply = bencode.encode(reply)
    end
    if reply then
      daemon:send(cookie .. " " .. reply)
    end
  end)
  return daemon
end

-- Bytes to whom it last heard from.
function Daemon:send(bytes)
  self.socket:send(bytes, self.from.ip, self.from.port)
end

-- The commands that came, in order; repeats once.
function Daemon:commands()
  local names, seen = {}, {}
  for _, entry in ipairs(self.log) do
    if not seen[entry.cookie] then
      seen[entry.cookie] = true
      names[#names + 1] = entry.request.command
    end
  end
  return names
end

function Daemon:close()
  if not self.socket:is_closing() then
    self.socket:close()
  end
end

return Daemon
