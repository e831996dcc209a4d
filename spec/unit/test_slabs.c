/* The core's small blocks: their sizes, that no two overlap, that what is
 * empty goes back to the kernel, threads, forks, and a process that has no
 * addresses to spare. Nothing of it is there under a sanitizer or valgrind. */
#include "base/alloc.h"
#include "base/slabs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "resident.h"

#define MOST 4096

static void need_slabs(void) {
  void *p = ss_slab_take(1);
  if (!p)
    skip();
  ss_slab_give(p);
}

static void blocks_are_aligned_and_little_larger_than_asked(void **state) {
  (void)state;
  need_slabs();
  for (size_t n = 1; n <= MOST; n++) {
    void *p = ss_slab_take(n);
    size_t room = ss_slab_room(p);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_in_range(room, n, n < 256 ? n + 15 : n + n / 8);
    ss_slab_give(p);
  }
  assert_null(ss_slab_take(MOST + 1));
}

static void other_blocks_are_told_apart(void **state) {
  char here, *there, *large;
  (void)state;
  need_slabs();
  there = malloc(100);
  large = malloc(10 << 20);
  assert_int_equal(ss_slab_room(NULL), 0);
  assert_int_equal(ss_slab_room(&here), 0);
  assert_int_equal(ss_slab_room(there), 0);
  assert_int_equal(ss_slab_room(large), 0);
  free(there);
  free(large);
}

#define BLOCKS 40000

typedef struct block {
  unsigned char *p;
  size_t n;
} block;

/* Deterministic, and no more than that. */
static uint32_t draw(uint32_t *seed) {
  *seed = *seed * 1664525 + 1013904223;
  return *seed >> 8;
}

static void take(block *b, uint32_t *seed) {
  b->n = draw(seed) % MOST + 1;
  b->p = ss_slab_take(b->n);
  assert_non_null(b->p);
  memset(b->p, (int)(b->n & 0xff), b->n);
}

static void give(block *b) {
  for (size_t i = 0; i < b->n; i++) {
    if (b->p[i] != (b->n & 0xff))
      fail_msg("a block of %zu was written to by another", b->n);
  }
  ss_slab_give(b->p);
  b->p = NULL;
}

static void no_two_blocks_overlap(void **state) {
  static block b[2000];
  uint32_t seed = 1;
  (void)state;
  need_slabs();
  for (int i = 0; i < 100000; i++) {
    block *one = &b[draw(&seed) % 2000];
    if (one->p)
      give(one);
    else
      take(one, &seed);
  }
  for (int i = 0; i < 2000; i++) {
    if (b[i].p)
      give(&b[i]);
  }
}

static void empty_slabs_go_back_to_the_kernel(void **state) {
  static block b[BLOCKS];
  uint32_t seed = 2;
  size_t before, after;
  (void)state;
  need_slabs();
  ss_slabs_trim_all();
  memset(b, 1, sizeof b); /* these pages are ours for good */
  before = resident_kb();
  for (int i = 0; i < BLOCKS; i++)
    take(&b[i], &seed);
  assert_true(resident_kb() > before + 70000); /* 80 MB */
  for (int i = 1; i < BLOCKS; i++)
    give(&b[i]);
  ss_slabs_trim_all();
  after = resident_kb();
  if (after > before + 250)
    fail_msg("%zu KB at first, %zu KB are left", before, after);
  for (int i = 1; i < BLOCKS; i++) /* and are taken again */
    take(&b[i], &seed);
  for (int i = 0; i < BLOCKS; i++)
    give(&b[i]);
}

/* All but every `kept`th have gone. */
static void fill_and_thin(block *b, size_t kept, uint32_t *seed) {
  for (size_t i = 0; i < BLOCKS; i++)
    take(&b[i], seed);
  for (size_t i = 0; i < BLOCKS; i++) {
    if (i % kept != 0)
      give(&b[i]);
  }
}

static void give_all(block *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (b[i].p)
      give(&b[i]);
  }
}

/* How many parts there were, none of which took more than four megabytes. */
static int trim_in_parts(void) {
  size_t at = 0, before, after = resident_kb();
  int parts = 0;
  do {
    before = after;
    at = ss_slabs_trim(at);
    after = resident_kb();
    if (before > after + 4096 + 64)
      fail_msg("%zu KB went back at once", before - after);
    parts++;
  } while (at);
  return parts;
}

/* Where each chunk keeps a block, and where next to none does. */
static void what_goes_back_does_so_in_parts(void **state) {
  static block b[BLOCKS];
  uint32_t seed = 3;
  (void)state;
  need_slabs();
  ss_slabs_trim_all();
  memset(b, 1, sizeof b);
  for (size_t kept = 200; kept <= BLOCKS; kept *= 200) {
    size_t after, before = resident_kb();
    fill_and_thin(b, kept, &seed);
    assert_in_range(trim_in_parts(), 80 / 4, 80 / 2 + 5);
    after = resident_kb();
    if (after > before + BLOCKS / kept * 16 + 250) /* a slab each */
      fail_msg("%zu KB at first, %zu KB are left", before, after);
    assert_in_range(trim_in_parts(), 2, 3); /* there is nothing, to see that */
    give_all(b, BLOCKS);
    ss_slabs_trim_all();
  }
}

