/* The core without Lua: a call over the in-memory network, answered, declined
 * and cancelled by a handler in C. */
#include "ua/endpoint.h"

#include "base/alloc.h"
#include "net/memory.h"
#include "quiet_handler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct world {
  ss_memory *memory;
  ss_endpoint *endpoint;
  ss_mpeer *peer;
  ss_addr us, them;
  char heard[32][2048];
  uint64_t at[32];
  int messages;
  ss_session *session;
  int received, accepted, ended, released, closed;
  ss_record record;
  const char *why;
  ss_failure outcome;
  char states[256];
  bool answer;
} world;

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  w->received++;
  w->session = ss_session_ref(s);
  if (!w->answer)
    return;
  ss_content none = {0};
  ss_failure f = ss_session_participate(s, &none);
  assert_int_equal(f.kind, SS_KIND_NONE);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  (void)s;
  size_t n = strlen(w->states);
  snprintf(w->states + n, sizeof w->states - n, "%s>%s(%s,%u) ",
           ss_state_name(c->previous), ss_state_name(c->state),
           ss_cause_name(c->reason), c->code);
}

static void on_accepted(void *arg, ss_session *s, const ss_failure *f,
                        ss_message *ack) {
  world *w = arg;
  (void)s;
  assert_int_equal(f->kind == SS_KIND_NONE, ack != NULL);
  w->accepted++;
  w->outcome = *f;
}

static void on_ended(void *arg, ss_session *s) {
  world *w = arg;
  const ss_record *r = ss_session_record(s);
  assert_non_null(r);
  assert_int_equal(w->released, 0);
  w->ended++;
  w->record = *r;
  w->record.message = NULL;
  w->why = ss_outcome_name(r->outcome);
}

static void on_released(void *arg, ss_session *s) {
  world *w = arg;
  (void)s;
  w->released++;
}

static void on_closed(void *arg) {
  world *w = arg;
  w->closed++;
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = on_accepted,
                                            .ended = on_ended,
                                            .negotiate = quiet_negotiate,
                                            .released = on_released,
                                            .closed = on_closed};

static void on_heard(void *arg, const ss_addr *from, ss_str text) {
  world *w = arg;
  (void)from;
  assert_true(w->messages < 32);
  w->at[w->messages] = ss_loop_now(ss_memory_loop(w->memory));
  snprintf(w->heard[w->messages++], sizeof w->heard[0], "%.*s", (int)text.n,
           text.p);
}

static const ss_mpeer_handler peer_handler = {on_heard, NULL};

static int setup(void **state) {
  world *w = ss_alloc(sizeof *w);
  assert_non_null(w);
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  ss_addr_parse(&w->us, SS_STR("udp:10.0.0.1:5060"));
  ss_addr_parse(&w->them, SS_STR("udp:10.0.0.2:5060"));
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  c.loop = ss_memory_loop(w->memory);
  c.listen = &w->us;
  c.listeners = 1;
  size_t failed;
  assert_int_equal(ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed), 0);
  ss_endpoint_set_handled(w->endpoint, true);
  assert_int_equal(
      ss_mpeer_open(w->memory, &w->them, &peer_handler, w, &w->peer), 0);
  *state = w;
  return 0;
}

static int teardown(void **state) {
  world *w = *state;
  ss_session_unref(w->session);
  ss_endpoint_free(w->endpoint);
  ss_mpeer_close(w->peer);
  ss_loop_close(ss_memory_loop(w->memory));
  ss_free(w);
  return 0;
}

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(ss_memory_loop(w->memory)) + ms;
  while (ss_memory_step(w->memory, until)) {
  }
}

/* To the offer of the library's own. */
#define ANSWER                                                                 \
  "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 10.0.0.2\r\n"    \
  "s=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"

static void say(world *w, const char *method, int cseq, const char *branch,
                const char *to_tag) {
  char text[1024];
  snprintf(text, sizeof text,
           "%s sip:desk@10.0.0.1 SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK%s\r\n"
           "Max-Forwards: 70\r\n"
           "From: \"A\" <sip:a@10.0.0.2>;tag=aa\r\n"
           "To: <sip:desk@10.0.0.1>%s%s\r\n"
           "Call-ID: 1@10.0.0.2\r\n"
           "CSeq: %d %s\r\n"
           "Contact: <sip:a@10.0.0.2:5060>\r\n"
           "Content-Length: 0\r\n\r\n",
           method, branch, *to_tag ? ";tag=" : "", to_tag, cseq, method);
  if (!strcmp(method, "ACK") && strstr(w->states, "connecting"))
    snprintf(strstr(text, "Content-Length"), 200, ANSWER);
  assert_int_equal(ss_mpeer_send(w->peer, &w->us, ss_str_z(text)), 0);
}

