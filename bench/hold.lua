-- Memory of calls that are held: so many that ring and so many that are
-- connected, in a server of its own each, at its own port, all of them at once.
-- Measured when the transactions of the INVITEs have ended (RFC 6026: 64*T1),
-- but for those of calls that ring, which go on.

local peers = require "bench.peers"
local process = require "bench.process"

local HELD, RATE = 10000, 5000
local FIRST = 100 -- calls before those, which find all in place
local ENDED = 33 -- s
local TRIES = 3

local hold = {}

local KINDS = {
  { name = "ringing", server = "ringing", load = "ringing" },
  { name = "connected", server = "answered", load = "held" },
}

-- How many it has then: on a busy machine some are refused, and others come.
local function take(kind, port)
  local held = 0
  for _ = 1, TRIES do
    local got = process.load(kind, RATE, HELD - held, { port = port })
    held = held + got.completed
    if held == HELD then
      break
    end
  end
  return held
end

-- Starts them and has them take their calls; finish() says what came of it.
function hold.begin(servers)
  local list = {}
  for _, server in ipairs(servers) do
    for _, kind in ipairs(KINDS) do
      local port = process.PORT + #list + 1
      local pid = process.start(peers.command(server, kind.server, port),
        { port = port })
      process.load(kind.load, 1000, FIRST, { port = port })
      local before = process.memory(pid)
      list[#list + 1] = { server = server, kind = kind.name, pid = pid,
        before = before, calls = HELD, held = take(kind.load, port) }
    end
  end
  list.since = os.time()
  return list
end

-- Each gets kb, of one call.
function hold.finish(list)
  os.execute("sleep " .. math.max(0, list.since + ENDED - os.time()))
  for _, each in ipairs(list) do
    local mb = process.memory(each.pid) - each.before
    each.kb = mb * 1024 / each.held
    process.stop(each.pid)
  end
end

return hold
