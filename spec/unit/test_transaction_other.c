/* The non-INVITE server transaction: every state and event of RFC 3261 figure
 * 8, at exact times of the virtual clock; and what RFC 4320 forbids. */
#include "layer_world.h"

#define OPTIONS .method = "OPTIONS"

/* --- Trying --------------------------------------------------------------- */

static void nothing_is_said_that_the_user_did_not_say(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  pass(w, 40000); /* RFC 4320 4.1, 4.2: no 100, no 408 */
  assert_int_equal(w->count, 0);
  expect_untold(w, 0);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  w->left_waiting = true;
}

static void a_request_repeated_in_Trying_is_absorbed(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  say(w, OPTIONS);
  assert_int_equal(w->requests, 1);
  assert_int_equal(w->count, 0);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 1);
  pass(w, 40000);
  assert_int_equal(answer(w, 0, 200), 0);
  expect_sent(w, 0, 40000, 200);
}

static void a_final_in_Trying_is_sent_at_once(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  pass(w, 20);
  assert_int_equal(answer(w, 0, 200), 0);
  assert_int_equal(w->count, 1);
  expect_sent(w, 0, 20, 200);
}

static void every_class_of_final_completes(void **state) {
  world *w = *state;
  static const unsigned finals[] = {200, 302, 404, 501, 603};
  for (int i = 0; i < 5; i++) {
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bK%d", i);
    say(w, OPTIONS, .branch = branch, .cseq = (unsigned)i + 1);
    assert_int_equal(answer(w, i, finals[i]), 0);
    expect_sent(w, i, 0, finals[i]);
    assert_null(ss_server_request(w->user[i].server));
  }
  pass(w, 31999);
  assert_int_equal(ss_layer_alive(w->layer), 5);
  pass(w, 1);
  for (int i = 0; i < 5; i++)
    expect_told(w, i, 32000, false);
  assert_int_equal(w->count, 5);
}

/* --- Proceeding ----------------------------------------------------------- */

static void a_provisional_is_sent_and_replaced_by_the_next(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  assert_int_equal(answer(w, 0, 182), 0);
  expect_sent(w, 0, 0, 182);
  assert_int_equal(answer(w, 0, 183), 0);
  expect_sent(w, 1, 0, 183);
  pass(w, 100);
  say(w, OPTIONS);
  assert_int_equal(w->count, 3);
  expect_sent(w, 2, 100, 183);
  expect_same(w, 2, 1);
  assert_int_equal(w->requests, 1);
  w->left_waiting = true;
}

static void a_final_in_Proceeding_completes(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  answer(w, 0, 182);
  pass(w, 100);
  assert_int_equal(answer(w, 0, 486), 0);
  expect_sent(w, 1, 100, 486);
  pass(w, 32000);
  expect_told(w, 0, 32100, false);
}

/* --- Completed ------------------------------------------------------------ */

static void a_request_repeated_in_Completed_gets_the_final(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  answer(w, 0, 200);
  for (int i = 1; i <= 3; i++) {
    pass(w, 10000);
    say(w, OPTIONS);
    expect_sent(w, i, (uint64_t)i * 10000, 200);
    expect_same(w, i, 0);
  }
  pass(w, 1999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  assert_int_equal(w->requests, 1);
  pass(w, 1); /* the repeats didn't start J again */
  expect_told(w, 0, 32000, false);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
}

static void a_second_final_is_refused(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  answer(w, 0, 200);
  assert_int_equal(answer(w, 0, 486), SS_ESTATE);
  assert_int_equal(answer(w, 0, 100), SS_ESTATE);
  assert_int_equal(w->count, 1);
}

static void after_J_the_same_request_is_a_new_one(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  answer(w, 0, 200);
  pass(w, 32000);
  say(w, OPTIONS);
  assert_int_equal(w->requests, 2);
  assert_false(w->user[1].merged);
  answer(w, 1, 200);
}

static void over_TCP_J_is_zero(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = TCP_CALLER);
  pass(w, 5);
  assert_int_equal(answer(w, 0, 200), 0);
  expect_sent(w, 0, 5, 200);
  expect_told(w, 0, 5, false);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

/* The user may look at what it has answered until it returns to the loop. */
static void over_TCP_an_answer_from_within_the_request_is_safe(void **state) {
  world *w = *state;
  w->at_once = 200;
  say(w, OPTIONS, .from = TCP_CALLER);
  expect_sent(w, 0, 0, 200);
  expect_told(w, 0, 0, false);
}

/* --- all ------------------------------------------------------------------ */

static void an_ACK_never_touches_it(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  say(w, .method = "ACK");
  assert_int_equal(w->acks, 1);
  answer(w, 0, 200);
  say(w, .method = "ACK");
  assert_int_equal(w->acks, 2);
  assert_int_equal(w->count, 1);
  pass(w, 31999);
  expect_untold(w, 0);
  pass(w, 1);
  expect_told(w, 0, 32000, false);
}

static void J_follows_the_T1_that_was_given(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  answer(w, 0, 200);
  pass(w, 6399);
  expect_untold(w, 0);
  pass(w, 1);
  expect_told(w, 0, 6400, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(nothing_is_said_that_the_user_did_not_say),
      in_world(a_request_repeated_in_Trying_is_absorbed),
      in_world(a_final_in_Trying_is_sent_at_once),
      in_world(every_class_of_final_completes),
      in_world(a_provisional_is_sent_and_replaced_by_the_next),
      in_world(a_final_in_Proceeding_completes),
      in_world(a_request_repeated_in_Completed_gets_the_final),
      in_world(a_second_final_is_refused),
      in_world(after_J_the_same_request_is_a_new_one),
      in_world(over_TCP_J_is_zero),
      in_world(over_TCP_an_answer_from_within_the_request_is_safe),
      in_world(an_ACK_never_touches_it),
      in_quick_world(J_follows_the_T1_that_was_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
