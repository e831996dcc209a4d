/* The session description of last resort: an offer checked line by line
 * (RFC 4566 5), and answered with every stream in its place and inactive
 * (RFC 3264 6, 6.1), or refused with port 0 where that can't be said. Two
 * passes over the text, both linear. Knows nothing of codecs: what is copied
 * is the first format with its rtpmap and fmtp. */
#include "sip/sdp.h"
#include "base/error.h"
#include "sip/sdp_lines.h"

/* What has been seen of a description. */
typedef struct check {
  size_t lines, streams;
  bool times, connection;
  bool open; /* a stream that may still get its connection address */
} check;

static int check_stream(check *c, ss_str line) {
  ss_sdp_stream m;
  if (c->open || !c->times || ss_sdp_stream_parse(line, &m))
    return SS_ESYNTAX;
  if (++c->streams > SS_SDP_STREAMS_MAX)
    return SS_ELIMIT;
  c->open = m.port && !c->connection;
  return 0;
}

static int check_line(check *c, ss_str line) {
  static const char first[] = "vos"; /* RFC 4566 5: in this order */
  if (++c->lines > SS_SDP_LINES_MAX)
    return SS_ELIMIT;
  if (c->lines <= 3 && line.p[0] != first[c->lines - 1])
    return SS_ESYNTAX;
  switch (line.p[0]) {
  case 'v':
    return c->lines == 1 && ss_str_eq(line, SS_STR("v=0")) ? 0 : SS_ESYNTAX;
  case 'o':
    return c->lines == 2 && ss_sdp_words(line) == 6 ? 0 : SS_ESYNTAX;
  case 's':
    return c->lines == 3 ? 0 : SS_ESYNTAX;
  case 't':
    c->times = true;
    return ss_sdp_words(line) == 2 && c->streams == 0 ? 0 : SS_ESYNTAX;
  case 'c':
    c->open = false;
    c->connection |= c->streams == 0;
    return ss_sdp_words(line) == 3 ? 0 : SS_ESYNTAX;
  case 'm':
    return check_stream(c, line);
  default:
    return 0;
  }
}

int ss_sdp_check(ss_str sdp) {
  check c = {0};
  ss_str line;
  int rc;
  while ((rc = ss_sdp_line(&sdp, &line)) > 0) {
    rc = check_line(&c, line);
    if (rc)
      return rc;
  }
  return rc || !c.times || c.open ? SS_ESYNTAX : 0;
}

static void put_address(ss_buf *b, const ss_addr *address) {
  char text[SS_ADDR_TEXT];
  if (address->u.sa.sa_family == AF_INET6)
    ss_buf_lit(b, "IN IP6 ");
  else
    ss_buf_lit(b, "IN IP4 ");
  ss_sdp_put(b, ss_addr_ip_text(address, false, text));
}

/* The session part up to its times. */
static void put_session(ss_buf *b, const ss_addr *address,
                        uint64_t session_id) {
  ss_buf_lit(b, "v=0\r\no=- ");
  ss_buf_u64(b, session_id);
  ss_buf_lit(b, " 1 ");
  put_address(b, address);
  ss_buf_lit(b, "s=-\r\nc=");
  put_address(b, address);
}

/* Is it "a=<name>:<format> …"? */
static bool is_attribute(ss_str line, ss_str name, ss_str format) {
  size_t n = name.n + format.n;
  return line.n > n && ss_str_starts(line, name) && line.p[n] == ' ' &&
         memcmp(line.p + name.n, format.p, format.n) == 0;
}

/* The first rtpmap and fmtp of a format, from the part of the offer that
 * begins behind its m-line. */
static void put_format(ss_buf *b, ss_str rest, ss_str format) {
  bool map = false, parameters = false;
  ss_str line;
  while (ss_sdp_line(&rest, &line) > 0 && line.p[0] != 'm') {
    if (!map && is_attribute(line, SS_STR("a=rtpmap:"), format)) {
      map = true;
      ss_sdp_put(b, line);
    } else if (!parameters && is_attribute(line, SS_STR("a=fmtp:"), format)) {
      parameters = true;
      ss_sdp_put(b, line);
    }
  }
}

static void put_stream(ss_buf *b, const ss_sdp_stream *m, ss_str rest) {
  bool rtp = ss_str_ieq(m->proto, SS_STR("RTP/AVP")) ||
             ss_str_ieq(m->proto, SS_STR("RTP/AVPF"));
  bool taken = rtp && m->port != 0;
  if (!taken) {
    ss_sdp_put_refused(b, m);
    return;
  }
  ss_buf_lit(b, "m=");
  ss_buf_str(b, m->media);
  /* the discard port: nothing is ever sent to an inactive stream */
  ss_buf_lit(b, " 9 ");
  ss_buf_str(b, m->proto);
  ss_buf_char(b, ' ');
  ss_sdp_put(b, m->format);
  put_format(b, rest, m->format);
  ss_buf_lit(b, "a=inactive\r\n");
}

int ss_sdp_answer_inactive(ss_buf *b, ss_str offer, const ss_addr *address,
                           uint64_t session_id) {
  int rc = ss_sdp_check(offer);
  if (rc)
    return rc;
  ss_str line;
  ss_sdp_stream m;
  put_session(b, address, session_id);
  while (ss_sdp_line(&offer, &line) > 0) {
    if (line.p[0] == 't') /* RFC 3264 6: those of the offer */
      ss_sdp_put(b, line);
    else if (line.p[0] == 'm' && ss_sdp_stream_parse(line, &m) == 0)
      put_stream(b, &m, offer);
  }
  return b->full ? SS_EFULL : 0;
}

int ss_sdp_offer_inactive(ss_buf *b, const ss_addr *address,
                          uint64_t session_id) {
  put_session(b, address, session_id);
  ss_buf_lit(b, "t=0 0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
                "a=inactive\r\n");
  return b->full ? SS_EFULL : 0;
}
