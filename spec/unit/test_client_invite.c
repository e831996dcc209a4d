/* The INVITE client transaction: every state and event of RFC 3261 figure 5
 * with RFC 6026's Accepted, at exact times of the virtual clock, and responses
 * that nobody asked for. */
#include "invite_fixture.h"

/* --- Calling -------------------------------------------------------------- */

static void A_doubles_without_end_and_B_gives_up(void **state) {
  static const uint64_t due[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
  world *w = *state;
  peer_at(w, UDP_CALLER);
  assert_int_equal(invite(w, UDP_CALLER), 0);
  pass(w, 31999);
  expect_invites(w, due, 7);
  expect_waiting(w);
  pass(w, 1);
  expect_failed(w, 32000, -ETIMEDOUT);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_out, 6);
  pass(w, 40000);
  assert_int_equal(w->count, 7);
  assert_int_equal(us.failed + us.ended, 1);
}

static void A_and_B_follow_the_T1_that_was_given(void **state) {
  static const uint64_t due[] = {0, 100, 300, 700, 1500, 3100, 6300};
  world *w = *state;
  invite(w, UDP_CALLER);
  pass(w, 6399);
  expect_invites(w, due, 7);
  pass(w, 1);
  expect_failed(w, 6400, -ETIMEDOUT);
}

static void a_2xx_in_Calling_is_told_and_not_acknowledged(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  pass(w, 600);
  hear(w, 200);
  expect_heard(0, 600, 200);
  pass(w, 31999);
  expect_waiting(w);
  assert_int_equal(w->count, 2); /* the ACK is the user's */
  pass(w, 1);
  expect_ended(w, 32600); /* M */
  assert_int_equal(us.count, 1);
}

static void a_rejection_in_Calling_is_acknowledged_and_told(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  pass(w, 600);
  hear(w, 486);
  expect_heard(0, 600, 486);
  assert_int_equal(w->count, 3);
  expect_ack(w, 2, 600);
  expect_to(w, 2, UDP_CALLER);
  pass(w, 31999);
  expect_waiting(w);
  pass(w, 1);
  expect_ended(w, 32600); /* D */
  assert_int_equal(w->count, 3);
  assert_int_equal(ss_layer_count(w->layer)->send_errors, 0);
}

static void every_class_of_rejection_is_acknowledged(void **state) {
  static const unsigned finals[] = {300, 399, 491, 503, 603, 699};
  world *w = *state;
  for (int i = 0; i < 6; i++) {
    invite(w, UDP_CALLER);
    hear(w, finals[i]);
    expect_ack(w, 2 * i + 1, (uint64_t)i * 32000);
    expect_heard(0, (uint64_t)i * 32000, finals[i]);
    pass(w, 32000);
    assert_int_equal(us.ended, 1);
  }
  assert_int_equal(w->count, 12);
}

/* --- Proceeding ----------------------------------------------------------- */

static void the_first_provisional_stops_A_and_B(void **state) {
  static const uint64_t due[] = {0, 500};
  world *w = *state;
  invite(w, UDP_CALLER);
  pass(w, 600);
  hear(w, 100);
  assert_int_equal(w->loop->wheel.count, 0);
  pass(w, 300000);
  expect_invites(w, due, 2);
  expect_heard(0, 600, 100);
  expect_waiting(w);
  hear(w, 200);
  expect_heard(1, 300600, 200);
}

static void every_provisional_is_told(void **state) {
  static const unsigned codes[] = {100, 180, 183, 183, 199, 180};
  world *w = *state;
  invite(w, UDP_CALLER);
  for (int i = 0; i < 6; i++) {
    pass(w, 10);
    hear(w, codes[i]);
    expect_heard(i, 10 * (uint64_t)(i + 1), codes[i]);
  }
  pass(w, 10);
  hear(w, 603);
  expect_heard(6, 70, 603);
  expect_ack(w, 1, 70);
  pass(w, 32000);
  expect_ended(w, 32070);
}

static void a_2xx_in_Proceeding_is_told(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 180);
  pass(w, 100);
  hear(w, 202);
  expect_heard(1, 100, 202);
  pass(w, 32000);
  expect_ended(w, 32100);
  assert_int_equal(w->count, 1);
}

/* --- Completed ------------------------------------------------------------ */

static void each_repeat_of_a_rejection_is_acknowledged_again(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 486);
  pass(w, 500);
  hear(w, 486);
  pass(w, 1000);
  hear(w, 486);
  assert_int_equal(w->count, 4);
  expect_ack(w, 1, 0);
  expect_ack(w, 2, 500);
  expect_ack(w, 3, 1500);
  assert_int_equal(us.count, 1); /* told once */
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 2);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_out, 2);
  pass(w, 30500); /* D wasn't started again */
  expect_ended(w, 32000);
  hear(w, 486);
  assert_int_equal(w->count, 4);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 1);
}

static void D_is_32_seconds_whatever_T1_is(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 486);
  pass(w, 31999);
  expect_waiting(w);
  pass(w, 1);
  expect_ended(w, 32000);
}

