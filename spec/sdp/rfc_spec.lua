-- The examples of RFC 4566 (and 8866) 5, RFC 3264 10 and RFC 4317.
local rules = require "support.sdp_rules"
local sdp = require "sipsession.sdp"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local function streams(text)
  return text:match "m=.*" or ""
end

local ALICE = lines("v=0",
  "o=alice 2890844526 2890844526 IN IP4 host.atlanta.example.com", "s= ",
  "c=IN IP4 host.atlanta.example.com", "t=0 0")

local function bob(audio, video)
  return {
    address = "host.biloxi.example.com", audio = audio, video = video,
    origin = "bob 2808844564 2808844564 IN IP4 host.biloxi.example.com",
  }
end

it("RFC 4566 5: the description of a seminar", function()
  local text = lines("v=0", "o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5",
    "s=SDP Seminar", "i=A Seminar on the session description protocol",
    "u=http://www.example.com/seminars/sdp.pdf",
    "e=j.doe@example.com (Jane Doe)", "c=IN IP4 224.2.17.12/127",
    "t=2873397496 2873404696", "a=recvonly", "m=audio 49170 RTP/AVP 0",
    "m=video 51372 RTP/AVP 99", "a=rtpmap:99 h263-1998/90000")
  local read = assert(sdp.parse(text))
  assert.equal(text, tostring(read))
  assert.is_nil(rules.broken(text))
  assert.same({ "recvonly", "recvonly" },
    { read:direction(1), read:direction(2) })
  assert.equal("h263-1998", read.media[2].rtpmap["99"].encoding)
  assert.equal("/127", read.media[1].connection.suffix)
end)

it("RFC 4566 5.8-5.11: bandwidth, repeated times, zones", function()
  local text = lines("v=0", "o=- 1 1 IN IP4 h", "s=x",
    "c=IN IP6 FF15::101/3", "b=X-YZ:128", "t=3034423619 3042462419",
    "r=604800 3600 0 90000", "t=3034423619 3042462419", "r=7d 1h 0 25h",
    "z=2882844526 -1h 2898848070 0", "m=video 49170/2 RTP/AVP 31")
  assert.equal(text, tostring(sdp.parse(text)))
end)

it("RFC 3264 10.1: one of two video streams taken", function()
  local offer = lines("v=0", "o=alice 2890844526 2890844526 IN IP4 "
    .. "host.anywhere.com", "s= ", "c=IN IP4 host.anywhere.com", "t=0 0",
    "m=audio 49170 RTP/AVP 0", "a=rtpmap:0 PCMU/8000",
    "m=video 51372 RTP/AVP 31", "a=rtpmap:31 H261/90000",
    "m=video 53000 RTP/AVP 32", "a=rtpmap:32 MPV/90000")
  local options = {
    address = "host.example.com",
    origin = "bob 2890844730 2890844730 IN IP4 host.example.com",
    audio = { port = 49920, codecs = { "PCMU" } },
    video = { port = 53000, codecs = { "MPV" } },
  }
  local answer = sdp.answer(offer, options)
  assert.equal(lines("v=0", "o=bob 2890844730 2890844730 IN IP4 "
    .. "host.example.com", "s=-", "c=IN IP4 host.example.com", "t=0 0",
    "m=audio 49920 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv",
    "m=video 0 RTP/AVP 31", "m=video 53000 RTP/AVP 32",
    "a=rtpmap:32 MPV/90000", "a=sendrecv"), answer)
  -- Bob changes the port of his audio and the direction of a new stream.
  options.origin, options.previous = nil, answer
  options.audio = { { port = 65422, codecs = { "PCMU" } },
    { port = 51434, codecs = { "PCMU" }, direction = "recvonly" } }
  assert.equal(lines("v=0", "o=bob 2890844730 2890844731 IN IP4 "
    .. "host.example.com", "s=-", "c=IN IP4 host.example.com", "t=0 0",
    "m=audio 65422 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv",
    "m=video 0 RTP/AVP 31", "m=video 53000 RTP/AVP 32",
    "a=rtpmap:32 MPV/90000", "a=sendrecv", "m=audio 51434 RTP/AVP 0",
    "a=rtpmap:0 PCMU/8000", "a=recvonly"), sdp.offer(options))
end)

