-- sdp on anything: descriptions mutated at random, always the same.
local offers = require "support.sdp_offers"
local rules = require "support.sdp_rules"
local sdp = require "sipsession.sdp"

-- Less of it where the collector is made slow (spec/support/helper.lua).
local MUCH = os.getenv "SIPSESSION_GC" and 0.01 or 1

-- Numbers of our own: the same on every machine (xorshift).
local state = 0x2545F4914F6CDD1D

local function random(n)
  state = state ~ state << 13
  state = state ~ state >> 7
  state = state ~ state << 17
  return (state >> 11) % n + 1
end

local PIECES = { "\r\n", "\r", "\n", "\0", "\t", " ", "  ", "\x7f", "\xff", ":",
  "/", "=", "a=", "m=", "c=", "c=IN IP4 0.0.0.0", "v=0", "o=- 1 1 IN IP4 h",
  "s=", "t=1 2", "r=7d 1h 0", "z=0 0", "k=prompt", "b=AS:1", "x=y", "0",
  "65536", "99999999999999999999999", "-1", "a=rtpmap:0 PCMU/8000",
  "a=rtpmap:96 opus/48000/2", "a=fmtp:0 \1", "a=sendonly", "a=inactive",
  "m=audio 1 RTP/AVP 0\r\n", "m=video 2 RTP/AVPF 96\r\n", "m=audio 0 X *\r\n",
  "RTP/AVP", "%", "a=ptime:20", "IP6", "::1" }

local function pick(list)
  return list[random(#list)]
end

local function mutated(text)
  for _ = 1, random(6) do
    local from = random(#text + 1)
    local to = from + random(12) - 2
    local what = random(5)
    if what == 1 then -- cut out
      text = text:sub(1, from - 1) .. text:sub(to + 1)
    elseif what == 2 then -- double
      text = text:sub(1, to) .. text:sub(from)
    elseif what == 3 then -- one octet
      text = text:sub(1, from - 1) .. string.char(random(256) - 1)
        .. text:sub(from + 1)
    else
      text = text:sub(1, from - 1) .. pick(PIECES)
        .. text:sub(what == 4 and from or to + 1)
    end
  end
  return text
end

local function seeds()
  local list = {}
  offers.each(function(name, text)
    list[#list + 1] = { name, text }
  end)
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

local AUDIO = { port = 7000,
  codecs = { "PCMU", "PCMA", "G722", "opus", "telephone-event" } }
local DESK = {
  address = "192.0.2.9", session_id = 5, audio = { AUDIO, AUDIO },
  video = { port = 7002, codecs = { "H264", "VP8" } },
}

-- What holds for any text; 1 where it was read, 1 where it was answered.
local function check(text)
  local read, err = sdp.parse(text)
  if not read then
    assert(err.reason == "media" and #err.message > 0)
    assert(sdp.answer(text, DESK) == nil)
    return 0, 0
  end
  local written = tostring(read)
  assert(not rules.broken(written), rules.broken(written))
  local again = assert(sdp.parse(written))
  assert(written == tostring(again))
  assert(#again.media == #read.media and #again.unknown == 0)
  for i in ipairs(read.media) do
    assert(again.media[i].direction == read.media[i].direction)
  end
  local held = sdp.hold(read)
  assert(not rules.broken(held), rules.broken(held))
  local answer = sdp.answer(text, DESK)
  if not answer then
    return 1, 0
  end
  assert(not rules.broken(answer), rules.broken(answer))
  assert(#rules.streams(answer) == #read.media)
  assert(answer == sdp.answer(read, DESK))
  assert(answer == sdp.answer(read, {
    address = DESK.address, audio = DESK.audio, video = DESK.video,
    previous = answer, -- has the session id
  }))
  assert(not rules.broken(sdp.offer {
    address = "h", audio = AUDIO, previous = answer,
  }))
  return 1, 1
end

it("holds to the rules whatever it is given", function()
  local list, read, answered = seeds(), 0, 0
  local rounds = 2500 * MUCH // 1
  for _ = 1, rounds do
    local text = mutated(pick(list)[2])
    local ok, r, a = xpcall(check, function(err)
      return debug.traceback(("%s\nof %q"):format(tostring(err), text))
    end, text)
    assert.is_true(ok, r)
    read, answered = read + r, answered + a
  end
  -- enough of them are still descriptions for this to mean something
  assert.is_true(read > rounds // 4 and answered > rounds // 8)
end)

it("reads 65 KB of anything in linear time", function()
  local heads = { "", "v=0\n", "v=0\nm=audio 1 RTP/AVP ",
    "v=0\nm=audio 1 RTP/AVP 0\na=", "v=0\nm=audio 1 RTP/AVP 0\na=rtpmap:",
    "v=0\nm=audio 1 RTP/AVP 0\na=fmtp:0 ", "v=0\nm=audio 1 ", "v=0\no=",
    "v=0\nc=IN IP4 ", "v=0\nt=", "v=0\nr=", "v=0\nz=", "v=0\nb=", "v=0\ni=",
    "v=0\no=a 1 1 IN IP4 " }
  local function time_of(size)
    local began = os.clock()
    for _, head in ipairs(heads) do
      for _, piece in ipairs { " ", "0", "a", ":", "/", "\t", "9 ", "x:",
        "a=x\n" } do
        for _, tail in ipairs { "\1", " x" } do
          local text = head .. piece:rep(size // #piece) .. tail
          local read = sdp.parse(text)
          if read then
            sdp.answer(text, DESK)
            local _ = tostring(read)
          end
        end
      end
    end
    return os.clock() - began
  end
  assert.is_true(time_of(65535 * MUCH // 1) < 20)
end)
