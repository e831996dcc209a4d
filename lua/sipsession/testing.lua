-- The testing kit: an in-memory network with its own clock, for specs of
-- scripts that handle calls. Endpoints are on it by their option `network`,
-- with everything that is theirs, transactions and sessions, just as on a real
-- one; the other side are scripted peers (testing_peer.lua). Time stands still
-- until something waits or advances it, so a timeout of 32 seconds takes as
-- long as the messages in it.
--
--   local network = testing.network { seed = 1 }
--   local endpoint = assert(sip.endpoint {
--     listen = "udp:10.0.0.1:5060", network = network })
--   local caller = network:peer "udp:10.0.0.2:5060"
--   local call = caller:invite { to = "sip:desk@10.0.0.1" }
--   assert(call:wait(200))
--   call:ack()

local sip = require "sipsession"
local Peer = require "sipsession.testing_peer"
local ladder = require "sipsession.testing_ladder"

local testing = {}

local WAIT = 40 -- seconds; more than 64*T1

local Network = {}
Network.__index = Network

-- testing.network{ seed = 1, trace = true }. The same seed gives the same
-- losses, tags and branches. trace = false: keeps no record for trace().
function testing.network(options)
  options = options or {}
  if type(options) ~= "table" then
    error("network: a table is expected, network { seed = 1 }", 2)
  end
  for name in pairs(options) do
    if name ~= "seed" and name ~= "trace" then
      error(("network: unknown option '%s'"):format(name), 2)
    end
  end
  local seed = options.seed or 1
  if math.type(seed) ~= "integer" then
    error("network: seed is an integer", 2)
  end
  local network = setmetatable({
    core = sip._network(seed), -- what sip.endpoint takes as its network
    reasons = sip.code, filters = {}, log = {}, serial = 0,
    prefix = ("%x"):format(seed & 0xffffffff),
  }, Network)
  if options.trace ~= false then
    network.core:observe(function(time, from, to, bytes, lost)
      network.log[#network.log + 1] =
        { time = time, from = from, to = to, text = bytes, lost = lost }
    end)
  end
  return network
end

-- A scripted peer at "udp:10.0.0.2:5060" or "tcp:10.0.0.2:5060"; options.auto:
-- see testing_peer.lua.
function Network:peer(address, options)
  local peer = Peer.new(self, address, options) -- no tail call, for errors
  return peer
end

-- The network's time in seconds.
function Network:time()
  return self.core:now()
end

local function check_seconds(seconds, what)
  if type(seconds) ~= "number" or not (seconds >= 0 and seconds < 1e9) then
    error(("%s: seconds are a number from 0 up, not %s")
      :format(what, tostring(seconds)), 3)
  end
end

-- Runs everything that is due in the next seconds, in order, and moves the
-- time there. An error in a drop function comes out here.
function Network:advance(seconds)
  check_seconds(seconds, "advance")
  local until_time = self.core:now() + seconds
  while self.core:step(until_time) do
  end
end

-- Steps the network until condition() gives something, and returns that; nil
-- when it doesn't within `seconds` (40) of the network's time.
function Network:wait(condition, seconds)
  seconds = seconds or WAIT
  check_seconds(seconds, "wait")
  local until_time = self.core:now() + seconds
  repeat
    local result = condition()
    if result then
      return result
    end
  until not self.core:step(until_time)
  return condition()
end

-- How the network treats what is sent from now on; what waits for the end of
-- the step leaves first. loss, duplicate and reorder are probabilities (0 to
-- 1), delay is in seconds. What isn't named is off; streams are only delayed.
function Network:impair(how)
  how = how or {}
  for name, value in pairs(how) do
    if name ~= "loss" and name ~= "duplicate" and name ~= "reorder"
      and name ~= "delay" then
      error(("impair: unknown option '%s'"):format(name), 2)
    elseif type(value) ~= "number" or value ~= value or value < 0
      or name ~= "delay" and value > 1 then
      error(("impair: %s can't be %s"):format(name, tostring(value)), 2)
    end
  end
  self.core:flush()
  self.core:impair {
    loss = how.loss or 0, duplicate = how.duplicate or 0,
    reorder = how.reorder or 0, delay = how.delay or 0,
  }
end

-- Loses every message, of those that are sent from now on, for which
-- fn(message, from, to) is true; from and to are addresses. Several of them may
-- be there. Returns a function that removes it.
function Network:drop(fn)
  if type(fn) ~= "function" then
    error("drop: a function is expected", 2)
  end
  local filters = self.filters
  local own = { fn = fn }
  self.core:flush()
  filters[#filters + 1] = own
  self.core:filter(function(bytes, from, to)
    local message = self:message(bytes)
    for _, filter in ipairs(filters) do
      if filter.fn(message, from, to) then
        return true
      end
    end
  end)
  return function()
    self.core:flush()
    for i, filter in ipairs(filters) do
      if filter == own then
        table.remove(filters, i)
      end
    end
    if #filters == 0 then
      self.core:filter(nil)
    end
  end
end

-- What was sent so far, as a ladder: text, a line for each message. `width`:
-- the columns are at most that wide.
function Network:trace(width)
  self.core:flush()
  return ladder(self.log, width)
end

-- What is still alive on this network: { sessions = 0, transactions = 0,
-- timers = 0, … }. All 0 when a script has cleaned up after itself, and the
-- timers of the protocol (64*T1) have run out.
function Network:leftovers()
  return self.core:alive()
end

-- Ends it, with the endpoints on it; idempotent. Not needed for memory's sake.
function Network:close()
  self.core:close()
end

Network.__close = Network.close

-- A new unique token.
function Network:token()
  self.serial = self.serial + 1
  return ("%s-%x"):format(self.prefix, self.serial)
end

-- What can't be read as a message is handed over all the same.
local Junk = {}
Junk.__index = Junk

function Junk.header()
  return nil
end

function Junk.headers()
  return {}
end

function Junk:__tostring()
  return self.body
end

-- The message that these bytes are, with the present time; for bytes that are
-- no message a table with the bytes as `body` and the reason as `junk`.
function Network:message(bytes)
  local time = self:time()
  local message, why = sip._message(bytes, time)
  return message
    or setmetatable({ body = bytes, time = time, junk = why }, Junk)
end

return testing
