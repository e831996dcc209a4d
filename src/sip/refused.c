/* Keys by hash, four places to each; one that is refused again takes its own
 * place. Without memory nobody is remembered, which was so before. */
#include "sip/refused.h"
#include "base/alloc.h"

#define SETS 16384 /* 10,000 refusals a second are kept for six or so */
#define WAYS 4     /* the oldest gives way */

/* Half a key beside the bits that chose its set: one of 2^78 others would be
 * taken for it. */
struct ss_refused_place {
  uint64_t check;
  uint64_t until; /* ms; 0: free */
};

static struct ss_refused_place *set_of(const ss_refused *r, ss_hash128 key) {
  return &r->place[key.h % SETS * WAYS];
}

void ss_refused_add(ss_refused *r, ss_hash128 key, uint64_t now, uint32_t ms) {
  if (!r->place)
    r->place = ss_alloc((size_t)SETS * WAYS * sizeof *r->place);
  if (!r->place)
    return;
  struct ss_refused_place *set = set_of(r, key), *p = set;
  for (int i = 0; i < WAYS && p->check != key.check; i++)
    if (set[i].check == key.check || set[i].until < p->until)
      p = &set[i];
  r->until = now + ms;
  *p = (struct ss_refused_place){key.check, r->until};
}

bool ss_refused_has(ss_refused *r, ss_hash128 key, uint64_t now) {
  if (!r->place)
    return false;
  if (now >= r->until) {
    ss_refused_free(r);
    return false;
  }
  const struct ss_refused_place *set = set_of(r, key);
  for (int i = 0; i < WAYS; i++)
    if (set[i].check == key.check)
      return now < set[i].until;
  return false;
}

void ss_refused_free(ss_refused *r) {
  ss_free(r->place);
  *r = (ss_refused){0};
}
