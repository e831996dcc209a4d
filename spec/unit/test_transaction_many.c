/* Many server transactions: of one call, where none of the searches may get
 * long, and beyond the maximum, where a 503 is all that is said. */
#include "layer_world.h"

#define OPTIONS .method = "OPTIONS"

/* --- many of one call ----------------------------------------------------- */

static void say_nth(world *w, const char *method, int i) {
  char branch[32];
  snprintf(branch, sizeof branch, "z9hG4bK%d", i);
  say(w, .method = method, .branch = branch);
}

/* Who sends as many as it likes makes no search longer than a few. */
static void however_many_have_one_CSeq_each_is_found(void **state) {
  world *w = *state;
  for (int i = 0; i < 20; i++)
    say_nth(w, "INVITE", i);
  assert_int_equal(w->requests, 20);
  assert_int_equal(w->layer->apart, 16);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(w->user[i].merged, i > 0);
    say_nth(w, "INVITE", i); /* again */
    say_nth(w, "CANCEL", i);
    assert_int_equal(w->requests, 21 + i);
    assert_ptr_equal(w->user[20 + i].cancelled, w->user[i].server);
    answer(w, 20 + i, 200);
    answer(w, i, 487);
    say_nth(w, "ACK", i);
    expect_told(w, i, 0, false);
  }
  assert_int_equal(w->acks, 0);
  pass(w, 32000);
  assert_int_equal(w->layer->apart, 0);
  say_nth(w, "INVITE", 1);
  assert_int_equal(w->requests, 41);
  assert_false(w->user[40].merged);
  w->left_waiting = true;
}

static void an_ACK_of_a_2xx_is_the_users_beside_one_that_waits(void **state) {
  world *w = *state;
  say_nth(w, "INVITE", 1);
  answer(w, 0, 200);
  say_nth(w, "INVITE", 2);
  answer(w, 1, 482);
  say_nth(w, "ACK", 3);
  say_nth(w, "ACK", 1); /* RFC 2543 had the INVITE's branch in it */
  assert_int_equal(w->acks, 2);
  expect_untold(w, 1);
  say_nth(w, "ACK", 2);
  assert_int_equal(w->acks, 2);
  expect_told(w, 1, 0, false);
  say_nth(w, "ACK", 2); /* absorbed */
  assert_int_equal(w->acks, 2);
}

static void requests_in_a_row_are_each_their_own(void **state) {
  world *w = *state;
  for (unsigned i = 1; i <= 20; i++)
    say(w, OPTIONS, .branch = "z9hG4bKone", .cseq = i);
  assert_int_equal(w->requests, 20);
  assert_int_equal(w->layer->apart, 0);
  for (int i = 0; i < 20; i++)
    assert_false(w->user[i].merged);
  for (unsigned i = 1; i <= 20; i++)
    say(w, OPTIONS, .branch = "z9hG4bKone", .cseq = i);
  assert_int_equal(w->requests, 20);
  for (unsigned i = 1; i <= 20; i++)
    say(w, OPTIONS, .branch = "z9hG4bKtwo", .cseq = i);
  assert_int_equal(w->requests, 40);
  for (int i = 20; i < 40; i++)
    assert_true(w->user[i].merged);
  w->left_waiting = true;
}

/* --- too many ------------------------------------------------------------- */

static void fill(world *w) {
  for (int i = 0; i < 8; i++) {
    char branch[32], id[32];
    snprintf(branch, sizeof branch, "z9hG4bKfill%d", i);
    snprintf(id, sizeof id, "fill%d", i);
    say(w, .branch = branch, .call_id = id, .params = ";rport");
    answer(w, i, 180);
  }
  w->count = 0;
  w->left_waiting = true;
}

static void beyond_the_maximum_it_says_503_and_keeps_nothing(void **state) {
  world *w = *state;
  fill(w);
  say(w, .from = "udp:10.0.0.2:7777", .sent_by = "10.0.0.2:5070");
  expect_sent(w, 0, 0, 503);
  expect_has(w, 0, "\r\nRetry-After: 10\r\n");
  expect_has(w, 0, "\r\nServer: test\r\n");
  expect_to(w, 0, "udp:10.0.0.2:5070");
  say(w, .from = "udp:10.0.0.2:7777", .sent_by = "10.0.0.2:5070");
  expect_same(w, 1, 0); /* its tag too */
  say(w, .from = "udp:10.0.0.2:7777", .params = ";rport");
  expect_to(w, 2, "udp:10.0.0.2:7777");
  assert_int_equal(w->requests, 8);
  assert_int_equal(ss_layer_alive(w->layer), 8);
  assert_int_equal(ss_layer_count(w->layer)->refused_overload, 2);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 1);
  say(w, .method = "ACK", .to_tag = "tt"); /* its ACK leads nowhere */
  assert_int_equal(w->acks, 1);
}

