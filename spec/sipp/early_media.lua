-- A server for prack.xml: early media, acknowledged, and then the answer.
local ANSWER = table.concat({
  "v=0", "o=- 7 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
  "m=audio 5000 RTP/AVP 0", "",
}, "\r\n")

return function(endpoint)
  endpoint:on("session_received", function(session)
    assert(session:progress(183, { sdp = ANSWER, reliable = true }))
    assert(session:participate())
  end)
end