/* New chunks, and some that went back, are used in between. */
static void what_is_used_between_the_parts_is_left_alone(void **state) {
  static block b[BLOCKS], other[2 * BLOCKS];
  uint32_t seed = 4;
  size_t before, after, at = 0, n = 0;
  (void)state;
  need_slabs();
  ss_slabs_trim_all();
  memset(b, 1, sizeof b);
  memset(other, 1, sizeof other);
  memset(other, 0, sizeof other);
  before = resident_kb();
  fill_and_thin(b, BLOCKS / 4, &seed);
  do {
    at = ss_slabs_trim(at);
    for (int i = 0; i < 900 && n < 2 * BLOCKS; i++)
      take(&other[n++], &seed);
    for (int i = 0; i < 300; i++) {
      block *one = &other[draw(&seed) % n];
      if (one->p)
        give(one);
    }
  } while (at);
  give_all(other, n);
  trim_in_parts();
  after = resident_kb();
  if (after > before + 400)
    fail_msg("%zu KB at first, %zu KB are left", before, after);
  give_all(b, BLOCKS);
}

static void addresses_go_back_with_the_last_block(void **state) {
  void *p;
  (void)state;
  need_slabs();
  p = ss_slab_take(100);
  ss_slabs_trim_all();
  assert_int_equal(ss_slab_room(p), 112);
  ss_slab_give(p);
  ss_slabs_trim_all();
  assert_int_equal(ss_slab_room(p), 0);
  p = ss_slab_take(100);
  assert_int_equal(ss_slab_room(p), 112);
  ss_slab_give(p);
}

static void content_moves_along_from_size_to_size(void **state) {
  char *p = NULL;
  (void)state;
  for (size_t n = 1; n <= 10000; n += 37) {
    p = ss_realloc(p, n);
    assert_non_null(p);
    if (n > 37)
      assert_int_equal(p[n - 38], (char)(n - 37));
    p[n - 1] = (char)n;
  }
  for (size_t n = 9991; n > 37; n -= 37) {
    p = ss_realloc(p, n);
    assert_non_null(p);
    assert_int_equal(p[n - 1], (char)n);
  }
  ss_free(p);
}

static void block_that_shrinks_stays_within_its_new_one(void **state) {
  unsigned char *p[3], *large;
  (void)state;
  need_slabs();
  for (int i = 0; i < 3; i++)
    p[i] = ss_alloc(112);
  memset(p[2], 2, 112);
  large = ss_alloc(4000);
  memset(large, 1, 4000);
  ss_free(p[1]);
  assert_ptr_equal(ss_realloc(large, 112), p[1]);
  for (int i = 0; i < 112; i++)
    assert_int_equal(p[2][i], 2);
  for (int i = 0; i < 3; i++)
    ss_free(p[i]);
}

/* Blocks that one thread takes and another gives. */
#define THREADS 4
#define SHARED 200

static block shared[SHARED];
static pthread_mutex_t lock_of[SHARED];
static volatile bool stop;

static void *exchange(void *arg) {
  uint32_t seed = (uint32_t)(uintptr_t)arg;
  for (int i = 0; i < 50000 && !stop; i++) {
    uint32_t at = draw(&seed) % SHARED;
    pthread_mutex_lock(&lock_of[at]);
    if (shared[at].p)
      give(&shared[at]);
    else
      take(&shared[at], &seed);
    pthread_mutex_unlock(&lock_of[at]);
  }
  return NULL;
}

static void start_threads(pthread_t *thread) {
  for (int i = 0; i < SHARED; i++)
    pthread_mutex_init(&lock_of[i], NULL);
  stop = false;
  for (uintptr_t i = 0; i < THREADS; i++) {
    assert_int_equal(
        pthread_create(&thread[i], NULL, exchange, (void *)(i + 1)), 0);
  }
}

static void join_threads(pthread_t *thread) {
  for (int i = 0; i < THREADS; i++)
    pthread_join(thread[i], NULL);
  for (int i = 0; i < SHARED; i++) {
    if (shared[i].p)
      give(&shared[i]);
  }
}

static void threads_share_the_heap(void **state) {
  pthread_t thread[THREADS];
  (void)state;
  need_slabs();
  start_threads(thread);
  join_threads(thread);
}

static void forked_child_is_not_locked_out(void **state) {
  pthread_t thread[THREADS];
  (void)state;
  need_slabs();
  start_threads(thread);
  for (int i = 0; i < 50; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
      alarm(5); /* a lock that nobody gives back */
      _exit(ss_slab_take(64) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
  }
  stop = true;
  join_threads(thread);
}

static void process_without_addresses_to_spare_uses_the_c_library(void **s) {
  int status;
  (void)s;
  need_slabs();
  ss_slabs_trim_all();
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit few = {1 << 30, RLIM_INFINITY};
    struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &few);
    if (ss_slab_take(100) || !ss_alloc(100))
      _exit(1);
    setrlimit(RLIMIT_AS, &any);
    if (ss_slab_take(100)) /* the kernel isn't asked each time */
      _exit(2);
    ss_slabs_trim_all();
    _exit(!ss_slab_take(100));
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_aligned_and_little_larger_than_asked),
      cmocka_unit_test(other_blocks_are_told_apart),
      cmocka_unit_test(no_two_blocks_overlap),
      cmocka_unit_test(empty_slabs_go_back_to_the_kernel),
      cmocka_unit_test(what_goes_back_does_so_in_parts),
      cmocka_unit_test(what_is_used_between_the_parts_is_left_alone),
      cmocka_unit_test(addresses_go_back_with_the_last_block),
      cmocka_unit_test(content_moves_along_from_size_to_size),
      cmocka_unit_test(block_that_shrinks_stays_within_its_new_one),
      cmocka_unit_test(threads_share_the_heap),
      cmocka_unit_test(forked_child_is_not_locked_out),
      cmocka_unit_test(process_without_addresses_to_spare_uses_the_c_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
