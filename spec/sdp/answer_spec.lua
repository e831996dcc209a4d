-- sdp.answer by RFC 3264: streams, formats, directions, times; and what of the
-- offer is never said back.
local rules = require "support.sdp_rules"
local sdp = require "sipsession.sdp"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local HEAD = lines("v=0", "o=alice 1 1 IN IP4 192.0.2.1", "s=-",
  "c=IN IP4 192.0.2.1", "t=0 0")

local function answer(audio, video, ...)
  local text, err = sdp.answer(HEAD .. lines(...), {
    address = "192.0.2.9", audio = audio, video = video,
  })
  return text and text:match "m=.*" or text, err
end

local PCMU = { port = 7000, codecs = { "PCMU" } }

describe("streams", function()
  it("of one kind are matched one by one", function()
    local text = answer({ { port = 7000, codecs = { "G722" } },
      { port = 7002, codecs = { "PCMU" }, direction = "recvonly" } }, nil,
      "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 0 9",
      "m=audio 4004 RTP/AVP 0 9")
    assert.equal(lines("m=audio 7002 RTP/AVP 0", "a=rtpmap:0 PCMU/8000",
      "a=recvonly", "m=audio 7000 RTP/AVP 9", "a=rtpmap:9 G722/8000",
      "a=sendrecv", "m=audio 0 RTP/AVP 0 9"), text)
  end)

  it("with a protocol unknown here are refused as they are", function()
    assert.equal(lines("m=image 0 udptl t38", "m=audio 7000 RTP/AVP 0",
      "a=rtpmap:0 PCMU/8000", "a=sendrecv",
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
      "m=audio 0 RTP/SAVP 0 8 101", "m=message 0 TCP/MSRP *"),
      answer(PCMU, nil, "m=image 5000 udptl t38", "a=T38FaxVersion:0",
        "m=audio 1 RTP/AVP 0", "m=application 9 UDP/DTLS/SCTP "
        .. "webrtc-datachannel", "m=audio 2 RTP/SAVP 0 8 101",
        "a=crypto:1 x inline:y", "m=message 3 TCP/MSRP *"))
  end)

  it("have kinds and protocols in any case", function()
    assert.equal(lines("m=AUDIO 7000 rtp/avpf 0", "a=rtpmap:0 PCMU/8000",
      "a=sendrecv"), answer(PCMU, nil, "m=AUDIO 1 rtp/avpf 0"))
  end)

  it("may be of any kind, also one named as an option of ours", function()
    for _, kind in ipairs { "name", "address", "origin", "previous", "streams",
      "family", "__index" } do
      assert.equal(lines("m=" .. kind .. " 0 RTP/AVP 0",
        "m=audio 7000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv"),
        answer(PCMU, nil, "m=" .. kind .. " 1 RTP/AVP 0",
          "m=audio 1 RTP/AVP 0"))
    end
  end)

  it("say what was offered where none fits", function()
    local text, err = answer(PCMU, nil, "m=audio 1 UDP/TLS/RTP/SAVPF 111",
      "m=audio 0 RTP/AVP 0")
    assert.is_nil(text)
    assert.equal("no stream in common; the offer has audio "
      .. "UDP/TLS/RTP/SAVPF, audio RTP/AVP with port 0", err.message)
  end)
end)

