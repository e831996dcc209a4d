/* In place of the system's random source: numbers that are the same for each
 * input, so that what one finds can be found again. Only in the fuzz targets;
 * src/base/id.c calls getrandom(2) and knows nothing of it. */
#include "fuzz.h"

#include "base/id.h"

#include <sys/random.h>

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood, 2014) */
static uint64_t draw(void) {
  uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

ssize_t getrandom(void *buffer, size_t n, unsigned flags) {
  unsigned char *p = buffer;
  (void)flags;
  for (size_t i = 0; i < n; i++)
    p[i] = (unsigned char)draw();
  return (ssize_t)n;
}

void fuzz_random(uint64_t seed) {
  unsigned char pool[256];
  ss_random(pool, sizeof pool); /* what the last input has left over */
  state = seed;
}
