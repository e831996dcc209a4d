/* The loop over libuv with real sockets on the loopback: turns, timers,
 * embedding, datagrams. Streams are in test_tcp.c. */
#include "net_fixture.h"

#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In front of the C library's: the socket is full for a while. Loopback
 * never is. */
static int full_for;

int sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags) {
  if (full_for > 0) {
    full_for--;
    errno = EAGAIN;
    return -1;
  }
  return (int)syscall(SYS_sendmmsg, fd, msg, n > 3 ? 3 : n, flags);
}

static ss_loop *loop;
static ss_limits limits;
static notes a_notes, b_notes;
static ss_transport *a, *b;

static int setup(void **state) {
  (void)state;
  a_notes = b_notes = (notes){0};
  a = b = NULL;
  ss_limits_default(&limits);
  return ss_loop_open(&loop);
}

static int teardown(void **state) {
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

/* Runs until the count is there; every wait has its end. */
static void run_until(const int *count, int n) {
  uint64_t end = clock_ms() + 3000;
  while (*count < n && clock_ms() < end) {
    ss_loop_run(loop, SS_RUN_NOWAIT);
    if (*count < n)
      usleep(200);
  }
  assert_true(*count >= n);
}

static char story[64];
static int fired;
static uint64_t fired_at;

static void tell(const char *what) {
  strcat(story, what);
}

static void timer_fires(ss_timer *timer) {
  (void)timer;
  fired++;
  fired_at = clock_ms();
}

static void timer_fires_in_time_and_ends_the_run(void **state) {
  ss_timer timer = {.fn = timer_fires}, off = {.fn = timer_fires};
  uint64_t begin = clock_ms();
  (void)state;
  fired = 0;
  ss_loop_timer(loop, &timer, 70);
  ss_loop_timer(loop, &off, 20000);
  ss_loop_timer_stop(loop, &off);
  assert_true(ss_loop_timeout(loop) <= 70);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  assert_int_equal(fired, 1);
  assert_in_range(fired_at, begin + 70, begin + 570);
  assert_int_equal(ss_loop_timeout(loop), -1);
}

static void timer_counts_from_now_after_a_pause(void **state) {
  ss_timer timer = {.fn = timer_fires};
  uint64_t begin;
  (void)state;
  fired = 0;
  usleep(60000);
  begin = clock_ms();
  ss_loop_timer(loop, &timer, 40);
  ss_loop_run(loop, SS_RUN_DEFAULT);
  assert_in_range(fired_at, begin + 40, begin + 540);
}

static void flush_job(ss_job *job) {
  (void)job;
  tell("f ");
}

static void second_job(ss_job *job) {
  (void)job;
  tell("j2 ");
}

static ss_job late_job = {.fn = second_job}, job_flush = {.fn = flush_job};

static void first_job(ss_job *job) {
  (void)job;
  tell(ss_loop_run(loop, SS_RUN_ONCE) == SS_ESTATE ? "j1 " : "nested ");
  ss_loop_flush_later(loop, &job_flush);
  ss_loop_defer(loop, &late_job);
}

static void job_from_outside_runs_without_waiting(void **state) {
  ss_job job = {.fn = first_job}, cancelled = {.fn = first_job};
  ss_timer timer = {.fn = timer_fires};
  uint64_t begin = clock_ms();
  (void)state;
  story[0] = '\0';
  fired = 0;
  ss_loop_timer(loop, &timer, 10000);
  ss_loop_defer(loop, &job);
  ss_loop_defer(loop, &cancelled);
  ss_job_cancel(&cancelled);
  assert_int_equal(ss_loop_timeout(loop), 0);
  assert_int_equal(ss_loop_run(loop, SS_RUN_ONCE), 1);
  assert_string_equal(story, "j1 j2 f ");
  assert_in_range(clock_ms() - begin, 0, 1000);
  ss_loop_timer_stop(loop, &timer);
}

static void jobs_alone_are_run(void **state) {
  ss_job job = {.fn = first_job};
  (void)state;
  story[0] = '\0';
  ss_loop_defer(loop, &job);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  assert_string_equal(story, "j1 j2 f ");
}

static void stop_job(ss_job *job) {
  (void)job;
  ss_loop_stop(loop);
}

static void stop_ends_a_run_that_has_listeners(void **state) {
  ss_job job = {.fn = stop_job};
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  ss_loop_defer(loop, &job);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
}

static void stop_fires(ss_timer *timer) {
  (void)timer;
  ss_loop_stop(loop);
}

static void stop_in_a_timer_ends_the_run(void **state) {
  ss_timer timer = {.fn = stop_fires};
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  ss_loop_timer(loop, &timer, 10);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
}

static void stop_in_a_timer_of_no_delay_does_not_wait(void **state) {
  ss_timer timer = {.fn = stop_fires}, guard = {.fn = stop_fires};
  uint64_t begin = clock_ms();
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  ss_loop_run(loop, SS_RUN_NOWAIT);
  ss_loop_timer(loop, &guard, 3000);
  ss_loop_timer(loop, &timer, 0);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
  assert_in_range(clock_ms() - begin, 0, 1000);
  ss_loop_timer_stop(loop, &guard);
}

static void interrupt_ends_a_run_until_taken_back(void **state) {
  ss_timer guard = {.fn = stop_fires};
  uint64_t begin = clock_ms();
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  ss_loop_timer(loop, &guard, 3000);
  ss_loop_interrupt(loop);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
  assert_in_range(clock_ms() - begin, 0, 1000);
  ss_loop_interrupt(loop);
  ss_loop_go_on(loop);
  ss_loop_timer_stop(loop, &guard);
  ss_loop_timer(loop, &guard, 20);
  begin = clock_ms();
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
  assert_in_range(clock_ms() - begin, 19, 1000);
}

/* Does the fd of the loop turn readable within ms? */
static bool readable(int ms) {
  struct pollfd p = {.fd = ss_loop_pollfd(loop), .events = POLLIN};
  assert_true(p.fd >= 0);
  return poll(&p, 1, ms) == 1;
}

static void pollfd_is_quiet_while_there_is_nothing(void **state) {
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_true(readable(0)); /* libuv has to hear of the listener */
  ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_false(readable(30));
  assert_int_equal(ss_loop_timeout(loop), -1);
}

static void pollfd_tells_of_timers_jobs_and_listeners(void **state) {
  ss_timer timer = {.fn = timer_fires};
  uint64_t begin;
  (void)state;
  assert_false(readable(0));
  fired = 0;
  story[0] = '\0';
  begin = clock_ms();
  ss_loop_timer(loop, &timer, 50);
  while (!fired && clock_ms() < begin + 2000) {
    assert_true(readable(1000));
    ss_loop_run(loop, SS_RUN_NOWAIT);
  }
  assert_in_range(fired_at, begin + 50, begin + 550);
  assert_false(readable(10));
  ss_loop_defer(loop, &late_job);
  assert_true(readable(0));
  ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_string_equal(story, "j2 ");
  assert_false(readable(10));
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_true(readable(0));
}

static void send_from_outside(int fd, const ss_addr *to, const char *p,
                              size_t n) {
  assert_int_equal(sendto(fd, p, n, 0, &to->u.sa, ss_addr_len(to)), (ssize_t)n);
}

static void pollfd_tells_of_datagrams(void **state) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_true(readable(0));
  ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_false(readable(0));
  send_from_outside(fd, ss_transport_local(a), "ping", 4);
  assert_true(readable(1000));
  ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_string_equal(a_notes.text, "ping;");
  assert_false(readable(0));
  close(fd);
}

