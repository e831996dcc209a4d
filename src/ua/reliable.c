/* Reliable provisional responses (RFC 3262): sent one at a time, repeated until
 * their PRACK, in the order of the script's calls; the offer and answer that
 * they and their PRACKs carry (5); the 504 where no PRACK comes (3). Those that
 * nobody acknowledges are in progress.c. */
#include "ua/reliable.h"

#include "base/alloc.h"
#include "sip/body.h"
#include "sip/extension.h"

#define QUEUE_MAX 16

static void on_timer(ss_timer *timer);
static void advance(ss_session *s);

/* --- who wants them ------------------------------------------------------- */

bool ss_reliable_offered(const ss_message *m) {
  return ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("100rel")) ||
         ss_message_lists(m, SS_FIELD_REQUIRE, SS_STR("100rel"));
}

void ss_reliable_init(ss_session *s) {
  ss_reliability policy = s->endpoint->reliable;
  const ss_message *m = s->request;
  if (policy == SS_RELIABILITY_OFF)
    return;
  s->reliable_peer = ss_reliable_offered(m);
  s->reliable_always = policy == SS_RELIABILITY_REQUIRED ||
                       ss_message_lists(m, SS_FIELD_REQUIRE, SS_STR("100rel"));
}

/* --- what there is of it -------------------------------------------------- */

static ss_reliable *get(ss_session *s) {
  if (s->reliable)
    return s->reliable;
  ss_reliable *r = ss_alloc(sizeof *r);
  if (!r)
    return NULL;
  r->session = s;
  r->timer.fn = on_timer;
  ss_list_init(&r->queue);
  r->rseq = ss_random_below(INT32_MAX); /* RFC 3262 3: the first is 1..2^31-1 */
  s->reliable = r;
  return r;
}

void ss_reliable_free(ss_session *s) {
  ss_free(s->reliable);
}

bool ss_reliable_described(const ss_session *s) {
  return s->reliable && s->reliable->described;
}

/* The operation that waits for the PRACK of what was sent. */
static void finish(ss_reliable *r, ss_failure outcome) {
  ss_operation *o = r->operation;
  r->operation = NULL;
  if (o)
    ss_operation_end(o, outcome, NULL);
}

static ss_provisional *take_first(ss_reliable *r) {
  ss_list *n = ss_list_shift(&r->queue);
  if (!n)
    return NULL;
  r->queued--;
  return SS_CONTAINER(n, ss_provisional, node);
}

/* --- sending -------------------------------------------------------------- */

/* The description that a reliable one has carried stands (RFC 3262 5): no later
 * one is of any meaning. */
void ss_reliable_strip(const ss_session *s, ss_content *content) {
  if (ss_reliable_described(s) && ss_content_description(content).n)
    content->body = content->content_type = SS_STR_NONE;
}

/* RFC 3262 5: the first reliable response to an INVITE without an offer has
 * one. */
static bool needs_offer(const ss_session *s, const ss_content *content) {
  return !ss_session_offer(s).n && !ss_reliable_described(s) &&
         !content->body.n;
}

/* RFC 3311 5.1: Allow tells that UPDATE may come. */
static int send_reliably(ss_session *s, unsigned code,
                         const ss_content *content) {
  char text[1200];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  const ss_fields *f = content->fields;
  if (!f || !(ss_fields_has(f, SS_FIELD_ALLOW) ||
              ss_fields_has(f, SS_FIELD_SUPPORTED)))
    ss_buf_str(&b, ss_str_z(s->endpoint->options));
  ss_buf_lit(&b, "Require: 100rel\r\nRSeq: ");
  ss_buf_u64(&b, (uint64_t)s->reliable->rseq + 1);
  ss_buf_lit(&b, "\r\n");
  return b.full ? SS_EFULL
                : ss_progress_send(s, code, ss_buf_view(&b), content);
}