describe("formats", function()
  local function formats(codecs, ...)
    local text = answer({ port = 7000, codecs = codecs }, nil, ...)
    return text and text:match "RTP/AVP ([^\r]*)"
  end

  it("of a known name have its clock rate", function()
    assert.equal("97", formats({ "PCMU" }, "m=audio 1 RTP/AVP 96 97",
      "a=rtpmap:96 PCMU/16000", "a=rtpmap:97 pcmu/8000/1"))
    assert.equal("96", formats({ "PCMU/16000" }, "m=audio 1 RTP/AVP 96 0",
      "a=rtpmap:96 PCMU/16000"))
    assert.equal("97", formats({ "opus" }, "m=audio 1 RTP/AVP 96 97",
      "a=rtpmap:96 opus/8000", "a=rtpmap:97 OPUS/48000/2"))
  end)

  it("are taken once", function()
    assert.equal("0", formats({ "PCMU", "pcmu" }, "m=audio 1 RTP/AVP 0 0 0"))
  end)

  it("that only go with others come with them", function()
    local offer = { "m=audio 1 RTP/AVP 101 96 97 13 0",
      "a=rtpmap:101 telephone-event/8000",
      "a=rtpmap:96 telephone-event/48000", "a=rtpmap:97 opus/48000/2" }
    local all = { "opus", "PCMU", "telephone-event", "CN" }
    assert.equal("101 96 97 13 0", formats(all, table.unpack(offer)))
    assert.equal("96 97", formats({ "opus", "telephone-event", "CN" },
      table.unpack(offer)))
    assert.equal("101 0", formats({ "PCMU", "telephone-event" },
      table.unpack(offer)))
    assert.equal("0", formats({ "PCMU" }, table.unpack(offer)))
    assert.is_nil(formats({ "telephone-event", "CN" }, table.unpack(offer)))
  end)

  it("that repeat others come with those (RFC 4588)", function()
    local text = answer(nil, { port = 7002, codecs = { "VP8", "rtx" } },
      "m=video 1 RTP/AVPF 96 97 98 99", "a=rtpmap:96 H264/90000",
      "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:98 VP8/90000",
      "a=rtpmap:99 rtx/90000", "a=fmtp:99 apt=98;rtx-time=3000")
    assert.matches("^m=video 7002 RTP/AVPF 98 99\r\n", text)
  end)

  it("have the offer's parameters", function()
    assert.matches("a=fmtp:96 mode=30; x = \"y\"\r\n", answer({ port = 7000,
      codecs = { "iLBC" } }, nil, "m=audio 1 RTP/AVP 96",
      "a=rtpmap:96 iLBC/8000", "a=fmtp:96  mode=30; x = \"y\" "))
  end)
end)

describe("ptime", function()
  local function times(ours, ...)
    local text = answer({ port = 7000, codecs = { "PCMU" },
      ptime = ours.ptime, maxptime = ours.maxptime }, nil,
      "m=audio 1 RTP/AVP 0", ...)
    return text:match "a=ptime:([^\r]*)", text:match "a=maxptime:([^\r]*)"
  end

  it("is ours, else the offer's", function()
    assert.same({ "30" }, { times({ ptime = 30 }, "a=ptime:20") })
    assert.same({ "20" }, { times({}, "a=ptime:20", "a=maxptime:60") })
    assert.same({}, { times {} })
  end)

  it("is within our maxptime", function()
    assert.same({ "40", "40" }, { times({ maxptime = 40 }, "a=ptime:60") })
  end)

  it("is not said back where it is none", function()
    for _, value in ipairs { "0", "x", "20.5", "-1", "99999", "" } do
      assert.same({}, { times({}, "a=ptime:" .. value) })
    end
  end)
end)

describe("direction", function()
  -- RFC 3264 6.1: ours is the offered one turned round, as far as we go.
  local TABLE = {
    sendrecv = { "sendrecv", "sendonly", "recvonly", "inactive" },
    sendonly = { "recvonly", "inactive", "recvonly", "inactive" },
    recvonly = { "sendonly", "sendonly", "inactive", "inactive" },
    inactive = { "inactive", "inactive", "inactive", "inactive" },
  }

  local function check(row, ...)
    for i, ours in ipairs { "sendrecv", "sendonly", "recvonly", "inactive" } do
      local text = answer({ port = 7000, codecs = { "PCMU" },
        direction = ours }, nil, ...)
      assert.equal(row[i], text:match "a=(%l+)\r\n$")
    end
  end

  it("is what both want", function()
    for theirs, row in pairs(TABLE) do
      check(row, "m=audio 1 RTP/AVP 0", "a=" .. theirs)
    end
  end)

  it("of a stream to 0.0.0.0 never sends (RFC 3264 8.4)", function()
    check(TABLE.sendonly, "m=audio 1 RTP/AVP 0", "c=IN IP4 0.0.0.0")
    check(TABLE.sendonly, "m=audio 1 RTP/AVP 0", "c=IN IP6 ::")
    check(TABLE.inactive, "m=audio 1 RTP/AVP 0", "c=IN IP4 0.0.0.0",
      "a=recvonly")
    check(TABLE.inactive, "m=audio 1 RTP/AVP 0", "c=IN IP4 0.0.0.0",
      "a=inactive")
  end)
end)

