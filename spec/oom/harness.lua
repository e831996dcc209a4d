-- One trial of spec/oom/oom.c: runs a body of bodies.lua while allocations
-- fail, and says what is wrong afterwards. Allowed are success, "not enough
-- memory" raised, nil and an error, a 500 or 503, a packet lost. Whatever it
-- was: nothing is told twice, every coroutine ends, the endpoint takes the next
-- call, and nothing is left over.

package.path = "./lua/?.lua;" .. package.path

local memory, directory = _G.memory, _G.directory
local sip = require "sipsession"
local testing = require "sipsession.testing"
require "sipsession.sdp"
require "sipsession.rtpengine"

local GOOD, FAULT, NOT_REACHED = 0, 1, 2

local bodies = dofile(directory .. "/bodies.lua")

local World = {}
World.__index = World

local function short_of_memory(err)
  local text = tostring(err)
  return text:find("not enough memory", 1, true) ~= nil
    or text:find("stack overflow", 1, true) ~= nil -- it couldn't grow
end

-- What went wrong, the first of it.
function World:fault(text, ...)
  self.wrong = self.wrong or text:format(...)
end

-- Says that something that happens once has happened.
function World:once(what)
  self.happened[what] = (self.happened[what] or 0) + 1
end

-- A handler whose coroutine is seen to end.
function World:handler(fn)
  return function(...)
    self.threads[coroutine.running()] = true
    return fn(...)
  end
end

-- An error of the library's, given to the script: it is one of its own.
function World:given(err)
  if type(err) ~= "table" or type(err.kind) ~= "string" then
    if not short_of_memory(err) then
      self:fault("an error is %s", tostring(err))
    end
  end
end

-- Takes the calls that come: fn(session).
function World:serve(fn)
  return self.endpoint:on("session_received", self:handler(function(session)
    self.calls = self.calls + 1
    local id = ("call %d"):format(self.calls)
    self.seen[session] = id
    session:on("state_changed", function(_, change)
      self:once(change.state .. " " .. id)
    end)
    fn(session)
  end))
end

local function open(body)
  local w = setmetatable({
    happened = {}, calls = 0, threads = {},
    seen = setmetatable({}, { __mode = "k" }),
  }, World)
  if body.prepare then
    body.prepare(w)
  end
  if body.bare then
    return w
  end
  w.network = testing.network { seed = 1 }
  local options = {
    listen = { "udp:10.0.0.1:5060", "tcp:10.0.0.1:5060" },
    network = w.network,
  }
  for name, value in pairs(body.endpoint or {}) do
    options[name] = value
  end
  w.endpoint = assert(sip.endpoint(options))
  w.endpoint:on("error", function(err)
    if not short_of_memory(err) then
      w:fault("the error handler got: %s", tostring(err))
    end
  end)
  w.caller = w.network:peer((body.protocol or "udp") .. ":10.0.0.2:5060")
  return w
end

-- An ordinary call, after all that.
local function probe(w)
  w.network:advance(0)
  if w.endpoint.is_closed then
    return
  end
  if w.stop_serving then
    w.stop_serving()
  end
  w.endpoint:on("session_received", function(session)
    session:participate()
  end)
  local peer = w.network:peer "udp:10.0.0.9:5060"
  local call = peer:invite { to = "sip:desk@10.0.0.1" }
  local ok, what = call:wait(200)
  if not ok then
    return w:fault("the next call is not accepted: %s", what)
  end
  call:ack()
  call:bye()
  if not call:wait(200) then
    w:fault "the next call's BYE is not answered"
  end
end

local function nothing_left(w)
  w.network:advance(70)
  for _ = 1, 3 do
    collectgarbage()
  end
  for name, n in pairs(w.network:leftovers()) do
    if n ~= 0 then
      w:fault("%d %s left over", n, name)
    end
  end
  local session = next(w.seen)
  if session then
    w:fault("a session is still held (%s)", session.state)
  end
end

-- What dead registers hold is not collected.
local function scrub(n)
  if n > 0 then
    scrub(n - 1)
  end
  return n
end

local function finish(w)
  w.network:impair()
  w.network.core:filter(nil)
  local ok, err = pcall(w.network.advance, w.network, 0)
  if not ok and not short_of_memory(err) then -- what a hook raised
    w:fault("%s", err)
  end
  probe(w)
  w.session = nil
  scrub(30)
  w.endpoint:close()
  w.network:advance(0)
  nothing_left(w)
  w.network:close()
end

function _G.trial(name)
  local body = assert(bodies[name], "no such body")
  local w = open(body)
  if body.script then
    w.stop_serving = w:serve(function(session)
      body.script(session, w)
    end)
  end
  local run, stop = body.caller, memory.stop
  collectgarbage()
  memory.start()
  local ok, result = pcall(run, w)
  stop()
  local complete = ok and result
  if not ok and not short_of_memory(result) then
    w:fault("raised: %s", tostring(result))
  end
  if w.network then
    ok, result = xpcall(finish, debug.traceback, w)
    if not ok then
      w:fault("%s", result)
    end
  elseif body.after then
    body.after(w)
  end
  for what, n in pairs(w.happened) do
    if n > 1 then
      w:fault("%s: %d times", what, n)
    end
  end
  for thread in pairs(w.threads) do
    if coroutine.status(thread) == "suspended" then
      w:fault "a handler never ended"
    end
  end
  local _, failed = memory.count()
  if w.wrong then
    return FAULT, w.wrong
  elseif failed then
    return GOOD
  elseif not complete then
    return 3, "incomplete, though nothing failed"
  end
  return NOT_REACHED
end

return bodies.names
