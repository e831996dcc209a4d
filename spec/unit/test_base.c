/* The small things of the base floor: allocation, errors, hash table, arena,
 * buffers, packets, identifiers. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static size_t alive_before;

static int remember(void **state) {
  (void)state;
  alive_before = ss_alloc_alive();
  return 0;
}

static int nothing_leaks(void **state) {
  (void)state;
  ss_alloc_fail_at(0);
  return ss_alloc_alive() == alive_before ? 0 : -1;
}

static void allocation_is_zeroed_and_counted(void **state) {
  size_t made = ss_alloc_made();
  char *p = ss_alloc(100);
  (void)state;
  assert_non_null(p);
  for (int i = 0; i < 100; i++)
    assert_int_equal(p[i], 0);
  p = ss_realloc(p, 200);
  assert_int_equal(ss_alloc_made(), made + 2);
  assert_int_equal(ss_alloc_alive(), alive_before + 1);
  assert_null(ss_realloc(p, 0));
}

static void only_the_nth_allocation_fails(void **state) {
  void *a, *b;
  (void)state;
  ss_alloc_fail_at(2);
  a = ss_alloc(1);
  assert_non_null(a);
  assert_null(ss_alloc(1));
  b = ss_alloc(1);
  assert_non_null(b);
  ss_alloc_fail_at(1);
  assert_null(ss_realloc(a, 10));
  ss_free(a);
  ss_free(b);
  ss_free(NULL);
}

static void *dirty_resize(void *p, size_t n) {
  if (n == 0) {
    free(p);
    return NULL;
  }
  return p ? realloc(p, n) : memset(malloc(n), 0xa5, n);
}

static void memory_of_another_allocator_is_zeroed_too(void **state) {
  static const ss_allocator dirty = {dirty_resize};
  char *p;
  (void)state;
  ss_alloc_set(&dirty);
  p = ss_alloc(8);
  assert_int_equal(p[0] | p[7], 0);
  ss_free(p);
  ss_alloc_set(NULL);
}

static void errors_have_texts(void **state) {
  (void)state;
  assert_string_equal(ss_strerror(SS_ELIMIT), "over a limit");
  assert_string_equal(ss_strerror(-ECONNREFUSED), "Connection refused");
  assert_string_equal(ss_strerror(-999999), "unknown error");
  assert_string_equal(ss_strerror(0), "no error");
  assert_string_equal(ss_strerror(7), "unknown error");
}

typedef struct entry {
  ss_hnode node;
  int key;
} entry;

static void table_finds_what_was_put_in_while_it_grows(void **state) {
  static entry e[1000];
  ss_hash t;
  (void)state;
  assert_int_equal(ss_hash_init(&t), 0);
  for (int i = 0; i < 1000; i++) {
    e[i].key = i;
    /* Half of them share their hash with one other. */
    ss_hash_insert(&t, &e[i].node, ss_hash_add_u64(0, (uint64_t)i % 750));
  }
  for (int i = 0; i < 1000; i += 3)
    ss_hash_remove(&t, &e[i].node);
  ss_hash_remove(&t, &e[0].node);
  for (int i = 0; i < 1000; i++) {
    int found = 0;
    ss_hnode *n = ss_hash_first(&t, ss_hash_add_u64(0, (uint64_t)i % 750));
    for (; n; n = ss_hash_next(&t, n))
      found += SS_CONTAINER(n, entry, node)->key == i;
    assert_int_equal(found, i % 3 != 0);
  }
  while (t.count)
    ss_hash_remove(&t, ss_hash_any(&t));
  assert_null(ss_hash_any(&t));
  assert_null(ss_hash_first(&t, 1));
  ss_hash_insert(&t, &e[5].node, 3); /* below where emptying has come to */
  assert_ptr_equal(ss_hash_any(&t), &e[5].node);
  ss_hash_free(&t);
}

