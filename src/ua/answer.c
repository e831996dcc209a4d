/* Accepting: the claim, the description, the 200 and its repeats until the ACK
 * (RFC 3261 13.3.1.4, UCMA's Participate). */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/body.h"

/* Gives up an accept that has sent nothing final yet. */
static void give_up(ss_session *s, unsigned code, ss_failure why,
                    ss_cause cause) {
  s->endpoint->stats.calls_failed++;
  ss_session_decide(s, why, NULL);
  ss_content none = {0};
  ss_reject_with(s, code, &none, cause, NULL);
}

/* What the 200 says is in force, or offered, from now on (RFC 6337 2.2). */
static void said(ss_session *s, ss_packet *description) {
  ss_offering was = s->media.offering;
  if (description)
    ss_offer_sent(s, description, was == SS_OFFER_THEIRS ? s->request : NULL);
  else if (was == SS_OFFER_THEIRS && !ss_reliable_described(s))
    /* a body of another kind */
    s->media.offering = SS_OFFER_NONE;
}

void ss_answer_start(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->interval = e->t1;
  ss_loop_timer(e->loop, &s->repeat, s->interval);
  ss_loop_timer(e->loop, &s->expiry, (uint64_t)64 * e->t1);
}

static void answer(ss_session *s, const ss_content *content,
                   ss_packet *description) {
  ss_endpoint *e = s->endpoint;
  s->phase = SS_PHASE_ANSWERED;
  ss_reliable_answered(s);
  ss_answer_start(s);
  int rc = ss_session_reply(s, 200, SS_STR_NONE, SS_STR_NONE, content);
  if (!rc) {
    e->stats.calls_answered++;
    if (s->phase == SS_PHASE_ANSWERED)
      said(s, description);
    return;
  }
  if (s->phase != SS_PHASE_ANSWERED)
    return; /* it couldn't be delivered, and that was seen to */
  s->phase = SS_PHASE_RINGING;
  ss_loop_timer_stop(e->loop, &s->repeat);
  if (rc == SS_ECLOSED)
    ss_answer_undeliverable(s, rc);
  else
    give_up(s, 500, ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc),
            SS_CAUSE_TERMINATED_LOCALLY);
}

static ss_content kept_content(const ss_session *s) {
  return (ss_content){.fields = &s->fields, .reason = ss_str_z(s->reason)};
}

static void forget_content(ss_session *s) {
  ss_fields_free(&s->fields);
  ss_free(s->reason);
  s->reason = NULL;
}

static void on_described(ss_session *s, ss_packet *description, unsigned code) {
  if (s->phase != SS_PHASE_NEGOTIATING)
    return;
  if (code || !description) {
    give_up(s, code ? code : 488,
            ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
            SS_CAUSE_NOT_ACCEPTABLE_MEDIA);
    return;
  }
  ss_content content = kept_content(s);
  content.body = (ss_str){description->p, description->n};
  answer(s, &content, description);
  forget_content(s);
}

static int keep_content(ss_session *s, const ss_content *content) {
  if (content->fields && ss_fields_copy(&s->fields, content->fields))
    return SS_ENOMEM;
  if (content->reason.n) {
    s->reason = ss_str_dup(content->reason);
    if (!s->reason) {
      ss_fields_free(&s->fields);
      return SS_ENOMEM;
    }
  }
  return 0;
}

/* Answers with what the script gave: its description is in force. */
static int answer_given(ss_session *s, const ss_content *content) {
  ss_packet *description = NULL;
  ss_str text = ss_content_description(content);
  if (text.n) {
    description = ss_offer_take(s, text);
    if (!description)
      return SS_ENOMEM;
  }
  answer(s, content, description);
  ss_packet_unref(description);
  return 0;
}

void ss_answer_send(ss_session *s, const ss_content *content) {
  answer(s, content, NULL);
}

static void claim(ss_session *s) {
  s->claim = SS_CLAIM_ACCEPTED;
  s->accepting = true;
  ss_reliable_claimed(s);
  ss_session_move(s, SS_STATE_CONNECTING, SS_CAUSE_NONE, 0, NULL);
}

/* Offer and answer went in a reliable provisional: the 200 has none (RFC 3262
 * 5), and comes after its PRACK (3). */
static ss_failure accept_described(ss_session *s, const ss_content *given) {
  ss_content content = *given;
  bool waits = ss_reliable_precedes(s);
  ss_reliable_strip(s, &content);
  if (waits && ss_reliable_keep(s, &content))
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM);
  claim(s);
  s->phase = SS_PHASE_NEGOTIATING;
  if (!waits)
    answer(s, &content, NULL);
  return SS_SUCCESS;
}

static ss_failure accept_given(ss_session *s, const ss_content *content) {
  claim(s);
  if (answer_given(s, content))
    give_up(s, 500,
            ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM),
            SS_CAUSE_TERMINATED_LOCALLY);
  return SS_SUCCESS;
}

