/* The wall clock stands, jumps and goes back by hours, while timers, calls,
 * nonces and the watchdog are at work on the real loop: nobody looks at it but
 * a call's record, once. It is ours here: what the library and libuv ask of the
 * C library comes to these functions. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/watchdog.h"
#include "quiet_handler.h"
#include "sip/digest.h"
#include "ua/endpoint.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the clocks ----------------------------------------------------------- */

#define EPOCH 2000000000 /* where the wall clock stands when a test begins */
#define HOUR 3600
#define PUBLIC __attribute__((visibility("default")))

static time_t wall;         /* stands until the test moves it */
static unsigned asked;      /* how often somebody looked at it */
static unsigned monotonics; /* and at the other one */

PUBLIC int clock_gettime(clockid_t id, struct timespec *t) {
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE && id != CLOCK_TAI) {
    monotonics++;
    return (int)syscall(SYS_clock_gettime, id, t);
  }
  asked++;
  *t = (struct timespec){.tv_sec = wall};
  return 0;
}

PUBLIC time_t time(time_t *out) {
  asked++;
  if (out)
    *out = wall;
  return wall;
}

PUBLIC int gettimeofday(struct timeval *t, void *zone) {
  (void)zone;
  asked++;
  *t = (struct timeval){.tv_sec = wall};
  return 0;
}

PUBLIC int timespec_get(struct timespec *t, int base) {
  asked++;
  *t = (struct timespec){.tv_sec = wall};
  return base;
}

/* Monotonic ms, of the kernel's. */
static uint64_t ms_now(void) {
  struct timespec t;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Once round: hours ahead, hours back, as it was. */
static void jump(unsigned i) {
  static const int by[] = {7 * HOUR, -13 * HOUR, 720 * HOUR, -714 * HOUR};
  wall += by[i % 4];
}

/* --- the world ------------------------------------------------------------ */

typedef struct world {
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_addr us;
  int socket; /* the caller's */
  int port;
  char heard[2048]; /* the last message */
  int messages;
  unsigned code;
  char nonce[128];
  ss_session *session;
  char states[256];
  int received, ended;
  ss_record record;
} world;

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  w->received++;
  w->session = ss_session_ref(s);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  (void)s;
  size_t n = strlen(w->states);
  snprintf(w->states + n, sizeof w->states - n, "%s(%s) ",
           ss_state_name(c->state), ss_cause_name(c->reason));
}

static void on_ended(void *arg, ss_session *s) {
  world *w = arg;
  w->ended++;
  w->record = *ss_session_record(s);
  w->record.message = NULL;
}

static void on_lookup(void *arg, ss_attempt *a) {
  (void)arg;
  ss_attempt_password(a, SS_STR("secret"));
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = quiet_accepted,
                                            .ended = on_ended,
                                            .negotiate = quiet_negotiate,
                                            .lookup = on_lookup,
                                            .released = quiet_released,
                                            .closed = quiet_closed};

static void open_socket(world *w) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  w->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(w->socket, (struct sockaddr *)&a, n), 0);
  assert_int_equal(getsockname(w->socket, (struct sockaddr *)&a, &n), 0);
  w->port = ntohs(a.sin_port);
}

/* T1 is 100 ms. In ms: how long a call may go unanswered, 0: for ever; how long
 * a nonce is good for, 0: nobody is asked who they are. */
static world *open_world(uint32_t unanswered, uint32_t lifetime) {
  world *w = ss_alloc(sizeof *w);
  ss_addr any;
  size_t failed;
  assert_non_null(w);
  wall = EPOCH;
  open_socket(w);
  assert_int_equal(ss_loop_open(&w->loop), 0);
  ss_addr_parse(&any, SS_STR("udp:127.0.0.1:0"));
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = &any;
  c.listeners = 1;
  c.t1 = 100;
  c.t2 = 400;
  c.connect_timeout = unanswered;
  if (lifetime) {
    c.auth.realm = SS_STR("x");
    c.auth.nonce_lifetime = lifetime;
  }
  assert_int_equal(ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed), 0);
  ss_endpoint_set_handled(w->endpoint, true);
  w->us = *ss_endpoint_address(w->endpoint, 0);
  asked = 0;
  monotonics = 0;
  return w;
}

static void close_world(world *w) {
  ss_session_unref(w->session);
  ss_endpoint_free(w->endpoint);
  ss_loop_close(w->loop);
  close(w->socket);
  ss_free(w);
}

static void hear(world *w) {
  ssize_t n = recv(w->socket, w->heard, sizeof w->heard - 1, 0);
  if (n <= 0)
    return;
  w->heard[n] = 0;
  w->messages++;
  w->code = (unsigned)atoi(w->heard + 8);
  const char *p = strstr(w->heard, "nonce=\"");
  if (p)
    snprintf(w->nonce, sizeof w->nonce, "%.*s", (int)strcspn(p + 7, "\""),
             p + 7);
}

/* Turns until *what is at least that, for ten seconds at most. Returns how
 * many ms it took. */
