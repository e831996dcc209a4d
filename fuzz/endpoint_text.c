/* What the messages of the endpoint target are made of. */
#include "endpoint.h"

#define O "v=0\r\no=- 1 %u IN IP4 10.0.0.2\r\ns=-\r\n"
#define C "c=IN IP4 10.0.0.2\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0 8\r\n"

/* A "%u" in it is the number of the step. */
static const body bodies[] = {
    {"", ""},
    {"application/sdp", O C AUDIO},
    {"application/sdp", O C AUDIO "a=sendonly\r\n"},
    {"application/sdp", O C AUDIO "m=video 4002 RTP/AVP 31\r\n"},
    {"application/sdp", O C "m=audio 0 RTP/AVP 0\r\n"},
    {"application/sdp", O C AUDIO "a=inactive\r\n"},
    {"application/sdp", "v=0\r\n"},
    {"application/sdp", "v=0\r\no=- 1 18446744073709551615 IN IP4 h\r\n"
                        "s=-\r\n" C AUDIO},
    {"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"},
    {"application/dtmf", "#"},
    {"message/sipfrag", "SIP/2.0 100 Trying\r\n"},
    {"message/sipfrag", "SIP/2.0 200 OK\r\n"},
    {"message/sipfrag", "SIP/2.0 603 Decline\r\n"},
    {"multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n"
                                   "\r\n" O C AUDIO "\r\n--b--\r\n"},
    {"multipart/mixed;boundary=b",
     "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/sipfrag\r\n\r\n"
     "SIP/2.0 180 \r\n--b--"},
    {"text/plain", "hello"},
    {"", "no type"},
};

static const char *const header_lines[] = {
    "Supported: 100rel, timer, norefersub, replaces",
    "Supported: timer",
    "Require: 100rel",
    "Require: timer",
    "Require: unknown",
    "Session-Expires: 90;refresher=uas",
    "Session-Expires: 90;refresher=uac",
    "Session-Expires: 90",
    "Session-Expires: 30",
    "Session-Expires: 4294967296;refresher=x",
    "Session-Expires: x",
    "Min-SE: 90",
    "Min-SE: 7200",
    "RAck: 1 1 INVITE",
    "RAck: x",
    "RSeq: 1",
    "RSeq: 4294967295",
    "RSeq: 2\r\nRequire: 100rel",
    "RSeq: 0",
    "Expires: 1",
    "Expires: 0",
    "Max-Forwards: 0",
    "Max-Forwards: 70",
    "Replaces: 0@fuzz;to-tag=x;from-tag=y",
    "Replaces: 1@fuzz;to-tag=x;from-tag=f1;early-only",
    "Refer-To: <sip:x@10.0.0.9>",
    "Refer-To: <sip:x@10.0.0.9?Replaces=1%40fuzz%3Bto-tag%3Da>",
    "Refer-To: <sip:x@10.0.0.9;method=BYE>",
    "Refer-To: <tel:+431>",
    "Refer-To: x",
    "Refer-Sub: false",
    "Refer-Sub: true",
    "Referred-By: <sip:z@example.com>",
    "Event: refer",
    "Event: refer;id=2",
    "Event: presence",
    "Subscription-State: active;expires=60",
    "Subscription-State: pending",
    "Subscription-State: terminated;reason=noresource",
    "Record-Route: <sip:10.0.0.3;lr>",
    "Record-Route: <sip:10.0.0.5;transport=tcp;lr>, <sip:10.0.0.3;lr>",
    "Record-Route: <sip:proxy.example;lr>",
    "Record-Route: <sip:10.0.0.3>",
    "Record-Route: broken",
    "Route: <sip:10.0.0.1;lr>",
    "Reason: Q.850;cause=16;text=\"x\"",
    "Accept: application/sdp",
    "Accept: text/plain",
    "Content-Encoding: gzip",
    "Content-Disposition: session;handling=optional",
    "Retry-After: 1",
    "Retry-After: 4000000000",
    "Timestamp: 1",
    "Allow: INVITE, ACK, BYE, CANCEL, UPDATE",
    "Allow: INVITE, ACK, BYE",
    "Subject: x",
    "Proxy-Require: x",
    "Contact: <sip:second@10.0.0.3>",
    "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKother",
    "Unsupported: timer",
    "Call-ID: again",
    "Info-Package: dtmf",
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"",
    "Warning: 399 x \"y\"",
};

