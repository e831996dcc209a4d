/* Sixteen octets at a time: whether there are controls, and the usual header
 * section, which has none but its line ends, no folds, and few separators. Then
 * no line of it needs a look of its own for that; else the scanner goes by
 * lines. */
#include "sip/chars.h"
#include "sip/scan.h"

/* A vector of the compiler's, whatever the machine has for it. */
typedef uint8_t octets __attribute__((vector_size(16)));

static size_t sum(octets lanes) {
  uint64_t half[2], sum = 0;
  const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
  memcpy(half, &lanes, sizeof half);
  for (size_t i = 0; i < 2; i++)
    sum += (half[i] & even) + (half[i] >> 8 & even);
  return sum * UINT64_C(0x0001000100010001) >> 48;
}

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
  char half[sizeof lanes];
  memcpy(half, &lanes, sizeof half);
  /* moves the high bits of eight octets together */
  const uint64_t each = UINT64_C(0x8080808080808080),
                 gather = UINT64_C(0x0002040810204081);
  uint64_t low = (ss_octets_word(half) & each) * gather >> 56;
  uint64_t high = (ss_octets_word(half + 8) & each) * gather >> 56;
  return (unsigned)(low | high << 8);
}

bool ss_scan_plain(ss_str text, ss_plain *out) {
  octets separators = {0};
  size_t lines = 0, start = 0;
  if (text.n < sizeof separators || !ss_char_is(text.p[0], SS_CHAR_TOKEN))
    return false;
  /* the last step may overlap the one before it */
  size_t last = text.n - sizeof separators;
  out->separators = 0;
  for (size_t i = 0;;) {
    octets x = load(text.p + i);
    octets controls = (octets)(x < ' ') | (octets)(x == 127);
    /* true is all ones in each lane, that is -1 */
    separators -= (octets)(x == ';') | (octets)(x == ',') | (octets)(x == '&');
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
          out->separators += sum(separators);
          return true;
        }
        start = end + 2;
        bits &= bits - 1;
        bits &= bits - 1; /* the LF, if it is among these sixteen */
      }
    }
    if (i == last)
      return false;
    i += sizeof x;
    i = i < last ? i : last;
    if (i % 2048 == 0) { /* lanes are octets: they count to 255 */
      out->separators += sum(separators);
      separators = (octets){0};
    }
  }
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
