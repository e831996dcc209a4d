-- The front end of an IVR: rtpengine has the audio and plays each caller a
-- prompt, then we hang up. First start an `rtpengine --table=-1 --foreground
-- --interface=127.0.0.1 --listen-ng=127.0.0.1:2223`. Arguments: where to listen
-- for SIP, where rtpengine listens for ng, a sound file that it can read.
local sip = require "sipsession"
local rtpengine = require "sipsession.rtpengine"

local tone = ("\x80\xb9\xd3\xca\xa1\x6d\x3f\x2b\x3d\x6b"):rep(400)
local beep = "RIFF" .. ("<I4"):pack(36 + #tone) .. "WAVEfmt "
  .. ("<I4I2I2I4I4I2I2"):pack(16, 1, 1, 8000, 8000, 1, 8) -- half a second
  .. "data" .. ("<I4"):pack(#tone) .. tone

-- rtpengine stands between the caller and us. Our end of it is port 9, where
-- nobody is: nothing comes from there, and the blackhole lets nothing out.
local function answer(engine, session, offer)
  local own = session.data or { address = "127.0.0.1", version = 0,
    session_id = math.random(1 << 53),
    audio = { port = 9, codecs = { "PCMU", "PCMA", "telephone-event" } } }
  session.data, own.version = own, own.version + 1 -- a re-INVITE has the next
  local theirs = assert(engine:command("offer", { session = session,
    sdp = offer, ["transport-protocol"] = "RTP/AVP", ICE = "remove" }))
  local ours = sip.sdp.answer(theirs.sdp, own)
  return ours and assert(engine:command("answer", { session = session,
    sdp = ours, ["media echo"] = "blackhole" })).sdp -- nil: 488
end

local function attach(endpoint, engine, prompt)
  endpoint.media = { get_answer = function(session, offer)
    return answer(engine, session, offer)
  end }
  endpoint:on("session_received", function(session)
    if session:participate() then
      local playing, err = engine:command("play media", { session = session,
        file = prompt, blob = not prompt and beep or nil })
      sip.sleep(playing and (playing.duration or 10000) / 1000 or 0)
      session:terminate()
      print(playing and "played to " .. session.call_id or tostring(err))
    end
  end)
  endpoint:on("ended", function(session)
    engine:command("delete", { session = session, ["delete delay"] = 0 })
  end)
end

if arg and arg[0]:find "ivr_rtpengine%.lua$" then -- as a script
  local endpoint =
    assert(sip.endpoint { listen = arg[1] or "udp:127.0.0.1:5060" })
  local engine =
    assert(rtpengine.client { address = arg[2] or "127.0.0.1:2223" })
  attach(endpoint, engine, arg[3])
  print("listening on " .. endpoint.addresses[1])
  require("sipsession.luv").attach()
  require("luv").run()
end

return attach
