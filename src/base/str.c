/* Slices: comparison, trimming, numbers, tokens and comma lists (RFC 3261
 * 25.1 and 7.3.1). No parsing of whole headers here. */
#include "base/str.h"
#include "base/alloc.h"
#include "base/error.h"

static inline unsigned char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

static inline bool same_word(const char *a, const char *b) {
  return memcmp(a, b, 8) == 0;
}

/* Most of what is compared is spelt alike, or differs at its beginning. The
 * last word may overlap the one before it. */
bool ss_str_same_letters(const char *a, const char *b, size_t n) {
  size_t i = 0;
  if (n >= 8) {
    while (n - i >= 8 && same_word(a + i, b + i))
      i += 8;
    if (i && n - i < 8 && same_word(a + n - 8, b + n - 8))
      return true;
  } else if (n >= 4) {
    if (memcmp(a, b, 4) == 0 && memcmp(a + n - 4, b + n - 4, 4) == 0)
      return true;
  } else if (n >= 2) {
    if (memcmp(a, b, 2) == 0 && a[n - 1] == b[n - 1])
      return true;
  }
  for (; i < n; i++)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
      return false;
  return true;
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
