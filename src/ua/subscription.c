/* Our REFER in a call (RFC 3515), and the subscription it makes: the NOTIFYs
 * that tell what becomes of it, which may come before its answer and after the
 * call's end (RFC 5057 4). No other events are subscribed to. */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/event.h"

#define LIFETIME 180 /* s; where the other side doesn't say */
#define LIFETIME_MAX 3600

struct ss_subscription {
  ss_list node; /* in session->subscriptions */
  ss_session *session;
  uint32_t id;             /* the CSeq of the REFER */
  bool first;              /* in this dialog: its NOTIFYs need no id */
  ss_operation *operation; /* until it is answered, or the call has ended */
  ss_client *client;       /* until it is answered */
  ss_timer expiry;
  bool done; /* the last NOTIFY came before the answer */
};

static void over(ss_subscription *u) {
  ss_session *s = u->session;
  ss_endpoint *e = s->endpoint;
  ss_loop_timer_stop(e->loop, &u->expiry);
  if (u->client)
    ss_client_abandon(u->client);
  ss_list_remove(&u->node);
  s->referred--;
  ss_free(u);
  if (s->phase == SS_PHASE_OVER && ss_list_empty(&s->subscriptions))
    ss_dialog_remove(e, &s->dialog);
  ss_loop_defer(e->loop, &s->job); /* it may have waited for this */
}

/* Nobody tells us any more (RFC 6665 4.1.2.4: timer N, and others). */
static void on_expiry(ss_timer *timer) {
  ss_subscription *u = SS_CONTAINER(timer, ss_subscription, expiry);
  if (!u->client) /* else its answer is to come, which has a time of its own */
    over(u);
}

/* --- REFER ---------------------------------------------------------------- */

static void on_answered(void *arg, int rc, ss_message *response) {
  ss_subscription *u = arg;
  ss_operation *o = u->operation;
  ss_endpoint *e = u->session->endpoint;
  u->client = NULL;
  u->operation = NULL;
  if (rc || response->code >= 300 || u->done || ss_refer_unsubscribed(response))
    over(u);
  else if (!ss_timer_active(&u->expiry))
    ss_loop_timer(e->loop, &u->expiry, (uint64_t)64 * e->t1);
  if (o)
    ss_operation_answered(o, rc, response, true);
}

/* RFC 3891 3: of the dialog as the one sees it who gets the INVITE. */
static void put_replaces(ss_buf *b, const ss_session *other) {
  ss_uri_escape(b, other->dialog.call_id);
  ss_uri_escape(b, SS_STR(";to-tag="));
  ss_uri_escape(b, other->dialog.remote_tag);
  ss_uri_escape(b, SS_STR(";from-tag="));
  ss_uri_escape(b, ss_dialog_local_tag(&other->dialog));
}

static void put_lines(const ss_endpoint *e, const ss_refer *q, ss_buf *b) {
  ss_buf_lit(b, "Refer-To: <");
  ss_buf_str(b, q->target);
  if (q->replaces) {
    bool more = ss_str_chr(q->target, '?') < q->target.n;
    ss_buf_char(b, more ? '&' : '?');
    ss_buf_lit(b, "Replaces=");
    put_replaces(b, q->replaces);
  }
  ss_buf_lit(b, ">\r\n");
  if (!q->anonymous) {
    ss_buf_lit(b, "Referred-By: ");
    if (q->referred_by.n) {
      ss_buf_str(b, q->referred_by);
    } else {
      ss_buf_char(b, '<');
      ss_buf_str(b, ss_str_z(e->uri));
      ss_buf_char(b, '>');
    }
    ss_buf_lit(b, "\r\n");
  }
  if (q->unsubscribed)
    ss_buf_lit(b, "Refer-Sub: false\r\n");
  ss_buf_lit(b, "Supported: norefersub\r\n");
}

static ss_subscription *begin(ss_session *s) {
  ss_subscription *u = ss_alloc(sizeof *u);
  if (!u)
    return NULL;
  u->operation = ss_operation_new(s);
  if (!u->operation) {
    ss_free(u);
    return NULL;
  }
  u->session = s;
  u->first = !s->refer_sent;
  u->expiry.fn = on_expiry;
  ss_list_append(&s->subscriptions, &u->node);
  s->referred++;
  return u;
}

ss_failure ss_session_refer(ss_session *s, const ss_refer *q,
                            ss_operation **out) {
  if (s->phase != SS_PHASE_ESTABLISHED)
    return ss_session_not_connected(s);
  if (q->replaces && q->replaces->phase != SS_PHASE_ESTABLISHED)
    return ss_session_not_connected(q->replaces);
  ss_subscription *u = begin(s);
  if (!u)
    return (ss_failure){SS_KIND_OPERATION_FAILURE, SS_WHY_NONE, SS_ENOMEM};
  char lines[8192];
  ss_buf b = SS_BUF_ON(lines, sizeof lines);
  put_lines(s->endpoint, q, &b);
  ss_content content = {.fields = q->fields};
  ss_sending r = {.method = SS_REFER,
                  .contact = true,
                  .own = ss_buf_view(&b),
                  .content = &content};
  int rc =
      b.full ? SS_EFULL : ss_send_request(s, &r, on_answered, u, &u->client);
  if (rc) {
    ss_operation_drop(u->operation);
    over(u);
    return (ss_failure){SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE, rc};
  }
  s->refer_sent = true;
  u->id = s->dialog.local_cseq;
  *out = u->operation;
  return SS_SUCCESS;
}