static void echo(const char *at) {
  ss_path path;
  a = open_at(at, &a_notes);
  b = open_at(at, &b_notes);
  b_notes.answer = "pong";
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &path), 0);
  for (int i = 0; i < 100; i++)
    assert_int_equal(send_text(&path, "ping"), 0);
  run_until(&a_notes.messages, 100);
  assert_int_equal(b_notes.messages, 100);
  assert_memory_equal(a_notes.text, "pong;pong;", 10);
  assert_true(ss_addr_eq(&a_notes.path.peer, ss_transport_local(b)));
  assert_int_equal(a_notes.sent, 100);
  assert_int_equal(a_notes.received, 100);
}

static void datagrams_go_and_come_over_ipv4(void **state) {
  (void)state;
  echo("udp:127.0.0.1:0");
}

static void datagrams_go_and_come_over_ipv6(void **state) {
  (void)state;
  echo("udp:[::1]:0");
}

static void address_in_use_is_reported(void **state) {
  ss_transport *t = NULL;
  ss_addr addr;
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_int_equal(ss_transport_open(loop, ss_transport_local(a), &limits,
                                     &notes_sink, &b_notes, &t),
                   -EADDRINUSE);
  addr = addr_of("udp:192.0.2.1:0");
  assert_int_equal(
      ss_transport_open(loop, &addr, &limits, &notes_sink, &b_notes, &t),
      -EADDRNOTAVAIL);
  assert_null(t);
}

