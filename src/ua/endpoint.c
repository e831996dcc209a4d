/* The endpoint: opens the listeners, takes what they bring to the transaction
 * layer, answers what can't go there, and closes in an orderly way. */
#include "ua/ua.h"

#include "base/alloc.h"
#include <assert.h>

void ss_endpoint_config_default(ss_endpoint_config *c) {
  *c = (ss_endpoint_config){.unhandled_code = 480,
                            .terminate_code = 486,
                            .connect_timeout = 180000,
                            .close_timeout = 2000,
                            .reliable = SS_RELIABILITY_SUPPORTED,
                            .t1 = 500,
                            .t2 = 4000,
                            .t4 = 5000,
                            .auth = {.algorithm = {SS_SHA_256, SS_MD5},
                                     .algorithms = 2,
                                     .nonce_lifetime = 300000}};
  ss_timing_default(&c->timing);
  ss_limits_default(&c->limits);
}

/* Keep-alives over datagrams: CRLFs, a NUL octet, nothing (RFC 5626 3.5). */
static bool is_keep_alive(const char *p, size_t n) {
  if (n > 4)
    return false;
  for (size_t i = 0; i < n; i++)
    if (p[i] != '\r' && p[i] != '\n' && p[i] != '\0')
      return false;
  return true;
}

/* --- who may send requests ------------------------------------------------ */

static bool is_allowed(const ss_endpoint *e, const ss_addr *peer) {
  return ss_networks_have(&e->allowed, peer);
}

static ss_admission on_connection(void *arg, const ss_addr *peer) {
  ss_endpoint *e = arg;
  if (is_allowed(e, peer))
    return SS_ADMIT;
  if (!e->deny_silently)
    return SS_ADMIT_BRIEFLY;
  e->stats.refused_source++;
  return SS_ADMIT_NOT;
}

/* A response: it finds the request of ours that it is for, or nobody. */
static bool is_response(const char *p, size_t n) {
  return ss_str_starts((ss_str){p, n}, SS_STR("SIP/2.0 "));
}

/* RFC 3261 21.4.4, whatever else is the matter with it. */
static void forbid(ss_endpoint *e, const ss_path *path, ss_str text) {
  ss_message *m;
  e->stats.refused_source++;
  if (e->deny_silently || ss_message_new(&m, text, false, &e->limits))
    return;
  if (m->is_request && m->method != SS_ACK)
    ss_layer_refuse(e->layer, path, m, 403, SS_STR_NONE, SS_STR_NONE);
  ss_message_unref(m);
  ss_path_dismiss(path);
}

/* --- what the listeners bring --------------------------------------------- */

static void on_message(void *arg, const ss_path *path, const char *p,
                       size_t n) {
  ss_endpoint *e = arg;
  if (!path->conn && is_keep_alive(p, n))
    return;
  if (!is_allowed(e, &path->peer) && !is_response(p, n))
    forbid(e, path, (ss_str){p, n});
  else
    ss_inbox_read(e, path, p, n);
}

/* The head of what was refused may still say whom to answer. */
static void answer_head(ss_endpoint *e, const ss_path *path, ss_str head,
                        unsigned code) {
  ss_message *m;
  if (!head.n || ss_message_new(&m, head, false, &e->limits))
    return;
  if (m->is_request && m->method != SS_ACK)
    ss_layer_refuse(e->layer, path, m, code, SS_STR_NONE, SS_STR_NONE);
  ss_message_unref(m);
}

static void on_refused(void *arg, const ss_path *path, ss_refusal why,
                       ss_str head) {
  ss_endpoint *e = arg;
  if (head.n && !is_allowed(e, &path->peer)) {
    forbid(e, path, head);
    return;
  }
  switch (why) {
  case SS_REFUSED_SIZE: /* RFC 3261 21.5.7 */
    e->stats.refused_size++;
    answer_head(e, path, head, 513);
    break;
  case SS_REFUSED_LENGTH: /* RFC 3261 18.3 */
    e->stats.refused_length++;
    answer_head(e, path, head, 400);
    break;
  case SS_REFUSED_SLOW:
    e->stats.refused_slow++;
    break;
  case SS_REFUSED_IDLE:
    e->stats.refused_idle++;
    break;
  case SS_REFUSED_BACKLOG:
    e->stats.refused_backlog++;
    break;
  case SS_REFUSED_CONNECTIONS:
    e->stats.refused_connections++;
    break;
  }
}

static void on_wire(void *arg, bool out, const ss_addr *peer, const char *p,
                    size_t n) {
  ss_endpoint *e = arg;
  if (out)
    e->stats.messages_out++;
  else
    e->stats.messages_in++;
  if (e->traced)
    e->handler->wire(e->arg, out, peer, (ss_str){p, n});
}

