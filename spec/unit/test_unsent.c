/* What becomes of a call whose datagrams don't leave: the kernel refuses them,
 * its buffer is full, nobody listens where they go. Each is counted or waits,
 * the timers go on, the call ends by the last of them, and meanwhile the loop
 * sleeps: its turns are counted, so are the system calls. */
#include "ua/endpoint.h"

#include "net/uvloop.h"
#include "quiet_handler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define T1 5
#define T2 80
#define REPEATS 8 /* of a 200: 0, 5, 15, 35, 75, 155, 235, 315 ms */
#define BYES 6    /* docs/design.md, "The BYE after 64·T1" */
#define TURNS 200 /* far more than the timers need, far less than a spin */

/* In front of the C library's. The kernel refuses so many datagrams, with that
 * error; and asks are counted. */
static int refusals, error, asked;

/* The endpoint's socket is one end of a pair of the AF_UNIX family, which can
 * be full as those of a busy network card are: over loopback what is sent has
 * left already. */
static bool paired;
static int pair[2] = {-1, -1};

static void name(struct sockaddr *at, socklen_t *size) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5060)};
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memcpy(at, &in, sizeof in);
  *size = sizeof in;
}

int socket(int family, int type, int protocol) {
  if (!paired)
    return (int)syscall(SYS_socket, family, type, protocol);
  int rc = socketpair(AF_UNIX, type, 0, pair);
  return rc ? rc : pair[0];
}

int bind(int fd, const struct sockaddr *at, socklen_t size) {
  return paired ? 0 : (int)syscall(SYS_bind, fd, at, size);
}

int getsockname(int fd, struct sockaddr *restrict at,
                socklen_t *restrict size) {
  if (!paired)
    return (int)syscall(SYS_getsockname, fd, at, size);
  name(at, size);
  return 0;
}

int sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags) {
  asked++;
  if (refusals > 0) {
    refusals--;
    errno = error;
    return -1;
  }
  for (unsigned i = 0; paired && i < n; i++)
    msg[i].msg_hdr.msg_name = NULL;
  return (int)syscall(SYS_sendmmsg, fd, msg, n, flags);
}

int recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags,
             struct timespec *timeout) {
  int got = (int)syscall(SYS_recvmmsg, fd, msg, n, flags, timeout);
  for (int i = 0; paired && i < got; i++)
    name(msg[i].msg_hdr.msg_name, &msg[i].msg_hdr.msg_namelen);
  return got;
}

typedef struct world {
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_session *session;
  int fd; /* the caller's */
  int accepted, released;
  ss_failure outcome;
  char got[32][2048]; /* what the caller was sent */
  int n;
  uint64_t turn; /* of the loop, when the test began */
} world;

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_content none = {0};
  w->session = ss_session_ref(s);
  assert_int_equal(ss_session_participate(s, &none).kind, SS_KIND_NONE);
}

static void on_accepted(void *arg, ss_session *s, const ss_failure *f,
                        ss_message *ack) {
  world *w = arg;
  (void)s;
  (void)ack;
  w->accepted++;
  w->outcome = *f;
}

static void on_released(void *arg, ss_session *s) {
  world *w = arg;
  (void)s;
  w->released++;
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = quiet_changed,
                                            .accepted = on_accepted,
                                            .negotiate = quiet_negotiate,
                                            .released = on_released,
                                            .closed = quiet_closed};

static void open_endpoint(world *w) {
  ss_addr at;
  size_t failed;
  ss_endpoint_config c;
  ss_addr_parse(&at, SS_STR("udp:127.0.0.1:0"));
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = &at;
  c.listeners = 1;
  c.t1 = T1;
  c.t2 = T2;
  c.t4 = T2;
  assert_int_equal(ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed), 0);
  ss_endpoint_set_handled(w->endpoint, true);
  w->turn = w->loop->pace.turn;
}

static int setup(void **state) {
  static world fresh;
  fresh = (world){.fd = -1};
  refusals = asked = 0;
  assert_int_equal(ss_loop_open(&fresh.loop), 0);
  *state = &fresh;
  return 0;
}