static uint64_t run_until(world *w, const int *what, int least) {
  uint64_t start = ms_now();
  while (*what < least) {
    if (ms_now() - start > 10000)
      fail_msg("nothing for ten seconds, at %d of %d", *what, least);
    ss_loop_run(w->loop, SS_RUN_NOWAIT);
    hear(w);
    usleep(500);
  }
  return ms_now() - start;
}

static void say(world *w, const char *method, int cseq, const char *to_tag,
                const char *more) {
  char text[2048];
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(ss_addr_port(&w->us)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int n = snprintf(text, sizeof text,
                   "%s sip:desk@127.0.0.1 SIP/2.0\r\n"
                   "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s%d\r\n"
                   "From: <sip:a@127.0.0.1>;tag=aa\r\n"
                   "To: <sip:desk@127.0.0.1>%s\r\n"
                   "Call-ID: a\r\nCSeq: %d %s\r\n"
                   "Contact: <sip:a@127.0.0.1:%d>\r\n%s",
                   method, w->port, method, cseq, to_tag, cseq, method, w->port,
                   *more ? more : "Content-Length: 0\r\n\r\n");
  assert_int_equal(
      sendto(w->socket, text, (size_t)n, 0, (struct sockaddr *)&to, sizeof to),
      n);
}

/* To the offer of the library's own. */
#define ANSWER                                                                 \
  "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"   \
  "s=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"

static void credentials(world *w, int nc, char *out, size_t size) {
  char count[9], hex[2 * SS_HASH_MAX + 1] = "";
  snprintf(count, sizeof count, "%08x", (unsigned)nc);
  ss_digest d = {.user = SS_STR("bob"),
                 .realm = SS_STR("x"),
                 .nonce = ss_str_z(w->nonce),
                 .uri = SS_STR("sip:desk@127.0.0.1"),
                 .cnonce = SS_STR("c"),
                 .nc_text = ss_str_z(count)};
  ss_ha1 ha1;
  uint8_t right[SS_HASH_MAX];
  assert_int_equal(
      ss_digest_ha1(SS_SHA_256, d.user, d.realm, SS_STR("secret"), &ha1), 0);
  assert_int_equal(ss_digest_response(&d, SS_STR("OPTIONS"), &ha1, right), 0);
  ss_hex(right, SS_HASH_MAX, hex);
  snprintf(out, size,
           "Authorization: Digest username=\"bob\", realm=\"x\", "
           "nonce=\"%s\", uri=\"sip:desk@127.0.0.1\", response=\"%s\", "
           "cnonce=\"c\", nc=%s, qop=auth, algorithm=SHA-256\r\n"
           "Content-Length: 0\r\n\r\n",
           w->nonce, hex, count);
}

/* --- timers --------------------------------------------------------------- */

typedef struct alarm_clock {
  ss_timer timer;
  uint64_t due;
} alarm_clock;

static int rung;

static void ring(ss_timer *timer) {
  alarm_clock *a = SS_CONTAINER(timer, alarm_clock, timer);
  assert_true(ms_now() >= a->due);
  jump((unsigned)rung++);
}

static void timers_keep_their_time(void **state) {
  (void)state;
  world *w = open_world(0, 0);
  alarm_clock clock[8] = {0};
  rung = 0;
  for (unsigned i = 0; i < 8; i++) {
    uint32_t delay = 10 * (i + 1);
    clock[i].timer.fn = ring;
    clock[i].due = ms_now() + delay - 1; /* ms are cut off twice */
    ss_loop_timer(w->loop, &clock[i].timer, delay);
  }
  run_until(w, &rung, 8);
  assert_int_equal(asked, 0);
  assert_true(monotonics > 0); /* libuv's questions do come here */
  close_world(w);
}

/* --- calls ---------------------------------------------------------------- */

static void a_call_knows_no_wall_clock_but_its_records(void **state) {
  (void)state;
  world *w = open_world(0, 0);
  ss_content none = {0};
  char tag[64];
  uint64_t start = ms_now();
  say(w, "INVITE", 1, "", "");
  run_until(w, &w->received, 1);
  assert_int_equal(ss_session_participate(w->session, &none).kind,
                   SS_KIND_NONE);
  /* the 200 and its repeats: 0, 100, 300, 700 ms, whatever day it is */
  static const uint64_t due[] = {0, 100, 300, 700};
  uint64_t first = 0;
  for (unsigned i = 0; i < 4; i++) {
    run_until(w, &w->messages, (int)i + 1);
    assert_int_equal(w->code, 200);
    if (i == 0)
      first = ms_now();
    assert_true(ms_now() - start + 1 >= due[i]);
    assert_true(ms_now() - first < due[i] + 5000);
    jump(i);
  }
  const char *p = strstr(strstr(w->heard, "\r\nTo: "), ";tag=");
  snprintf(tag, sizeof tag, "%.*s", (int)strcspn(p, "\r"), p);
  say(w, "ACK", 1, tag, ANSWER);
  wall += HOUR;
  w->messages = 0;
  say(w, "BYE", 2, tag, "");
  run_until(w, &w->ended, 1);
  run_until(w, &w->messages, 1);
  assert_int_equal(w->code, 200);
  assert_string_equal(w->states, "connecting(none) connected(none) "
                                 "disconnected(terminated_remotely) ");
  assert_int_equal(asked, 1);
  assert_int_equal(w->record.at, EPOCH);
  uint64_t took = ms_now() - start;
  assert_in_range(w->record.ended - w->record.started, 700, took + 1);
  close_world(w);
}

static void nobody_answers_in_spite_of_the_wall_clock(void **state) {
  (void)state;
  world *w = open_world(300, 0);
  uint64_t start = ms_now();
  wall -= 5 * HOUR;
  say(w, "INVITE", 1, "", "");
  run_until(w, &w->messages, 1);
  wall -= 5 * HOUR;
  run_until(w, &w->ended, 1);
  assert_true(ms_now() - start + 1 >= 300);
  assert_string_equal(w->states, "disconnected(timeout) ");
  assert_int_equal(asked, 1);
  assert_int_equal(w->record.at, EPOCH - 5 * HOUR);
  close_world(w);
}

/* --- nonces --------------------------------------------------------------- */

static void ask(world *w, int cseq, const char *more) {
  w->code = 0;
  w->messages = 0;
  say(w, "OPTIONS", cseq, "", more);
  run_until(w, &w->messages, 1);
}

static void nonces_outlive_what_the_wall_clock_does(void **state) {
  (void)state;
  world *w = open_world(0, 60000);
  char more[1024];
  ask(w, 1, "");
  assert_int_equal(w->code, 401);
  for (int i = 1; i <= 8; i++) {
    jump((unsigned)i);
    credentials(w, i, more, sizeof more);
    ask(w, 1 + i, more);
    assert_int_equal(w->code, 200);
  }
  jump(0);
  ask(w, 10, more); /* a count it has seen */
  assert_int_equal(w->code, 401);
  assert_int_equal(asked, 0);
  close_world(w);
}

static void nonces_grow_old_where_the_wall_clock_does_not(void **state) {
  (void)state;
  world *w = open_world(0, 100);
  char more[1024];
  ask(w, 1, "");
  uint64_t start = ms_now();
  credentials(w, 1, more, sizeof more);
  wall -= 24 * HOUR;
  rung = 0;
  alarm_clock clock = {.timer.fn = ring, .due = start + 150};
  ss_loop_timer(w->loop, &clock.timer, 200);
  run_until(w, &rung, 1);
  wall = EPOCH - 24 * HOUR;
  ask(w, 2, more);
  assert_int_equal(w->code, 401);
  assert_non_null(strstr(w->heard, "stale=true"));
  assert_int_equal(asked, 0);
  close_world(w);
}

/* --- the watchdog --------------------------------------------------------- */

static atomic_int barked;

static void bark(void *arg) {
  ss_watchdog *w = *(ss_watchdog **)arg;
  ss_watchdog_noticed(w);
  atomic_fetch_add(&barked, 1);
}

static void the_watchdog_keeps_its_time(void **state) {
  (void)state;
  static ss_watchdog *w;
  wall = EPOCH;
  for (unsigned i = 0; i < 4; i++) {
    asked = 0;
    atomic_store(&barked, 0);
    assert_int_equal(ss_watchdog_new(&w, 100, bark, &w, "stuck\n"), 0);
    uint64_t start = ms_now();
    ss_watchdog_begin(w);
    jump(i);
    while (!atomic_load(&barked)) {
      if (ms_now() - start > 10000)
        fail_msg("it has slept for ten seconds");
      usleep(500);
    }
    assert_true(ms_now() - start + 1 >= 75); /* three quarters at least */
    ss_watchdog_end(w);
    ss_watchdog_free(w);
    assert_int_equal(asked, 0);
  }
}

/* It is this one that everybody asks, or the tests above show nothing. */
static void the_clock_is_ours(void **state) {
  (void)state;
  struct timespec t;
  struct timeval v;
  wall = EPOCH;
  asked = 0;
  assert_int_equal(time(NULL), EPOCH);
  clock_gettime(CLOCK_REALTIME, &t);
  assert_int_equal(t.tv_sec, EPOCH);
  gettimeofday(&v, NULL);
  assert_int_equal(v.tv_sec, EPOCH);
  assert_int_equal(asked, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_clock_is_ours),
      cmocka_unit_test(timers_keep_their_time),
      cmocka_unit_test(a_call_knows_no_wall_clock_but_its_records),
      cmocka_unit_test(nobody_answers_in_spite_of_the_wall_clock),
      cmocka_unit_test(nonces_outlive_what_the_wall_clock_does),
      cmocka_unit_test(nonces_grow_old_where_the_wall_clock_does_not),
      cmocka_unit_test(the_watchdog_keeps_its_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
