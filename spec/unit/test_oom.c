/* Out of memory at every allocation of a call in turn: one fails, all others
 * succeed; and at many at once. Whatever it was, nothing crashes and nothing is
 * left over, each accept ends exactly once, and the endpoint takes the next
 * call. */
#include "ua/endpoint.h"

#include "base/alloc.h"
#include "base/error.h"
#include "net/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum plot { ANSWER, HANG_UP, EARLY, REJECT, CANCEL, SILENT } plot;

typedef struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_mpeer *peer;
  ss_addr us, them;
  plot plot;
  bool tcp;
  int call;          /* the number of the call, in its Call-ID and branches */
  unsigned code;     /* the latest final response to its INVITE */
  unsigned bye_code; /* and to its BYE */
  bool bye_came;
  char tag[32];
  char extra[64]; /* lines of what the caller says */
  int participated, accepted, closed;
  int rang, acknowledged; /* reliable provisionals, and their ends */
} world;

/* An allocator that fails now and then. */
static unsigned one_in; /* 0: never */
static uint64_t dice;

static void *flaky(void *p, size_t n) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  if (n && one_in && (dice >> 33) % one_in == 0)
    return NULL;
  if (n)
    return realloc(p, n);
  free(p);
  return NULL;
}

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

/* --- the script ----------------------------------------------------------- */

#define SDP(n)                                                                 \
  "v=0\r\no=- 1 1 IN IP4 10.0.0." n "\r\ns=-\r\nc=IN IP4 10.0.0." n "\r\n"     \
  "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

/* Early media, what waits behind it, and an accept that waits for it too. */
static void ring(world *w, ss_session *s, const ss_content *content) {
  ss_content early = *content;
  ss_operation *o = NULL;
  early.body = SS_STR(SDP("1"));
  ss_failure f = ss_session_progress_reliably(s, 183, &early, true, &o);
  w->rang += f.kind == SS_KIND_NONE;
  assert_int_equal(f.kind == SS_KIND_NONE, o != NULL);
  ss_session_progress(s, 182, &early);
}

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_fields fields = {0};
  int rc = ss_fields_add(&fields, SS_STR("X-Why"), SS_STR("because"));
  ss_content content = {.fields = rc ? NULL : &fields,
                        .reason = SS_STR("Just So")};
  if (w->plot <= EARLY) {
    if (w->plot == EARLY)
      ring(w, s, &content);
    else
      ss_session_progress(s, 180, &content);
    bool done = false; /* what has failed may be tried again */
    for (int i = 0; i < 2 && !done; i++)
      done = ss_session_participate(s, &content).kind == SS_KIND_NONE;
    w->participated += done;
    if (!done)
      ss_session_terminate(s, NULL);
  } else if (w->plot == REJECT) {
    ss_session_reject(s, 486, &content);
  }
  ss_fields_free(&fields);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  if (w->plot == HANG_UP && c->state == SS_STATE_CONNECTED)
    ss_session_terminate(s, NULL);
}

static void on_accepted(void *arg, ss_session *s, const ss_failure *f,
                        ss_message *ack) {
  world *w = arg;
  (void)s;
  (void)f;
  (void)ack;
  w->accepted++;
}

static void on_completed(void *arg, ss_session *s, ss_operation *o,
                         const ss_failure *f, ss_message *response) {
  world *w = arg;
  (void)s;
  (void)o;
  (void)f;
  assert_null(response);
  w->acknowledged++;
}

static bool on_negotiate(void *arg, ss_session *s, uint32_t round,
                         ss_negotiate what, ss_message *about) {
  (void)round;
  (void)what;
  (void)about;
  (void)arg;
  (void)s;
  return false;
}

static void on_released(void *arg, ss_session *s) {
  (void)arg;
  (void)s;
}

static void on_closed(void *arg) {
  world *w = arg;
  w->closed++;
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = on_accepted,
                                            .completed = on_completed,
                                            .negotiate = on_negotiate,
                                            .released = on_released,
                                            .closed = on_closed};

/* --- the caller ----------------------------------------------------------- */

/* Its own memory may be what fails: it tries again. */
static void speak(world *w, const char *text) {
  for (int i = 0; i < 50; i++)
    if (ss_mpeer_send(w->peer, &w->us, ss_str_z(text)) == 0)
      return;
  fail_msg("not even the fiftieth time");
}