static int setup_alone(void **state) {
  setup(state);
  world *w = *state;
  struct sockaddr_in at = {.sin_family = AF_INET};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  open_endpoint(w);
  w->fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof at), 0);
  const ss_addr *to = ss_endpoint_address(w->endpoint, 0);
  assert_int_equal(connect(w->fd, &to->u.sa, ss_addr_len(to)), 0);
  return 0;
}

static int setup_pair(void **state) {
  setup(state);
  world *w = *state;
  paired = true;
  open_endpoint(w);
  w->fd = pair[1];
  return 0;
}

static int teardown(void **state) {
  world *w = *state;
  ss_session_unref(w->session);
  ss_endpoint_free(w->endpoint);
  ss_loop_close(w->loop);
  if (w->fd >= 0)
    close(w->fd);
  paired = false;
  return 0;
}

static void say(world *w, const char *method) {
  char text[1024];
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  getsockname(w->fd, (struct sockaddr *)&at, &size);
  int port = ntohs(at.sin_port);
  int n = snprintf(text, sizeof text,
                   "%s sip:desk@127.0.0.1 SIP/2.0\r\n"
                   "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s\r\n"
                   "Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=aa\r\n"
                   "To: <sip:desk@127.0.0.1>\r\nCall-ID: 1@127.0.0.1\r\n"
                   "CSeq: 1 %s\r\nContact: <sip:a@127.0.0.1:%d>\r\n"
                   "Content-Length: 0\r\n\r\n",
                   method, port, method, method, port);
  assert_int_equal(send(w->fd, text, (size_t)n, 0), n);
}

/* What has come, but for the bytes that only fill a buffer. */
static void listen_in(world *w) {
  ssize_t n;
  while ((n = recv(w->fd, w->got[w->n], sizeof w->got[0] - 1, MSG_DONTWAIT)) >
         0) {
    w->got[w->n][n] = '\0';
    if (n > 1)
      assert_true(++w->n < 32);
  }
}

static void wake(ss_timer *timer) {
  (void)timer;
}

/* Turns that sleep until something is due, until *count is n, or so many ms
 * are over. */
static void run(world *w, const int *count, int n, uint64_t ms) {
  ss_timer guard = {.fn = wake};
  uint64_t end = ss_loop_now(w->loop) + ms;
  ss_loop_timer(w->loop, &guard, ms);
  while (*count != n && ss_loop_now(w->loop) < end) {
    ss_loop_run(w->loop, SS_RUN_ONCE);
    if (w->fd >= 0)
      listen_in(w);
  }
  ss_loop_timer_stop(w->loop, &guard);
}

static void expect_sleep(const world *w) {
  assert_in_range(w->loop->pace.turn - w->turn, 1, TURNS);
}

static void expect_ended_by_timer(world *w) {
  assert_int_equal(w->accepted, 1);
  assert_int_equal(w->outcome.kind, SS_KIND_OPERATION_TIMEOUT);
  assert_int_equal(w->released, 1);
  ss_alive alive = ss_endpoint_alive(w->endpoint);
  assert_int_equal(alive.sessions + alive.lingering + alive.dialogs, 0);
  expect_sleep(w);
}

static const int never = -1;

static void refused_ones_are_counted_and_said_again(void **state) {
  world *w = *state;
  refusals = 3;
  error = ENOBUFS;
  say(w, "INVITE");
  run(w, &w->n, 1, 3000);
  assert_int_equal(w->n, 1);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->send_errors, 3);
  assert_memory_equal(w->got[0], "SIP/2.0 200 OK\r\n", 16);
  assert_int_equal(asked, 4);
  expect_sleep(w);
}

static void call_ends_by_its_timer(world *w, int refused_with) {
  refusals = INT32_MAX;
  error = refused_with;
  say(w, "INVITE");
  run(w, &w->released, 1, 5000);
  expect_ended_by_timer(w);
  assert_int_equal(w->n, 0);
  /* on a busy machine repeats may be left out */
  assert_in_range(asked, 5, REPEATS + BYES);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->send_errors, asked);
  refusals = 0; /* and when it is over, others are answered */
  say(w, "OPTIONS");
  run(w, &w->n, 1, 3000);
  assert_memory_equal(w->got[0], "SIP/2.0 200 OK\r\n", 16);
}

