/* Slices: comparison, trimming, numbers, tokens and comma lists (RFC 3261
 * 25.1 and 7.3.1). No parsing of whole headers here. */
#include "base/str.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/octets.h"

/* Eight octets, or fewer of both, with zeros: the same but for the case of
 * letters, which is the bit 0x20? */
static inline bool same_word(uint64_t x, uint64_t y) {
  uint64_t differ = x ^ y;
  if (!differ)
    return true;
  uint64_t low = (x | SS_EACH_OCTET(0x20)) & SS_EACH_OCTET(0x7f);
  uint64_t from_a = low + SS_EACH_OCTET(0x80 - 'a');
  uint64_t behind_z = low + SS_EACH_OCTET(0x7f - 'z');
  uint64_t letters = from_a & ~behind_z & ~x & SS_HIGH_BITS;
  return !(differ & ~(letters >> 2));
}

static inline uint64_t four(const char *p) {
  uint32_t x;
  memcpy(&x, p, sizeof x);
  return x;
}

static inline uint64_t two(const char *p) {
  uint16_t x;
  memcpy(&x, p, sizeof x);
  return x;
}

/* The last octets may overlap those before them. */
bool ss_str_same_letters(const char *a, const char *b, size_t n) {
  if (n >= 8) {
    for (size_t i = 0; n - i > 8; i += 8)
      if (!same_word(ss_octets_word(a + i), ss_octets_word(b + i)))
        return false;
    return same_word(ss_octets_word(a + n - 8), ss_octets_word(b + n - 8));
  }
  if (n >= 4)
    return same_word(four(a) << 32 | four(a + n - 4),
                     four(b) << 32 | four(b + n - 4));
  if (n >= 2)
    return same_word(two(a) << 32 | two(a + n - 2),
                     two(b) << 32 | two(b + n - 2));
  return n == 0 || same_word((uint8_t)*a, (uint8_t)*b);
}

int ss_str_u32(ss_str s, uint32_t max, uint32_t *out) {
  uint64_t v = 0;
  if (s.n == 0)
    return SS_ESYNTAX;
  for (size_t i = 0; i < s.n; i++) {
    unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
    if (digit > 9)
      return SS_ESYNTAX;
    if (v <= max) /* once over it, more digits can't bring it back */
      v = v * 10 + digit;
  }
  if (v > max)
    return SS_ELIMIT;
  *out = (uint32_t)v;
  return 0;
}

bool ss_str_starts(ss_str s, ss_str prefix) {
  return s.n >= prefix.n && ss_str_eq((ss_str){s.p, prefix.n}, prefix);
}

static bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
      (c >= '0' && c <= '9'))
    return true;
  switch (c) {
  case '-':
  case '.':
  case '!':
  case '%':
  case '*':
  case '_':
  case '+':
  case '`':
  case '\'':
  case '~':
    return true;
  default:
    return false;
  }
}

bool ss_str_is_token(ss_str s) {
  for (size_t i = 0; i < s.n; i++)
    if (!is_token_char(s.p[i]))
      return false;
  return s.n > 0;
}

/* The end of what opens at i, a quoted string, an angle-bracketed URI or a
 * comment (they nest): the index behind it, or s.n when it never closes. */
static size_t skip_group(ss_str s, size_t i) {
  char open = s.p[i++];
  size_t depth = 1;
  for (; i < s.n; i++) {
    char c = s.p[i];
    if (c == '\\' && open != '<') {
      i++; /* quoted-pair */
    } else if (open == '(' && c == '(') {
      depth++;
    } else if ((open == '"' && c == '"') || (open == '<' && c == '>') ||
               (open == '(' && c == ')')) {
      if (--depth == 0)
        return i + 1;
    }
  }
  return s.n;
}

bool ss_str_element(ss_str *rest, ss_str *element) {
  ss_str s = *rest;
  if (s.n == 0)
    return false;
  if (ss_str_chr(s, ',') == s.n) { /* mostly there is none */
    *element = ss_str_trim(s);
    *rest = (ss_str){s.p + s.n, 0};
    return true;
  }
  size_t i = 0;
  while (i < s.n && s.p[i] != ',') {
    if (s.p[i] == '"' || s.p[i] == '<' || s.p[i] == '(')
      i = skip_group(s, i);
    else
      i++;
  }
  *element = ss_str_trim((ss_str){s.p, i});
  if (i < s.n)
    i++; /* the comma */
  *rest = (ss_str){s.p + i, s.n - i};
  return true;
}

char *ss_str_dup(ss_str s) {
  char *p = ss_alloc(s.n + 1);
  if (p && s.n)
    memcpy(p, s.p, s.n);
  return p;
}
