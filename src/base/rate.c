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
  uint64_t period;   /* us */
  uint64_t interval; /* us between two, in the long run */
  source source[SETS][WAYS];
};

int ss_rate_new(ss_rate **out, size_t many, uint32_t period_ms) {
  ss_rate *r = ss_alloc(sizeof *r);
  if (!r)
    return SS_ENOMEM;
  r->period = (uint64_t)period_ms * 1000;
  r->interval = many < r->period ? r->period / many : 1;
  *out = r;
  return 0;
}

void ss_rate_free(ss_rate *r) {
  ss_free(r);
}

static uint64_t key_of(const ss_addr *from) {
  return ss_addr_source(from) | 1;
}

/* From the longest period on, so that 0 is long ago. */
static uint64_t us_of(uint64_t now) {
  return (now + UINT32_MAX) * 1000;
}

/* Its last bit is always set. */
static source *set_of(ss_rate *r, uint64_t key) {
  return r->source[(key >> 1) % SETS];
}

static source *known(ss_rate *r, uint64_t key) {
  source *set = set_of(r, key);
  for (int i = 0; i < WAYS; i++)
    if (set[i].key == key)
      return &set[i];
  return NULL;
}

static source *add(ss_rate *r, uint64_t key) {
  source *set = set_of(r, key), *last = set;
  for (int i = 1; i < WAYS; i++)
    if (set[i].full < last->full)
      last = &set[i];
  *last = (source){.key = key};
  return last;
}

static ss_verdict judge(const ss_rate *r, source *s, uint64_t us) {
  if (s->full + r->interval <= us + r->period)
    return SS_RATE_WITHIN;
  if (us - s->told < SECOND)
    return SS_RATE_OVER;
  s->told = us;
  return SS_RATE_OVER_TELL;
}

ss_verdict ss_rate_take(ss_rate *r, const ss_addr *from, uint64_t now) {
  uint64_t us = us_of(now), key = key_of(from);
  source *s = known(r, key);
  if (!s)
    s = add(r, key);
  if (s->full < us)
    s->full = us;
  ss_verdict v = judge(r, s, us);
  if (v == SS_RATE_WITHIN)
    s->full += r->interval;
  return v;
}

ss_verdict ss_rate_look(ss_rate *r, const ss_addr *from, uint64_t now) {
  source *s = known(r, key_of(from));
  return s ? judge(r, s, us_of(now)) : SS_RATE_WITHIN;
}
