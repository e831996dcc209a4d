/* Offer and answer (RFC 3264, RFC 6337): who has offered what in this session,
 * the negotiator that is asked, and the descriptions that are made where there
 * is none. Every message that may carry a description uses this; when it is
 * sent is theirs to say. Only one offer is open at a time. */
#include "ua/ua.h"

#include "sip/body.h"
#include "sip/sdp.h"

static const char SDP[] = "application/sdp";

static ss_str description_of(const ss_message *m) {
  return m ? ss_body_find(m, SS_STR(SDP)) : SS_STR_NONE;
}

static ss_str text_of(const ss_packet *p) {
  return p ? (ss_str){p->p, p->n} : SS_STR_NONE;
}

static void replace(ss_packet **slot, ss_packet *with) {
  ss_packet *old = *slot;
  *slot = with ? ss_packet_ref(with) : NULL;
  ss_packet_unref(old);
}

static void replace_message(ss_message **slot, ss_message *with) {
  ss_message *old = *slot;
  *slot = with ? ss_message_ref(with) : NULL;
  ss_message_unref(old);
}

void ss_offer_init(ss_session *s) {
  if (ss_session_offer(s).n)
    s->media.offering = SS_OFFER_THEIRS;
}

void ss_offer_free(ss_session *s) {
  ss_media *m = &s->media;
  ss_packet_unref(m->base);
  ss_packet_unref(m->local);
  ss_packet_unref(m->proposed);
  ss_packet_unref(m->said);
  ss_packet_unref(m->early);
  ss_message_unref(m->remote);
}

/* --- what we say without a negotiator ------------------------------------- */

/* RFC 4566 5.2: numeric, and left within 63 bits. */
static uint64_t new_id(void) {
  uint64_t id;
  ss_random(&id, sizeof id);
  return id >> 2;
}

static int finish(int rc, const ss_buf *b, ss_packet **out) {
  if (rc)
    return rc;
  if (b->full)
    return SS_EFULL;
  *out = ss_packet_new(ss_buf_view(b));
  return *out ? 0 : SS_ENOMEM;
}

/* The version is counted on only where something changes, seen from what was
 * sent last, refused or not (RFC 3264 8). */
static int again(ss_session *s, ss_str offer, bool held, ss_packet **out) {
  const ss_media *m = &s->media;
  ss_endpoint *e = s->endpoint;
  ss_str base = text_of(m->base), said = text_of(m->said);
  for (uint64_t version = m->version;; version++) {
    ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
    int rc = offer.n ? ss_sdp_reanswer(&b, base, offer, held, version)
                     : ss_sdp_reoffer(&b, base, held, version);
    if (rc || version > m->version || ss_sdp_same(ss_buf_view(&b), said))
      return finish(rc, &b, out);
  }
}

static int inactive(ss_session *s, ss_str offer, ss_packet **out) {
  ss_endpoint *e = s->endpoint;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  ss_addr address;
  ss_identity_media(e, &s->path, &address);
  int rc = offer.n ? ss_sdp_answer_inactive(&b, offer, &address, new_id())
                   : ss_sdp_offer_inactive(&b, &address, new_id());
  return finish(rc, &b, out);
}

int ss_offer_again(ss_session *s, bool held, ss_packet **out) {
  if (!s->media.base)
    return SS_ENOTFOUND;
  s->media.made = SS_MADE_AGAIN;
  return again(s, SS_STR_NONE, held, out);
}

/* What to refuse a description with (RFC 3261 21.4.1, 21.4.26). */
static unsigned refusal(int rc) {
  return rc == SS_ENOMEM || rc == SS_EFULL ? 500 : 488;
}

static void describe_alone(ss_session *s, ss_str offer, ss_described_fn fn) {
  ss_packet *made = NULL;
  bool known = s->media.base != NULL;
  int rc =
      known ? again(s, offer, s->media.held, &made) : inactive(s, offer, &made);
  if (rc) {
    fn(s, NULL, refusal(rc));
    return;
  }
  s->media.made = known ? SS_MADE_AGAIN : SS_MADE_ANEW;
  fn(s, made, 0);
  ss_packet_unref(made);
}

/* --- the negotiator ------------------------------------------------------- */

/* False: there is none that does that. */
static bool ask(ss_session *s, ss_negotiate what, ss_message *about,
                ss_described_fn fn) {
  ss_endpoint *e = s->endpoint;
  s->media.described = fn;
  return e->handler->negotiate(e->arg, s, s->media.round, what, about);
}

void ss_offer_describe(ss_session *s, ss_message *offer, ss_described_fn fn) {
  ss_negotiate what = offer ? SS_NEGOTIATE_ANSWER : SS_NEGOTIATE_OFFER;
  uint32_t round = ++s->media.round;
  ss_session_ref(s);
  bool asked = ask(s, what, offer, fn);
  /* the handler may have done anything to it meanwhile */
  if (!asked && s->endpoint && s->media.round == round) {
    ss_offer_abandon(s);
    describe_alone(s, description_of(offer), fn);
  }
  ss_session_unref(s);
}

