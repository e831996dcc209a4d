/* Sixteen octets at a time: whether there are controls, and the usual header
 * section, which has none but its line ends, no folds, and few separators. Then
 * no line of it needs a look of its own for that; else the scanner goes by
 * lines. */
#include "sip/chars.h"
#include "sip/scan.h"

/* A vector of the compiler's, whatever the machine has for it. */
typedef uint8_t octets __attribute__((vector_size(16)));

/* Lanes are octets: no more steps than one can count. */
#define STEPS 127

typedef struct tally {
  size_t separators, returns, ends;
  bool other; /* controls, or a line that begins with a space */
} tally;

static size_t sum(octets lanes) {
  size_t n = 0;
  for (size_t i = 0; i < sizeof lanes; i++)
    n += lanes[i];
  return n;
}

static bool any(octets lanes) {
  uint64_t half[2];
  memcpy(half, &lanes, sizeof half);
  return half[0] | half[1];
}

static octets load(const char *p) {
  octets x;
  memcpy(&x, p, sizeof x);
  return x;
}

/* True is all ones in each lane, that is -1. p[-1] is there. */
static void look(const char *p, size_t steps, tally *t) {
  octets separators = {0}, returns = {0}, ends = {0}, other = {0};
  for (size_t i = 0; i < steps; i++, p += sizeof(octets)) {
    octets x = load(p), before = load(p - 1);
    octets cr = (octets)(x == '\r');
    octets crlf = (octets)(x == '\n') & (octets)(before == '\r');
    separators -= (octets)(x == ';') | (octets)(x == ',') | (octets)(x == '&');
    returns -= cr;
    ends -= crlf;
    other |= ((octets)(x < ' ') & ~cr & ~crlf) | (octets)(x == 127) |
             ((octets)(x == ' ') & (octets)(before == '\n'));
  }
  t->separators += sum(separators);
  t->returns += sum(returns);
  t->ends += sum(ends);
  t->other |= any(other);
}

bool ss_scan_is_plain(ss_str head, ss_plain *out) {
  char rest[1 + sizeof(octets)];
  tally t = {0};
  size_t i = 1;
  if (head.n < 2 || !ss_char_is(head.p[0], SS_CHAR_TOKEN))
    return false;
  while (!t.other && head.n - i >= sizeof(octets)) {
    size_t steps = (head.n - i) / sizeof(octets);
    steps = steps < STEPS ? steps : STEPS;
    look(head.p + i, steps, &t);
    i += steps * sizeof(octets);
  }
  if (t.other)
    return false;
  memset(rest, 'x', sizeof rest);
  memcpy(rest, head.p + i - 1, head.n - i + 1);
  look(rest + 1, 1, &t);
  *out = (ss_plain){t.ends, t.separators};
  return !t.other && t.returns == t.ends; /* every CR has its LF */
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
