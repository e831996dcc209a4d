/* Their REFER in a call (RFC 3515): told to the script, which answers it, and
 * the subscription that this makes: NOTIFYs with a status line, one after the
 * other, until a final one, or 60 s have passed. It outlives the call (RFC 5057
 * 4): whoever refers us may hang up at once. Following the REFER is the
 * script's own business. Ours are in subscription.c. */
#include "ua/ua.h"

#include "base/alloc.h"

#define LIFETIME 60 /* s; what the first NOTIFY says */
#define REASON_MAX 512

struct ss_referral {
  uint32_t refs;
  ss_list node;        /* in session->referrals */
  ss_session *session; /* NULL: the subscription is over */
  uint32_t id;         /* the CSeq of the REFER */
  bool first;          /* in this dialog */
  bool ending;         /* the last NOTIFY is on its way, or will be */
  unsigned code;       /* told last */
  ss_timer expiry;
  ss_client *client; /* of the first notice */
  ss_list notices;
};

/* A NOTIFY that waits for its turn, or for its answer. */
typedef struct notice {
  ss_list node;
  ss_operation *operation; /* NULL: the library's own */
  const char *end;         /* why it is the last one; NULL: it is not */
  size_t n;
  char body[];
} notice;

ss_referral *ss_referral_ref(ss_referral *r) {
  r->refs++;
  return r;
}

void ss_referral_unref(ss_referral *r) {
  if (r && !--r->refs)
    ss_free(r);
}

/* --- the end -------------------------------------------------------------- */

static void drop_notice(notice *n) {
  ss_list_remove(&n->node);
  ss_free(n);
}

static void over(ss_referral *r, ss_failure why) {
  ss_session *s = r->session;
  if (!s)
    return;
  ss_loop_timer_stop(s->endpoint->loop, &r->expiry);
  if (r->client)
    ss_client_abandon(r->client);
  r->client = NULL;
  while (!ss_list_empty(&r->notices)) {
    notice *n = SS_CONTAINER(r->notices.next, notice, node);
    if (n->operation)
      ss_operation_end(n->operation, why, NULL);
    drop_notice(n);
  }
  r->session = NULL;
  ss_list_remove(&r->node);
  s->referred--;
  ss_loop_defer(s->endpoint->loop, &s->job); /* it may have waited for this */
  ss_referral_unref(r);
}

static const ss_failure unsubscribed = {SS_KIND_INVALID_OPERATION,
                                        SS_WHY_UNSUBSCRIBED, 0};

/* --- NOTIFY --------------------------------------------------------------- */

static notice *notice_new(unsigned code, ss_str reason, const char *end) {
  if (!reason.n)
    reason = ss_code_reason(code);
  size_t size = reason.n + sizeof "SIP/2.0 xxx \r\n";
  notice *n = ss_alloc(sizeof *n + size);
  if (!n)
    return NULL;
  ss_buf b = SS_BUF_ON(n->body, size);
  ss_buf_lit(&b, "SIP/2.0 ");
  ss_buf_u64(&b, code);
  ss_buf_char(&b, ' ');
  ss_buf_str(&b, reason);
  ss_buf_lit(&b, "\r\n");
  n->n = b.n;
  n->end = end;
  return n;
}

static uint64_t seconds_left(const ss_referral *r) {
  uint64_t now = ss_loop_now(r->session->endpoint->loop);
  return r->expiry.due > now ? (r->expiry.due - now + 999) / 1000 : 0;
}

/* RFC 3515 2.4.6: with an id, but for the first REFER in a dialog. */
static void put_lines(const ss_referral *r, const notice *n, ss_buf *b) {
  ss_buf_lit(b, "Event: refer");
  if (!r->first) {
    ss_buf_lit(b, ";id=");
    ss_buf_u64(b, r->id);
  }
  ss_buf_lit(b, "\r\nSubscription-State: ");
  if (n->end) {
    ss_buf_lit(b, "terminated;reason=");
    ss_buf_str(b, ss_str_z(n->end));
  } else {
    ss_buf_lit(b, "active;expires=");
    ss_buf_u64(b, seconds_left(r));
  }
  ss_buf_lit(b, "\r\n");
}

static void on_answered(void *arg, int rc, ss_message *response);

static void send_next(ss_referral *r) {
  if (r->client || ss_list_empty(&r->notices))
    return;
  notice *n = SS_CONTAINER(r->notices.next, notice, node);
  char lines[128];
  ss_buf b = SS_BUF_ON(lines, sizeof lines);
  put_lines(r, n, &b);
  ss_content content = {.content_type = SS_STR("message/sipfrag;version=2.0"),
                        .body = {n->body, n->n}};
  ss_sending q = {.method = SS_NOTIFY,
                  .contact = true,
                  .own = ss_buf_view(&b),
                  .content = &content};
  int rc = ss_send_request(r->session, &q, on_answered, r, &r->client);
  if (!rc)
    return;
  r->session->endpoint->stats.send_errors++;
  over(r, (ss_failure){SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, rc});
}

/* RFC 6665 4.2.2, RFC 5057 5.1: whatever refuses a NOTIFY ends the
 * subscription, and the call goes on. */
