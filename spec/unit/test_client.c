/* The non-INVITE client transaction: every state and event of RFC 3261 figure
 * 6, at exact times of the virtual clock. */
#include "layer_world.h"

static void expect_done(world *w, uint64_t at, int rc, unsigned code) {
  assert_int_equal(w->bye.done, 1);
  assert_int_equal(w->bye.rc, rc);
  assert_int_equal(w->bye.code, code);
  assert_int_equal(w->bye.at, at);
}

static void expect_byes(world *w, const uint64_t *times, int n) {
  assert_int_equal(w->count, n);
  for (int i = 0; i < n; i++) {
    assert_int_equal(w->sent[i].at, times[i]);
    assert_memory_equal(w->sent[i].text, "BYE ", 4);
    expect_same(w, i, 0);
  }
}

static void ok(world *w, unsigned code) {
  respond(w, UDP_CALLER, code, BRANCH, "BYE", "");
}

/* --- Trying --------------------------------------------------------------- */

static void E_doubles_up_to_T2_and_F_gives_up(void **state) {
  static const uint64_t due[] = {0,     500,   1500,  3500,  7500, 11500,
                                 15500, 19500, 23500, 27500, 31500};
  world *w = *state;
  peer_at(w, UDP_CALLER);
  assert_int_equal(start_bye(w, UDP_CALLER), 0);
  pass(w, 31999);
  expect_byes(w, due, 11);
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_done(w, 32000, -ETIMEDOUT, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_out, 10);
}

static void E_and_F_follow_the_T1_and_T2_that_were_given(void **state) {
  static const uint64_t due[] = {0, 100, 300, 550, 800};
  world *w = *state;
  start_bye(w, UDP_CALLER);
  pass(w, 1000);
  expect_byes(w, due, 5);
  pass(w, 5400);
  expect_done(w, 6400, -ETIMEDOUT, 0);
}

static void a_final_in_Trying_ends_the_repeats(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  pass(w, 600);
  ok(w, 200);
  expect_done(w, 600, 0, 200);
  pass(w, 4999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1); /* K: T4 */
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  assert_int_equal(w->count, 2);
}

static void every_class_of_final_is_told(void **state) {
  world *w = *state;
  static const unsigned finals[] = {200, 302, 481, 500, 603};
  for (int i = 0; i < 5; i++) {
    w->bye = (asked){0};
    start_bye(w, UDP_CALLER);
    ok(w, finals[i]);
    expect_done(w, (uint64_t)i * 5000, 0, finals[i]);
    pass(w, 5000);
  }
}

/* --- Proceeding ----------------------------------------------------------- */

static void after_a_provisional_E_is_T2(void **state) {
  static const uint64_t due[] = {0,     500,   1500,  5500,  9500,
                                 13500, 17500, 21500, 25500, 29500};
  world *w = *state;
  start_bye(w, UDP_CALLER);
  pass(w, 600);
  ok(w, 100);
  pass(w, 31399);
  expect_byes(w, due, 10);
  assert_int_equal(w->bye.done, 0);
  pass(w, 1);
  expect_done(w, 32000, -ETIMEDOUT, 0);
}

static void a_second_provisional_changes_nothing(void **state) {
  static const uint64_t due[] = {0, 500, 4500, 8500};
  world *w = *state;
  start_bye(w, UDP_CALLER);
  pass(w, 100);
  ok(w, 100);
  pass(w, 1000);
  ok(w, 183);
  pass(w, 7400);
  expect_byes(w, due, 4);
  ok(w, 200);
  expect_done(w, 8500, 0, 200);
}

/* --- Completed ------------------------------------------------------------ */

static void repeated_responses_are_absorbed_until_K(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ok(w, 200);
  pass(w, 4000);
  ok(w, 200);
  ok(w, 481);
  ok(w, 100);
  expect_done(w, 0, 0, 200);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 3);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 0);
  pass(w, 1000); /* K wasn't started again */
  assert_int_equal(ss_layer_alive(w->layer), 0);
  ok(w, 200);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 1);
  expect_done(w, 0, 0, 200);
}

