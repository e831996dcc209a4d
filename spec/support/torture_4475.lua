-- Messages of RFC 4475, by section, octet for octet those in the archive of its
-- appendix A: those that the folder SIPSESSION_TORTURE may lack. `udp` and
-- `tcp` say what a user agent server makes of each (spec/torture_spec.lua);
-- without `tcp` it is the same over both.

local function text(lines)
  return table.concat(lines, "\r\n") .. "\r\n"
end

-- The description that most of them carry.
local function sdp(address)
  return text {
    "v=0", "o=mhandley 29739 7272939 IN IP4 " .. address, "s=-",
    "c=IN IP4 " .. address, "t=0 0", "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31", "a=rtpmap:31 LPC",
  }
end

return {
  { name = "intmeth", section = "RFC 4475 3.1.1.2",
    udp = "501",
    text {
      "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!s\z
        ure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@\z
        example.com SIP/2.0",
      "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
      "To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7F\" <sip:1_unusual.URI~(to-be!sur\z
        e)&isn't+it$/crazy?,/;;*@example.com>",
      "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromPar\z
        am''~+*_!.-%=\"\xD1\x80\xD0\xB0\xD0\xB1\xD0\xBE\xD1\x82\xD0\xB0\xD1\z
        \x8E\xD1\x89\xD0\xB8\xD0\xB9\";tag=_token~1'+`*%!-.",
      "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
      "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
      "Max-Forwards: 255",
      "extensionHeader-!.%*+_`'~:\xEF\xBB\xBF\xE5\xA4\xA7\xE5\x81\x9C\xE9\x9B\z
        \xBB",
      "Content-Length: 0",
      "",
    } },

  { name = "escnull", section = "RFC 4475 3.1.1.4",
    udp = "405|501|200",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "To: sip:null-%00-null@example.com",
      "From: sip:null-%00-null@example.com;tag=839923423",
      "Max-Forwards: 70",
      "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd",
      "CSeq: 14398234 REGISTER",
      "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
      "Contact: <sip:%00@host5.example.com>",
      "Contact: <sip:%00%00@host5.example.com>",
      "L:0",
      "",
    } },

  { name = "longreq", section = "RFC 4475 3.1.1.7",
    udp = "app",
    text {
      "INVITE sip:user@example.com SIP/2.0",
      "To: \"I have a user name of extremeextremeextremeextremeextremeextreme\z
        extremeextremeextremeextreme proportion\"<sip:user@example.com:6000;un\z
        knownparam1=verylonglonglonglonglonglonglonglonglonglonglonglonglonglo\z
        nglonglonglonglonglonglongvalue;longparamnamenamenamenamenamenamenamen\z
        amenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenamenam\z
        e=shortvalue;verylonglonglonglonglonglonglonglonglonglonglonglonglongl\z
        onglonglonglonglonglonglonglonglonglonglonglongParameterNameWithNoValu\z
        e>",
      "F: sip:amazinglylongcallernameamazinglylongcallernameamazinglylongcall\z
        ernameamazinglylongcallernameamazinglylongcallername@example.net;tag=1\z
        2982982982982982982982982982982982982982982982982982982982982982982982\z
        9829829829829829829829829829829829829829829829829829829829829829829829\z
        82982982982424;unknownheaderparamnamenamenamenamenamenamenamenamenamen\z
        amenamenamenamenamenamenamenamenamenamename=unknowheaderparamvaluevalu\z
        evaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevaluevalue;unk\z
        nownValuelessparamnameparamnameparamnameparamnameparamnameparamnamepar\z
        amnameparamnameparamnameparamname",
      "Call-ID: longreq.onereallyreallyreallyreallyreallyreallyreallyreallyre\z
        allyreallyreallyreallyreallyreallyreallyreallyreallyreallyreallyreally\z
        longcallid",
      "CSeq: 3882340 INVITE",
      "Unknown-LongLongLongLongLongLongLongLongLongLongLongLongLongLongLongLo\z
        ngLongLongLongLong-Name: unknown-longlonglonglonglonglonglonglonglongl\z
        onglonglonglonglonglonglonglonglonglonglong-value; unknown-longlonglon\z
        glonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong-\z
        parameter-name = unknown-longlonglonglonglonglonglonglonglonglonglongl\z
        onglonglonglonglonglonglonglonglong-parameter-value",
      "Via: SIP/2.0/TCP sip33.example.com",
      "v: SIP/2.0/TCP sip32.example.com",
      "V: SIP/2.0/TCP sip31.example.com",
      "Via: SIP/2.0/TCP sip30.example.com",
      "ViA: SIP/2.0/TCP sip29.example.com",
      "VIa: SIP/2.0/TCP sip28.example.com",
      "VIA: SIP/2.0/TCP sip27.example.com",
      "via: SIP/2.0/TCP sip26.example.com",
      "viA: SIP/2.0/TCP sip25.example.com",
      "vIa: SIP/2.0/TCP sip24.example.com",
      "vIA: SIP/2.0/TCP sip23.example.com",
      "V :  SIP/2.0/TCP sip22.example.com",
      "v :  SIP/2.0/TCP sip21.example.com",
      "V  : SIP/2.0/TCP sip20.example.com",
      "v  : SIP/2.0/TCP sip19.example.com",
      "Via : SIP/2.0/TCP sip18.example.com",
      "Via  : SIP/2.0/TCP sip17.example.com",
      "Via: SIP/2.0/TCP sip16.example.com",
      "Via: SIP/2.0/TCP sip15.example.com",
      "Via: SIP/2.0/TCP sip14.example.com",
      "Via: SIP/2.0/TCP sip13.example.com",
      "Via: SIP/2.0/TCP sip12.example.com",
      "Via: SIP/2.0/TCP sip11.example.com",
      "Via: SIP/2.0/TCP sip10.example.com",
      "Via: SIP/2.0/TCP sip9.example.com",
      "Via: SIP/2.0/TCP sip8.example.com",
      "Via: SIP/2.0/TCP sip7.example.com",
      "Via: SIP/2.0/TCP sip6.example.com",
      "Via: SIP/2.0/TCP sip5.example.com",
      "Via: SIP/2.0/TCP sip4.example.com",
      "Via: SIP/2.0/TCP sip3.example.com",
      "Via: SIP/2.0/TCP sip2.example.com",
      "Via: SIP/2.0/TCP sip1.example.com",
      "Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=verylonglo\z
        nglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong\z
        longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglo\z
        nglonglonglonglonglonglonglonglonglonglonglonglonglongbranchvalue",
      "Max-Forwards: 70",
      "Contact: <sip:amazinglylongcallernameamazinglylongcallernameamazinglyl\z
        ongcallernameamazinglylongcallernameamazinglylongcallername@host5.exam\z
        ple.net>",
      "Content-Type: application/sdp",
      "l: 150",
      "",
    } .. sdp "192.0.2.1" },

  { name = "semiuri", section = "RFC 4475 3.1.1.9",
    udp = "200",
    text {
      "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0",
      "To: sip:j_user@example.com",
      "From: sip:caller@example.org;tag=33242",
      "Max-Forwards: 3",
      "Call-ID: semiuri.0ha0isndaksdj",
      "CSeq: 8 OPTIONS",
      "Accept: application/sdp, application/pkcs7-mime,",
      "        multipart/mixed, multipart/signed,",
      "        message/sip, message/sipfrag",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw",
      "l: 0",
      "",
    } },

  { name = "mpart01", section = "RFC 4475 3.1.1.11",
    udp = "405",
    text {
      "MESSAGE sip:kumiko@example.org SIP/2.0",
      "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee\z
        -1--d87543-;rport",
      "Max-Forwards: 70",
      "Route: <sip:127.0.0.1:5080>",
      "Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj\z
        8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/Xl\z
        gKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=",
      "Contact: <sip:fluffy@127.0.0.1:5070>",
      "To: <sip:kumiko@example.org>",
      "From: <sip:fluffy@example.com>;tag=2fb0dcc9",
      "Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..",
      "CSeq: 1 MESSAGE",
      "Content-Transfer-Encoding: binary",
      "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
      "Date: Sat, 15 Oct 2005 04:44:56 GMT",
      "User-Agent: SIPimp.org/0.2.5 (curses)",
      "Content-Length: 553",
      "",
      "--7a9cbec02ceef655",
      "Content-Type: text/plain",
      "Content-Transfer-Encoding: binary",
      "",
      "Hello",
      "--7a9cbec02ceef655",
      "Content-Type: application/octet-stream",
      "Content-Transfer-Encoding: binary",
      "",
      "0\x82\x01R\x06\x09*\x86H\x86\xF7\x0D\x01\x07\x02\xA0\x82\x01C0\x82\x01\z
        ?\x02\x01\x011\x090\x07\x06\x05+\x0E\x03\x02\x1A0\x0B\x06\x09*\x86H\z
        \x86\xF7\x0D\x01\x07\x011\x82\x01 0\x82\x01\x1C\x02\x01\x010|0p1\x0B0\z
        \x09\x06\x03U\x04\x06\x13\x02US1\x130\x11\x06\x03U\x04\x08\x13\x0ACali\z
        fornia1\x110\x0F\x06\x03U\x04\x07\x13\x08San Jose1\x0E0\x0C\x06\x03U\z
        \x04\x0A\x13\x05sipit1)0'\x06\x03U\x04\x0B\x13 Sipit Test Certificate \z
        Authority\x02\x08\x01\x95\x00q\x023\x01\x130\x07\x06\x05+\x0E\x03\x02\z
        \x1A0\x0D\x06\x09*\x86H\x86\xF7\x0D\x01\x01\x01\x05\x00\x04\x81\x80\z
        \x8E\xF4f\xF9H\xF0R-\xD2\xE5\x97\x8E\x9D\x95\xAA\xE9\xF2\xFE\x15\xA0fY\z
        qb\x92\xE8\xDA*\xA8\xD85\x0Ah\xCE\xFF\xAE<\xBD+\xFF\x16u\xDD\xD5d\x8EY\z
        =\xD6G(\xF2b \xF7\xE9At\x9E3\x0D\x9A\x15\xED\xAB\xDB\x93\xD1\x0CB\x10.\z
        {r\x89\xD2\x9C\xC0\xC9\xAE.\xFB\xC7\xC0\xCF\xF9\x17/;\x02~O\xC0'\xE1Tm\z
        \xE4\xB6\xAA:\xBB>f\xCC\xCB]\xD6\xC6K\x83\x83\x14\x9C\xB8\xE6\xFF\x18-\z
        \x94O\xE5{e\xBC\x99\xD0\x05",
      "--7a9cbec02ceef655--",
    } },

  { name = "noreason", section = "RFC 4475 3.1.1.13",
    udp = "none", tcp = "none",
    text {
      "SIP/2.0 100 ",
      "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
      "Call-ID: noreason.asndj203insdf99223ndf",
      "CSeq: 35 INVITE",
      "From: <sip:user@example.com>;tag=39ansfi3",
      "To: <sip:user@example.edu>;tag=902jndnke3",
      "Content-Length: 0",
      "Contact: <sip:user@host105.example.com>",
      "",
    } },

  { name = "ncl", section = "RFC 4475 3.1.2.3",
    udp = "400", tcp = "400",
    text {
      "INVITE sip:user@example.com SIP/2.0",
      "Max-Forwards: 254",
      "To: sip:j.user@example.com",
      "From: sip:caller@example.net;tag=32394234",
      "Call-ID: ncl.0ha0isndaksdj2193423r542w35",
      "CSeq: 0 INVITE",
      "Via: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw",
      "Contact: <sip:caller@example53.example.net>",
      "Content-Type: application/sdp",
      "Content-Length: -999",
      "",
    } .. sdp "192.0.2.53" },

  { name = "scalarlg", section = "RFC 4475 3.1.2.5",
    udp = "none", tcp = "none",
    text {
      "SIP/2.0 503 Service Unavailable",
      "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;receive\z
        d=192.0.2.129",
      "To: <sip:user@example.com>",
      "From: <sip:other@example.net>;tag=2easdjfejw",
      "CSeq: 9292394834772304023312 OPTIONS",
      "Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r",
      "Retry-After: 949302838503028349304023988",
      "Warning: 1812 overture \"In Progress\"",
      "Content-Length: 0",
      "",
    } },

  { name = "ltgtruri", section = "RFC 4475 3.1.2.7",
    udp = "400", tcp = "400",
    text {
      "INVITE <sip:user@example.com> SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:caller@example.net;tag=39291",
      "Max-Forwards: 23",
      "Call-ID: ltgtruri.1@192.0.2.5",
      "CSeq: 1 INVITE",
      "Via: SIP/2.0/UDP 192.0.2.5",
      "Contact: <sip:caller@host5.example.net>",
      "Content-Type: application/sdp",
      "Content-Length: 159",
      "",
      "v=0",
      "o=mhandley 29739 7272939 IN IP4 192.0.2.5",
      "s=-",
      "c=IN IP4 192.0.2.5",
      "t=3149328700 0",
      "m=audio 49217 RTP/AVP 0 12",
      "m=video 3227 RTP/AVP 31",
      "a=rtpmap:31 LPC",
    } },

  { name = "lwsstart", section = "RFC 4475 3.1.2.9",
    udp = "400", tcp = "400",
    text {
      "INVITE  sip:user@example.com  SIP/2.0",
      "Max-Forwards: 8",
      "To: sip:user@example.com",
      "From: sip:caller@example.net;tag=8814",
      "Call-ID: lwsstart.dfknq234oi243099adsdfnawe3@example.com",
      "CSeq: 1893884 INVITE",
      "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw3923",
      "Contact: <sip:caller@host1.example.net>",
      "Content-Type: application/sdp",
      "Content-Length: 150",
      "",
    } .. sdp "192.0.2.1" },

  { name = "baddate", section = "RFC 4475 3.1.2.12",
    udp = "400|app",
    text {
      "INVITE sip:user@example.com SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:caller@example.net;tag=2234923",
      "Max-Forwards: 70",
      "Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234",
      "CSeq: 1392934 INVITE",
      "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw",
      "Date: Fri, 01 Jan 2010 16:00:00 EST",
      "Contact: <sip:caller@host5.example.net>",
      "Content-Type: application/sdp",
      "Content-Length: 150",
      "",
    } .. sdp "192.0.2.5" },

  { name = "badaspec", section = "RFC 4475 3.1.2.14",
    udp = "400|200",
    text {
      "OPTIONS sip:user@example.org SIP/2.0",
      "Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234",
      "Max-Forwards: 70",
      "From: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423",
      "To: \"Watson, Thomas\" < sip:t.watson@example.org >",
      "Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3",
      "Accept: application/sdp",
      "CSeq: 3923239 OPTIONS",
      "l: 0",
      "",
    } },

  { name = "mismatch02", section = "RFC 4475 3.1.2.18",
    udp = "400|501",
    text {
      "NEWMETHOD sip:user@example.com SIP/2.0",
      "To: sip:j.user@example.com",
      "From: sip:caller@example.net;tag=34525",
      "Max-Forwards: 6",
      "Call-ID: mismatch02.dj0234sxdfl3",
      "CSeq: 8 INVITE",
      "Contact: <sip:caller@host.example.net>",
      "Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw",
      "Content-Type: application/sdp",
      "l: 138",
      "",
      "v=0",
      "o=mhandley 29739 7272939 IN IP4 192.0.2.1",
      "c=IN IP4 192.0.2.1",
      "m=audio 49217 RTP/AVP 0 12",
      "m=video 3227 RTP/AVP 31",
      "a=rtpmap:31 LPC",
    } },

  { name = "bigcode", section = "RFC 4475 3.1.2.19",
    udp = "none", tcp = "none",
    text {
      "SIP/2.0 4294967301 better not break the receiver",
      "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
      "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i",
      "CSeq: 353494 INVITE",
      "From: <sip:user@example.com>;tag=39ansfi3",
      "To: <sip:user@example.edu>;tag=902jndnke3",
      "Content-Length: 0",
      "Contact: <sip:user@host105.example.com>",
      "",
    } },

  { name = "badbranch", section = "RFC 4475 3.2.1",
    udp = "200",
    text {
      "OPTIONS sip:user@example.com SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:caller@example.org;tag=33242",
      "Max-Forwards: 3",
      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK",
      "Accept: application/sdp",
      "Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n",
      "CSeq: 8 OPTIONS",
      "l: 0",
      "",
    } },

  { name = "novelsc", section = "RFC 4475 3.3.3",
    udp = "416",
    text {
      "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:caller@example.net;tag=384",
      "Max-Forwards: 3",
      "Call-ID: novelsc.asdfasser0q239nwsdfasdkl34",
      "CSeq: 3923423 OPTIONS",
      "Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234",
      "Content-Length: 0",
      "",
    } },

  { name = "unksm2", section = "RFC 4475 3.3.4",
    udp = "405|400",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "To: isbn:2983792873",
      "From: <http://www.example.com>;tag=3234233",
      "Call-ID: unksm2.daksdj@hyphenated-host.example.com",
      "CSeq: 234902 REGISTER",
      "Max-Forwards: 70",
      "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw",
      "Contact: <name:John_Smith>",
      "l: 0",
      "",
    } },

  { name = "regaut01", section = "RFC 4475 3.3.7",
    udp = "405",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "To: sip:j.user@example.com",
      "From: sip:j.user@example.com;tag=87321hj23128",
      "Max-Forwards: 8",
      "Call-ID: regaut01.0ha0isndaksdj",
      "CSeq: 9338 REGISTER",
      "Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw",
      "Authorization: NoOneKnowsThisScheme opaque-data=here",
      "Content-Length:0",
      "",
    } },

  { name = "mcl01", section = "RFC 4475 3.3.9",
    udp = "400", tcp = "400",
    text {
      "OPTIONS sip:user@example.com SIP/2.0",
      "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423",
      "To: sip:user@example.com",
      "From: sip:other@example.net;tag=3923942",
      "Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf",
      "CSeq: 15932 OPTIONS",
      "Content-Length: 13",
      "Max-Forwards: 60",
      "Content-Length: 5",
      "Content-Type: text/plain",
      "",
      "There's no way to know how many octets are supposed to be here.",
      "",
    } },

  { name = "cparam01", section = "RFC 4475 3.3.12",
    udp = "405",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw",
      "Max-Forwards: 70",
      "From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe",
      "To: sip:watson@example.com",
      "Call-ID: cparam01.70710@saturn.example.com",
      "CSeq: 2 REGISTER",
      "Contact: sip:+19725552222@gw1.example.net;unknownparam",
      "l: 0",
      "",
    } },

  { name = "cparam02", section = "RFC 4475 3.3.13",
    udp = "405",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw",
      "Max-Forwards: 70",
      "From: sip:watson@example.com;tag=838293",
      "To: sip:watson@example.com",
      "Call-ID: cparam02.70710@saturn.example.com",
      "CSeq: 3 REGISTER",
      "Contact: <sip:+19725552222@gw1.example.net;unknownparam>",
      "l: 0",
      "",
    } },

  { name = "regescrt", section = "RFC 4475 3.3.14",
    udp = "405",
    text {
      "REGISTER sip:example.com SIP/2.0",
      "To: sip:user@example.com",
      "From: sip:user@example.com;tag=8",
      "Max-Forwards: 70",
      "Call-ID: regescrt.k345asrl3fdbv@192.0.2.1",
      "CSeq: 14398234 REGISTER",
      "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
      "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
      "L:0",
      "",
    } },

  { name = "sdp01", section = "RFC 4475 3.3.15",
    udp = "406",
    text {
      "INVITE sip:user@example.com SIP/2.0",
      "To: sip:j_user@example.com",
      "Contact: <sip:caller@host15.example.net>",
      "From: sip:caller@example.net;tag=234",
      "Max-Forwards: 5",
      "Call-ID: sdp01.ndaksdj9342dasdd",
      "Accept: text/nobodyKnowsThis",
      "CSeq: 8 INVITE",
      "Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw",
      "Content-Length: 150",
      "Content-Type: application/sdp",
      "",
    } .. sdp "192.0.2.5" },
}
