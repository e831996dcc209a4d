/* Where responses go: RFC 3261 18.2.1, 18.2.2 and RFC 3581 4 over datagrams;
 * over streams the connection the request came by, or one new one. Never an
 * address that the peer only names. */
#include "layer_world.h"

#define OTHER_PORT "udp:10.0.0.2:7777"
#define LISTENER "tcp:10.0.0.2:5062"
#define OVER_TCP .from = TCP_CALLER, .sent_by = "10.0.0.2:5062"
#define OPTIONS .method = "OPTIONS"

/* --- datagrams ------------------------------------------------------------ */

static void without_rport_to_the_port_in_sent_by(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "10.0.0.2:5070");
  answer(w, 0, 200);
  expect_to(w, 0, "udp:10.0.0.2:5070");
  expect_lacks(w, 0, "received");
  expect_lacks(w, 0, "rport");
}

static void without_a_port_in_sent_by_to_5060(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT);
  answer(w, 0, 200);
  expect_to(w, 0, "udp:10.0.0.2:5060");
}

static void with_rport_to_where_it_came_from(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "10.0.0.2:5070",
      .params = ";rport");
  answer(w, 0, 200);
  expect_to(w, 0, OTHER_PORT);
  expect_has(w, 0, ";received=10.0.0.2;rport=7777\r\n");
}

static void to_the_source_whatever_host_sent_by_names(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "192.0.2.9:5070");
  answer(w, 0, 200);
  expect_to(w, 0, "udp:10.0.0.2:5070");
  expect_has(w, 0, "192.0.2.9:5070;branch=z9hG4bKone;received=10.0.0.2\r\n");
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "pc.example.com", .cseq = 2,
      .branch = "z9hG4bKtwo");
  answer(w, 1, 200);
  expect_to(w, 1, "udp:10.0.0.2:5060");
  expect_has(w, 1, ";received=10.0.0.2\r\n");
}

static void forged_received_and_maddr_lead_nowhere(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT,
      .params = ";received=10.9.9.9;rport=9;maddr=10.9.9.9;ttl=1");
  answer(w, 0, 200);
  expect_to(w, 0, OTHER_PORT);
  expect_lacks(w, 0, "received=10.9.9.9");
  expect_lacks(w, 0, "rport=9;");
  expect_has(w, 0, ";received=10.0.0.2;rport=7777\r\n");
  say(w, OPTIONS, .from = OTHER_PORT, .branch = "z9hG4bKtwo", .cseq = 2,
      .params = ";received=10.9.9.9");
  answer(w, 1, 200);
  expect_to(w, 1, "udp:10.0.0.2:5060");
  expect_lacks(w, 1, "10.9.9.9");
}

static void rport_is_seen_behind_a_parenthesis_in_quotes(void **state) {
  world *w = *state;
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "10.0.0.2:5070",
      .params = ";x=\"(\";received=10.9.9.9;rport");
  answer(w, 0, 200);
  expect_to(w, 0, OTHER_PORT);
  expect_has(w, 0,
             ";x=\"(\";branch=z9hG4bKone;received=10.0.0.2;rport=7777\r\n");
  expect_lacks(w, 0, "10.9.9.9");
  say(w, OPTIONS, .from = OTHER_PORT, .sent_by = "10.0.0.9:5070",
      .params = ";x=\"a(b)\"", .branch = "z9hG4bKtwo", .cseq = 2);
  answer(w, 1, 200);
  expect_to(w, 1, "udp:10.0.0.2:5070");
  expect_has(w, 1, ";x=\"a(b)\";branch=z9hG4bKtwo;received=10.0.0.2\r\n");
}

static void all_Vias_are_echoed_in_order(void **state) {
  world *w = *state;
  say(w, OPTIONS,
      .via = "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1;rport, "
             "SIP/2.0/TCP 10.1.1.1;branch=z9hG4bK2;received=1.2.3.4",
      .extra = "v: SIP/2.0/UDP c.example.com;branch=z9hG4bK3\r\n");
  answer(w, 0, 200);
  expect_has(w, 0,
             "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1;received=10.0.0.2;"
             "rport=5060, "
             "SIP/2.0/TCP 10.1.1.1;branch=z9hG4bK2;received=1.2.3.4\r\n"
             "Via: SIP/2.0/UDP c.example.com;branch=z9hG4bK3\r\n");
}

