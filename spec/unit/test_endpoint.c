/* What an endpoint owes whoever uses it: callbacks may do anything, what is
 * refused is counted, answers agree with each other. The calls themselves are
 * in test_call.c and in the specs. */
#include "ua/endpoint.h"

#include "base/alloc.h"
#include "net/memory.h"
#include "quiet_handler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum mischief { NONE, TERMINATE, FREE } mischief;

typedef struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_endpoint *again; /* what `accepted` frees though it is being freed */
  ss_mpeer *peer;
  ss_addr us;
  char heard[32][2048];
  int messages;
  ss_session *session;
  mischief received, negotiate, changed, accepted, released;
  int calls, outcomes, gone;
  bool answer;
  size_t before;
} world;

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

static void make(world *w, mischief what, ss_session *s) {
  if (what == TERMINATE) {
    ss_session_terminate(s, NULL);
  } else if (what == FREE) {
    ss_endpoint *e = w->endpoint;
    w->endpoint = NULL; /* once: released is told from within */
    ss_endpoint_free(e);
  }
}

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_content none = {0};
  w->calls++;
  if (!w->session)
    w->session = ss_session_ref(s);
  if (w->answer)
    ss_session_participate(s, &none);
  make(w, w->received, s);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  (void)c;
  make(w, w->changed, s);
}

static void on_accepted(void *arg, ss_session *s, const ss_failure *f,
                        ss_message *ack) {
  world *w = arg;
  (void)f;
  (void)ack;
  w->outcomes++;
  ss_endpoint *again = w->again;
  w->again = NULL;
  ss_endpoint_free(again);
  make(w, w->accepted, s);
}

static bool on_negotiate(void *arg, ss_session *s, uint32_t round,
                         ss_negotiate what, ss_message *about) {
  (void)round;
  (void)what;
  (void)about;
  world *w = arg;
  make(w, w->negotiate, s);
  return false;
}

static void on_released(void *arg, ss_session *s) {
  world *w = arg;
  w->gone++;
  make(w, w->endpoint ? w->released : NONE, s);
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = on_accepted,
                                            .negotiate = on_negotiate,
                                            .released = on_released,
                                            .closed = quiet_closed};

static void on_heard(void *arg, const ss_addr *from, ss_str text) {
  world *w = arg;
  (void)from;
  assert_true(w->messages < 32);
  snprintf(w->heard[w->messages++], sizeof w->heard[0], "%.*s", (int)text.n,
           text.p);
}

static const ss_mpeer_handler peer_handler = {on_heard, NULL};

static int setup(void **state) {
  ss_addr them;
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  w->before = ss_alloc_alive();
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  w->loop = ss_memory_loop(w->memory);
  ss_addr_parse(&w->us, SS_STR("udp:10.0.0.1:5060"));
  ss_addr_parse(&them, SS_STR("udp:10.0.0.2:5060"));
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = &w->us;
  c.listeners = 1;
  c.limits.transactions = 3;
  size_t failed;
  assert_int_equal(ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed), 0);
  ss_endpoint_set_handled(w->endpoint, true);
  assert_int_equal(ss_mpeer_open(w->memory, &them, &peer_handler, w, &w->peer),
                   0);
  *state = w;
  return 0;
}

static int teardown(void **state) {
  world *w = *state;
  w->accepted = w->released = NONE;
  ss_endpoint_free(w->endpoint);
  ss_session_unref(w->session);
  ss_mpeer_close(w->peer);
  run(w, 0);
  size_t timers = w->loop->wheel.count;
  ss_loop_close(w->loop);
  int rc = timers || ss_alloc_alive() != w->before ? -1 : 0;
  free(w);
  return rc;
}

/* An ACK has the description that our 200 has asked for. */
/* To the offer of the library's own. */
#define ANSWER                                                                 \
  "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.0.2\r\n"    \
  "s=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"

static void say(world *w, const char *method, int call, const char *to_tag) {
  char text[1024];
  bool ack = !strcmp(method, "ACK");
  snprintf(text, sizeof text,
           "%s sip:desk@10.0.0.1 SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK%d%s\r\n"
           "From: <sip:a@10.0.0.2>;tag=aa\r\nTo: <sip:desk@10.0.0.1>%s%s\r\n"
           "Call-ID: %d@10.0.0.2\r\nCSeq: 1 %s\r\n"
           "Contact: <sip:a@10.0.0.2>\r\n%s",
           method, call, *to_tag ? method : "", *to_tag ? ";tag=" : "", to_tag,
           call, method, ack ? ANSWER : "Content-Length: 0\r\n\r\n");
  assert_int_equal(ss_mpeer_send(w->peer, &w->us, ss_str_z(text)), 0);
  run(w, 0);
}

static void tag_of(world *w, int i, char out[17]) {
  const char *p = strstr(w->heard[i], "\r\nTo: ");
  assert_non_null(p);
  p = strstr(p, ";tag=");
  assert_non_null(p);
  snprintf(out, 17, "%s", p + 5);
}

