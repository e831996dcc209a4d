/* The intrusive hash table. Growing doubles the buckets at once. A table is
 * halved when fewer than one in eight of its buckets would hold a node, so one
 * that has just shrunk is far from growing again; up to SHRINK_FROM there is
 * nothing worth giving back. */
#include "base/hash.h"
#include "base/alloc.h"
#include "base/error.h"

#define SHRINK_FROM 1024 /* buckets */

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

/* Where there is no memory for it, the table stays as it is. */
static void resize(ss_hash *t, size_t size) {
  ss_hnode **old = t->bucket;
  size_t was = t->size;
  ss_hnode **bucket = ss_alloc(size * sizeof(void *));
  if (!bucket)
    return;
  t->bucket = bucket;
  t->size = size;
  for (size_t i = 0; i < was; i++) {
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
    resize(t, t->size * 2);
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
  if (t->size > SHRINK_FROM && t->count < t->size / 8)
    resize(t, t->size / 2);
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
