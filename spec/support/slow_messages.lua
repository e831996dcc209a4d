-- Datagrams of 60 KB that cost a parser most: lists that are inserted into one
-- by one, and whatever else grows with the square of its length. Each is what
-- is sent, by what it has much of.

local SIZE = 60000

local function much(text)
  return (text):rep(SIZE // #text)
end

local function message(lines, body)
  return table.concat {
    "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 127.0.0.1:%d;rport;branch=z9hG4bK%s\r\n",
    "From: <sip:ann@example.com>;tag=t\r\nTo: <sip:desk@127.0.0.1>\r\n",
    "Call-ID: slow%s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n", lines,
    "Content-Length: ", tostring(#(body or "")), "\r\n\r\n", body or "",
  }
end

return {
  { "header lines", message(much "a:b\r\n") },
  { "lines of one header", message(much "Via:x\r\n") },
  { "Accept", message("Accept: a/b" .. much ",a/b" .. "\r\n") },
  { "empty values", message("Accept: " .. much "," .. "\r\n") },
  { "parameters", message("Contact: <sip:a@b>" .. much ";a" .. "\r\n") },
  { "Vias", message("Via: x" .. much ",SIP/2.0/UDP a" .. "\r\n") },
  { "Routes", message("Route: <sip:a;lr>" .. much ",<sip:a;lr>" .. "\r\n") },
  { "parameters of a URI",
    message("Contact: <sip:a@b" .. much ";a=b" .. ">\r\n") },
  { "headers of a URI",
    message("Contact: <sip:a@b?a=b" .. much "&a=b" .. ">\r\n") },
  { "folded lines", message("Subject: x\r\n" .. much " x\r\n") },
  { "white space", message("Subject:" .. much " " .. "x\r\n") },
  { "quotes", message("Contact: " .. much "\"\\\"\" " .. "<sip:a@b>\r\n") },
  { "nested comments", message("Server: " .. much "(" .. "\r\n") },
  { "lines of a description", message("Content-Type: application/sdp\r\n",
    "v=0\r\n" .. much "a=x\r\n") },
  { "parts of a body", message("Content-Type: multipart/mixed;boundary=a\r\n",
    much "--a\r\n\r\n") },
}
