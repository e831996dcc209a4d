/* Stream transports over real TCP on the loopback, against raw sockets: how a
 * peer can begin, talk and end. How it can misbehave is in test_tcp_limits.c.
 */
#include "tcp_fixture.h"

#include <poll.h>
#include <signal.h>

static void echo(const char *at) {
  ss_path path, again;
  ss_addr local;
  a = open_at(at, &a_notes);
  b = open_at(at, &b_notes);
  b_notes.answer = MESSAGE;
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &path), 0);
  for (int i = 0; i < 100; i++)
    assert_int_equal(send_text(&path, MESSAGE), 0);
  run_until(&a_notes.messages, 100);
  assert_int_equal(b_notes.messages, 100);
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &again), 0);
  assert_ptr_equal(again.conn, path.conn);
  assert_int_equal(ss_transport_connections(a), 1);
  assert_int_equal(ss_transport_connections(b), 1);
  ss_path_local(&path, &local);
  assert_true(ss_addr_eq(&local, ss_transport_local(a)));
  ss_path_release(&again);
  ss_path_release(&path);
}

static void messages_go_and_come_over_ipv4(void **state) {
  (void)state;
  echo("tcp:127.0.0.1:0");
}

static void messages_go_and_come_over_ipv6(void **state) {
  (void)state;
  echo("tcp:[::1]:0");
}

static void messages_are_cut_out_of_any_segments(void **state) {
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  a_notes.answer = MESSAGE;
  fd = client();
  for (const char *p = MESSAGE; *p; p++) {
    char one[2] = {*p, '\0'};
    put(fd, one);
    run_for(1);
  }
  expect(fd, MESSAGE);
  put(fd, MESSAGE MESSAGE "A b\r\nl: 5\r\n\r\nhe");
  expect(fd, MESSAGE MESSAGE);
  put(fd, "llo");
  expect(fd, MESSAGE);
  assert_int_equal(a_notes.messages, 4);
  close(fd);
}

static void ping_is_answered_by_a_single_crlf(void **state) {
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, "\r\n\r\n");
  expect(fd, "\r\n");
  run_for(10);
  assert_int_equal(recv(fd, &(char){0}, 1, MSG_DONTWAIT), -1);
  assert_int_equal(a_notes.messages, 0);
  close(fd);
}

static void connecting_to_nobody_tells_the_watch(void **state) {
  ss_addr nobody;
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  b = open_at("tcp:127.0.0.1:0", &b_notes);
  nobody = *ss_transport_local(b);
  ss_transport_close(b);
  b = NULL;
  assert_int_equal(ss_path_to(a, &nobody, &path), 0);
  ss_path_watch(&path, &l.watch);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  run_until(&l.told, 1);
  assert_int_equal(l.rc, -ECONNREFUSED);
  assert_true(ss_path_lost(&path));
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  run_for(10);
  assert_int_equal(l.told, 1);
  ss_path_release(&path);
}

static void reset_by_the_peer_tells_the_watch(void **state) {
  loss l = {.watch.lost = loss_told};
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  ss_path_watch(&a_notes.path, &l.watch);
  reset(fd);
  run_until(&l.told, 1);
  assert_int_equal(l.rc, -ECONNRESET);
  assert_int_equal(ss_transport_connections(a), 0);
}

static void answer_arrives_after_half_close(void **state) {
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  shutdown(fd, SHUT_WR);
  run_until(&a_notes.messages, 1);
  run_for(20);
  assert_int_equal(a_notes.messages, 1);
  assert_int_equal(send_text(&a_notes.path, MESSAGE), 0);
  expect(fd, MESSAGE);
  ss_path_release(&a_notes.path);
  assert_true(ended(fd, 1000)); /* nobody may answer any more */
  assert_int_equal(ss_transport_connections(a), 0);
  close(fd);
}

static void writing_to_who_has_closed_is_a_loss_and_no_signal(void **state) {
  loss l = {.watch.lost = loss_told};
  int fd;
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  ss_path_watch(&a_notes.path, &l.watch);
  close(fd);
  run_for(10);
  assert_int_equal(l.told, 0);
  for (int i = 0; i < 100 && !l.told; i++) {
    send_text(&a_notes.path, MESSAGE);
    run_for(2);
  }
  assert_int_equal(l.told, 1);
}

static void end_in_the_middle_of_a_message_closes(void **state) {
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, "A b\r\nl: 5\r\n\r\nhe");
  shutdown(fd, SHUT_WR);
  assert_true(ended(fd, 1000));
  assert_int_equal(a_notes.messages, 0);
  close(fd);
}

static void wildcard_listener_knows_its_side_of_a_path(void **state) {
  ss_addr to = addr_of("tcp:127.0.0.1:1"), local;
  int fd;
  (void)state;
  a = open_at("tcp:0.0.0.0:0", &a_notes);
  ss_addr_set_port(&to, ss_addr_port(ss_transport_local(a)));
  fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, &to.u.sa, ss_addr_len(&to)), 0);
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  ss_path_local(&a_notes.path, &local);
  assert_true(ss_addr_eq(&local, &to));
  close(fd);
}

static void transport_may_close_inside_its_message(void **state) {
  loss l = {.watch.lost = loss_told};
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  ss_path_watch(&a_notes.path, &l.watch);
  a_notes.close = &a;
  put(fd, MESSAGE MESSAGE);
  run_until(&a_notes.messages, 2);
  assert_int_equal(a_notes.messages, 2);
  assert_null(a);
  assert_true(ss_path_lost(&a_notes.path));
  assert_true(ended(fd, 1000));
  assert_int_equal(l.told, 0);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  close(fd);
}

static void path_outlives_transport_and_loop(void **state) {
  ss_path path;
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  path = a_notes.path;
  ss_path_hold(&path);
  ss_path_release(&a_notes.path);
  ss_transport_close(a);
  ss_loop_close(loop);
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  ss_path_release(&path);
  assert_int_equal(nothing_alive(NULL), 0);
  close(fd);
  setup(NULL);
}

static void pollfd_tells_of_connects_and_bytes(void **state) {
  struct pollfd p = {.fd = ss_loop_pollfd(loop), .events = POLLIN};
  ss_path path;
  uint64_t end = clock_ms() + 3000;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  b = open_at("tcp:127.0.0.1:0", &b_notes);
  b_notes.answer = MESSAGE;
  while (poll(&p, 1, 20) == 1)
    ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &path), 0);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  while (!a_notes.messages && clock_ms() < end) {
    assert_int_equal(poll(&p, 1, 1000), 1);
    ss_loop_run(loop, SS_RUN_NOWAIT);
  }
  assert_int_equal(a_notes.messages, 1);
  assert_int_equal(poll(&p, 1, 0), 0);
  ss_path_release(&path);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(messages_go_and_come_over_ipv4),
      T(messages_go_and_come_over_ipv6),
      T(messages_are_cut_out_of_any_segments),
      T(ping_is_answered_by_a_single_crlf),
      T(connecting_to_nobody_tells_the_watch),
      T(reset_by_the_peer_tells_the_watch),
      T(answer_arrives_after_half_close),
      T(writing_to_who_has_closed_is_a_loss_and_no_signal),
      T(end_in_the_middle_of_a_message_closes),
      T(wildcard_listener_knows_its_side_of_a_path),
      T(transport_may_close_inside_its_message),
      T(path_outlives_transport_and_loop),
      T(pollfd_tells_of_connects_and_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