it("RFC 3264 10.2: one of three codecs", function()
  local offer = lines("v=0", "o=alice 2890844526 2890844526 IN IP4 h", "s= ",
    "c=IN IP4 h", "t=0 0", "m=audio 62986 RTP/AVP 0 4 18",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:4 G723/8000", "a=rtpmap:18 G729/8000",
    "a=inactive")
  assert.equal(lines("m=audio 54344 RTP/AVP 0 4", "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:4 G723/8000", "a=inactive"), streams(sdp.answer(offer,
      bob { port = 54344, codecs = { "G723", "PCMU" } })))
end)

local AUDIO_VIDEO = ALICE .. lines("m=audio 49170 RTP/AVP 0 8 97",
  "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:97 iLBC/8000",
  "m=video 51372 RTP/AVP 31 32", "a=rtpmap:31 H261/90000",
  "a=rtpmap:32 MPV/90000")

it("RFC 4317 2.1: audio and video, one codec of each", function()
  assert.equal(lines("m=audio 49174 RTP/AVP 0", "a=rtpmap:0 PCMU/8000",
    "a=sendrecv", "m=video 49170 RTP/AVP 32", "a=rtpmap:32 MPV/90000",
    "a=sendrecv"), streams(sdp.answer(AUDIO_VIDEO, bob(
      { port = 49174, codecs = { "PCMU" } },
      { port = 49170, codecs = { "MPV" } }))))
end)

it("RFC 4317 2.2: several codecs, then one of them", function()
  local both = sdp.answer(AUDIO_VIDEO, bob(
    { port = 49172, codecs = { "PCMU", "iLBC" } },
    { port = 49168, codecs = { "MPV", "H261" } }))
  assert.equal(lines("m=audio 49172 RTP/AVP 0 97", "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:97 iLBC/8000", "a=sendrecv", "m=video 49168 RTP/AVP 31 32",
    "a=rtpmap:31 H261/90000", "a=rtpmap:32 MPV/90000", "a=sendrecv"),
    streams(both))
  local one = ALICE:gsub("2890844526 IN", "2890844527 IN") .. lines(
    "m=audio 51372 RTP/AVP 97", "a=rtpmap:97 iLBC/8000",
    "m=video 0 RTP/AVP 31", "a=rtpmap:31 H261/90000")
  local answer = sdp.answer(one, {
    address = "host.biloxi.example.com", previous = both,
    audio = { port = 49172, codecs = { "PCMU", "iLBC" } },
  })
  assert.matches("o=bob 2808844564 2808844565 ", answer)
  assert.equal(lines("m=audio 49172 RTP/AVP 97", "a=rtpmap:97 iLBC/8000",
    "a=sendrecv", "m=video 0 RTP/AVP 31"), streams(answer))
end)

it("RFC 4317 2.4: two audio streams, the second for events", function()
  local offer = ALICE .. lines("m=audio 49170 RTP/AVP 0 97",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:97 iLBC/8000",
    "m=audio 49172 RTP/AVP 98", "a=rtpmap:98 telephone-event/8000",
    "a=sendonly")
  assert.equal(lines("m=audio 49172 RTP/AVP 97", "a=rtpmap:97 iLBC/8000",
    "a=sendrecv", "m=audio 0 RTP/AVP 98"), streams(sdp.answer(offer, bob {
      port = 49172, codecs = { "iLBC", "telephone-event" },
    })))
end)

it("RFC 4317 3.1: held, and taken off hold", function()
  local audio = { port = 49170, codecs = { "iLBC" } }
  local offer = lines("m=audio 49170 RTP/AVP 97", "a=rtpmap:97 iLBC/8000")
  local first = sdp.answer(ALICE .. offer, bob(audio))
  local held = sdp.answer(ALICE .. offer .. "a=sendonly\r\n", {
    address = "host.biloxi.example.com", audio = audio, previous = first,
  })
  assert.matches("o=bob 2808844564 2808844565 ", held)
  assert.equal(lines("m=audio 49170 RTP/AVP 97", "a=rtpmap:97 iLBC/8000",
    "a=recvonly"), streams(held))
  local again = sdp.answer(ALICE .. offer, {
    address = "host.biloxi.example.com", audio = audio, previous = held,
  })
  assert.matches("o=bob 2808844564 2808844566 ", again)
  assert.equal(streams(first), streams(again))
end)

it("RFC 4317 4.1: a stream refused, and nothing left of the offer", function()
  local answer, err = sdp.answer(AUDIO_VIDEO, bob { port = 1,
    codecs = { "G729" } })
  assert.is_nil(answer)
  assert.equal("no stream in common; the offer has audio RTP/AVP, "
    .. "video RTP/AVP", err.message)
end)
