/* Which transaction a message belongs to: RFC 3261 17.2.3 with the rules of
 * RFC 2543 where there is no usable branch, 8.2.2.2 for merged requests, 9.2
 * for CANCEL. */
#include "layer_world.h"

#define ROUTE_A "SIP/2.0/UDP 10.0.0.2"
#define OPTIONS .method = "OPTIONS"

/* The second request belongs to the transaction of the first. */
static void expect_repeat(world *w, const request *first,
                          const request *second) {
  say_request(w, first);
  say_request(w, second);
  assert_int_equal(w->requests, 1);
  assert_int_equal(ss_layer_count(w->layer)->retransmissions_in, 1);
  w->left_waiting = true;
}

/* It has one of its own. */
static void expect_two(world *w, const request *first, const request *second) {
  say_request(w, first);
  say_request(w, second);
  assert_int_equal(w->requests, 2);
  assert_int_equal(ss_layer_alive(w->layer), 2);
  w->left_waiting = true;
}

#define R(...) (&(request){__VA_ARGS__})

/* --- the branch (17.2.3) -------------------------------------------------- */

static void branch_and_sent_by_decide_within_a_call(void **state) {
  expect_repeat(*state, R(.cseq = 1),
                R(.uri = "sip:other@10.0.0.1", .to_tag = "tt", .cseq = 1,
                  .params = ";rport"));
}

/* A branch is the same for no two requests (8.1.1.7): who sends it with another
 * Call-ID, From tag or CSeq number repeats nothing. */
static void a_branch_alone_reaches_no_transaction(void **state) {
  world *w = *state;
  say(w, .cseq = 1);
  say(w, .cseq = 2);
  say(w, .cseq = 1, .call_id = "other");
  say(w, .cseq = 1, .from_tag = "zz");
  assert_int_equal(w->requests, 4);
  answer(w, 0, 486);
  say(w, .method = "ACK", .cseq = 2);
  say(w, .method = "ACK", .call_id = "other");
  say(w, .method = "ACK", .from_tag = "zz");
  expect_untold(w, 0);
  say(w, .method = "ACK", .cseq = 1);
  expect_told(w, 0, 0, false);
  w->left_waiting = true;
}

static void another_branch_is_another_transaction(void **state) {
  expect_two(*state, R(.branch = "z9hG4bKone"), R(.branch = "z9hG4bKonE"));
}

static void another_sent_by_host_is_another_transaction(void **state) {
  expect_two(*state, R(.sent_by = "10.0.0.2"), R(.sent_by = "10.0.0.22"));
}

static void another_sent_by_port_is_another_transaction(void **state) {
  expect_two(*state, R(.sent_by = "10.0.0.2:5060"),
             R(.sent_by = "10.0.0.2:5062"));
}

static void sent_by_is_compared_without_case(void **state) {
  expect_repeat(*state, R(.sent_by = "Pc33.Example.COM"),
                R(.sent_by = "pC33.example.com"));
}

static void sent_by_without_a_port_means_5060(void **state) {
  expect_repeat(*state, R(.sent_by = "10.0.0.2"),
                R(.sent_by = "10.0.0.2:5060"));
}

static void another_source_is_no_other_transaction(void **state) {
  expect_repeat(*state, R(.from = UDP_CALLER), R(.from = "udp:10.0.0.3:6000"));
}

static void another_method_is_another_transaction(void **state) {
  world *w = *state;
  say(w);
  say(w, .method = "CANCEL");
  say(w, OPTIONS);
  say(w, .method = "FOO");
  say(w, .method = "BAR");
  assert_int_equal(w->requests, 5);
  w->left_waiting = true;
}

static void an_ACK_finds_its_INVITE_by_the_branch(void **state) {
  world *w = *state;
  say(w);
  answer(w, 0, 486);
  say(w, .method = "ACK", .branch = "z9hG4bKother");
  say(w, .method = "ACK", .sent_by = "10.0.0.9");
  say(w, .method = "ACK", .sent_by = "10.0.0.2:5099");
  assert_int_equal(w->acks, 3);
  expect_untold(w, 0);
  say(w, .method = "ACK");
  assert_int_equal(w->acks, 3);
  expect_told(w, 0, 0, false);
}

/* --- no branch: RFC 2543 -------------------------------------------------- */

static void without_a_branch_a_repeat_is_found(void **state) {
  expect_repeat(*state, R(.no_branch = true), R(.no_branch = true));
}

