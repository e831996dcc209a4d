/* Their re-INVITE and UPDATE (RFC 3261 14.2, RFC 3311 5.2), and an offer in a
 * PRACK (RFC 3262 5): a new offer is answered by way of the negotiator, a
 * request for one gets ours, and whatever is refused leaves the call as it was
 * (RFC 6141 3.4). The 2xx of a re-INVITE is repeated until its ACK as that of
 * an INVITE is (answer.c). */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/body.h"

/* RFC 3311 5.2: an UPDATE is answered promptly or not at all; its sender gives
 * up after 64*T1, and must hear of it before. */
#define PROMPTLY 32 /* times T1 */

struct ss_modify {
  ss_session *session;
  ss_timer timer;    /* of an UPDATE */
  ss_server *server; /* NULL: answered, or gone */
  ss_message *request;
  ss_path path;
  ss_addr source;
  bool invite;
  bool answered; /* a re-INVITE, whose ACK is awaited */
};

static ss_str offer_in(const ss_message *m) {
  return ss_body_find(m, SS_STR("application/sdp"));
}

static void forget(ss_session *s) {
  ss_modify *m = s->modify;
  s->modify = NULL;
  ss_loop_timer_stop(s->endpoint->loop, &m->timer);
  ss_message_unref(m->request);
  ss_path_release(&m->path);
  ss_free(m);
}

/* --- the transaction ------------------------------------------------------ */

static void release_server(ss_session *s) {
  ss_modify *m = s->modify;
  ss_server_detach(m->server);
  if (m->invite)
    s->server = NULL;
  m->server = NULL;
}

static void on_failed(void *arg, int rc) {
  (void)rc;
  ss_modify_failed(arg);
}

static void on_ended(void *arg, bool unacknowledged) {
  ss_session *s = arg;
  (void)unacknowledged; /* a 2xx's ACK is the session's own business */
  s->modify->server = NULL;
  if (s->modify->invite)
    s->server = NULL;
}

static const ss_server_watch watch = {on_failed, on_ended};

/* It can't be answered, and there is no other way: the offer never was. */
void ss_modify_failed(ss_session *s) {
  ss_modify *m = s->modify;
  m->server = NULL;
  if (m->invite)
    s->server = NULL;
  if (m->answered) /* its ACK may still come, or 64*T1 pass */
    return;
  ss_offer_abandon(s);
  ss_offer_failed(s);
  forget(s);
}

/* Final, not 2xx: the transaction repeats it by itself. */
static void refuse(ss_session *s, unsigned code) {
  ss_server *server = s->modify->server;
  if (!server)
    return;
  release_server(s);
  ss_content none = {0};
  if (ss_session_respond(s, server, code, SS_STR_NONE, &none))
    ss_server_drop(server); /* no memory: the peer asks again */
}

static void decline(ss_session *s, unsigned code) {
  ss_offer_failed(s);
  refuse(s, code);
  forget(s);
}

/* --- the answer ----------------------------------------------------------- */

static void succeed(ss_session *s, ss_packet *description) {
  ss_modify *m = s->modify;
  bool offered = m->invite && !offer_in(m->request).n;
  if (description)
    ss_offer_sent(s, description, offered ? NULL : m->request);
  if (m->request->method != SS_PRACK)
    ss_dialog_refresh(s, m->request, &m->path, &m->source);
  if (!m->invite) {
    release_server(s);
    forget(s);
    return;
  }
  m->answered = true;
  s->dialog.invite_cseq = m->request->cseq;
  ss_answer_start(s);
}

static void on_described(ss_session *s, ss_packet *description, unsigned code) {
  ss_modify *m = s->modify;
  if (!m || m->answered)
    return;
  if (code || !description) {
    decline(s, code ? code : 488);
    return;
  }
  ss_content content = {.body = {description->p, description->n}};
  int rc = ss_session_respond(s, m->server, 200, SS_STR_NONE, &content);
  if (s->modify != m)
    return; /* it couldn't be delivered, and that was seen to */
  if (rc)
    decline(s, 500);
  else
    succeed(s, description);
}

/* RFC 3311 5.2: whoever has to be asked takes too long. */
static void on_timer(ss_timer *timer) {
  ss_session *s = SS_CONTAINER(timer, ss_modify, timer)->session;
  ss_offer_abandon(s);
  decline(s, 504);
}

