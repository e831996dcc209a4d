/* Slabs lie in chunks, and those in one range of addresses that is reserved at
 * first use: whether a block is from here is a comparison, and the slab of a
 * block is in its address. */
#include "base/slabs.h"
#include "base/list.h"
#include "base/poison.h"
#include <stdint.h>

#if defined(__linux__) && !defined(SS_SANITIZED) && !defined(SS_NO_SLABS)

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)2 << 20)
#define SLAB ((size_t)16 << 10)
#define SLABS (CHUNK / SLAB)
#define RANGE ((size_t)16 << 30) /* of addresses */
#define MOST 4096                /* bytes */
#define HEAD 8192                /* bytes of a chunk that are no slab's */
#define CHUNKS (RANGE / CHUNK)

/* One part of a trim: a millisecond, at 0.2 ms a megabyte in the kernel. */
#define PART (2 * CHUNK) /* bytes that go back */
#define LOOKS 32         /* chunks, whose heads are in no cache */

/* Sizes: steps of 16 bytes up to 256, then eight to each power of two. */
#define FINE 16
#define FINE_MOST 256
#define STEPS 8
#define SIZES (FINE_MOST / FINE + 4 * STEPS)

typedef struct slab {
  ss_list node; /* in `room` of its size, or in `empty` */
  void *free;   /* blocks given back, each points at the next */
  char *fresh;  /* from here on none has been used */
  uint16_t size, used, capacity; /* of a block, and in blocks */
  uint8_t index;                 /* of its size */
  bool returned;                 /* its pages are the kernel's */
} slab;

/* At the start of each chunk, whose first slab is so much shorter. */
typedef struct chunk {
  slab slab[SLABS];
  size_t used;  /* slabs that have a block */
  bool stirred; /* one of them has lost its last since a trim */
} chunk;

_Static_assert(sizeof(chunk) <= HEAD, "a chunk's slabs begin behind its head");

static struct {
  pthread_mutex_t lock;
  _Atomic(char *) from; /* the first chunk; NULL: nothing is reserved */
  char *end;            /* of the chunks that have been there */
  void *range;          /* as mapped */
  bool refused; /* the range, by the kernel: not asked for until a trim */
  size_t used;  /* slabs that have a block */
  ss_list room[SIZES]; /* slabs with both used and free blocks */
  ss_list empty;       /* those used last come first: they may be in a cache */
  uint64_t vacant[CHUNKS / 64]; /* a bit each: went back as a whole */
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t index_of(size_t n) {
  if (n <= FINE_MOST)
    return (n + FINE - 1) / FINE - 1;
  size_t log = 63 - (size_t)__builtin_clzll(n - 1); /* 8: up to 512 */
  return FINE_MOST / FINE + (log - 8) * STEPS +
         ((n - 1 - ((size_t)1 << log)) >> (log - 3));
}

static size_t size_of(size_t index) {
  if (index < FINE_MOST / FINE)
    return (index + 1) * FINE;
  index -= FINE_MOST / FINE;
  return (STEPS + index % STEPS + 1) << (index / STEPS + 5);
}

static chunk *chunk_of(const void *p) {
  return (chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK - 1));
}

static slab *slab_of(const void *p) {
  return &chunk_of(p)->slab[(uintptr_t)p % CHUNK / SLAB];
}

/* Its space, and how much that is. */
static char *space_of(slab *s, size_t *n) {
  chunk *c = chunk_of(s);
  size_t at = s == c->slab ? HEAD : (size_t)(s - c->slab) * SLAB;
  *n = SLAB - at % SLAB;
  return (char *)c + at;
}

static void lock(void) {
  pthread_mutex_lock(&heap.lock);
}

static void unlock(void) {
  pthread_mutex_unlock(&heap.lock);
}

/* A child must not inherit a lock that a thread it hasn't got holds. */
__attribute__((constructor)) static void at_load(void) {
  pthread_atfork(lock, unlock, unlock);
}

