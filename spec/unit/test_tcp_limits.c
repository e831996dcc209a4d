/* Stream transports over real TCP against peers that misbehave: what is
 * refused, when, and that everybody else goes on. */
#include "tcp_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>

static void refused_message_is_answered_before_the_end(void **state) {
  static char junk[100000];
  int fd;
  (void)state;
  memset(junk, 'x', sizeof junk - 1);
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  a_notes.answer = MESSAGE;
  fd = client();
  fcntl(fd, F_SETFL, O_NONBLOCK);
  put(fd, "A b\r\nl: 2\r\nl: 2\r\n\r\n");
  put(fd, junk); /* unread bytes would make the end a reset */
  expect(fd, MESSAGE);
  assert_true(ended(fd, 100));
  assert_string_equal(a_notes.text, "!1;");
  assert_int_equal(a_notes.head, 19);
  close(fd);
  run_for(10);
  assert_int_equal(ss_transport_connections(a), 0);
  fd = client();
  put(fd, junk);
  expect(fd, MESSAGE);
  assert_true(ended(fd, 100));
  assert_string_equal(a_notes.text, "!1;!0;");
  close(fd);
}

static void flood_after_a_refusal_is_cut_off(void **state) {
  static char junk[65536];
  uint64_t end = clock_ms() + 1500; /* below the time to linger */
  int fd, gone = 0;
  (void)state;
  memset(junk, 'x', sizeof junk);
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (!gone && clock_ms() < end) {
    if (send(fd, junk, sizeof junk, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
      gone = 1;
    ss_loop_run(loop, SS_RUN_NOWAIT);
  }
  assert_true(gone);
  assert_string_equal(a_notes.text, "!0;");
  assert_int_equal(ss_transport_connections(a), 0);
  close(fd);
}

static void slow_message_is_refused_in_its_time(void **state) {
  uint64_t begin = clock_ms();
  int fd;
  (void)state;
  limits.message_time = 1;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE "A b\r\n");
  while (!a_notes.refused && clock_ms() < begin + 3000) {
    send(fd, "x", 1, MSG_NOSIGNAL); /* more bytes don't win time */
    run_for(50);
  }
  assert_string_equal(a_notes.text, "A b\r;!2;");
  assert_in_range(clock_ms(), begin + 1000, begin + 2500);
  assert_true(ended(fd, 1000));
  close(fd);
}

static void idle_connection_is_refused_in_its_time(void **state) {
  int fd;
  (void)state;
  limits.connection_idle = 1;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  run_for(600);
  put(fd, MESSAGE);
  run_for(700);
  assert_string_equal(a_notes.text, "A b\r;");
  assert_true(ended(fd, 600));
  assert_string_equal(a_notes.text, "A b\r;!3;");
  close(fd);
}

static void peer_that_never_reads_is_closed_at_the_limit(void **state) {
  static char text[10001];
  loss l = {.watch.lost = loss_told};
  int fd, rc = 0, n = 0;
  (void)state;
  memset(text, 'x', sizeof text - 1);
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  ss_path_watch(&a_notes.path, &l.watch);
  for (; rc == 0 && n < 5000; n++) {
    rc = send_text(&a_notes.path, text);
    ss_loop_run(loop, SS_RUN_NOWAIT);
  }
  assert_int_equal(rc, SS_EFULL);
  assert_int_equal(l.told, 1);
  assert_string_equal(a_notes.text, "A b\r;!4;");
  assert_int_equal(send_text(&a_notes.path, text), SS_ECLOSED);
  close(fd);
}

static void slow_reader_gets_everything_in_order(void **state) {
  static char got[600000], text[601];
  size_t n = 0;
  uint64_t end = clock_ms() + 5000;
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  choked = 1;
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  for (int i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "%0600d", i);
    assert_int_equal(send_text(&a_notes.path, text), 0);
  }
  while (n < sizeof got && clock_ms() < end) {
    ssize_t r;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    size_t room = sizeof got - n;
    r = recv(fd, got + n, room < 10000 ? room : 10000, MSG_DONTWAIT);
    if (r > 0)
      n += (size_t)r;
    else
      usleep(100);
  }
  assert_int_equal(n, sizeof got);
  for (int i = 0; i < 1000; i++) {
    snprintf(text, sizeof text, "%0600d", i);
    assert_memory_equal(got + i * 600, text, 600);
  }
  close(fd);
}

