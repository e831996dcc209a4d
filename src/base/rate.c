/* The generic cell rate algorithm (ITU-T I.371): for each source the time at
 * which its bucket will be full again. Four places to each hash; the source
 * whose bucket has been full for the longest gives way. */
#include "base/rate.h"
#include "base/alloc.h"
#include "base/error.h"

#define SETS 4096
#define WAYS 4
#define SECOND UINT64_C(1000000) /* us */

typedef struct source {
  uint64_t key;  /* 0: free */
  uint64_t full; /* us: when the bucket is full again */
  uint64_t told; /* us */
} source;

struct ss_rate {
  uint64_t interval; /* us between two, in the long run */
  source source[SETS][WAYS];
};

int ss_rate_new(ss_rate **out, size_t per_second) {
  ss_rate *r = ss_alloc(sizeof *r);
  if (!r)
    return SS_ENOMEM;
  r->interval = per_second < SECOND ? SECOND / per_second : 1;
  *out = r;
  return 0;
}

void ss_rate_free(ss_rate *r) {
  ss_free(r);
}

static source *find(ss_rate *r, uint64_t key) {
  source *set = r->source[key % SETS], *last = set;
  for (int i = 0; i < WAYS; i++) {
    if (set[i].key == key)
      return &set[i];
    if (set[i].full < last->full)
      last = &set[i];
  }
  *last = (source){.key = key};
  return last;
}

ss_verdict ss_rate_take(ss_rate *r, const ss_addr *from, uint64_t now) {
  /* from 1 s on, so that 0 is long ago */
  uint64_t us = (now + 1000) * 1000;
  source *s = find(r, ss_addr_source(from) | 1);
  if (s->full < us)
    s->full = us;
  if (s->full + r->interval <= us + SECOND) {
    s->full += r->interval;
    return SS_RATE_WITHIN;
  }
  if (us - s->told < SECOND)
    return SS_RATE_OVER;
  s->told = us;
  return SS_RATE_OVER_TELL;
}