static void sent(ss_session *s, unsigned code, ss_packet *description,
                 ss_operation *o) {
  ss_reliable *r = s->reliable;
  ss_endpoint *e = s->endpoint;
  r->rseq++;
  r->state = SS_RELIABLE_SENT;
  r->code = code;
  r->operation = o;
  r->interval = e->t1;
  r->deadline = ss_loop_now(e->loop) + (uint64_t)64 * e->t1;
  ss_loop_timer(e->loop, &r->timer, r->interval);
  r->carries = description != NULL;
  if (!description)
    return;
  r->described = true;
  ss_offer_sent(s, description, ss_session_offer(s).n ? s->request : NULL);
}

/* description: made for it, and goes instead of the content's; or NULL. */
static int transmit(ss_session *s, unsigned code, const ss_content *given,
                    ss_packet *description, ss_operation *o) {
  ss_content content = *given;
  ss_packet *own = NULL;
  if (description) {
    content.body = (ss_str){description->p, description->n};
    content.content_type = SS_STR_NONE;
  }
  ss_reliable_strip(s, &content);
  ss_str text = ss_content_description(&content);
  if (!description && text.n) {
    description = own = ss_offer_take(s, text);
    if (!own)
      return SS_ENOMEM;
  }
  int rc = send_reliably(s, code, &content);
  if (!rc)
    sent(s, code, description, o);
  ss_packet_unref(own);
  return rc;
}

static int transmit_plain(ss_session *s, unsigned code,
                          const ss_content *given) {
  ss_content content = *given;
  ss_reliable_strip(s, &content);
  s->reliable->code = 0;
  return ss_progress_plain(s, code, &content);
}

/* --- the queue ------------------------------------------------------------ */

static void send_first(ss_session *s, ss_packet *description) {
  ss_reliable *r = s->reliable;
  ss_provisional *p = take_first(r);
  ss_content content = ss_provisional_content(p);
  int rc = p->reliable
               ? transmit(s, p->code, &content, description, p->operation)
               : transmit_plain(s, p->code, &content);
  /* where the session has ended, so have its operations */
  if (rc && p->operation && s->state != SS_STATE_DISCONNECTED)
    ss_operation_end(p->operation, ss_send_failure(rc), NULL);
  ss_provisional_free(p);
}

static void drop_first(ss_reliable *r, ss_failure why) {
  ss_provisional *p = take_first(r);
  if (p->operation)
    ss_operation_end(p->operation, why, NULL);
  ss_provisional_free(p);
}

static void on_described(ss_session *s, ss_packet *description, unsigned code) {
  ss_reliable *r = s->reliable;
  if (!r || r->state != SS_RELIABLE_DESCRIBING)
    return;
  r->state = SS_RELIABLE_IDLE;
  if (code || !description)
    drop_first(r, ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0));
  else
    send_first(s, description);
  advance(s);
}

/* Sends what may be sent. */
static void advance(ss_session *s) {
  ss_reliable *r = s->reliable;
  while (r->state == SS_RELIABLE_IDLE && !ss_list_empty(&r->queue)) {
    ss_provisional *p = SS_CONTAINER(r->queue.next, ss_provisional, node);
    ss_content content = ss_provisional_content(p);
    if (p->reliable && needs_offer(s, &content)) {
      r->state = SS_RELIABLE_DESCRIBING;
      ss_offer_describe(s, NULL, on_described);
      return;
    }
    send_first(s, NULL);
  }
}

static ss_failure queue(ss_session *s, unsigned code, bool reliable,
                        const ss_content *content, ss_operation *o) {
  ss_reliable *r = s->reliable;
  if (r->queued >= QUEUE_MAX)
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_PENDING, 0);
  ss_provisional *p = ss_provisional_new(code, content);
  if (!p)
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM);
  p->reliable = reliable;
  p->operation = o;
  ss_list_append(&r->queue, &p->node);
  r->queued++;
  advance(s);
  return SS_SUCCESS;
}