static void every_response_and_repeat_goes_the_same_way(void **state) {
  world *w = *state;
  say(w, .from = OTHER_PORT, .params = ";rport");
  pass(w, 200);
  answer(w, 0, 180);
  answer(w, 0, 486);
  pass(w, 500);
  assert_int_equal(w->count, 4);
  for (int i = 0; i < 4; i++) {
    expect_to(w, i, OTHER_PORT);
    expect_has(w, i, ";rport=7777");
  }
}

/* A repeat from elsewhere doesn't turn the answers round. */
static void a_repeat_from_another_port_changes_nothing(void **state) {
  world *w = *state;
  say(w, .from = OTHER_PORT, .params = ";rport");
  answer(w, 0, 180);
  say(w, .from = "udp:10.0.0.66:6666", .params = ";rport");
  expect_to(w, 1, OTHER_PORT);
  answer(w, 0, 486);
  expect_to(w, 2, OTHER_PORT);
}

static void nothing_is_sent_to_a_broadcast_address(void **state) {
  world *w = *state;
  say(w, .from = "udp:255.255.255.255:5060");
  assert_int_equal(answer(w, 0, 486), 0);
  pass(w, 600);
  assert_int_equal(w->count, 0);
  assert_int_equal(ss_layer_count(w->layer)->send_errors, 2);
  expect_untold(w, 0); /* a datagram that is lost is no failure */
}

/* --- streams -------------------------------------------------------------- */

static void over_TCP_back_over_the_same_connection(void **state) {
  world *w = *state;
  say(w, OVER_TCP);
  answer(w, 0, 180);
  answer(w, 0, 486);
  expect_to(w, 0, TCP_CALLER);
  expect_to(w, 1, TCP_CALLER);
  assert_int_equal(ss_transport_connections(w->tcp), 1);
}

static void a_half_closed_connection_still_takes_the_answer(void **state) {
  world *w = *state;
  say(w, OVER_TCP);
  hang_up(w, TCP_CALLER);
  pass(w, 10000);
  answer(w, 0, 486);
  expect_to(w, w->count - 1, TCP_CALLER);
  say(w, OVER_TCP, .method = "ACK", .to_tag = "tt"); /* by another one */
  expect_told(w, 0, 10000, false);
}

static void a_gone_connection_is_replaced_for_the_answer(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP, OPTIONS);
  break_off(w, TCP_CALLER);
  assert_int_equal(ss_transport_connections(w->tcp), 0);
  expect_untold(w, 0);
  assert_int_equal(answer(w, 0, 200), 0);
  assert_int_equal(w->count, 1);
  expect_to(w, 0, LISTENER);
  assert_int_equal(w->user[0].failed, 0);
}

static void a_gone_connection_is_replaced_for_a_ringing_call(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP);
  answer(w, 0, 180);
  break_off(w, TCP_CALLER);
  pass(w, 5000);
  assert_int_equal(w->count, 1); /* not before there is something to say */
  answer(w, 0, 200);
  expect_sent(w, 1, 5000, 200);
  expect_to(w, 1, LISTENER);
  pass(w, 500);
  ss_server_repeat(w->user[0].server);
  pass(w, 0);
  expect_to(w, 2, LISTENER);
  assert_int_equal(ss_transport_connections(w->tcp), 1);
}

static void a_final_that_may_be_lost_is_said_again(void **state) {
  world *w = *state;
  static const unsigned finals[] = {200, 486};
  peer_at(w, LISTENER);
  for (int i = 0; i < 2; i++) {
    say(w, OVER_TCP, .branch = i ? "z9hG4bK2" : "z9hG4bK1", .cseq = 1 + i);
    answer(w, i, finals[i]);
    break_off(w, TCP_CALLER);
    assert_int_equal(w->count, 2 * (i + 1));
    expect_to(w, 2 * i, TCP_CALLER);
    expect_to(w, 2 * i + 1, LISTENER);
    expect_same(w, 2 * i, 2 * i + 1);
    expect_untold(w, i);
  }
}

static void an_acknowledged_2xx_is_not_said_again(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP);
  answer(w, 0, 200);
  ss_server_acknowledged(w->user[0].server);
  break_off(w, TCP_CALLER);
  assert_int_equal(w->count, 1);
  expect_untold(w, 0);
}

