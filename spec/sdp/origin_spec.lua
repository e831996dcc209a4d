-- The o= line over a call (RFC 3264 8, RFC 4566 5.2), later offers, hold.
local sdp = require "sipsession.sdp"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local function offer(version, ...)
  return lines("v=0", "o=alice 77 " .. version .. " IN IP4 192.0.2.1", "s=-",
    "c=IN IP4 192.0.2.1", "t=0 0", "m=audio 4000 RTP/AVP 0 8", ...)
end

local function desk(more)
  local options = {
    address = "192.0.2.9", audio = { port = 7000, codecs = { "PCMU" } },
  }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return options
end

local function origin(text)
  local username, id, version, rest =
    text:match "\r\no=(%S+) (%d+) (%d+) ([^\r]*)\r\n"
  return { username, id, version, rest }
end

describe("with what was sent before", function()
  local first = sdp.answer(offer(1), desk { origin = "desk 5 9 IN IP4 h" })

  it("the same has the same version", function()
    assert.equal(first, sdp.answer(offer(2), desk { previous = first }))
    assert.equal(first, sdp.answer(offer(2), desk {
      previous = sdp.parse(first),
    }))
  end)

  it("another has the version one higher", function()
    for _, options in ipairs {
      desk { previous = first, address = "192.0.2.10" },
      desk { previous = first, name = "x" },
      desk { previous = first, audio = { port = 7002, codecs = { "PCMU" } } },
      desk { previous = first, audio = { port = 7000, codecs = { "PCMA" } } },
    } do
      assert.same({ "desk", "5", "10", "IN IP4 h" },
        origin(sdp.answer(offer(2), options)))
    end
    local held = sdp.answer(offer(2, "a=sendonly"), desk { previous = first })
    assert.same({ "desk", "5", "10", "IN IP4 h" }, origin(held))
    assert.same({ "desk", "5", "11", "IN IP4 h" },
      origin(sdp.answer(offer(3), desk { previous = held })))
  end)

  it("versions count over every digit", function()
    for before, after in pairs { ["0"] = "1", ["9"] = "10", ["199"] = "200",
      ["9223372036854775807"] = "9223372036854775808",
      ["99999999999999999998"] = "99999999999999999999",
      ["16650000000000000999"] = "16650000000000001000" } do
      local text = sdp.answer(offer(1), desk {
        origin = "- 1 " .. before .. " IN IP4 h",
      })
      assert.equal(after, origin(sdp.answer(offer(1, "a=inactive"),
        desk { previous = text }))[3])
    end
  end)

  it("the name stays unless it is given", function()
    local named = sdp.answer(offer(1), desk { name = "tea" })
    assert.matches("s=tea\r\n", sdp.answer(offer(1), desk { previous = named }))
  end)

  it("what is given goes first", function()
    assert.same({ "me", "6", "7", "IN IP6 ::1" }, origin(sdp.answer(offer(1),
      desk { previous = first, origin = { username = "me", session_id = 6,
        version = 7, address = "::1" } })))
    assert.same({ "desk", "8", "2", "IN IP4 h" }, origin(sdp.answer(offer(1),
      desk { previous = first, session_id = 8, version = 2 })))
  end)
end)

