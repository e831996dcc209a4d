-- A receptionist: whoever presses a digit in the call (DTMF by INFO) is sent to
-- that extension with a REFER, and stays here when nobody answers there.
local sip = require "sipsession"

local extensions = {
  ["1"] = "sip:sales@example.com",
  ["2"] = "sip:support@example.com",
}

local function transfer(session, digit)
  local target = extensions[digit]
  if not target or session.data then
    return
  end
  session.data = target
  local ok, err = session:refer(target)
  print(ok and "referred to " .. target or "not referred: " .. tostring(err))
  if not ok then
    session.data = nil
  end
end

local function notified(session, code, reason)
  print(("%s: %s %s"):format(session.data, code or "over", reason or ""))
  if not code or code >= 300 then
    session.data = nil -- back with us: another digit is welcome
  elseif code >= 200 then
    session:terminate() -- they talk to each other now
  end
end

local function attach(endpoint)
  endpoint:on("session_received", function(session)
    session:on("dtmf", transfer)
    session:on("refer_notified", notified)
    session:participate()
  end)
end

if arg and arg[0]:find "transfer%.lua$" then -- as a script
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  attach(endpoint)
  print("listening on " .. endpoint.addresses[1])
  sip.run()
end

return attach
