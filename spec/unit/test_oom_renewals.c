/* Out of memory in a call that both sides renew, by re-INVITE and UPDATE, with
 * a negotiator and without: every allocation fails in turn. Nothing is left
 * over, each operation of ours ends exactly once, and the next call is renewed
 * as it should be. */
#include "oom_fixture.h"

typedef struct renewals {
  world w;
  bool negotiator;
  int cseq;             /* of the latest request of the peer's */
  int begun, completed; /* operations of ours */
  unsigned codes[8];    /* the answers to the peer's, by CSeq */
} renewals;

static renewals *of(world *w) {
  return SS_CONTAINER(w, renewals, w);
}

/* --- the script ----------------------------------------------------------- */

/* One after the other, of each kind. */
static void renew_next(renewals *r, ss_session *s) {
  ss_content none = {0}, given = {.body = SS_STR("x"),
                                  .content_type = SS_STR("text/plain")};
  ss_operation *o;
  ss_failure f;
  switch (r->completed % 4) {
  case 0:
    f = ss_session_hold(s, true, &none, &o);
    break;
  case 1:
    f = ss_session_renegotiate(s, true, false, &none, &o);
    break;
  case 2:
    f = ss_session_renegotiate(s, false, true, &none, &o);
    break;
  default:
    f = ss_session_renegotiate(s, false, false, &given, &o);
    break;
  }
  r->begun += f.kind == SS_KIND_NONE;
}

static void on_renewed(void *arg, ss_session *s, ss_operation *o,
                       const ss_failure *f, ss_message *response) {
  renewals *r = of(arg);
  (void)o;
  (void)f;
  (void)response;
  r->completed++;
  if (r->completed % 4)
    renew_next(r, s);
}

static void on_moved(void *arg, ss_session *s, const ss_change *c) {
  if (c->state == SS_STATE_CONNECTED)
    renew_next(of(arg), s);
}

static void on_told(void *arg, ss_session *s, ss_inbound *i) {
  (void)arg;
  (void)s;
  (void)i;
}

static bool on_asked(void *arg, ss_session *s, uint32_t round,
                     ss_negotiate what, ss_message *about) {
  (void)about;
  if (!of(arg)->negotiator)
    return false;
  bool settles = what == SS_NEGOTIATE_SETTLE;
  ss_session_negotiated(s, round, settles ? SS_STR_NONE : SS_STR(SDP("1")), 0);
  return true;
}

static const ss_endpoint_handler script = {.received = on_received,
                                           .changed = on_moved,
                                           .accepted = on_accepted,
                                           .completed = on_renewed,
                                           .requested = on_told,
                                           .negotiate = on_asked,
                                           .released = on_released,
                                           .closed = on_closed};

/* --- the caller ----------------------------------------------------------- */

static void on_said(void *arg, const ss_addr *from, ss_str text) {
  static const char described[] =
      "Contact: <sip:a@10.0.0.2:5060>\r\nContent-Type: application/sdp\r\n";
  world *w = arg;
  ss_str cseq = header(text, "\r\nCSeq: ");
  bool request = memcmp(text.p, "SIP/2.0 ", 8) != 0;
  if (request && !memcmp(text.p, "BYE ", 4)) {
    on_heard(arg, from, text);
  } else if (request && memcmp(text.p, "ACK ", 4) != 0) {
    answer_with(w, text, described, SDP("2"));
  } else if (!request && (memmem(cseq.p, cseq.n, "BYE", 3) ||
                          atoi(cseq.p) == of(w)->cseq)) {
    on_heard(arg, from, text);
    if (memmem(cseq.p, cseq.n, "UPDATE", 6))
      w->code = (unsigned)atoi(text.p + 8);
  }
}

static const ss_mpeer_handler caller = {on_said, NULL};

/* Again until it is answered; the ACK more than once. */
static void renew(renewals *r, const char *method, const char *body) {
  world *w = &r->w;
  char branch[16];
  snprintf(branch, sizeof branch, "r%d", ++r->cseq);
  w->code = 0;
  for (int i = 0; i < 12 && !w->code; i++) {
    say_with(w, method, r->cseq, branch, true, body);
    run(w, 4000);
  }
  r->codes[r->cseq] = w->code;
  if (strcmp(method, "INVITE") != 0)
    return;
  bool accepted = w->code / 100 == 2;
  for (int i = 0; i < 3; i++) {
    say_with(w, "ACK", r->cseq, accepted ? "x" : branch, true,
             accepted && !*body ? SDP("2") : "");
    run(w, 4000);
  }
}

