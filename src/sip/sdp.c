/* The session description of last resort: an offer checked line by line
 * (RFC 4566 5), and answered with every stream in its place and inactive
 * (RFC 3264 6, 6.1), or refused with port 0 where that can't be said. Two
 * passes over the text, both linear. Knows nothing of codecs: what is copied
 * is the first format with its rtpmap and fmtp. */
#include "sip/sdp.h"
#include "base/error.h"
#include "sip/chars.h"

#define STREAMS_MAX 64
#define LINES_MAX 2000

/* Cuts the next line off *rest, without its CRLF or LF (RFC 4566 5 asks
 * parsers to take either). 1, 0 at the end, SS_ESYNTAX: not "x=…", or an
 * octet in it that could start a line of its own. */
static int next_line(ss_str *rest, ss_str *line) {
  if (rest->n == 0)
    return 0;
  size_t n = ss_str_chr(*rest, '\n');
  ss_str s = {rest->p, n};
  *rest = ss_str_from(*rest, n < rest->n ? n + 1 : n);
  if (s.n && s.p[s.n - 1] == '\r')
    s.n--;
  if (s.n < 2 || s.p[0] < 'a' || s.p[0] > 'z' || s.p[1] != '=' ||
      ss_chars_any(s, SS_CHAR_CONTROL))
    return SS_ESYNTAX;
  *line = s;
  return 1;
}

/* Cuts the next word off *rest; empty at the end. */
static ss_str word(ss_str *rest) {
  size_t i = 0, end;
  while (i < rest->n && rest->p[i] == ' ')
    i++;
  end = i;
  while (end < rest->n && rest->p[end] != ' ')
    end++;
  ss_str found = {rest->p + i, end - i};
  *rest = ss_str_from(*rest, end);
  return found;
}

typedef struct stream {
  ss_str media, proto, formats;
  ss_str format; /* the first of the formats */
  uint32_t port;
} stream;

/* m=<media> <port>[/<n>] <proto> <fmt> … (RFC 4566 5.14) */
static int parse_stream(ss_str line, stream *out) {
  ss_str rest = ss_str_from(line, 2), port;
  out->media = word(&rest);
  port = word(&rest);
  port.n = ss_str_chr(port, '/');
  out->proto = word(&rest);
  out->formats = ss_str_trim(rest);
  out->format = word(&rest);
  if (!ss_str_is_token(out->media) || !out->proto.n || !out->format.n)
    return SS_ESYNTAX;
  return ss_str_u32(port, UINT16_MAX, &out->port) ? SS_ESYNTAX : 0;
}

static size_t words(ss_str line) {
  ss_str rest = ss_str_from(line, 2);
  size_t n = 0;
  while (word(&rest).n)
    n++;
  return n;
}

/* What has been seen of a description. */
typedef struct check {
  size_t lines, streams;
  bool times, connection;
  bool open; /* a stream that may still get its connection address */
} check;

static int check_stream(check *c, ss_str line) {
  stream m;
  if (c->open || !c->times || parse_stream(line, &m))
    return SS_ESYNTAX;
  if (++c->streams > STREAMS_MAX)
    return SS_ELIMIT;
  c->open = m.port && !c->connection;
  return 0;
}

static int check_line(check *c, ss_str line) {
  static const char first[] = "vos"; /* RFC 4566 5: in this order */
  if (++c->lines > LINES_MAX)
    return SS_ELIMIT;
  if (c->lines <= 3 && line.p[0] != first[c->lines - 1])
    return SS_ESYNTAX;
  switch (line.p[0]) {
  case 'v':
    return c->lines == 1 && ss_str_eq(line, SS_STR("v=0")) ? 0 : SS_ESYNTAX;
  case 'o':
    return c->lines == 2 && words(line) == 6 ? 0 : SS_ESYNTAX;
  case 's':
    return c->lines == 3 ? 0 : SS_ESYNTAX;
  case 't':
    c->times = true;
    return words(line) == 2 && c->streams == 0 ? 0 : SS_ESYNTAX;
  case 'c':
    c->open = false;
    c->connection |= c->streams == 0;
    return words(line) == 3 ? 0 : SS_ESYNTAX;
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
  while ((rc = next_line(&sdp, &line)) > 0) {
    rc = check_line(&c, line);
    if (rc)
      return rc;
  }
  return rc || !c.times || c.open ? SS_ESYNTAX : 0;
}

static void put_line(ss_buf *b, ss_str line) {
  ss_buf_str(b, line);
  ss_buf_lit(b, "\r\n");
}

static void put_address(ss_buf *b, const ss_addr *address) {
  char text[SS_ADDR_TEXT];
  if (address->u.sa.sa_family == AF_INET6)
    ss_buf_lit(b, "IN IP6 ");
  else
    ss_buf_lit(b, "IN IP4 ");
  put_line(b, ss_addr_ip_text(address, false, text));
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
  while (next_line(&rest, &line) > 0 && line.p[0] != 'm') {
    if (!map && is_attribute(line, SS_STR("a=rtpmap:"), format)) {
      map = true;
      put_line(b, line);
    } else if (!parameters && is_attribute(line, SS_STR("a=fmtp:"), format)) {
      parameters = true;
      put_line(b, line);
    }
  }
}

static void put_stream(ss_buf *b, const stream *m, ss_str rest) {
  bool rtp = ss_str_ieq(m->proto, SS_STR("RTP/AVP")) ||
             ss_str_ieq(m->proto, SS_STR("RTP/AVPF"));
  bool taken = rtp && m->port != 0;
  ss_buf_lit(b, "m=");
  ss_buf_str(b, m->media);
  /* 9 is the discard port: nothing is ever sent to an inactive stream */
  ss_buf_str(b, taken ? SS_STR(" 9 ") : SS_STR(" 0 "));
  ss_buf_str(b, m->proto);
  ss_buf_char(b, ' ');
  put_line(b, taken ? m->format : m->formats);
  if (taken) {
    put_format(b, rest, m->format);
    ss_buf_lit(b, "a=inactive\r\n");
  }
}

int ss_sdp_answer_inactive(ss_buf *b, ss_str offer, const ss_addr *address,
                           uint64_t session_id) {
  int rc = ss_sdp_check(offer);
  if (rc)
    return rc;
  ss_str line;
  stream m;
  put_session(b, address, session_id);
  while (next_line(&offer, &line) > 0) {
    if (line.p[0] == 't') /* RFC 3264 6: those of the offer */
      put_line(b, line);
    else if (line.p[0] == 'm' && parse_stream(line, &m) == 0)
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
