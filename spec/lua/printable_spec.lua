-- sip.printable: messages as a log may have them.
local sip = require "sipsession"

describe("sip.printable", function()
  local function gives(expected, text)
    assert.equal(expected, sip.printable(text))
  end

  it("leaves an ordinary message as it is", function()
    local text = "OPTIONS sip:x@example.com SIP/2.0\r\nTo: \"J\u{f6}rg "
      .. "\u{20ac} \u{1f600}\" <sip:x@example.com>\r\nWWW-Authenticate: "
      .. "Digest realm=\"x\"\r\nX-Authorization: Digest y\r\n\r\nbody\r\n"
    gives(text, text)
    gives("", "")
  end)

  it("escapes controls, but for the CRLF between lines", function()
    gives("User-Agent: \\x1b[2J\\x00\\x07\\x7f\\x09\r\n",
      "User-Agent: \27[2J\0\7\127\t\r\n")
    gives("a\\x0db\\x0ac\\x0d\r\n\\x0d", "a\rb\nc\r\r\n\r")
  end)

  it("escapes C1 controls and what isn't UTF-8", function()
    gives("\\xc2\\x9b2J", "\u{9b}2J")
    gives("\\x9b2J\\xff", "\x9b2J\xff")
    gives("\\xc0\\x9b \\xe0\\x80\\x9b \\xed\\xa0\\x80 \\xf5 \\xe2\\x82",
      "\xc0\x9b \xe0\x80\x9b \xed\xa0\x80 \xf5 \xe2\x82")
  end)

  it("escapes what turns text round or breaks lines elsewhere", function()
    gives("\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8\\xd8\\x9c",
      "\u{202e}\u{2066}\u{2028}\u{61c}")
    gives("\u{2027}\u{202f}\u{2065}\u{206a}\u{61b}",
      "\u{2027}\u{202f}\u{2065}\u{206a}\u{61b}")
  end)

  it("hides credentials, in any case, folded or odd", function()
    gives("Authorization: Digest (hidden)\r\nTo: x\r\n\r\n",
      "Authorization: Digest username=\"a\", response=\"0\"\r\nTo: x\r\n\r\n")
    gives("A: b\r\npROXY-authorization \\x09:  digest (hidden)\r\nB: c",
      "A: b\r\npROXY-authorization \t:  digest response=\"1\",\r\n"
      .. "\tresponse=\"2\",\r\n  nonce=\"3\"\r\nB: c")
    gives("Authorization:(hidden)\r\nB: c",
      "Authorization:\r\n Digest response=\"1\"\r\nB: c")
    gives("Authorization: (hidden)", "Authorization: Basic c2VjcmV0")
    gives("Authentication-Info: (hidden)\r\n",
      "Authentication-Info: rspauth=\"1\"\r\n")
    gives("A: b\\x0aAuthorization: Digest (hidden)\\x0aB: c",
      "A: b\nAuthorization: Digest response=\"1\"\n response=\"2\"\nB: c")
    gives("Authorization\\x00: (hidden)", "Authorization\0: x")
  end)

  it("hides them in what a \"message\" handler is given", function()
    local World = require "support.world"
    local w = World.new()
    local log = {}
    w.endpoint:on("message", function(_, text)
      log[#log + 1] = sip.printable(text)
    end)
    w.caller:send(w:request("OPTIONS",
      { extra = "Authorization: Digest response=\"sesame\"\r\n" }),
      "udp:10.0.0.1:5060")
    w.network:advance(1)
    local text = table.concat(log)
    assert.matches("\r\nAuthorization: Digest %(hidden%)\r\n", text)
    assert.not_matches("sesame", text)
    w:finish()
  end)

  it("takes a string only", function()
    assert.error_matches(function() sip.printable {} end, "string expected")
  end)
end)
