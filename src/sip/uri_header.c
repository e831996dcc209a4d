/* The headers of a SIP URI, "?name=value&…" (RFC 3261 19.1.1): what the one
 * who asks for a request to that URI wants it to have, Replaces in a Refer-To,
 * say. Read from the text, unescaped here: libosip2 would let a line end
 * through. */
#include "base/error.h"
#include "sip/chars.h"
#include "sip/headers.h"

/* The part behind the "?"; a "?" in the user part is one of its characters. */
static ss_str headers_of(ss_str uri) {
  size_t colon = ss_str_chr(uri, ':');
  ss_str scheme = {uri.p, colon};
  if (!ss_str_ieq(scheme, SS_STR("sip")) && !ss_str_ieq(scheme, SS_STR("sips")))
    return SS_STR_NONE;
  ss_str rest = ss_str_from(uri, ss_str_chr(uri, '@'));
  if (!rest.n)
    rest = uri;
  size_t at = ss_str_chr(rest, '?');
  return at < rest.n ? ss_str_from(rest, at + 1) : SS_STR_NONE;
}

static int hex(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Cuts the next octet off *s, which isn't empty. SS_ESYNTAX: a "%" without two
 * digits. */
static int octet(ss_str *s, char *out) {
  size_t n = 1;
  *out = s->p[0];
  if (*out == '%') {
    n = 3;
    int high = s->n < n ? -1 : hex(s->p[1]);
    int low = s->n < n ? -1 : hex(s->p[2]);
    if (high < 0 || low < 0)
      return SS_ESYNTAX;
    *out = (char)(high * 16 + low);
  }
  *s = ss_str_from(*s, n);
  return 0;
}

static bool is_name(ss_str escaped, ss_str name) {
  char c;
  size_t i = 0;
  for (; escaped.n && i < name.n; i++)
    if (octet(&escaped, &c) ||
        !ss_str_ieq((ss_str){&c, 1}, (ss_str){name.p + i, 1}))
      return false;
  return !escaped.n && i == name.n;
}

static int put_value(ss_str escaped, ss_buf *out) {
  size_t start = out->n;
  int rc = 0;
  while (escaped.n && rc == 0) {
    char c;
    rc = octet(&escaped, &c);
    if (rc == 0 && ss_char_is(c, SS_CHAR_CONTROL))
      rc = SS_ECONTROL;
    if (rc == 0)
      ss_buf_char(out, c);
  }
  if (rc == 0 && out->full)
    rc = SS_EFULL;
  if (rc)
    out->n = start;
  return rc;
}

int ss_uri_header(ss_str uri, ss_str name, ss_buf *out) {
  ss_str rest = headers_of(uri);
  while (rest.n) {
    size_t n = ss_str_chr(rest, '&');
    ss_str header = {rest.p, n};
    rest = ss_str_from(rest, n < rest.n ? n + 1 : n);
    size_t equals = ss_str_chr(header, '=');
    if (equals < header.n && is_name((ss_str){header.p, equals}, name))
      return put_value(ss_str_from(header, equals + 1), out);
  }
  return SS_ENOTFOUND;
}

/* RFC 3261 25.1: hvalue = *( hnv-unreserved / unreserved / escaped ) */
static bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') || (c && strchr("-_.!~*'()[]/?:+$", c));
}

void ss_uri_escape(ss_buf *b, ss_str value) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < value.n; i++) {
    unsigned char c = (unsigned char)value.p[i];
    if (is_plain((char)c)) {
      ss_buf_char(b, (char)c);
      continue;
    }
    ss_buf_char(b, '%');
    ss_buf_char(b, digits[c >> 4]);
    ss_buf_char(b, digits[c & 15]);
  }
}