/* Those of one hash, one after another, and no other of their bucket. */
static void hash_goes_through_all_of_one_hash(void **state) {
  static entry e[40];
  ss_hash t;
  (void)state;
  assert_int_equal(ss_hash_init(&t), 0);
  for (int i = 0; i < 40; i++)
    ss_hash_insert(&t, &e[i].node, i % 2 ? 7 : 7 | UINT64_C(1) << (32 + i % 3));
  for (int left = 20; left >= 0; left--) {
    int found = 0;
    for (ss_hnode *n = ss_hash_first(&t, 7); n; n = ss_hash_next(&t, n)) {
      entry *x = SS_CONTAINER(n, entry, node);
      assert_int_equal((x - e) % 2, 1);
      assert_int_equal(x->key++, 20 - left);
      found++;
    }
    assert_int_equal(found, left);
    if (left)
      ss_hash_remove(&t, &e[left * 7 % 20 * 2 + 1].node);
  }
  assert_int_equal(t.count, 20);
  ss_hash_free(&t);
}

static void table_that_cannot_grow_still_takes_nodes(void **state) {
  static entry e[1000];
  ss_hash t;
  (void)state;
  ss_alloc_fail_at(1);
  assert_int_equal(ss_hash_init(&t), SS_ENOMEM);
  ss_hash_free(&t);
  assert_int_equal(ss_hash_init(&t), 0);
  for (uint64_t i = 0; i < 1000; i++) {
    ss_alloc_fail_at(1);
    ss_hash_insert(&t, &e[i].node, i);
  }
  ss_alloc_fail_at(0);
  for (uint64_t i = 0; i < 1000; i++)
    assert_ptr_equal(ss_hash_first(&t, i), &e[i].node);
  ss_hash_free(&t);
}

#define MANY 20000

static void fill(ss_hash *t, entry *e) {
  assert_int_equal(ss_hash_init(t), 0);
  for (int i = 0; i < MANY; i++) {
    e[i] = (entry){.key = i};
    ss_hash_insert(t, &e[i].node, ss_hash_add_u64(0, (uint64_t)i));
  }
}

static void all_are_there(const ss_hash *t, const entry *e, int from) {
  for (int i = from; i < MANY; i++)
    assert_ptr_equal(ss_hash_first(t, ss_hash_add_u64(0, (uint64_t)i)),
                     &e[i].node);
}

static void table_grows_and_shrinks_a_bucket_at_a_time(void **state) {
  static entry e[MANY];
  ss_hash t;
  (void)state;
  fill(&t, e);
  assert_in_range(t.size, MANY * 2 / 5, MANY * 2 / 5 + 1);
  for (int i = 0; i < MANY - 10; i++) {
    size_t size = t.size;
    ss_hash_remove(&t, &e[i].node);
    assert_true(t.size == 64 || t.count >= t.size);
    assert_true(size - t.size <= 1);
    assert_true(t.high <= t.size);
    if (i % 1000 == 0)
      all_are_there(&t, e, i + 1);
  }
  assert_int_equal(t.size, 64);
  all_are_there(&t, e, MANY - 10);
  while (t.count)
    ss_hash_remove(&t, ss_hash_any(&t));
  ss_hash_free(&t);
}

static void table_is_emptied_in_linear_time(void **state) {
  static entry e[MANY];
  ss_hash t;
  size_t looked = 0;
  (void)state;
  fill(&t, e);
  while (t.count) {
    size_t high = t.high;
    ss_hnode *n = ss_hash_any(&t);
    assert_true(high >= t.high);
    looked += high - t.high + 1;
    ss_hash_remove(&t, n);
  }
  assert_true(looked <= 3 * MANY);
  ss_hash_free(&t);
}

static void table_that_has_shrunk_is_far_from_growing(void **state) {
  static entry e[MANY];
  ss_hash t;
  size_t made;
  (void)state;
  fill(&t, e);
  for (int i = 0; t.size >= MANY * 2 / 5; i++)
    ss_hash_remove(&t, &e[i].node);
  made = ss_alloc_made();
  for (int i = 0; i < 1000; i++) { /* to and fro about where it shrank */
    ss_hash_insert(&t, &e[0].node, ss_hash_add_u64(0, 0));
    ss_hash_remove(&t, &e[0].node);
  }
  assert_int_equal(ss_alloc_made(), made);
  ss_hash_free(&t);
}

