/* The lines and words of a session description (RFC 4566 5), for those who
 * check, answer, change and compare it. What the lines mean together is not
 * known here. */
#include "sip/sdp_lines.h"
#include "base/error.h"
#include "base/octets.h"
#include "sip/chars.h"

/* In each octet the highest bit: is it a control, HTAB too? */
static uint64_t controls(uint64_t x) {
  uint64_t low = x & SS_EACH_OCTET(0x7f);
  return (~(low + SS_EACH_OCTET(0x60)) | (low + SS_EACH_OCTET(0x01))) & ~x &
         SS_HIGH_BITS;
}

static uint64_t spaces(uint64_t x) {
  x ^= SS_EACH_OCTET(' ');
  return ~(((x & SS_EACH_OCTET(0x7f)) + SS_EACH_OCTET(0x7f)) | x) &
         SS_HIGH_BITS;
}

/* The index of the first control; s.n: there is none. */
static size_t text_end(ss_str s) {
  size_t i = 0;
  while (s.n - i >= 8) {
    uint64_t found = controls(ss_octets_word(s.p + i));
    if (!found) {
      i += 8;
      continue;
    }
    i += ss_octets_first(found);
    if (s.p[i] != '\t')
      return i;
    i++;
  }
  while (i < s.n && !ss_char_is(s.p[i], SS_CHAR_CONTROL))
    i++;
  return i;
}

int ss_sdp_line(ss_str *rest, ss_str *line) {
  ss_str s = *rest;
  if (s.n == 0)
    return 0;
  size_t n = text_end(s), end = n;
  if (end < s.n && s.p[end] == '\r')
    end++;
  bool whole = end == s.n || s.p[end] == '\n';
  if (!whole)
    end += ss_str_chr(ss_str_from(s, end), '\n');
  *rest = ss_str_from(s, end < s.n ? end + 1 : end);
  if (!whole || n < 2 || s.p[0] < 'a' || s.p[0] > 'z' || s.p[1] != '=')
    return SS_ESYNTAX;
  *line = (ss_str){s.p, n};
  return 1;
}

ss_str ss_sdp_word(ss_str *rest) {
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

/* Where a space stands before something else; eight octets at a time. */
size_t ss_sdp_words(ss_str line) {
  size_t n = line.n > 2 && line.p[2] != ' ', i = 3;
  for (; i + 8 <= line.n; i += 8) {
    uint64_t begin = spaces(ss_octets_word(line.p + i - 1)) &
                     ~spaces(ss_octets_word(line.p + i));
    n += ((begin >> 7) * SS_EACH_OCTET(1)) >> 56;
  }
  for (; i < line.n; i++)
    n += line.p[i - 1] == ' ' && line.p[i] != ' ';
  return n;
}

int ss_sdp_stream_parse(ss_str line, ss_sdp_stream *out) {
  ss_str rest = ss_str_from(line, 2), port;
  out->media = ss_sdp_word(&rest);
  port = ss_sdp_word(&rest);
  port.n = ss_str_chr(port, '/');
  out->proto = ss_sdp_word(&rest);
  out->formats = ss_str_trim(rest);
  rest = out->formats;
  out->format = ss_sdp_word(&rest);
  if (!out->media.n || !ss_chars_all(out->media, SS_CHAR_TOKEN) ||
      !out->proto.n || !out->format.n)
    return SS_ESYNTAX;
  return ss_str_u32(port, UINT16_MAX, &out->port) ? SS_ESYNTAX : 0;
}

ss_str ss_sdp_stream_of(ss_str section, ss_sdp_stream *m, ss_str *rest) {
  ss_str line = SS_STR_NONE;
  *rest = section;
  ss_sdp_line(rest, &line);
  ss_sdp_stream_parse(line, m);
  return line;
}

int ss_sdp_origin_find(ss_str sdp, ss_sdp_origin *out) {
  ss_str rest = sdp, line;
  int rc;
  while ((rc = ss_sdp_line(&rest, &line)) > 0 && line.p[0] != 'o')
    if (line.p[0] == 'm')
      return SS_ESYNTAX;
  if (rc <= 0 || ss_sdp_words(line) != 6)
    return SS_ESYNTAX;
  ss_str words = ss_str_from(line, 2);
  ss_sdp_word(&words); /* username */
  ss_sdp_word(&words); /* sess-id */
  out->version = ss_sdp_word(&words);
  size_t at = (size_t)(out->version.p - sdp.p);
  out->before = (ss_str){sdp.p, at};
  out->after = ss_str_from(sdp, at + out->version.n);
  return 0;
}

void ss_sdp_put(ss_buf *b, ss_str line) {
  ss_buf_str(b, line);
  ss_buf_lit(b, "\r\n");
}

void ss_sdp_put_refused(ss_buf *b, const ss_sdp_stream *m) {
  ss_buf_lit(b, "m=");
  ss_buf_str(b, m->media);
  ss_buf_lit(b, " 0 ");
  ss_buf_str(b, m->proto);
  ss_buf_char(b, ' ');
  ss_sdp_put(b, m->formats);
}
