/* Our re-INVITE and UPDATE in a call (RFC 3261 14.1, RFC 3311 5.1): a new offer
 * made or made again, or none and theirs answered; hold and resume (RFC 3264
 * 8.4). One at a time. Glare is waited out and tried again (14.1); whatever
 * else is refused leaves the call as it was. How the two transactions are
 * heard is in renewal.c. */
#include "ua/renewal.h"

#include "base/alloc.h"
#include "sip/body.h"

#define TRIES 10 /* against 491s; each waits a second on the average */

static void attempt(ss_renewal *r);

/* --- its end -------------------------------------------------------------- */

static void release(ss_renewal *r) {
  ss_loop_timer_stop(r->session->endpoint->loop, &r->timer);
  ss_packet_unref(r->offer);
  r->offer = NULL;
  ss_fields_free(&r->fields);
  ss_free(r->body);
  ss_free(r->content_type);
  r->body = r->content_type = NULL;
}

/* Each repeat of a 2xx gets its ACK again (RFC 3261 13.2.2.4). */
static void retire(ss_renewal *r) {
  ss_session *s = r->session;
  s->renewal = NULL;
  release(r);
  r->state = SS_RENEWAL_DONE;
  if (r->invite && r->client)
    ss_list_append(&s->renewed, &r->node);
  else
    ss_renewal_free(r);
}

void ss_renewal_over(ss_renewal *r, ss_failure outcome, ss_message *response) {
  ss_session *s = r->session;
  ss_operation *o = r->operation;
  bool update = !r->invite;
  r->operation = NULL;
  retire(r);
  ss_operation_end(o, outcome, response);
  if (outcome.kind != SS_KIND_NONE)
    ss_refresh_failed(s, update, response);
}

static void no_media(ss_renewal *r) {
  ss_renewal_over(r, ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
                  NULL);
}

/* The negotiator is at work: not for ever. */
static void await(ss_renewal *r, ss_renewal_state state) {
  ss_endpoint *e = r->session->endpoint;
  r->state = state;
  ss_loop_timer(e->loop, &r->timer, (uint64_t)64 * e->t1);
}

/* --- what is sent --------------------------------------------------------- */

static void transmit(ss_renewal *r) {
  ss_session *s = r->session;
  ss_content content = {.fields = &r->fields};
  if (r->body)
    content.body = (ss_str){r->body, r->body_size};
  else if (r->offer)
    content.body = (ss_str){r->offer->p, r->offer->n};
  if (r->content_type)
    content.content_type = ss_str_z(r->content_type);
  r->state = SS_RENEWAL_SENT;
  int rc = ss_renewal_send(r, &content);
  if (rc)
    ss_renewal_over(r, ss_send_failure(rc), NULL);
  else if (r->offer)
    ss_offer_sent(s, r->offer, NULL);
}

static void on_described(ss_session *s, ss_packet *description, unsigned code) {
  ss_renewal *r = s->renewal;
  if (!r || r->state != SS_RENEWAL_DESCRIBING)
    return;
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  if (code || !description) {
    no_media(r);
    return;
  }
  r->offer = ss_packet_ref(description);
  transmit(r);
}

static ss_str given_offer(const ss_renewal *r) {
  ss_content c = {.body = {r->body, r->body_size},
                  .content_type = ss_str_z(r->content_type)};
  return ss_content_description(&c);
}

static void describe(ss_renewal *r) {
  ss_session *s = r->session;
  switch (r->mode) {
  case SS_RENEW_NEGOTIATED:
    await(r, SS_RENEWAL_DESCRIBING);
    ss_offer_describe(s, NULL, on_described);
    break;
  case SS_RENEW_AGAIN:
    if (ss_offer_again(s, r->held, &r->offer))
      no_media(r);
    else
      transmit(r);
    break;
  case SS_RENEW_GIVEN:
    r->offer = ss_offer_take(s, given_offer(r));
    if (r->offer)
      transmit(r);
    else
      ss_renewal_over(
          r, ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM),
          NULL);
    break;
  case SS_RENEW_BARE:
    transmit(r);
    break;
  }
}

/* RFC 3261 14.1: who doesn't own the Call-ID waits up to two seconds, in units
 * of 10 ms; not none at all, which would cross theirs again. */
static uint64_t glare(void) {
  return (uint64_t)(1 + ss_random_below(200)) * 10;
}