static void table_that_could_not_grow_makes_up_for_it(void **state) {
  static entry e[MANY];
  ss_hash t;
  (void)state;
  assert_int_equal(ss_hash_init(&t), 0);
  for (int i = 0; i < MANY; i++) {
    e[i] = (entry){.key = i};
    if (i < MANY / 3)
      ss_alloc_fail_at(1);
    ss_hash_insert(&t, &e[i].node, ss_hash_add_u64(0, (uint64_t)i));
  }
  assert_in_range(t.size, MANY * 2 / 5, MANY * 2 / 5 + 1);
  all_are_there(&t, e, 0);
  ss_hash_free(&t);
}

static void hash_depends_on_pieces_and_their_boundaries(void **state) {
  uint64_t ab_c = ss_hash_add(ss_hash_add(0, SS_STR("ab")), SS_STR("c"));
  uint64_t a_bc = ss_hash_add(ss_hash_add(0, SS_STR("a")), SS_STR("bc"));
  (void)state;
  assert_true(ab_c != a_bc);
  assert_true(ss_hash_add(0, SS_STR("")) != 0);
  assert_true(ab_c == ss_hash_add(ss_hash_add(0, SS_STR("ab")), SS_STR("c")));
  assert_true(ss_hash_add(0, SS_STR("12345678")) !=
              ss_hash_add(0, SS_STR("123456789")));
}

static void arena_is_aligned_bounded_and_reusable(void **state) {
  ss_arena a;
  (void)state;
  ss_arena_init(&a, 10000);
  for (int round = 0; round < 2; round++) {
    size_t got = 0;
    for (;;) {
      char *p = ss_arena_alloc(&a, 100);
      if (!p)
        break;
      assert_int_equal((uintptr_t)p % 16, 0);
      memset(p, 1, 100);
      assert_true(ss_arena_owns(&a, p));
      got += 100;
    }
    assert_true(got > 8000 && got <= 10000);
    assert_true(a.total <= 10000);
    assert_null(ss_arena_alloc(&a, SIZE_MAX));
    assert_null(ss_arena_grow(&a, NULL, SIZE_MAX - 4));
    ss_arena_free(&a);
  }
  assert_false(ss_arena_owns(&a, &a));
}

static void arena_grows_in_place_only_the_newest(void **state) {
  ss_arena a;
  char *p, *q, *r;
  (void)state;
  ss_arena_init(&a, 100000);
  p = ss_arena_alloc(&a, 10);
  memcpy(p, "123456789", 10);
  assert_ptr_equal(ss_arena_grow(&a, p, 200), p);
  q = ss_arena_dup(&a, SS_STR("next"));
  assert_string_equal(q, "next");
  r = ss_arena_grow(&a, p, 5000);
  assert_ptr_not_equal(r, p);
  assert_string_equal(r, "123456789");
  assert_string_equal(q, "next");
  assert_null(ss_arena_grow(&a, &a, 10)); /* not its own */
  ss_arena_free(&a);
}

static void arena_without_memory_says_so(void **state) {
  ss_arena a;
  (void)state;
  ss_arena_init(&a, 1000);
  ss_alloc_fail_at(1);
  assert_null(ss_arena_alloc(&a, 10));
  assert_null(ss_arena_dup(&a, (ss_str){"x", 5000}));
  assert_non_null(ss_arena_alloc(&a, 10));
  ss_arena_free(&a);
}

static void buffer_takes_what_fits_and_then_nothing(void **state) {
  char room[12];
  ss_buf b = SS_BUF_ON(room, 10);
  (void)state;
  room[10] = '#';
  ss_buf_lit(&b, "abc");
  ss_buf_u64(&b, 120);
  ss_buf_u64(&b, 0);
  ss_buf_lit(&b, "too much");
  assert_true(b.full);
  ss_buf_char(&b, 'x');
  assert_true(ss_str_eq(ss_buf_view(&b), SS_STR("abc1200")));
  b = SS_BUF_ON(room, 10);
  ss_buf_lit(&b, "0123456789");
  assert_false(b.full);
  ss_buf_char(&b, 'x');
  assert_true(b.full);
  assert_int_equal(room[10], '#');
  b = SS_BUF_ON(room, 10);
  ss_buf_u64(&b, UINT64_MAX);
  assert_true(b.full && b.n == 0);
}

