/* The script of the endpoint target: it keeps what it is given, does what the
 * steps say, and holds the library to endpoint.h: transitions in order,
 * outcomes once, nothing after the end. */
#include "endpoint.h"

/* The script lets go of it. What goes on by itself is still looked at. */
static void forget(known *k) {
  ss_session *s = k->session;
  k->held = false;
  if (k->released)
    *k = (known){0};
  ss_session_unref(s);
}

/* NULL: it knows too many. */
static known *learn(world *w, ss_session *s) {
  for (size_t i = 0; i < SESSIONS; i++) {
    known *k = &w->known[i];
    if (k->session)
      continue;
    *k = (known){
        .session = ss_session_ref(s), .state = SS_STATE_INCOMING, .held = true};
    ss_session_set_user(s, k);
    return k;
  }
  return NULL;
}

static ss_content content_of(const step *s, long otherwise) {
  const body *what = body_at(step_get(s, 's', otherwise));
  return (ss_content){.reason = ss_str_z(step_get(s, 'q', 0) ? "So" : ""),
                      .content_type = ss_str_z(what->type),
                      .body = ss_str_z(what->text)};
}

static void running(world *w, ss_operation *o) {
  MUST(o);
  if (w->operations < OPERATIONS)
    w->operation[w->operations++] = o;
}

static void participate(known *k, const ss_content *content) {
  ss_failure f = ss_session_participate(k->session, content);
  if (f.kind != SS_KIND_NONE)
    return;
  MUST(!k->accepting);
  k->accepting = true;
}

static void free_endpoint(world *w) {
  ss_endpoint *e = w->endpoint;
  w->endpoint = NULL;
  w->operations = 0;
  ss_endpoint_free(e);
}

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_content none = {0};
  MUST(!ss_session_user(s));
  MUST(ss_session_state(s) != SS_STATE_DISCONNECTED);
  known *k = learn(w, s);
  if (!k || w->automatic & AUTO_REJECT)
    ss_session_reject(s, 486, &none);
  else if (w->automatic & AUTO_ANSWER)
    participate(k, &none);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  known *k = ss_session_user(s);
  if (k) {
    MUST(!k->released && !k->ended);
    MUST(k->state == c->previous && c->previous != SS_STATE_DISCONNECTED);
    k->state = c->state;
  }
  if (w->automatic & TERMINATES_IN_CHANGE)
    ss_session_terminate(s, NULL);
  if (w->automatic & FREES_IN_CHANGE)
    free_endpoint(w);
}

static void on_accepted(void *arg, ss_session *s, const ss_failure *failure,
                        ss_message *ack) {
  (void)arg;
  known *k = ss_session_user(s);
  MUST((failure->kind == SS_KIND_NONE) == (ack != NULL));
  if (!k)
    return;
  MUST(k->accepting && !k->released && !k->ended);
  k->accepting = false;
}

static void on_ended(void *arg, ss_session *s) {
  world *w = arg;
  known *k = ss_session_user(s);
  MUST(ss_session_record(s));
  MUST(ss_session_state(s) == SS_STATE_DISCONNECTED);
  if (k) {
    MUST(!k->ended && !k->released && !k->accepting);
    MUST(k->state == SS_STATE_DISCONNECTED);
    k->ended = true;
  }
  if (w->automatic & CLOSES_IN_END)
    script_close(w);
}

static bool on_negotiate(void *arg, ss_session *s, uint32_t round,
                         ss_negotiate what, ss_message *about) {
  world *w = arg;
  known *k = ss_session_user(s);
  MUST(what != SS_NEGOTIATE_ANSWER || about);
  if (!k || !(w->automatic & AUTO_NEGOTIATE))
    return false;
  MUST(!k->released);
  k->asked = true;
  k->round = round;
  k->what = what;
  return true;
}

static void on_completed(void *arg, ss_session *s, ss_operation *operation,
                         const ss_failure *failure, ss_message *response) {
  world *w = arg;
  known *k = ss_session_user(s);
  size_t i = 0;
  (void)failure;
  (void)response; /* a PRACK is the end of a provisional, and no response */
  MUST(!k || !k->released);
  while (i < w->operations && w->operation[i] != operation)
    i++;
  if (i == w->operations)
    MUST(i == OPERATIONS || !w->endpoint); /* it was told before, else */
  else
    w->operation[i] = w->operation[--w->operations];
}

static void keep_inbound(world *w, ss_inbound *inbound) {
  ss_inbound_unref(w->inbound);
  w->inbound = inbound ? ss_inbound_ref(inbound) : NULL;
}