static void without_branch_and_From_tag_a_repeat_is_found(void **state) {
  expect_repeat(*state, R(.no_branch = true, .from_tag = ""),
                R(.no_branch = true, .from_tag = ""));
}

static void a_branch_of_old_counts_with_all_the_rest(void **state) {
  expect_repeat(*state, R(.branch = "1"), R(.branch = "1"));
}

static void without_a_branch_each_part_tells_apart(void **state) {
  world *w = *state;
  say(w, .no_branch = true);
  say(w, .no_branch = true, .uri = "sip:other@10.0.0.1");
  say(w, .no_branch = true, .from_tag = "other");
  say(w, .no_branch = true, .call_id = "other");
  say(w, .no_branch = true, .cseq = 2);
  say(w, .no_branch = true, .sent_by = "10.0.0.3");
  say(w, .branch = "2");
  say(w, .method = "OPTIONS", .no_branch = true);
  assert_int_equal(w->requests, 8);
  w->left_waiting = true;
}

static void without_a_branch_an_ACK_ends_its_INVITE(void **state) {
  world *w = *state;
  say(w, .no_branch = true);
  answer(w, 0, 486);
  say(w, .method = "ACK", .no_branch = true, .cseq = 2);
  assert_int_equal(w->acks, 1);
  expect_untold(w, 0);
  say(w, .method = "ACK", .no_branch = true, .to_tag = "tt");
  assert_int_equal(w->acks, 1);
  expect_told(w, 0, 0, false);
}

static void without_a_branch_the_ACK_of_a_2xx_is_the_users(void **state) {
  world *w = *state;
  say(w, .no_branch = true);
  answer(w, 0, 200);
  say(w, .method = "ACK", .no_branch = true, .to_tag = "tt");
  assert_int_equal(w->acks, 1);
}

static void without_a_branch_a_CANCEL_finds_its_INVITE(void **state) {
  world *w = *state;
  say(w, .no_branch = true);
  say(w, .method = "CANCEL", .no_branch = true);
  assert_ptr_equal(w->user[1].cancelled, w->user[0].server);
  say(w, .method = "CANCEL", .no_branch = true, .uri = "sip:other@10.0.0.1");
  assert_null(w->user[2].cancelled);
  w->left_waiting = true;
}

/* A proxy's own ACK has no Via but the proxy's; its INVITE had them on one
 * line. */
static void without_a_branch_only_the_topmost_Via_counts(void **state) {
  world *w = *state;
  say(w, .via = ROUTE_A ", SIP/2.0/UDP 10.0.0.77");
  answer(w, 0, 486);
  say(w, .method = "ACK", .via = ROUTE_A, .to_tag = "tt");
  assert_int_equal(w->acks, 0);
  expect_told(w, 0, 0, false);
}

/* RFC 4475 3.2.1: a branch that is the magic cookie and nothing more */
static void the_bare_cookie_names_no_transaction(void **state) {
  expect_two(*state, R(.branch = "z9hG4bK", .call_id = "one"),
             R(.branch = "z9hG4bK", .call_id = "two"));
}

static void with_the_bare_cookie_a_repeat_is_found(void **state) {
  expect_repeat(*state, R(.branch = "z9hG4bK"), R(.branch = "z9hG4bK"));
}

/* --- CANCEL (9.1, 9.2) ---------------------------------------------------- */

static void a_CANCEL_finds_its_INVITE_in_every_state(void **state) {
  world *w = *state;
  static const unsigned codes[] = {0, 180, 200, 486};
  for (int i = 0; i < 4; i++) {
    char branch[32], id[32];
    snprintf(branch, sizeof branch, "z9hG4bK%d", i);
    snprintf(id, sizeof id, "call%d", i);
    say(w, .branch = branch, .call_id = id);
    if (codes[i])
      answer(w, 2 * i, codes[i]);
    say(w, .method = "CANCEL", .branch = branch, .call_id = id);
    assert_ptr_equal(w->user[2 * i + 1].cancelled, w->user[2 * i].server);
  }
  w->left_waiting = true;
}