static void beyond_the_maximum_calls_can_still_be_ended(void **state) {
  world *w = *state;
  fill(w);
  say(w, .method = "BYE", .to_tag = "tt", .call_id = "fill0");
  assert_int_equal(w->requests, 9);
  say(w, .method = "BYE", .to_tag = "tt", .branch = "z9hG4bKtwo");
  assert_int_equal(w->requests, 9);
  expect_sent(w, 0, 0, 503);
  assert_int_equal(ss_layer_alive(w->layer), 9);
}

static void beyond_the_maximum_repeats_are_still_seen_to(void **state) {
  world *w = *state;
  fill(w);
  say(w, .branch = "z9hG4bKfill3", .call_id = "fill3");
  expect_sent(w, 0, 0, 180);
}

/* Its caller has been told, and has given up. */
static void what_was_refused_stays_so_when_there_is_room(void **state) {
  world *w = *state;
  w->left_waiting = true;
  w->refuses = SS_INVITE;
  w->entry = SS_TURN_AWAY;
  say(w, .branch = "z9hG4bKone");
  expect_sent(w, 0, 0, 503);
  expect_has(w, 0, "\r\nRetry-After: 10\r\n");
  w->refuses = 0;
  pass(w, 6300);
  say(w, .branch = "z9hG4bKone");
  expect_sent(w, 1, 6300, 503);
  assert_int_equal(w->requests, 0);
  say(w, .branch = "z9hG4bKtwo"); /* by another way, or a new one */
  assert_int_equal(w->requests, 1);
  pass(w, 6400); /* 64*T1 after the last */
  say(w, .branch = "z9hG4bKone", .call_id = "later");
  assert_int_equal(w->requests, 2);
}

static void what_was_left_unanswered_may_be_let_in_later(void **state) {
  world *w = *state;
  w->left_waiting = true;
  w->refuses = SS_INVITE;
  w->entry = SS_IGNORE;
  say(w, .branch = "z9hG4bKone");
  assert_int_equal(w->count, 0);
  w->refuses = 0;
  say(w, .branch = "z9hG4bKone");
  assert_int_equal(w->requests, 1);
}

static void over_a_stream_nothing_comes_again(void **state) {
  world *w = *state;
  w->left_waiting = true;
  w->refuses = SS_INVITE;
  w->entry = SS_TURN_AWAY;
  say(w, .from = TCP_CALLER, .branch = "z9hG4bKone");
  expect_sent(w, 0, 0, 503);
  w->refuses = 0;
  say(w, .from = TCP_CALLER, .branch = "z9hG4bKone");
  assert_int_equal(w->requests, 1);
}

/* The user's own 503, without a transaction, as well as the layer's. */
static void what_the_user_refused_stays_so_too(void **state) {
  world *w = *state;
  say(w, .branch = "z9hG4bKone");
  ss_reply reply = {.code = 503, .to_tag = SS_STR("tag45678901234567890123")};
  assert_int_equal(w->requests, 1);
  ss_server *server = w->user[0].server;
  ss_server_detach(server);
  assert_int_equal(ss_server_refuse(server, &reply), 0);
  w->user[0].server = NULL; /* which hears no more of it */
  say(w, .branch = "z9hG4bKone");
  expect_sent(w, 1, 0, 503);
  assert_int_equal(w->requests, 1);
}

static void what_was_only_told_is_looked_at_again(void **state) {
  world *w = *state;
  w->left_waiting = true;
  w->refuses = SS_INVITE;
  w->entry = SS_TELL;
  say(w, .branch = "z9hG4bKone");
  expect_has(w, 0, "\r\nRetry-After: 1\r\n");
  w->refuses = 0;
  say(w, .branch = "z9hG4bKone");
  assert_int_equal(w->requests, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(however_many_have_one_CSeq_each_is_found),
      in_world(an_ACK_of_a_2xx_is_the_users_beside_one_that_waits),
      in_world(requests_in_a_row_are_each_their_own),
      in_quick_world(what_was_refused_stays_so_when_there_is_room),
      in_quick_world(what_the_user_refused_stays_so_too),
      in_quick_world(what_was_only_told_is_looked_at_again),
      in_quick_world(what_was_left_unanswered_may_be_let_in_later),
      in_quick_world(over_a_stream_nothing_comes_again),
      in_quick_world(beyond_the_maximum_it_says_503_and_keeps_nothing),
      in_quick_world(beyond_the_maximum_calls_can_still_be_ended),
      in_quick_world(beyond_the_maximum_repeats_are_still_seen_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
