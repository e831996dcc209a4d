/* Declining: a final response from 300 up (RFC 3261 13.3.1.2, 13.3.1.3, UCMA's
 * TerminateWithRejection and Forward). The transaction repeats it until the
 * ACK; the session is over. */
#include "ua/ua.h"

static void on_failed(void *arg, int rc) {
  ss_endpoint *e = arg;
  (void)rc;
  e->unacked--;
  e->stats.calls_failed++;
  ss_endpoint_check_closed(e);
}

static void on_ended(void *arg, bool unacknowledged) {
  ss_endpoint *e = arg;
  e->unacked--;
  if (unacknowledged)
    e->stats.calls_unacknowledged++;
  ss_endpoint_check_closed(e);
}

static const ss_server_watch watch = {on_failed, on_ended};

/* The transaction outlives the session: it reports to the endpoint. */
static void hand_over(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  if (!s->server)
    return;
  e->unacked++;
  ss_server_attach(s->server, &watch, e);
}

/* Nothing was sent: it is the session's again. */
static void take_back(ss_session *s) {
  s->endpoint->unacked--;
  ss_session_watch(s);
}

/* SS_EFULL: it doesn't fit, and nothing was sent. */
static int reply(ss_session *s, unsigned code, ss_str contacts,
                 const ss_content *content) {
  hand_over(s);
  int rc = ss_session_reply(s, code, contacts, SS_STR_NONE, content);
  if (rc == SS_EFULL && s->server)
    take_back(s);
  return rc;
}

static void finish(ss_session *s, int rc, unsigned code, ss_cause cause,
                   ss_message *because) {
  ss_endpoint *e = s->endpoint;
  if (rc && s->server) { /* no memory: nothing was sent, the caller repeats */
    e->unacked--;
    ss_server_drop(s->server);
    e->stats.out_of_memory++;
  }
  s->server = NULL;
  ss_session_move(s, SS_STATE_DISCONNECTED, cause, code, because);
  ss_session_over(s);
}

void ss_reject_with(ss_session *s, unsigned code, const ss_content *content,
                    ss_cause cause, ss_message *because) {
  int rc = reply(s, code, SS_STR_NONE, content);
  if (rc == SS_EFULL) { /* what the script gave doesn't fit: without it */
    ss_content none = {0};
    hand_over(s);
    rc = ss_session_reply(s, code, SS_STR_NONE, SS_STR_NONE, &none);
  }
  finish(s, rc, code, cause, because);
}

static ss_failure decline(ss_session *s, unsigned code, ss_str contacts,
                          const ss_content *content) {
  if (s->claim != SS_CLAIM_OPEN || !s->endpoint || s->endpoint->closing)
    return ss_session_refusal(s);
  s->claim = SS_CLAIM_DECLINED;
  int rc = reply(s, code, contacts, content);
  if (rc == SS_EFULL) {
    s->claim = SS_CLAIM_OPEN;
    return ss_send_failure(rc);
  }
  finish(s, rc, code, SS_CAUSE_TERMINATED_LOCALLY, NULL);
  return SS_SUCCESS;
}

ss_failure ss_session_reject(ss_session *s, unsigned code,
                             const ss_content *content) {
  ss_endpoint *e = s->endpoint;
  ss_failure f = decline(s, code, SS_STR_NONE, content);
  if (f.kind == SS_KIND_NONE)
    e->stats.calls_rejected++;
  return f;
}

ss_failure ss_session_redirect(ss_session *s, unsigned code, ss_str contacts,
                               const ss_content *content) {
  ss_endpoint *e = s->endpoint;
  ss_failure f = decline(s, code, contacts, content);
  if (f.kind == SS_KIND_NONE)
    e->stats.calls_redirected++;
  return f;
}