static void a_CANCEL_that_differs_finds_nothing(void **state) {
  world *w = *state;
  say(w);
  say(w, .method = "CANCEL", .branch = "z9hG4bKother");
  say(w, .method = "CANCEL", .sent_by = "10.0.0.2:5062");
  say(w, .method = "CANCEL", .sent_by = "10.0.0.6", .call_id = "other");
  say(w, .method = "CANCEL", .call_id = "other");
  assert_int_equal(w->requests, 5);
  for (int i = 1; i < 5; i++)
    assert_null(w->user[i].cancelled);
  w->left_waiting = true;
}

static void a_CANCEL_with_another_CSeq_finds_nothing(void **state) {
  world *w = *state;
  say(w);
  say(w, .method = "CANCEL", .cseq = 2);
  assert_null(w->user[1].cancelled);
  w->left_waiting = true;
}

static void a_CANCEL_with_another_From_tag_finds_nothing(void **state) {
  world *w = *state;
  say(w);
  say(w, .method = "CANCEL", .from_tag = "zz");
  assert_null(w->user[1].cancelled);
  w->left_waiting = true;
}

static void a_CANCEL_finds_no_other_method(void **state) {
  world *w = *state;
  say(w, OPTIONS);
  say(w, .method = "CANCEL");
  assert_null(w->user[1].cancelled);
  w->left_waiting = true;
}

/* --- merged requests (8.2.2.2) -------------------------------------------- */

static void the_same_request_by_another_way_is_merged(void **state) {
  world *w = *state;
  say(w);
  say(w, .branch = "z9hG4bKtwo");
  say(w, .branch = "z9hG4bKthree", .sent_by = "10.0.0.9");
  assert_false(w->user[0].merged);
  assert_true(w->user[1].merged);
  assert_true(w->user[2].merged);
  w->left_waiting = true;
}

static void merged_means_From_tag_Call_ID_CSeq_and_no_To_tag(void **state) {
  world *w = *state;
  say(w);
  say(w, .branch = "z9hG4bK2", .from_tag = "bb");
  say(w, .branch = "z9hG4bK3", .call_id = "other");
  say(w, .branch = "z9hG4bK4", .cseq = 2);
  say(w, .branch = "z9hG4bK5", .to_tag = "tt");
  say(w, .branch = "z9hG4bK6", OPTIONS);
  assert_int_equal(w->requests, 6);
  for (int i = 0; i < 6; i++)
    assert_false(w->user[i].merged);
  w->left_waiting = true;
}

static void after_the_first_has_ended_nothing_is_merged(void **state) {
  world *w = *state;
  say(w, .from = TCP_CALLER, OPTIONS);
  answer(w, 0, 200);
  say(w, .from = TCP_CALLER, OPTIONS, .branch = "z9hG4bKtwo");
  assert_false(w->user[1].merged);
  answer(w, 1, 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(branch_and_sent_by_decide_within_a_call),
      in_world(a_branch_alone_reaches_no_transaction),
      in_world(another_branch_is_another_transaction),
      in_world(another_sent_by_host_is_another_transaction),
      in_world(another_sent_by_port_is_another_transaction),
      in_world(sent_by_is_compared_without_case),
      in_world(sent_by_without_a_port_means_5060),
      in_world(another_source_is_no_other_transaction),
      in_world(another_method_is_another_transaction),
      in_world(an_ACK_finds_its_INVITE_by_the_branch),
      in_world(without_a_branch_a_repeat_is_found),
      in_world(without_branch_and_From_tag_a_repeat_is_found),
      in_world(a_branch_of_old_counts_with_all_the_rest),
      in_world(without_a_branch_each_part_tells_apart),
      in_world(without_a_branch_an_ACK_ends_its_INVITE),
      in_world(without_a_branch_the_ACK_of_a_2xx_is_the_users),
      in_world(without_a_branch_a_CANCEL_finds_its_INVITE),
      in_world(without_a_branch_only_the_topmost_Via_counts),
      in_world(the_bare_cookie_names_no_transaction),
      in_world(with_the_bare_cookie_a_repeat_is_found),
      in_world(a_CANCEL_finds_its_INVITE_in_every_state),
      in_world(a_CANCEL_that_differs_finds_nothing),
      in_world(a_CANCEL_with_another_CSeq_finds_nothing),
      in_world(a_CANCEL_with_another_From_tag_finds_nothing),
      in_world(a_CANCEL_finds_no_other_method),
      in_world(the_same_request_by_another_way_is_merged),
      in_world(merged_means_From_tag_Call_ID_CSeq_and_no_To_tag),
      in_world(after_the_first_has_ended_nothing_is_merged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