static ss_modify *begin(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  ss_modify *n = ss_alloc(sizeof *n);
  if (!n)
    return NULL;
  n->session = s;
  n->timer.fn = on_timer;
  n->server = server;
  n->request = ss_message_ref(m);
  n->invite = m->method == SS_INVITE;
  n->path = *ss_server_path(server);
  ss_path_hold(&n->path);
  n->source = *ss_server_source(server);
  s->modify = n;
  if (n->invite)
    s->server = server;
  else
    ss_loop_timer(e->loop, &n->timer, (uint64_t)PROMPTLY * e->t1);
  ss_server_attach(server, &watch, s);
  return n;
}

/* RFC 3311 5.1: without an offer it only refreshes. */
static void refresh_only(ss_session *s, ss_server *server, ss_message *m) {
  ss_path path = *ss_server_path(server);
  ss_addr source = *ss_server_source(server);
  ss_content none = {0};
  ss_path_hold(&path);
  if (ss_session_respond(s, server, 200, SS_STR_NONE, &none))
    ss_server_drop(server);
  else
    ss_dialog_refresh(s, m, &path, &source);
  ss_path_release(&path);
}

/* RFC 3261 14.2: not while another one of theirs is at work. */
static bool invite_allowed(ss_session *s, ss_server *server) {
  ss_endpoint *e = s->endpoint;
  if (s->modify && !s->modify->answered) {
    ss_requests_later(e, server);
    return false;
  }
  if (s->modify) {
    ss_requests_reply(e, server, 491, SS_STR_NONE);
    return false;
  }
  return true;
}

/* RFC 3311 5.2: an INVITE that asked us for an offer, and has none yet, is as
 * good as an offer of ours. */
static bool first_is_due(const ss_session *s) {
  return s->phase <= SS_PHASE_NEGOTIATING &&
         s->media.offering == SS_OFFER_NONE && !ss_reliable_described(s);
}

/* False: it was refused. */
static bool take_up(ss_session *s, ss_server *server, ss_message *m,
                    bool offer) {
  ss_endpoint *e = s->endpoint;
  /* ours may yet bring an offer of either side */
  if (first_is_due(s) || ss_renew_invites(s)) {
    ss_requests_reply(e, server, 491, SS_STR_NONE);
    return false;
  }
  if (!ss_offer_allowed(s, server))
    return false;
  if (s->modify || !begin(s, server, m)) {
    ss_requests_later(e, server);
    return false;
  }
  if (offer)
    s->media.offering = SS_OFFER_THEIRS;
  return true;
}

void ss_modify_received(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  bool invite = m->method == SS_INVITE;
  bool offer = offer_in(m).n != 0;
  if (!ss_requests_body(e, server, m) ||
      !ss_timing_acceptable(e, &s->timing, server, m))
    return;
  if (invite && !invite_allowed(s, server))
    return;
  if (!invite && !offer) {
    refresh_only(s, server, m);
    return;
  }
  if (take_up(s, server, m, offer)) {
    ss_inbound_notice(s, m);
    ss_offer_describe(s, offer ? m : NULL, on_described);
  }
}

void ss_modify_offered(ss_session *s, ss_server *server, ss_message *m) {
  if (take_up(s, server, m, true))
    ss_offer_describe(s, m, on_described);
}

/* --- the rest of a re-INVITE ---------------------------------------------- */

void ss_modify_ack(ss_session *s, ss_message *ack) {
  if (!s->modify || !s->modify->answered)
    return;
  ss_answer_stop(s);
  forget(s);
  if (s->media.offering != SS_OFFER_OURS)
    return;
  bool answer = ss_offer_is_answered(s, ack);
  if (answer)
    ss_offer_answered(s, ack);
  else
    ss_offer_failed(s);
  /* RFC 6141: whatever comes of it, the call goes on */
  ss_offer_settle(s, answer ? ack : NULL, ss_offer_told);
}

/* RFC 3261 9.2 */
void ss_modify_cancelled(ss_session *s) {
  if (!s->modify || !s->modify->invite || s->modify->answered)
    return;
  ss_offer_abandon(s);
  decline(s, 487);
}

/* RFC 3261 14.2: a 2xx without ACK ends the call. */
void ss_modify_expired(ss_session *s) {
  ss_end_because(s, SS_CAUSE_TIMEOUT);
}

void ss_modify_abort(ss_session *s) {
  if (!s->modify)
    return;
  if (s->modify->answered)
    ss_answer_stop(s);
  else
    refuse(s, 487);
  forget(s);
}
