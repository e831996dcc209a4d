/* The session description of last resort: an offer checked line by line
 * (RFC 4566 5), and meanwhile answered with every stream in its place and
 * inactive (RFC 3264 6, 6.1), or refused with port 0 where that can't be said.
 * One pass over the text. Knows nothing of codecs: what is copied
 * is the first format with its rtpmap and fmtp. */
#include "sip/sdp.h"
#include "base/error.h"
#include "sip/sdp_lines.h"

/* What has been seen of a description. */
typedef struct check {
  size_t lines, streams;
  bool times, connection;
  bool open;            /* a stream that may still get its connection address */
  ss_sdp_stream stream; /* the last one */
} check;

static int check_stream(check *c, ss_str line) {
  if (c->open || !c->times || ss_sdp_stream_parse(line, &c->stream))
    return SS_ESYNTAX;
  if (++c->streams > SS_SDP_STREAMS_MAX)
    return SS_ELIMIT;
  c->open = c->stream.port && !c->connection;
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

/* The next line, which is good as far as it goes: 1; 0: the end of one that is
 * good as a whole; SS_ESYNTAX, SS_ELIMIT. */
static int check_next(check *c, ss_str *rest, ss_str *line) {
  int rc = ss_sdp_line(rest, line);
  if (rc > 0) {
    rc = check_line(c, *line);
    return rc ? rc : 1;
  }
  return rc || !c->times || c->open ? SS_ESYNTAX : 0;
}

int ss_sdp_check(ss_str sdp) {
  check c = {0};
  ss_str line;
  int rc;
  while ((rc = check_next(&c, &sdp, &line)) > 0) {
  }
  return rc;
}

/* The session part up to its times. */
static void put_session(ss_buf *b, const ss_addr *address,
                        uint64_t session_id) {
  bool six = address->u.sa.sa_family == AF_INET6;
  ss_str type = six ? SS_STR("IN IP6 ") : SS_STR("IN IP4 ");
  char text[SS_ADDR_TEXT];
  ss_str ip = ss_addr_ip_text(address, false, text);
  ss_buf_lit(b, "v=0\r\no=- ");
  ss_buf_u64(b, session_id);
  ss_buf_lit(b, " 1 ");
  ss_buf_str(b, type);
  ss_buf_str(b, ip);
  ss_buf_lit(b, "\r\ns=-\r\nc=");
  ss_buf_str(b, type);
  ss_sdp_put(b, ip);
}

/* An answer on its way: the stream whose lines are being read. */
typedef struct answer {
  ss_buf *b;
  bool taken, map, parameters; /* its first rtpmap and fmtp were there */
} answer;

static void end_stream(answer *a) {
  if (a->taken)
    ss_buf_lit(a->b, "a=inactive\r\n");
  a->taken = false;
}

static void put_stream(answer *a, const ss_sdp_stream *m) {
  bool rtp = ss_str_ieq(m->proto, SS_STR("RTP/AVP")) ||
             ss_str_ieq(m->proto, SS_STR("RTP/AVPF"));
  ss_buf *b = a->b;
  end_stream(a);
  *a = (answer){b, rtp && m->port != 0, false, false};
  if (!a->taken) {
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
}

/* Is it "a=<name>:<format> …"? */
static bool is_attribute(ss_str line, ss_str name, ss_str format) {
  size_t n = name.n + format.n;
  return line.n > n && ss_str_starts(line, name) && line.p[n] == ' ' &&
         memcmp(line.p + name.n, format.p, format.n) == 0;
}

static void put_attribute(answer *a, ss_str line, ss_str format) {
  bool *seen = NULL;
  if (is_attribute(line, SS_STR("a=rtpmap:"), format))
    seen = &a->map;
  else if (is_attribute(line, SS_STR("a=fmtp:"), format))
    seen = &a->parameters;
  if (!seen || *seen)
    return;
  *seen = true;
  ss_sdp_put(a->b, line);
}

/* A line that was checked. */
static void answer_line(answer *a, const ss_sdp_stream *last, ss_str line) {
  if (line.p[0] == 't') /* RFC 3264 6: those of the offer */
    ss_sdp_put(a->b, line);
  else if (line.p[0] == 'm')
    put_stream(a, last);
  else if (a->taken && line.p[0] == 'a')
    put_attribute(a, line, last->format);
}

int ss_sdp_answer_inactive(ss_buf *b, ss_str offer, const ss_addr *address,
                           uint64_t session_id) {
  check c = {0};
  answer a = {.b = b};
  size_t start = b->n;
  ss_str line;
  int rc;
  put_session(b, address, session_id);
  while ((rc = check_next(&c, &offer, &line)) > 0)
    answer_line(&a, &c.stream, line);
  end_stream(&a);
  if (rc) {
    b->n = start;
    return rc;
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
