/* What comes in, in the order of RFC 3261 8.2: whose it is (auth.c), its
 * dialog if it names one (12.2.2), method, Request-URI, Require, merged
 * requests; then by method. */
#include "ua/ua.h"

#include "sip/body.h"

static void answer(ss_endpoint *e, ss_server *server, unsigned code, ss_str own,
                   int (*send)(ss_server *server, ss_reply *reply)) {
  char tag[SS_TAG_LEN];
  ss_message *m = ss_server_request(server);
  ss_reply reply = {.code = code, .server = ss_str_z(e->name), .own = own};
  if (m && !ss_message_has_to_tag(m)) {
    ss_tag(tag);
    reply.to_tag = (ss_str){tag, sizeof tag};
  }
  if (send(server, &reply))
    ss_server_drop(server); /* no memory: the peer asks again */
}

void ss_requests_reply(ss_endpoint *e, ss_server *server, unsigned code,
                       ss_str own) {
  answer(e, server, code, own, ss_server_reply);
}

void ss_requests_refuse(ss_endpoint *e, ss_server *server, unsigned code,
                        ss_str own) {
  answer(e, server, code, own, ss_server_refuse);
}

#define ALLOW_LINE "Allow: " SS_ALLOW "\r\n"

static bool known(const ss_endpoint *e, ss_method method, ss_session *s) {
  switch (method) {
  case SS_INVITE:
  case SS_BYE:
  case SS_CANCEL:
  case SS_OPTIONS:
    return true;
  case SS_PRACK: /* also those of calls from before it was turned off */
    return s && (e->reliable != SS_RELIABILITY_OFF || s->reliable);
  case SS_UPDATE:
  case SS_INFO:
  case SS_MESSAGE:
  case SS_REFER:
  case SS_NOTIFY:
  case SS_SUBSCRIBE:
    return s != NULL;
  default:
    return false;
  }
}

/* RFC 3261 8.2.1: 405 for a method that is known, 501 for one that isn't. */
static bool method_allowed(ss_endpoint *e, ss_server *server, ss_message *m,
                           ss_session *s) {
  if (known(e, m->method, s))
    return true;
  e->stats.refused_method++;
  ss_requests_reply(e, server, m->method == SS_METHOD_UNKNOWN ? 501 : 405,
                    s ? ss_str_z(e->allow) : SS_STR(ALLOW_LINE));
  return false;
}

/* RFC 3261 8.2.2.1; tel: by RFC 3966. */
static bool scheme_supported(ss_endpoint *e, ss_server *server, ss_message *m) {
  const ss_uri *uri;
  int rc = ss_message_request_uri(m, &uri);
  if (!rc && (uri->sip || ss_str_eq(uri->scheme, SS_STR("tel"))))
    return true;
  if (!rc || rc == SS_EUNSUPPORTED) {
    e->stats.refused_scheme++;
    ss_requests_reply(e, server, 416, SS_STR_NONE);
  } else {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
  }
  return false;
}

/* RFC 3261 8.2.2.3: the answer lists those that we don't know. Never for
 * CANCEL. */
