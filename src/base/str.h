/* Slices: a pointer and a length into somebody else's bytes. They own nothing
 * and are valid as long as those bytes are. */
#ifndef SS_BASE_STR_H
#define SS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct ss_str {
  const char *p;
  size_t n;
} ss_str;

#define SS_STR(literal) ((ss_str){(literal), sizeof(literal) - 1})
#define SS_STR_NONE ((ss_str){NULL, 0})

static inline ss_str ss_str_z(const char *z) {
  return z ? (ss_str){z, strlen(z)} : SS_STR_NONE;
}

static inline bool ss_str_eq(ss_str a, ss_str b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool ss_str_same_letters(const char *a, const char *b, size_t n);
/* ASCII case is ignored. */
static inline bool ss_str_ieq(ss_str a, ss_str b) {
  return a.n == b.n && ss_str_same_letters(a.p, b.p, a.n);
}

static inline bool ss_char_is_lws(char c) {
  return (unsigned char)c <= ' ' &&
         (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

/* Without SP, HTAB, CR, LF at the ends. */
static inline ss_str ss_str_trim(ss_str s) {
  while (s.n && ss_char_is_lws(s.p[0])) {
    s.p++;
    s.n--;
  }
  while (s.n && ss_char_is_lws(s.p[s.n - 1]))
    s.n--;
  return s;
}
/* Strict decimal digits, nothing else, at most `max`; SS_ESYNTAX (empty, not
 * all digits) or SS_ELIMIT (greater than max). Leading zeros are allowed. */
int ss_str_u32(ss_str s, uint32_t max, uint32_t *out);
/* Finds c; s.n when there is none. */
static inline size_t ss_str_chr(ss_str s, char c) {
  const char *p = s.n ? (const char *)memchr(s.p, c, s.n) : NULL;
  return p ? (size_t)(p - s.p) : s.n;
}
bool ss_str_starts(ss_str s, ss_str prefix);
/* RFC 3261 25.1: token = 1*(alphanum / "-.!%*_+`'~") */
bool ss_str_is_token(ss_str s);
/* Cuts the next element of a comma list off *rest, quotes, angle brackets and
 * comments respected; false when nothing is left. Elements come trimmed and
 * may be empty; a comma at the very end adds none. */
bool ss_str_element(ss_str *rest, ss_str *element);
/* A heap copy with a NUL behind it; NULL when out of memory. */
char *ss_str_dup(ss_str s);

#endif
