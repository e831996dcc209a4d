-- Datagrams that cost a parser most: lists that are inserted into one by one,
-- and whatever else grows with the square of its length.
--
-- slow_messages(size): a list of { what it has much of, function(method, port,
-- n), over }. The function gives the n-th of that kind from that port, of about
-- that size; over: it is refused for a limit.

local function message(lines, body)
  local contact = lines:find "^Contact" and ""
    or "Contact: <sip:ann@127.0.0.1:5060>\r\n"
  return function(method, port, n)
    return table.concat {
      method, " sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:",
      port, ";rport;branch=z9hG4bK", n, "\r\n",
      "From: <sip:ann@example.com>;tag=t\r\nTo: <sip:desk@127.0.0.1>\r\n",
      "Call-ID: slow", n, "\r\nCSeq: 1 ", method, "\r\nMax-Forwards: 70\r\n",
      contact, lines, "Content-Length: ", #(body or ""), "\r\n\r\n", body or "",
    }
  end
end

return function(size)
  local function much(text)
    return (text):rep((size - 500) // #text)
  end
  local large = size > 16384 -- limits.header_size
  return {
    { "header lines", message(much "a:b\r\n"), true },
    { "long header lines",
      message(much("a:" .. ("b"):rep(60) .. "\r\n")), true },
    { "lines of one header", message(much "Via:x\r\n") },
    { "Accept", message("Accept: a/b" .. much ",a/b" .. "\r\n"), true },
    { "values of many headers",
      message(much("a:" .. (","):rep(200) .. "\r\n")), true },
    { "long values",
      message("a:" .. much("," .. ("b"):rep(50)) .. "\r\n"), true },
    { "empty values", message("Accept: " .. much "," .. "\r\n"), true },
    { "parameters",
      message("Contact: <sip:a@b>" .. much ";a" .. "\r\n"), true },
    { "Vias", message("Via: x" .. much ",SIP/2.0/UDP a" .. "\r\n"), true },
    { "Routes",
      message("Route: <sip:a;lr>" .. much ",<sip:a;lr>" .. "\r\n"), true },
    { "parameters of a URI",
      message("Contact: <sip:a@b" .. much ";a=b" .. ">\r\n"), true },
    { "headers of a URI",
      message("Contact: <sip:a@b?a=b" .. much "&a=b" .. ">\r\n"), true },
    { "folded lines", message("Subject: x\r\n" .. much " x\r\n"), true },
    { "white space", message("Subject:" .. much " " .. "x\r\n"), large },
    { "quotes",
      message("Contact: " .. much "\"\\\"\" " .. "<sip:a@b>\r\n"), large },
    { "nested comments", message("Server: " .. much "(" .. "\r\n"), large },
    { "lines of a description", message("Content-Type: application/sdp\r\n",
      "v=0\r\n" .. much "a=x\r\n") },
    { "streams of a description", message("Content-Type: application/sdp\r\n",
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
      .. "t=0 0\r\n" .. much "m=audio 9 RTP/AVP 0\r\n") },
    { "parts of a body",
      message("Content-Type: multipart/mixed;boundary=a\r\n",
        much "--a\r\n\r\n") },
  }
end