static void it_reconnects_once_and_then_tells(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP);
  answer(w, 0, 200);
  break_off(w, TCP_CALLER);
  assert_int_equal(w->count, 2);
  pass(w, 100);
  break_off(w, LISTENER);
  assert_int_equal(w->count, 2);
  assert_int_equal(w->user[0].failed, 1);
  assert_int_equal(w->user[0].ended, 0);
  assert_int_equal(w->user[0].at, 100);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void a_lost_provisional_over_the_second_is_told(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP);
  break_off(w, TCP_CALLER);
  answer(w, 0, 180);
  expect_to(w, 0, LISTENER);
  break_off(w, LISTENER);
  assert_int_equal(w->user[0].failed, 1);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static void nobody_at_sent_by_is_told(void **state) {
  world *w = *state;
  say(w, OVER_TCP);
  break_off(w, TCP_CALLER);
  assert_int_equal(answer(w, 0, 486), 0);
  assert_int_equal(w->user[0].failed, 1);
  assert_int_equal(w->user[0].rc, -ECONNREFUSED);
  assert_int_equal(w->user[0].ended, 0);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->count, 0);
}

static void where_no_connection_may_go_is_told_at_once(void **state) {
  world *w = *state;
  say(w, .from = "tcp:255.255.255.255:5060");
  break_off(w, "tcp:255.255.255.255:5060");
  ss_reply reply = {.code = 486};
  assert_int_equal(ss_server_reply(w->user[0].server, &reply), 0);
  assert_int_equal(w->user[0].failed, 1);
  assert_int_equal(w->user[0].rc, -EADDRNOTAVAIL);
}

static void answers_share_the_new_connection(void **state) {
  world *w = *state;
  peer_at(w, LISTENER);
  say(w, OVER_TCP, OPTIONS);
  say(w, OVER_TCP, OPTIONS, .branch = "z9hG4bKtwo", .cseq = 2);
  break_off(w, TCP_CALLER);
  answer(w, 0, 200);
  answer(w, 1, 200);
  assert_int_equal(w->count, 2);
  expect_to(w, 0, LISTENER);
  expect_to(w, 1, LISTENER);
  assert_int_equal(ss_transport_connections(w->tcp), 1);
}

/* Another port in each sent-by, and then it hangs up. */
static void nobody_makes_us_dial_a_hundred_times_a_second(void **state) {
  world *w = *state;
  for (unsigned i = 0; i < 120; i++) {
    char branch[32], sent_by[32];
    snprintf(branch, sizeof branch, "z9hG4bK%u", i);
    snprintf(sent_by, sizeof sent_by, "10.0.0.2:%u", 6000 + i);
    say(w, OPTIONS, .from = TCP_CALLER, .branch = branch, .cseq = i + 1,
        .sent_by = sent_by);
  }
  break_off(w, TCP_CALLER);
  for (int i = 0; i < 110; i++)
    answer(w, i, 200);
  for (int i = 0; i < 110; i++)
    assert_int_equal(w->user[i].rc, i < 100 ? -ECONNREFUSED : SS_ELIMIT);
  pass(w, 1000);
  for (int i = 110; i < 120; i++) {
    answer(w, i, 200);
    assert_int_equal(w->user[i].rc, -ECONNREFUSED);
  }
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(without_rport_to_the_port_in_sent_by),
      in_world(without_a_port_in_sent_by_to_5060),
      in_world(with_rport_to_where_it_came_from),
      in_world(to_the_source_whatever_host_sent_by_names),
      in_world(forged_received_and_maddr_lead_nowhere),
      in_world(rport_is_seen_behind_a_parenthesis_in_quotes),
      in_world(all_Vias_are_echoed_in_order),
      in_world(every_response_and_repeat_goes_the_same_way),
      in_world(a_repeat_from_another_port_changes_nothing),
      in_world(nothing_is_sent_to_a_broadcast_address),
      in_world(over_TCP_back_over_the_same_connection),
      in_world(a_half_closed_connection_still_takes_the_answer),
      in_world(a_gone_connection_is_replaced_for_the_answer),
      in_world(a_gone_connection_is_replaced_for_a_ringing_call),
      in_world(a_final_that_may_be_lost_is_said_again),
      in_world(an_acknowledged_2xx_is_not_said_again),
      in_world(it_reconnects_once_and_then_tells),
      in_world(a_lost_provisional_over_the_second_is_told),
      in_world(nobody_at_sent_by_is_told),
      in_world(where_no_connection_may_go_is_told_at_once),
      in_world(answers_share_the_new_connection),
      in_world(nobody_makes_us_dial_a_hundred_times_a_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