static void connections_over_the_limit_are_refused(void **state) {
  int fd[3];
  (void)state;
  limits.connections = 2;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  for (int i = 0; i < 3; i++)
    fd[i] = client();
  run_until(&a_notes.refused, 1);
  assert_string_equal(a_notes.text, "!5;");
  assert_int_equal(ss_transport_connections(a), 2);
  assert_true(ended(fd[2], 100));
  close(fd[0]);
  run_for(20);
  fd[0] = client();
  put(fd[0], MESSAGE);
  run_until(&a_notes.messages, 1);
  for (int i = 0; i < 3; i++)
    close(fd[i]);
}

/* valgrind keeps its own count of descriptors, and its accept(2) does not run
 * out when the program's would. */
static void needs_real_descriptors(void) {
  if (getenv("SIPSESSION_MEMCHECK"))
    skip();
}

static void out_of_descriptors_is_survived(void **state) {
  struct rlimit old, few;
  int clients[20], fds = 0, hog[64], hogs = 0;
  (void)state;
  needs_real_descriptors();
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  ss_loop_run(loop, SS_RUN_NOWAIT);
  for (; fds < 20; fds++)
    clients[fds] = client();
  getrlimit(RLIMIT_NOFILE, &old);
  few = old;
  few.rlim_cur = 64;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  while (hogs < 64 && (hog[hogs] = dup(0)) >= 0)
    hogs++;
  run_until(&a_notes.refused, 20);
  assert_int_equal(ss_transport_connections(a), 0);
  setrlimit(RLIMIT_NOFILE, &old);
  while (hogs)
    close(hog[--hogs]);
  for (int i = 0; i < 20; i++) {
    assert_true(ended(clients[i], 100));
    close(clients[i]);
  }
  clients[0] = client();
  put(clients[0], MESSAGE);
  run_until(&a_notes.messages, 1);
  close(clients[0]);
}

static void losing_even_the_spare_descriptor_only_takes_time(void **state) {
  uint64_t begin = clock_ms();
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  starved_for = 2; /* the call, and the one with the spare */
  fd = client();
  put(fd, MESSAGE);
  run_until(&a_notes.messages, 1);
  assert_in_range(clock_ms() - begin, 90, 1000);
  assert_int_equal(starved_for, 0);
  close(fd);
}

static void peer_that_stays_after_a_refusal_is_left(void **state) {
  uint64_t begin = clock_ms();
  int fd;
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  fd = client();
  put(fd, "A b\r\n\r\n");
  assert_true(ended(fd, 1000));
  assert_int_equal(ss_transport_connections(a), 1);
  while (ss_transport_connections(a) && clock_ms() < begin + 4000)
    run_for(10);
  assert_in_range(clock_ms() - begin, 1900, 3900);
  close(fd);
}

static void connects_over_the_limit_are_refused(void **state) {
  ss_path path;
  ss_addr to;
  (void)state;
  limits.connections = 0;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  to = *ss_transport_local(a);
  assert_int_equal(ss_path_to(a, &to, &path), SS_ELIMIT);
}

static void many_connects_are_taken_at_once(void **state) {
  static int fd[300];
  uint64_t begin = clock_ms();
  (void)state;
  a = open_at("tcp:127.0.0.1:0", &a_notes);
  for (int i = 0; i < 300; i++)
    fd[i] = client(); /* the backlog holds them */
  while (ss_transport_connections(a) < 300 && clock_ms() - begin < 5000)
    run_for(10);
  assert_int_equal(ss_transport_connections(a), 300);
  for (int i = 0; i < 300; i++)
    close(fd[i]);
  run_for(50);
  assert_int_equal(ss_transport_connections(a), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(refused_message_is_answered_before_the_end),
      T(flood_after_a_refusal_is_cut_off),
      T(slow_message_is_refused_in_its_time),
      T(idle_connection_is_refused_in_its_time),
      T(peer_that_never_reads_is_closed_at_the_limit),
      T(slow_reader_gets_everything_in_order),
      T(connections_over_the_limit_are_refused),
      T(out_of_descriptors_is_survived),
      T(losing_even_the_spare_descriptor_only_takes_time),
      T(peer_that_stays_after_a_refusal_is_left),
      T(connects_over_the_limit_are_refused),
      T(many_connects_are_taken_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
