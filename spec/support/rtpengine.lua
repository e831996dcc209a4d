-- The real rtpengine for specs: a process of its own in user space, without
-- its kernel module and its configuration, on the loopback interface. Its media
-- have an address that nobody else uses.
--
-- Fields: address (of its ng), said (what it logged), client.

local uv = require "luv"
local Process = require "support.process"
local rtpengine = require "sipsession.rtpengine"

local Rtpengine = {}
Rtpengine.__index = Rtpengine

Rtpengine.MEDIA = "127.0.0.2"

-- Where it is, or nil: it isn't installed.
function Rtpengine.path()
  local path = (os.getenv "PATH" or "") .. ":/usr/sbin"
  for directory in path:gmatch "[^:]+" do
    local name = directory .. "/rtpengine"
    if uv.fs_access(name, "X") then
      return name
    end
  end
end

-- Starts it, and waits until it answers.
function Rtpengine.start(wire)
  local address = "127.0.0.1:" .. Process.free_port()
  local engine = setmetatable({ address = address, said = {} }, Rtpengine)
  engine.process = assert(Process.start(Rtpengine.path(), {
    "--config-file=none", "--table=-1", "--interface=" .. Rtpengine.MEDIA,
    "--listen-ng=" .. address, "--foreground", "--log-stderr",
    "--num-threads=2",
  }, function(line)
    engine.said[#engine.said + 1] = line
  end, { seconds = 60 }))
  engine.client =
    assert(rtpengine.client { address = address, timeout = 0.1, tries = 100 })
  local reply
  engine.client:command_async("ping", function(...)
    reply = table.pack(...)
  end)
  wire:wait(function()
    return reply or engine.process.ended
  end, 15)
  if not reply or not reply[1] then
    local said = table.concat(engine.said, "\n")
    engine:close()
    error("rtpengine doesn't answer:\n" .. said)
  end
  return engine
end

function Rtpengine:close()
  self.client:close()
  self.process:kill()
end

return Rtpengine
