/* What the fuzz targets share. A target is one function that is fed bytes:
 * by libFuzzer, which makes them up (`make fuzz`), or by replay.c, which reads
 * the files of fuzz/corpus (`make test`, with any compiler). It aborts when a
 * promise is broken; faults of memory are the sanitizers' to find. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise. */
#define MUST(what)                                                             \
  do {                                                                         \
    if (!(what)) {                                                             \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #what);       \
      abort();                                                                 \
    }                                                                          \
  } while (0)

static inline ss_limits fuzz_limits(void) {
  ss_limits limits;
  ss_limits_default(&limits);
  return limits;
}

/* Inside of `whole`, both ends included; an empty slice may be anywhere. */
static inline bool fuzz_inside(ss_str part, ss_str whole) {
  return part.n == 0 || (part.p >= whole.p && part.n <= whole.n &&
                         (size_t)(part.p - whole.p) <= whole.n - part.n);
}

/* No control but HTAB; octet by octet, unlike ss_chars_control. */
static inline bool fuzz_clean(ss_str s) {
  for (size_t i = 0; i < s.n; i++)
    if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 127)
      return false;
  return true;
}

/* Cuts the text up to `by` off *rest; what remains is behind it. */
static inline ss_str fuzz_cut(ss_str *rest, char by) {
  size_t n = ss_str_chr(*rest, by);
  ss_str head = {rest->p, n};
  size_t past = n < rest->n ? n + 1 : n;
  *rest = (ss_str){rest->p + past, rest->n - past};
  return head;
}

/* A buffer of exactly n bytes on the heap, where the address sanitizer sees
 * what is written behind it. */
static inline char *fuzz_buffer(size_t n) {
  char *p = malloc(n ? n : 1);
  if (!p)
    exit(1);
  return p;
}

/* random.c: from now on the library's random numbers are those of this seed,
 * and an input does the same each time. */
void fuzz_random(uint64_t seed);

#endif
