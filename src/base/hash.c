/* The intrusive hash table. A bucket beyond the last takes from the one that
 * has half its number what belongs there; the last gives all that it has to
 * that one. There are as many buckets as two or three nodes each need; of more
 * than one for each, some go. */
#include "base/hash.h"
#include "base/alloc.h"
#include "base/error.h"

#define SLOTS 4
#define LINE 64
#define FIRST 64 /* buckets of the first segment */
#define FULL 5   /* nodes in two buckets, on average: then it grows */

struct ss_hbucket {
  ss_hnode *node[SLOTS];
  uint32_t low[SLOTS]; /* of the hash: those bits that choose the bucket, too */
  ss_hnode *more;      /* `end` after the last; only when the slots are full */
  uint32_t used;
};

_Static_assert(sizeof(ss_hbucket) <= LINE, "a bucket is in a cache line");

static ss_hnode end;

/* The segment of bucket *i, and where it is in that. They are few, so that
 * where they are stays in a cache, whatever bucket is wanted. */
static size_t segment_of(size_t *i) {
  if (*i < FIRST)
    return 0;
  size_t log = 63 - (size_t)__builtin_clzll(*i);
  *i -= (size_t)1 << log;
  return log - 5;
}

static ss_hbucket *bucket(const ss_hash *t, size_t i) {
  uintptr_t p = (uintptr_t)t->segment[segment_of(&i)];
  return (ss_hbucket *)((p + LINE - 1) & ~(uintptr_t)(LINE - 1)) + i;
}

/* Nothing is written to it yet: buckets come into use one after another, and a
 * large segment takes memory as they do. */
static bool add_segment(ss_hash *t, size_t k) {
  size_t n = k ? (size_t)FIRST << (k - 1) : FIRST;
  t->segment[k] = ss_realloc(NULL, n * sizeof(ss_hbucket) + LINE - 1);
  return t->segment[k];
}

int ss_hash_init(ss_hash *t) {
  *t = (ss_hash){.size = FIRST, .half = FIRST};
  if (!add_segment(t, 0))
    return SS_ENOMEM;
  memset(bucket(t, 0), 0, FIRST * sizeof(ss_hbucket));
  return 0;
}

void ss_hash_free(ss_hash *t) {
  for (size_t k = 0; k < SS_HASH_SEGMENTS; k++)
    ss_free(t->segment[k]);
  *t = (ss_hash){0};
}

static size_t index_of(const ss_hash *t, uint64_t hash) {
  size_t i = (uint32_t)hash & (2 * t->half - 1);
  return i < t->size ? i : i - t->half;
}

static void put(ss_hash *t, ss_hnode *n, uint32_t low) {
  size_t i = index_of(t, low);
  ss_hbucket *b = bucket(t, i);
  if (b->used < SLOTS) {
    b->low[b->used] = low;
    b->node[b->used++] = n;
  } else {
    n->next = b->more ? b->more : &end;
    b->more = n;
  }
  if (i >= t->high)
    t->high = i + 1;
}

/* The first of those that had no slot, or NULL. */
static ss_hnode *shift(ss_hbucket *b) {
  ss_hnode *n = b->more;
  if (n) {
    b->more = n->next == &end ? NULL : n->next;
    n->next = &end;
  }
  return n;
}

static void clear_slot(ss_hbucket *b, size_t i) {
  ss_hnode *n = shift(b);
  if (n) {
    b->node[i] = n;
    b->low[i] = (uint32_t)n->hash;
    return;
  }
  b->used--;
  b->node[i] = b->node[b->used];
  b->low[i] = b->low[b->used];
}

/* Every node of that bucket to where it belongs now. */
static void move(ss_hash *t, ss_hbucket *from) {
  ss_hbucket b = *from;
  ss_hnode *n;
  *from = (ss_hbucket){0};
  for (size_t i = 0; i < b.used; i++)
    put(t, b.node[i], b.low[i]);
  while ((n = shift(&b)))
    put(t, n, (uint32_t)n->hash);
}

static bool is_full(const ss_hash *t) {
  return 2 * t->count >= FULL * t->size;
}

static void grow(ss_hash *t) {
  size_t from = t->size - t->half, i = t->size, k = segment_of(&i);
  if (k == SS_HASH_SEGMENTS || (!t->segment[k] && !add_segment(t, k)))
    return;
  *bucket(t, t->size) = (ss_hbucket){0};
  if (++t->size == 2 * t->half)
    t->half = t->size;
  move(t, bucket(t, from));
  __builtin_prefetch(bucket(t, t->size - t->half)); /* the next one's turn */
}

static void shrink(ss_hash *t) {
  size_t i = --t->size, k = segment_of(&i);
  if (t->size < t->half)
    t->half /= 2;
  if (t->size < t->high)
    t->high = t->size;
  move(t, bucket(t, t->size));
  if (i == 0) {
    ss_free(t->segment[k]);
    t->segment[k] = NULL;
  }
}

void ss_hash_insert(ss_hash *t, ss_hnode *n, uint64_t hash) {
  if (is_full(t))
    grow(t);
  n->hash = hash;
  n->next = &end;
  put(t, n, (uint32_t)hash);
  t->count++;
}

static void take_out(ss_hbucket *b, ss_hnode *n) {
  for (size_t i = 0; i < b->used; i++) {
    if (b->node[i] == n) {
      clear_slot(b, i);
      return;
    }
  }
  ss_hnode **at = &b->more;
  while (*at != n)
    at = &(*at)->next;
  *at = n->next;
  if (b->more == &end)
    b->more = NULL;
}

void ss_hash_remove(ss_hash *t, ss_hnode *n) {
  if (!n->next)
    return;
  take_out(bucket(t, index_of(t, n->hash)), n);
  n->next = NULL;
  t->count--;
  if (t->size > FIRST && t->count < t->size)
    shrink(t);
}

/* The first with that hash from the slot on, or from the chain on. */
static ss_hnode *from_slot(const ss_hbucket *b, size_t i, uint64_t hash) {
  for (; i < b->used; i++)
    if (b->low[i] == (uint32_t)hash && b->node[i]->hash == hash)
      return b->node[i];
  return b->more;
}

static ss_hnode *from_chain(ss_hnode *n, uint64_t hash) {
  while (n && n->hash != hash)
    n = n->next == &end ? NULL : n->next;
  return n;
}

ss_hnode *ss_hash_first(const ss_hash *t, uint64_t hash) {
  if (!t->count)
    return NULL;
  const ss_hbucket *b = bucket(t, index_of(t, hash));
  return from_chain(from_slot(b, 0, hash), hash);
}

ss_hnode *ss_hash_next(const ss_hash *t, const ss_hnode *n) {
  const ss_hbucket *b = bucket(t, index_of(t, n->hash));
  for (size_t i = 0; i < b->used; i++)
    if (b->node[i] == n)
      return from_chain(from_slot(b, i + 1, n->hash), n->hash);
  return n->next == &end ? NULL : from_chain(n->next, n->hash);
}

void ss_hash_expect(const ss_hash *t, uint64_t hash) {
  __builtin_prefetch(bucket(t, index_of(t, hash)));
}

ss_hnode *ss_hash_any(ss_hash *t) {
  if (t->count == 0)
    return NULL;
  while (!bucket(t, t->high - 1)->used)
    t->high--;
  return bucket(t, t->high - 1)->node[0];
}
