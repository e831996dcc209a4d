/* Ending: by us (RFC 3261 15, UCMA's Terminate) and by the caller's BYE
 * (15.1.2). One function decides by the phase what goes on the wire. */
#include "ua/ua.h"

#include "base/alloc.h"
#include <limits.h>

/* Eleven times the 200 and six times the BYE is what one INVITE with a forged
 * source can have us send. */
#define SILENT_REPEATS 5

static void on_bye_done(void *arg, int rc, ss_message *response) {
  ss_session *s = arg;
  (void)rc; /* RFC 3261 15.1.1: whatever came back, or nothing: it is over */
  (void)response;
  s->bye = NULL;
  ss_session_over(s);
}

static void send_bye(ss_session *s, unsigned repeats) {
  s->phase = SS_PHASE_ENDING;
  ss_loop_timer_stop(s->endpoint->loop, &s->expiry);
  ss_content content = {.fields = &s->fields};
  ss_sending r = {.method = SS_BYE, .content = &content};
  int rc = ss_send_request(s, &r, on_bye_done, s, &s->bye);
  ss_fields_free(&s->fields);
  if (rc) {
    s->endpoint->stats.send_errors++;
    ss_session_over(s);
    return;
  }
  ss_client_limit(s->bye, repeats);
}

void ss_end_send_bye(ss_session *s) {
  send_bye(s, UINT_MAX);
}

void ss_end_unacknowledged(ss_session *s) {
  send_bye(s, SILENT_REPEATS);
}

void ss_end_because(ss_session *s, ss_cause cause) {
  if (s->phase != SS_PHASE_SETTLING && s->phase != SS_PHASE_ESTABLISHED)
    return;
  ss_session_decide(
      s, (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_TERMINATED, 0}, NULL);
  ss_session_move(s, SS_STATE_DISCONNECTED, cause, 0, NULL);
  ss_end_send_bye(s);
}

void ss_end_unanswered(ss_session *s, int rc, unsigned code) {
  if (code == 481)
    ss_end_because(s, SS_CAUSE_SESSION_DOES_NOT_EXIST);
  else if (code == 408 || rc == -ETIMEDOUT)
    ss_end_because(s, SS_CAUSE_TIMEOUT);
}

static void keep_fields(ss_session *s, const ss_fields *fields) {
  ss_fields_free(&s->fields);
  /* without memory the BYE goes without them: better than no BYE */
  if (fields)
    ss_fields_copy(&s->fields, fields);
}

/* Before a final response: terminate_code. */
static void decline(ss_session *s, const ss_fields *fields,
                    ss_failure_reason why) {
  ss_endpoint *e = s->endpoint;
  if (s->claim == SS_CLAIM_OPEN)
    s->claim = SS_CLAIM_DECLINED;
  e->stats.calls_rejected++;
  ss_session_decide(s, (ss_failure){SS_KIND_OPERATION_FAILURE, why, 0}, NULL);
  ss_content content = {.fields = fields};
  ss_reject_with(s, e->terminate_code, &content, SS_CAUSE_TERMINATED_LOCALLY,
                 NULL);
}

void ss_end_by_us(ss_session *s, const ss_fields *fields,
                  ss_failure_reason why) {
  s->endpoint_closed |= why == SS_WHY_ENDPOINT_CLOSED;
  switch (s->phase) {
  case SS_PHASE_RINGING:
  case SS_PHASE_NEGOTIATING:
    decline(s, fields, why);
    break;
  case SS_PHASE_ANSWERED: /* RFC 3261 15: no BYE before the ACK or 64*T1 */
    if (s->bye_due)
      break;
    s->bye_due = true;
    keep_fields(s, fields);
    ss_session_decide(s, (ss_failure){SS_KIND_OPERATION_FAILURE, why, 0}, NULL);
    ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_TERMINATED_LOCALLY, 0,
                    NULL);
    break;
  case SS_PHASE_SETTLING:
  case SS_PHASE_ESTABLISHED:
    keep_fields(s, fields);
    ss_session_decide(s, (ss_failure){SS_KIND_OPERATION_FAILURE, why, 0}, NULL);
    ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_TERMINATED_LOCALLY, 0,
                    NULL);
    ss_end_send_bye(s);
    break;
  case SS_PHASE_ENDING:
  case SS_PHASE_OVER:
    break;
  }
}

void ss_session_terminate(ss_session *s, const ss_fields *fields) {
  if (s->endpoint)
    ss_end_by_us(s, fields, SS_WHY_TERMINATED);
}

/* why: the outcome of an accept that somebody still waits for. */
static void hung_up(ss_session *s, ss_failure_reason why, ss_message *bye) {
  ss_session_decide(s, ss_failed(SS_KIND_OPERATION_FAILURE, why, 0), NULL);
  ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_TERMINATED_REMOTELY, 0,
                  bye);
  ss_session_over(s);
}

/* RFC 3261 15.1.2: 200, and a pending INVITE is answered 487. */
void ss_end_bye_received(ss_session *s, ss_server *server, ss_message *bye) {
  ss_requests_reply(s->endpoint, server, 200, SS_STR_NONE);
  switch (s->phase) {
  case SS_PHASE_RINGING:
  case SS_PHASE_NEGOTIATING:
    ss_cancel_by_caller(s, SS_CAUSE_TERMINATED_REMOTELY, bye);
    break;
  case SS_PHASE_ANSWERED: /* RFC 5407 3.1.6: its ACK was lost, or is late */
    hung_up(s, SS_WHY_TERMINATED_AFTER_200, bye);
    break;
  case SS_PHASE_SETTLING:
  case SS_PHASE_ESTABLISHED: /* no accept waits any more */
    hung_up(s, SS_WHY_UNSETTLED, bye);
    break;
  case SS_PHASE_ENDING: /* RFC 5407 3.2.1: crossed ours, whose answer may yet
                           come; the client transaction sees to that */
  case SS_PHASE_OVER:
    break;
  }
}
