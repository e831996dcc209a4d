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

static bool is_encoded(ss_message *m) {
  ss_elements e = ss_message_elements(m, SS_FIELD_CONTENT_ENCODING);
  ss_str coding;
  while (ss_elements_next(&e, &coding))
    if (!ss_str_ieq(coding, SS_STR("identity")))
      return true;
  return false;
}

/* RFC 3261 8.2.3, 21.4.13 */
static bool body_understood(ss_endpoint *e, ss_server *server, ss_message *m) {
  if (!m->body.n)
    return true;
  bool encoded = is_encoded(m);
  if (!encoded && ss_body_understood(m, ss_str_z(e->accept)))
    return true;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  ss_buf_lit(&b, "Accept: ");
  ss_buf_str(&b, ss_str_z(e->accept));
  ss_buf_lit(&b, "\r\n");
  if (encoded)
    ss_buf_lit(&b, "Accept-Encoding: identity\r\n");
  e->stats.refused_media_type++;
  ss_requests_reply(e, server, 415, ss_buf_view(&b));
  return false;
}

void ss_invite_received(ss_endpoint *e, ss_server *server, ss_message *m) {
  const ss_name_addr *from;
  if (!has_target(m) || ss_message_from(m, &from)) {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
    return;
  }
  if (!body_understood(e, server, m))
    return;
  if (e->live >= e->limits.sessions) {
    e->stats.refused_overload++;
    ss_requests_reply(e, server, 503, SS_STR("Retry-After: 10\r\n"));
    return;
  }
  if (ss_session_new(e, server, m, from->tag))
    return;
  e->stats.out_of_memory++;
  ss_requests_reply(e, server, 503, SS_STR("Retry-After: 10\r\n"));
}