static void wait(ss_renewal *r, uint64_t ms) {
  r->state = SS_RENEWAL_WAITING;
  ss_loop_timer(r->session->endpoint->loop, &r->timer, ms);
}

/* Not while an offer or an INVITE of either side is at work. */
static void attempt(ss_renewal *r) {
  ss_session *s = r->session;
  bool busy =
      s->modify || s->media.described || s->media.offering != SS_OFFER_NONE;
  ss_packet_unref(r->offer);
  r->offer = NULL;
  if (busy)
    wait(r, glare());
  else
    describe(r);
}

/* --- what comes back ------------------------------------------------------ */

static bool is_final(const ss_message *m) {
  return m->code >= 200;
}

/* Its offer never was. One without may have crossed another offer. */
static void withdraw(ss_renewal *r) {
  if (r->offer)
    ss_offer_failed(r->session);
}

void ss_renewal_failed(ss_renewal *r, int rc) {
  ss_session *s = r->session;
  ss_renewal_quit(r);
  withdraw(r);
  ss_renewal_over(r, ss_operation_unanswered(rc), NULL);
  ss_end_unanswered(s, rc, 0);
}

static void refused(ss_renewal *r, ss_message *m) {
  ss_session *s = r->session;
  ss_renewal_quit(r);
  withdraw(r);
  if (m->code == 491 && ++r->tries < TRIES) {
    wait(r, glare());
    return;
  }
  if (m->code == 422 && ++r->tries < TRIES && ss_refresh_raised(s, m)) {
    wait(r, 0);
    return;
  }
  unsigned code = m->code;
  ss_renewal_over(r, ss_failed(SS_KIND_FAILURE_RESPONSE, SS_WHY_NONE, 0), m);
  ss_end_unanswered(s, 0, code);
}

static void succeed(ss_renewal *r) {
  ss_session *s = r->session;
  ss_message *response = ss_message_ref(r->response);
  s->media.held = r->held;
  ss_renewal_over(r, SS_SUCCESS, response);
  ss_message_unref(response);
}

static void on_settled(ss_session *s, ss_packet *none, unsigned code) {
  ss_renewal *r = s->renewal;
  (void)none;
  if (!r || r->state != SS_RENEWAL_SETTLING)
    return;
  if (code)
    no_media(r);
  else
    succeed(r);
}

/* Their answer to our offer, if they gave one. */
static void settle(ss_renewal *r, ss_message *m) {
  ss_session *s = r->session;
  await(r, SS_RENEWAL_SETTLING);
  if (ss_offer_is_answered(s, m)) {
    ss_offer_answered(s, m);
    ss_offer_settle(s, m, on_settled);
    return;
  }
  ss_offer_failed(s);
  ss_offer_settle(s, NULL, ss_offer_told);
  no_media(r);
}

/* Our answer to the offer in their 2xx: it goes into the ACK. */
static void on_answer(ss_session *s, ss_packet *description, unsigned code) {
  ss_renewal *r = s->renewal;
  if (!r || r->state != SS_RENEWAL_ANSWERING)
    return;
  bool good = !code && description;
  int rc = ss_renewal_ack(r, good ? description : NULL);
  if (good && !rc) {
    ss_offer_sent(s, description, r->response);
    succeed(r);
    return;
  }
  /* RFC 3261 13.2.2.4: what can't be answered is acknowledged and ended */
  ss_offer_failed(s);
  no_media(r);
  ss_end_because(s, SS_CAUSE_NOT_ACCEPTABLE_MEDIA);
}

static void on_timer(ss_timer *timer) {
  ss_renewal *r = SS_CONTAINER(timer, ss_renewal, timer);
  ss_session *s = r->session;
  switch (r->state) {
  case SS_RENEWAL_WAITING:
    attempt(r);
    break;
  case SS_RENEWAL_DESCRIBING:
  case SS_RENEWAL_SETTLING:
    ss_offer_abandon(s);
    no_media(r);
    break;
  case SS_RENEWAL_ANSWERING:
    ss_offer_abandon(s);
    on_answer(s, NULL, 500);
    break;
  default:
    ss_renewal_failed(r, -ETIMEDOUT);
  }
}

