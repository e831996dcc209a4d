-- Offers of real phones, gateways and browsers: each is read, written back and
-- answered, in every way its lines may end.
local offers = require "support.sdp_offers"
local rules = require "support.sdp_rules"
local sdp = require "sipsession.sdp"

local DESK = {
  address = "2001:db8::9",
  audio = { port = 7000,
    codecs = { "PCMU", "PCMA", "G722", "opus", "telephone-event" } },
  video = { port = 7002, codecs = { "H264", "VP8" } },
}

local function answered(text)
  local list = {}
  for i, m in ipairs(rules.streams(text)) do
    list[i] = (m[2] == 0 and "0 " or "") .. m[1] .. " " .. m[3] .. " " .. m[4]
  end
  return list
end

local function trailing_spaces(text)
  return (text:gsub("\r\n", "  \r\n"))
end

local function with_lf(text)
  return (text:gsub("\r", ""))
end

describe("offers of the wild:", function()
  local count = 0

  offers.each(function(name, text, expected)
    count = count + 1
    it(name, function()
      local read = assert(sdp.parse(text))
      assert.is_nil(rules.broken(tostring(read)))
      assert.equal(tostring(read), tostring(sdp.parse(tostring(read))))
      local answer, err = sdp.answer(text, DESK)
      if #expected == 0 then
        assert.is_nil(answer)
        assert.matches("^no stream in common; the offer has %l", err.message)
        return
      end
      assert.same(expected, answered(answer))
      assert.is_nil(rules.broken(answer))
      assert.equal(answer, sdp.answer(with_lf(text), DESK))
      assert.equal(answer, sdp.answer(trailing_spaces(text), DESK))
      for _, word in ipairs { "crypto", "candidate", "ice%-", "fingerprint",
        "BUNDLE", "a=mid", "rtcp", "setup", "extmap", "label", "content" } do
        assert.not_matches(word, answer)
      end
    end)
  end)

  it("there are enough", function()
    assert.is_true(count >= 70)
  end)
end)

it("an offer is written back as it was read", function()
  for _, head in ipairs { "asterisk", "cisco", "polycom", "sipp" } do
    for _, body in ipairs { "plain", "video", "opus", "fax_and_audio" } do
      local text = (offers.heads[head] .. offers.bodies[body][1])
        :gsub("\n", "\r\n")
      assert.equal(text, tostring(sdp.parse(text)))
    end
  end
end)
