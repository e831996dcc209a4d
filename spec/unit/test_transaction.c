/* The INVITE server transaction: every state and event of RFC 3261 figure 7
 * with RFC 6026 7.1, at exact times of the virtual clock. */
#include "layer_world.h"

/* --- Proceeding ----------------------------------------------------------- */

static void silence_is_covered_by_a_100_after_200_ms(void **state) {
  world *w = *state;
  say(w, .params = ";rport");
  pass(w, 199);
  assert_int_equal(w->count, 0);
  pass(w, 1);
  expect_sent(w, 0, 200, 100);
  expect_lacks(w, 0, "To: <sip:desk@example.net>;tag");
  pass(w, 60000);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  expect_untold(w, 0);
  w->left_waiting = true;
}

static void a_provisional_within_200_ms_makes_a_100_needless(void **state) {
  world *w = *state;
  say(w);
  pass(w, 100);
  assert_int_equal(answer(w, 0, 180), 0);
  pass(w, 500);
  assert_int_equal(w->count, 1);
  expect_sent(w, 0, 100, 180);
  w->left_waiting = true;
}

static void a_final_within_200_ms_makes_a_100_needless(void **state) {
  world *w = *state;
  say(w);
  pass(w, 100);
  assert_int_equal(answer(w, 0, 200), 0);
  pass(w, 500);
  assert_int_equal(w->count, 1);
  expect_sent(w, 0, 100, 200);
}

static void a_final_may_be_given_from_within_the_request(void **state) {
  world *w = *state;
  w->at_once = 486;
  say(w);
  expect_sent(w, 0, 0, 486);
}

static void an_INVITE_repeated_before_any_answer_is_absorbed(void **state) {
  world *w = *state;
  say(w);
  say(w);
  assert_int_equal(w->requests, 1);
  assert_int_equal(w->count, 0);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 1);
  w->left_waiting = true;
}

static void
an_INVITE_repeated_while_ringing_gets_the_last_provisional(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 180);
  answer(w, 0, 183);
  pass(w, 500);
  say(w);
  assert_int_equal(w->requests, 1);
  assert_int_equal(w->count, 3);
  expect_sent(w, 2, 500, 183);
  expect_same(w, 2, 1);
  w->left_waiting = true;
}

static void an_INVITE_repeated_after_the_100_gets_it_again(void **state) {
  world *w = *state;
  say(w);
  pass(w, 500);
  say(w);
  assert_int_equal(w->count, 2);
  expect_same(w, 1, 0);
  w->left_waiting = true;
}

static void an_ACK_while_ringing_is_absorbed(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 180);
  say(w, .method = "ACK", .to_tag = "tt");
  assert_int_equal(w->acks, 0);
  assert_int_equal(w->count, 1);
  assert_int_equal(answer(w, 0, 486), 0);
  expect_sent(w, 1, 0, 486);
}

/* --- Completed ------------------------------------------------------------ */

static const uint64_t due[] = {0,     500,   1500,  3500,  7500, 11500,
                               15500, 19500, 23500, 27500, 31500};

static void a_rejection_is_repeated_by_G_and_given_up_by_H(void **state) {
  world *w = *state;
  say(w);
  assert_int_equal(answer(w, 0, 603), 0);
  pass(w, 31999);
  assert_int_equal(w->count, 11);
  for (int i = 0; i < 11; i++) {
    expect_sent(w, i, due[i], 603);
    expect_same(w, i, 0);
  }
  expect_untold(w, 0);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_told(w, 0, 32000, true);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  assert_int_equal(w->count, 11);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_out, 10);
}