static void say(world *w, const char *method, int cseq, const char *branch,
                bool tagged) {
  char text[1024];
  const char *body = strcmp(method, "INVITE") ? "" : SDP("2");
  snprintf(text, sizeof text,
           "%s sip:desk@10.0.0.1 SIP/2.0\r\n"
           "Via: SIP/2.0/%s 10.0.0.2:5060;branch=z9hG4bK%d%s\r\n"
           "Record-Route: <sip:10.0.0.2;lr>\r\n"
           "From: \"A\" <sip:a@10.0.0.2>;tag=aa\r\n"
           "To: <sip:desk@10.0.0.1>%s%s\r\nCall-ID: %d@10.0.0.2\r\n"
           "CSeq: %d %s\r\nContact: <sip:a@10.0.0.2:5060>\r\n%s"
           "%sContent-Length: %zu\r\n\r\n%s",
           method, w->tcp ? "TCP" : "UDP", w->call, branch,
           tagged && *w->tag ? ";tag=" : "", tagged ? w->tag : "", w->call,
           cseq, method, w->extra, *body ? "Content-Type: application/sdp\r\n" : "",
           strlen(body), body);
  speak(w, text);
}

/* A header of what was heard, up to its end. */
static ss_str header(ss_str text, const char *name) {
  const char *p = memmem(text.p, text.n, name, strlen(name));
  if (!p)
    return SS_STR_NONE;
  p += strlen(name);
  size_t left = (size_t)(text.p + text.n - p);
  return (ss_str){p, ss_str_chr((ss_str){p, left}, '\r')};
}

static void answer_bye(world *w, ss_str bye) {
  static const char *const names[] = {
      "\r\nVia: ", "\r\nFrom: ", "\r\nTo: ", "\r\nCall-ID: ", "\r\nCSeq: "};
  char text[2048] = "SIP/2.0 200 OK";
  for (int i = 0; i < 5; i++) {
    ss_str value = header(bye, names[i]);
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s%.*s", names[i], (int)value.n,
             value.p);
  }
  strcat(text, "\r\nContent-Length: 0\r\n\r\n");
  speak(w, text);
}

static void learn_tag(world *w, ss_str text) {
  ss_str to = header(text, "\r\nTo: ");
  const char *tag = memmem(to.p, to.n, ";tag=", 5);
  assert_non_null(tag);
  snprintf(w->tag, sizeof w->tag, "%.*s", (int)(to.p + to.n - tag - 5),
           tag + 5);
}

/* Each time it comes, as a repeat of what was said before. */
static void acknowledge(world *w, ss_str text) {
  ss_str rseq = header(text, "\r\nRSeq: ");
  if (!rseq.n)
    return;
  learn_tag(w, text);
  snprintf(w->extra, sizeof w->extra, "RAck: %.*s 1 INVITE\r\n", (int)rseq.n,
           rseq.p);
  say(w, "PRACK", 2, "p", true);
  *w->extra = '\0';
}

static void on_heard(void *arg, const ss_addr *from, ss_str text) {
  world *w = arg;
  (void)from;
  if (text.n > 4 && !memcmp(text.p, "BYE ", 4)) {
    w->bye_came = true;
    answer_bye(w, text);
    return;
  }
  char id[32];
  snprintf(id, sizeof id, "\r\nCall-ID: %d@", w->call);
  unsigned code = (unsigned)atoi(text.p + 8);
  ss_str cseq = header(text, "\r\nCSeq: ");
  if (!header(text, id).n)
    return;
  if (code < 200) {
    acknowledge(w, text);
    return;
  }
  if (memmem(cseq.p, cseq.n, "BYE", 3))
    w->bye_code = code;
  if (!memmem(cseq.p, cseq.n, "INVITE", 6))
    return;
  w->code = code;
  learn_tag(w, text);
}

static const ss_mpeer_handler peer_handler = {on_heard, NULL};

/* As a caller does: again until it hears something final, and the ACK to it
 * each time. */