static void on_answered(void *arg, int rc, ss_message *response) {
  ss_referral *r = arg;
  notice *n = SS_CONTAINER(r->notices.next, notice, node);
  ss_operation *o = n->operation;
  bool taken = !rc && response->code < 300;
  bool goes_on = taken && !n->end;
  r->client = NULL;
  drop_notice(n);
  if (o && taken)
    ss_operation_end(o, SS_SUCCESS, NULL);
  else if (o)
    ss_operation_answered(o, rc, response, false);
  if (goes_on)
    send_next(r);
  else
    over(r, unsubscribed);
}

static void add(ss_referral *r, notice *n, unsigned code) {
  r->code = code;
  r->ending = n->end != NULL;
  ss_list_append(&r->notices, &n->node);
  send_next(r);
}

/* The library ends it. */
static void finish(ss_referral *r, unsigned code, const char *why) {
  if (r->ending)
    return;
  notice *n = notice_new(code, SS_STR_NONE, why);
  if (n)
    add(r, n, code);
  else
    over(r, unsubscribed);
}

static void on_expiry(ss_timer *timer) {
  ss_referral *r = SS_CONTAINER(timer, ss_referral, expiry);
  finish(r, r->code, "timeout");
}

ss_failure ss_referral_notify(ss_referral *r, unsigned code, ss_str reason,
                              ss_operation **out) {
  ss_failure f = {SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM};
  if (!r->session || r->ending)
    return unsubscribed;
  if (reason.n > REASON_MAX) {
    f.rc = SS_EFULL;
    return f;
  }
  notice *n = notice_new(code, reason, code >= 200 ? "noresource" : NULL);
  if (!n)
    return f;
  n->operation = ss_operation_new(r->session);
  if (!n->operation) {
    ss_free(n);
    return f;
  }
  n->operation->lasting = true;
  *out = n->operation;
  add(r, n, code);
  return SS_SUCCESS;
}

/* --- REFER ---------------------------------------------------------------- */

/* RFC 3515 2.4.2: one Refer-To, which is a URI; what its headers escape must
 * be fit for a header. */
static bool is_refer(ss_endpoint *e, ss_message *m) {
  ss_elements all = ss_message_elements(m, SS_FIELD_REFER_TO);
  ss_str value, more;
  ss_name_addr who;
  if (!ss_elements_next(&all, &value) || ss_elements_next(&all, &more) ||
      ss_name_addr_parse(&m->arena, value, &who))
    return false;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  int rc = ss_uri_header(who.uri.text, SS_STR("Replaces"), &b);
  return rc == 0 || rc == SS_ENOTFOUND;
}

void ss_refer_received(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  if (!is_refer(e, m)) {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
    return;
  }
  if (s->phase != SS_PHASE_ESTABLISHED) { /* the call comes first */
    ss_requests_reply(e, server, 491, SS_STR_NONE);
    return;
  }
  if (!s->refer_known) {
    s->refer_known = true;
    s->first_refer = m->cseq;
  }
  if (s->referred >= e->limits.dialog_requests) {
    e->stats.refused_overload++;
    ss_requests_reply(e, server, 503, SS_RETRY_LATER);
    return;
  }
  ss_inbound_received(s, server, m);
}

/* RFC 4488 4: "Refer-Sub: false" */
bool ss_refer_unsubscribed(const ss_message *m) {
  const ss_field *f = ss_message_named(m, SS_STR("Refer-Sub"), NULL);
  if (!f)
    return false;
  ss_str value = {f->value.p, ss_str_chr(f->value, ';')};
  return ss_str_ieq(ss_str_trim(value), SS_STR("false"));
}

static void begin(ss_referral *r, ss_session *s, notice *trying) {
  r->session = s;
  ss_referral_ref(r);
  ss_list_append(&s->referrals, &r->node);
  s->referred++;
  ss_loop_timer(s->endpoint->loop, &r->expiry, LIFETIME * UINT64_C(1000));
  add(r, trying, 100);
}

ss_failure ss_referral_accept(ss_inbound *i, const ss_fields *fields,
                              ss_referral **out) {
  ss_session *s = i->session;
  ss_content content = {.fields = fields};
  ss_failure f = {SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM};
  bool alone = ss_refer_unsubscribed(i->request);
  notice *n = alone ? NULL : notice_new(100, SS_STR_NONE, NULL);
  ss_referral *r = ss_alloc(sizeof *r);
  if (r && (n || alone))
    f = ss_inbound_answer(i, alone ? 200 : 202,
                          alone ? SS_STR("Refer-Sub: false\r\n") : SS_STR_NONE,
                          &content);
  if (f.kind != SS_KIND_NONE) {
    ss_free(n);
    ss_free(r);
    return f;
  }
  r->refs = 1;
  r->id = i->request->cseq;
  r->first = r->id == s->first_refer;
  r->expiry.fn = on_expiry;
  ss_list_init(&r->notices);
  *out = r;
  if (n)
    begin(r, s, n);
  return SS_SUCCESS;
}

/* --- the session ---------------------------------------------------------- */

void ss_refer_close(ss_session *s) {
  ss_list *node = s->referrals.next, *next;
  for (; node != &s->referrals; node = next) {
    next = node->next; /* it may leave the list */
    finish(SS_CONTAINER(node, ss_referral, node), 503, "noresource");
  }
}

void ss_refer_forget(ss_session *s) {
  ss_failure f = {SS_KIND_OPERATION_FAILURE, SS_WHY_ENDPOINT_CLOSED, 0};
  while (!ss_list_empty(&s->referrals))
    over(SS_CONTAINER(s->referrals.next, ss_referral, node), f);
}
