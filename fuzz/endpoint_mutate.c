/* How libFuzzer changes an input of the endpoint target: mostly by whole steps
 * and their letters, so that what comes out is a dialog still, if an odd one;
 * now and then by bytes. */
#include "endpoint.h"

#define LINES_MAX 64
#define LINE_MAX 160

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
                                 const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max, unsigned int seed);
/* libFuzzer's own; not there where an input is only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
    __attribute__((weak));

typedef struct script {
  char line[LINES_MAX][LINE_MAX];
  size_t n;
} script;

static uint64_t state;

static unsigned below(unsigned bound) {
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (unsigned)((z ^ (z >> 31)) % bound);
}

static const char *one_of(const char *const *names) {
  unsigned n = 0;
  while (names[n])
    n++;
  return names[below(n)];
}

static void read_script(script *s, const uint8_t *data, size_t size) {
  ss_str text = {(const char *)data, size};
  for (s->n = 0; text.n && s->n < LINES_MAX;) {
    ss_str line = fuzz_cut(&text, '\n');
    if (line.n >= LINE_MAX)
      line.n = LINE_MAX - 1;
    memcpy(s->line[s->n], line.p, line.n);
    s->line[s->n++][line.n] = '\0';
  }
}

static size_t write_script(const script *s, uint8_t *out, size_t max) {
  size_t n = 0;
  for (size_t i = 0; i < s->n; i++) {
    size_t length = strlen(s->line[i]);
    if (n + length + 1 > max)
      break;
    memcpy(out + n, s->line[i], length);
    out[n + length] = '\n';
    n += length + 1;
  }
  return n;
}

/* A letter with a number that means something to it, often. */
static void add_letter(char *line) {
  static const char letters[] = "ddpcbttfsssoouvhhhhhhrkxnywaiulqegg";
  static const unsigned some[] = {0,  1,   2,    3,    7,         8,
                                  16, 100, 1000, 5060, 2147483647};
  size_t n = strlen(line);
  char letter = letters[below(sizeof letters - 1)];
  unsigned value = letter == 'h' ? below(64) : below(20);
  if (letter != 'h' && below(8) == 0)
    value = some[below(sizeof some / sizeof *some)];
  if (letter == 'x')
    snprintf(line + n, LINE_MAX - n, " x%u:%02x", below(500), below(256));
  else if (letter == 'd' || letter == 't')
    snprintf(line + n, LINE_MAX - n, " %c%u", letter, below(4));
  else
    snprintf(line + n, LINE_MAX - n, " %c%u", letter, value);
}

static void new_step(char *line) {
  static const char *const codes[] = {"200", "100", "180", "183", "200", "202",
                                      "302", "401", "408", "422", "481", "487",
                                      "491", "500", "503", "200", NULL};
  static const char *const times[] = {
      "0",     "1",     "200",   "500",   "1000",   "4000", "10000",
      "32000", "45000", "60000", "90000", "180000", NULL};
  if (below(40) == 0) {
    snprintf(line, LINE_MAX, "# p%u e%u |OPTIONS x", below(PEERS), below(8));
    return;
  }
  switch (below(8)) {
  case 0:
  case 1:
  case 2:
    snprintf(line, LINE_MAX, "> %s", one_of(method_names));
    break;
  case 3:
    snprintf(line, LINE_MAX, "< %s", one_of(codes));
    break;
  case 4:
    snprintf(line, LINE_MAX, "+ %s", one_of(times));
    return;
  case 5:
    if (below(4) == 0) {
      snprintf(line, LINE_MAX, "! automatic a%u", below(2048));
      return;
    }
    /* fall through */
  default:
    snprintf(line, LINE_MAX, "! %s", one_of(verb_names));
    break;
  }
  for (unsigned n = below(4); n > 0; n--)
    add_letter(line);
}

static void insert(script *s, size_t at, const char *line) {
  if (s->n == LINES_MAX)
    s->n--;
  if (at > s->n)
    at = s->n;
  memmove(s->line[at + 1], s->line[at], (s->n - at) * LINE_MAX);
  snprintf(s->line[at], LINE_MAX, "%s", line);
  s->n++;
}

static void drop(script *s, size_t at) {
  s->n--;
  memmove(s->line[at], s->line[at + 1], (s->n - at) * LINE_MAX);
}

/* Takes a word behind the verb away. */
static void drop_letter(char *line) {
  char *word[32];
  size_t n = 0;
  for (char *p = line; (p = strchr(p, ' ')) && n < 32; p++)
    word[n++] = p;
  if (n < 2)
    return;
  char *at = word[1 + below((unsigned)n - 1)];
  char *end = strchr(at + 1, ' ');
  if (end)
    memmove(at, end, strlen(end) + 1);
  else
    *at = '\0';
}

/* A digit of it becomes another. */
static void change_digit(char *line) {
  size_t n = strlen(line);
  for (size_t i = 0, at = n ? below((unsigned)n) : 0; i < n; i++) {
    char *c = &line[(at + i) % n];
    if (*c >= '0' && *c <= '9') {
      *c = (char)('0' + below(10));
      return;
    }
  }
}

static void mutate(script *s) {
  char line[LINE_MAX];
  size_t at = s->n ? below((unsigned)s->n) : 0;
  unsigned what = s->n ? below(10) : 0;
  switch (what) {
  case 0:
  case 1:
  case 2:
    new_step(line);
    insert(s, below((unsigned)s->n + 1), line);
    break;
  case 3:
    drop(s, at);
    break;
  case 4: /* the same again */
    snprintf(line, sizeof line, "%s", s->line[at]);
    insert(s, below((unsigned)s->n + 1), line);
    break;
  case 5: { /* in another order */
    size_t with = below((unsigned)s->n);
    snprintf(line, sizeof line, "%s", s->line[at]);
    memmove(s->line[at], s->line[with], LINE_MAX);
    snprintf(s->line[with], LINE_MAX, "%s", line);
    break;
  }
  case 6:
    drop_letter(s->line[at]);
    break;
  case 7:
    change_digit(s->line[at]);
    break;
  default:
    add_letter(s->line[at]);
    break;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned int seed) {
  static script s;
  state = seed;
  if (LLVMFuzzerMutate && below(16) == 0)
    return LLVMFuzzerMutate(data, size, max);
  read_script(&s, data, size);
  for (unsigned n = 1 + below(4); n > 0; n--)
    mutate(&s);
  return write_script(&s, data, max);
}

/* The beginning of one and the end of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
                                 const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t max, unsigned int seed) {
  static script s, t;
  state = seed;
  read_script(&s, a, a_size);
  read_script(&t, b, b_size);
  s.n = below((unsigned)s.n + 1);
  for (size_t i = below((unsigned)t.n + 1); i < t.n && s.n < LINES_MAX; i++)
    memcpy(s.line[s.n++], t.line[i], LINE_MAX);
  return write_script(&s, out, max);
}