static bool reserve(void) {
  if (heap.refused)
    return false;
  char *p = mmap(NULL, RANGE + CHUNK, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  heap.refused = p == MAP_FAILED;
  if (heap.refused)
    return false;
  heap.range = p;
  heap.end = p + (CHUNK - (uintptr_t)p % CHUNK);
  heap.from = heap.end;
  ss_list_init(&heap.empty);
  for (size_t i = 0; i < SIZES; i++)
    ss_list_init(&heap.room[i]);
  return true;
}

/* The lowest that is vacant, or one more; NULL: no memory. */
static chunk *find_chunk(void) {
  for (size_t i = 0; i < CHUNKS / 64; i++) {
    if (heap.vacant[i]) {
      size_t bit = (size_t)__builtin_ctzll(heap.vacant[i]);
      heap.vacant[i] &= heap.vacant[i] - 1;
      return (chunk *)(void *)(heap.from + (i * 64 + bit) * CHUNK);
    }
  }
  char *p = heap.end;
  if (p == heap.from + RANGE || mprotect(p, CHUNK, PROT_READ | PROT_WRITE) != 0)
    return NULL;
  heap.end += CHUNK;
  return (chunk *)(void *)p;
}

static bool add_chunk(void) {
  if (!heap.from && !reserve())
    return false;
  chunk *c = find_chunk();
  if (!c)
    return false;
  for (size_t i = 0; i < SLABS; i++)
    ss_list_append(&heap.empty, &c->slab[i].node);
  return true;
}

static slab *new_slab(size_t index) {
  if (ss_list_empty(&heap.empty) && !add_chunk())
    return NULL;
  slab *s = SS_CONTAINER(ss_list_shift(&heap.empty), slab, node);
  size_t n, size = size_of(index);
  s->fresh = space_of(s, &n);
  s->free = NULL;
  s->size = (uint16_t)size;
  s->capacity = (uint16_t)(n / size);
  s->index = (uint8_t)index;
  s->returned = false;
  ss_list_append(&heap.room[index], &s->node);
  chunk_of(s)->used++;
  heap.used++;
  return s;
}

static void *take(size_t index) {
  ss_list *room = &heap.room[index];
  slab *s = ss_list_empty(room) ? new_slab(index)
                                : SS_CONTAINER(room->next, slab, node);
  if (!s)
    return NULL;
  void *p = s->free;
  if (p) {
    s->free = *(void **)p;
  } else {
    p = s->fresh;
    s->fresh += s->size;
  }
  if (++s->used == s->capacity)
    ss_list_remove(&s->node);
  return p;
}

static void give(slab *s, void *p) {
  *(void **)p = s->free;
  s->free = p;
  if (s->used-- == s->capacity)
    ss_list_append(&heap.room[s->index], &s->node);
  if (s->used)
    return;
  ss_list_remove(&s->node);
  ss_list_append(heap.empty.next, &s->node); /* first */
  chunk_of(s)->used--;
  chunk_of(s)->stirred = true;
  heap.used--;
}

void *ss_slab_take(size_t n) {
  if (n > MOST)
    return NULL;
  lock();
  void *p = take(index_of(n));
  unlock();
  return p;
}

size_t ss_slab_room(const void *p) {
  char *from = atomic_load_explicit(&heap.from, memory_order_acquire);
  bool ours = from && (uintptr_t)p - (uintptr_t)from < RANGE;
  return ours ? slab_of(p)->size : 0;
}

void ss_slab_give(void *p) {
  lock();
  give(slab_of(p), p);
  unlock();
}

static void vacate(chunk *c, size_t i) {
  for (size_t k = 0; k < SLABS; k++)
    ss_list_remove(&c->slab[k].node);
  madvise(c, CHUNK, MADV_DONTNEED);
  heap.vacant[i / 64] |= (uint64_t)1 << i % 64;
}

/* Neighbours together: asking the kernel costs more than the pages. Returns
 * how many bytes. */
static size_t return_slabs(chunk *c) {
  size_t bytes = 0;
  if (!c->stirred)
    return 0;
  c->stirred = false;
  for (size_t k = 0; k < SLABS; k++) {
    size_t n, run = 0;
    char *space = space_of(&c->slab[k], &n);
    for (; k < SLABS && !c->slab[k].used && !c->slab[k].returned; k++) {
      c->slab[k].returned = true;
      run += run ? SLAB : n;
    }
    if (run)
      madvise(space, run, MADV_DONTNEED);
    bytes += run;
  }
  return bytes;
}

static size_t return_chunk(size_t i) {
  chunk *c = (chunk *)(void *)(heap.from + i * CHUNK);
  if (heap.vacant[i / 64] >> i % 64 & 1)
    return 0;
  if (c->used)
    return return_slabs(c);
  vacate(c, i);
  return CHUNK;
}

static size_t return_chunks(size_t from) {
  size_t bytes = 0;
  for (size_t i = from; heap.from + i * CHUNK < heap.end; i++) {
    if (i - from == LOOKS || bytes > PART - CHUNK)
      return i;
    bytes += return_chunk(i);
  }
  return 0;
}

size_t ss_slabs_trim(size_t from) {
  size_t next = 0;
  lock();
  heap.refused = false;
  if (heap.from && heap.used) {
    next = return_chunks(from);
  } else if (heap.from) {
    heap.from = NULL; /* before others may get these addresses */
    munmap(heap.range, RANGE + CHUNK);
    ss_list_init(&heap.empty);
    memset(heap.vacant, 0, sizeof heap.vacant);
  }
  unlock();
  return next;
}

/* A state that is closed unloads the library. */
__attribute__((destructor)) static void at_unload(void) {
  ss_slabs_trim_all();
}

#else

void *ss_slab_take(size_t n) {
  (void)n;
  return NULL;
}

size_t ss_slab_room(const void *p) {
  (void)p;
  return 0;
}

void ss_slab_give(void *p) {
  (void)p;
}

size_t ss_slabs_trim(size_t from) {
  (void)from;
  return 0;
}

#endif

void ss_slabs_trim_all(void) {
  size_t at = 0;
  do
    at = ss_slabs_trim(at);
  while (at);
}