static void ipv6_socket_leaves_the_ipv4_port_free(void **state) {
  char text[40];
  (void)state;
  a = open_at("udp:[::]:0", &a_notes);
  snprintf(text, sizeof text, "udp:0.0.0.0:%d",
           ss_addr_port(ss_transport_local(a)));
  b = open_at(text, &b_notes);
}

static void sizes_up_to_the_limit_pass(void **state) {
  static char big[65508];
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  (void)state;
  memset(big, 'x', sizeof big);
  limits.message_size = 60000;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  send_from_outside(fd, ss_transport_local(a), big, 60000);
  send_from_outside(fd, ss_transport_local(a), big, 60001);
  send_from_outside(fd, ss_transport_local(a), big, 65507);
  send_from_outside(fd, ss_transport_local(a), "", 0);
  send_from_outside(fd, ss_transport_local(a), "last", 4);
  run_until(&a_notes.messages, 2);
  assert_string_equal(a_notes.text, "xxxx;!0;!0;last;");
  assert_int_equal(a_notes.head, 65507);
  close(fd);
}

static void one_bad_datagram_does_not_hold_up_the_rest(void **state) {
  static char big[70000];
  ss_path good, far;
  ss_packet *packet;
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  b = open_at("udp:127.0.0.1:0", &b_notes);
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &good), 0);
  far = good;
  far.peer = addr_of("udp:192.0.2.1:9"); /* not from 127.0.0.1 */
  packet = ss_packet_new((ss_str){big, sizeof big});
  send_text(&good, "one");
  assert_int_equal(ss_path_send(&good, packet), 0);
  ss_packet_unref(packet);
  send_text(&far, "far");
  send_text(&good, "two");
  run_until(&b_notes.messages, 2);
  assert_string_equal(b_notes.text, "one;two;");
}

static void full_socket_waits_and_loses_nothing(void **state) {
  static char expected[NOTES_SIZE];
  ss_path path;
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  b = open_at("udp:127.0.0.1:0", &b_notes);
  assert_int_equal(ss_path_to(a, ss_transport_local(b), &path), 0);
  full_for = 5;
  for (int i = 0; i < 100; i++) {
    char text[16];
    snprintf(text, sizeof text, "%03d", i);
    strcat(strcat(expected, text), ";");
    assert_int_equal(send_text(&path, text), 0);
  }
  run_until(&b_notes.messages, 100);
  assert_string_equal(b_notes.text, expected);
  assert_int_equal(full_for, 0);
}

static void closing_while_the_socket_is_full_drops_the_rest(void **state) {
  ss_path path;
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_int_equal(ss_path_to(a, ss_transport_local(a), &path), 0);
  full_for = 1000;
  for (int i = 0; i < 10; i++)
    send_text(&path, "x");
  ss_loop_run(loop, SS_RUN_NOWAIT);
  ss_transport_close(a);
  a = NULL;
  full_for = 0;
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
}