static void accept_refer(world *w, ss_inbound *inbound) {
  ss_referral *r = NULL;
  if (ss_inbound_request(inbound)->method != SS_REFER ||
      ss_referral_accept(inbound, NULL, &r).kind != SS_KIND_NONE)
    return;
  MUST(r);
  ss_referral_unref(w->referral);
  w->referral = r;
}

static void on_requested(void *arg, ss_session *s, ss_inbound *inbound) {
  world *w = arg;
  known *k = ss_session_user(s);
  ss_content none = {0};
  const ss_message *m = ss_inbound_request(inbound);
  MUST(m);
  /* what a REFER has brought may be told after the call */
  MUST(!k || !k->released);
  MUST(!k || k->state != SS_STATE_DISCONNECTED || m->method == SS_NOTIFY);
  if (w->automatic & AUTO_RESPOND && m->method == SS_REFER)
    accept_refer(w, inbound);
  else if (w->automatic & AUTO_RESPOND)
    ss_inbound_respond(inbound, 200, &none);
  else if (ss_inbound_waits(inbound))
    keep_inbound(w, inbound);
}

static void on_released(void *arg, ss_session *s) {
  world *w = arg;
  known *k = ss_session_user(s);
  if (k) {
    MUST(!k->released && !k->accepting);
    k->released = true;
    if (!k->held)
      *k = (known){0};
  }
  if (w->automatic & FREES_IN_RELEASE)
    free_endpoint(w);
}

static void on_closed(void *arg) {
  world *w = arg;
  MUST(w->closing && !w->closed);
  w->closed++;
}

const ss_endpoint_handler script_handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = on_accepted,
                                            .ended = on_ended,
                                            .negotiate = on_negotiate,
                                            .completed = on_completed,
                                            .requested = on_requested,
                                            .released = on_released,
                                            .closed = on_closed,
                                            .lookup = auth_lookup};

void script_timing(const step *s, ss_timing *out) {
  ss_timing_default(out);
  out->use = (ss_timing_use)(step_get(s, 'u', 0) % 3);
  out->interval = 90 + (uint32_t)step_get(s, 'i', 1710);
  out->refresher = (ss_refresher)(step_get(s, 'f', 0) % 3);
}

void script_close(world *w) {
  w->closing = true;
  if (w->endpoint)
    ss_endpoint_close(w->endpoint, NULL);
}

static void negotiated(known *k, const step *s) {
  ss_content content = content_of(s, 1);
  if (!k->asked)
    return;
  k->asked = false;
  long code = step_get(s, 'c', 0);
  bool nothing = k->what == SS_NEGOTIATE_SETTLE || code;
  ss_session_negotiated(k->session, k->round + step_get(s, 'w', 0) % 2,
                        nothing ? SS_STR_NONE : content.body,
                        code ? code % 2 ? 488 : 500 : 0);
}

static unsigned in_range(const step *s, unsigned from, unsigned to) {
  long code = step_get(s, 'c', from);
  return from + (unsigned)code % (to - from + 1);
}

static void respond(world *w, const step *s) {
  ss_content content = content_of(s, 0);
  if (w->inbound && step_get(s, 'u', 0))
    ss_inbound_unhandled(w->inbound);
  else if (w->inbound)
    ss_inbound_respond(w->inbound, in_range(s, 200, 699), &content);
  keep_inbound(w, NULL);
}

static void notify(world *w, const step *s) {
  ss_operation *o = NULL;
  if (!w->referral)
    return;
  ss_failure f =
      ss_referral_notify(w->referral, in_range(s, 100, 699), SS_STR_NONE, &o);
  if (f.kind == SS_KIND_NONE)
    running(w, o);
}

static ss_failure refer(world *w, ss_session *session, const step *s,
                        ss_operation **o) {
  const known *other = &w->known[step_get(s, 'n', 0) % SESSIONS];
  bool replaces = step_get(s, 'r', 0) && other->held;
  ss_refer q = {.target = ss_str_z(reference_at(2 + step_get(s, 'o', 0) % 2)),
                .replaces = replaces ? other->session : NULL,
                .unsubscribed = step_get(s, 'b', 0) % 2};
  return ss_session_refer(session, &q, o);
}

static void set_timing(ss_session *session, const step *s) {
  ss_timing t;
  script_timing(s, &t);
  ss_session_set_timing(session, &t);
}