static void a_CANCEL_gets_the_tag_of_the_final_whenever_it_comes(void **state) {
  world *w = *state;
  char first[17], second[17];
  say(w, "INVITE", 1, "");
  ss_content none = {0};
  assert_int_equal(ss_session_reject(w->session, 486, &none).kind,
                   SS_KIND_NONE);
  run(w, 0);
  say(w, "CANCEL", 1, "");
  assert_int_equal(w->messages, 2);
  assert_non_null(strstr(w->heard[1], "SIP/2.0 200 "));
  tag_of(w, 0, first);
  tag_of(w, 1, second);
  assert_string_equal(first, second);
}

static void what_the_layer_refuses_is_in_the_stats(void **state) {
  world *w = *state;
  for (int i = 0; i < 5; i++)
    say(w, "INVITE", i, "");
  assert_int_equal(w->calls, 3);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->refused_overload, 2);
  assert_int_equal(ss_endpoint_stats(w->endpoint)->refused_overload, 2);
  say(w, "INVITE", 5, "");
  ss_endpoint_close(w->endpoint, NULL);
  run(w, 5000);
  const ss_stats *stats = ss_endpoint_stats(w->endpoint);
  assert_int_equal(stats->refused_overload, 3);
  assert_int_equal(stats->requests_in, 6);
  assert_true(stats->retransmissions_out > 0);
}

static void terminated_by_its_negotiator_a_call_is_declined(void **state) {
  world *w = *state;
  w->answer = true;
  w->negotiate = TERMINATE;
  say(w, "INVITE", 1, "");
  assert_int_equal(w->messages, 1);
  assert_non_null(strstr(w->heard[0], "SIP/2.0 486 "));
  assert_int_equal(w->outcomes, 1);
  assert_int_equal(w->gone, 1);
}

/* Freed from within each of its callbacks. */
static void free_in(world *w, mischief *where) {
  char tag[17];
  w->answer = where != &w->received;
  *where = FREE;
  say(w, "INVITE", 1, "");
  if (w->endpoint) {
    tag_of(w, 0, tag);
    say(w, "ACK", 1, tag);
  }
  if (w->endpoint)
    say(w, "BYE", 1, tag);
  assert_null(w->endpoint);
  assert_int_equal(w->outcomes, w->answer);
  assert_int_equal(w->gone, 1);
  assert_null(ss_session_endpoint(w->session));
}

static void it_may_be_freed_in_received(void **state) {
  world *w = *state;
  free_in(w, &w->received);
}

static void it_may_be_freed_in_negotiate(void **state) {
  world *w = *state;
  free_in(w, &w->negotiate);
}

static void it_may_be_freed_in_changed(void **state) {
  world *w = *state;
  free_in(w, &w->changed);
}

static void it_may_be_freed_in_accepted(void **state) {
  world *w = *state;
  free_in(w, &w->accepted);
}

static void it_may_be_freed_in_released(void **state) {
  world *w = *state;
  free_in(w, &w->released);
}

/* Whoever closes is told of the outcomes first, and may do it for good. */
static void it_may_be_freed_while_it_closes(void **state) {
  world *w = *state;
  w->answer = true;
  say(w, "INVITE", 1, "");
  say(w, "INVITE", 2, "");
  w->accepted = FREE;
  ss_endpoint_close(w->endpoint, NULL);
  run(w, 5000);
  assert_null(w->endpoint);
  assert_int_equal(w->outcomes, 2);
  assert_int_equal(w->gone, 2);
}

/* The same where the end comes by close_timeout. */
static void it_may_be_freed_in_released_while_it_closes(void **state) {
  world *w = *state;
  w->answer = true;
  say(w, "INVITE", 1, "");
  say(w, "INVITE", 2, "");
  w->released = FREE;
  ss_endpoint_close(w->endpoint, NULL);
  run(w, 5000);
  assert_null(w->endpoint);
  assert_int_equal(w->gone, 2);
}

static void it_may_be_freed_while_it_is_freed(void **state) {
  world *w = *state;
  w->answer = true;
  say(w, "INVITE", 1, "");
  say(w, "INVITE", 2, "");
  ss_endpoint *e = w->again = w->endpoint;
  w->endpoint = NULL;
  ss_endpoint_free(e);
  assert_int_equal(w->outcomes, 2);
  assert_int_equal(w->gone, 2);
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      in_world(a_CANCEL_gets_the_tag_of_the_final_whenever_it_comes),
      in_world(what_the_layer_refuses_is_in_the_stats),
      in_world(terminated_by_its_negotiator_a_call_is_declined),
      in_world(it_may_be_freed_in_received),
      in_world(it_may_be_freed_in_negotiate),
      in_world(it_may_be_freed_in_changed),
      in_world(it_may_be_freed_in_accepted),
      in_world(it_may_be_freed_in_released),
      in_world(it_may_be_freed_while_it_closes),
      in_world(it_may_be_freed_in_released_while_it_closes),
      in_world(it_may_be_freed_while_it_is_freed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
