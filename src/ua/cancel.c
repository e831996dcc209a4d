/* CANCEL (RFC 3261 9.2): 200 to it whenever it has found its INVITE, 487 to
 * the INVITE if no final response was given, 481 if there is no such INVITE.
 * Both answers carry the same To tag. */
#include "ua/ua.h"

void ss_cancel_by_caller(ss_session *s, ss_cause cause, ss_message *m) {
  s->claim = SS_CLAIM_CANCELLED;
  s->endpoint->stats.calls_cancelled++;
  ss_session_decide(
      s, (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_CANCELLED, 0}, NULL);
  ss_content none = {0};
  ss_reject_with(s, 487, &none, cause, m);
}

void ss_cancel_received(ss_endpoint *e, ss_server *server, ss_message *m) {
  ss_server *invite = ss_layer_cancelled(e->layer, m);
  if (!invite) {
    e->stats.refused_no_transaction++;
    ss_requests_reply(e, server, 481, SS_STR_NONE);
    return;
  }
  if (ss_auth_cancelled(e, invite, server))
    return;
  ss_session *s = ss_server_arg(invite) != e ? ss_server_arg(invite) : NULL;
  ss_reply reply = {.code = 200, .server = ss_str_z(e->name)};
  char tag[SS_TAG_LEN];
  if (s)
    reply.to_tag = (ss_str){s->dialog.local_tag, SS_TAG_LEN};
  else
    reply.to_tag = ss_server_tag(invite);
  if (!reply.to_tag.n) {
    ss_tag(tag);
    reply.to_tag = (ss_str){tag, sizeof tag};
  }
  if (ss_server_reply(server, &reply))
    ss_server_drop(server); /* no memory: the peer asks again */
  /* answered before: no effect, the call stands */
  if (s && (s->phase == SS_PHASE_RINGING || s->phase == SS_PHASE_NEGOTIATING))
    ss_cancel_by_caller(s, SS_CAUSE_CANCELED, m);
  else if (s)
    ss_modify_cancelled(s);
}
