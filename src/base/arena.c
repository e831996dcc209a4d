/* The bump allocator of one message. Blocks carry no header of their own, so
 * growing one that is not the newest copies up to the end of its chunk: more
 * than it held, never more than is there. */
#include "base/arena.h"
#include "base/alloc.h"
#include "base/poison.h"

struct ss_arena_chunk {
  ss_arena_chunk *next; /* the one before it */
  size_t size, used;
  size_t last; /* where the newest block begins */
  _Alignas(16) char p[];
};

#define FIRST_CHUNK 2048
#define LARGEST_CHUNK 65536
#define ALIGN(n) (((n) + 15) & ~(size_t)15)

void ss_arena_init(ss_arena *a, size_t max) {
  *a = (ss_arena){NULL, 0, max};
}

static ss_arena_chunk *add_chunk(ss_arena *a, size_t n) {
  size_t size = a->chunk ? a->chunk->size * 2 : FIRST_CHUNK;
  size_t left = a->max - a->total;
  ss_arena_chunk *chunk;
  if (size > LARGEST_CHUNK)
    size = LARGEST_CHUNK;
  if (size > left)
    size = left & ~(size_t)15;
  if (size < n)
    size = n;
  if (size > left)
    return NULL;
  chunk = ss_realloc(NULL, sizeof *chunk + size);
  if (!chunk)
    return NULL;
  *chunk = (ss_arena_chunk){.next = a->chunk, .size = size};
  SS_POISON(chunk->p, size);
  a->chunk = chunk;
  a->total += size;
  return chunk;
}

void *ss_arena_alloc(ss_arena *a, size_t n) {
  ss_arena_chunk *chunk = a->chunk;
  size_t asked = n;
  if (n > a->max)
    return NULL;
  n = n ? ALIGN(n) : 16;
  if (!chunk || n > chunk->size - chunk->used) {
    chunk = add_chunk(a, n);
    if (!chunk)
      return NULL;
  }
  chunk->last = chunk->used;
  chunk->used += n;
  SS_UNPOISON(chunk->p + chunk->last, asked);
  return chunk->p + chunk->last;
}

/* The chunk that p lies in, or NULL. */
static ss_arena_chunk *chunk_of(const ss_arena *a, const void *p) {
  uintptr_t at = (uintptr_t)p;
  for (ss_arena_chunk *c = a->chunk; c; c = c->next)
    if (at >= (uintptr_t)c->p && at < (uintptr_t)c->p + c->used)
      return c;
  return NULL;
}

bool ss_arena_owns(const ss_arena *a, const void *p) {
  return chunk_of(a, p) != NULL;
}

void *ss_arena_grow(ss_arena *a, void *p, size_t n) {
  ss_arena_chunk *chunk;
  size_t at, there;
  void *q;
  if (!p)
    return ss_arena_alloc(a, n);
  chunk = chunk_of(a, p);
  if (!chunk || n > a->max)
    return NULL;
  at = (size_t)((char *)p - chunk->p);
  if (at == chunk->last && ALIGN(n) <= chunk->size - at) {
    SS_POISON(p, chunk->used - at);
    chunk->used = at + (n ? ALIGN(n) : 16);
    SS_UNPOISON(p, n);
    return p;
  }
  there = chunk->used - at;
  q = ss_arena_alloc(a, n);
  if (!q)
    return NULL;
  if (n < there)
    there = n;
  SS_UNPOISON(p, there);
  memcpy(q, p, there);
  return q;
}

char *ss_arena_dup(ss_arena *a, ss_str s) {
  char *p = s.n < SIZE_MAX ? ss_arena_alloc(a, s.n + 1) : NULL;
  if (!p)
    return NULL;
  if (s.n)
    memcpy(p, s.p, s.n);
  p[s.n] = '\0';
  return p;
}

void ss_arena_free(ss_arena *a) {
  while (a->chunk) {
    ss_arena_chunk *chunk = a->chunk;
    a->chunk = chunk->next;
    SS_UNPOISON(chunk->p, chunk->size);
    ss_free(chunk);
  }
  a->total = 0;
}