/* --- NOTIFY --------------------------------------------------------------- */

/* RFC 3515 2.4.6: by the id, or without one the first in the dialog; else,
 * for those who leave it out, the oldest. */
static ss_subscription *find(ss_session *s, ss_str id) {
  uint32_t number = 0;
  if (ss_list_empty(&s->subscriptions) ||
      (id.n && ss_str_u32(id, UINT32_MAX, &number)))
    return NULL;
  for (ss_list *n = s->subscriptions.next; n != &s->subscriptions;
       n = n->next) {
    ss_subscription *u = SS_CONTAINER(n, ss_subscription, node);
    if (id.n ? u->id == number : u->first)
      return u;
  }
  return id.n ? NULL
              : SS_CONTAINER(s->subscriptions.next, ss_subscription, node);
}

/* What a NOTIFY says. */
typedef struct news {
  bool terminated;
  unsigned code; /* 0: nothing */
  uint32_t expires;
} news;

static int read_state(const ss_message *m, news *out) {
  const ss_field *f = ss_message_named(m, SS_STR("Subscription-State"), NULL);
  ss_str reason, expires;
  if (!f || ss_subscription_state(f->value, &out->terminated, &reason))
    return SS_ESYNTAX;
  out->expires = LIFETIME;
  if (ss_parameter(f->value, SS_STR("expires"), &expires) &&
      ss_str_u32(expires, LIFETIME_MAX, &out->expires) == SS_ELIMIT)
    out->expires = LIFETIME_MAX;
  return 0;
}

/* 0, or what to refuse it with. */
static unsigned read_news(ss_message *m, news *out) {
  const ss_field *type = ss_message_field(m, SS_FIELD_CONTENT_TYPE);
  ss_str reason;
  *out = (news){0};
  if (read_state(m, out))
    return 400;
  if (!m->body.n) /* RFC 6665 4.2.2: the last one needs none */
    return out->terminated ? 0 : 400;
  if (!type ||
      !ss_media_type_eq(ss_media_type(type->value), SS_STR("message/sipfrag")))
    return 415;
  return ss_sipfrag(m->body, &out->code, &reason) ? 400 : 0;
}

/* The line that goes with a refusal. */
static ss_str line_of(unsigned code) {
  switch (code) {
  case 415:
    return SS_STR("Accept: message/sipfrag\r\n");
  case 489:
    return SS_STR("Allow-Events: refer\r\n");
  case 503:
    return SS_STR("Retry-After: 1\r\n");
  default:
    return SS_STR_NONE;
  }
}

static void refuse(ss_endpoint *e, ss_server *server, unsigned code) {
  e->stats.refused_syntax += code == 400;
  e->stats.refused_media_type += code == 415;
  e->stats.refused_no_dialog += code == 481;
  e->stats.refused_overload += code == 503;
  ss_requests_reply(e, server, code, line_of(code));
}

void ss_subscription_notified(ss_session *s, ss_server *server, ss_message *m) {
  ss_endpoint *e = s->endpoint;
  const ss_field *event = ss_message_field(m, SS_FIELD_EVENT);
  ss_str package, id;
  news got;
  if (!event || ss_event(event->value, &package, &id)) {
    refuse(e, server, 400);
    return;
  }
  if (!ss_str_ieq(package, SS_STR("refer"))) {
    refuse(e, server, 489);
    return;
  }
  ss_subscription *u = find(s, id);
  unsigned code = u ? read_news(m, &got) : 481;
  if (!code && s->inbounds >= e->limits.dialog_requests)
    code = 503;
  if (code) {
    refuse(e, server, code);
    return;
  }
  ss_requests_reply(e, server, 200, SS_STR_NONE);
  ss_inbound_notice(s, m);
  u->done = got.terminated || got.code >= 200;
  if (!u->done)
    ss_loop_timer(e->loop, &u->expiry, (uint64_t)got.expires * 1000);
  else if (!u->client)
    over(u);
}

void ss_subscription_refused(ss_endpoint *e, ss_server *server) {
  refuse(e, server, 489);
}

/* --- the session ---------------------------------------------------------- */

void ss_subscriptions_stop(ss_session *s) {
  for (ss_list *n = s->subscriptions.next; n != &s->subscriptions; n = n->next)
    SS_CONTAINER(n, ss_subscription, node)->operation = NULL;
}

void ss_subscriptions_forget(ss_session *s) {
  while (!ss_list_empty(&s->subscriptions))
    over(SS_CONTAINER(s->subscriptions.next, ss_subscription, node));
}
