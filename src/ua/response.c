/* What a session answers with: to its INVITE, and to what comes in the dialog.
 * Contact, Allow, Supported and what keeps the session alive are the stack's,
 * the rest is the script's. */
#include "ua/ua.h"

#include "sip/body.h"

ss_str ss_content_type(const ss_content *c) {
  if (c->content_type.n || !c->body.n)
    return c->content_type;
  return SS_STR("application/sdp");
}

ss_str ss_content_description(const ss_content *c) {
  return ss_body_part(ss_content_type(c), c->body, SS_STR("application/sdp"));
}

/* Allow and Supported are ours, unless the script gives its own. */
bool ss_content_lists(const ss_content *c) {
  return c->fields && (ss_fields_has(c->fields, SS_FIELD_ALLOW) ||
                       ss_fields_has(c->fields, SS_FIELD_SUPPORTED));
}

/* What a response says that makes or renews a dialog (RFC 3261 12.1.1): its
 * Contact in `text`. */
static int target_of(ss_session *s, ss_buf *text, ss_reply *reply) {
  ss_identity_contact(s->endpoint, &s->path, text);
  reply->contact = ss_buf_view(text);
  return text->full ? SS_EFULL : 0;
}

static ss_reply reply_of(ss_session *s, unsigned code,
                         const ss_content *content) {
  return (ss_reply){.code = code,
                    .reason = content->reason,
                    .to_tag = {s->dialog.local_tag, SS_TAG_LEN},
                    .server = ss_str_z(s->endpoint->name),
                    .fields = content->fields,
                    .content_type = ss_content_type(content),
                    .body = content->body};
}

/* Allow and Supported go into a 2xx. m: what is answered, by which a session
 * may be refreshed. */
static int own_lines(ss_session *s, const ss_message *m,
                     const ss_content *content, ss_str own, ss_buf *lines,
                     ss_reply *reply) {
  bool success = reply->code / 100 == 2;
  if (success && !ss_content_lists(content))
    ss_buf_str(lines, ss_str_z(s->endpoint->options));
  if (success)
    ss_refresh_answer(s, m, lines);
  if (lines->n) {
    ss_buf_str(lines, own);
    own = ss_buf_view(lines);
  }
  reply->own = own;
  return lines->full ? SS_EFULL : 0;
}

int ss_session_reply(ss_session *s, unsigned code, ss_str contact, ss_str own,
                     const ss_content *content) {
  if (!s->server)
    return SS_ECLOSED;
  char text[512], more[1024];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_buf lines = SS_BUF_ON(more, sizeof more);
  ss_reply reply = reply_of(s, code, content);
  bool dialog = code > 100 && code < 300;
  reply.contact = contact;
  reply.record_route = dialog;
  int rc = !contact.n && dialog ? target_of(s, &b, &reply) : 0;
  if (!rc)
    rc = own_lines(s, s->request, content, own, &lines, &reply);
  if (!rc)
    rc = ss_server_reply(s->server, &reply);
  if (!rc && code >= 200)
    ss_record_final(s, code);
  if (!rc && code / 100 == 2)
    ss_refresh_answered(s);
  return rc;
}

int ss_session_respond(ss_session *s, ss_server *server, unsigned code,
                       ss_str own, const ss_content *content) {
  char text[512], more[1024];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_buf lines = SS_BUF_ON(more, sizeof more);
  ss_reply reply = reply_of(s, code, content);
  ss_message *m = ss_server_request(server);
  bool renews = m && (m->method == SS_INVITE || m->method == SS_UPDATE);
  int rc = renews && code < 300 ? target_of(s, &b, &reply) : 0;
  if (!rc && renews)
    rc = own_lines(s, m, content, own, &lines, &reply);
  else
    reply.own = own;
  if (!rc)
    rc = ss_server_reply(server, &reply);
  if (!rc && renews && code / 100 == 2)
    ss_refresh_answered(s);
  return rc;
}
