-- Messages of RFC 5118, by section, as they are in the archive of its appendix
-- A, where line ends are LF alone: as CRLF here, with Content-Length to match
-- and the empty line that 4.10's lack. Those that the folder SIPSESSION_TORTURE
-- may lack. `udp` and `tcp` say what a user agent server makes of each
-- (spec/torture_spec.lua); without `tcp` it is the same over both.

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
    udp = "200",
    text {
      "OPTIONS sip:[2001:db8::10] SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:user@example.com;tag=81x2",
      "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4\z
        bKas3",
      "Call-ID: SSG95523997077@hlau_4100",
      "Max-Forwards: 70",
      "Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>",
      "CSeq: 921 OPTIONS",
      "Content-Length: 0",
      "",
    } },

  { name = "mult-ip-in-header", section = "RFC 5118 4.7",
    udp = "481",
    text {
      "BYE sip:user@host.example.net SIP/2.0",
      "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
      "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.\z
        2.200",
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
      "Content-Length: 245",
      "",
      "v=0",
      "o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2",
      "s=Call me soon, please!",
      "c=IN IP6 ::ffff:192.0.2.2",
      "t=3338481189 3370017201",
      "m=audio 6000 RTP/AVP 2",
      "a=rtpmap:2 G726-32/8000",
      "m=video 6024 RTP/AVP 107",
      "a=rtpmap:107 H263-1998/90000",
    } },

  { name = "ipv6-correct-abnf-2-colons", section = "RFC 5118 4.10",
    udp = "200",
    text {
      "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0",
      "To: sip:user@[2001:db8::192.0.2.1]",
      "From: sip:user@example.com;tag=810x2",
      "Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111",
      "Call-ID: G9559905523997077@hlau_4100",
      "CSeq: 689 OPTIONS",
      "Max-Forwards: 70",
      "Content-Length: 0",
      "",
    } },
}
