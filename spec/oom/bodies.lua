-- What runs while memory is short: the ways a call goes, each with a script
-- and a caller, and the parts that need no call. A caller gives up where the
-- next step makes no sense; it returns true where all went as it should, which
-- is demanded when nothing has failed. Here is what they have in common; they
-- are in the files that are loaded at the end.

local kit = {}

local function sdp(lines)
  return table.concat(lines, "\r\n") .. "\r\n"
end

kit.OFFER = sdp {
  "v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-", "c=IN IP4 10.0.0.2", "t=0 0",
  "m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000",
}
kit.ANSWER = sdp {
  "v=0", "o=- 7 1 IN IP4 10.0.0.1", "s=-", "c=IN IP4 10.0.0.1", "t=0 0",
  "m=audio 5000 RTP/AVP 0",
}

local names, bodies = {}, {}
bodies.names = names

-- body "its name" { script = function(session, w), caller = function(w) }; also
-- endpoint: options; protocol of the caller; bare: no network; prepare, after:
-- what is done before and after, with memory.
function kit.body(name)
  return function(what)
    names[#names + 1] = name
    bodies[name] = what
  end
end

function kit.invite(w, options)
  options = options or {}
  options.to = "sip:desk@10.0.0.1"
  if options.sdp == nil then
    options.sdp = kit.OFFER
  elseif not options.sdp then
    options.sdp = nil
  end
  return w.caller:invite(options)
end

-- Calls, is accepted and acknowledges.
function kit.connect(w, options)
  local call = kit.invite(w, options)
  if not call:wait(200) then
    return nil
  end
  call:ack()
  w.network:advance(0)
  return call
end

function kit.hang_up(call)
  call:bye()
  return call:wait(200) and true
end

-- What a verb gave; `want` is the error's kind, or nil for success.
function kit.check(w, value, err, want)
  if not value then
    w:given(err)
  end
  if want then
    return not value and err.kind == want
  end
  return value and true
end

for _, file in ipairs { "calls", "media", "requests", "parts" } do
  assert(loadfile(("%s/%s.lua"):format(_G.directory, file)))(kit)
end

return bodies