static bool extensions_known(ss_endpoint *e, ss_server *server, ss_message *m) {
  ss_elements tags = ss_message_elements(m, SS_FIELD_REQUIRE);
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  ss_str tag;
  while (ss_elements_next(&tags, &tag)) {
    if (ss_identity_supports(e, tag))
      continue;
    if (b.n)
      ss_buf_lit(&b, ", ");
    else
      ss_buf_lit(&b, "Unsupported: ");
    ss_buf_str(&b, tag);
  }
  if (!b.n)
    return true;
  ss_buf_lit(&b, "\r\n");
  e->stats.refused_extension++;
  ss_requests_reply(e, server, 420, ss_buf_view(&b));
  return false;
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
bool ss_requests_body(ss_endpoint *e, ss_server *server, ss_message *m) {
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

ss_str ss_retry_after_line(char text[SS_RETRY_AFTER], uint64_t seconds) {
  ss_buf b = SS_BUF_ON(text, SS_RETRY_AFTER);
  ss_buf_lit(&b, "Retry-After: ");
  ss_buf_u64(&b, seconds);
  ss_buf_lit(&b, "\r\n");
  return ss_buf_view(&b);
}

void ss_requests_later(ss_endpoint *e, ss_server *server) {
  char text[SS_RETRY_AFTER];
  ss_requests_reply(e, server, 500,
                    ss_retry_after_line(text, ss_random_below(11)));
}

/* RFC 3261 14.2: a re-INVITE before the first INVITE is done with is told to
 * wait. */
static void reinvite(ss_endpoint *e, ss_session *s, ss_server *server,
                     ss_message *m) {
  switch (s->phase) {
  case SS_PHASE_RINGING:
  case SS_PHASE_NEGOTIATING:
    ss_requests_later(e, server);
    break;
  case SS_PHASE_ANSWERED:
  case SS_PHASE_SETTLING:
    ss_requests_reply(e, server, 491, SS_STR_NONE);
    break;
  case SS_PHASE_ESTABLISHED:
    ss_modify_received(s, server, m);
    break;
  case SS_PHASE_ENDING: /* refused before */
  case SS_PHASE_OVER:
    break;
  }
}

/* RFC 3261 12.2.2: whatever the method, an INVITE too. */
static void no_dialog(ss_endpoint *e, ss_server *server) {
  e->stats.refused_no_dialog++;
  ss_requests_reply(e, server, 481, SS_STR_NONE);
}

static void in_dialog(ss_endpoint *e, ss_session *s, ss_server *server,
                      ss_message *m) {
  /* RFC 3261 26.2.1: a call is its caller's, whoever else has a password */
  if (!ss_str_eq(m->user, s->request->user)) {
    e->stats.refused_credentials++;
    ss_requests_reply(e, server, 403, SS_STR_NONE);
    return;
  }
  if (!ss_dialog_in_order(&s->dialog, m)) {
    ss_requests_reply(e, server, 500, SS_STR_NONE);
    return;
  }
  if (m->method == SS_BYE && s->phase != SS_PHASE_OVER) {
    ss_end_bye_received(s, server, m);
    return;
  }
  if (m->method == SS_NOTIFY) { /* RFC 5057 4: after the call, too */
    ss_subscription_notified(s, server, m);
    return;
  }
  if (s->state == SS_STATE_DISCONNECTED) { /* RFC 5407 3.2.2: it crossed our
                                              BYE, or the BYE is due */
    no_dialog(e, server);
    return;
  }
  switch (m->method) {
  case SS_INVITE:
    reinvite(e, s, server, m);
    break;
  case SS_UPDATE:
    ss_modify_received(s, server, m);
    break;
  case SS_PRACK:
    ss_reliable_prack(s, server, m);
    break;
  case SS_INFO:
  case SS_MESSAGE:
    ss_inbound_received(s, server, m);
    break;
  case SS_REFER:
    ss_refer_received(s, server, m);
    break;
  case SS_SUBSCRIBE:
    ss_subscription_refused(e, server);
    break;
  default: /* OPTIONS */
    ss_requests_reply(e, server, 200, ss_str_z(e->capabilities));
    break;
  }
}

static void out_of_dialog(ss_endpoint *e, ss_server *server, ss_message *m) {
  if (ss_server_merged(server)) {
    e->stats.refused_merged++;
    ss_requests_reply(e, server, 482, SS_STR_NONE);
    return;
  }
  if (m->method == SS_BYE) {
    no_dialog(e, server);
    return;
  }
  if (e->closing) {
    ss_requests_reply(e, server, 503, SS_RETRY_LATER);
    return;
  }
  if (m->method == SS_INVITE)
    ss_invite_received(e, server, m);
  else /* RFC 3261 11.2 */
    ss_requests_reply(e, server, 200, ss_str_z(e->capabilities));
}

void ss_requests_admitted(ss_endpoint *e, ss_server *server, ss_message *m) {
  bool tagged = ss_message_has_to_tag(m);
  ss_session *s = tagged ? ss_dialog_find(e, m) : NULL;
  if (m->method == SS_CANCEL)
    ss_cancel_received(e, server, m);
  else if (tagged && !s && m->method != SS_METHOD_UNKNOWN)
    no_dialog(e, server);
  else if (!method_allowed(e, server, m, s) ||
           !scheme_supported(e, server, m) || !extensions_known(e, server, m))
    return;
  else if (s)
    in_dialog(e, s, server, m);
  else
    out_of_dialog(e, server, m);
}

/* RFC 3261 8.2: "starting with authentication". */
static void on_request(void *arg, ss_server *server, ss_message *m) {
  ss_endpoint *e = arg;
  if (ss_auth_wanted(e, m))
    ss_auth_received(e, server, m);
  else
    ss_requests_admitted(e, server, m);
}

/* RFC 3261 13.3.1.4: matched by dialog and CSeq; its branch is its own. */
static void on_ack(void *arg, ss_message *ack) {
  ss_endpoint *e = arg;
  ss_session *s = ss_dialog_find(e, ack);
  if (!s || ack->cseq != s->dialog.invite_cseq)
    e->stats.stray_acks++;
  else if (s->phase == SS_PHASE_ANSWERED)
    ss_answer_ack(s, ack);
  else
    ss_modify_ack(s, ack);
}

/* limits.invites_per_source: one answer a second at most. */
static ss_entry by_rate(ss_endpoint *e, const ss_path *path) {
  ss_verdict v = ss_rate_take(e->rate, &path->peer, ss_loop_now(e->loop));
  if (v == SS_RATE_WITHIN)
    return SS_LET_IN;
  e->stats.refused_rate++;
  return v == SS_RATE_OVER_TELL ? SS_TELL : SS_IGNORE;
}

/* Of calls that begin: what belongs to one that there is may come. Nothing is
 * kept of those that may not. */
static ss_entry on_admit(void *arg, const ss_path *path, ss_message *m) {
  ss_endpoint *e = arg;
  if (m->method != SS_INVITE ||
      (ss_message_has_to_tag(m) && ss_dialog_find(e, m)))
    return SS_LET_IN;
  ss_entry entry = e->rate ? by_rate(e, path) : SS_LET_IN;
  if (entry != SS_LET_IN || !ss_overload_refuses(e))
    return entry;
  e->stats.refused_overload++;
  return SS_TURN_AWAY;
}

const ss_layer_user ss_requests_user = {on_admit, on_request, on_ack};
