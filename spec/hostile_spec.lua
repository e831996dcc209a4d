-- Hostile messages of the project's own, each over a datagram and over a
-- stream, and the answer that each must get: 400 rather than silence wherever
-- there is a way back, nothing where there is none. After each the endpoint
-- still answers, nothing is left, and no script was asked unless the row says
-- so: 486 is the script's. What the RFCs print is in torture_spec.lua, limits
-- are in limits_spec.lua.
local World = require "support.world"

-- Puts a text in the place of another, which is there.
local function with(old, new)
  return function(bytes)
    local from, to = bytes:find(old, 1, true)
    assert(from, old)
    return bytes:sub(1, from - 1) .. new .. bytes:sub(to + 1)
  end
end

local function header(text)
  return with("\r\nContent-Length", "\r\n" .. text .. "\r\nContent-Length")
end

-- In the place of no body.
local function body(fields, text)
  return with("Content-Length: 0\r\n\r\n", ("%s\r\nContent-Length: %d\r\n"
    .. "\r\n%s"):format(fields, #text, text))
end

local START = " sip:desk@10.0.0.1 SIP/2.0"
local LENGTH = "Content-Length: 0"

-- What; method; how an ordinary message is changed; what it gets: a code,
-- "none", "close" (nothing, and the connection ends); over TCP where that
-- differs.
local ROWS = {
  -- the start line
  { "lower case is another method", "OPTIONS",
    with("OPTIONS sip", "options sip"), 400 },
  { "a method that is no token", "OPTIONS",
    with("OPTIONS sip", "OPT(IONS sip"), 400 },
  { "a NUL in the method", "OPTIONS",
    with("OPTIONS sip", "OPT\0IONS sip"), 400 },
  { "an escape in the method", "OPTIONS",
    with("OPTIONS sip", "OPT%49ONS sip"), 400 },
  { "an unknown method", "FROB", nil, 501 },
  { "an unknown method that begins as a known one", "INVITEE", nil, 501 },
  { "no Request-URI", "OPTIONS", with(START, " SIP/2.0"), 400 },
  { "two spaces before the URI", "OPTIONS",
    with("OPTIONS sip", "OPTIONS  sip"), 400 },
  { "two spaces behind the URI", "OPTIONS", with(".1 SIP", ".1  SIP"), 400 },
  { "a tab for a space", "OPTIONS", with(".1 SIP", ".1\tSIP"), 200 },
  { "white space in the URI", "OPTIONS",
    with("desk@10.0.0.1 SIP", "de sk@10.0.0.1 SIP"), 400 },
  { "brackets round the URI", "OPTIONS",
    with(START, " <sip:desk@10.0.0.1> SIP/2.0"), 400 },
  { "headers in the URI", "INVITE",
    with(".1 SIP", ".1?Route=%3csip:x%3e SIP"), 400 },
  { "an escaped line end in the URI", "OPTIONS",
    with("desk@10.0.0.1 SIP", "d%0d%0aVia:%20x@10.0.0.1 SIP"), 200 },
  { "an escaped NUL in the URI", "OPTIONS",
    with("desk@10.0.0.1 SIP", "d%00@10.0.0.1 SIP"), 200 },
  { "a NUL in the URI", "OPTIONS",
    with("desk@10.0.0.1 SIP", "d\0@10.0.0.1 SIP"), 400 },
  { "a bare CR in the URI", "OPTIONS",
    with("desk@10.0.0.1 SIP", "d\r@10.0.0.1 SIP"), 400 },
  { "port 0 in the URI", "OPTIONS", with(".1 SIP", ".1:0 SIP"), 400 },
  { "port 65536 in the URI", "OPTIONS", with(".1 SIP", ".1:65536 SIP"), 400 },
  { "port 4294972356 in the URI", "OPTIONS",
    with(".1 SIP", ".1:4294972356 SIP"), 400 },
  { "an IPv6 address without brackets", "OPTIONS",
    with("10.0.0.1 SIP", "::1 SIP"), 400 },
  { "an IPv6 address without an end", "OPTIONS",
    with("10.0.0.1 SIP", "[::1 SIP"), 400 },
  { "no host", "OPTIONS", with("desk@10.0.0.1 SIP", "desk@ SIP"), 400 },
  { "another scheme", "OPTIONS",
    with("sip:desk@10.0.0.1 SIP", "data:,x SIP"), 416 },
  { "no scheme", "OPTIONS", with("sip:desk@10.0.0.1 SIP", "desk SIP"), 400 },
  { "SIP/1.0", "OPTIONS", with("SIP/2.0\r", "SIP/1.0\r"), 505 },
  { "SIP/2.00000000000000000000000001", "OPTIONS",
    with("SIP/2.0\r", "SIP/2.00000000000000000000000001\r"), 505 },
  { "SIP/4294967298.0", "OPTIONS",
    with("SIP/2.0\r", "SIP/4294967298.0\r"), 505 },
  { "HTTP", "OPTIONS", with("SIP/2.0\r", "HTTP/1.1\r"), "none" },
  -- numbers
  { "CSeq 2^31", "OPTIONS", with("CSeq: 1 ", "CSeq: 2147483648 "), 400 },
  { "CSeq 2^32+1", "OPTIONS", with("CSeq: 1 ", "CSeq: 4294967297 "), 400 },
  { "CSeq 2^64+1", "OPTIONS",
    with("CSeq: 1 ", "CSeq: 18446744073709551617 "), 400 },
  { "CSeq -1", "OPTIONS", with("CSeq: 1 ", "CSeq: -1 "), 400 },
  { "CSeq 0x1", "OPTIONS", with("CSeq: 1 ", "CSeq: 0x1 "), 400 },
  { "CSeq without a number", "OPTIONS", with("CSeq: 1 ", "CSeq: "), 400 },
  { "CSeq without a method", "OPTIONS",
    with("CSeq: 1 OPTIONS", "CSeq: 1"), 400 },
  { "CSeq of another method", "OPTIONS",
    with("CSeq: 1 OPTIONS", "CSeq: 1 BYE"), 400 },
  { "CSeq with a method in lower case", "OPTIONS",
    with("CSeq: 1 OPTIONS", "CSeq: 1 options"), 400 },
  { "CSeq with leading zeros", "OPTIONS",
    with("CSeq: 1 ", "CSeq: 00000000000000000001 "), 200 },
  { "Max-Forwards 256", "OPTIONS", with("Forwards: 70", "Forwards: 256"), 400 },
  { "Max-Forwards 2^32+70", "OPTIONS",
    with("Forwards: 70", "Forwards: 4294967366"), 400 },
  { "Max-Forwards -1", "OPTIONS", with("Forwards: 70", "Forwards: -1"), 400 },
  { "Max-Forwards 0", "OPTIONS", with("Forwards: 70", "Forwards: 0"), 200 },
  { "Expires 2^32", "INVITE", header "Expires: 4294967296", 400 },
  { "Expires -1", "INVITE", header "Expires: -1", 400 },
  { "Expires 2^32-1", "INVITE", header "Expires: 4294967295", 486 },
  { "Session-Expires 2^32", "INVITE",
    header "Session-Expires: 4294967296", 486 },
  { "Session-Expires -90", "INVITE", header "x: -90", 400 },
  { "Min-SE 2^64", "INVITE",
    header "Supported: timer\r\nMin-SE: 18446744073709551616", 486 },
  { "RSeq 2^32", "OPTIONS", header "RSeq: 4294967296", 400 },
  { "Content-Length 2^32", "OPTIONS",
    with(LENGTH, "Content-Length: 4294967296"), 400, 513 },
  { "Content-Length 2^64", "OPTIONS",
    with(LENGTH, "Content-Length: 18446744073709551616"), 400, 513 },
  { "Content-Length 1", "OPTIONS",
    with(LENGTH, "Content-Length: 1"), 400, "close" },
  { "Content-Length -1", "OPTIONS", with(LENGTH, "Content-Length: -1"), 400 },
  { "Content-Length 0x0", "OPTIONS", with(LENGTH, "Content-Length: 0x0"), 400 },
  { "Content-Length 0, 0", "OPTIONS",
    with(LENGTH, "Content-Length: 0, 0"), 400 },
  { "two that agree", "OPTIONS", with(LENGTH, LENGTH .. "\r\nl: 0"), 400 },
  { "none", "OPTIONS", with(LENGTH, "X-Length: 0"), 200, 400 },
  { "port 65536 in the Via", "OPTIONS",
    with("10.0.0.2:5060;", "10.0.0.2:65536;"), "none" },
  { "port 0 in the Via", "OPTIONS",
    with("10.0.0.2:5060;", "10.0.0.2:0;"), "none" },
  -- Via
  { "a NUL in the Via", "OPTIONS",
    with("10.0.0.2:5060;", "10.0.0.2\0:5060;"), "none" },
  { "a Via that is broken behind its host", "OPTIONS",
    with(";branch=", ";;branch="), 400 },
  { "a Via without a host", "OPTIONS", with(" 10.0.0.2:5060;", " ;"), "none" },
  { "an empty branch", "OPTIONS", with(";branch=", ";branch=;x="), 400 },
  { "two branches", "OPTIONS", with(";branch=", ";branch=a;branch="), 400 },
  { "a broken second Via", "OPTIONS", header "Via: ,;,", 200 },
  { "a Via that is empty", "OPTIONS",
    with("SIP/2.0/", "\r\nX-Rest: SIP/2.0/"), "none" },
  -- From, To, Call-ID
  { "an unterminated quote in To", "INVITE", with("To: <", "To: \"x <"), 400 },
  { "a quote that is escaped at its end", "INVITE",
    with("To: <", "To: \"x\\\" <"), 400 },
  { "a NUL in a quoted name", "OPTIONS", with("To: <", "To: \"a\0b\" <"), 400 },
  { "an escaped NUL in a quoted name", "OPTIONS",
    with("To: <", "To: \"a\\\0b\" <"), 200 },
  { "a NUL in From", "OPTIONS", with("From: <sip:c", "From: <sip:\0c"), 400 },
  { "a NUL in a tag", "OPTIONS", with(";tag=own", ";tag=o\0wn"), 400 },
  { "a NUL in Call-ID", "OPTIONS", with("Call-ID: o", "Call-ID: \0o"), 400 },
  { "a NUL in CSeq", "OPTIONS", with("CSeq: 1 ", "CSeq: 1\0 "), 400 },
  { "an empty tag", "OPTIONS", with(";tag=own", ";tag=;x=own"), 400 },
  { "a tag without a value", "INVITE",
    with("To: <sip:desk@10.0.0.1>", "To: <sip:desk@10.0.0.1>;tag"), 400 },
  { "two tags", "OPTIONS", with(";tag=own", ";tag=a;tag=own"), 400 },
  { "a tag in quotes", "OPTIONS", with(";tag=own", ";tag=\"a\";x=own"), 400 },
  { "two values in To", "INVITE", with("To: <", "To: <sip:a@b>, <"), 400 },
  { "no bracket at the end", "INVITE",
    with("To: <sip:desk@10.0.0.1>", "To: <sip:desk@10.0.0.1"), 400 },
  { "a Call-ID with a space", "OPTIONS",
    with("Call-ID: o", "Call-ID: a o"), 400 },
  { "an empty Call-ID", "OPTIONS",
    with("Call-ID: ", "Call-ID:\r\nX-Rest: "), 400 },
  { "two Call-IDs", "OPTIONS", header "i: another", 400 },
  { "two Tos", "OPTIONS", header "t: <sip:a@b>", 400 },
  { "two Froms", "OPTIONS", header "f: <sip:a@b>;tag=x", 400 },
  { "two CSeqs", "OPTIONS", header "CSeq: 1 OPTIONS", 400 },
  { "two Max-Forwards", "OPTIONS", header "Max-Forwards: 70", 400 },
  -- Contact
  { "no Contact in an INVITE", "INVITE",
    with("Contact: ", "X-Contact: "), 400 },
  { "Contact: *", "INVITE",
    with("Contact: <sip:caller@10.0.0.2:5060>", "Contact: *"), 400 },
  { "a tel: Contact", "INVITE",
    with("Contact: <sip:caller@10.0.0.2:5060>", "Contact: <tel:1>"), 400 },
  { "a broken Contact", "INVITE", with("Contact: <", "Contact: \"<"), 400 },
  -- lines
  { "a line without a colon", "OPTIONS", header "no colon here", 400 },
  { "a line without a name", "OPTIONS", header ": value", 400 },
  { "a control before the colon", "OPTIONS", header "X-A\1: value", 400 },
  { "a control in a value", "OPTIONS", header "X-A: a\27[31m", 400 },
  { "a NUL in a value", "OPTIONS", header "X-A: a\0b", 400 },
  { "a bare LF", "OPTIONS", header "X-A: a\nX-B: b", 400 },
  { "a bare CR", "OPTIONS", header "X-A: a\rX-B: b", 400 },
  { "a fold in the first header", "OPTIONS",
    with(".0\r\n", ".0\r\n x\r\n"), "none" },
  { "octets that are no UTF-8", "OPTIONS", header "X-A: \xff\xfe\xc0", 200 },
  { "a name with a space before its colon", "OPTIONS", header "X-A : a", 200 },
  -- bodies
  { "an unknown type", "INVITE", header "Content-Type: a/b", 486 },
  { "a body of an unknown type", "INVITE",
    with(LENGTH .. "\r\n\r\n",
      "Content-Type: a/b\r\nContent-Length: 1\r\n\r\nx"), 415 },
  { "a type that is none", "INVITE",
    with(LENGTH .. "\r\n\r\n",
      "Content-Type: ;;\r\nContent-Length: 1\r\n\r\nx"), 415 },
  { "a body without a type", "INVITE",
    with(LENGTH .. "\r\n\r\n", "Content-Length: 1\r\n\r\nx"), 415 },
  { "two types", "INVITE", header "Content-Type: a/b\r\nc: a/b", 400 },
  { "an encoding", "INVITE",
    with(LENGTH .. "\r\n\r\n",
      "Content-Type: application/sdp\r\ne: gzip\r\nContent-Length: 1\r\n\r\nx"),
      415 },
  { "an offer that is none", "INVITE",
    with(LENGTH .. "\r\n\r\n",
      "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\n\0\1\2\3\4"),
      486 },
  -- extensions
  { "an extension that is required", "INVITE", header "Require: frob", 420 },
  { "one that isn't a token", "INVITE", header "Require: \"", 420 },
  -- dialogs that aren't
  { "BYE to nobody", "BYE", nil, 481 },
  { "CANCEL of nothing", "CANCEL", nil, 481 },
  { "INVITE to nobody's tag", "INVITE",
    with("To: <sip:desk@10.0.0.1>", "To: <sip:desk@10.0.0.1>;tag=x"), 481 },
  { "PRACK to nobody", "PRACK",
    header "RAck: 4294967297 1 INVITE", { 405, 481 } },
  { "MESSAGE to nobody", "MESSAGE", nil, 405 },
  { "a faulty ACK", "ACK", with("CSeq: 1 ", "CSeq: x "), "none" },
  { "ACK of nothing", "ACK", nil, "none" },
  -- responses
  { "a response to nothing", "OPTIONS",
    with("OPTIONS" .. START, "SIP/2.0 200 OK"), "none" },
  { "status 0", "OPTIONS", with("OPTIONS" .. START, "SIP/2.0 0 OK"), "none" },
  { "status 4294967496", "OPTIONS",
    with("OPTIONS" .. START, "SIP/2.0 4294967496 OK"), "none" },
  { "status -200", "OPTIONS",
    with("OPTIONS" .. START, "SIP/2.0 -200 OK"), "none" },
  { "status 700", "OPTIONS",
    with("OPTIONS" .. START, "SIP/2.0 700 OK"), "none" },
  -- what has brought others down: our own words, after the advisories
  { "CVE-2017-9372: a CSeq that doesn't end", "INVITE",
    with("CSeq: 1 INVITE", "CSeq: 1 " .. ("I"):rep(5000)), 400 },
  { "CVE-2021-33056: a slash for a URI, in From", "INVITE",
    with("From: <sip:caller@10.0.0.2>", "From: </>"), 400 },
  { "CVE-2021-33056: a slash for a URI, in To", "INVITE",
    with("To: <sip:desk@10.0.0.1>", "To: </>"), 400 },
  { "CVE-2021-33056: a slash for a URI, in Contact", "INVITE",
    with("Contact: <sip:caller@10.0.0.2:5060>", "Contact: </>"), 400 },
  { "CVE-2021-33056: a slash for a URI, in Diversion", "INVITE",
    header "Diversion: </>", 486 },
  { "CVE-2021-43611: a name that ends in a backslash", "INVITE",
    with("From: <", "From: \"\\\" <"), 400 },
  { "CVE-2022-31001: a method and nothing else", "INVITE",
    function() return "INVITE" end, "none", "close" },
  { "CVE-2022-31001: a start line that ends with its method", "INVITE",
    with(START, ""), "none" },
  { "CVE-2022-31002: a user that ends in a percent sign", "OPTIONS",
    with("desk@10.0.0.1 SIP", "desk%@10.0.0.1 SIP"), 200 },
  { "CVE-2022-31002: half an escape at the end", "OPTIONS",
    with(".1 SIP", ".1;x=%4 SIP"), 200 },
  { "CVE-2022-41550: a comment that doesn't end, in a Via", "OPTIONS",
    with(";branch=", " (x;branch="), 200 },
  { "CVE-2022-41550: a part whose field has no name", "INVITE",
    body("Content-Type: multipart/mixed;boundary=b",
      "--b\r\n: x\r\n\r\nx\r\n--b--\r\n"), 415 },
  { "ES2017-02: a boundary that none of the parts has", "INVITE",
    body("Content-Type: multipart/mixed;`boundary=++",
      "--\r\n--++=AAA\r\nxxx\r\n--+"), 415 },
  { "ES2017-02: a part that ends before its field does", "INVITE",
    body("Content-Type: multipart/mixed;boundary=\"++\"",
      "--\r\n--++=AAA\r\nxxx\r\n--+"), 415 },
  { "AST-2016-009: a second To, a control before its colon", "INVITE",
    header "To\1: <sip:desk@10.0.0.1>;tag=x", 400 },
  { "CVE-2020-28361: a second From, a tab before its colon", "INVITE",
    header "From\t: <sip:b@c>;tag=x", 400 },
  { "CVE-2020-28361: a second Call-ID, in odd case, folded", "INVITE",
    header "cALL-iD \t:\r\n x", 400 },
  { "CVE-2026-23457: Content-Length 2^32 and what there is", "OPTIONS",
    with("Content-Length: 0\r\n\r\n",
      "Content-Length: 4294967328\r\n\r\n" .. ("x"):rep(32)), 400, 513 },
  { "CVE-2026-28799: SUBSCRIBE that ends what never began", "SUBSCRIBE",
    header "Event: presence\r\nExpires: 0", 405 },
  { "port 65537 in the URI", "OPTIONS", with(".1 SIP", ".1:65537 SIP"), 400 },
  { "port 70596, which is 5060 in 16 bits, in the Via", "OPTIONS",
    with("10.0.0.2:5060;", "10.0.0.2:70596;"), "none" },
  { "port 70596 in Contact", "INVITE",
    with("Contact: <sip:caller@10.0.0.2:5060>",
      "Contact: <sip:caller@10.0.0.2:70596>"), 400 },
  -- not SIP
  { "junk", "OPTIONS",
    function() return "\xff\0\1junk\r\n\r\n" end, "none", "close" },
  { "an HTTP request", "OPTIONS",
    function() return "GET / HTTP/1.1\r\nHost: x\r\n\r\n" end, "none",
      "close" },
  { "a TLS hello", "OPTIONS",
    function() return "\x16\3\1\0\5\1\0\0\1\0" end, "none", "close" },
  { "STUN", "OPTIONS",
    function() return "\0\1\0\0\x21\x12\xa4\x42abcdefghijkl" end, "none",
      "close" },
}

describe("hostile", function()
  local w

  after_each(function()
    w:finish()
  end)

  local function allowed(expected, got)
    if type(expected) == "table" then
      return expected[1] == got or expected[2] == got
    end
    return expected == got or expected == "close" and got == "none"
  end

  -- How often the endpoint says that it has refused something.
  local function counted()
    local n = 0
    for name, value in pairs(w.endpoint:stats()) do
      if name:find "^refused_" or name:find "^stray_" then
        n = n + value
      end
    end
    return n
  end

  local function try(protocol, row)
    w = World.new { protocol = protocol }
    w:serve(function(session)
      session:reject(486)
    end)
    local bytes = w:request(row[2])
    bytes = row[3] and row[3](bytes) or bytes
    w.caller:send(bytes, protocol .. ":10.0.0.1:5060")
    w.network:advance(0.3)
    local sent = w:sent()
    assert.is_true(#sent <= 1)
    local got = sent[1] and math.tointeger(sent[1].name:match "^%d+") or "none"
    return got, sent[1] and sent[1].text
  end

  for _, row in ipairs(ROWS) do
    for _, protocol in ipairs { "udp", "tcp" } do
      local expected = protocol == "tcp" and row[5] or row[4]
      it(("%s, %s over %s"):format(row[1], row[2], protocol), function()
        local got, text = try(protocol, row)
        assert.is_true(allowed(expected, got), ("got %s"):format(text or got))
        assert.equal(got == 486, #w.sessions == 1)
        if text then
          -- what came unescaped does not go back
          assert.is_nil(text:find "[^\\]%z" or text:find "[^\r]\n"
            or text:find "\r[^\n]")
        end
        w.network:advance(20)
        assert.equal((got == 200 or got == 486) and 0 or 1, counted())
        if expected == "close" then
          assert.equal(0, w.network:leftovers().connections)
        end
        w.caller = w.network:peer "udp:10.0.0.3:5060"
        w.protocol = "udp"
        w:probe()
        w.protocol = protocol
      end)
    end
  end

  it("is a set of a hundred", function()
    w = World.new()
    assert.is_true(#ROWS > 100)
  end)

  local function resident()
    collectgarbage()
    collectgarbage()
    local file = assert(io.open "/proc/self/statm")
    local pages = file:read "a":match "^%d+ (%d+)"
    file:close()
    return tonumber(pages) * 4, collectgarbage "count"
  end

  it("leave nothing behind, however often they come", function()
    w = World.new()
    w.endpoint:on("session_received", function(session)
      session:reject(486)
    end)
    local function rounds(n)
      for _ = 1, n do
        for _, row in ipairs(ROWS) do
          local bytes = w:request(row[2])
          w.caller:send(row[3] and row[3](bytes) or bytes, "udp:10.0.0.1:5060")
        end
        w.network:advance(70)
        w.network.log = {} -- what the kit keeps
        w.caller.inbox, w.caller.cursor = {}, 0
        for name, left in pairs(w.network:leftovers()) do
          assert.equal(0, left, name)
        end
      end
      return resident()
    end
    local sanitized = os.getenv "SIPSESSION_BUILD" ~= nil
    local scale = sanitized and 10 or 1
    local before, lua = rounds(30 // scale)
    local after, lua_after = rounds(60 // scale)
    -- a hundred octets of each would be seen
    assert.is_true(lua_after < lua + 256, lua_after - lua)
    assert.is_true(sanitized or after < before + 1024, after - before)
    assert.is_true(w.endpoint:stats().messages_in >= 90 // scale * #ROWS)
    w:probe()
  end)

  -- RFC 3261 8.1.1: what every request has.
  for _, method in ipairs { "INVITE", "OPTIONS", "BYE", "CANCEL" } do
    for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq" } do
      local expected = name == "Via" and "none" or 400
      it(method .. " without " .. name, function()
        for _, protocol in ipairs { "udp", "tcp" } do
          local got = try(protocol, { "", method,
            with("\r\n" .. name .. ": ", "\r\nX-Not: ") })
          assert.equal(expected, got)
          assert.equal(0, #w.sessions)
          w:probe()
          if protocol == "udp" then
            w:finish()
          end
        end
      end)
    end
  end

  it("what wraps is refused in a call too, and the call stands", function()
    w = World.new()
    local call, session = w:established()
    for _, lines in ipairs { { RAck = "4294967297 1 INVITE" },
      { RAck = "1 4294967297 INVITE" }, { RAck = "x" },
      { ["Session-Expires"] = "-90" }, { Expires = "4294967296" } } do
      local method = lines.RAck and "PRACK" or "UPDATE"
      local n = #w:sent()
      call:request(method, { headers = lines })
      w.network:advance(0)
      local code = tonumber(w:names(n + 1)[1]:match "^%d+")
      assert.is_true(code == 400 or code == 481, code)
      assert.equal("connected", session.state)
    end
    -- as long as can be said, and not 90 seconds
    call:request("UPDATE", { headers = { Supported = "timer",
      ["Session-Expires"] = "4294967386;refresher=uac" } })
    w.network:advance(200)
    assert.equal("connected", session.state)
    call:bye()
    w.network:advance(40)
  end)
end)
