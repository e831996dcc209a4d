/* Operations: what this side asks of the other one and what comes of it. Each
 * ends once, by a response, by silence, or because its session has ended, and
 * that is told from the session's job in the order in which they ended. */
#include "ua/ua.h"

#include "base/alloc.h"

ss_operation *ss_operation_new(ss_session *s) {
  ss_operation *o = ss_alloc(sizeof *o);
  if (!o)
    return NULL;
  o->session = s;
  ss_list_append(&s->operations, &o->node);
  return o;
}

void ss_operation_drop(ss_operation *o) {
  ss_list_remove(&o->node);
  ss_message_unref(o->response);
  ss_free(o);
}

void ss_operation_end(ss_operation *o, ss_failure outcome,
                      ss_message *response) {
  ss_session *s = o->session;
  if (o->client)
    ss_client_abandon(o->client);
  o->client = NULL;
  o->outcome = outcome;
  o->response = response ? ss_message_ref(response) : NULL;
  ss_list_remove(&o->node);
  ss_list_append(&s->completed, &o->node);
  ss_loop_defer(s->endpoint->loop, &s->job);
}

void ss_operations_end(ss_session *s, ss_failure outcome) {
  ss_list *node = s->operations.next, *next;
  for (; node != &s->operations; node = next) {
    ss_operation *o = SS_CONTAINER(node, ss_operation, node);
    next = node->next;
    if (!o->lasting)
      ss_operation_end(o, outcome, NULL);
  }
}

void ss_operations_deliver(ss_session *s) {
  ss_operation *o = SS_CONTAINER(s->completed.next, ss_operation, node);
  ss_endpoint *e = s->endpoint;
  ss_list_remove(&o->node);
  if (o->over)
    o->over(o);
  else
    e->handler->completed(e->arg, s, o, &o->outcome, o->response);
  ss_message_unref(o->response);
  ss_free(o);
}

void ss_operations_free(ss_session *s) {
  while (!ss_list_empty(&s->operations))
    ss_operation_drop(SS_CONTAINER(s->operations.next, ss_operation, node));
  while (!ss_list_empty(&s->completed))
    ss_operation_drop(SS_CONTAINER(s->completed.next, ss_operation, node));
}

ss_failure ss_operation_unanswered(int rc) {
  return ss_failed(rc == -ETIMEDOUT ? SS_KIND_OPERATION_TIMEOUT
                                    : SS_KIND_CONNECTION_FAILURE,
                   SS_WHY_NO_ANSWER, rc);
}

void ss_operation_answered(ss_operation *o, int rc, ss_message *response,
                           bool binding) {
  ss_session *s = o->session;
  ss_failure f = SS_SUCCESS;
  o->client = NULL;
  unsigned code = rc ? 0 : response->code;
  if (rc)
    f = ss_operation_unanswered(rc);
  else if (code >= 300)
    f = ss_failed(SS_KIND_FAILURE_RESPONSE, SS_WHY_NONE, 0);
  ss_operation_end(o, f, response);
  if (binding)
    ss_end_unanswered(s, rc, code);
}

static void on_answered(void *arg, int rc, ss_message *response) {
  ss_operation_answered(arg, rc, response, true);
}

ss_failure ss_session_send(ss_session *s, ss_str method,
                           const ss_content *content, ss_operation **out) {
  if (s->phase != SS_PHASE_ESTABLISHED)
    return ss_session_not_connected(s);
  ss_operation *o = ss_operation_new(s);
  if (!o)
    return (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM};
  ss_sending r = {.method = ss_method_lookup(method),
                  .method_text = method,
                  .content = content};
  int rc = ss_send_request(s, &r, on_answered, o, &o->client);
  if (rc) {
    ss_operation_drop(o);
    return ss_send_failure(rc);
  }
  *out = o;
  return SS_SUCCESS;
}
