/* Ringing: provisional responses, and the last one again each minute, since
 * proxies give up on a silent INVITE after three (RFC 3261 13.3.1.1). */
#include "ua/ua.h"

#define MINUTE 60000

ss_failure ss_session_progress(ss_session *s, unsigned code,
                               const ss_content *content) {
  if (s->claim != SS_CLAIM_OPEN || !s->endpoint || s->endpoint->closing)
    return ss_session_refusal(s);
  ss_loop *loop = s->endpoint->loop;
  int rc = ss_session_reply(s, code, SS_STR_NONE, SS_STR_NONE, content);
  if (rc)
    return (ss_failure){SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, rc};
  if (s->state == SS_STATE_DISCONNECTED) /* it couldn't be delivered */
    return (ss_failure){SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, SS_ECLOSED};
  ss_loop_timer(loop, &s->repeat, MINUTE);
  return SS_SUCCESS;
}

void ss_progress_repeat(ss_session *s) {
  ss_loop_timer_at(s->endpoint->loop, &s->repeat, s->repeat.due + MINUTE);
  if (s->server)
    ss_server_repeat(s->server);
}
