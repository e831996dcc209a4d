/* Accepting: the claim, the description, the 200 and its repeats until the ACK
 * (RFC 3261 13.3.1.4, UCMA's Participate). */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/body.h"
#include "sip/sdp.h"

static ss_failure failure(ss_failure_kind kind, ss_failure_reason why, int rc) {
  return (ss_failure){kind, why, rc};
}

/* Gives up an accept that has sent nothing final yet. */
static void give_up(ss_session *s, unsigned code, ss_failure why,
                    ss_cause cause) {
  s->endpoint->stats.calls_failed++;
  ss_session_decide(s, why, NULL);
  ss_content none = {0};
  ss_reject_with(s, code, SS_STR_NONE, &none, cause, NULL);
}

static void answer(ss_session *s, const ss_content *content) {
  ss_endpoint *e = s->endpoint;
  ss_str type = content->content_type;
  bool sdp =
      content->body.n &&
      (!type.n || ss_str_ieq(ss_media_type(type), SS_STR("application/sdp")));
  s->offered = sdp && !ss_session_offer(s).n;
  s->phase = SS_PHASE_ANSWERED;
  s->interval = e->t1;
  ss_loop_timer(e->loop, &s->repeat, s->interval);
  ss_loop_timer(e->loop, &s->expiry, (uint64_t)64 * e->t1);
  int rc = ss_session_reply(s, 200, SS_STR_NONE, content);
  if (!rc) {
    e->stats.calls_answered++;
    return;
  }
  if (s->phase != SS_PHASE_ANSWERED)
    return; /* it couldn't be delivered, and that was seen to */
  s->phase = SS_PHASE_RINGING;
  ss_loop_timer_stop(e->loop, &s->repeat);
  if (rc == SS_ECLOSED)
    ss_answer_undeliverable(s, rc);
  else
    give_up(s, 500, failure(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc),
            SS_CAUSE_TERMINATED_LOCALLY);
}

/* The library's own description: every stream inactive. */
static int describe(ss_session *s, ss_buf *b) {
  ss_addr address;
  ss_identity_media(s->endpoint, &s->path, &address);
  ss_random(&s->sdp_id, sizeof s->sdp_id);
  s->sdp_id >>= 2; /* RFC 4566 5.2: numeric, and left within 63 bits */
  ss_str offer = ss_session_offer(s);
  if (offer.n)
    return ss_sdp_answer_inactive(b, offer, &address, s->sdp_id);
  return ss_sdp_offer_inactive(b, &address, s->sdp_id);
}

static ss_content kept_content(const ss_session *s) {
  return (ss_content){.fields = &s->fields, .reason = ss_str_z(s->reason)};
}

static void forget_content(ss_session *s) {
  ss_fields_free(&s->fields);
  ss_free(s->reason);
  s->reason = NULL;
}

static void answer_with(ss_session *s, ss_str sdp) {
  ss_content content = kept_content(s);
  content.body = sdp;
  answer(s, &content);
  forget_content(s);
}

static void answer_inactive(ss_session *s) {
  ss_endpoint *e = s->endpoint;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  int rc = describe(s, &b);
  if (!rc)
    answer_with(s, ss_buf_view(&b));
  else
    give_up(s, 488, failure(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
            SS_CAUSE_NOT_ACCEPTABLE_MEDIA);
}

void ss_session_negotiated(ss_session *s, ss_str sdp, unsigned code) {
  if (s->phase != SS_PHASE_NEGOTIATING || !s->endpoint)
    return;
  if (code)
    give_up(s, code, failure(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
            SS_CAUSE_NOT_ACCEPTABLE_MEDIA);
  else
    answer_with(s, sdp);
}

static int keep_content(ss_session *s, const ss_content *content) {
  if (content->fields && content->fields->n) {
    ss_str lines = ss_fields_text(content->fields);
    char *p = ss_str_dup(lines);
    if (!p)
      return SS_ENOMEM;
    s->fields = (ss_fields){p, lines.n, lines.n + 1, content->fields->given};
  }
  if (content->reason.n) {
    s->reason = ss_str_dup(content->reason);
    if (!s->reason) {
      ss_fields_free(&s->fields);
      return SS_ENOMEM;
    }
  }
  return 0;
}

ss_failure ss_session_participate(ss_session *s, const ss_content *content) {
  if (s->claim != SS_CLAIM_OPEN || !s->endpoint || s->endpoint->closing)
    return ss_session_refusal(s);
  ss_endpoint *e = s->endpoint;
  int rc = content->body.n ? 0 : keep_content(s, content);
  if (rc)
    return failure(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, rc);
  s->claim = SS_CLAIM_ACCEPTED;
  s->accepting = true;
  ss_session_move(s, SS_STATE_CONNECTING, SS_CAUSE_NONE, 0, NULL);
  if (content->body.n) {
    answer(s, content);
    return SS_SUCCESS;
  }
  s->phase = SS_PHASE_NEGOTIATING;
  ss_session_ref(s);
  bool started = e->handler->negotiate(e->arg, s);
  /* the handler may have done anything to it meanwhile */
  if (!started && s->endpoint && s->phase == SS_PHASE_NEGOTIATING)
    answer_inactive(s);
  ss_session_unref(s);
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

void ss_answer_ack(ss_session *s, ss_message *ack) {
  if (s->phase != SS_PHASE_ANSWERED)
    return;
  ss_endpoint *e = s->endpoint;
  ss_answer_stop(s);
  s->phase = SS_PHASE_ESTABLISHED;
  if (s->bye_due) {
    ss_end_send_bye(s);
    return;
  }
  /* RFC 3261 13.2.2.4, 14.1: the answer to the offer in our 200 is in its ACK;
   * without one there is no session */
  if (s->offered && !ss_body_find(ack, SS_STR("application/sdp")).n) {
    e->stats.calls_failed++;
    ss_session_decide(s, failure(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0),
                      NULL);
    ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_NOT_ACCEPTABLE_MEDIA, 0,
                    ack);
    ss_end_send_bye(s);
    return;
  }
  e->stats.calls_connected++;
  ss_session_move(s, SS_STATE_CONNECTED, SS_CAUSE_NONE, 200, ack);
  ss_session_decide(s, SS_SUCCESS, ack);
}

/* RFC 3261 13.3.1.4: 64*T1 without an ACK: the session is ended with a BYE. */
void ss_answer_expired(ss_session *s) {
  ss_answer_stop(s);
  s->endpoint->stats.calls_unacknowledged++;
  if (!s->bye_due) {
    s->endpoint->stats.calls_failed++;
    ss_session_decide(
        s, failure(SS_KIND_OPERATION_TIMEOUT, SS_WHY_NO_ACK, -ETIMEDOUT), NULL);
    ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_TIMEOUT, 0, NULL);
  }
  ss_end_send_bye(s);
}

/* A response didn't get through, and there is no other way to the caller. */
void ss_answer_undeliverable(ss_session *s, int rc) {
  s->endpoint->stats.calls_failed++;
  if (s->claim == SS_CLAIM_OPEN)
    s->claim = SS_CLAIM_EXPIRED;
  ss_session_decide(s, failure(SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, rc),
                    NULL);
  ss_session_move(s, SS_STATE_DISCONNECTED, SS_CAUSE_UNREACHABLE, 0, NULL);
  ss_session_over(s);
}