static const char *const contacts[] = {
    "Contact: <sip:fuzz@10.0.0.2>\r\n",
    "",
    "Contact: <sip:fuzz@10.0.0.3:5060>\r\n",
    "Contact: <sip:fuzz@10.0.0.5;transport=tcp>\r\n",
    "Contact: <sip:fuzz@name.example>\r\n",
    "Contact: <sip:fuzz@255.255.255.255>\r\n",
    "Contact: <sip:fuzz@0.0.0.0>\r\n",
    "Contact: <sip:fuzz@10.0.0.2:5070;maddr=10.0.0.3>\r\n",
    "Contact: *\r\n",
    "Contact: <tel:+431>\r\n",
    "Contact: <sips:fuzz@10.0.0.2>\r\n",
    "Contact: <sip:fuzz@[::1]>\r\n",
    "Contact: <sip:a@10.0.0.2?Route=%3Csip:x%3E>, <sip:b@10.0.0.3>\r\n",
    "Contact: <sip:fuzz@10.0.0.1>\r\n",
    "Contact: <sip:fuzz@10.0.0.7;transport=tcp>\r\n",
    "Contact: \"\r\n",
};

static const char *const uris[] = {
    "sip:desk@10.0.0.1",
    "sips:desk@10.0.0.1",
    "tel:+431",
    "http://10.0.0.1/",
    "sip:10.0.0.1;lr",
    "sip:desk@10.0.0.1?Subject=x",
    "sip:",
    "sip:%00@10.0.0.1",
};

/* Sent-by, and what goes before the branch. */
static const char *const vias[] = {
    ";rport",          "",       ";received=10.9.9.9;rport=1",
    ";maddr=10.9.9.9", ";ttl=1", ";rport;alias",
};

/* The redirections and targets of a script. */
static const char *const references[] = {
    "<sip:x@10.0.0.9>",
    "<sip:x@10.0.0.9>, <tel:+431>",
    "sip:x@10.0.0.9",
    "sip:x@10.0.0.9?Replaces=1%40fuzz",
};

static const char *const advertised[] = {"", "203.0.113.5", "203.0.113.5:5070",
                                         "[2001:db8::1]:5070",
                                         "desk.example:5061"};

const char *const method_names[] = {
    "INVITE",    "ACK",      "CANCEL",  "BYE",     "UPDATE", "INFO",   "PRACK",
    "REFER",     "OPTIONS",  "MESSAGE", "NOTIFY",  "INVITE", "ACK",    "BYE",
    "SUBSCRIBE", "REGISTER", "PUBLISH", "UNKNOWN", "invite", "CANCEL", NULL};

const char *const verb_names[] = {
    "participate", "progress", "reject",      "redirect",    "terminate",
    "negotiated",  "send",     "renegotiate", "hold",        "resume",
    "respond",     "forget",   "close",       "free",        "shut",
    "automatic",   "handled",  "impair",      "participate", "reliable",
    "refer",       "accept",   "notify",      "timing",      "refer",
    "gone",        "memory",   "lookup",      NULL};

#define AT(table, index)                                                       \
  ((table)[(unsigned long)(index) % (sizeof(table) / sizeof *(table))])

const body *body_at(long index) {
  return &AT(bodies, index);
}

const char *header_at(long index) {
  return AT(header_lines, index);
}

const char *contact_at(long index) {
  return AT(contacts, index);
}

const char *uri_at(long index) {
  return AT(uris, index);
}

const char *via_at(long index) {
  return AT(vias, index);
}

const char *reference_at(long index) {
  return AT(references, index);
}

const char *advertised_at(long index) {
  return AT(advertised, index);
}