static void after_a_rejection_1xx_and_2xx_are_absorbed(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 487);
  hear(w, 100);
  hear(w, 180);
  hear(w, 200);
  assert_int_equal(us.count, 1);
  assert_int_equal(w->count, 2);
  hear(w, 500); /* another rejection gets the ACK that there is */
  assert_int_equal(us.count, 1);
  assert_int_equal(w->count, 3);
  expect_ack(w, 2, 0);
}

/* --- Accepted (RFC 6026 7.2) ---------------------------------------------- */

static void every_2xx_is_told_until_M(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 200);
  pass(w, 500);
  hear(w, 200);
  pass(w, 30000);
  hear(w, 202); /* a fork's, say */
  expect_heard(0, 0, 200);
  expect_heard(1, 500, 200);
  expect_heard(2, 30500, 202);
  pass(w, 1499);
  expect_waiting(w);
  pass(w, 1); /* M wasn't started again */
  expect_ended(w, 32000);
  hear(w, 200);
  assert_int_equal(us.count, 3);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 1);
}

static void M_follows_the_T1_that_was_given(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 200);
  pass(w, 6399);
  expect_waiting(w);
  pass(w, 1);
  expect_ended(w, 6400);
}

static void after_a_2xx_1xx_and_rejections_are_absorbed(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 200);
  hear(w, 100);
  hear(w, 183);
  hear(w, 302);
  hear(w, 486);
  hear(w, 699);
  assert_int_equal(us.count, 1);
  assert_int_equal(w->count, 1); /* no ACK either */
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 5);
  expect_waiting(w);
}

/* --- matching (17.1.3, 8.1.3.3) ------------------------------------------- */

static void strays_are_counted_and_nothing_is_sent(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  respond(w, UDP_CALLER, 486, "z9hG4bKother", "INVITE", "");
  respond(w, UDP_CALLER, 486, BRANCH "x", "INVITE", "");
  respond(w, UDP_CALLER, 486, BRANCH, "CANCEL", "");
  respond(w, UDP_CALLER, 486, BRANCH, "invite", "");
  assert_int_equal(us.count, 0);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 4);
  hear(w, 486);
  expect_heard(0, 0, 486);
}

static void a_response_with_two_Vias_is_for_somebody_else(void **state) {
  static const char more[] = "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKx\r\n";
  world *w = *state;
  invite(w, UDP_CALLER);
  for (unsigned code = 100; code < 700; code += 100) {
    respond(w, UDP_CALLER, code, BRANCH, "INVITE", more);
    respond(w, UDP_CALLER, code, BRANCH ", SIP/2.0/UDP h", "INVITE", "");
  }
  assert_int_equal(us.count, 0);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 12);
  hear(w, 486);
  respond(w, UDP_CALLER, 486, BRANCH, "INVITE", more);
  assert_int_equal(w->count, 2); /* no second ACK */
}

static void a_BYE_of_the_same_branch_is_another(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  start_bye(w, UDP_CALLER);
  respond(w, UDP_CALLER, 200, BRANCH, "BYE", "");
  assert_int_equal(w->bye.done, 1);
  assert_int_equal(us.count, 0);
  hear(w, 486);
  expect_heard(0, 0, 486);
  assert_int_equal(w->bye.done, 1);
}

static void a_flood_costs_an_ACK_each_at_most(void **state) {
  static const unsigned codes[] = {486, 100, 200, 180, 503};
  world *w = *state;
  invite(w, UDP_CALLER);
  size_t blocks = 0;
  for (int i = 0; i < 1000; i++) {
    w->count = 0;
    hear(w, codes[i % 5]);
    assert_int_equal(w->count, codes[i % 5] >= 300);
    if (i == 0)
      blocks = ss_alloc_alive();
    assert_int_equal(ss_alloc_alive(), blocks); /* nothing is kept */
  }
  assert_int_equal(us.count, 1);
  assert_int_equal(w->loop->wheel.count, 1);
  pass(w, 32000);
  expect_ended(w, 32000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(A_doubles_without_end_and_B_gives_up),
      in_quick_world(A_and_B_follow_the_T1_that_was_given),
      in_world(a_2xx_in_Calling_is_told_and_not_acknowledged),
      in_world(a_rejection_in_Calling_is_acknowledged_and_told),
      in_world(every_class_of_rejection_is_acknowledged),
      in_world(the_first_provisional_stops_A_and_B),
      in_world(every_provisional_is_told),
      in_world(a_2xx_in_Proceeding_is_told),
      in_world(each_repeat_of_a_rejection_is_acknowledged_again),
      in_quick_world(D_is_32_seconds_whatever_T1_is),
      in_world(after_a_rejection_1xx_and_2xx_are_absorbed),
      in_world(every_2xx_is_told_until_M),
      in_quick_world(M_follows_the_T1_that_was_given),
      in_world(after_a_2xx_1xx_and_rejections_are_absorbed),
      in_world(strays_are_counted_and_nothing_is_sent),
      in_world(a_response_with_two_Vias_is_for_somebody_else),
      in_world(a_BYE_of_the_same_branch_is_another),
      in_world(a_flood_costs_an_ACK_each_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
