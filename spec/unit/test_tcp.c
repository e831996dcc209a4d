/* Stream transports over real TCP on the loopback, against raw sockets: every
 * way a peer can begin, behave badly and end. */
#include "net_fixture.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE "A b\r\nl: 2\r\n\r\nhi"

/* In front of the C library's: a socket that takes a few bytes now and then,
 * and a process that has no descriptor left, not even the spare one. */
static int choked, starved_for;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
  static int calls;
  assert_true(flags & MSG_NOSIGNAL);
  if (choked && ++calls % 3 == 0) {
    errno = EAGAIN;
    return -1;
  }
  if (choked) {
    struct iovec iov = msg->msg_iov[0];
    struct msghdr less = {.msg_iov = &iov, .msg_iovlen = 1};
    if (iov.iov_len > 250)
      iov.iov_len = 250;
    return syscall(SYS_sendmsg, fd, &less, flags);
  }
  return syscall(SYS_sendmsg, fd, msg, flags);
}

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len,
            int flags) {
  if (starved_for > 0) {
    starved_for--;
    errno = EMFILE;
    return -1;
  }
  return (int)syscall(SYS_accept4, fd, addr, len, flags);
}

static ss_loop *loop;
static ss_limits limits;
static notes a_notes, b_notes;
static ss_transport *a, *b;

static int setup(void **state) {
  (void)state;
  choked = starved_for = 0;
  a_notes = b_notes = (notes){0};
  a_notes.hold = b_notes.hold = true;
  a = b = NULL;
  ss_limits_default(&limits);
  return ss_loop_open(&loop);
}

static int teardown(void **state) {
  ss_path_release(&a_notes.path);
  ss_path_release(&b_notes.path);
  ss_transport_close(a);
  ss_transport_close(b);
  ss_loop_close(loop);
  return nothing_alive(state);
}

static ss_transport *open_at(const char *text, notes *to) {
  ss_addr addr = addr_of(text);
  ss_transport *t = NULL;
  assert_int_equal(ss_transport_open(loop, &addr, &limits, &notes_sink, to, &t),
                   0);
  return t;
}

static uint64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void run_for(uint64_t ms) {
  uint64_t end = clock_ms() + ms;
  do {
    ss_loop_run(loop, SS_RUN_NOWAIT);
    usleep(200);
  } while (clock_ms() < end);
}

static void run_until(const int *count, int n) {
  uint64_t end = clock_ms() + 5000;
  while (*count < n && clock_ms() < end) {
    ss_loop_run(loop, SS_RUN_NOWAIT);
    if (*count < n)
      usleep(200);
  }
  assert_true(*count >= n);
}

static int client(void) {
  const ss_addr *to = ss_transport_local(a);
  int fd = socket(to->u.sa.sa_family, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, &to->u.sa, ss_addr_len(to)), 0);
  return fd;
}

static void put(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
                   (ssize_t)strlen(text));
}

/* Reads until the text is there, turning the loop. */
static void expect(int fd, const char *text) {
  uint64_t end = clock_ms() + 3000;
  char got[1000];
  size_t n = 0, want = strlen(text);
  while (n < want && clock_ms() < end) {
    ssize_t r;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    r = recv(fd, got + n, want - n, MSG_DONTWAIT);
    if (r == 0)
      break;
    if (r > 0)
      n += (size_t)r;
    else
      usleep(200);
  }
  got[n] = '\0';
  assert_string_equal(got, text);
}

/* Is the stream ended, within ms? */
static bool ended(int fd, uint64_t ms) {
  uint64_t end = clock_ms() + ms;
  char junk[65536];
  do {
    ssize_t r;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    r = recv(fd, junk, sizeof junk, MSG_DONTWAIT);
    if (r == 0 || (r < 0 && errno != EAGAIN))
      return true;
    if (r < 0)
      usleep(200);
  } while (clock_ms() < end);
  return false;
}

static void reset(int fd) {
  struct linger hard = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
}

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
  assert_in_range(clock_ms(), begin + 1000, begin + 1500);
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
    r = recv(fd, got + n, 10000, MSG_DONTWAIT);
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

static void out_of_descriptors_is_survived(void **state) {
  struct rlimit old, few;
  int clients[20], fds = 0, hog[64], hogs = 0;
  (void)state;
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
  assert_in_range(clock_ms() - begin, 1900, 3000);
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
  run_for(50);
  assert_int_equal(ss_transport_connections(a), 300);
  assert_true(clock_ms() - begin < 1000);
  for (int i = 0; i < 300; i++)
    close(fd[i]);
  run_for(50);
  assert_int_equal(ss_transport_connections(a), 0);
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
      T(wildcard_listener_knows_its_side_of_a_path),
      T(connects_over_the_limit_are_refused),
      T(many_connects_are_taken_at_once),
      T(transport_may_close_inside_its_message),
      T(path_outlives_transport_and_loop),
      T(pollfd_tells_of_connects_and_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
