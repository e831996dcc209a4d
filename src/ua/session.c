/* A session's life: made with its INVITE, moved by one function, delivered to
 * the handler in order, given up when the wire is done with it. What the verbs
 * do is in a file each. */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/body.h"

const char *ss_state_name(ss_state state) {
  static const char *const name[] = {
#define X(id, text) text,
      SS_STATE_MAP(X)
#undef X
  };
  return name[state];
}

const char *ss_cause_name(ss_cause cause) {
  static const char *const name[] = {
#define X(id, text) text,
      SS_CAUSE_MAP(X)
#undef X
  };
  return name[cause];
}

/* The legal transitions of an incoming session, as sets of next states. */
static const unsigned legal[] = {
    [SS_STATE_IDLE] = 1u << SS_STATE_INCOMING,
    [SS_STATE_INCOMING] =
        1u << SS_STATE_CONNECTING | 1u << SS_STATE_DISCONNECTED,
    [SS_STATE_CONNECTING] =
        1u << SS_STATE_CONNECTED | 1u << SS_STATE_DISCONNECTED,
    [SS_STATE_ALERTED] = 1u << SS_STATE_DISCONNECTED,
    [SS_STATE_CONNECTED] = 1u << SS_STATE_DISCONNECTED,
    [SS_STATE_REDIRECTING] = 1u << SS_STATE_DISCONNECTED,
    [SS_STATE_DISCONNECTED] = 0,
};

static const ss_failure timed_out = {SS_KIND_OPERATION_TIMEOUT, SS_WHY_NONE,
                                     -ETIMEDOUT};
static const ss_failure lost = {SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE,
                                -ECONNRESET};

/* Before a final response: as an accept's. */
static ss_failure ended_failure(const ss_session *s) {
  ss_failure f = {SS_KIND_OPERATION_FAILURE, SS_WHY_TERMINATED, 0};
  if (s->endpoint_closed)
    f.reason = SS_WHY_ENDPOINT_CLOSED;
  else if (s->claim == SS_CLAIM_CANCELLED)
    f.reason = SS_WHY_CANCELLED;
  else if (s->claim == SS_CLAIM_EXPIRED)
    return s->record.reason == SS_CAUSE_TIMEOUT ? timed_out : lost;
  return f;
}

/* The call has ended: nothing of what it was about goes on. */
static void stop(ss_session *s) {
  ss_refresh_stop(s);
  ss_offer_abandon(s);
  ss_modify_abort(s);
  ss_renew_abort(s);
  ss_reliable_abort(s);
  ss_inbound_abort(s);
  ss_subscriptions_stop(s);
  ss_operations_end(s, ended_failure(s));
}

void ss_session_move(ss_session *s, ss_state state, ss_cause cause,
                     unsigned code, ss_message *message) {
  if (!(legal[s->state] & 1u << state))
    return;
  ss_change *c = &s->change[s->changes++];
  *c = (ss_change){s->state, state, cause, code,
                   message ? ss_message_ref(message) : NULL};
  s->state = state;
  if (state == SS_STATE_DISCONNECTED) {
    s->endpoint->live--;
    ss_record_end(s, c);
    stop(s);
  }
  ss_loop_defer(s->endpoint->loop, &s->job);
}

void ss_session_decide(ss_session *s, ss_failure outcome, ss_message *ack) {
  if (!s->accepting || s->decided)
    return;
  s->decided = true;
  s->outcome = outcome;
  s->ack = ack ? ss_message_ref(ack) : NULL;
  ss_loop_defer(s->endpoint->loop, &s->job);
}

static void announce(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->announced = true;
  s->silent = s->state == SS_STATE_DISCONNECTED || !e->handled;
  if (s->state == SS_STATE_DISCONNECTED)
    return; /* cancelled in the batch that brought it */
  if (e->handled) {
    e->handler->received(e->arg, s);
    return;
  }
  e->stats.calls_unhandled++;
  s->claim = SS_CLAIM_DECLINED;
  ss_content none = {0};
  ss_reject_with(s, e->unhandled_code, &none, SS_CAUSE_TERMINATED_LOCALLY,
                 NULL);
}

static void deliver_change(ss_session *s) {
  ss_change c = s->change[0];
  s->changes--;
  s->delivered++;
  memmove(s->change, s->change + 1, s->changes * sizeof c);
  ss_endpoint *e = s->endpoint;
  if (!s->silent && c.previous != SS_STATE_IDLE)
    e->handler->changed(e->arg, s, &c);
  ss_message_unref(c.message);
}

static void deliver_outcome(ss_session *s) {
  ss_message *ack = s->ack;
  ss_failure outcome = s->outcome;
  s->accepting = s->decided = false;
  s->ack = NULL;
  ss_endpoint *e = s->endpoint;
  e->handler->accepted(e->arg, s, &outcome, ack);
  ss_message_unref(ack);
}

