-- sipsession.sdp: reading descriptions, answering offers, making offers.
local sdp = require "sipsession.sdp"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

-- Less of it where the collector is made slow (spec/support/helper.lua).
local MUCH = os.getenv "SIPSESSION_GC" and 0.005 or 1

local HEAD = lines("v=0", "o=alice 1 1 IN IP4 192.0.2.1", "s=-",
  "c=IN IP4 192.0.2.1", "t=0 0")

local function offer(...)
  return HEAD .. lines(...)
end

local function media(answer)
  return answer:match "(m=.*)$"
end

local function desk(audio, video)
  return {
    address = "192.0.2.9", session_id = 5,
    audio = audio or { port = 7000, codecs = { "PCMU", "PCMA" } },
    video = video,
  }
end

describe("answer", function()
  it("is a whole description", function()
    assert.equal(lines("v=0", "o=- 5 1 IN IP4 192.0.2.9", "s=-",
      "c=IN IP4 192.0.2.9", "t=0 0", "m=audio 7000 RTP/AVP 0",
      "a=rtpmap:0 PCMU/8000", "a=sendrecv"),
      sdp.answer(offer "m=audio 4000 RTP/AVP 0", desk()))
  end)

  it("keeps the offer's order, payload numbers and fmtp", function()
    local answer = sdp.answer(offer("m=audio 4000 RTP/AVP 98 18 8 97 101",
      "a=rtpmap:98 opus/48000/2", "a=fmtp:98 useinbandfec=1",
      "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30",
      "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"), desk {
        port = 7000, codecs = { "iLBC", "PCMA", "telephone-event", "opus" },
      })
    assert.equal(lines("m=audio 7000 RTP/AVP 98 8 97 101",
      "a=rtpmap:98 opus/48000/2", "a=fmtp:98 useinbandfec=1",
      "a=rtpmap:8 PCMA/8000",
      "a=rtpmap:97 iLBC/8000", "a=fmtp:97 mode=30",
      "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=sendrecv"),
      media(answer))
  end)

  it("compares names in any case, clock rate and channels", function()
    local function formats(...)
      local answer = sdp.answer(offer("m=audio 4000 RTP/AVP 96 97 98",
        "a=rtpmap:96 L16/16000", "a=rtpmap:97 l16/44100/2",
        "a=rtpmap:98 speex/16000"), desk { port = 7000, codecs = { ... } })
      return answer and answer:match "RTP/AVP ([%d ]*)"
    end
    assert.equal("96 97", formats "L16")
    assert.equal("96", formats "l16/16000")
    assert.equal("97", formats "L16/44100/2")
    assert.equal("98", formats "SPEEX")
    assert.is_nil(formats "speex/8000")
  end)

  it("knows the static payload types, and that an rtpmap outdoes them",
    function()
      local codecs = { "PCMU", "GSM", "G723", "PCMA", "G722", "G729" }
      local answer = sdp.answer(offer("m=audio 4000 RTP/AVP 0 3 4 8 9 18",
        "a=rtpmap:8 something/8000"), desk { port = 7000, codecs = codecs })
      assert.matches("RTP/AVP 0 3 4 9 18\r\n", answer)
      assert.matches("a=rtpmap:9 G722/8000\r\n", answer)
    end)

  it("wants telephone-event with a codec of its clock rate only", function()
    local both = { port = 7000, codecs = { "PCMU", "opus", "telephone-event" } }
    local events = { "a=rtpmap:101 telephone-event/8000",
      "a=rtpmap:102 telephone-event/48000", "a=rtpmap:98 opus/48000/2" }
    local answer = sdp.answer(offer("m=audio 4000 RTP/AVP 0 101 102",
      table.unpack(events)), desk(both))
    assert.matches("RTP/AVP 0 101\r\n", answer)
    answer = sdp.answer(offer("m=audio 4000 RTP/AVP 98 101 102",
      table.unpack(events)), desk(both))
    assert.matches("RTP/AVP 98 102\r\n", answer)
    assert.is_nil((sdp.answer(offer("m=audio 4000 RTP/AVP 101", events[1]),
      desk(both))))
  end)

  it("refuses the other streams in their place", function()
    local answer = sdp.answer(offer("m=video 5000 RTP/AVP 31 34",
      "m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 0",
      "m=audio 4004 RTP/AVP 8", "m=application 9 TCP/BFCP *",
      "m=audio 0 RTP/AVP 0"), desk())
    assert.equal(lines("m=video 0 RTP/AVP 31 34", "m=audio 0 RTP/SAVP 0",
      "m=audio 7000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=sendrecv",
      "m=audio 0 RTP/AVP 8", "m=application 0 TCP/BFCP *",
      "m=audio 0 RTP/AVP 0"), media(answer))
  end)

  it("answers audio and video", function()
    local answer = sdp.answer(offer("m=audio 4000 RTP/AVP 0",
      "m=video 5000 RTP/AVPF 96", "a=rtpmap:96 H264/90000",
      "a=fmtp:96 packetization-mode=1"), desk(nil,
      { port = 7002, codecs = { "H264" }, direction = "recvonly" }))
    assert.equal(lines("m=audio 7000 RTP/AVP 0", "a=rtpmap:0 PCMU/8000",
      "a=sendrecv", "m=video 7002 RTP/AVPF 96", "a=rtpmap:96 H264/90000",
      "a=fmtp:96 packetization-mode=1", "a=recvonly"), media(answer))
  end)

  it("mirrors the direction, as far as ours goes", function()
    local function direction(theirs, ours)
      return sdp.answer(offer("m=audio 4000 RTP/AVP 0", "a=" .. theirs),
        desk { port = 7000, codecs = { "PCMU" }, direction = ours })
        :match "a=(%l+)\r\n$"
    end
    assert.equal("sendrecv", direction "sendrecv")
    assert.equal("recvonly", direction "sendonly")
    assert.equal("sendonly", direction "recvonly")
    assert.equal("inactive", direction "inactive")
    assert.equal("recvonly", direction("sendrecv", "recvonly"))
    assert.equal("recvonly", direction("sendonly", "recvonly"))
    assert.equal("inactive", direction("recvonly", "recvonly"))
    assert.equal("sendonly", direction("sendrecv", "sendonly"))
    assert.equal("inactive", direction("sendrecv", "inactive"))
  end)

  it("takes the session's direction where a stream has none", function()
    local text = HEAD .. lines("a=sendonly", "m=audio 4000 RTP/AVP 0")
    assert.matches("a=recvonly\r\n$", sdp.answer(text, desk()))
    text = text .. "a=sendrecv\r\n"
    assert.matches("a=sendrecv\r\n$", sdp.answer(text, desk()))
  end)

  it("sends nothing to a connection address of 0.0.0.0", function()
    local text = offer("m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0")
    assert.matches("a=recvonly\r\n$", sdp.answer(text, desk()))
  end)

  it("repeats the offer's times", function()
    local text = HEAD:gsub("t=0 0", "t=3034423619 3042462419")
    assert.matches("t=3034423619 3042462419\r\n",
      sdp.answer(text .. "m=audio 4000 RTP/AVP 0\r\n", desk()))
  end)

  it("takes ptime, version, name and an IPv6 address", function()
    assert.equal(lines("v=0", "o=- 5 2 IN IP6 2001:db8::9", "s=tea time",
      "c=IN IP6 2001:db8::9", "t=0 0", "m=audio 7000 RTP/AVP 0",
      "a=rtpmap:0 PCMU/8000", "a=ptime:30", "a=sendrecv"),
      sdp.answer(offer "m=audio 4000 RTP/AVP 0", {
        address = "[2001:db8::9]", session_id = 5, version = 2,
        name = "tea time",
        audio = { port = 7000, codecs = { "PCMU" }, ptime = 30 },
      }))
  end)

  it("takes a description that was read already", function()
    local text = offer "m=audio 4000 RTP/AVP 0"
    assert.equal(sdp.answer(text, desk()),
      sdp.answer(assert(sdp.parse(text)), desk()))
  end)

  it("gives nil and why when nothing fits", function()
    for text, why in pairs {
      [""] = "no session description",
      ["hello"] = "v=0",
      [HEAD] = "no stream in common; the offer has none",
      [offer "m=audio 4000 RTP/AVP 3"] = "no stream in common.*audio",
      [offer "m=audio 0 RTP/AVP 0"] = "no stream in common",
      [offer "m=audio 4000 RTP/AVP"] = "no stream in common",
      [offer "m=audio"] = "m= line",
      [offer "m=audio 99999 RTP/AVP 0"] = "m= line",
    } do
      local answer, err = sdp.answer(text, desk())
      assert.is_nil(answer)
      assert.same({ "operation_failure", "media" }, { err.kind, err.reason })
      assert.matches(why, err.message)
      assert.matches("^operation_failure %(media%): ", tostring(err))
    end
    assert.is_nil((sdp.answer(nil, desk())))
  end)

  it("raises on options that can't be right", function()
    local text = offer "m=audio 4000 RTP/AVP 0"
    local audio = { port = 7000, codecs = { "PCMU" } }
    for what, options in pairs {
      ["address"] = { audio = audio },
      ["address is"] = { address = "a\r\nb=c", audio = audio },
      ["no stream"] = { address = "192.0.2.1" },
      ["audio[2].port"] = { address = "192.0.2.1",
        audio = { audio, { codecs = { "PCMU" } } } },
      ["maxptime"] = { address = "192.0.2.1",
        audio = { port = 7000, codecs = { "PCMU" }, maxptime = 0 } },
      ["previous"] = { address = "192.0.2.1", audio = audio, previous = 1 },
      ["previous: the"] = { address = "192.0.2.1", audio = audio,
        previous = "x" },
      ["no value of an o= line"] = { address = "192.0.2.1", audio = audio,
        origin = "a 1 1 IN IP4 b\nc" },
      ["origin.username"] = { address = "192.0.2.1", audio = audio,
        origin = { username = "a b" } },
      ["origin: version"] = { address = "192.0.2.1", audio = audio,
        origin = { version = "1" } },
      ["origin: address"] = { address = "192.0.2.1", audio = audio,
        origin = { address = "\n" } },
      ["unknown option 'adress'"] = { adress = "192.0.2.1", audio = audio },
      ["port"] = { address = "192.0.2.1",
        audio = { port = 0, codecs = { "PCMU" } } },
      ["audio.codecs"] = { address = "192.0.2.1", audio = { port = 7000 } },
      ["is no codec"] = { address = "192.0.2.1",
        audio = { port = 7000, codecs = { "PCMU\r\na=x" } } },
      ["no direction"] = { address = "192.0.2.1",
        audio = { port = 7000, codecs = { "PCMU" }, direction = "both" } },
      ["ptime"] = { address = "192.0.2.1",
        audio = { port = 7000, codecs = { "PCMU" }, ptime = "20" } },
      ["name"] = { address = "192.0.2.1", audio = audio, name = "a\nb" },
      ["version"] = { address = "192.0.2.1", audio = audio, version = -1 },
    } do
      local ok, err = pcall(function()
        sdp.answer(text, options)
      end)
      assert.is_false(ok, what)
      assert.matches(what, err, 1, true)
      assert.matches("^[^\n]*sdp_spec.lua:%d+: ", err)
    end
  end)
end)