/* The caller has an answer already. */
static ss_failure accept_early(ss_session *s, const ss_content *given) {
  ss_packet *early = ss_packet_ref(s->media.early);
  ss_content content = *given;
  content.body = (ss_str){early->p, early->n};
  content.content_type = SS_STR_NONE;
  ss_failure f = accept_given(s, &content);
  ss_packet_unref(early);
  return f;
}

ss_failure ss_session_participate(ss_session *s, const ss_content *content) {
  if (s->claim != SS_CLAIM_OPEN || !s->endpoint || s->endpoint->closing)
    return ss_session_refusal(s);
  if (ss_reliable_described(s))
    return accept_described(s, content);
  if (content->body.n)
    return accept_given(s, content);
  if (s->media.early)
    return accept_early(s, content);
  int rc = keep_content(s, content);
  if (rc)
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc);
  claim(s);
  s->phase = SS_PHASE_NEGOTIATING;
  ss_message *offer = ss_session_offer(s).n ? s->request : NULL;
  ss_offer_describe(s, offer, on_described);
  return SS_SUCCESS;
}

/* RFC 3261 13.3.1.4: over every transport, at T1 doubling up to T2. */
void ss_answer_repeat(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  s->interval = s->interval * 2 < e->t2 ? s->interval * 2 : e->t2;
  ss_loop_timer_at(e->loop, &s->repeat, s->repeat.due + s->interval);
  if (s->server)
    ss_server_repeat(s->server);
}

void ss_answer_stop(ss_session *s) {
  ss_loop_timer_stop(s->endpoint->loop, &s->repeat);
  ss_loop_timer_stop(s->endpoint->loop, &s->expiry);
  if (s->server) {
    ss_server_acknowledged(s->server);
    ss_server_detach(s->server);
    s->server = NULL;
  }
}

static void connected(ss_session *s, ss_message *ack) {
  s->phase = SS_PHASE_ESTABLISHED;
  s->endpoint->stats.calls_connected++;
  ss_session_move(s, SS_STATE_CONNECTED, SS_CAUSE_NONE, 200, ack);
  ss_session_decide(s, SS_SUCCESS, ack);
}

/* There is no session without an answer. */
static void no_media(ss_session *s, ss_message *ack) {
  s->phase = SS_PHASE_ESTABLISHED;
  s->endpoint->stats.calls_failed++;
  ss_session_decide(s, ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
                    NULL);
  ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_NOT_ACCEPTABLE_MEDIA, 0,
                  ack);
  ss_end_send_bye(s);
}

static void on_settled(ss_session *s, ss_packet *none, unsigned code) {
  (void)none;
  if (s->phase != SS_PHASE_SETTLING)
    return;
  ss_loop_timer_stop(s->endpoint->loop, &s->expiry);
  if (code)
    no_media(s, s->media.remote);
  else
    connected(s, s->media.remote);
}

void ss_answer_ack(ss_session *s, ss_message *ack) {
  if (s->phase != SS_PHASE_ANSWERED)
    return;
  ss_answer_stop(s);
  if (s->bye_due) {
    ss_end_send_bye(s);
    return;
  }
  if (s->media.offering != SS_OFFER_OURS) {
    connected(s, ack);
    return;
  }
  /* RFC 3261 13.2.2.4, 14.1: the answer to the offer in our 200 is in its ACK;
   * without one there is no session */
  if (!ss_offer_is_answered(s, ack)) {
    ss_offer_failed(s);
    ss_offer_settle(s, NULL, NULL);
    no_media(s, ack);
    return;
  }
  ss_offer_answered(s, ack);
  s->phase = SS_PHASE_SETTLING;
  ss_loop_timer(s->endpoint->loop, &s->expiry, (uint64_t)64 * s->endpoint->t1);
  ss_offer_settle(s, ack, on_settled);
}

void ss_answer_unsettled(ss_session *s) {
  ss_offer_abandon(s);
  no_media(s, s->media.remote);
}

/* RFC 3261 13.3.1.4: 64*T1 without an ACK: the session is ended with a BYE. */
void ss_answer_expired(ss_session *s) {
  ss_answer_stop(s);
  s->endpoint->stats.calls_unacknowledged++;
  if (!s->bye_due) {
    s->endpoint->stats.calls_failed++;
    ss_session_decide(
        s, ss_failed(SS_KIND_OPERATION_TIMEOUT, SS_WHY_NO_ACK, -ETIMEDOUT),
        NULL);
    ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_TIMEOUT, 0, NULL);
  }
  ss_end_unacknowledged(s);
}

/* A response didn't get through, and there is no other way to the caller. */
void ss_answer_undeliverable(ss_session *s, int rc) {
  s->endpoint->stats.calls_failed++;
  if (s->claim == SS_CLAIM_OPEN)
    s->claim = SS_CLAIM_EXPIRED;
  ss_session_decide(s, ss_failed(SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, rc),
                    NULL);
  ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_UNREACHABLE, 0, NULL);
  ss_session_over(s);
}