static void on_unsent(void *arg) {
  ss_endpoint *e = arg;
  e->stats.send_errors++;
}

static const ss_sink sink = {on_message, on_refused, on_wire, on_connection,
                             on_unsent};

static void close_sockets(ss_endpoint *e) {
  for (size_t i = 0; i < e->transports; i++)
    ss_transport_close(e->transport[i]);
  e->transports = 0;
}

/* Takes a half-built endpoint too. */
static void destroy(ss_endpoint *e) {
  ss_loop_timer_stop(e->loop, &e->close_timer);
  ss_job_cancel(&e->close_job);
  assert(!e->inbox.n); /* it is gone through before scripts run */
  ss_auth_free(e);
  ss_layer_free(e->layer);
  close_sockets(e);
  ss_free(e->transport);
  ss_free(e->address);
  ss_networks_free(&e->allowed);
  ss_networks_free(&e->targets);
  ss_hash_free(&e->dialogs);
  ss_identity_free(e);
  ss_rate_free(e->rate);
  if (!e->forgetting) /* else those who are at it free it */
    ss_free(e);
}

static int take_networks(ss_endpoint *e, const ss_endpoint_config *c) {
  e->deny_silently = c->deny_silently;
  int rc = ss_networks_copy(&e->allowed, &c->allow);
  return rc ? rc : ss_networks_copy(&e->targets, &c->targets);
}

static int open_listeners(ss_endpoint *e, const ss_endpoint_config *c,
                          size_t *failed) {
  e->transport = ss_alloc(c->listeners * sizeof(ss_transport *));
  e->address = ss_alloc(c->listeners * sizeof *e->address);
  if (!e->transport || !e->address)
    return SS_ENOMEM;
  for (size_t i = 0; i < c->listeners; i++) {
    int rc = ss_transport_open(e->loop, &c->listen[i], &e->limits, &sink, e,
                               &e->transport[i]);
    if (rc) {
      *failed = i;
      return rc;
    }
    e->address[i] = *ss_transport_local(e->transport[i]);
    e->transports = e->listeners = i + 1;
  }
  return 0;
}

/* Adds what the layer has counted since the last time. */
static void take_counters(ss_endpoint *e) {
  if (!e->layer)
    return;
  const ss_layer_counters *now = ss_layer_count(e->layer);
#define TAKE(name) e->stats.name += now->name - e->seen.name;
  TAKE(requests_in)
  TAKE(responses_in)
  TAKE(retransmissions_in)
  TAKE(retransmissions_out)
  TAKE(refused_overload)
  TAKE(stray_responses)
  TAKE(send_errors)
  TAKE(out_of_memory)
#undef TAKE
  e->seen = *now;
}

/* Gives up every session. True: a handler has freed the endpoint in between;
 * there is nothing left to do. */
static bool forget_sessions(ss_endpoint *e) {
  ss_list *node;
  e->forgetting++;
  while (!e->freed && (node = e->sessions.next) != &e->sessions)
    ss_session_forget(SS_CONTAINER(node, ss_session, node));
  e->forgetting--;
  if (!e->freed)
    return false;
  if (!e->forgetting)
    ss_free(e);
  return true;
}

/* The addresses are free again. Not from within the layer. */
static void shut(ss_endpoint *e) {
  take_counters(e);
  ss_auth_forget(e);
  ss_layer_free(e->layer);
  e->layer = NULL;
  close_sockets(e);
}

/* Nobody waits any more, or close_timeout has passed. */
static void on_close_timer(ss_timer *timer) {
  ss_endpoint *e = SS_CONTAINER(timer, ss_endpoint, close_timer);
  if (forget_sessions(e))
    return;
  ss_loop_timer_stop(e->loop, timer);
  shut(e);
  e->handler->closed(e->arg);
}

static void on_closed(ss_job *job) {
  ss_endpoint *e = SS_CONTAINER(job, ss_endpoint, close_job);
  e->handler->closed(e->arg);
}