/* A 503 to its BYE is not taken for an end. */
static void hang_up_last(renewals *r) {
  world *w = &r->w;
  for (int i = 0; i < 12 && (!w->bye_code || w->bye_code == 503); i++) {
    say(w, "BYE", w->bye_code ? 8 : 7, w->bye_code ? "c" : "b", true);
    run(w, 4000);
  }
}

static void renewed_call(renewals *r) {
  world *w = &r->w;
  w->call++;
  r->cseq = 1;
  invite(w);
  unsigned code = w->code;
  if (code / 100 != 2 || w->bye_came)
    return;
  renew(r, "INVITE", SDP("2"));
  renew(r, "UPDATE", SDP("2"));
  renew(r, "UPDATE", "");
  renew(r, "INVITE", "");
  renew(r, "INVITE", "junk");
  w->code = code;
  if (!w->bye_came)
    hang_up_last(r);
}

/* --- the tests ------------------------------------------------------------ */

static void expect_nothing_left(renewals *r) {
  run(&r->w, 80000);
  ss_alive alive = ss_endpoint_alive(r->w.endpoint);
  assert_int_equal(alive.sessions, 0);
  assert_int_equal(alive.lingering, 0);
  assert_int_equal(alive.dialogs, 0);
  assert_int_equal(alive.transactions, 0);
  assert_int_equal(r->w.participated, r->w.accepted);
  assert_int_equal(r->begun, r->completed);
}

static void expect_usable(renewals *r) {
  int completed = r->completed;
  renewed_call(r);
  assert_int_equal(r->w.code, 200);
  assert_int_equal(r->completed, completed + 4 - completed % 4);
  for (int cseq = 2; cseq <= 5; cseq++)
    assert_int_equal(r->codes[cseq], 200);
  assert_int_equal(r->codes[6], r->negotiator ? 200 : 488);
  assert_int_equal(r->w.bye_code, 200);
}

/* False: the n-th was never asked for. */
static bool renewed_without(long n, bool tcp, bool negotiator) {
  renewals r = {.negotiator = negotiator};
  size_t before = ss_alloc_alive();
  open_network(&r.w, tcp, ANSWER, &caller);
  assert_int_equal(open_endpoint(&r.w, &script), 0);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  renewed_call(&r);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  expect_nothing_left(&r);
  expect_usable(&r);
  expect_nothing_left(&r);
  close_network(&r.w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void every_allocation(bool tcp, bool negotiator) {
  long n = 1;
  while (renewed_without(n, tcp, negotiator))
    n++;
  assert_true(n > 100);
}

static void a_call_that_is_renewed(void **state) {
  (void)state;
  every_allocation(false, false);
}

static void a_call_that_is_renewed_over_TCP(void **state) {
  (void)state;
  every_allocation(true, false);
}

static void a_call_that_is_renewed_by_a_negotiator(void **state) {
  (void)state;
  every_allocation(false, true);
}

static void in_bad_weather(void **state) {
  static const ss_allocator allocator = {flaky};
  (void)state;
  assert_int_equal(ss_alloc_alive(), 0);
  ss_alloc_set(&allocator);
  for (uint64_t seed = 0; seed < 80; seed++) {
    renewals r = {.negotiator = seed % 4 < 2};
    open_network(&r.w, seed % 2, ANSWER, &caller);
    assert_int_equal(open_endpoint(&r.w, &script), 0);
    dice = seed;
    one_in = seed % 8 < 4 ? 8 : 50;
    for (int i = 0; i < 5; i++)
      renewed_call(&r);
    one_in = 0;
    run(&r.w, 80000);
    expect_usable(&r);
    close_network(&r.w);
    assert_int_equal(ss_alloc_alive(), 0);
    assert_int_equal(r.begun, r.completed);
  }
  ss_alloc_set(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_call_that_is_renewed),
      cmocka_unit_test(a_call_that_is_renewed_over_TCP),
      cmocka_unit_test(a_call_that_is_renewed_by_a_negotiator),
      cmocka_unit_test(in_bad_weather),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