static void over_TCP_G_is_not_started_and_H_is(void **state) {
  world *w = *state;
  say(w, .from = TCP_CALLER);
  assert_int_equal(answer(w, 0, 300), 0);
  pass(w, 31999);
  assert_int_equal(w->count, 1);
  expect_untold(w, 0);
  pass(w, 1);
  expect_told(w, 0, 32000, true);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void G_and_H_follow_the_T1_and_T2_that_were_given(void **state) {
  static const uint64_t quick[] = {0, 100, 300, 550, 800};
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  pass(w, 1000);
  assert_int_equal(w->count, 5);
  for (int i = 0; i < 5; i++)
    expect_sent(w, i, quick[i], 486);
  pass(w, 5399);
  expect_untold(w, 0);
  pass(w, 1);
  expect_told(w, 0, 6400, true);
}

static void an_INVITE_repeated_in_Completed_gets_the_final(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  pass(w, 700);
  say(w);
  assert_int_equal(w->requests, 1);
  pass(w, 800);
  assert_int_equal(w->count, 4);
  expect_sent(w, 1, 500, 486);
  expect_sent(w, 2, 700, 486);
  expect_sent(w, 3, 1500, 486); /* G is where it was */
  expect_same(w, 2, 0);
}

static void an_ACK_in_Completed_stops_G_and_starts_I(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  pass(w, 600);
  say(w, .method = "ACK", .to_tag = "tt");
  expect_told(w, 0, 600, false);
  assert_int_equal(w->acks, 0);
  pass(w, 4999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  assert_int_equal(w->count, 2);
  assert_int_equal(w->user[0].ended, 1);
}

static void over_TCP_I_is_zero(void **state) {
  world *w = *state;
  say(w, .from = TCP_CALLER);
  answer(w, 0, 486);
  pass(w, 10);
  say(w, .from = TCP_CALLER, .method = "ACK", .to_tag = "tt");
  expect_told(w, 0, 10, false);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void nothing_is_answered_twice(void **state) {
  world *w = *state;
  static const unsigned finals[] = {200, 302, 486, 603};
  for (int i = 0; i < 4; i++) {
    char branch[32], id[32];
    snprintf(branch, sizeof branch, "z9hG4bK%d", i);
    snprintf(id, sizeof id, "call%d", i);
    say(w, .branch = branch, .call_id = id);
    assert_int_equal(answer(w, i, finals[i]), 0);
    assert_null(ss_server_request(w->user[i].server));
    for (int j = 0; j < 4; j++)
      assert_int_equal(answer(w, i, finals[j]), SS_ESTATE);
    assert_int_equal(answer(w, i, 180), SS_ESTATE);
  }
  assert_int_equal(w->count, 4);
}

/* --- Confirmed ------------------------------------------------------------ */

static void in_Confirmed_everything_is_absorbed(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  ss_server *server = w->user[0].server;
  say(w, .method = "ACK", .to_tag = "tt");
  pass(w, 3000);
  say(w); /* the INVITE again, late */
  say(w, .method = "ACK", .to_tag = "tt");
  assert_int_equal(w->requests, 1);
  assert_int_equal(w->acks, 0);
  assert_int_equal(w->count, 1);
  ss_reply reply = {.code = 200};
  assert_int_equal(ss_server_reply(server, &reply), SS_ESTATE);
  pass(w, 1999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1); /* the second ACK hasn't started timer I again */
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void after_I_the_same_INVITE_is_a_new_one(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  say(w, .method = "ACK", .to_tag = "tt");
  pass(w, 5000);
  say(w);
  assert_int_equal(w->requests, 2);
  assert_false(w->user[1].merged);
  answer(w, 1, 486);
}

/* --- Accepted (RFC 6026 7.1) ---------------------------------------------- */

static void a_2xx_is_the_users_to_repeat_and_L_ends_it(void **state) {
  world *w = *state;
  say(w);
  assert_int_equal(answer(w, 0, 200), 0);
  pass(w, 31999);
  assert_int_equal(w->count, 1);
  expect_untold(w, 0);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_told(w, 0, 32000, false);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
}

static void over_TCP_L_is_as_long(void **state) {
  world *w = *state;
  say(w, .from = TCP_CALLER);
  answer(w, 0, 299);
  pass(w, 31999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_told(w, 0, 32000, false);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void
an_INVITE_repeated_in_Accepted_gets_the_200_until_the_ACK(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 200);
  pass(w, 500);
  say(w);
  expect_sent(w, 1, 500, 200);
  expect_same(w, 1, 0);
  ss_server_acknowledged(w->user[0].server);
  say(w);
  assert_int_equal(w->count, 2);
  assert_int_equal(w->requests, 1);
  pass(w, 31500);
  expect_told(w, 0, 32000, false);
}

static void every_ACK_in_Accepted_is_the_users(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 200);
  say(w, .method = "ACK", .to_tag = "tt", .branch = "z9hG4bKother");
  assert_int_equal(w->acks, 1);
  /* 6026 7.1; with the INVITE's branch too, as RFC 2543 callers send it */
  say(w, .method = "ACK", .to_tag = "tt");
  assert_int_equal(w->acks, 2);
  expect_untold(w, 0);
  assert_int_equal(w->count, 1);
}

static void a_2xx_is_repeated_byte_for_byte_until_acknowledged(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 202);
  pass(w, 500);
  ss_server_repeat(w->user[0].server);
  pass(w, 0);
  expect_sent(w, 1, 500, 202);
  expect_same(w, 1, 0);
  ss_server_acknowledged(w->user[0].server);
  ss_server_repeat(w->user[0].server);
  pass(w, 0);
  assert_int_equal(w->count, 2);
}

/* --- the user ------------------------------------------------------------- */

static void who_has_detached_is_told_nothing(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  ss_server_detach(w->user[0].server);
  assert_null(ss_server_arg(w->user[0].server));
  pass(w, 32000);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  expect_untold(w, 0);
}

static void a_dropped_transaction_is_forgotten(void **state) {
  world *w = *state;
  say(w);
  ss_server_drop(w->user[0].server);
  w->user[0].server = NULL;
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  expect_untold(w, 0);
  say(w);
  assert_int_equal(w->requests, 2);
  assert_false(w->user[1].merged);
  answer(w, 1, 486);
}

static void a_freed_layer_is_silent(void **state) {
  world *w = *state;
  say(w);
  say(w, .branch = "z9hG4bKtwo", .call_id = "c2");
  say(w, .branch = "z9hG4bKthree", .call_id = "c3");
  answer(w, 1, 200);
  answer(w, 2, 486);
  start_bye(w, UDP_CALLER);
  int count = w->count;
  ss_layer_free(w->layer);
  w->layer = NULL;
  assert_int_equal(w->loop->wheel.count, 0);
  for (int i = 0; i < 3; i++)
    expect_untold(w, i);
  assert_int_equal(w->bye.done, 0);
  assert_int_equal(w->count, count);
  w->left_waiting = true;
}

/* design: under 600 bytes a transaction that only repeats its answer */
static void what_is_left_after_a_final_is_small(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  ss_server *server = w->user[0].server;
  assert_null(server->request);
  assert_true(sizeof *server + sizeof *server->last < 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(silence_is_covered_by_a_100_after_200_ms),
      in_world(a_provisional_within_200_ms_makes_a_100_needless),
      in_world(a_final_within_200_ms_makes_a_100_needless),
      in_world(a_final_may_be_given_from_within_the_request),
      in_world(an_INVITE_repeated_before_any_answer_is_absorbed),
      in_world(an_INVITE_repeated_while_ringing_gets_the_last_provisional),
      in_world(an_INVITE_repeated_after_the_100_gets_it_again),
      in_world(an_ACK_while_ringing_is_absorbed),
      in_world(a_rejection_is_repeated_by_G_and_given_up_by_H),
      in_world(over_TCP_G_is_not_started_and_H_is),
      in_quick_world(G_and_H_follow_the_T1_and_T2_that_were_given),
      in_world(an_INVITE_repeated_in_Completed_gets_the_final),
      in_world(an_ACK_in_Completed_stops_G_and_starts_I),
      in_world(over_TCP_I_is_zero),
      in_world(nothing_is_answered_twice),
      in_world(in_Confirmed_everything_is_absorbed),
      in_world(after_I_the_same_INVITE_is_a_new_one),
      in_world(a_2xx_is_the_users_to_repeat_and_L_ends_it),
      in_world(over_TCP_L_is_as_long),
      in_world(an_INVITE_repeated_in_Accepted_gets_the_200_until_the_ACK),
      in_world(every_ACK_in_Accepted_is_the_users),
      in_world(a_2xx_is_repeated_byte_for_byte_until_acknowledged),
      in_world(who_has_detached_is_told_nothing),
      in_world(a_dropped_transaction_is_forgotten),
      in_world(a_freed_layer_is_silent),
      in_world(what_is_left_after_a_final_is_small),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
