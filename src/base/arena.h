/* A bump allocator that lives with one message: allocation is an addition,
 * everything is freed at once. */
#ifndef SS_BASE_ARENA_H
#define SS_BASE_ARENA_H

#include "base/str.h"

typedef struct ss_arena_chunk ss_arena_chunk;

typedef struct ss_arena {
  ss_arena_chunk *chunk; /* the newest first */
  size_t total;          /* bytes taken from the heap */
  size_t max;            /* and their bound; beyond it allocations fail */
} ss_arena;

void ss_arena_init(ss_arena *a, size_t max);
void *ss_arena_alloc(ss_arena *a, size_t n); /* 16-aligned, not zeroed */
/* For C libraries that want realloc: grows in place where p is the newest. */
void *ss_arena_grow(ss_arena *a, void *p, size_t n);
bool ss_arena_owns(const ss_arena *a, const void *p);
char *ss_arena_dup(ss_arena *a, ss_str s); /* with a NUL behind it */
void ss_arena_free(ss_arena *a);           /* empty again, usable again */

#endif