describe("without it", function()
  it("one offerer's session has one of ours, its version follows", function()
    local first, second = origin(sdp.answer(offer(1), desk())),
      origin(sdp.answer(offer(2, "a=sendonly"), desk()))
    assert.equal(first[2], second[2])
    assert.same({ "1", "2" }, { first[3], second[3] })
    assert.matches("^%d+$", first[2])
    assert.is_true(math.tointeger(tonumber(first[2])) <= 1 << 53)
    assert.equal("IN IP4 192.0.2.9", first[4])
  end)

  it("versions begin below 2^62 (RFC 3264 5)", function()
    for theirs, ours in pairs { ["16650000000000000009"] = "650000000000000009",
      ["16650000000000000010"] = "650000000000000010", ["007"] = "7",
      ["0"] = "0", ["10000000000000000000"] = "0" } do
      assert.equal(ours, origin(sdp.answer(offer(theirs), desk()))[3])
    end
  end)

  it("other sessions have other ids", function()
    local seen = {}
    for _, text in ipairs { "alice 77 1 IN IP4 a", "alice 78 1 IN IP4 a",
      "bob 77 1 IN IP4 a", "alice 77 1 IN IP4 b", "alice 7 71 IN IP4 a" } do
      local id = origin(sdp.answer(lines("v=0", "o=" .. text,
        "m=audio 1 RTP/AVP 0"), desk()))[2]
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("an offer without an o= line has a new one each time", function()
    local text = lines("v=0", "o=x", "m=audio 1 RTP/AVP 0")
    local first, second = origin(sdp.answer(text, desk())),
      origin(sdp.answer(text, desk()))
    assert.not_equal(first[2], second[2])
    assert.same({ "1", "1" }, { first[3], second[3] })
  end)
end)

describe("an offer of ours", function()
  it("is a new session", function()
    local first, second = origin(sdp.offer(desk())), origin(sdp.offer(desk()))
    assert.not_equal(first[2], second[2])
    assert.same({ "-", "1" }, { first[1], first[3] })
  end)

  it("within a call is the same but for the version", function()
    local first = sdp.offer(desk())
    assert.equal(first, sdp.offer(desk { previous = first }))
    local second = sdp.offer(desk { previous = first,
      audio = { port = 7000, codecs = { "PCMU" }, direction = "sendonly" } })
    assert.equal(origin(first)[2], origin(second)[2])
    assert.equal("2", origin(second)[3])
  end)

  it("keeps every stream in its place (RFC 3264 8)", function()
    local before = sdp.answer(lines("v=0", "m=image 1 udptl t38",
      "m=audio 1 RTP/AVPF 0 96", "a=rtpmap:96 telephone-event/8000",
      "m=audio 2 RTP/AVP 8"), desk())
    assert.equal(lines("m=image 0 udptl t38", "m=audio 7000 RTP/AVPF 0",
      "a=rtpmap:0 PCMU/8000", "a=sendrecv", "m=audio 0 RTP/AVP 8",
      "m=video 7002 RTP/AVP 34", "a=rtpmap:34 H263/90000", "a=sendrecv"),
      sdp.offer(desk { previous = before,
        video = { port = 7002, codecs = { "H263" } } }):match "m=.*")
  end)

  it("refuses the streams it has no more", function()
    local before = sdp.offer(desk { video = { port = 1, codecs = { "H261" } } })
    assert.matches("m=audio 7000 RTP/AVP 0\r\n.*m=video 0 RTP/AVP 31\r\n$",
      sdp.offer(desk { previous = before }))
  end)

  it("keeps what payload numbers mean (RFC 3264 8.3.2)", function()
    local before = sdp.answer(lines("v=0", "m=audio 1 RTP/AVP 97 101 0",
      "a=rtpmap:97 iLBC/8000", "a=rtpmap:101 telephone-event/8000"), desk {
        audio = { port = 7000, codecs = { "iLBC", "telephone-event" } } })
    assert.matches("RTP/AVP 96 101 97 98\r\n", sdp.offer(desk {
      previous = before, audio = { port = 7000,
        codecs = { "opus", "telephone-event", "iLBC", "speex" } } }))
  end)
end)

describe("hold and resume", function()
  local text = lines("v=0", "o=- 5 9 IN IP4 h", "s=-", "c=IN IP4 h", "t=0 0",
    "m=audio 1 RTP/AVP 0", "m=audio 2 RTP/AVP 0", "a=recvonly",
    "m=audio 0 RTP/AVP 0", "m=audio 3 RTP/AVP 0", "a=sendonly")

  it("receive no more, then again (RFC 3264 8.4)", function()
    local held = sdp.hold(text)
    assert.equal(lines("v=0", "o=- 5 10 IN IP4 h", "s=-", "c=IN IP4 h",
      "t=0 0", "m=audio 1 RTP/AVP 0", "a=sendonly", "m=audio 2 RTP/AVP 0",
      "a=inactive", "m=audio 0 RTP/AVP 0", "m=audio 3 RTP/AVP 0",
      "a=sendonly"), held)
    assert.equal(lines("v=0", "o=- 5 11 IN IP4 h", "s=-", "c=IN IP4 h",
      "t=0 0", "m=audio 1 RTP/AVP 0", "a=sendrecv", "m=audio 2 RTP/AVP 0",
      "a=recvonly", "m=audio 0 RTP/AVP 0", "m=audio 3 RTP/AVP 0",
      "a=sendrecv"), sdp.resume(held))
  end)

  it("change nothing twice", function()
    local held = sdp.hold(text)
    assert.equal(held, sdp.hold(held))
    assert.equal(held, sdp.hold(sdp.parse(held)))
    local resumed = sdp.resume(held)
    assert.equal(resumed, sdp.resume(resumed))
  end)

  it("leave the description they are given alone", function()
    local description = assert(sdp.parse(text))
    sdp.hold(description)
    assert.equal(text, tostring(description))
  end)

  it("say so where there is none", function()
    local held, err = sdp.hold(nil)
    assert.is_nil(held)
    assert.equal("media", err.reason)
    assert.is_nil((sdp.resume "hello"))
  end)
end)