void ss_offer_settle(ss_session *s, ss_message *m, ss_described_fn fn) {
  uint32_t round = ++s->media.round;
  ss_session_ref(s);
  bool asked = ask(s, SS_NEGOTIATE_SETTLE, m, fn);
  if (!asked && s->endpoint && s->media.round == round) {
    ss_offer_abandon(s);
    if (fn)
      fn(s, NULL, 0);
  }
  ss_session_unref(s);
}

void ss_offer_told(ss_session *s, ss_packet *none, unsigned code) {
  (void)s;
  (void)none;
  (void)code;
}

void ss_offer_abandon(ss_session *s) {
  s->media.described = NULL;
  s->media.round++;
}

void ss_session_negotiated(ss_session *s, uint32_t round, ss_str sdp,
                           unsigned code) {
  ss_media *m = &s->media;
  if (round != m->round || !s->endpoint)
    return;
  ss_described_fn fn = m->described;
  ss_packet *description = NULL;
  ss_offer_abandon(s);
  if (!fn)
    return;
  if (!code && sdp.n) {
    description = ss_offer_take(s, sdp);
    if (!description)
      code = 500;
  }
  ss_session_ref(s);
  fn(s, description, code);
  ss_session_unref(s);
  ss_packet_unref(description);
}

/* --- what has been said --------------------------------------------------- */

bool ss_offer_allowed(ss_session *s, ss_server *server) {
  if (s->media.offering == SS_OFFER_NONE && !s->media.described)
    return true;
  if (s->media.offering == SS_OFFER_THEIRS)
    ss_requests_later(s->endpoint, server);
  else
    ss_requests_reply(s->endpoint, server, 491, SS_STR_NONE);
  return false;
}

ss_packet *ss_offer_take(ss_session *s, ss_str text) {
  s->media.made = SS_MADE_GIVEN;
  return ss_packet_new(text);
}

int ss_offer_early(ss_session *s, const ss_content *content, ss_packet **out) {
  ss_media *m = &s->media;
  *out = NULL;
  if (m->early || m->offering != SS_OFFER_THEIRS)
    return 0;
  ss_str text = ss_content_description(content);
  if (text.n && !(*out = ss_packet_new(text)))
    return SS_ENOMEM;
  return 0;
}

/* RFC 3264 8: no stream ever goes. Those that were refused beyond what we wish
 * for stay refused; where there is no memory for that, it is as it was. */
static void extend(ss_session *s) {
  ss_media *m = &s->media;
  ss_endpoint *e = s->endpoint;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  if (ss_sdp_extend(&b, text_of(m->base), text_of(m->local)))
    return;
  ss_packet *more = ss_packet_new(ss_buf_view(&b));
  if (more)
    replace(&m->base, more);
  else
    e->stats.out_of_memory++;
  ss_packet_unref(more);
}

/* What we have said is in force: it is what we wish for, unless we made it of
 * that. */
static void keep(ss_session *s, ss_packet *said) {
  ss_media *m = &s->media;
  replace(&m->local, said);
  if (m->made == SS_MADE_AGAIN)
    extend(s);
  else
    replace(&m->base, said);
}

void ss_offer_sent(ss_session *s, ss_packet *description, ss_message *answers) {
  ss_media *m = &s->media;
  uint64_t version = 1;
  int rc = 0;
  replace(&m->said, description);
  if (m->made != SS_MADE_ANEW)
    rc = ss_sdp_version(text_of(description), &version);
  if (!rc && version > m->version)
    m->version = version;
  if (answers) {
    keep(s, description);
    replace_message(&m->remote, answers);
    m->offering = SS_OFFER_NONE;
  } else {
    replace(&m->proposed, description);
    m->offering = SS_OFFER_OURS;
  }
}

bool ss_offer_is_answered(const ss_session *s, const ss_message *m) {
  ss_str answer = description_of(m);
  return answer.n && !ss_sdp_answers(text_of(s->media.proposed), answer);
}

void ss_offer_answered(ss_session *s, ss_message *by) {
  ss_media *m = &s->media;
  if (m->proposed)
    keep(s, m->proposed);
  replace(&m->proposed, NULL);
  replace_message(&m->remote, by);
  m->offering = SS_OFFER_NONE;
}

void ss_offer_failed(ss_session *s) {
  replace(&s->media.proposed, NULL);
  s->media.offering = SS_OFFER_NONE;
}

ss_str ss_session_local_description(const ss_session *s) {
  return text_of(s->media.local);
}

ss_str ss_session_remote_description(const ss_session *s) {
  return description_of(s->media.remote);
}
