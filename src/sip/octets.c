/* Sixteen octets at a time: whether there are controls, and the usual header
 * section, which has none but its line ends, no folds, and few separators. Then
 * no line of it needs a look of its own for that; else the scanner goes by
 * lines. */
#include "base/octets.h"
#include "sip/chars.h"
#include "sip/scan.h"

/* A vector of the compiler's, whatever the machine has for it. */
typedef uint8_t octets __attribute__((vector_size(16)));

static inline bool any(octets lanes) {
  uint64_t half[2];
  memcpy(half, &lanes, sizeof half);
  return half[0] | half[1];
}

static inline octets load(const char *p) {
  octets x;
  memcpy(&x, p, sizeof x);
  return x;
}

/* A bit for each lane that is all ones, the first one lowest. */
static inline unsigned mask(octets lanes) {
  char half[2][sizeof lanes / 2];
  memcpy(half, &lanes, sizeof half);
  /* moves the high bits of eight octets together */
  const uint64_t gather = UINT64_C(0x0002040810204081);
  uint64_t low = (ss_octets_word(half[0]) & SS_HIGH_BITS) * gather >> 56;
  uint64_t high = (ss_octets_word(half[1]) & SS_HIGH_BITS) * gather >> 56;
  return (unsigned)(low | high << 8);
}

bool ss_scan_plain(ss_str text, ss_plain *out) {
  size_t lines = 0, start = 0, longest = 0;
  if (text.n < sizeof(octets) || !ss_char_is(text.p[0], SS_CHAR_TOKEN))
    return false;
  /* the last step may overlap the one before it */
  size_t last = text.n - sizeof(octets);
  for (size_t i = 0;; i = i < last ? i : last) {
    octets x = load(text.p + i);
    octets controls = (octets)(x < ' ') | (octets)(x == 127);
    if (any(controls)) {
      unsigned bits = mask(controls);
      if (start > i) /* what was seen before */
        bits &= ~0U << (start - i);
      while (bits) {
        size_t end = i + (size_t)__builtin_ctz(bits);
        if (end + 2 > text.n || memcmp(text.p + end, "\r\n", 2) != 0 ||
            text.p[start] == ' ' || lines == SS_PLAIN_LINES)
          return false;
        out->end[lines++] = end;
        if (end == start) {
          out->n = end + 2;
          out->lines = lines;
          out->longest = longest;
          return true;
        }
        longest = end - start > longest ? end - start : longest;
        start = end + 2;
        bits &= bits - 1;
        bits &= bits - 1; /* the LF, if it is among these sixteen */
      }
    }
    if (i == last)
      return false;
    i += sizeof x;
  }
}

/* True is all ones in each lane, that is -1. */
static octets separators(octets x) {
  return (octets)(x == ';') | (octets)(x == ',') | (octets)(x == '&');
}

static size_t sum(octets lanes) {
  size_t n = 0;
  for (size_t i = 0; i < sizeof lanes; i++)
    n += lanes[i];
  return n;
}

size_t ss_scan_separators(ss_str s) {
  octets last;
  size_t n = 0;
  while (s.n >= sizeof last) {
    octets found = {0};
    /* lanes are octets: they count to 255 */
    for (int i = 0; i < 255 && s.n >= sizeof last; i++) {
      found -= separators(load(s.p));
      s = ss_str_from(s, sizeof last);
    }
    n += sum(found);
  }
  memset(&last, 'x', sizeof last);
  if (s.n)
    memcpy(&last, s.p, s.n);
  return n + sum(-separators(last));
}

/* As the class SS_CHAR_CONTROL. */
static octets controls(octets x) {
  return ((octets)(x < ' ') & ~(octets)(x == '\t')) | (octets)(x == 127);
}

bool ss_chars_control(ss_str s) {
  octets seen = {0}, last;
  for (; s.n >= sizeof last; s = ss_str_from(s, sizeof last))
    seen |= controls(load(s.p));
  memset(&last, 'x', sizeof last);
  if (s.n)
    memcpy(&last, s.p, s.n);
  return any(seen | controls(last));
}
