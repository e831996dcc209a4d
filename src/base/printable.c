/* Text for logs, piece by piece: runs of the text as it is, \xNN for an octet
 * that can't be shown, "(hidden)" for credentials. No message is parsed: what
 * is broken must not show more than what is not. */
#include "base/printable.h"

/* Hidden but for the scheme: what is in them is parsed by nobody here, so that
 * no odd quoting shows a part of it. None has a compact form. */
static const ss_str secrets[] = {
    SS_STR("Authorization"), SS_STR("Proxy-Authorization"),
    SS_STR("Authentication-Info"), SS_STR("Proxy-Authentication-Info")};

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

static bool is_break(char c) {
  return c == '\r' || c == '\n';
}

/* What may stand between a name and its colon, or shouldn't but might. */
static bool is_odd(char c) {
  unsigned char octet = (unsigned char)c;
  return !is_break(c) && (octet <= ' ' || octet >= 0x7f);
}

/* What turns the text that follows round, or is a line's end to some: U+061C,
 * U+200E and U+200F, U+2028 to U+202E, U+2066 to U+2069. */
static bool misleads(uint32_t c) {
  return c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The octets of the UTF-8 character that s begins with, if it may be shown; 0:
 * it may not. C1 controls, and what isn't UTF-8 (RFC 3629 4), are as good as
 * ESC to some. */
static size_t shown(ss_str s) {
  static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
  unsigned char first = (unsigned char)s.p[0];
  size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, i;
  uint32_t c = first & (0x7fu >> len);

  if (first < 0x80)
    return first >= 0x20 && first != 0x7f;
  if (first < 0xc2 || first > 0xf4 || s.n < len)
    return 0;
  for (i = 1; i < len; i++) {
    if (((unsigned char)s.p[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
  }
  if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    return 0;
  return misleads(c) ? 0 : len;
}

/* How much of a line that begins here is the name of such a field, its colon
 * and its scheme; 0: it is another. */
static size_t secret(ss_str s) {
  size_t i, k, odd = 0;

  while (odd < s.n && is_odd(s.p[odd]))
    odd++;
  for (k = 0; k < sizeof secrets / sizeof *secrets; k++) {
    i = odd + secrets[k].n;
    if (s.n <= i || !ss_str_ieq((ss_str){s.p + odd, i - odd}, secrets[k]))
      continue;
    while (i < s.n && is_odd(s.p[i]))
      i++;
    if (i == s.n || s.p[i] != ':')
      continue;
    for (i++; i < s.n && is_space(s.p[i]);)
      i++;
    if (s.n - i > 6 && ss_str_ieq((ss_str){s.p + i, 6}, SS_STR("Digest")) &&
        is_space(s.p[i + 6]))
      i += 7;
    return i;
  }
  return 0;
}

/* Where the field goes on: a fold continues it (RFC 3261 7.3.1). */
static size_t field_end(ss_str s) {
  size_t i = 0, next;

  for (;;) {
    while (i < s.n && !is_break(s.p[i]))
      i++;
    next = i + 1;
    if (next < s.n && s.p[i] == '\r' && s.p[next] == '\n')
      next++;
    if (next >= s.n || !is_space(s.p[next]))
      return i;
    i = next;
  }
}

static size_t line_end(ss_str s, ss_print_as as) {
  if (as != SS_PRINT_LINE && s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n')
    return 2;
  return as == SS_PRINT_TEXT && s.p[0] == '\n';
}

/* The octets, of the first n, that may be shown as they are. */
static size_t plain(const ss_printable *p, size_t n) {
  size_t i = 0, len;

  for (; i < n; i += len) {
    len = shown((ss_str){p->rest.p + i, p->rest.n - i});
    if (!len && p->as == SS_PRINT_TEXT && p->rest.p[i] == '\t')
      len = 1;
    if (!len)
      break;
  }
  return i;
}

static ss_str take(ss_printable *p, size_t n) {
  ss_str piece = {p->rest.p, n};

  p->rest = (ss_str){p->rest.p + n, p->rest.n - n};
  if (p->hides)
    p->name -= n;
  return piece;
}

static ss_str escape(ss_printable *p) {
  static const char hex[] = "0123456789abcdef";
  unsigned char c = (unsigned char)*take(p, 1).p;

  p->line_starts = is_break((char)c);
  p->escape[0] = '\\';
  p->escape[1] = 'x';
  p->escape[2] = hex[c >> 4];
  p->escape[3] = hex[c & 15];
  return (ss_str){p->escape, sizeof p->escape};
}

ss_str ss_printable_next(ss_printable *p) {
  size_t n;

  if (p->line_starts) {
    p->line_starts = false;
    p->name = secret(p->rest);
    p->hides = p->name > 0;
  }
  if (p->hides && !p->name) {
    p->hides = false;
    take(p, field_end(p->rest));
    return SS_STR("(hidden)");
  }
  if (!p->rest.n)
    return SS_STR_NONE;
  n = plain(p, p->hides ? p->name : p->rest.n);
  if (n)
    return take(p, n);
  n = line_end(p->rest, p->as);
  p->line_starts = n > 0;
  return n ? take(p, n) : escape(p);
}