describe("an answer", function()
  local OPTIONS = { address = "192.0.2.9", audio = PCMU }

  it("has the offer's times, all of them (RFC 3264 6)", function()
    local times = lines("t=2873397496 2873404696", "r=7d 1h 0 25h", "t=1 2",
      "z=2882844526 -1h 2898848070 0")
    local text = sdp.answer(HEAD:gsub("t=0 0\r\n", times)
      .. "m=audio 1 RTP/AVP 0\r\n", OPTIONS)
    assert.truthy(text:find(times .. "m=", 1, true))
    assert.is_nil(rules.broken(text))
  end)

  it("has times where the offer has none", function()
    local text = sdp.answer("v=0\nm=audio 1 RTP/AVP 0\n", OPTIONS)
    assert.is_nil(rules.broken(text))
    assert.matches("\r\nt=0 0\r\n", text)
  end)

  it("says nothing back that isn't so", function()
    local text = sdp.answer(HEAD .. lines("a=group:BUNDLE 0", "a=ice-lite",
      "a=ice-ufrag:x", "a=ice-pwd:y", "a=fingerprint:sha-256 AA",
      "a=msid-semantic: WMS", "m=audio 1 RTP/AVPF 0", "b=AS:64", "a=mid:0",
      "a=candidate:1 1 UDP 1 192.0.2.1 1 typ host", "a=end-of-candidates",
      "a=ice-ufrag:x", "a=ice-pwd:y", "a=rtcp-mux", "a=rtcp:2",
      "a=setup:actpass", "a=fingerprint:sha-256 AA", "a=extmap:1 urn:x",
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:z", "a=ssrc:1 cname:x",
      "a=rtcp-fb:0 nack", "a=msid:x y", "a=label:1"), OPTIONS)
    assert.equal(lines("m=audio 7000 RTP/AVPF 0", "a=rtpmap:0 PCMU/8000",
      "a=sendrecv"), text:match "m=.*")
    assert.is_nil(text:match("^(.-)m="):find "a=")
  end)

  it("leaves the offer it was given alone", function()
    local text = HEAD .. lines("m=audio 1 RTP/AVP 0 8", "a=ptime:20")
    local offer = assert(sdp.parse(text))
    sdp.answer(offer, OPTIONS)
    assert.equal(text, tostring(offer))
  end)

  it("can be to an offer that the script changed", function()
    local offer = assert(sdp.parse(HEAD .. "m=audio 1 RTP/AVP 0\r\n"))
    offer.media[1].direction = "sendonly"
    assert.matches("a=recvonly\r\n$", sdp.answer(offer, OPTIONS))
  end)
end)

describe("an offer", function()
  it("has a clock rate for names that mean one", function()
    local text = sdp.offer { address = "h", audio = { port = 1,
      codecs = { "opus", "AMR-WB", "speex", "telephone-event" } } }
    assert.matches("a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 AMR%-WB/16000\r\n"
      .. "a=rtpmap:98 speex/8000\r\na=rtpmap:99 telephone%-event/48000\r\n",
      text)
  end)

  it("has no more than the 32 dynamic payload numbers", function()
    local codecs = {}
    for i = 1, 32 do
      codecs[i] = "x" .. i
    end
    local options = { address = "h", audio = { port = 1, codecs = codecs } }
    assert.matches("a=rtpmap:127 x32/8000", sdp.offer(options))
    codecs[33] = "x33"
    local ok, err = pcall(function()
      sdp.offer(options)
    end)
    assert.is_false(ok)
    assert.matches("answer_spec.lua:%d+: sdp.offer: no payload number", err)
  end)
end)
