/* Requests in the dialog that a script is told of, and those that it may
 * answer itself (INFO: RFC 6086, MESSAGE: RFC 3428, REFER). They are told in
 * the order in which they came, between the transitions; what waits for an
 * answer when the session ends gets a 487 (RFC 3261 15.1.2). */
#include "ua/ua.h"

#include "base/alloc.h"

ss_inbound *ss_inbound_ref(ss_inbound *i) {
  i->refs++;
  return i;
}

void ss_inbound_unref(ss_inbound *i) {
  if (!i || --i->refs)
    return;
  ss_message_unref(i->request);
  ss_free(i);
}

ss_message *ss_inbound_request(const ss_inbound *i) {
  return i->request;
}

bool ss_inbound_waits(const ss_inbound *i) {
  return i->server != NULL;
}

/* Out of the session's lists: nothing is to be done any more. */
static void leave(ss_inbound *i) {
  if (!i->session)
    return;
  ss_list_remove(&i->node);
  i->session->inbounds--;
  i->session = NULL;
  ss_inbound_unref(i);
}

/* The transaction is no more, answered or not. */
static void on_gone(void *arg, int rc) {
  ss_inbound *i = arg;
  (void)rc;
  i->server = NULL;
  if (i->told)
    leave(i);
}

static void on_ended(void *arg, bool unacknowledged) {
  (void)unacknowledged;
  on_gone(arg, 0);
}

static const ss_server_watch watch = {on_gone, on_ended};

static ss_inbound *add(ss_session *s, ss_message *m) {
  ss_inbound *i = ss_alloc(sizeof *i);
  if (!i)
    return NULL;
  i->refs = 1;
  i->session = s;
  i->request = ss_message_ref(m);
  i->after = (uint8_t)(s->delivered + s->changes);
  s->inbounds++;
  ss_list_append(&s->inbound, &i->node);
  ss_loop_defer(s->endpoint->loop, &s->job);
  return i;
}

void ss_inbound_received(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  if (s->inbounds >= e->limits.dialog_requests) {
    e->stats.refused_overload++;
    ss_requests_reply(e, server, 503, SS_STR("Retry-After: 1\r\n"));
    return;
  }
  ss_inbound *i = add(s, m);
  if (!i) {
    e->stats.out_of_memory++;
    ss_requests_reply(e, server, 500, SS_STR_NONE);
    return;
  }
  i->server = server;
  ss_server_attach(server, &watch, i);
}

void ss_inbound_notice(ss_session *s, ss_message *m) {
  if (s->inbounds < s->endpoint->limits.dialog_requests && !add(s, m))
    s->endpoint->stats.out_of_memory++;
}

bool ss_inbound_due(const ss_session *s) {
  if (ss_list_empty(&s->inbound))
    return false;
  return SS_CONTAINER(s->inbound.next, ss_inbound, node)->after <= s->delivered;
}

void ss_inbound_deliver(ss_session *s) {
  ss_inbound *i = SS_CONTAINER(s->inbound.next, ss_inbound, node);
  ss_endpoint *e = s->endpoint;
  ss_list_remove(&i->node);
  i->told = true;
  ss_inbound_ref(i);
  if (i->server)
    ss_list_append(&s->waiting, &i->node);
  else
    leave(i);
  if (!s->silent)
    e->handler->requested(e->arg, s, i);
  ss_inbound_unref(i);
}

/* Gives up the transaction, with an answer. */
static int answer(ss_inbound *i, unsigned code, ss_str own,
                  const ss_content *content) {
  ss_session *s = i->session;
  ss_server *server = i->server;
  ss_server_detach(server);
  int rc = ss_session_respond(s, server, code, own, content);
  if (rc == SS_EFULL) {
    ss_server_attach(server, &watch, i);
    return rc;
  }
  i->server = NULL;
  if (rc)
    ss_server_drop(server); /* no memory: the peer asks again */
  return rc;
}

ss_failure ss_inbound_answer(ss_inbound *i, unsigned code, ss_str own,
                             const ss_content *content) {
  if (!i->server)
    return (ss_failure){SS_KIND_INVALID_OPERATION,
                        i->answered ? SS_WHY_ANSWERED : SS_WHY_TERMINATED, 0};
  int rc = answer(i, code, own, content);
  if (rc == SS_EFULL)
    return (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc};
  i->answered = true;
  if (i->told)
    leave(i);
  if (rc)
    return (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc};
  return SS_SUCCESS;
}

ss_failure ss_inbound_respond(ss_inbound *i, unsigned code,
                              const ss_content *content) {
  return ss_inbound_answer(i, code, SS_STR_NONE, content);
}

/* RFC 6086 4.2.2: an INFO of a package that nobody has asked for; of those
 * there are none. One without a package is of the time before (RFC 2976). */
static bool has_package(const ss_message *m) {
  return m->method == SS_INFO &&
         ss_message_named(m, SS_STR("Info-Package"), NULL);
}

void ss_inbound_unhandled(ss_inbound *i) {
  ss_content none = {0};
  if (has_package(i->request))
    ss_inbound_answer(i, 469, SS_STR("Recv-Info: \r\n"), &none);
  else
    ss_inbound_respond(i, i->request->method == SS_REFER ? 603 : 200, &none);
}

/* RFC 3261 15.1.2: what is pending when the dialog ends is answered 487. */
static void abort_one(ss_inbound *i) {
  ss_content none = {0};
  if (i->server)
    answer(i, 487, SS_STR_NONE, &none);
}

void ss_inbound_abort(ss_session *s) {
  while (!ss_list_empty(&s->waiting)) {
    ss_inbound *i = SS_CONTAINER(s->waiting.next, ss_inbound, node);
    abort_one(i);
    leave(i);
  }
  for (ss_list *n = s->inbound.next; n != &s->inbound; n = n->next)
    abort_one(SS_CONTAINER(n, ss_inbound, node)); /* is told all the same */
}

void ss_inbound_forget(ss_session *s) {
  while (!ss_list_empty(&s->inbound))
    leave(SS_CONTAINER(s->inbound.next, ss_inbound, node));
}
