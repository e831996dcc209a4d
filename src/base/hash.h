/* An intrusive hash table for hashes that are keyed (base/siphash.h). A bucket
 * is a cache line, in which four nodes are noted with half of their hashes: a
 * search for what isn't there, which each new call begins with, touches no
 * node, nor do inserting and growing; those that don't fit are chained through
 * the nodes. It grows and shrinks by single buckets (linear hashing: Litwin,
 * 1980; Larson, 1988): no call waits while those of all others are moved. */
#ifndef SS_BASE_HASH_H
#define SS_BASE_HASH_H

#include "base/siphash.h"

typedef struct ss_hnode {
  struct ss_hnode *next; /* NULL: in no table */
  uint64_t hash;
} ss_hnode;

typedef struct ss_hbucket ss_hbucket;

/* Enough for as many buckets as 32 bits of a hash can tell apart. */
#define SS_HASH_SEGMENTS 27

typedef struct ss_hash {
  void *segment[SS_HASH_SEGMENTS]; /* each as many as all those before it */
  size_t size;                     /* buckets */
  size_t half;                     /* the power of two at or below it */
  size_t count;
  size_t high; /* no node in this bucket, nor in those after it */
} ss_hash;

int ss_hash_init(ss_hash *t);  /* SS_ENOMEM */
void ss_hash_free(ss_hash *t); /* the nodes are not touched */
/* Never fails: where growing fails, the chains just get longer. */
void ss_hash_insert(ss_hash *t, ss_hnode *n, uint64_t hash);
void ss_hash_remove(ss_hash *t, ss_hnode *n); /* nothing if in no table */
/* The nodes with this hash, one after another, in no order; NULL at the end.
 * The caller compares the keys. */
ss_hnode *ss_hash_first(const ss_hash *t, uint64_t hash);
ss_hnode *ss_hash_next(const ss_hash *t, const ss_hnode *n);
/* It will be looked for soon: a hint to the processor. */
void ss_hash_expect(const ss_hash *t, uint64_t hash);
/* Any node at all, or NULL when empty; for emptying a table, which it does in
 * linear time. */
ss_hnode *ss_hash_any(ss_hash *t);

#endif