/* connect_timeout, ms, within limits.provisional_time. */
static uint32_t patience(const ss_endpoint_config *c) {
  uint64_t most = (uint64_t)c->limits.provisional_time * 1000;
  if (c->connect_timeout && c->connect_timeout < most)
    return c->connect_timeout;
  return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

int ss_endpoint_open(ss_endpoint **out, const ss_endpoint_config *c,
                     const ss_endpoint_handler *handler, void *arg,
                     size_t *failed) {
  *failed = c->listeners;
  if (!c->listeners)
    return SS_EINVAL;
  ss_endpoint *e = ss_alloc(sizeof *e);
  if (!e)
    return SS_ENOMEM;
  e->loop = c->loop;
  e->handler = handler;
  e->arg = arg;
  e->unhandled_code = c->unhandled_code;
  e->terminate_code = c->terminate_code;
  e->connect_timeout = patience(c);
  e->close_timeout = c->close_timeout;
  e->t1 = c->t1;
  e->t2 = c->t2;
  e->reliable = c->reliable;
  e->timing = c->timing;
  e->limits = c->limits;
  e->close_timer.fn = on_close_timer;
  e->close_job.fn = on_closed;
  ss_list_init(&e->sessions);
  ss_overload_init(e);
  ss_inbox_init(e);
  int rc = ss_hash_init(&e->dialogs);
  if (!rc && e->limits.invites_per_source)
    rc = ss_rate_new(&e->rate, e->limits.invites_per_source, 1000);
  if (!rc)
    rc = take_networks(e, c);
  if (!rc)
    rc = open_listeners(e, c, failed);
  if (!rc)
    rc = ss_identity_init(e, c);
  if (!rc)
    rc = ss_auth_new(e, &c->auth);
  if (rc)
    goto fail;
  ss_layer_config layer = {.loop = e->loop,
                           .t1 = c->t1,
                           .t2 = c->t2,
                           .t4 = c->t4,
                           .max = c->limits.transactions,
                           .server = ss_str_z(e->name),
                           .user = &ss_requests_user,
                           .arg = e};
  rc = ss_layer_new(&e->layer, &layer);
  if (rc)
    goto fail;
  *out = e;
  return 0;
fail:
  destroy(e);
  return rc;
}

void ss_endpoint_check_closed(ss_endpoint *e) {
  /* a timer, not at once: what was just said leaves first */
  if (e->closing && ss_list_empty(&e->sessions) && !e->unacked && e->layer)
    ss_loop_timer(e->loop, &e->close_timer, 0);
}

static void end_sessions(ss_endpoint *e, const ss_fields *fields) {
  ss_list *node = e->sessions.next, *next;
  for (; node != &e->sessions; node = next) {
    next = node->next; /* sessions leave the list in their job, not here */
    ss_session *s = SS_CONTAINER(node, ss_session, node);
    ss_end_by_us(s, fields, SS_WHY_ENDPOINT_CLOSED);
    ss_refer_close(s);
    ss_subscriptions_forget(s);
  }
}

void ss_endpoint_close(ss_endpoint *e, const ss_fields *fields) {
  if (e->closing)
    return;
  e->closing = true;
  ss_auth_close(e);
  end_sessions(e, fields);
  bool waits = !ss_list_empty(&e->sessions) || e->unacked;
  if (waits) {
    ss_loop_timer(e->loop, &e->close_timer, e->close_timeout);
    return;
  }
  shut(e);
  ss_loop_defer(e->loop, &e->close_job);
}

bool ss_endpoint_is_closed(const ss_endpoint *e) {
  return e->closing;
}

void ss_endpoint_free(ss_endpoint *e) {
  if (!e)
    return;
  e->closing = true;
  if (e->layer)
    end_sessions(e, NULL);
  if (forget_sessions(e))
    return;
  e->freed = true;
  destroy(e);
}

size_t ss_endpoint_listeners(const ss_endpoint *e) {
  return e->listeners;
}

const ss_addr *ss_endpoint_address(const ss_endpoint *e, size_t i) {
  return &e->address[i];
}

const ss_stats *ss_endpoint_stats(ss_endpoint *e) {
  take_counters(e);
  return &e->stats;
}

ss_alive ss_endpoint_alive(const ss_endpoint *e) {
  ss_alive a = {.sessions = e->live,
                .lingering = e->held - e->live,
                .dialogs = e->dialogs.count,
                .transactions = e->layer ? ss_layer_alive(e->layer) : 0};
  for (size_t i = 0; i < e->transports; i++)
    a.connections += ss_transport_connections(e->transport[i]);
  return a;
}

ss_loop *ss_endpoint_loop(const ss_endpoint *e) {
  return e->loop;
}

ss_str ss_endpoint_uri(const ss_endpoint *e) {
  return ss_str_z(e->uri);
}

ss_str ss_endpoint_name(const ss_endpoint *e) {
  return ss_str_z(e->name);
}

void ss_endpoint_set_handled(ss_endpoint *e, bool handled) {
  e->handled = handled;
}

int ss_endpoint_set_reliable(ss_endpoint *e, ss_reliability reliable) {
  ss_reliability was = e->reliable;
  e->reliable = reliable;
  int rc = ss_identity_lists(e);
  if (rc)
    e->reliable = was;
  return rc;
}

ss_reliability ss_endpoint_reliable(const ss_endpoint *e) {
  return e->reliable;
}

void ss_endpoint_set_traced(ss_endpoint *e, bool traced) {
  e->traced = traced;
}