static void invite(world *w) {
  w->code = w->bye_code = 0;
  w->bye_came = false;
  for (int i = 0; i < 12 && !w->code; i++) {
    if (w->plot == EARLY)
      strcpy(w->extra, "Supported: 100rel\r\n");
    say(w, "INVITE", 1, "i", false);
    *w->extra = '\0';
    if (w->plot == CANCEL) {
      run(w, 10);
      say(w, "CANCEL", 1, "i", false);
    }
    run(w, 4000);
  }
  if (!w->code)
    return;
  for (int i = 0; i < 3; i++) {
    say(w, "ACK", 1, w->code < 300 ? "a" : "i", true);
    run(w, 4000);
  }
}

/* A 503 to its BYE is not taken for an end. */
static void hang_up(world *w) {
  for (int i = 0; i < 12 && (!w->bye_code || w->bye_code == 503); i++) {
    char branch[16];
    snprintf(branch, sizeof branch, "b%u", w->bye_code);
    say(w, "BYE", w->bye_code ? 3 : 2, branch, true);
    run(w, 4000);
    assert_true(w->tcp || w->bye_code != 503); /* it would have been the end */
  }
  if (!one_in)
    assert_true(w->bye_code == 200 || w->bye_code == 481);
}

static void call(world *w) {
  w->call++;
  invite(w);
  if (w->code >= 200 && w->code < 300 && !w->bye_came)
    hang_up(w);
}

/* --- the tests ------------------------------------------------------------ */

static int open_endpoint(world *w) {
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = &w->us;
  c.listeners = 1;
  c.connect_timeout = 30000;
  c.limits.connection_idle = 60;
  size_t failed;
  int rc = ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed);
  if (rc == 0)
    ss_endpoint_set_handled(w->endpoint, true);
  return rc;
}

static void open_network(world *w, bool tcp, plot what) {
  *w = (world){.tcp = tcp, .plot = what};
  const char *us = tcp ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060";
  const char *them = tcp ? "tcp:10.0.0.2:5060" : "udp:10.0.0.2:5060";
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  w->loop = ss_memory_loop(w->memory);
  ss_addr_parse(&w->us, ss_str_z(us));
  ss_addr_parse(&w->them, ss_str_z(them));
  assert_int_equal(
      ss_mpeer_open(w->memory, &w->them, &peer_handler, w, &w->peer), 0);
}

static void close_network(world *w) {
  ss_endpoint_free(w->endpoint);
  ss_mpeer_close(w->peer);
  run(w, 0);
  assert_int_equal(w->loop->wheel.count, 0);
  ss_loop_close(w->loop);
}

static void expect_nothing_left(world *w) {
  run(w, 80000);
  ss_alive alive = ss_endpoint_alive(w->endpoint);
  assert_int_equal(alive.sessions, 0);
  assert_int_equal(alive.lingering, 0);
  assert_int_equal(alive.dialogs, 0);
  assert_int_equal(alive.transactions, 0);
  assert_int_equal(w->participated, w->accepted);
  assert_int_equal(w->rang, w->acknowledged);
}

/* The next call, with all the memory there is. */
static void expect_usable(world *w) {
  static const unsigned codes[] = {200, 200, 200, 486, 487, 408};
  int accepted = w->accepted;
  call(w);
  assert_int_equal(w->code, codes[w->plot]);
  bool answered = w->plot <= EARLY;
  assert_int_equal(w->accepted, accepted + answered);
  assert_int_equal(w->bye_came, w->plot == HANG_UP);
}

/* False: the n-th was never asked for. */
static bool call_without(long n, bool tcp, plot what) {
  world w;
  size_t before = ss_alloc_alive();
  open_network(&w, tcp, what);
  assert_int_equal(open_endpoint(&w), 0);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  call(&w);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  expect_nothing_left(&w);
  expect_usable(&w);
  expect_nothing_left(&w);
  ss_endpoint_close(w.endpoint, NULL);
  run(&w, 0); /* it waits for nobody */
  assert_int_equal(w.closed, 1);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void every_allocation(bool tcp, plot what) {
  long n = 1;
  while (call_without(n, tcp, what))
    n++;
  assert_true(n > 10);
}

static void an_answered_call(void **state) {
  (void)state;
  every_allocation(false, ANSWER);
}

static void an_answered_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, ANSWER);
}

