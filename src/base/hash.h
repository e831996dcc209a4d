/* An intrusive chained hash table that grows by doubling and shrinks by
 * halves, for hashes that are keyed (base/siphash.h). The node keeps the full
 * hash: lookups compare it first, and a change of size never calls out. */
#ifndef SS_BASE_HASH_H
#define SS_BASE_HASH_H

#include "base/siphash.h"

typedef struct ss_hnode {
  struct ss_hnode *next;
  struct ss_hnode **at; /* what points at this node; NULL: in no table */
  uint64_t hash;
} ss_hnode;

typedef struct ss_hash {
  ss_hnode **bucket;
  size_t size; /* power of two */
  size_t count;
  size_t low; /* no node in the buckets before this one */
} ss_hash;

int ss_hash_init(ss_hash *t, size_t size); /* SS_ENOMEM */
void ss_hash_free(ss_hash *t);             /* the nodes are not touched */
/* Never fails: where growing fails, the chains just get longer. */
void ss_hash_insert(ss_hash *t, ss_hnode *n, uint64_t hash);
/* Does nothing if in no table. Never fails: where shrinking fails, the table
 * stays large until the next removal. */
void ss_hash_remove(ss_hash *t, ss_hnode *n);
/* The nodes with this hash, one after another; NULL at the end. The caller
 * compares the keys. */
ss_hnode *ss_hash_first(const ss_hash *t, uint64_t hash);
ss_hnode *ss_hash_next(const ss_hnode *n);
/* Any node at all, or NULL when empty; for emptying a table, which it does in
 * linear time. */
ss_hnode *ss_hash_any(ss_hash *t);

#endif
