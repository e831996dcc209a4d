-- Offers as they are seen in the wild, by the shape of their makers: heads (the
-- session's part) and bodies (the streams), each body with what becomes of its
-- streams at a desk with PCMU, PCMA, G722, opus and events, and H264 and VP8.
local offers = {}

offers.heads = {
  chrome = [[
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS stream
]],
  asterisk = [[
v=0
o=- 1837430292 1837430292 IN IP4 198.51.100.7
s=Asterisk
c=IN IP4 198.51.100.7
t=0 0
]],
  freeswitch = [[
v=0
o=FreeSWITCH 1700000000 1700000001 IN IP4 203.0.113.20
s=FreeSWITCH
c=IN IP4 203.0.113.20
t=0 0
a=msid-semantic: WMS x
]],
  cisco = [[
v=0
o=CiscoSystemsSIP-GW-UserAgent 4837 6104 IN IP4 198.51.100.60
s=SIP Call
c=IN IP4 198.51.100.60
b=TIAS:64000
b=CT:64
b=AS:64
t=0 0
]],
  linphone = [[
v=0
o=alice 2467 1853 IN IP6 2001:db8::17
s=Talk
c=IN IP6 2001:db8::17
b=AS:380
t=0 0
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
a=record:off
]],
  polycom = [[
v=0
o=- 1500000000 1500000000 IN IP4 192.0.2.44
s=Polycom IP Phone
c=IN IP4 192.0.2.44
b=AS:2048
t=0 0
a=sendrecv
]],
  sipp = [[
v=0
o=user1 53655765 2353687637 IN IP4 192.0.2.8
s=-
c=IN IP4 192.0.2.8
t=0 0
]],
  ntp = [[
v=0
o=root 16650000000000000000 16650000000000000001 IN IP4 192.0.2.90
s=
i=A session
u=http://www.example.com/
e=admin@example.com (Admin)
p=+44 1234 567890
c=IN IP4 pbx.example.com
t=3034423619 3042462419
]],
}

-- body, answered m= lines
offers.bodies = {
  plain = { [[
m=audio 11424 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:150
a=sendrecv
]], "audio RTP/AVP 0 8 101" },
  g722_first = { [[
m=audio 18742 RTP/AVP 9 8 0 3 111 18 101 13
a=rtpmap:9 G722/8000
a=rtpmap:111 G726-32/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=silenceSupp:off - - - -
a=rtcp:18743 IN IP4 203.0.113.20
]], "audio RTP/AVP 9 8 0 101" },
  opus = { [[
m=audio 7078 RTP/AVPF 96 97 98 0 8 18 99 100
c=IN IP4 198.51.100.1
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:98 speex/8000
a=fmtp:98 vbr=on
a=fmtp:18 annexb=yes
a=rtpmap:99 telephone-event/48000
a=rtpmap:100 telephone-event/8000
a=rtcp-fb:* trr-int 1000
a=rtcp-fb:* ccm tmmbr
]], "audio RTP/AVPF 96 0 8 99 100" },
  video = { [[
m=audio 30000 RTP/AVP 8 96
a=rtpmap:96 telephone-event/8000
m=video 30002 RTP/AVP 99 34 31
b=TIAS:768000
a=rtpmap:99 H264/90000
a=fmtp:99 profile-level-id=42801F;packetization-mode=1
a=content:main
a=label:11
]], "audio RTP/AVP 8 96", "video RTP/AVP 99" },
  bfcp = { [[
m=audio 2326 RTP/AVP 114 9 8
a=rtpmap:114 opus/48000/2
m=video 2328 RTP/AVP 97
a=rtpmap:97 H264/90000
a=content:main
m=application 5070 UDP/BFCP *
c=IN IP4 192.0.2.77
a=setup:actpass
a=connection:new
a=floorctrl:c-s
a=confid:1
a=floorid:2 mstrm:12
m=video 2330 RTP/AVP 97
a=rtpmap:97 H264/90000
a=content:slides
a=label:12
m=application 2332 RTP/AVP 104
a=rtpmap:104 H224/4800
]], "audio RTP/AVP 114 9 8", "video RTP/AVP 97", "0 application UDP/BFCP *",
    "0 video RTP/AVP 97", "0 application RTP/AVP 104" },
  webrtc = { [[
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlSm
a=ice-options:trickle
a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:110 telephone-event/48000
a=ssrc:1001 cname:abc
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:4ZcD
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
]] },
  srtp_or_not = { [[
m=audio 16572 RTP/SAVP 0 8 101
a=rtpmap:101 telephone-event/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAw
m=audio 16574 RTP/AVP 0 8 101
a=rtpmap:101 telephone-event/8000
]], "0 audio RTP/SAVP 0 8 101", "audio RTP/AVP 0 8 101" },
  fax = { [[
m=image 4434 udptl t38
a=T38FaxVersion:0
a=T38MaxBitRate:14400
a=T38FaxRateManagement:transferredTCF
a=T38FaxMaxBuffer:262
a=T38FaxMaxDatagram:176
a=T38FaxUdpEC:t38UDPRedundancy
]] },
  fax_and_audio = { [[
m=audio 4432 RTP/AVP 8
a=sendrecv
m=image 4434 udptl t38
a=T38FaxVersion:0
]], "audio RTP/AVP 8", "0 image udptl t38" },
  ice = { [[
m=audio 50000 RTP/AVP 0 110
a=candidate:1 1 UDP 2130706431 192.0.2.5 50000 typ host
a=candidate:2 1 UDP 169449881 203.0.113.9 4500 typ srflx raddr 192.0.2.5 rport 5
a=ice-ufrag:8hhY
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=rtcp-mux
a=mid:a
a=rtpmap:110 telephone-event/8000
]], "audio RTP/AVP 0 110" },
  old_hold = { [[
m=audio 20000 RTP/AVP 0
c=IN IP4 0.0.0.0
]], "audio RTP/AVP 0" },
  text_and_msrp = { [[
m=text 11000 RTP/AVP 98 100
a=rtpmap:98 t140/1000
a=rtpmap:100 red/1000
a=fmtp:100 98/98/98
m=message 7654 TCP/MSRP *
a=accept-types:text/plain message/cpim
a=path:msrp://192.0.2.5:7654/jshA7weztas;tcp
m=audio 11002/1 RTP/AVP 8
]], "0 text RTP/AVP 98 100", "0 message TCP/MSRP *", "audio RTP/AVP 8" },
  foreign_codecs = { [[
m=audio 3456 RTP/AVP 4 18 97
a=rtpmap:97 iLBC/8000
a=fmtp:97 mode=30
]] },
}

-- Calls fn(name, text, expected) for each head with each body.
function offers.each(fn)
  for head, session in pairs(offers.heads) do
    for body, streams in pairs(offers.bodies) do
      fn(head .. " " .. body, ((session .. streams[1]):gsub("\n", "\r\n")),
        table.move(streams, 2, #streams, 1, {}))
    end
  end
end

return offers
