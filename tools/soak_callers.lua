-- The callers of tools/soak_sockets.lua: a SIPp for each kind of call and of
-- transport, all at once. Over UDP by a relay that loses and doubles datagrams,
-- over TCP with one connection for all calls ("t1") and with one for each
-- ("tn").
--
-- Fields: seen: calls by kind, { created = n, successful = n } each; passed,
-- lost, doubled: datagrams at the relay.

local uv = require "luv"
local Relay = require "support.relay"
local sipp = require "support.sipp"

-- Calls a second.
local KINDS = {
  { scenario = "accepted", user = "accept", u1 = 25, t1 = 10, tn = 10 },
  { scenario = "accepted", user = "later", u1 = 20, t1 = 5 },
  { scenario = "declined", user = "decline", u1 = 20, t1 = 5, tn = 5 },
  { scenario = "cancelled", user = "ring", u1 = 15, t1 = 5 },
  { scenario = "left", user = "leave", u1 = 10, t1 = 5 },
  { scenario = "unacknowledged", user = "accept", u1 = 8, t1 = 4 },
  { scenario = "early_bye", user = "accept", u1 = 10, tn = 5 },
}
local TRANSPORTS = { "u1", "t1", "tn" }
local LOSS, DUPLICATE = 0.2, 0.1 -- at most
local TAIL = 3.5   -- seconds that the last calls may take; then SIPp gives up
local OPEN = 1000  -- calls of one SIPp
-- Where the kernel gives no port of its own accord.
local FIRST_PORT, LAST_PORT = 20000, 30000

local Callers = {}
Callers.__index = Callers

-- Ports of the server; a directory for SIPp's files; a seed.
function Callers.new(udp, tcp, directory, seed)
  math.randomseed(seed)
  return setmetatable({ udp = udp, tcp = tcp, directory = directory,
    seed = seed, rounds = 0, seen = {}, running = {},
    passed = 0, lost = 0, doubled = 0,
    -- not where another run, with the same seed, begins
    port = FIRST_PORT
      + math.tointeger(uv.os_getpid()) % (LAST_PORT - FIRST_PORT),
  }, Callers)
end

-- For SIPp, and for the relay, which has the same one at 127.0.0.2.
local function is_free(port)
  local udp, relay, tcp = uv.new_udp(), uv.new_udp(), uv.new_tcp()
  local free = udp:bind("127.0.0.1", port) and relay:bind("127.0.0.2", port)
    and tcp:bind("127.0.0.1", port) and tcp:getsockname()
  udp:close()
  relay:close()
  tcp:close()
  return free
end

function Callers:next_port()
  repeat
    self.port = self.port < LAST_PORT and self.port + 1 or FIRST_PORT
  until is_free(self.port)
  return self.port
end

function Callers:count(caller, statistics)
  local name = caller.name
  local seen = self.seen[name] or { created = 0, successful = 0 }
  seen.created = seen.created + (statistics.TotalCallCreated or 0)
  seen.successful = seen.successful + (statistics["SuccessfulCall(C)"] or 0)
  self.seen[name] = seen
end

-- All of them for so many seconds, and until the last call is over.
function Callers:round(seconds)
  self.rounds = self.rounds + 1
  local relay = Relay.new { server = self.udp, seed = self.seed + self.rounds,
    loss = math.random() * LOSS, duplicate = math.random() * DUPLICATE }
  for _, kind in ipairs(KINDS) do
    for _, transport in ipairs(TRANSPORTS) do
      local rate = kind[transport]
      if rate then
        local name = ("%s (%s) %s"):format(kind.scenario, kind.user, transport)
        local caller = sipp.start({ scenario = kind.scenario .. ".xml",
          service = kind.user, transport = transport, rate = rate,
          calls = math.ceil(rate * seconds), open = OPEN,
          limit = math.ceil(seconds + TAIL), own_port = self:next_port(),
          port = transport == "u1" and relay.port or self.tcp,
          name = ("%s-%s-%s"):format(kind.scenario, kind.user, transport),
        }, self.directory)
        caller.name = name
        self.running[#self.running + 1] = caller
      end
    end
  end
  for _, caller in ipairs(self.running) do
    local _, statistics = sipp.finish(caller)
    self:count(caller, statistics)
  end
  self.running = {}
  relay:close()
  for _, what in ipairs { "passed", "lost" } do
    local counts = relay[what]
    self[what] = self[what] + counts.to_server + counts.to_client
  end
  self.doubled = self.doubled + relay.doubled
end

-- Those that run still.
function Callers:processes()
  local list = {}
  for _, caller in ipairs(self.running) do
    if not caller.process.ended then
      list[#list + 1] = caller.process
    end
  end
  return list
end

return Callers
