/* A call's record: when it came, was answered and ended, and what became of
 * it. Kept by the way, in the session; nothing is on the wire. What the
 * caller's Reason header (RFC 3326) says stays in its message until somebody
 * asks. */
#include "ua/ua.h"

const char *ss_outcome_name(ss_outcome outcome) {
  static const char *const name[] = {
#define X(id, text) text,
      SS_OUTCOME_MAP(X)
#undef X
  };
  return name[outcome];
}

void ss_record_start(ss_session *s) {
  s->record.started = ss_loop_now(s->endpoint->loop);
  s->record.at = time(NULL);
}

void ss_record_final(ss_session *s, unsigned code) {
  if (s->record.code)
    return;
  s->record.code = code;
  s->record.answered = ss_loop_now(s->endpoint->loop);
}

/* Ended by us, before it was connected. */
static ss_outcome own_outcome(const ss_session *s, unsigned code) {
  if (s->silent) /* `received` was never called, yet nobody cancelled */
    return SS_OUTCOME_UNHANDLED;
  if (s->claim == SS_CLAIM_ACCEPTED)
    return SS_OUTCOME_FAILED;
  return code / 100 == 3 ? SS_OUTCOME_REDIRECTED : SS_OUTCOME_REJECTED;
}

static ss_outcome outcome(const ss_session *s, const ss_change *last) {
  if (last->previous == SS_STATE_CONNECTED || s->phase == SS_PHASE_SETTLING)
    return SS_OUTCOME_CONNECTED;
  switch (last->reason) {
  case SS_CAUSE_CANCELED:
  case SS_CAUSE_TERMINATED_REMOTELY:
    return SS_OUTCOME_CANCELLED;
  case SS_CAUSE_TIMEOUT:
    return SS_OUTCOME_TIMEOUT;
  case SS_CAUSE_UNREACHABLE:
    return SS_OUTCOME_UNREACHABLE;
  case SS_CAUSE_TERMINATED_LOCALLY:
    return own_outcome(s, last->code);
  default:
    return SS_OUTCOME_FAILED;
  }
}

void ss_record_end(ss_session *s, const ss_change *last) {
  ss_record *r = &s->record;
  r->ended = ss_loop_now(s->endpoint->loop);
  r->outcome = outcome(s, last);
  r->reason = last->reason;
  if (last->message && ss_message_field(last->message, SS_FIELD_REASON))
    r->message = ss_message_ref(last->message);
}

const ss_record *ss_session_record(const ss_session *s) {
  return s->state == SS_STATE_DISCONNECTED ? &s->record : NULL;
}
