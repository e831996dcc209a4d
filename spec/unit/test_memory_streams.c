/* Streams of the in-memory network, and with them all of a stream connection
 * that is not TCP: deadlines, half-closing, limits, references. */
#include "memory_fixture.h"

static void stream_carries_messages_both_ways(void **state) {
  ss_path path;
  (void)state;
  open_both("tcp");
  b_notes.answer = "C d\r\nl: 0\r\n\r\n";
  path = path_to(a, "tcp:10.0.0.2:5060");
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  run_now();
  assert_string_equal(b_notes.text, "A b\r;A b\r;");
  assert_string_equal(a_notes.text, "C d\r;C d\r;");
  assert_int_equal(ss_transport_connections(a), 1);
  assert_int_equal(ss_transport_connections(b), 1);
  ss_path second = path_to(a, "tcp:10.0.0.2:5060");
  assert_ptr_equal(second.conn, path.conn);
  ss_path_release(&second);
  ss_path_release(&path);
}

static void last_words_leave_when_who_closes_is_done(void **state) {
  static const ss_memory_hooks hooks = {NULL, told_sent};
  ss_path path;
  (void)state;
  open_both("tcp");
  open_peer("tcp:10.0.0.9:5060");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  path = path_to(a, "tcp:10.0.0.9:5060");
  run_now();
  assert_int_equal(send_text(&path, MESSAGE), 0);
  ss_path_release(&path);
  ss_transport_close(a);
  a = NULL;
  assert_string_equal(hook_notes.text, "");
  assert_int_equal(ss_memory_in_flight(memory), 1);
  run_now();
  assert_string_equal(hook_notes.text, "A;");
  assert_string_equal(peer_notes.text, "A b\r;");
  assert_int_equal(peer_closed, 1);
}

static void stream_to_nobody_is_lost(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.7:5060");
  ss_path_watch(&path, &l.watch);
  send_text(&path, MESSAGE);
  run_out();
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ECONNREFUSED);
  assert_true(ss_path_lost(&path));
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  assert_int_equal(ss_transport_connections(a), 0);
  ss_path_release(&path);
}

static void connecting_too_slowly_is_a_timeout(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  delay(11000);
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  send_text(&path, MESSAGE);
  run_until(10999);
  assert_int_equal(l.told, 0);
  run_until(11000);
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ETIMEDOUT);
  run_out();
  assert_string_equal(b_notes.text, "");
  ss_path_release(&path);
}

static void stream_to_a_peer_comes_framed_and_in_order(void **state) {
  ss_path path;
  (void)state;
  open_both("tcp");
  open_peer("tcp:10.0.0.9:5060");
  delay(50);
  path = path_to(a, "tcp:10.0.0.9:5060");
  run_until(1050);
  send_text(&path, "1 b\r\nl: 0\r\n\r\n2 b\r\nl");
  send_text(&path, ": 0\r\n\r\n");
  run_until(1051);
  delay(1); /* what follows does not overtake */
  send_text(&path, "3 b\r\nl: 0\r\n\r\n");
  run_until(1090);
  assert_string_equal(peer_notes.text, "");
  run_until(1100);
  assert_string_equal(peer_notes.text, "1 b\r;2 b\r;3 b\r;");
  ss_path_release(&path);
}

static void peer_stream_is_framed_and_pings_are_answered(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  static const ss_memory_hooks hooks = {NULL, told_sent};
  (void)state;
  open_both("tcp");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  a_notes.answer = MESSAGE MESSAGE;
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("A b\r\nl: 2\r\n")), 0);
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("\r\nh")), 0);
  run_out();
  assert_string_equal(a_notes.text, "!2;"); /* too slow: 10 s */
  assert_int_equal(peer_closed, 1);
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR(MESSAGE "\r\n\r\n")), 0);
  run_now();
  assert_string_equal(a_notes.text, "!2;A b\r;");
  assert_string_equal(peer_notes.text, "A b\r;A b\r;");
  assert_string_equal(hook_notes.text + hook_notes.n - 2, "\r;");
  to = addr_of("tcp:10.0.0.8:5060");
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("x")), -ECONNREFUSED);
}

static void answer_arrives_after_half_close(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  delay(5);
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_shut(p, &to);
  ss_memory_step(memory, UINT64_MAX);
  ss_memory_step(memory, 2000);
  ss_memory_step(memory, 2000);
  assert_string_equal(a_notes.text, "A b\r;");
  ss_path_watch(&a_notes.path, &l.watch);
  assert_int_equal(send_text(&a_notes.path, MESSAGE), 0);
  run_until(20000);
  assert_string_equal(peer_notes.text, "A b\r;");
  assert_int_equal(l.told, 0);
  run_until(33999);
  assert_int_equal(l.told, 0);
  run_until(34010); /* 32 s after the last write */
  assert_int_equal(l.told, 1);
  assert_int_equal(peer_closed, 1);
}