static void packet_lives_until_its_last_reference(void **state) {
  ss_packet *p = ss_packet_new(SS_STR("hello"));
  (void)state;
  assert_ptr_equal(ss_packet_ref(p), p);
  ss_packet_unref(p);
  assert_memory_equal(p->p, "hello", 5);
  assert_int_equal(p->n, 5);
  ss_packet_unref(p);
  ss_packet_unref(NULL);
}

static void identifiers_are_tokens_and_differ(void **state) {
  char a[SS_TAG_LEN], b[SS_TAG_LEN], br[SS_BRANCH_LEN];
  (void)state;
  ss_tag(a);
  ss_tag(b);
  assert_memory_not_equal(a, b, SS_TAG_LEN);
  assert_true(ss_str_is_token((ss_str){a, sizeof a}));
  ss_branch(br);
  assert_memory_equal(br, "z9hG4bK", 7);
  assert_true(ss_str_is_token((ss_str){br, sizeof br}));
  for (int i = 0; i < 1000; i++)
    assert_true(ss_random_below(7) < 7);
  assert_int_equal(ss_random_below(1), 0);
}

static void forked_child_makes_other_identifiers(void **state) {
  char mine[SS_TAG_LEN], its[SS_TAG_LEN];
  int fds[2];
  (void)state;
  ss_tag(mine); /* the pool is filled */
  assert_int_equal(pipe(fds), 0);
  pid_t pid = fork();
  if (pid == 0) {
    ss_tag(its);
    _exit(write(fds[1], its, sizeof its) == sizeof its ? 0 : 1);
  }
  ss_tag(mine);
  assert_int_equal(read(fds[0], its, sizeof its), sizeof its);
  assert_int_equal(waitpid(pid, NULL, 0), pid);
  assert_memory_not_equal(mine, its, SS_TAG_LEN);
  close(fds[0]);
  close(fds[1]);
}

static void list_keeps_order_and_is_emptied_safely(void **state) {
  ss_list l, other, n[3] = {{0}};
  (void)state;
  ss_list_init(&l);
  ss_list_remove(&n[0]); /* zeroed: in no list */
  for (int i = 0; i < 3; i++)
    ss_list_append(&l, &n[i]);
  ss_list_remove(&n[1]);
  ss_list_remove(&n[1]);
  assert_false(ss_list_linked(&n[1]));
  ss_list_take(&other, &l);
  assert_true(ss_list_empty(&l));
  assert_ptr_equal(ss_list_shift(&other), &n[0]);
  assert_ptr_equal(ss_list_shift(&other), &n[2]);
  assert_null(ss_list_shift(&other));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, remember, nothing_leaks)
  const struct CMUnitTest tests[] = {
      T(allocation_is_zeroed_and_counted),
      T(only_the_nth_allocation_fails),
      T(memory_of_another_allocator_is_zeroed_too),
      T(errors_have_texts),
      T(table_finds_what_was_put_in_while_it_grows),
      T(hash_goes_through_all_of_one_hash),
      T(table_that_cannot_grow_still_takes_nodes),
      T(table_grows_and_shrinks_a_bucket_at_a_time),
      T(table_is_emptied_in_linear_time),
      T(table_that_has_shrunk_is_far_from_growing),
      T(table_that_could_not_grow_makes_up_for_it),
      T(hash_depends_on_pieces_and_their_boundaries),
      T(arena_is_aligned_bounded_and_reusable),
      T(arena_grows_in_place_only_the_newest),
      T(arena_without_memory_says_so),
      T(buffer_takes_what_fits_and_then_nothing),
      T(packet_lives_until_its_last_reference),
      T(identifiers_are_tokens_and_differ),
      T(forked_child_makes_other_identifiers),
      T(list_keeps_order_and_is_emptied_safely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
