-- Messages of RFC 5118 as the RFC prints them, by section: those that
-- the folder SIPSESSION_TORTURE may lack. `udp` and `tcp` say what a user agent
-- server makes of each (spec/torture_spec.lua); without `tcp` it is the same
-- over both.

local function text(lines)
  return table.concat(lines, "\r\n") .. "\r\n"
end

return {
  { name = "ipv6-bad", section = "RFC 5118 4.2",
    udp = "400", tcp = "400",
    text {
      "REGISTER sip:2001:db8::10 SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:user@example.com;tag=81x2",
      "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
      "Call-ID: SSG9559905523997077@hlau_4100",
      "Max-Forwards: 70",
      "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
      "CSeq: 98176 REGISTER",
      "Content-Length: 0",
      "",
    } },

  { name = "port-unambiguous", section = "RFC 5118 4.4",
    udp = "405|501|200",
    text {
      "REGISTER sip:[2001:db8::10]:5070 SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:user@example.com;tag=81x2",
      "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
      "Call-ID: SSG9559905523997077@hlau_4100",
      "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
      "Max-Forwards: 70",
      "CSeq: 98176 REGISTER",
      "Content-Length: 0",
      "",
    } },

  { name = "via-received-param-no-delim", section = "RFC 5118 4.5",
    udp = "481",
    text {
      "BYE sip:[2001:db8::10] SIP/2.0",
      "To: sip:user@example.com;tag=bd76ya",
      "From: sip:user@example.com;tag=81x2",
      "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4\z
        bKas3",
      "Call-ID: SSG9559905523997077@hlau_4100",
      "Max-Forwards: 70",
      "CSeq: 98176 BYE",
      "Content-Length: 0",
      "",
    } },

  { name = "mult-ip-in-header", section = "RFC 5118 4.7",
    udp = "481",
    text {
      "BYE sip:user@host.example.net SIP/2.0",
      "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
      "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;",
      " received=192.0.2.200",
      "Call-ID: 997077@lau_4100",
      "Max-Forwards: 70",
      "CSeq: 89187 BYE",
      "To: sip:user@example.net;tag=9817--94",
      "From: sip:user@example.com;tag=81x2",
      "Content-Length: 0",
      "",
    } },

  { name = "ipv4-mapped-ipv6", section = "RFC 5118 4.9",
    udp = "app|488",
    text {
      "INVITE sip:user@example.com SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:user@east.example.com;tag=81x2",
      "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
      "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111",
      "Call-ID: SSG9559905523997077@hlau_4100",
      "Contact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>",
      "CSeq: 612 INVITE",
      "Max-Forwards: 70",
      "Content-Type: application/sdp",
      "Content-Length: 214",
      "",
      "v=0",
      "o=rick 29739 7272939 IN IP6 ::ffff:192.0.2.2",
      "s=-",
      "t=0 0",
      "m=audio 6540 RTP/AVP 0",
      "a=rtpmap:0 PCMU/8000",
      "c=IN IP6 ::ffff:192.0.2.10",
      "m=video 6550 RTP/AVP 31",
      "a=rtpmap:31 H261/90000",
      "c=IN IP6 ::ffff:192.0.2.10",
    } },
}