static ss_failure begin(ss_session *s, unsigned code, bool reliable,
                        const ss_content *content, ss_operation *o) {
  ss_reliable *r = s->reliable;
  if (r->state != SS_RELIABLE_IDLE || r->queued ||
      (reliable && needs_offer(s, content)))
    return queue(s, code, reliable, content, o);
  int rc = reliable ? transmit(s, code, content, NULL, o)
                    : transmit_plain(s, code, content);
  return rc ? ss_send_failure(rc) : SS_SUCCESS;
}

ss_failure ss_reliable_progress(ss_session *s, unsigned code, bool reliable,
                                const ss_content *content, ss_operation **out) {
  ss_operation *o = NULL;
  if (!get(s) || (out && !(o = ss_operation_new(s))))
    return ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM);
  ss_failure f = begin(s, code, reliable, content, o);
  if (f.kind != SS_KIND_NONE && o)
    ss_operation_drop(o);
  else if (out)
    *out = o;
  return f;
}

/* --- repeats -------------------------------------------------------------- */

/* RFC 3262 3: no PRACK in 64*T1: the INVITE is rejected with a 5xx. */
static void expired(ss_session *s) {
  ss_failure late =
      ss_failed(SS_KIND_OPERATION_TIMEOUT, SS_WHY_NO_PRACK, -ETIMEDOUT);
  s->claim = SS_CLAIM_EXPIRED;
  s->endpoint->stats.calls_timed_out++;
  finish(s->reliable, late);
  ss_session_decide(s, late, NULL);
  ss_content none = {0};
  ss_reject_with(s, 504, &none, SS_CAUSE_TIMEOUT, NULL);
}

/* RFC 3262 3: at T1 doubling, without the cap of T2, over every transport. */
static void on_timer(ss_timer *timer) {
  ss_reliable *r = SS_CONTAINER(timer, ss_reliable, timer);
  ss_session *s = r->session;
  uint64_t due = timer->due;
  if (due >= r->deadline) {
    expired(s);
    return;
  }
  r->interval *= 2;
  due += r->interval;
  ss_loop_timer_at(s->endpoint->loop, timer,
                   due < r->deadline ? due : r->deadline);
  if (s->server)
    ss_server_repeat(s->server);
}

bool ss_reliable_again(ss_session *s) {
  ss_reliable *r = s->reliable;
  if (!r || !r->code)
    return false;
  ss_content none = {0};
  if (r->state == SS_RELIABLE_IDLE)
    transmit(s, r->code, &none, NULL, NULL);
  return true;
}

/* --- PRACK ---------------------------------------------------------------- */

static void acknowledged(ss_session *s) {
  ss_reliable *r = s->reliable;
  ss_provisional *accept = r->accept;
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  r->state = SS_RELIABLE_IDLE;
  r->accept = NULL;
  finish(r, SS_SUCCESS);
  if (!accept) {
    advance(s);
    return;
  }
  ss_content content = ss_provisional_content(accept);
  ss_answer_send(s, &content);
  ss_provisional_free(accept);
}

/* There is no session without an answer that can be used. */
static void no_media(ss_session *s, unsigned code) {
  ss_failure f = ss_failed(SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA, 0);
  if (s->claim == SS_CLAIM_OPEN)
    s->claim = SS_CLAIM_DECLINED;
  s->endpoint->stats.calls_failed++;
  finish(s->reliable, f);
  ss_session_decide(s, f, NULL);
  ss_content none = {0};
  ss_reject_with(s, code, &none, SS_CAUSE_NOT_ACCEPTABLE_MEDIA, NULL);
}

static void on_settled(ss_session *s, ss_packet *none, unsigned code) {
  (void)none;
  if (s->reliable->state != SS_RELIABLE_SETTLING)
    return;
  if (code)
    no_media(s, code);
  else
    acknowledged(s);
}

static bool respond(ss_session *s, ss_server *server) {
  ss_content none = {0};
  if (!ss_session_respond(s, server, 200, SS_STR_NONE, &none))
    return true;
  ss_server_drop(server); /* no memory: the peer asks again */
  return false;
}

