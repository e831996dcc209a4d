-- sdp.parse and tostring: forgiving in, strict out (RFC 4566 5, 9).
local rules = require "support.sdp_rules"
local sdp = require "sipsession.sdp"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local HEAD = lines("v=0", "o=alice 1 1 IN IP4 192.0.2.1", "s=-",
  "c=IN IP4 192.0.2.1", "t=0 0")

local function written(text)
  return tostring(assert(sdp.parse(text)))
end

describe("reading", function()
  it("takes LF, CR and blank lines for line ends", function()
    local text = HEAD .. lines("m=audio 1 RTP/AVP 0", "a=sendonly")
    assert.equal(text, written((text:gsub("\r\n", "\n"))))
    assert.equal(text, written((text:gsub("\r\n", "\r"))))
    assert.equal(text, written("\n" .. text:gsub("\r\n", "\r\n\r\n")))
    assert.equal(text, written(text:sub(1, -3)))
  end)

  it("takes odd spacing and tabs", function()
    assert.equal(HEAD .. lines("m=audio 4000 RTP/AVP 0 101",
      "a=rtpmap:101 telephone-event/8000", "a=sendonly"),
      written(lines(" v = 0", "o= alice\t1  1 IN IP4 192.0.2.1  ", "s= ",
        "c=IN  IP4\t192.0.2.1", "t= 0   0 ", "m= audio  4000 RTP/AVP  0 101 ",
        "a= rtpmap : 101 telephone-event/8000 ", "a=sendonly  ")))
  end)

  it("takes what has lines missing", function()
    assert.equal(lines("v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-",
      "c=IN IP4 0.0.0.0", "t=0 0", "m=audio 4000 RTP/AVP 0"),
      written "v=0\nm=audio 4000 RTP/AVP 0\n")
    assert.is_nil(sdp.parse("v=0\n").origin)
    assert.is_nil(sdp.parse("v=0\n").connection)
  end)

  it("brings lines into their order", function()
    assert.equal(lines("v=0", "o=- 1 1 IN IP4 h", "s=x", "i=info", "u=http://h",
      "e=a@h", "p=+1", "c=IN IP4 h", "b=AS:64", "t=0 0", "r=7d 1h 0", "t=1 2",
      "z=1 -1h", "a=tool:x", "m=audio 1 RTP/AVP 0", "i=stream", "c=IN IP4 g",
      "c=IN IP4 f", "b=TIAS:64000", "a=mid:1"),
      written(lines("v=0", "a=tool:x", "z=1 -1h", "t=0 0", "r=7d 1h 0", "t=1 2",
        "b=AS:64", "c=IN IP4 h", "p=+1", "e=a@h", "u=http://h", "i=info", "s=x",
        "o=- 1 1 IN IP4 h", "m=audio 1 RTP/AVP 0", "a=mid:1", "b=TIAS:64000",
        "c=IN IP4 g", "c=IN IP4 f", "i=stream")))
  end)

  it("keeps lines that it doesn't know aside", function()
    local read = assert(sdp.parse(HEAD .. lines("x=y", "k=prompt", "noise",
      "T=0 0", "m=audio 1 RTP/AVP 0", "a=x\1y", "t=0 0", "a=:", "b=64")))
    assert.same({ "x=y", "k=prompt", "noise", "T=0 0", "a=x\1y", "t=0 0",
      "a=:", "b=64" }, read.unknown)
    assert.equal(HEAD .. "m=audio 1 RTP/AVP 0\r\n", tostring(read))
  end)

  it("keeps attributes that it doesn't know", function()
    local text = HEAD .. lines("a=x-session", "m=audio 1 RTP/AVP 0",
      "a=x-flag", "a=x-value:1:2 3", "a=x-value:again")
    local read = assert(sdp.parse(text))
    assert.equal(text, tostring(read))
    assert.equal("", read:attribute "x-session")
    assert.equal("1:2 3", read.media[1]:attribute "x-value")
    assert.is_nil(read.media[1]:attribute "x-other")
  end)

  it("takes the first of two", function()
    local read = assert(sdp.parse(HEAD .. lines("s=second",
      "o=b 2 2 IN IP4 h", "c=IN IP4 h", "a=inactive", "a=sendonly",
      "m=audio 1 RTP/AVP 96", "a=rtpmap:96 opus/48000/2",
      "a=rtpmap:96 PCMU/8000", "a=fmtp:96 a=1", "a=fmtp:96 b=2")))
    assert.same({ "-", "192.0.2.1", "alice 1 1 IN IP4 192.0.2.1", "inactive" },
      { read.name, read.connection.address, read.origin,
        read.media[1].direction })
    assert.equal("opus", read.media[1].rtpmap["96"].encoding)
    assert.equal("a=1", read.media[1].fmtp["96"])
  end)

  it("takes a user name with spaces", function()
    assert.matches("o=Some_SIP_UA 12 1 IN IP4 192.0.2.1\r\n",
      written "v=0\no=Some SIP UA 12 1 IN IP4 192.0.2.1\ns=-\n")
  end)

  it("takes IPv6, multicast and other networks", function()
    for _, c in ipairs { "IN IP6 2001:db8::1", "IN IP4 224.2.36.42/127/3",
      "IN IP6 FF15::101/3", "ATM NSAP 47.0091.8100.0000", "IN IP4 host.x" } do
      assert.matches("\r\nc=" .. c:gsub("%p", "%%%0") .. "\r\n",
        written("v=0\nc=" .. c .. "\n"))
    end
    assert.equal("FF15::101",
      sdp.parse("v=0\nc=IN IP6 FF15::101/3\n").connection.address)
  end)

  it("ignores what it can't hold", function()
    local read = assert(sdp.parse(HEAD .. lines("m=audio 1 RTP/AVP 96 97 98 "
      .. ("9"):rep(400), "a=rtpmap:96 x/99999999999999999999",
      "a=rtpmap:97 \xff/8000", "a=rtpmap:98", "a=rtpmap:", "a=fmtp:98")))
    assert.same({}, read.media[1].rtpmap)
    assert.is_nil(sdp.parse("v=0\no=- " .. ("9"):rep(21)
      .. " 1 IN IP4 h\n").origin)
  end)

  it("refuses an m= line that has no place in an answer", function()
    for _, m in ipairs { "", "audio", "audio 1", "audio x RTP/AVP 0",
      "audio -1 RTP/AVP 0", "audio 65536 RTP/AVP 0", "au/dio 1 RTP/AVP 0",
      "audio 1 RTP//AVP 0", "audio 1 /RTP 0", "audio 1 RTP/ 0",
      "\xff 1 RTP/AVP 0" } do
      local read, err = sdp.parse(HEAD .. "m=" .. m .. "\r\n")
      assert.is_nil(read, m)
      assert.matches("m= line", err.message)
    end
  end)

  it("has limits: 64 streams, 500 lines, 16 KB, 100 words", function()
    local stream = "m=audio 1 RTP/AVP 0\r\n"
    assert.truthy(sdp.parse(HEAD .. stream:rep(64)))
    assert.is_nil((sdp.parse(HEAD .. stream:rep(65))))
    assert.truthy(sdp.parse(HEAD .. ("a=x\r\n"):rep(495)))
    assert.is_nil((sdp.parse(HEAD .. ("a=x\r\n"):rep(496))))
    local fill = ("x"):rep(16384 - #HEAD - 4)
    assert.truthy(sdp.parse(HEAD .. "a=" .. fill .. "\r\n"))
    assert.is_nil((sdp.parse(HEAD .. "a=x" .. fill .. "\r\n")))
    local many = sdp.parse(HEAD .. "m=audio 1 RTP/AVP" .. (" 0"):rep(5000))
    assert.equal(97, #many.media[1].formats)
  end)
end)

describe("direction(i)", function()
  local function direction(...)
    return assert(sdp.parse(HEAD .. lines(...))):direction()
  end

  it("is the stream's, the session's, sendrecv", function()
    local m = "m=audio 1 RTP/AVP 0"
    assert.equal("sendrecv", direction(m))
    assert.equal("recvonly", direction("a=recvonly", m))
    assert.equal("sendonly", direction("a=recvonly", m, "a=sendonly"))
  end)

  it("is inactive for a refused stream", function()
    assert.equal("inactive", direction "m=audio 0 RTP/AVP 0")
  end)

  it("knows the old hold (RFC 3264 8.4)", function()
    for _, c in ipairs { "c=IN IP4 0.0.0.0", "c=IN IP6 ::", "c=IN IP6 0::0",
      "c=IN IP6 on-hold.INVALID" } do
      assert.equal("sendonly", direction("m=audio 1 RTP/AVP 0", c))
      assert.equal("inactive", direction("m=audio 1 RTP/AVP 0", c,
        "a=recvonly"))
    end
    assert.equal("sendrecv", direction("m=audio 1 RTP/AVP 0",
      "c=IN IP4 10.0.0.0"))
  end)

  it("is nil where there is no stream", function()
    assert.is_nil(direction "a=x")
    assert.is_nil(sdp.parse(HEAD .. "m=audio 1 RTP/AVP 0\n"):direction(2))
  end)
end)

describe("writing", function()
  local function changed(change)
    local read = assert(sdp.parse(HEAD .. lines("m=audio 1 RTP/AVP 0",
      "a=ptime:20", "a=sendrecv", "a=x")))
    change(read, read.media[1])
    return tostring(read)
  end

  it("has the fields as they are now", function()
    assert.equal(lines("v=0", "o=bob 2 3 IN IP6 ::1", "s=tea",
      "c=IN IP6 ::1", "t=1 2", "m=video 7/2 RTP/AVPF 31", "c=IN IP4 h",
      "a=ptime:20", "a=sendonly", "a=x", "a=mid:1"),
      changed(function(read, stream)
        read.origin, read.name, read.time = "bob 2 3 IN IP6 ::1", "tea", "1 2"
        read.connection = { family = "IP6", address = "::1" }
        stream.type, stream.port, stream.ports = "video", 7, 2
        stream.protocol, stream.formats = "RTP/AVPF", { 31 }
        stream.connection = { family = "IP4", address = "h" }
        stream.direction = "sendonly"
        stream.attributes[4] = { name = "mid", value = "1" }
      end))
  end)

  it("writes no c= of a stream that goes by the session's", function()
    local text = changed(function(read)
      read.connection = { family = "IP4", address = "192.0.2.77" }
    end)
    assert.equal(1, select(2, text:gsub("c=IN", "")))
  end)

  it("lets nothing in that breaks a line or isn't what it should be",
    function()
      for i, change in ipairs {
        function(read) read.name = "a\r\nb=c" end,
        function(read) read.name = "a\nb" end,
        function(read) read.name = "a\0b" end,
        function(read) read.name = "" end,
        function(read) read.name = {} end,
        function(read) read.origin = "x" end,
        function(read) read.origin = "a 1 1 IN IP4 b\r\nx" end,
        function(read) read.time = "0 0\r\na=x" end,
        function(read) read.connection = "x" end,
        function(read) read.connection = { family = "IP4" } end,
        function(read) read.connection.address = "h\r\na=x" end,
        function(read) read.connection.address = "" end,
        function(read) read.connection.suffix = "\r\na=x" end,
        function(read) read.lines[1] = { type = "i", value = "\r\n" } end,
        function(read) read.lines[1] = { type = "t", value = "x" } end,
        function(read) read.attributes[1] = { name = "a\r\nb" } end,
        function(read) read.attributes[1] = { name = "a:b" } end,
        function(read) read.attributes[1] = { name = "a", value = "\n" } end,
        function(_, stream) stream.type = "audio\r\n" end,
        function(_, stream) stream.port = "1" end,
        function(_, stream) stream.port = 70000 end,
        function(_, stream) stream.port = -1 end,
        function(_, stream) stream.ports = 0 end,
        function(_, stream) stream.protocol = "RTP/AVP 0\r\na=x" end,
        function(_, stream) stream.protocol = "RTP//AVP" end,
        function(_, stream) stream.formats[2] = "0\r\na=x" end,
        function(_, stream) stream.formats[2] = "" end,
        function(_, stream) stream.direction = "x\r\na=y" end,
        function(_, stream) stream.connection = {} end,
        function(_, stream)
          stream.lines[1] = { type = "b", value = "AS:\n1" }
        end,
      } do
        local ok, err = pcall(changed, change)
        assert.is_false(ok, "change " .. i .. " was written: "
          .. tostring(err))
        assert.matches("can't be written", err)
      end
    end)

  it("gives each stream a format and an address", function()
    local text = written "v=0\nm=audio 0 RTP/AVP\nm=audio 1 RTP/AVP \xff\n"
    assert.is_nil(rules.broken(text))
    assert.matches("m=audio 0 RTP/AVP 0\r\nm=audio 1 RTP/AVP %-\r\n$", text)
  end)
end)
