-- What specs of REFERs that come in a call have in common.

local assert = require "luassert"

local referring = {}

referring.TARGET = "<sip:carol@example.com>"

-- Sends a REFER in the call; a header that is false is left out.
function referring.refer(call, headers)
  local all = { ["Refer-To"] = referring.TARGET }
  for name, value in pairs(headers or {}) do
    all[name] = value or nil
  end
  if headers and headers["Refer-To"] == false then
    all["Refer-To"] = nil
  end
  return call:request("REFER", { headers = all })
end

-- What a NOTIFY says: "SIP/2.0 100 Trying|active;expires=60|refer".
local function news(notify)
  return table.concat({
    notify.body:match "^[^\r\n]*",
    notify:header "Subscription-State", notify:header "Event",
  }, "|")
end

-- The next NOTIFY within so many seconds (0), which is answered (200): what it
-- says, and itself.
function referring.notified(call, seconds, code)
  local notify = assert(call:wait("NOTIFY", seconds or 0))
  call:reply(notify, code or 200)
  call.peer.network:advance(0)
  return news(notify), notify
end

-- What a verb returned, as text.
function referring.result(ok, err)
  if ok then
    assert.is_true(ok)
    return "true"
  end
  return ("%s %s"):format(err.kind, err.reason or "-")
end

-- Accepts what comes in the session, then runs fn(referral) in the handler.
function referring.accepting(session, fn)
  session:on("refer_received", function(s, referral)
    assert.equal(session, s)
    assert.is_true(referral:accept())
    if fn then
      fn(referral)
    end
  end)
end

return referring
