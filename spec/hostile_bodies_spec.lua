-- Descriptions that have brought others down, our own words after advisories,
-- each offered to a call that is accepted: the library's own answer, which
-- leaves every stream inactive, and sip.sdp's. A row says what each makes of
-- it: 200, or 488 where there is nothing to answer. No handler fails.
local sip = require "sipsession"
local rules = require "support.sdp_rules"
local World = require "support.world"

local function lines(...)
  return table.concat({ ... }, "\r\n") .. "\r\n"
end

local HEAD = lines("v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-",
  "c=IN IP4 10.0.0.2", "t=0 0")
local AUDIO = HEAD .. "m=audio 4000 RTP/AVP 0"
local STREAM = "m=audio 4000 RTP/AVP 0\r\n"

-- What; the offer; what the library's own answer gets, and sip.sdp's.
local ROWS = {
  { "ES2018-02: a NUL in the name of an attribute",
    lines(AUDIO .. " 101", "a=fmtp\0:101 0-16"), 488, 488 },
  { "ES2018-03: a format of 2^32",
    HEAD .. "m=audio 4000 RTP/AVP 4294967296\r\n", 200, 488 },
  { "a format of 2^32, and one that there is",
    HEAD .. "m=audio 4000 RTP/AVP 4294967296 0\r\n", 200, 200 },
  { "CVE-2017-11521: a thousand connections of a stream",
    lines(AUDIO) .. ("c=IN IP4 10.0.0.2\r\n"):rep(1000), 200, 488 },
  { "CVE-2022-31003: it ends behind its first letter", "v", 488, 488 },
  { "CVE-2022-31003: it ends in its first line", "v=0", 488, 488 },
  { "CVE-2022-31003: it ends in a kind", HEAD .. "m=audio", 488, 488 },
  { "CVE-2022-31003: it ends behind a letter", HEAD .. "m", 488, 488 },
  { "CVE-2022-31003: it ends behind an attribute's letter",
    lines(AUDIO) .. "a", 488, 200 },
  { "CVE-2022-31003: it ends behind an equals sign",
    lines(AUDIO) .. "a=", 200, 200 },
  { "port 65536", HEAD .. "m=audio 65536 RTP/AVP 0\r\n", 488, 488 },
  { "port 2^32+4000", HEAD .. "m=audio 4294971296 RTP/AVP 0\r\n", 488, 488 },
  { "port -1", HEAD .. "m=audio -1 RTP/AVP 0\r\n", 488, 488 },
  { "4294967297 ports",
    HEAD .. "m=audio 4000/4294967297 RTP/AVP 0\r\n", 200, 200 },
  { "a mapping of 2^32",
    lines(AUDIO, "a=rtpmap:4294967296 PCMU/8000"), 200, 200 },
  { "a clock of 2^64",
    lines(AUDIO, "a=rtpmap:0 PCMU/18446744073709551616"), 200, 200 },
  { "a clock of 0", lines(AUDIO, "a=rtpmap:0 PCMU/0"), 200, 200 },
  { "a version of 400 digits", (HEAD:gsub("1 1 IN", ("9"):rep(400) .. " "
    .. ("9"):rep(400) .. " IN")) .. lines "m=audio 4000 RTP/AVP 0", 200, 200 },
  { "times beyond 2^64", (HEAD:gsub("t=0 0",
    "t=18446744073709551616 99999999999999999999"))
    .. lines "m=audio 4000 RTP/AVP 0", 200, 200 },
  { "formats like those of printf",
    lines(AUDIO, "a=rtpmap:0 %s%n%s%n/%d", "a=%n%n%n%n"), 200, 200 },
  { "a kind of five thousand letters",
    HEAD .. "m=" .. ("a"):rep(5000) .. " 4000 RTP/AVP 0\r\n", 200, 488 },
  { "an address of five thousand digits",
    lines(AUDIO, "c=IN IP4 " .. ("1"):rep(5000)), 200, 200 },
  { "a thousand streams", HEAD .. STREAM:rep(1000), 488, 488 },
  { "two thousand formats", lines(AUDIO .. (" 0"):rep(2000)), 200, 200 },
  { "nothing but line ends", ("\r\n"):rep(1000), 488, 488 },
  { "no line end", ("v=0 "):rep(1000), 488, 488 },
}

describe("a hostile offer", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function accept(offer)
    w:serve(function(session)
      w:outcome(session:participate())
    end)
    local call = w:invite { sdp = offer }
    w.network:advance(0.1)
    local final = assert(call:wait(nil, 0))
    if final.code == 200 then
      assert.is_nil(rules.broken(final.body))
      assert.equal(1, select(2, final.body:gsub("\nm=", "")))
      call:ack()
      w.network:advance(0)
      call:bye()
    end
    w.network:advance(40)
    w:probe()
    return final.code
  end

  for _, row in ipairs(ROWS) do
    it(row[1] .. ", answered by the library", function()
      w = World.new()
      assert.equal(row[3], accept(row[2]))
    end)

    it(row[1] .. ", answered by sip.sdp", function()
      w = World.new { endpoint = { media = { get_answer = function(_, offer)
        return sip.sdp.answer(offer, { address = "10.0.0.1",
          audio = { port = 5000, codecs = { "PCMU" } } })
      end } } }
      assert.equal(row[4], accept(row[2]))
    end)
  end
end)
