-- baresip, a softphone, as a caller for specs: a process of its own without
-- sound devices, on the loopback interface, told what to do over its ctrl_tcp
-- module, which also says what happened to it.
--
-- Fields: events: what it said, in order, { type = "CALL_RINGING", param }.

local uv = require "luv"
local Directory = require "support.directory"
local Process = require "support.process"

local Softphone = {}
Softphone.__index = Softphone

local CONFIG = [[
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source aufile,%s/silence.wav
audio_channels 1
module_path %s
module g711.so
module aufile.so
module ctrl_tcp.so
module_tmp account.so
module_app menu.so
ctrl_tcp_listen 127.0.0.1:%d
]]

-- Half a second of nothing: a WAV file with 8000 samples of 16 bits a second.
local function silence()
  local data = ("\0"):rep(8000)
  return "RIFF" .. ("<I4"):pack(36 + #data) .. "WAVEfmt "
    .. ("<I4I2I2I4I4I2I2"):pack(16, 1, 1, 8000, 16000, 2, 16)
    .. "data" .. ("<I4"):pack(#data) .. data
end

-- Where its modules are, or nil: it isn't installed.
function Softphone.modules()
  for _, pattern in ipairs { "/usr/lib/baresip/modules",
    "/usr/local/lib/baresip/modules" } do
    if uv.fs_stat(pattern .. "/ctrl_tcp.so") then
      return pattern
    end
  end
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- ctrl_tcp speaks JSON in netstrings; only flat strings are looked at.
local function on_bytes(phone)
  local rest = phone.control.bytes
  while true do
    local length, from = rest:match "^(%d+):()"
    length = math.tointeger(length)
    if not length or #rest < from + length then
      break
    end
    local json = rest:sub(from, from + length - 1)
    rest = rest:sub(from + length + 1)
    local function field(name)
      return json:match('"' .. name .. '":"(.-[^\\])"')
    end
    if json:find '"event":true' then
      phone.events[#phone.events + 1] =
        { type = field "type", param = field "param" }
    end
  end
  phone.control.bytes = rest
end

-- Starts it; waits with `wire`. Its account is sip:tester@127.0.0.1, with
-- further parameters where `account` has some: ";auth_pass=secret".
function Softphone.start(wire, account)
  local directory = Directory.new()
  local phone = setmetatable(
    { wire = wire, directory = directory, events = {}, said = {} }, Softphone)
  local port = Process.free_port()
  write(directory .. "/config",
    CONFIG:format(directory, Softphone.modules(), port))
  write(directory .. "/accounts", "<sip:tester@127.0.0.1>;regint=0"
    .. (account or "") .. "\n")
  write(directory .. "/contacts", "")
  write(directory .. "/silence.wav", silence())
  phone.process = assert(Process.start("baresip", { "-4", "-f", directory },
    function(line)
      phone.said[#phone.said + 1] = line
    end, { seconds = 60 }))
  wire:wait(function()
    return phone.said[#phone.said] == "baresip is ready."
  end, 10)
  phone.control = wire:stream("tcp:127.0.0.1:" .. port)
  phone.control.raw = function()
    on_bytes(phone)
  end
  wire:wait(function()
    return phone.control.connected
  end)
  assert(phone.control.connected, table.concat(phone.said, "\n"))
  return phone
end

local function command(phone, name, params)
  local json = ('{"command":"%s","params":"%s","token":"%s"}')
    :format(name, params or "", name)
  phone.control:send(("%d:%s,"):format(#json, json))
end

-- Calls; "udp:127.0.0.1:5060" is where.
function Softphone:dial(user, address)
  local protocol, place = address:match "^(%a+):(.*)$"
  self.events = {}
  command(self, "dial", ("sip:%s@%s;transport=%s")
    :format(user, place, protocol))
end

-- Hangs up, or cancels.
function Softphone:hangup()
  command(self, "hangup")
end

-- The first event of that type, within `seconds` (5).
function Softphone:wait(kind, seconds)
  return self.wire:wait(function()
    for _, event in ipairs(self.events) do
      if event.type == kind then
        return event
      end
    end
  end, seconds)
end

function Softphone:close()
  self.process:kill()
  Directory.remove(self.directory)
end

return Softphone