static void queue_is_bounded(void **state) {
  ss_packet *packet = ss_packet_new(SS_STR("x"));
  ss_path path;
  int rc = 0, n = 0;
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  assert_int_equal(ss_path_to(a, ss_transport_local(a), &path), 0);
  while (n < 100000 && (rc = ss_path_send(&path, packet)) == 0)
    n++;
  assert_int_equal(rc, SS_EFULL);
  assert_int_equal(n, 65536);
  ss_transport_close(a); /* what is queued is given to the kernel, or dropped */
  a = NULL;
  assert_int_equal(packet->refs, 1);
  ss_packet_unref(packet);
}

static void wildcard_listener_knows_its_side_of_a_path(void **state) {
  ss_path path = {0};
  ss_addr local;
  (void)state;
  a = open_at("udp:0.0.0.0:0", &a_notes);
  path = (ss_path){a, NULL, addr_of("udp:127.0.0.9:5060")};
  for (int i = 0; i < 2; i++) {
    ss_path_local(&path, &local);
    assert_int_equal(ntohl(local.u.in4.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(ss_addr_port(&local), ss_addr_port(ss_transport_local(a)));
  }
  b = open_at("udp:[::]:0", &b_notes);
  path = (ss_path){b, NULL, addr_of("udp:[::1]:5060")};
  ss_path_local(&path, &local);
  assert_true(IN6_IS_ADDR_LOOPBACK(&local.u.in6.sin6_addr));
}

static void transport_may_close_inside_its_message(void **state) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  a_notes.close = &a;
  for (int i = 0; i < 5; i++)
    send_from_outside(fd, ss_transport_local(a), "ping", 4);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  assert_string_equal(a_notes.text, "ping;g;");
  close(fd);
}

static void stop_in_a_message_ends_the_run(void **state) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  (void)state;
  a = open_at("udp:127.0.0.1:0", &a_notes);
  a_notes.stop = loop;
  send_from_outside(fd, ss_transport_local(a), "ping", 4);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
  close(fd);
}

static void opening_without_memory_fails_cleanly(void **state) {
  ss_addr addr = addr_of("udp:127.0.0.1:0");
  ss_transport *t = NULL;
  ss_loop *other;
  (void)state;
  ss_alloc_fail_at(1);
  assert_int_equal(
      ss_transport_open(loop, &addr, &limits, &notes_sink, &a_notes, &t),
      SS_ENOMEM);
  ss_alloc_fail_at(1);
  assert_int_equal(ss_loop_open(&other), SS_ENOMEM);
  addr = addr_of("tcp:127.0.0.1:0");
  for (long n = 1; n <= 3; n++) {
    ss_alloc_fail_at(n);
    assert_int_equal(
        ss_transport_open(loop, &addr, &limits, &notes_sink, &a_notes, &t),
        SS_ENOMEM);
  }
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(timer_fires_in_time_and_ends_the_run),
      T(timer_counts_from_now_after_a_pause),
      T(job_from_outside_runs_without_waiting),
      T(jobs_alone_are_run),
      T(stop_ends_a_run_that_has_listeners),
      T(stop_in_a_timer_ends_the_run),
      T(stop_in_a_timer_of_no_delay_does_not_wait),
      T(interrupt_ends_a_run_until_taken_back),
      T(pollfd_is_quiet_while_there_is_nothing),
      T(pollfd_tells_of_timers_jobs_and_listeners),
      T(pollfd_tells_of_datagrams),
      T(datagrams_go_and_come_over_ipv4),
      T(datagrams_go_and_come_over_ipv6),
      T(address_in_use_is_reported),
      T(ipv6_socket_leaves_the_ipv4_port_free),
      T(sizes_up_to_the_limit_pass),
      T(one_bad_datagram_does_not_hold_up_the_rest),
      T(full_socket_waits_and_loses_nothing),
      T(closing_while_the_socket_is_full_drops_the_rest),
      T(queue_is_bounded),
      T(wildcard_listener_knows_its_side_of_a_path),
      T(transport_may_close_inside_its_message),
      T(stop_in_a_message_ends_the_run),
      T(opening_without_memory_fails_cleanly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