describe("offer", function()
  it("has our streams with static and dynamic payload numbers", function()
    assert.equal(lines("v=0", "o=- 5 1 IN IP4 192.0.2.9", "s=-",
      "c=IN IP4 192.0.2.9", "t=0 0", "m=audio 7000 RTP/AVP 8 96 97",
      "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 opus/48000/2",
      "a=rtpmap:97 telephone-event/8000", "a=fmtp:97 0-16", "a=sendrecv",
      "m=video 7002 RTP/AVP 96", "a=rtpmap:96 VP8/90000", "a=sendonly"),
      sdp.offer(desk({ port = 7000,
        codecs = { "PCMA", "opus/48000/2", "telephone-event" } },
        { port = 7002, codecs = { "VP8" }, direction = "sendonly" })))
  end)

  it("can be answered", function()
    local options = desk { port = 7000, codecs = { "opus/48000/2", "G722" } }
    assert.matches("RTP/AVP 96 9\r\n",
      sdp.answer(sdp.offer(options), options))
  end)

  it("raises at the caller", function()
    local ok, err = pcall(function()
      sdp.offer {}
    end)
    assert.is_false(ok)
    assert.matches("sdp_spec.lua:%d+: sdp.offer: address", err)
  end)
end)

describe("parse", function()
  it("reads what there is", function()
    local read = assert(sdp.parse(offer("m=audio 4000/2 RTP/AVP 0 101",
      "c=IN IP4 192.0.2.7/127", "a=rtpmap:101 telephone-event/8000",
      "a=fmtp:101 0-15", "a=recvonly", "a=x:y:z")))
    assert.equal("alice 1 1 IN IP4 192.0.2.1", read.origin)
    assert.equal("-", read.name)
    assert.equal("192.0.2.1", read.connection.address)
    local audio = read.media[1]
    assert.equal(1, #read.media)
    assert.same({ "audio", 4000, 2, "RTP/AVP", "recvonly", "192.0.2.7" },
      { audio.type, audio.port, audio.ports, audio.protocol, audio.direction,
        audio.connection.address })
    assert.same({ "0", "101" }, audio.formats)
    assert.same({ encoding = "PCMU", rate = 8000, channels = 1 },
      audio.rtpmap["0"])
    assert.equal("0-15", audio.fmtp["101"])
    assert.same({ name = "x", value = "y:z" }, audio.attributes[4])
  end)

  it("gives back the text it read", function()
    local text = offer("m=audio 4000 RTP/AVP 0", "a=sendrecv")
    assert.equal(text, tostring(sdp.parse(text)))
  end)

  it("takes other line ends, blank lines and noise", function()
    local text = offer("m=audio 4000 RTP/AVP 0", "a=sendonly")
    local strange = "\n\r\n" .. text:gsub("\r\n", "\n\n") .. "noise\nX=y"
    assert.equal(text, tostring(assert(sdp.parse(strange))))
  end)

  it("refuses what is none, and what is too long", function()
    for _, text in ipairs { "", "\r\n", "v=1\r\n", "x", "o=v=0\r\nv=0\r\n",
      HEAD .. "\0", HEAD .. ("m=audio 1 RTP/AVP 0\r\n"):rep(70),
      HEAD .. ("a=x\r\n"):rep(2100), } do
      local read, err = sdp.parse(text)
      assert.is_nil(read)
      assert.same({ "operation_failure", "media" }, { err.kind, err.reason })
    end
    assert.is_nil((sdp.parse(nil)))
  end)

  it("raises where it gets no text, at the caller", function()
    for what, fn in pairs {
      parse = function() sdp.parse {} end,
      answer = function() sdp.answer({}, desk()) end,
      hold = function() sdp.hold(4) end,
      resume = function() sdp.resume(true) end,
    } do
      local ok, err = pcall(fn)
      assert.is_false(ok)
      assert.matches("sdp_spec.lua:%d+: sdp." .. what .. ": ", err)
    end
  end)

  it("reads anything in short time", function()
    local began = os.clock()
    for _, piece in ipairs { " ", "m=", "a", "a=", "=", "\r\n", "\r", "/", ":",
      "0", "m=audio 1 RTP/AVP 0\n", "a=rtpmap:1 a/", "v=0\n", "\xff", "\t" } do
      for _, start in ipairs { "", HEAD, HEAD .. "m=", HEAD .. "m=audio 1 R",
        HEAD .. "m=audio 1 RTP/AVP ", HEAD .. "m=audio 1 R 0\r\na=rtpmap:",
        HEAD .. "m=audio 1 R 0\r\na=fmtp:0 ", HEAD .. "c=IN IP4 " } do
        sdp.answer(start .. piece:rep(60000 * MUCH // #piece | 0), desk())
      end
    end
    assert.is_true(os.clock() - began < 5 / MUCH)
  end)

  it("never puts a line into an answer that its maker didn't", function()
    math.randomseed(4)
    local alphabet = { "m=audio 1 RTP/AVP 0", "\r\n", "\r", "\n", "a=fmtp:0 ",
      "a=rtpmap:0 PCMU/8000", " ", "m=", "v=0", "c=", "\1", "x", "RTP/AVP" }
    for _ = 1, 2000 * MUCH do
      local text = { HEAD, "m=audio 1 RTP/AVP 0\r\n" }
      for i = 3, 12 do
        text[i] = alphabet[math.random(#alphabet)]
      end
      local answer = sdp.answer(table.concat(text), desk())
      if answer then
        assert.is_nil((answer:gsub("\r\n", "")):find "[\r\n%z]")
        for line in answer:gmatch "([^\r]*)\r\n" do
          assert.matches("^[vosctma]=%S", line)
        end
      end
    end
  end)
end)