static void a_call_that_we_hang_up(void **state) {
  (void)state;
  every_allocation(false, HANG_UP);
}

static void a_call_that_we_hang_up_over_TCP(void **state) {
  (void)state;
  every_allocation(true, HANG_UP);
}

static void a_call_with_early_media(void **state) {
  (void)state;
  every_allocation(false, EARLY);
}

static void a_call_with_early_media_over_TCP(void **state) {
  (void)state;
  every_allocation(true, EARLY);
}

static void a_rejected_call(void **state) {
  (void)state;
  every_allocation(false, REJECT);
}

static void a_rejected_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, REJECT);
}

static void a_cancelled_call(void **state) {
  (void)state;
  every_allocation(false, CANCEL);
}

static void a_cancelled_call_over_TCP(void **state) {
  (void)state;
  every_allocation(true, CANCEL);
}

static void a_call_that_nobody_answers(void **state) {
  (void)state;
  every_allocation(false, SILENT);
}

/* Ten calls while one allocation in `rate` fails; then the memory is back. A
 * BYE may have been lost over a stream: what still stands is ended by us. */
static void weather(uint64_t seed, unsigned rate, bool tcp, plot what) {
  world w;
  open_network(&w, tcp, what);
  assert_int_equal(open_endpoint(&w), 0);
  dice = seed;
  one_in = rate;
  for (int i = 0; i < 10; i++)
    call(&w);
  one_in = 0;
  run(&w, 80000);
  assert_int_equal(w.participated, w.accepted);
  expect_usable(&w);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), 0);
}

static void ten_calls_in_bad_weather(void **state) {
  static const ss_allocator allocator = {flaky};
  (void)state;
  assert_int_equal(ss_alloc_alive(), 0);
  ss_alloc_set(&allocator);
  for (uint64_t seed = 0; seed < 40; seed++)
    for (plot what = ANSWER; what <= SILENT; what++)
      weather(seed, seed % 2 ? 5 : 30, seed % 4 < 2, what);
  ss_alloc_set(NULL);
}

static void opening_an_endpoint(void **state) {
  (void)state;
  int rc = SS_ENOMEM;
  for (long n = 1; rc; n++) {
    world w;
    size_t before = ss_alloc_alive();
    open_network(&w, n % 2, ANSWER);
    ss_alloc_fail_at(n);
    rc = open_endpoint(&w);
    ss_alloc_fail_at(0);
    assert_true(rc == 0 || rc == SS_ENOMEM);
    close_network(&w);
    assert_int_equal(ss_alloc_alive(), before);
  }
}

/* With a call that is ringing, one whose ACK is awaited and one that stands. */
static bool close_without(long n) {
  world w;
  size_t before = ss_alloc_alive();
  open_network(&w, false, ANSWER);
  assert_int_equal(open_endpoint(&w), 0);
  w.call++;
  invite(&w);
  w.call++;
  say(&w, "INVITE", 1, "i", false);
  run(&w, 10);
  w.plot = SILENT;
  w.call++;
  say(&w, "INVITE", 1, "i", false);
  run(&w, 10);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  ss_endpoint_close(w.endpoint, NULL);
  run(&w, 2500);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  assert_int_equal(w.closed, 1);
  assert_int_equal(w.participated, w.accepted);
  close_network(&w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void closing_an_endpoint(void **state) {
  (void)state;
  long n = 1;
  while (close_without(n))
    n++;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answered_call),
      cmocka_unit_test(an_answered_call_over_TCP),
      cmocka_unit_test(a_call_that_we_hang_up),
      cmocka_unit_test(a_call_that_we_hang_up_over_TCP),
      cmocka_unit_test(a_call_with_early_media),
      cmocka_unit_test(a_call_with_early_media_over_TCP),
      cmocka_unit_test(a_rejected_call),
      cmocka_unit_test(a_rejected_call_over_TCP),
      cmocka_unit_test(a_cancelled_call),
      cmocka_unit_test(a_cancelled_call_over_TCP),
      cmocka_unit_test(a_call_that_nobody_answers),
      cmocka_unit_test(ten_calls_in_bad_weather),
      cmocka_unit_test(opening_an_endpoint),
      cmocka_unit_test(closing_an_endpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
