/* The keyed hash: SipHash-1-3 (Aumasson and Bernstein, 2012) with a key from
 * the system's random source, so that callers can't choose what collides. */
#ifndef SS_BASE_SIPHASH_H
#define SS_BASE_SIPHASH_H

#include "base/str.h"

/* Hash of a key made of pieces, 128 bits:
 *   ss_siphash h = ss_siphash_begin(domain);
 *   ss_siphash_add(&h, a); ss_siphash_add_u64(&h, b);
 *   ss_hash128 k = ss_siphash_end(&h);
 * Keys of one domain have the same number of pieces; their boundaries count. */
typedef struct ss_siphash {
  uint64_t v[4];
} ss_siphash;

typedef struct ss_hash128 {
  uint64_t h, check;
} ss_hash128;

ss_siphash ss_siphash_begin(uint64_t domain);
void ss_siphash_add(ss_siphash *h, ss_str piece);
void ss_siphash_add_u64(ss_siphash *h, uint64_t piece);
ss_hash128 ss_siphash_end(ss_siphash *h);
uint64_t ss_siphash_end64(ss_siphash *h); /* the first half */

/* 64 bits, of one piece after another: h = ss_hash_add(0, a); the boundary
 * between pieces counts. */
uint64_t ss_hash_add(uint64_t h, ss_str piece);
uint64_t ss_hash_add_u64(uint64_t h, uint64_t piece);

#endif
