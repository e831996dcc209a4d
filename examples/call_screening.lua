-- Decides about each call by who calls whom and when: a blocklist, a caller
-- who has to wait, office hours with voicemail behind them. Prints what became
-- of every call; --trace prints every message on the wire too.
local sip = require "sipsession"

local blocked = { spam = true, survey = true }
local opens, closes = 9, 17
local voicemail = "sip:voicemail@voice.example.com"

local function user_of(uri)
  return uri:match "^sips?:([^@;]+)@"
end

local function decide(session, hour)
  local from = user_of(session.remote_participant.uri)
  if blocked[from] then
    session:reject(sip.code.NOT_ACCEPTABLE_HERE, { ["X-Screen"] = "blocked" })
  elseif user_of(session.request_uri) == "office"
    and (hour < opens or hour >= closes) then
    session:redirect(voicemail)
  else
    if from == "patient" then
      session:progress(sip.code.RINGING)
      sip.sleep(5)
    end
    session:participate()
  end
end

-- clock: gives the hour of the day; default the local one.
local function attach(endpoint, clock)
  endpoint:on("session_received", function(session)
    session:on("state_changed", function(_, change)
      local why = change.reason ~= "none" and " (" .. change.reason .. ")" or ""
      print(("call %s %s -> %s%s"):format(session.call_id, change.previous,
        change.state, why))
    end)
    decide(session, clock and clock() or os.date("*t").hour)
  end)
end

if arg and arg[0]:find "call_screening%.lua$" then -- as a script
  io.stdout:setvbuf "line"
  local trace = table.concat(arg, " "):find("--trace", 1, true)
  local listen = arg[1] ~= "--trace" and arg[1] or "udp:127.0.0.1:5060"
  local endpoint = assert(sip.endpoint { listen = listen })
  print("listening on " .. endpoint.addresses[1])
  attach(endpoint)
  if trace then
    endpoint:on("message", function(direction, text, address)
      local id = ("\n" .. text):match "\n[Cc]all%-[Ii][Dd]%s*:%s*([^\r\n]*)"
      local line = text:match "^[^\r\n]*"
      print(sip.printable(("wire %s %s %s %s"):format(direction, address, line,
        id or "-")))
    end)
  end
  sip.run()
end

return attach