static void call_that_gets_no_buffer_ends_by_its_timer(void **state) {
  call_ends_by_its_timer(*state, ENOBUFS);
}

static void call_that_a_filter_forbids_ends_by_its_timer(void **state) {
  call_ends_by_its_timer(*state, EPERM);
}

static void call_that_has_no_route_ends_by_its_timer(void **state) {
  call_ends_by_its_timer(*state, ENETUNREACH);
}

/* Fills the buffer that the endpoint's socket has, which is made small. */
static void fill(void) {
  int small = 1;
  setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  while (send(pair[0], "x", 1, MSG_DONTWAIT) == 1)
    continue;
  assert_int_equal(errno, EAGAIN);
}

static void full_buffer_is_waited_for_asleep(void **state) {
  world *w = *state;
  fill();
  say(w, "INVITE");
  w->fd = -1; /* nobody reads, so there is no room */
  run(w, &never, 0, 35 * T1);
  assert_int_equal(asked, 1);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->send_errors, 0);
  expect_sleep(w);
  w->fd = pair[1];
  listen_in(w);
  assert_int_equal(w->n, 0);
  run(w, &w->n, 4, 1000); /* all that was said, in its order */
  assert_true(w->n >= 4);
  for (int i = 0; i < w->n; i++)
    assert_string_equal(w->got[i], w->got[0]);
  assert_memory_equal(w->got[0], "SIP/2.0 200 OK\r\n", 16);
}

static void call_whose_buffer_stays_full_ends_by_its_timer(void **state) {
  world *w = *state;
  fill();
  say(w, "INVITE");
  w->fd = -1;
  run(w, &w->released, 1, 5000);
  expect_ended_by_timer(w);
  assert_int_equal(asked, 1);
  w->fd = pair[1];
}

/* The port that a call came from is closed: each datagram brings an ICMP error.
 * Linux tells it to who has connected its socket or asked for it (udp(7),
 * IP_RECVERR), and nobody else: to the call it is silence. */
static void call_to_a_closed_port_ends_by_its_timer(void **state) {
  world *w = *state;
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  char text[2048];
  int other = socket(AF_INET, SOCK_DGRAM, 0);
  getsockname(w->fd, (struct sockaddr *)&at, &size);
  say(w, "INVITE");
  close(w->fd);
  w->fd = -1;
  /* so it is: another socket hears of it */
  assert_int_equal(connect(other, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(send(other, "x", 1, 0), 1);
  assert_int_equal(recv(other, text, sizeof text, 0), -1);
  assert_int_equal(errno, ECONNREFUSED);
  run(w, &w->released, 1, 5000);
  expect_ended_by_timer(w);
  assert_in_range(asked, 5, REPEATS + BYES);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->send_errors, 0);
  /* and others are answered */
  const ss_addr *to = ss_endpoint_address(w->endpoint, 0);
  assert_int_equal(connect(other, &to->u.sa, ss_addr_len(to)), 0);
  w->fd = other;
  say(w, "OPTIONS");
  run(w, &w->n, 1, 3000);
  assert_memory_equal(w->got[0], "SIP/2.0 200 OK\r\n", 16);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup_alone, teardown)
#define P(f) cmocka_unit_test_setup_teardown(f, setup_pair, teardown)
  const struct CMUnitTest tests[] = {
      T(refused_ones_are_counted_and_said_again),
      T(call_that_gets_no_buffer_ends_by_its_timer),
      T(call_that_a_filter_forbids_ends_by_its_timer),
      T(call_that_has_no_route_ends_by_its_timer),
      P(full_buffer_is_waited_for_asleep),
      P(call_whose_buffer_stays_full_ends_by_its_timer),
      T(call_to_a_closed_port_ends_by_its_timer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