static void deliver_end(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->told = true;
  if (e->handler->ended)
    e->handler->ended(e->arg, s);
}

static void release(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->releasing = false;
  ss_list_remove(&s->node);
  ss_job_cancel(&s->job);
  e->held--;
  ss_endpoint_check_closed(e);
  e->handler->released(e->arg, s); /* the last of e: it may be freed in there */
  s->endpoint = NULL;
  ss_path_release(&s->path); /* a script may keep the session for long */
  ss_session_unref(s);
}

void ss_session_forget(ss_session *s) {
  ss_session_ref(s);
  if (s->phase != SS_PHASE_OVER)
    ss_session_over(s);
  if (s->decided)
    deliver_outcome(s);
  if (s->state != SS_STATE_DISCONNECTED)
    stop(s);
  ss_refer_forget(s);
  ss_subscriptions_forget(s);
  ss_inbound_forget(s);
  while (s->endpoint && !ss_list_empty(&s->completed))
    ss_operations_deliver(s);
  if (s->endpoint) /* else the handler has freed the endpoint */
    release(s);
  ss_session_unref(s);
}

/* False: nothing is due. */
static bool deliver_next(ss_session *s) {
  if (ss_inbound_due(s))
    ss_inbound_deliver(s);
  else if (s->changes)
    deliver_change(s);
  else if (s->decided)
    deliver_outcome(s);
  else if (!ss_list_empty(&s->completed))
    ss_operations_deliver(s);
  else if (s->state == SS_STATE_DISCONNECTED && !s->told)
    deliver_end(s);
  else
    return false;
  return true;
}

/* A handler may do anything, so all is looked at afresh after each. */
static void deliver(ss_job *job) {
  ss_session *s = SS_CONTAINER(job, ss_session, job);
  ss_session_ref(s);
  if (!s->announced)
    announce(s);
  while (s->endpoint && deliver_next(s)) {
  }
  if (s->endpoint && s->releasing && !ss_session_lingers(s))
    release(s);
  ss_session_unref(s);
}

static void on_expiry(ss_timer *timer) {
  ss_session *s = SS_CONTAINER(timer, ss_session, expiry);
  if (s->phase == SS_PHASE_ANSWERED) {
    ss_answer_expired(s);
    return;
  }
  if (s->phase == SS_PHASE_SETTLING) {
    ss_answer_unsettled(s);
    return;
  }
  if (s->phase == SS_PHASE_ESTABLISHED) {
    ss_modify_expired(s);
    return;
  }
  s->claim = SS_CLAIM_EXPIRED;
  s->endpoint->stats.calls_timed_out++;
  ss_session_decide(s, timed_out, NULL);
  /* RFC 3261 13.3.1: Expires passed: 487. Nobody answered: 408. */
  ss_content none = {0};
  ss_reject_with(s, s->expires ? 487 : 408, &none, SS_CAUSE_TIMEOUT, NULL);
}

static void on_repeat(ss_timer *timer) {
  ss_session *s = SS_CONTAINER(timer, ss_session, repeat);
  if (s->phase == SS_PHASE_ANSWERED || s->phase == SS_PHASE_ESTABLISHED)
    ss_answer_repeat(s);
  else
    ss_progress_repeat(s);
}

static void on_failed(void *arg, int rc) {
  ss_session *s = arg;
  s->server = NULL;
  ss_answer_undeliverable(s, rc);
}

static void on_ended(void *arg, bool unacknowledged) {
  ss_session *s = arg;
  (void)unacknowledged; /* a 2xx's ACK is the session's own business */
  s->server = NULL;
}

static const ss_server_watch watch = {on_failed, on_ended};

void ss_session_watch(ss_session *s) {
  ss_server_attach(s->server, &watch, s);
}

/* RFC 3261 13.3.1: the INVITE is given up on after its Expires or after
 * connect_timeout, whichever comes first. */
static void start_expiry(ss_session *s) {
  uint64_t wait = s->endpoint->connect_timeout;
  const ss_field *f = ss_message_field(s->request, SS_FIELD_EXPIRES);
  uint32_t seconds;
  if (f && !ss_str_u32(f->value, UINT32_MAX, &seconds) &&
      (!wait || (uint64_t)seconds * 1000 < wait)) {
    wait = (uint64_t)seconds * 1000;
    s->expires = true;
  }
  if (wait || s->expires)
    ss_loop_timer(s->endpoint->loop, &s->expiry, wait);
}

