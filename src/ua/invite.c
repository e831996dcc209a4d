/* A new INVITE: what must be right about it before a script sees it (RFC 3261
 * 8.2.3, 12.1.1, 13.3.1), and the session that is made of it. */
#include "ua/ua.h"

#include "sip/body.h"

/* RFC 3261 8.1.1.8: exactly where to send our requests; without it there
 * can't be a dialog. */
static bool has_target(ss_message *m) {
  const ss_name_addr *target;
  return !ss_dialog_target(m, &target) && target->uri.sip;
}

void ss_invite_received(ss_endpoint *e, ss_server *server, ss_message *m) {
  const ss_name_addr *from;
  if (!has_target(m) || ss_message_from(m, &from)) {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
    return;
  }
  if (!ss_requests_body(e, server, m) ||
      !ss_timing_acceptable(e, &e->timing, server, m))
    return;
  if (e->reliable == SS_RELIABILITY_REQUIRED && !ss_reliable_offered(m)) {
    e->stats.refused_extension++; /* RFC 3262 3, RFC 3261 21.4.16 */
    ss_requests_reply(e, server, 421, SS_STR("Require: 100rel\r\n"));
    return;
  }
  if (!ss_body_taken(m, ss_str_z(e->accept))) {
    /* RFC 3261 21.4.7, RFC 4475 3.3.15: no description could be sent back */
    e->stats.refused_media_type++;
    ss_requests_reply(e, server, 406, SS_STR_NONE);
    return;
  }
  if (e->live >= e->limits.sessions) {
    e->stats.refused_overload++;
    ss_requests_reply(e, server, 503, SS_RETRY_LATER);
    return;
  }
  if (ss_session_new(e, server, m, from->tag))
    return;
  e->stats.out_of_memory++;
  ss_requests_reply(e, server, 503, SS_RETRY_LATER);
}