/* --- matching (17.1.3, 18.1.2, 8.1.3.3) ----------------------------------- */

static void strays_are_counted_and_nothing_is_sent(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  respond(w, UDP_CALLER, 200, "z9hG4bKother", "BYE", "");
  respond(w, UDP_CALLER, 200, BRANCH, "INVITE", "");
  respond(w, UDP_CALLER, 200, BRANCH "x", "BYE", "");
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 3);
  ok(w, 200);
  expect_done(w, 0, 0, 200);
}

static void a_response_with_two_Vias_is_for_somebody_else(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  respond(w, UDP_CALLER, 200, BRANCH, "BYE",
          "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKx\r\n");
  respond(w, UDP_CALLER, 200, BRANCH ", SIP/2.0/UDP 10.0.0.7", "BYE", "");
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 2);
  ok(w, 200);
}

static void a_response_without_any_request_is_a_stray(void **state) {
  world *w = *state;
  ok(w, 200);
  ok(w, 100);
  assert_int_equal(w->count, 0);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 2);
  assert_int_equal(ss_layer_count(w->layer)->responses_in, 2);
}

/* --- TCP ------------------------------------------------------------------ */

static void over_TCP_nothing_is_repeated_and_F_gives_up(void **state) {
  world *w = *state;
  peer_at(w, "tcp:10.0.0.2:5060");
  assert_int_equal(start_bye(w, "tcp:10.0.0.2:5060"), 0);
  pass(w, 31999);
  assert_int_equal(w->count, 1);
  expect_to(w, 0, "tcp:10.0.0.2:5060");
  assert_int_equal(w->bye.done, 0);
  pass(w, 1);
  expect_done(w, 32000, -ETIMEDOUT, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void over_TCP_K_is_zero(void **state) {
  world *w = *state;
  peer_at(w, "tcp:10.0.0.2:5060");
  start_bye(w, "tcp:10.0.0.2:5060");
  pass(w, 40);
  respond(w, "tcp:10.0.0.2:5060", 200, BRANCH, "BYE", "");
  expect_done(w, 40, 0, 200);
  pass(w, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void a_lost_connection_is_told(void **state) {
  world *w = *state;
  peer_at(w, "tcp:10.0.0.2:5060");
  start_bye(w, "tcp:10.0.0.2:5060");
  pass(w, 100);
  peer_gone(w, "tcp:10.0.0.2:5060");
  assert_int_equal(w->bye.done, 0); /* half closed: it may still answer */
  pass(w, 31900);
  assert_int_equal(w->bye.done, 1);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void nobody_listening_is_told(void **state) {
  world *w = *state;
  assert_int_equal(start_bye(w, "tcp:10.0.0.2:5060"), 0);
  pass(w, 0);
  expect_done(w, 0, -ECONNREFUSED, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->count, 0);
}

static void where_nothing_may_be_sent_it_does_not_start(void **state) {
  world *w = *state;
  assert_int_equal(start_bye(w, "udp:255.255.255.255:5060"), -EADDRNOTAVAIL);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->bye.done, 0);
}

/* --- abandoned ------------------------------------------------------------ */

static void an_abandoned_request_goes_on_in_silence(void **state) {
  static const uint64_t due[] = {0, 500, 1500};
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_abandon(w->bye.client);
  pass(w, 2000);
  expect_byes(w, due, 3);
  ok(w, 200);
  pass(w, 5000);
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void an_abandoned_request_gives_up_in_silence(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_abandon(w->bye.client);
  pass(w, 32000);
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

/* --- limited -------------------------------------------------------------- */

static const uint64_t E[] = {0, 500, 1500, 3500, 7500, 11500, 15500};

/* It ends when E would be due once more, with as many on the wire. */
static void a_limit_is_how_often_it_is_repeated(void **state) {
  world *w = *state;
  for (unsigned limit = 0; limit < 6; limit++) {
    uint64_t start = since_start(w);
    int before = w->count;
    w->bye = (asked){0};
    start_bye(w, UDP_CALLER);
    ss_client_limit(w->bye.client, limit);
    pass(w, E[limit + 1] - 1);
    assert_int_equal(w->bye.done, 0);
    assert_int_equal(w->count - before, limit + 1);
    for (unsigned i = 0; i <= limit; i++)
      assert_int_equal(w->sent[before + (int)i].at, start + E[i]);
    pass(w, 1);
    expect_done(w, start + E[limit + 1], -ETIMEDOUT, 0);
    assert_int_equal(ss_layer_alive(w->layer), 0);
    assert_int_equal(w->loop->wheel.count, 0);
    pass(w, 40000);
    assert_int_equal(w->count - before, limit + 1);
  }
}

static void a_limit_counts_from_when_it_is_set(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  pass(w, 600);
  ss_client_limit(w->bye.client, 1);
  pass(w, 2900);
  expect_byes(w, E, 3);
  expect_done(w, 3500, -ETIMEDOUT, 0);
}

static void a_limit_holds_after_a_provisional(void **state) {
  static const uint64_t due[] = {0, 500, 4500, 8500};
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_limit(w->bye.client, 3);
  pass(w, 100);
  ok(w, 100);
  pass(w, 12399);
  expect_byes(w, due, 4);
  assert_int_equal(w->bye.done, 0);
  pass(w, 1);
  expect_done(w, 12500, -ETIMEDOUT, 0);
}

static void a_limit_leaves_an_answer_alone(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_limit(w->bye.client, 1);
  pass(w, 1499);
  ok(w, 200);
  expect_done(w, 1499, 0, 200);
  pass(w, 4999); /* K is T4 still */
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  expect_byes(w, E, 2);
}

static void a_limit_puts_F_off_by_nothing(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_limit(w->bye.client, 11); /* one more than there is time for */
  pass(w, 32000);
  assert_int_equal(w->count, 11);
  expect_done(w, 32000, -ETIMEDOUT, 0);
}

static void over_TCP_a_limit_changes_nothing(void **state) {
  world *w = *state;
  peer_at(w, "tcp:10.0.0.2:5060");
  start_bye(w, "tcp:10.0.0.2:5060");
  ss_client_limit(w->bye.client, 0);
  pass(w, 31999);
  assert_int_equal(w->bye.done, 0);
  pass(w, 1);
  expect_done(w, 32000, -ETIMEDOUT, 0);
  assert_int_equal(w->count, 1);
}

static void a_limit_holds_when_it_is_abandoned(void **state) {
  world *w = *state;
  start_bye(w, UDP_CALLER);
  ss_client_limit(w->bye.client, 2);
  ss_client_abandon(w->bye.client);
  pass(w, 3500);
  expect_byes(w, E, 3);
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(E_doubles_up_to_T2_and_F_gives_up),
      in_quick_world(E_and_F_follow_the_T1_and_T2_that_were_given),
      in_world(a_final_in_Trying_ends_the_repeats),
      in_world(every_class_of_final_is_told),
      in_world(after_a_provisional_E_is_T2),
      in_world(a_second_provisional_changes_nothing),
      in_world(repeated_responses_are_absorbed_until_K),
      in_world(strays_are_counted_and_nothing_is_sent),
      in_world(a_response_with_two_Vias_is_for_somebody_else),
      in_world(a_response_without_any_request_is_a_stray),
      in_world(over_TCP_nothing_is_repeated_and_F_gives_up),
      in_world(over_TCP_K_is_zero),
      in_world(a_lost_connection_is_told),
      in_world(nobody_listening_is_told),
      in_world(where_nothing_may_be_sent_it_does_not_start),
      in_world(an_abandoned_request_goes_on_in_silence),
      in_world(an_abandoned_request_gives_up_in_silence),
      in_world(a_limit_is_how_often_it_is_repeated),
      in_world(a_limit_counts_from_when_it_is_set),
      in_world(a_limit_holds_after_a_provisional),
      in_world(a_limit_leaves_an_answer_alone),
      in_world(a_limit_puts_F_off_by_nothing),
      in_world(over_TCP_a_limit_changes_nothing),
      in_world(a_limit_holds_when_it_is_abandoned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
