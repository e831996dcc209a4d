-- Anomalies after the manner of PROTOS c07-sip: an ordinary INVITE with its
-- CANCEL and ACK, in which one field has been put out of shape: too long, too
-- often, a format, a NUL, a number that isn't one, broken UTF-8, UTF-16, and
-- what has brought others down (CVE-2017-9372: a CSeq that doesn't end;
-- CVE-2021-33056 and 43611: a URI whose parts are missing; CVE-2022-31001 to
-- 31003: a description, or a line, that ends too early; CVE-2022-41550: a Via
-- with a comment). For each pair of a place and a value there is one message.

local VALUES = {
  "", " ", "\t", "\r", "\n", "\r\n", "\r\n ", "\0", "a\0b", "\\", "\"", "\"\"",
  "\"\\", "<", ">", "<>", "<<<<", "<sip:", "sip:", "sip:@", "sip::@:",
  "sip:a@[", "sip:a@[::", "sip:a@b:", "sip:a@b;;;", "sip:%", "sip:%0", ";", ",",
  ":", "=", ";=", ";tag=", ";tag", "@", "(", "(((((", "*", "%", "%n%n%n%n",
  "%s%s%s%s%s%s", "%.99999d", "%00", "%0d%0aX: y", "-1", "+1", "0", "00000000",
  "0x10", "1e9", "1.5", "65535", "65536", "2147483647", "2147483648",
  "4294967295", "4294967296", "4294967297", "9223372036854775808",
  "18446744073709551616", ("9"):rep(400), ("0"):rep(5000), ("a"):rep(128),
  ("a"):rep(1024), ("a"):rep(5000), ("a"):rep(20000), ("%s"):rep(500),
  ("%00"):rep(500), ("("):rep(2000), ("<"):rep(2000), ("\""):rep(2001),
  ("\\"):rep(2001), (","):rep(2000), (";"):rep(2000), (";a=b"):rep(500),
  (","):rep(255), ("a,"):rep(250), (" "):rep(5000), ("\r\n "):rep(300),
  ("../"):rep(300), ("[:"):rep(500), ("@"):rep(1000), (":"):rep(1000),
  "\192\128", "\192\175", "\224\128\128", "\237\160\128", "\244\144\128\128",
  "\248\136\128\128\128", "\252\132\128\128\128\128", "\254", "\255",
  ("\255"):rep(3000), "\239\187\191", "\255\254a\0b\0", "\254\255\0a\0b",
  "a\0\0\0", "\27[2J", "\127", ("\1"):rep(40),
}

-- Header or part of a line, and what stands there otherwise.
local PLACES = {
  { "method", "INVITE" }, { "uri", "sip:desk@127.0.0.1" },
  { "version", "SIP/2.0" }, { "via", nil }, { "sent_by", nil },
  { "branch", nil }, { "from", "<sip:ann@example.com>" }, { "from_tag", nil },
  { "to", "<sip:desk@127.0.0.1>" }, { "call_id", nil }, { "cseq", "1" },
  { "cseq_method", nil }, { "max_forwards", "70" },
  { "contact", "<sip:ann@127.0.0.1:5060>" }, { "length", nil },
  { "type", "application/sdp" }, { "name", "X-Any" }, { "value", "any" },
  { "expires", "300" }, { "require", nil }, { "route", nil },
  { "authorization", nil }, { "accept", "application/sdp" },
  { "origin", "o=- 1 1 IN IP4 127.0.0.1" }, { "media", "m=audio 9 RTP/AVP 0" },
  { "attribute", "a=sendrecv" },
}

local function optional(name, value)
  return value and name .. ": " .. value .. "\r\n" or ""
end

-- INVITE, CANCEL or ACK number n, from that port, with the fields of `odd` put
-- out of shape.
local function message(method, n, port, odd)
  local function field(name, usual)
    return odd[name] or usual
  end
  local body = method == "INVITE" and table.concat({ "v=0",
    field("origin", "o=- 1 1 IN IP4 127.0.0.1"), "s=-",
    "c=IN IP4 127.0.0.1", "t=0 0", field("media", "m=audio 9 RTP/AVP 0"),
    field("attribute", "a=sendrecv"), "" }, "\r\n") or ""
  return table.concat {
    odd.method and method == "INVITE" and odd.method or method, " ",
    field("uri", "sip:desk@127.0.0.1"), " ", field("version", "SIP/2.0"),
    "\r\nVia: ", field("via", table.concat { "SIP/2.0/UDP ",
      field("sent_by", "127.0.0.1:" .. port), ";rport;branch=",
      field("branch", "z9hG4bKodd" .. n) }),
    "\r\nFrom: ", field("from", "<sip:ann@example.com>"), ";tag=",
    field("from_tag", "t" .. n), "\r\nTo: ",
    field("to", "<sip:desk@127.0.0.1>"), "\r\nCall-ID: ",
    field("call_id", "odd" .. n), "\r\nCSeq: ", field("cseq", "1"), " ",
    field("cseq_method", method), "\r\nMax-Forwards: ",
    field("max_forwards", "70"), "\r\nContact: ",
    field("contact", "<sip:ann@127.0.0.1:" .. port .. ">"), "\r\n",
    odd.name and odd.name .. ": any\r\n" or "", optional("X-Any", odd.value),
    optional("Expires", odd.expires), optional("Require", odd.require),
    optional("Route", odd.route), optional("Authorization", odd.authorization),
    optional("Accept", odd.accept),
    body ~= "" and "Content-Type: " .. field("type", "application/sdp")
      .. "\r\n" or "",
    "Content-Length: ", field("length", tostring(#body)), "\r\n\r\n", body,
  }
end

-- Every pair: fn(name, value) in a fixed order. Each value stands alone, and
-- once more behind what is usual there, where that makes another.
local function pairs_of(fn)
  for _, place in ipairs(PLACES) do
    for _, value in ipairs(VALUES) do
      fn(place[1], value)
      if place[2] then
        fn(place[1], place[2] .. value)
      end
    end
  end
end

return { message = message, pairs_of = pairs_of }