static void half_closed_stream_goes_when_nobody_holds_it(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR("\r\n"));
  run_now();
  assert_int_equal(ss_transport_connections(a), 1);
  ss_mpeer_shut(p, &to);
  run_now();
  assert_int_equal(ss_transport_connections(a), 0);
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_shut(p, &to);
  run_now();
  assert_int_equal(ss_transport_connections(a), 1);
  send_text(&a_notes.path, MESSAGE);
  ss_path_release(&a_notes.path);
  assert_int_equal(ss_transport_connections(a), 1); /* has something to send */
  run_now();
  assert_int_equal(ss_transport_connections(a), 0);
  assert_string_equal(peer_notes.text, "A b\r;");
  ss_mpeer_send(p, &to, SS_STR("A b\r\n"));
  ss_mpeer_shut(p, &to); /* in the middle of a message */
  run_now();
  assert_int_equal(ss_transport_connections(a), 0);
  assert_string_equal(a_notes.text, "A b\r;");
}

static void peer_that_closed_resets_what_is_sent(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_now();
  ss_path_watch(&a_notes.path, &l.watch);
  ss_mpeer_close(p);
  run_now();
  assert_int_equal(l.told, 0);
  assert_int_equal(send_text(&a_notes.path, MESSAGE), 0);
  run_now();
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ECONNRESET);
}

static void refused_stream_gets_its_answer_and_is_closed(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  open_both("tcp");
  a_notes.answer = MESSAGE;
  ss_mpeer_send(p, &to, SS_STR("A b\r\nl: x\r\n\r\n" MESSAGE));
  run_now();
  assert_string_equal(a_notes.text, "!1;");
  assert_int_equal(a_notes.head, 13);
  assert_string_equal(peer_notes.text, "A b\r;");
  assert_int_equal(peer_closed, 1);
  assert_true(ss_path_lost(&a_notes.path));
}

static void idle_stream_is_closed_after_its_time(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  limits.connection_idle = 60;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_until(41000);
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_until(100999);
  assert_string_equal(a_notes.text, "A b\r;A b\r;");
  run_until(101000);
  assert_string_equal(a_notes.text, "A b\r;A b\r;!3;");
}

static void connections_over_the_limit_are_refused(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060"),
           *q = open_peer("tcp:10.0.0.9:5061");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  limits.connections = 1;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_send(q, &to, SS_STR(MESSAGE));
  run_now();
  assert_string_equal(a_notes.text, "A b\r;!5;");
  assert_int_equal(peer_closed, 1);
  assert_int_equal(ss_transport_connections(a), 1);
}

static void backlog_over_the_limit_closes_the_stream(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  limits.connection_backlog = 200;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), SS_EFULL);
  assert_int_equal(l.told, 0); /* not inside of the send */
  ss_path_release(&path);
  run_out();
  assert_string_equal(a_notes.text, "!4;");
  assert_int_equal(l.told, 1);
}

static void transport_may_close_inside_its_message(void **state) {
  ss_mpeer *p;
  ss_addr to;
  (void)state;
  for (int i = 0; i < 2; i++) {
    p = open_peer(i ? "tcp:10.0.0.9:5060" : "udp:10.0.0.9:5060");
    to = addr_of(i ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060");
    a = open_at(i ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060", &a_notes);
    a_notes.close = &a;
    ss_mpeer_send(p, &to, SS_STR(MESSAGE MESSAGE));
    ss_mpeer_send(p, &to, SS_STR(MESSAGE));
    run_out();
    assert_null(a);
    assert_int_equal(a_notes.messages, i + 1);
    assert_string_equal(a_notes.text + a_notes.n - 2, "i;");
    a_notes.path = (ss_path){0};
  }
}

static void closing_tells_no_watch_and_sends_what_is_queued(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  run_now();
  send_text(&path, MESSAGE);
  ss_transport_close(a);
  a = NULL;
  assert_false(ss_list_linked(&l.watch.node));
  assert_true(ss_path_lost(&path));
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  ss_path_release(&path);
  run_now();
  assert_string_equal(b_notes.text, "A b\r;");
  assert_int_equal(l.told, 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(stream_carries_messages_both_ways),
      T(last_words_leave_when_who_closes_is_done),
      T(stream_to_nobody_is_lost),
      T(connecting_too_slowly_is_a_timeout),
      T(stream_to_a_peer_comes_framed_and_in_order),
      T(peer_stream_is_framed_and_pings_are_answered),
      T(answer_arrives_after_half_close),
      T(half_closed_stream_goes_when_nobody_holds_it),
      T(peer_that_closed_resets_what_is_sent),
      T(refused_stream_gets_its_answer_and_is_closed),
      T(idle_stream_is_closed_after_its_time),
      T(connections_over_the_limit_are_refused),
      T(backlog_over_the_limit_closes_the_stream),
      T(transport_may_close_inside_its_message),
      T(closing_tells_no_watch_and_sends_what_is_queued),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
