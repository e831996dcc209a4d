-- Messages as scripts see them.
local sip = require "sipsession"

local function lines(...)
  return table.concat({ ... }, "\r\n")
end

local INVITE = lines(
  "INVITE sip:desk@example.com SIP/2.0",
  "v: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1",
  "Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK0",
  "From: <sip:ann@example.com>;tag=a",
  "t: <sip:desk@example.com>",
  "CALL-ID: one",
  "CSeq: 1 INVITE",
  "Contact: <sip:ann@10.0.0.2>",
  "Subject: a",
  "  folded one",
  "c: text/plain;charset=utf-8",
  "X-Empty:",
  "", "hello")

local RESPONSE = lines(
  "SIP/2.0 486 Not now",
  "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1",
  "From: <sip:ann@example.com>;tag=a",
  "To: <sip:desk@example.com>;tag=b",
  "Call-ID: one",
  "CSeq: 1 INVITE",
  "Content-Length: 0",
  "", "")

describe("a request", function()
  local message = assert(sip._message(INVITE, 12.5))

  it("has its start line, body and time", function()
    assert.equal("INVITE", message.method)
    assert.equal("sip:desk@example.com", message.uri)
    assert.is_nil(message.code)
    assert.is_nil(message.reason)
    assert.equal("hello", message.body)
    assert.equal("text/plain;charset=utf-8", message.content_type)
    assert.equal(12.5, message.time)
  end)

  it("finds headers in any case and in compact form", function()
    for _, name in ipairs { "To", "to", "t", "T", "TO" } do
      assert.equal("<sip:desk@example.com>", message:header(name))
    end
    assert.equal("one", message:header "i")
    assert.matches("^a +folded one$", message:header "subject")
    assert.equal("", message:header "x-empty")
    assert.is_nil(message:header "X-None")
    assert.is_nil(message:header "")
    assert.same({
      "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1",
      "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK0",
    }, message:headers "via")
    assert.same({}, message:headers "X-None")
  end)

  it("lists every header in order, as written", function()
    local all = message:headers()
    assert.equal(10, #all)
    assert.same({ "v", "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1" }, all[1])
    assert.same({ "CALL-ID", "one" }, all[5])
    assert.same({ "X-Empty", "" }, all[10])
  end)

  it("is the text as received", function()
    assert.equal(INVITE, tostring(message))
  end)

  it("can't be written", function()
    assert.error_matches(function()
      message.body = "x"
    end, "field 'body' can't be set; none can")
    assert.is_nil(message.colour)
  end)
end)

describe("a response", function()
  it("has code and reason", function()
    local message = assert(sip._message(RESPONSE))
    assert.is_nil(message.method)
    assert.is_nil(message.uri)
    assert.equal(486, message.code)
    assert.equal("Not now", message.reason)
    assert.is_nil(message.body)
    assert.is_nil(message.content_type)
  end)
end)

describe("what is no message", function()
  it("gives nil and why", function()
    for _, bad in ipairs {
      "", "hello", INVITE:gsub("CSeq: 1 INVITE", "CSeq: 1 BYE"),
      INVITE:gsub("CSeq", "X"), RESPONSE:gsub("486", "4860"),
    } do
      local message, why = sip._message(bad)
      assert.is_nil(message)
      assert.equal("string", type(why))
    end
  end)
end)
