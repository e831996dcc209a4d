/* Out of memory at every allocation of a call in turn: one fails, all others
 * succeed; and at many at once. Whatever it was, nothing crashes and nothing is
 * left over, each accept ends exactly once, and the endpoint takes the next
 * call. */
#include "oom_fixture.h"

static void expect_nothing_left(world *w) {
  run(w, 80000);
  ss_alive alive = ss_endpoint_alive(w->endpoint);
  assert_int_equal(alive.sessions, 0);
  assert_int_equal(alive.lingering, 0);
  assert_int_equal(alive.dialogs, 0);
  assert_int_equal(alive.transactions, 0);
  assert_int_equal(w->participated, w->accepted);
  assert_int_equal(w->begun, w->completed);
}

/* The next call, with all the memory there is. */
static void expect_usable(world *w) {
  static const unsigned codes[] = {200, 200, 200, 200, 200, 486, 487, 408};
  int accepted = w->accepted, refreshes = w->refreshes;
  call(w);
  assert_int_equal(w->code, codes[w->plot]);
  bool answered = w->plot <= REFER;
  assert_int_equal(w->accepted, accepted + answered);
  assert_int_equal(w->bye_came, w->plot == HANG_UP);
  assert_int_equal(w->refreshes, refreshes + (w->plot == TIMED ? 2 : 0));
  assert_true(w->begun >= (w->plot == REFER ? 6 : 0));
}

/* False: the n-th was never asked for. */
static bool call_without(long n, bool tcp, plot what) {
  world w;
  size_t before = ss_alloc_alive();
  open_network(&w, tcp, what, &peer_handler);
  assert_int_equal(open_endpoint(&w, &handler), 0);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  call(&w);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  expect_nothing_left(&w);
  expect_usable(&w);
  expect_nothing_left(&w);
  ss_endpoint_close(w.endpoint, NULL);
  run(&w, 0); /* it waits for nobody */
  assert_int_equal(w.closed, 1);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void every_allocation(bool tcp, plot what) {
  long n = 1;
  while (call_without(n, tcp, what))
    n++;
  assert_true(n > 10);
}

static void an_answered_call(void **state) {
  (void)state;
  every_allocation(false, ANSWER);
}

static void an_answered_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, ANSWER);
}

static void a_call_that_we_hang_up(void **state) {
  (void)state;
  every_allocation(false, HANG_UP);
}

static void a_call_that_we_hang_up_over_TCP(void **state) {
  (void)state;
  every_allocation(true, HANG_UP);
}

static void a_call_with_early_media(void **state) {
  (void)state;
  every_allocation(false, EARLY);
}

static void a_call_with_early_media_over_TCP(void **state) {
  (void)state;
  every_allocation(true, EARLY);
}

static void a_call_with_referrals(void **state) {
  (void)state;
  every_allocation(false, REFER);
}

static void a_call_with_referrals_over_TCP(void **state) {
  (void)state;
  every_allocation(true, REFER);
}

static void a_rejected_call(void **state) {
  (void)state;
  every_allocation(false, REJECT);
}

static void a_rejected_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, REJECT);
}

static void a_cancelled_call(void **state) {
  (void)state;
  every_allocation(false, CANCEL);
}

static void a_cancelled_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, CANCEL);
}

static void a_call_that_nobody_answers(void **state) {
  (void)state;
  every_allocation(false, SILENT);
}

static void a_call_that_we_refresh(void **state) {
  (void)state;
  every_allocation(false, TIMED);
}

static void a_call_that_we_refresh_over_TCP(void **state) {
  (void)state;
  every_allocation(true, TIMED);
}

/* Ten calls while one allocation in `rate` fails; then the memory is back. A
 * BYE may have been lost over a stream: what still stands is ended by us. */
static void weather(uint64_t seed, unsigned rate, bool tcp, plot what) {
  world w;
  open_network(&w, tcp, what, &peer_handler);
  assert_int_equal(open_endpoint(&w, &handler), 0);
  dice = seed;
  one_in = rate;
  for (int i = 0; i < 10; i++)
    call(&w);
  one_in = 0;
  run(&w, 80000);
  assert_int_equal(w.participated, w.accepted);
  expect_usable(&w);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), 0);
}

static void ten_calls_in_bad_weather(void **state) {
  static const ss_allocator allocator = {flaky};
  (void)state;
  assert_int_equal(ss_alloc_alive(), 0);
  ss_alloc_set(&allocator);
  for (uint64_t seed = 0; seed < 40; seed++)
    for (plot what = ANSWER; what <= SILENT; what++)
      weather(seed, seed % 2 ? 5 : 30, seed % 4 < 2, what);
  ss_alloc_set(NULL);
}

static void opening_an_endpoint(void **state) {
  (void)state;
  int rc = SS_ENOMEM;
  for (long n = 1; rc; n++) {
    world w;
    size_t before = ss_alloc_alive();
    open_network(&w, n % 2, ANSWER, &peer_handler);
    ss_alloc_fail_at(n);
    rc = open_endpoint(&w, &handler);
    ss_alloc_fail_at(0);
    assert_true(rc == 0 || rc == SS_ENOMEM);
    close_network(&w);
    assert_int_equal(ss_alloc_alive(), before);
  }
}

/* With a call that is ringing, one whose ACK is awaited and one that stands. */
static bool close_without(long n) {
  world w;
  size_t before = ss_alloc_alive();
  open_network(&w, false, ANSWER, &peer_handler);
  assert_int_equal(open_endpoint(&w, &handler), 0);
  w.call++;
  invite(&w);
  w.call++;
  say(&w, "INVITE", 1, "i", false);
  run(&w, 10);
  w.plot = SILENT;
  w.call++;
  say(&w, "INVITE", 1, "i", false);
  run(&w, 10);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  ss_endpoint_close(w.endpoint, NULL);
  run(&w, 2500);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  assert_int_equal(w.closed, 1);
  assert_int_equal(w.participated, w.accepted);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void closing_an_endpoint(void **state) {
  (void)state;
  long n = 1;
  while (close_without(n))
    n++;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answered_call),
      cmocka_unit_test(an_answered_call_over_TCP),
      cmocka_unit_test(a_call_that_we_hang_up),
      cmocka_unit_test(a_call_that_we_hang_up_over_TCP),
      cmocka_unit_test(a_call_with_early_media),
      cmocka_unit_test(a_call_with_early_media_over_TCP),
      cmocka_unit_test(a_call_with_referrals),
      cmocka_unit_test(a_call_with_referrals_over_TCP),
      cmocka_unit_test(a_rejected_call),
      cmocka_unit_test(a_rejected_call_over_TCP),
      cmocka_unit_test(a_cancelled_call),
      cmocka_unit_test(a_cancelled_call_over_TCP),
      cmocka_unit_test(a_call_that_nobody_answers),
      cmocka_unit_test(a_call_that_we_refresh),
      cmocka_unit_test(a_call_that_we_refresh_over_TCP),
      cmocka_unit_test(ten_calls_in_bad_weather),
      cmocka_unit_test(opening_an_endpoint),
      cmocka_unit_test(closing_an_endpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