static const char *to_tag(world *w, int i) {
  static char tag[17];
  const char *p = strstr(w->heard[i], "\r\nTo: ");
  p = strstr(p, ";tag=") + 5;
  snprintf(tag, sizeof tag, "%s", p);
  return tag;
}

static void a_call_is_answered_and_hung_up(void **state) {
  world *w = *state;
  w->answer = true;
  say(w, "INVITE", 1, "1", "");
  run(w, 10);
  assert_int_equal(w->messages, 1);
  assert_non_null(strstr(w->heard[0], "SIP/2.0 200 OK\r\n"));
  const char *tag = to_tag(w, 0);
  say(w, "ACK", 1, "2", tag);
  run(w, 10);
  assert_int_equal(w->accepted, 1);
  assert_int_equal(w->outcome.kind, SS_KIND_NONE);
  say(w, "BYE", 2, "3", tag);
  run(w, 10);
  assert_int_equal(w->messages, 2);
  assert_non_null(strstr(w->heard[1], "CSeq: 2 BYE"));
  assert_string_equal(w->states,
                      "incoming>connecting(none,0) "
                      "connecting>connected(none,200) "
                      "connected>disconnected(terminated_remotely,0) ");
  assert_int_equal(w->ended, 1);
  assert_string_equal(w->why, "connected");
  assert_int_equal(w->record.code, 200);
  assert_int_equal(w->released, 1);
  run(w, 40000);
  ss_alive alive = ss_endpoint_alive(w->endpoint);
  assert_int_equal(
      alive.sessions + alive.lingering + alive.dialogs + alive.transactions, 0);
}

static void a_200_is_repeated_until_64_t1_and_then_bye(void **state) {
  world *w = *state;
  static const int due[] = {0,     500,   1500,  3500,  7500, 11500,
                            15500, 19500, 23500, 27500, 31500};
  w->answer = true;
  uint64_t start = ss_loop_now(ss_memory_loop(w->memory));
  say(w, "INVITE", 1, "1", "");
  run(w, 32500);
  for (int i = 0; i < 11; i++) {
    assert_int_equal(w->at[i] - start, due[i]);
    assert_string_equal(w->heard[i], w->heard[0]);
  }
  assert_int_equal(w->at[11] - start, 32000);
  assert_memory_equal(w->heard[11], "BYE sip:a@10.0.0.2:5060 SIP/2.0\r\n", 33);
  assert_int_equal(w->outcome.kind, SS_KIND_OPERATION_TIMEOUT);
  assert_string_equal(w->states, "incoming>connecting(none,0) "
                                 "connecting>disconnected(timeout,0) ");
  assert_int_equal(w->ended, 1);
  assert_string_equal(w->why, "timeout");
  assert_int_equal(w->record.started - start, 0);
  assert_int_equal(w->record.ended - start, 32000);
}

static void a_cancel_in_the_same_batch_hides_the_call(void **state) {
  world *w = *state;
  say(w, "INVITE", 1, "1", "");
  say(w, "CANCEL", 1, "1", "");
  run(w, 10);
  assert_int_equal(w->received, 0);
  assert_int_equal(w->messages, 2);
  assert_non_null(strstr(w->heard[0], "SIP/2.0 200 OK\r\n"));
  assert_non_null(strstr(w->heard[1], "SIP/2.0 487 Request Terminated\r\n"));
  assert_string_equal(w->states, "");
  assert_int_equal(w->ended, 1);
  assert_string_equal(w->why, "cancelled");
  assert_int_equal(w->record.code, 487);
}

static void a_rejected_call_repeats_its_final_until_the_ack(void **state) {
  world *w = *state;
  say(w, "INVITE", 1, "1", "");
  run(w, 1);
  ss_content none = {0};
  ss_failure f = ss_session_reject(w->session, 486, &none);
  assert_int_equal(f.kind, SS_KIND_NONE);
  run(w, 2000);
  assert_int_equal(w->messages, 3); /* 0, 500, 1500 */
  say(w, "ACK", 1, "1", to_tag(w, 0));
  run(w, 40000);
  assert_int_equal(w->messages, 3);
  assert_int_equal(w->ended, 1);
  assert_string_equal(w->why, "rejected");
  assert_int_equal(ss_endpoint_alive(w->endpoint).transactions, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_call_is_answered_and_hung_up, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(
          a_200_is_repeated_until_64_t1_and_then_bye, setup, teardown),
      cmocka_unit_test_setup_teardown(a_cancel_in_the_same_batch_hides_the_call,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(
          a_rejected_call_repeats_its_final_until_the_ack, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
