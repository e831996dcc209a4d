/* Random bytes and the identifiers made of them (RFC 3261 19.3, 8.1.1.7).
 * Bytes come from getrandom(2) through a small pool for each thread, which a
 * forked child throws away, and each byte is given out once. */
#include "base/id.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* Enough for tens of calls: no system call for each. */
#define POOL 4096

static _Thread_local struct {
  unsigned char p[POOL];
  size_t left;
} pool;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* In the child there is only the thread that forked: this one. */
static void forked(void) {
  pool.left = 0;
}

static void watch_forks(void) {
  if (pthread_atfork(NULL, NULL, forked) != 0)
    abort();
}

/* An identifier that could be guessed is worse than none: no fallback. */
static void fill(unsigned char *p, size_t n) {
  while (n) {
    ssize_t got = getrandom(p, n, 0);
    if (got < 0 && errno != EINTR)
      abort();
    if (got > 0) {
      p += got;
      n -= (size_t)got;
    }
  }
}

void ss_random(void *out, size_t n) {
  if (n > POOL) {
    fill(out, n);
    return;
  }
  pthread_once(&once, watch_forks);
  if (n > pool.left) {
    fill(pool.p, POOL);
    pool.left = POOL;
  }
  pool.left -= n;
  memcpy(out, pool.p + pool.left, n);
  memset(pool.p + pool.left, 0, n);
}

uint32_t ss_random_below(uint32_t bound) {
  uint32_t v, reject;
  if (bound == 0)
    return 0;
  reject = -bound % bound; /* 2^32 mod bound: what would favour low values */
  do
    ss_random(&v, sizeof v);
  while (v < reject);
  return v % bound;
}

static void digits(char *out, size_t n) {
  static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
  unsigned char bytes[32];
  ss_random(bytes, n);
  for (size_t i = 0; i < n; i++)
    out[i] = base32[bytes[i] & 31];
}

void ss_tag(char out[SS_TAG_LEN]) {
  digits(out, SS_TAG_LEN);
}

void ss_branch(char out[SS_BRANCH_LEN]) {
  static const char cookie[7] = {'z', '9', 'h', 'G', '4', 'b', 'K'};
  memcpy(out, cookie, sizeof cookie);
  digits(out + sizeof cookie, SS_BRANCH_LEN - sizeof cookie);
}