ss_session *ss_session_new(ss_endpoint *e, ss_server *server, ss_message *m,
                           ss_str remote_tag) {
  ss_session *s = ss_alloc(sizeof *s);
  if (!s)
    return NULL;
  s->refs = 1;
  s->endpoint = e;
  s->job.fn = deliver;
  s->expiry.fn = on_expiry;
  s->repeat.fn = on_repeat;
  s->request = ss_message_ref(m);
  s->server = server;
  s->path = *ss_server_path(server);
  ss_path_hold(&s->path);
  s->remote = *ss_server_source(server);
  ss_dialog_heard(s, m, &s->remote);
  s->timing = e->timing;
  ss_list_init(&s->renewed);
  ss_list_init(&s->operations);
  ss_list_init(&s->completed);
  ss_list_init(&s->inbound);
  ss_list_init(&s->waiting);
  ss_list_init(&s->referrals);
  ss_list_init(&s->subscriptions);
  ss_dialog_init(&s->dialog, m, remote_tag);
  ss_offer_init(s);
  ss_reliable_init(s);
  ss_dialog_insert(e, &s->dialog);
  ss_list_append(&e->sessions, &s->node);
  ss_session_watch(s);
  e->live++;
  e->held++;
  e->stats.calls_received++;
  ss_record_start(s);
  ss_session_move(s, SS_STATE_INCOMING, SS_CAUSE_NONE, 0, m);
  start_expiry(s);
  return s;
}

ss_session *ss_session_ref(ss_session *s) {
  s->refs++;
  return s;
}

void ss_session_unref(ss_session *s) {
  if (!s || --s->refs)
    return;
  while (s->changes)
    ss_message_unref(s->change[--s->changes].message);
  ss_message_unref(s->ack);
  ss_operations_free(s);
  ss_offer_free(s);
  ss_reliable_free(s);
  ss_message_unref(s->target);
  ss_message_unref(s->request);
  ss_message_unref(s->record.message);
  ss_path_release(&s->path);
  ss_fields_free(&s->fields);
  ss_free(s->reason);
  ss_free(s);
}

void ss_session_over(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->phase = SS_PHASE_OVER;
  ss_refresh_stop(s);
  ss_renew_forget(s);
  ss_loop_timer_stop(e->loop, &s->expiry);
  ss_loop_timer_stop(e->loop, &s->repeat);
  if (ss_list_empty(&s->subscriptions)) /* else for their NOTIFYs only */
    ss_dialog_remove(e, &s->dialog);
  if (s->server) {
    ss_server_acknowledged(s->server);
    ss_server_detach(s->server);
    s->server = NULL;
  }
  if (s->bye) {
    ss_client_abandon(s->bye);
    s->bye = NULL;
  }
  s->releasing = true;
  ss_loop_defer(e->loop, &s->job);
}

ss_failure ss_session_refusal(const ss_session *s) {
  ss_failure f = {SS_KIND_INVALID_OPERATION, SS_WHY_TERMINATED, 0};
  if (s->claim == SS_CLAIM_CANCELLED)
    f.reason = SS_WHY_CANCELLED;
  else if (s->endpoint_closed || (s->endpoint && s->endpoint->closing))
    f.reason = SS_WHY_ENDPOINT_CLOSED;
  else if (s->state != SS_STATE_DISCONNECTED && s->claim == SS_CLAIM_ACCEPTED)
    f.reason = SS_WHY_ALREADY_PARTICIPATING;
  return f;
}

ss_failure ss_session_not_connected(const ss_session *s) {
  ss_failure f = {SS_KIND_INVALID_OPERATION, SS_WHY_NOT_CONNECTED, 0};
  if (s->endpoint_closed || (s->endpoint && s->endpoint->closing))
    f.reason = SS_WHY_ENDPOINT_CLOSED;
  else if (s->state == SS_STATE_DISCONNECTED)
    f.reason = SS_WHY_TERMINATED;
  return f;
}

bool ss_session_lingers(const ss_session *s) {
  return s->referred != 0;
}

ss_state ss_session_state(const ss_session *s) {
  return s->state;
}

ss_endpoint *ss_session_endpoint(const ss_session *s) {
  return s->endpoint;
}

ss_message *ss_session_request(const ss_session *s) {
  return s->request;
}

ss_str ss_session_call_id(const ss_session *s) {
  return s->dialog.call_id;
}

ss_str ss_session_local_tag(const ss_session *s) {
  return (ss_str){s->dialog.local_tag, SS_TAG_LEN};
}

ss_str ss_session_remote_tag(const ss_session *s) {
  return s->dialog.remote_tag;
}

const ss_addr *ss_session_remote_address(const ss_session *s) {
  return &s->remote;
}

ss_str ss_session_offer(const ss_session *s) {
  return ss_body_find(s->request, SS_STR("application/sdp"));
}

void ss_session_set_user(ss_session *s, void *user) {
  s->user = user;
}

void *ss_session_user(const ss_session *s) {
  return s->user;
}
