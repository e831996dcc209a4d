/* The core's only door to the heap: counts what is made and what is alive,
 * makes one allocation fail on demand. The counters are shared by all
 * threads. */
#include "base/alloc.h"
#include "base/slabs.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t n) {
  void *p = ss_slab_take(n);
  return p ? p : malloc(n);
}

static void *move(void *p, size_t room, size_t n) {
  void *q = take(n);
  if (!q)
    return NULL;
  memcpy(q, p, n < room ? n : room);
  ss_slab_give(p);
  return q;
}

/* Which block goes where is its size's and, from then on, its address's. */
static void *system_resize(void *p, size_t n) {
  size_t room;
  if (!p)
    return take(n);
  room = ss_slab_room(p);
  if (room && n == 0)
    ss_slab_give(p);
  else if (room)
    return n <= room && n >= room / 2 ? p : move(p, room, n);
  else if (n)
    return realloc(p, n);
  else
    free(p);
  return NULL;
}

/* From here on the C library asks the kernel each time. */
#define LARGE 131072

static ss_allocator current = {system_resize};
static atomic_size_t made, alive;
static atomic_long fail_at;

/* Is this the allocation that has to fail? */
static bool fails(void) {
  if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= 0)
    return false;
  return atomic_fetch_sub_explicit(&fail_at, 1, memory_order_relaxed) == 1;
}

static void count(size_t blocks) {
  atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&alive, blocks, memory_order_relaxed);
}

void *ss_alloc(size_t n) {
  void *p;
  if (fails())
    return NULL;
  if (n == 0)
    n = 1;
  if (current.resize == system_resize && n > LARGE) {
    p = calloc(1, n); /* pages that come zeroed */
  } else {
    p = current.resize(NULL, n);
    if (p)
      memset(p, 0, n);
  }
  if (p)
    count(1);
  return p;
}

void *ss_realloc(void *p, size_t n) {
  void *q;
  if (n == 0) {
    ss_free(p);
    return NULL;
  }
  if (fails())
    return NULL;
  q = current.resize(p, n);
  if (q)
    count(p ? 0 : 1);
  return q;
}

void ss_free(void *p) {
  if (!p)
    return;
  atomic_fetch_sub_explicit(&alive, 1, memory_order_relaxed);
  current.resize(p, 0);
}

size_t ss_alloc_trim(size_t from) {
  size_t next = ss_slabs_trim(from);
#ifdef __GLIBC__
  if (!next)
    malloc_trim(0);
#endif
  return next;
}

/* glibc keeps small blocks as they are given back, and joins all of them with
 * their neighbours when somebody asks for a large one (malloc_consolidate). */
void ss_alloc_tidy(void) {
#ifdef __GLIBC__
  void *volatile large = malloc(2048);
  free(large);
#endif
}

void ss_alloc_set(const ss_allocator *allocator) {
  current.resize = allocator ? allocator->resize : system_resize;
}

void ss_alloc_fail_at(long n) {
  atomic_store(&fail_at, n > 0 ? n : 0);
}

size_t ss_alloc_made(void) {
  return atomic_load_explicit(&made, memory_order_relaxed);
}

size_t ss_alloc_alive(void) {
  return atomic_load_explicit(&alive, memory_order_relaxed);
}
