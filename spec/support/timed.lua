-- Calls with a session timer (RFC 4028), from the caller's side.

local assert = require "luassert"
local World = require "support.world"

local timed = {}

-- Options of an INVITE or UPDATE that ask for a timer; `more` are further
-- headers, or false for one to be left out.
function timed.asking(expires, more)
  local headers = {
    Supported = "timer", Allow = "INVITE, ACK, BYE, UPDATE",
    ["Session-Expires"] = expires,
  }
  for name, value in pairs(more or {}) do
    headers[name] = value or nil
  end
  return { headers = headers }
end

-- Options of a 2xx that agrees to what a request asks for.
function timed.agreeing(request)
  return { headers = {
    Require = "timer", ["Session-Expires"] = request:header "Session-Expires",
  } }
end

-- Answers a re-INVITE with that and a description, and takes the ACK.
function timed.accept(call, invite)
  local answer = timed.agreeing(invite)
  answer.sdp = World.OFFER
  call:reply(invite, 200, answer)
  assert(call:wait("ACK", 1))
end

-- A world with an established call that asked for that; `timer`: the
-- endpoint's session_timer. Returns the world, the call and its session.
function timed.call(expires, more, timer)
  local w = World.new { endpoint = { session_timer = timer } }
  return w, w:established(timed.asking(expires, more))
end

-- The next request of that method, which comes at that time, in ms since the
-- call was established.
function timed.next_at(w, call, method, ms)
  local request = assert(call:wait(method, ms / 1000 + 1))
  assert.equal(ms, math.floor((w.network:time() - w.start) * 1000 + 0.5))
  return request
end

function timed.hang_up(call)
  call:bye()
  assert(call:wait(200))
end

return timed
