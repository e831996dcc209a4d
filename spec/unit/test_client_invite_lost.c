/* The INVITE client transaction over connections that may be lost, abandoned
 * by its user, and where there is no memory for it or for its ACK. */
#include "invite_fixture.h"

/* --- TCP ------------------------------------------------------------------ */

static void over_TCP_nothing_is_repeated_and_B_gives_up(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  assert_int_equal(invite(w, TCP_PEER), 0);
  pass(w, 31999);
  assert_int_equal(w->count, 1);
  expect_to(w, 0, TCP_PEER);
  expect_waiting(w);
  pass(w, 1);
  assert_int_equal(us.failed, 1);
  assert_int_equal(us.rc, -ETIMEDOUT);
  assert_int_equal(us.over, 32000);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void over_TCP_D_is_zero(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  pass(w, 40);
  hear_from(w, TCP_PEER, 486);
  expect_heard(0, 40, 486);
  expect_ack(w, 1, 40);
  expect_to(w, 1, TCP_PEER);
  expect_ended(w, 40);
}

static void over_TCP_M_is_as_long(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  hear_from(w, TCP_PEER, 180);
  hear_from(w, TCP_PEER, 200);
  pass(w, 500);
  hear_from(w, TCP_PEER, 200);
  expect_heard(2, 500, 200);
  pass(w, 31499);
  expect_waiting(w);
  pass(w, 1);
  expect_ended(w, 32000);
}

static void a_connection_lost_in_Calling_is_told(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  pass(w, 100);
  break_off(w, TCP_PEER);
  assert_int_equal(us.failed, 1);
  assert_true(us.rc < 0);
  assert_int_equal(us.over, 100);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void a_connection_lost_in_Proceeding_is_told(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  hear_from(w, TCP_PEER, 180);
  pass(w, 100000);
  break_off(w, TCP_PEER);
  assert_int_equal(us.failed, 1);
  assert_true(us.rc < 0);
  assert_int_equal(us.over, 100000);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void a_connection_lost_in_Accepted_changes_nothing(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  hear_from(w, TCP_PEER, 200);
  break_off(w, TCP_PEER);
  expect_waiting(w);
  hear(w, 200); /* by another way */
  expect_heard(1, 0, 200);
  pass(w, 32000);
  expect_ended(w, 32000);
}

static void a_connection_lost_with_the_rejection_is_an_end(void **state) {
  world *w = *state;
  speaker *peer = peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  /* in one batch: the 486, a broken message and the end of the stream */
  char text[512];
  snprintf(text, sizeof text,
           "SIP/2.0 486 No\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=" BRANCH "\r\n"
           "From: <sip:a@b>;tag=1\r\nTo: <sip:a@example.com>;tag=aa\r\n"
           "Call-ID: c\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\nINVITE");
  ss_mpeer_send(peer->peer, ss_transport_local(w->tcp), ss_str_z(text));
  ss_mpeer_shut(peer->peer, ss_transport_local(w->tcp));
  pass(w, 0);
  expect_heard(0, 0, 486);
  expect_ended(w, 0);
  assert_int_equal(us.failed, 0);
}

static void nobody_listening_is_told(void **state) {
  world *w = *state;
  assert_int_equal(invite(w, TCP_PEER), 0);
  pass(w, 0);
  expect_failed(w, 0, -ECONNREFUSED);
  assert_int_equal(w->count, 0);
}

static void where_nothing_may_be_sent_it_does_not_start(void **state) {
  world *w = *state;
  assert_int_equal(invite(w, "udp:255.255.255.255:5060"), -EADDRNOTAVAIL);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
  assert_int_equal(us.failed + us.ended, 0);
}

/* --- abandoned ------------------------------------------------------------ */

static void expect_silence(world *w, int told) {
  assert_int_equal(us.count, told);
  assert_int_equal(us.failed + us.ended, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
}

static void abandoned_in_Calling_it_gives_up_in_silence(void **state) {
  static const uint64_t due[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
  world *w = *state;
  invite(w, UDP_CALLER);
  ss_client_abandon(us.client);
  pass(w, 31999);
  expect_invites(w, due, 7);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_silence(w, 0);
}

static void abandoned_in_Calling_a_1xx_stops_A_but_not_B(void **state) {
  static const uint64_t due[] = {0, 500};
  world *w = *state;
  invite(w, UDP_CALLER);
  ss_client_abandon(us.client);
  pass(w, 600);
  hear(w, 100);
  pass(w, 20000);
  hear(w, 180);
  pass(w, 11399);
  expect_invites(w, due, 2);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_silence(w, 0);
}

static void abandoned_in_Proceeding_it_is_forgotten_in_time(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 180);
  pass(w, 100000);
  ss_client_abandon(us.client);
  pass(w, 20000);
  hear(w, 180); /* more of them don't keep it */
  pass(w, 11999);
  assert_int_equal(ss_layer_alive(w->layer), 1);
  pass(w, 1);
  expect_silence(w, 1);
}

static void an_abandoned_one_acknowledges_a_rejection(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  hear(w, 180);
  ss_client_abandon(us.client);
  pass(w, 100);
  hear(w, 487);
  pass(w, 500);
  hear(w, 487);
  assert_int_equal(w->count, 3);
  expect_ack(w, 1, 100);
  expect_ack(w, 2, 600);
  pass(w, 31500);
  expect_silence(w, 1);
}

static void an_abandoned_one_absorbs_a_2xx(void **state) {
  world *w = *state;
  invite(w, UDP_CALLER);
  ss_client_abandon(us.client);
  hear(w, 200);
  pass(w, 500);
  hear(w, 200);
  assert_int_equal(w->count, 1);
  assert_int_equal(ss_layer_count(w->layer)->stray_responses, 0);
  pass(w, 31500);
  expect_silence(w, 0);
}

static void a_lost_connection_ends_an_abandoned_one(void **state) {
  world *w = *state;
  peer_at(w, TCP_PEER);
  invite(w, TCP_PEER);
  hear_from(w, TCP_PEER, 180);
  ss_client_abandon(us.client);
  break_off(w, TCP_PEER);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(us.failed + us.ended, 0);
}

static void abandoned_from_within_each_response(void **state) {
  static const unsigned codes[] = {100, 200, 486};
  world *w = *state;
  for (int i = 0; i < 3; i++) {
    invite(w, UDP_CALLER);
    us.abandons = true;
    hear(w, codes[i]);
    hear(w, codes[i]);
    pass(w, 31999);
    assert_int_equal(ss_layer_alive(w->layer), 1);
    pass(w, 1);
    expect_silence(w, 1);
  }
}

static void a_layer_that_is_freed_tells_nobody(void **state) {
  world *w = *state;
  w->left_waiting = true;
  invite(w, UDP_CALLER);
  hear(w, 180);
}

/* --- out of memory -------------------------------------------------------- */

static void without_memory_it_does_not_start(void **state) {
  world *w = *state;
  int rc = -1;
  peer_at(w, UDP_CALLER);
  for (long n = 1; rc; n++) {
    w->count = 0;
    rc = invite_without(w, UDP_CALLER, n);
    assert_true(rc == 0 || rc == SS_ENOMEM);
    if (n == 1) /* its own: nobody would acknowledge the answer */
      assert_int_equal(w->count, 0);
    assert_int_equal(ss_layer_alive(w->layer), rc == 0);
    assert_int_equal(w->loop->wheel.count, rc == 0);
    assert_int_equal(us.failed + us.ended, 0);
    assert_true(n > 2 || rc);
  }
  hear(w, 486);
  expect_ack(w, 1, 0);
}

/* A 486 straight into the layer: the n-th allocation fails in there. */
static void refuse_without(world *w, long n) {
  static const char text[] =
      "SIP/2.0 486 No\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=" BRANCH "\r\n"
      "From: <sip:a@b>;tag=1\r\nTo: <sip:a@example.com>;tag=aa\r\n"
      "Call-ID: c\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n";
  ss_limits limits;
  ss_keys keys;
  ss_message *m;
  ss_path path;
  ss_limits_default(&limits);
  assert_int_equal(ss_message_new(&m, ss_str_z(text), false, &limits), 0);
  assert_int_equal(path_to(w, UDP_CALLER, &path), 0);
  ss_alloc_fail_at(n);
  ss_layer_expect(w->layer, m, &keys);
  ss_layer_receive(w->layer, &path, m, &keys);
  ss_alloc_fail_at(0);
  ss_path_release(&path);
  ss_message_unref(m);
  pass(w, 0);
}

static void without_memory_the_next_repeat_is_acknowledged(void **state) {
  world *w = *state;
  const ss_layer_counters *count = ss_layer_count(w->layer);
  uint64_t errors = 1;
  peer_at(w, UDP_CALLER);
  for (long n = 1; errors; n++) {
    errors = count->out_of_memory + count->send_errors;
    invite(w, UDP_CALLER);
    refuse_without(w, n);
    errors = count->out_of_memory + count->send_errors - errors;
    assert_int_equal(us.count, 1); /* it is told all the same */
    w->count = 0;
    refuse_without(w, 0);
    assert_int_equal(w->count, 1);
    assert_string_equal(w->sent[0].text, ACK);
    assert_int_equal(us.count, 1);
    pass(w, 32000);
    assert_int_equal(us.ended, 1);
  }
  assert_int_equal(count->out_of_memory, 1); /* the ACK's */
  assert_true(count->send_errors > 0);       /* the network's */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(over_TCP_nothing_is_repeated_and_B_gives_up),
      in_world(over_TCP_D_is_zero),
      in_world(over_TCP_M_is_as_long),
      in_world(a_connection_lost_in_Calling_is_told),
      in_world(a_connection_lost_in_Proceeding_is_told),
      in_world(a_connection_lost_in_Accepted_changes_nothing),
      in_world(a_connection_lost_with_the_rejection_is_an_end),
      in_world(nobody_listening_is_told),
      in_world(where_nothing_may_be_sent_it_does_not_start),
      in_world(abandoned_in_Calling_it_gives_up_in_silence),
      in_world(abandoned_in_Calling_a_1xx_stops_A_but_not_B),
      in_world(abandoned_in_Proceeding_it_is_forgotten_in_time),
      in_world(an_abandoned_one_acknowledges_a_rejection),
      in_world(an_abandoned_one_absorbs_a_2xx),
      in_world(a_lost_connection_ends_an_abandoned_one),
      in_world(abandoned_from_within_each_response),
      in_world(a_layer_that_is_freed_tells_nobody),
      in_world(without_memory_it_does_not_start),
      in_world(without_memory_the_next_repeat_is_acknowledged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
