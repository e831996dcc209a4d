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
static void turn(uint32_t took, uint32_t behind) {
  loop.pace.late = true;
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
  turn(9, 0); /* which had none: it says nothing */
  assert_int_equal(admitted(1000), 1000);
  turn(0, 0);
  assert_int_equal(admitted(100000), 100000);
}

static void none_may_begin_once_turn_after_turn_left_some_unread(void **state) {
  (void)state;
  turn(3, 3); /* one burst */
  assert_int_equal(admitted(1000), 1000);
  turn(1, 51);
  assert_int_equal(admitted(1000), 0);
  turn(1, 51);
  loop.pace.late = false; /* not many */
  assert_int_equal(admitted(1000), 1000);
  turn(1, 0);
  assert_int_equal(admitted(1000), 1000);
}

static void as_many_may_begin_as_fit_by_what_they_cost(void **state) {
  (void)state;
  turn(1, 0);
  assert_int_equal(admitted(100), 100);
  turn(100, 0); /* 1 ms each */
  assert_int_equal(admitted(1000), 150);
  turn(750, 0); /* 5 ms; 825 for 225 of late */
  assert_int_equal(admitted(1000), 40);
}

/* It had other things to do. */
static void a_long_turn_in_which_few_began_says_little(void **state) {
  (void)state;
  turn(1, 0);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(admitted(100), 100);
    turn(5, 0);
  }
  assert_int_equal(admitted(1), 1);
  turn(30, 0);
  assert_true(admitted(1000) == 1000);
}

/* A turn of refusals is short; what calls cost isn't forgotten over it. */
static void the_cost_is_remembered(void **state) {
  (void)state;
  turn(1, 0);
  assert_int_equal(admitted(100), 100);
  turn(1000, 1000);
  assert_int_equal(admitted(100), 0);
  turn(1, 0);
  assert_int_equal(admitted(100), 15);
}

static void few_may_begin_after_any_turn(void **state) {
  (void)state;
  turn(1, 0);
  assert_int_equal(admitted(1), 1);
  turn(60000, 0);
  assert_int_equal(admitted(100), 4);
  for (int i = 0; i < 20; i++) {
    turn(0, 0);
    admitted(4);
  }
  turn(0, 0);
  assert_true(admitted(1000) > 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(any_number_may_begin_while_they_cost_little),
      T(none_may_begin_once_turn_after_turn_left_some_unread),
      T(as_many_may_begin_as_fit_by_what_they_cost),
      T(a_long_turn_in_which_few_began_says_little),
      T(the_cost_is_remembered),
      T(few_may_begin_after_any_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
