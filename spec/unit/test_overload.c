/* ua/overload.c: how many calls may begin in a turn. */
#include "ua/ua.h"

#include "sip_fixture.h"

static ss_loop loop;
static ss_endpoint *e;

static int begin(void **state) {
  int rc = count_alive(state);
  loop = (ss_loop){0};
  e = ss_alloc(sizeof *e);
  e->loop = &loop;
  ss_overload_init(e);
  return rc;
}

static int finish(void **state) {
  ss_free(e);
  return nothing_left(state);
}

/* The next turn, after one that took so long. */
static void turn(uint32_t took, bool behind) {
  loop.pace.turn++;
  loop.pace.took = took;
  loop.pace.behind = behind;
}

static unsigned admitted(unsigned asked) {
  unsigned n = 0;
  while (asked--)
    n += !ss_overload_refuses(e);
  return n;
}

static void any_number_may_begin_while_they_cost_little(void **state) {
  (void)state;
  turn(9, false); /* which had none: it says nothing */
  assert_int_equal(admitted(1000), 1000);
  turn(0, false);
  assert_int_equal(admitted(100000), 100000);
}

static void none_may_begin_after_a_turn_that_left_some_unread(void **state) {
  (void)state;
  turn(1, true);
  assert_int_equal(admitted(1000), 0);
  turn(1, false);
  assert_int_equal(admitted(1000), 1000);
}

static void as_many_may_begin_as_fit_by_what_they_cost(void **state) {
  (void)state;
  turn(1, false);
  assert_int_equal(admitted(100), 100);
  turn(100, false); /* 1 ms each */
  assert_int_equal(admitted(1000), 150);
  turn(750, false); /* 5 ms; on average 2 */
  assert_int_equal(admitted(1000), 75);
}

/* A turn of refusals is short; what calls cost isn't forgotten over it. */
static void the_cost_is_remembered(void **state) {
  (void)state;
  turn(1, false);
  assert_int_equal(admitted(100), 100);
  turn(1000, true);
  assert_int_equal(admitted(100), 0);
  turn(1, false);
  assert_int_equal(admitted(100), 15);
}

static void few_may_begin_after_any_turn(void **state) {
  (void)state;
  turn(1, false);
  assert_int_equal(admitted(1), 1);
  turn(60000, false);
  assert_int_equal(admitted(100), 4);
  for (int i = 0; i < 20; i++) {
    turn(0, false);
    admitted(4);
  }
  turn(0, false);
  assert_true(admitted(1000) > 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(any_number_may_begin_while_they_cost_little),
      T(none_may_begin_after_a_turn_that_left_some_unread),
      T(as_many_may_begin_as_fit_by_what_they_cost),
      T(the_cost_is_remembered),
      T(few_may_begin_after_any_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