static void take_answer(ss_session *s, ss_server *server, ss_message *m) {
  if (!respond(s, server))
    return;
  ss_loop_timer_stop(s->endpoint->loop, &s->reliable->timer);
  s->reliable->state = SS_RELIABLE_SETTLING;
  ss_offer_answered(s, m);
  ss_offer_settle(s, m, on_settled);
}

/* RFC 3262 7.2 */
static bool matches(const ss_session *s, uint32_t rseq, uint32_t cseq,
                    ss_str method) {
  const ss_reliable *r = s->reliable;
  if (!r || (r->state != SS_RELIABLE_SENT && r->state != SS_RELIABLE_LATE))
    return false;
  return rseq == r->rseq && cseq == s->request->cseq &&
         ss_str_eq(method, SS_STR("INVITE"));
}

/* False: it was refused. */
static bool acknowledges(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  const ss_field *f = ss_message_field(m, SS_FIELD_RACK);
  uint32_t rseq, cseq;
  ss_str method;
  if (!f || ss_rack(f->value, &rseq, &cseq, &method)) {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
    return false;
  }
  if (matches(s, rseq, cseq, method))
    return ss_requests_body(e, server, m);
  e->stats.refused_no_transaction++;
  ss_requests_reply(e, server, 481, SS_STR_NONE);
  return false;
}

void ss_reliable_prack(ss_session *s, ss_server *server, ss_message *m) {
  if (!acknowledges(s, server, m))
    return;
  bool described = ss_body_find(m, SS_STR("application/sdp")).n != 0;
  bool asked = s->media.offering == SS_OFFER_OURS &&
               s->reliable->state == SS_RELIABLE_SENT;
  if (asked && ss_offer_is_answered(s, m)) {
    take_answer(s, server, m);
  } else if (asked) { /* RFC 3262 5: the answer must be in it */
    s->endpoint->stats.refused_syntax++;
    ss_requests_reply(s->endpoint, server, 400, SS_STR_NONE);
  } else if (described) { /* a new offer, which may be refused */
    ss_modify_offered(s, server, m);
    acknowledged(s);
  } else if (respond(s, server)) {
    acknowledged(s);
  }
}

/* --- the final response --------------------------------------------------- */

static const ss_failure too_late = {SS_KIND_OPERATION_FAILURE,
                                    SS_WHY_ALREADY_PARTICIPATING, 0};

void ss_reliable_claimed(ss_session *s) {
  ss_reliable *r = s->reliable;
  if (!r)
    return;
  if (r->state == SS_RELIABLE_DESCRIBING) {
    ss_offer_abandon(s);
    r->state = SS_RELIABLE_IDLE;
  }
  while (r->queued)
    drop_first(r, too_late);
}

bool ss_reliable_precedes(const ss_session *s) {
  const ss_reliable *r = s->reliable;
  if (!r)
    return false;
  return r->state == SS_RELIABLE_SETTLING ||
         (r->state == SS_RELIABLE_SENT && r->carries);
}

int ss_reliable_keep(ss_session *s, const ss_content *content) {
  s->reliable->accept = ss_provisional_new(200, content);
  return s->reliable->accept ? 0 : SS_ENOMEM;
}

void ss_reliable_answered(ss_session *s) {
  ss_reliable *r = s->reliable;
  if (!r || r->state != SS_RELIABLE_SENT)
    return;
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  r->state = SS_RELIABLE_LATE;
  finish(r, too_late);
}

void ss_reliable_abort(ss_session *s) {
  ss_reliable *r = s->reliable;
  ss_provisional *p;
  if (!r)
    return;
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  if (r->state != SS_RELIABLE_LATE)
    r->state = SS_RELIABLE_IDLE;
  r->operation = NULL;
  while ((p = take_first(r)))
    ss_provisional_free(p);
  ss_provisional_free(r->accept);
  r->accept = NULL;
}
