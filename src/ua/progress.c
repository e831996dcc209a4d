/* Ringing: provisional responses, and the last one again each minute, since
 * proxies give up on a silent INVITE after three (RFC 3261 13.3.1.1). Those
 * that want a PRACK are in reliable.c. */
#include "ua/ua.h"

#define MINUTE 60000

int ss_progress_send(ss_session *s, unsigned code, ss_str own,
                     const ss_content *content) {
  ss_loop *loop = s->endpoint->loop;
  int rc = ss_session_reply(s, code, SS_STR_NONE, own, content);
  if (rc)
    return rc;
  if (s->state == SS_STATE_DISCONNECTED) /* it couldn't be delivered */
    return SS_ECLOSED;
  ss_loop_timer(loop, &s->repeat, MINUTE);
  return 0;
}

int ss_progress_plain(ss_session *s, unsigned code, const ss_content *content) {
  ss_packet *early;
  int rc = ss_offer_early(s, content, &early);
  if (!rc)
    rc = ss_progress_send(s, code, SS_STR_NONE, content);
  if (rc)
    ss_packet_unref(early);
  else if (early)
    s->media.early = early;
  return rc;
}

static bool refused(const ss_session *s) {
  return s->claim != SS_CLAIM_OPEN || !s->endpoint || s->endpoint->closing;
}

ss_failure ss_session_progress(ss_session *s, unsigned code,
                               const ss_content *content) {
  if (refused(s))
    return ss_session_refusal(s);
  if (s->reliable_always || s->reliable)
    return ss_reliable_progress(s, code, s->reliable_always, content, NULL);
  int rc = ss_progress_plain(s, code, content);
  return rc ? ss_send_failure(rc) : SS_SUCCESS;
}

ss_failure ss_session_progress_reliably(ss_session *s, unsigned code,
                                        const ss_content *content, bool must,
                                        ss_operation **out) {
  if (refused(s))
    return ss_session_refusal(s);
  if (s->reliable_peer)
    return ss_reliable_progress(s, code, true, content, out);
  if (must)
    return (ss_failure){SS_KIND_INVALID_OPERATION, SS_WHY_NOT_SUPPORTED, 0};
  return ss_session_progress(s, code, content);
}

void ss_progress_repeat(ss_session *s) {
  ss_loop_timer_at(s->endpoint->loop, &s->repeat, s->repeat.due + MINUTE);
  if (!ss_reliable_again(s) && s->server)
    ss_server_repeat(s->server);
}