/* Operations of a session that is connected. */
static void operate(world *w, ss_session *session, const step *s) {
  static const ss_str methods[] = {{"INFO", 4}, {"MESSAGE", 7}};
  ss_content content = content_of(s, 0);
  ss_operation *o = NULL;
  ss_failure f;
  if (ss_str_eq(s->verb, SS_STR("send")))
    f = ss_session_send(session, methods[step_get(s, 'n', 0) % 2], &content,
                        &o);
  else if (ss_str_eq(s->verb, SS_STR("renegotiate")))
    f = ss_session_renegotiate(session, step_get(s, 'u', 0) % 2,
                               step_get(s, 'b', 0) % 2, &content, &o);
  else if (ss_str_eq(s->verb, SS_STR("hold")))
    f = ss_session_hold(session, true, &content, &o);
  else if (ss_str_eq(s->verb, SS_STR("resume")))
    f = ss_session_hold(session, false, &content, &o);
  else if (ss_str_eq(s->verb, SS_STR("refer")))
    f = refer(w, session, s, &o);
  else
    return;
  if (f.kind == SS_KIND_NONE)
    running(w, o);
}

static void progress(world *w, known *k, const step *s) {
  ss_content content = content_of(s, 0);
  unsigned code = in_range(s, 101, 199);
  ss_operation *o = NULL;
  if (step_get(s, 'r', 0) == 0) {
    ss_session_progress(k->session, code, &content);
    return;
  }
  ss_failure f = ss_session_progress_reliably(k->session, code, &content,
                                              step_get(s, 'r', 0) > 1, &o);
  if (f.kind == SS_KIND_NONE && o)
    running(w, o);
}

static void act(world *w, known *k, const step *s) {
  ss_content content = content_of(s, 0);
  if (ss_str_eq(s->verb, SS_STR("participate")))
    participate(k, &content);
  else if (ss_str_eq(s->verb, SS_STR("progress")))
    progress(w, k, s);
  else if (ss_str_eq(s->verb, SS_STR("reject")))
    ss_session_reject(k->session, in_range(s, 400, 699), &content);
  else if (ss_str_eq(s->verb, SS_STR("redirect")))
    ss_session_redirect(k->session, in_range(s, 300, 399),
                        ss_str_z(reference_at(step_get(s, 'o', 0) % 2)),
                        &content);
  else if (ss_str_eq(s->verb, SS_STR("terminate")))
    ss_session_terminate(k->session, NULL);
  else if (ss_str_eq(s->verb, SS_STR("negotiated")))
    negotiated(k, s);
  else if (ss_str_eq(s->verb, SS_STR("forget")))
    forget(k);
  else if (ss_str_eq(s->verb, SS_STR("timing")))
    set_timing(k->session, s);
  else
    operate(w, k->session, s);
}

static void impair(world *w, const step *s) {
  ss_impair how = {.loss = (double)step_get(s, 'l', 0) / 100,
                   .duplicate = (double)step_get(s, 'd', 0) / 100,
                   .reorder = (double)step_get(s, 'r', 0) / 100,
                   .delay_ms = (uint32_t)step_get(s, 'm', 0) % 1000};
  ss_memory_set_impair(w->memory, &how);
}

void script_step(world *w, const step *s) {
  known *k = &w->known[step_get(s, 'd', 0) % SESSIONS];
  if (ss_str_eq(s->verb, SS_STR("close")))
    script_close(w);
  else if (ss_str_eq(s->verb, SS_STR("free")))
    free_endpoint(w);
  else if (ss_str_eq(s->verb, SS_STR("shut")))
    peer_shut(w, s);
  else if (ss_str_eq(s->verb, SS_STR("gone")))
    peer_gone(w, s);
  else if (ss_str_eq(s->verb, SS_STR("automatic")))
    w->automatic = (unsigned)step_get(s, 'a', 0);
  else if (ss_str_eq(s->verb, SS_STR("memory"))) /* the n-th that is asked */
    ss_alloc_fail_at(step_get(s, 'n', 1));
  else if (ss_str_eq(s->verb, SS_STR("impair")))
    impair(w, s);
  else if (ss_str_eq(s->verb, SS_STR("respond")))
    respond(w, s);
  else if (ss_str_eq(s->verb, SS_STR("accept")) && w->inbound)
    accept_refer(w, w->inbound);
  else if (ss_str_eq(s->verb, SS_STR("notify")))
    notify(w, s);
  else if (ss_str_eq(s->verb, SS_STR("lookup")))
    auth_looked_up(w, s);
  else if (ss_str_eq(s->verb, SS_STR("handled")) && w->endpoint)
    ss_endpoint_set_handled(w->endpoint, step_get(s, 'a', 1));
  else if (ss_str_eq(s->verb, SS_STR("reliable")) && w->endpoint)
    ss_endpoint_set_reliable(w->endpoint,
                             (ss_reliability)(step_get(s, 'a', 1) % 3));
  else if (k->held)
    act(w, k, s);
}
