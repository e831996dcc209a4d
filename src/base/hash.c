/* The intrusive hash table and its keyed hash, SipHash-1-3 (Aumasson and
 * Bernstein, 2012) under a key of the process. Growing doubles the buckets at
 * once; tables never shrink. */
#include "base/hash.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/id.h"
#include <pthread.h>

int ss_hash_init(ss_hash *t, size_t size) {
  size_t n = 8;
  *t = (ss_hash){0};
  while (n < size)
    n *= 2;
  t->bucket = ss_alloc(n * sizeof(void *));
  if (!t->bucket)
    return SS_ENOMEM;
  t->size = n;
  return 0;
}

void ss_hash_free(ss_hash *t) {
  ss_free(t->bucket);
  *t = (ss_hash){0};
}

static void link_node(ss_hash *t, ss_hnode *n) {
  size_t i = n->hash & (t->size - 1);
  ss_hnode **at = &t->bucket[i];
  n->next = *at;
  n->at = at;
  if (n->next)
    n->next->at = &n->next;
  *at = n;
  if (i < t->low)
    t->low = i;
}

static void grow(ss_hash *t) {
  ss_hnode **old = t->bucket;
  size_t size = t->size;
  ss_hnode **bucket = ss_alloc(size * 2 * sizeof(void *));
  if (!bucket)
    return;
  t->bucket = bucket;
  t->size = size * 2;
  for (size_t i = 0; i < size; i++) {
    while (old[i]) {
      ss_hnode *n = old[i];
      old[i] = n->next;
      link_node(t, n);
    }
  }
  t->low = 0;
  ss_free(old);
}

void ss_hash_insert(ss_hash *t, ss_hnode *n, uint64_t hash) {
  if (t->count >= t->size)
    grow(t);
  n->hash = hash;
  link_node(t, n);
  t->count++;
}

void ss_hash_remove(ss_hash *t, ss_hnode *n) {
  if (!n->at)
    return;
  *n->at = n->next;
  if (n->next)
    n->next->at = n->at;
  n->next = NULL;
  n->at = NULL;
  t->count--;
}

static ss_hnode *same(ss_hnode *n, uint64_t hash) {
  while (n && n->hash != hash)
    n = n->next;
  return n;
}

ss_hnode *ss_hash_first(const ss_hash *t, uint64_t hash) {
  if (t->count == 0)
    return NULL;
  return same(t->bucket[hash & (t->size - 1)], hash);
}

ss_hnode *ss_hash_next(const ss_hnode *n) {
  return same(n->next, n->hash);
}

ss_hnode *ss_hash_any(ss_hash *t) {
  if (t->count == 0)
    return NULL;
  while (!t->bucket[t->low])
    t->low++;
  return t->bucket[t->low];
}

static uint64_t key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) {
  ss_random(key, sizeof key);
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static inline void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[1] = ROTL(v[1], 13) ^ v[0];
  v[0] = ROTL(v[0], 32);
  v[2] += v[3];
  v[3] = ROTL(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = ROTL(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = ROTL(v[1], 17) ^ v[2];
  v[2] = ROTL(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t m) {
  v[3] ^= m;
  sip_round(v);
  v[0] ^= m;
}

/* The state before the piece is hashed in front of it; its length is in the
 * last word, as SipHash has it: so the boundaries between pieces count. */
uint64_t ss_hash_add(uint64_t h, ss_str piece) {
  uint64_t v[4], m, last = (uint64_t)piece.n << 56;
  const char *p = piece.p;
  size_t n = piece.n;
  pthread_once(&once, make_key);
  v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
  v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
  v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
  v[3] = key[1] ^ UINT64_C(0x7465646279746573);
  sip_word(v, h);
  for (; n >= 8; p += 8, n -= 8) {
    memcpy(&m, p, 8);
    sip_word(v, m);
  }
  for (size_t i = 0; i < n; i++)
    last |= (uint64_t)(unsigned char)p[i] << (8 * i);
  sip_word(v, last);
  v[2] ^= 0xff;
  sip_round(v);
  sip_round(v);
  sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t ss_hash_add_u64(uint64_t h, uint64_t piece) {
  return ss_hash_add(h, (ss_str){(const char *)&piece, sizeof piece});
}
