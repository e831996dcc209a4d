-- The caller's side of reliable provisionals (RFC 3262): PRACKs and what they
-- acknowledge.

local World = require "support.world"

local reliable = {}

-- Headers of an INVITE.
reliable.SUPPORTED = { Supported = "timer, 100rel" }
reliable.REQUIRED = { Require = "100rel" }

-- The next response to the call's INVITE with that code.
function reliable.hear(call, code, seconds)
  call.last = call.transactions[1]
  return assert(call:wait(code, seconds))
end

function reliable.rseq(response)
  return assert(math.tointeger(tonumber(response:header "RSeq")))
end

-- PRACKs a response, or one with that RSeq. Options as of call:request.
function reliable.prack(call, response, options)
  local n = type(response) == "number" and response or reliable.rseq(response)
  local all = { headers = { RAck = n .. " 1 INVITE" } }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return call:request("PRACK", all)
end

-- The same, and the answer to it within so many seconds (0).
function reliable.acknowledge(call, response, options, seconds)
  reliable.prack(call, response, options)
  local cseq = call.cseq .. " PRACK"
  local answer
  call.peer.network:wait(function()
    for _, entry in ipairs(call.inbox) do
      if entry.cseq == cseq then
        answer = call:hand(entry)
        return true
      end
    end
  end, seconds or 0)
  return assert(answer, "the PRACK isn't answered")
end

-- In a handler of that world: progress, noted with its time.
function reliable.progress(w, session, ...)
  local ok, err = session:progress(...)
  w:note("%s %s at %g", ok and tostring(ok) or err.kind,
    not ok and err.reason or "-", w.network:time() - w.start)
  return ok, err
end

-- Its notes without those of transitions and accepts.
function reliable.own_notes(w)
  local notes = {}
  for _, note in ipairs(w.log) do
    if not note:find ">" and not note:find "^accept" then
      notes[#notes + 1] = note
    end
  end
  return notes
end

-- A description of the caller's, the n-th.
function reliable.theirs(n, lines)
  return (World.OFFER:gsub("o=%- 1 1", "o=- 1 " .. n)) .. (lines or "")
end

return reliable