static void accepted(ss_renewal *r, ss_message *m) {
  ss_session *s = r->session;
  bool offered = r->offer != NULL;
  bool offers = ss_body_find(m, SS_STR("application/sdp")).n != 0;
  ss_dialog_refresh(s, m, &s->path, &s->remote);
  r->response = ss_message_ref(m);
  ss_refresh_succeeded(s, m);
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  if (r->invite && !offered && offers) {
    s->media.offering = SS_OFFER_THEIRS;
    await(r, SS_RENEWAL_ANSWERING);
    ss_offer_describe(s, m, on_answer);
    return;
  }
  if (r->invite)
    ss_renewal_ack(r, NULL); /* without memory their repeats ask for it */
  if (offered)
    settle(r, m);
  else
    succeed(r);
}

void ss_renewal_answered(ss_renewal *r, ss_message *m) {
  ss_session *s = r->session;
  if (r->state != SS_RENEWAL_SENT)
    return;
  if (!is_final(m)) { /* nothing else limits how long it takes now */
    if (s->endpoint->connect_timeout && !r->proceeding)
      ss_loop_timer(s->endpoint->loop, &r->timer, s->endpoint->connect_timeout);
    r->proceeding = true;
  } else if (m->code < 300) {
    accepted(r, m);
  } else {
    refused(r, m);
  }
}

/* --- its beginning -------------------------------------------------------- */

static int keep(ss_renewal *r, const ss_content *c) {
  if (c->fields && ss_fields_copy(&r->fields, c->fields))
    return SS_ENOMEM;
  if (c->content_type.n && !(r->content_type = ss_str_dup(c->content_type)))
    return SS_ENOMEM;
  if (c->body.n && !(r->body = ss_str_dup(c->body)))
    return SS_ENOMEM;
  r->body_size = c->body.n;
  return 0;
}

static ss_renewal *create(ss_session *s, ss_renew_mode mode,
                          const ss_content *content) {
  ss_renewal *r = ss_alloc(sizeof *r);
  if (!r)
    return NULL;
  r->session = s;
  r->timer.fn = on_timer;
  r->mode = mode;
  r->held = s->media.held;
  r->operation = ss_operation_new(s);
  if (r->operation && !keep(r, content))
    return r;
  release(r);
  if (r->operation)
    ss_operation_drop(r->operation);
  ss_free(r);
  return NULL;
}

static ss_renew_mode mode_of(ss_renew_mode mode, const ss_content *content) {
  if (!content->body.n)
    return mode;
  return ss_content_description(content).n ? SS_RENEW_GIVEN : SS_RENEW_BARE;
}

ss_failure ss_renew(ss_session *s, const ss_renew_options *how,
                    ss_operation **out) {
  if (s->phase != SS_PHASE_ESTABLISHED)
    return ss_session_not_connected(s);
  if (s->renewal)
    return ss_failed(SS_KIND_INVALID_OPERATION, SS_WHY_PENDING, 0);
  ss_content none = {0};
  const ss_content *content = how->content ? how->content : &none;
  ss_renewal *r = create(s, mode_of(how->mode, content), content);
  if (!r)
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM);
  r->invite = how->method == SS_INVITE;
  if (how->mode == SS_RENEW_AGAIN)
    r->held = how->held;
  s->renewal = r;
  *out = r->operation;
  /* the operation may be over before this returns: it is told later */
  attempt(r);
  return SS_SUCCESS;
}

ss_failure ss_session_renegotiate(ss_session *s, bool update, bool bare,
                                  const ss_content *content,
                                  ss_operation **out) {
  ss_renew_options how = {.mode = bare ? SS_RENEW_BARE : SS_RENEW_NEGOTIATED,
                          .method = update ? SS_UPDATE : SS_INVITE,
                          .content = content};
  return ss_renew(s, &how, out);
}

ss_failure ss_session_hold(ss_session *s, bool hold, const ss_content *content,
                           ss_operation **out) {
  ss_renew_options how = {.mode = SS_RENEW_AGAIN,
                          .method = SS_INVITE,
                          .held = hold,
                          .content = content};
  return ss_renew(s, &how, out);
}

bool ss_session_is_held(const ss_session *s) {
  return s->media.held;
}

bool ss_renew_invites(const ss_session *s) {
  const ss_renewal *r = s->renewal;
  return r && r->invite && r->client;
}

void ss_renew_abort(ss_session *s) {
  if (s->renewal)
    retire(s->renewal);
  if (s->phase == SS_PHASE_OVER)
    ss_renew_forget(s);
}

void ss_renew_forget(ss_session *s) {
  ss_list *n;
  while ((n = ss_list_shift(&s->renewed)))
    ss_renewal_free(SS_CONTAINER(n, ss_renewal, node));
}
