/* The peers of the endpoint target: they remember what they have heard, so
 * that a step can be a message that fits, and change it as the step says. */
#include "endpoint.h"

#include "base/buf.h"
#include "sip/headers.h"

#define TEXT_MAX 16384

static void add(ss_buf *b, const char *text) {
  ss_buf_str(b, ss_str_z(text));
}

static void add_number(ss_buf *b, const char *before, unsigned long n) {
  add(b, before);
  ss_buf_u64(b, n);
}

static ss_str value(const ss_message *m, ss_field_id id) {
  const ss_field *f = ss_message_field(m, id);
  return f ? f->value : SS_STR_NONE;
}

static call *call_of(world *w, const step *s) {
  return &w->call[step_get(s, 'd', 0) % CALLS];
}

static peer *peer_of(world *w, const step *s, long otherwise) {
  return &w->peer[step_get(s, 'p', otherwise) % PEERS];
}

/* The header lines of the step, its body and its end; then its edits. */
static void finish(world *w, const step *s, ss_buf *b) {
  const body *what = body_at(step_get(s, 's', 0));
  char text[2048];
  snprintf(text, sizeof text, what->text, w->branches);
  for (unsigned i = 0; i < s->headers; i++) {
    add(b, header_at(s->header[i]));
    add(b, "\r\n");
  }
  if (s->raw.n) {
    ss_buf_str(b, s->raw);
    add(b, "\r\n");
  }
  long pad = step_get(s, 'l', 0) % TEXT_MAX;
  if (pad)
    add(b, "X: ");
  for (; pad > 0; pad--)
    ss_buf_char(b, pad % 3 ? 'x' : ';');
  if (step_get(s, 'l', 0))
    add(b, "\r\n");
  if (*what->type) {
    add(b, "Content-Type: ");
    add(b, what->type);
    add(b, "\r\n");
  }
  add_number(b, "Content-Length: ", strlen(text));
  add(b, "\r\n\r\n");
  add(b, text);
  for (unsigned i = 0; i < s->edits; i++)
    if (s->edit[i].at < b->n)
      b->p[s->edit[i].at] = (char)s->edit[i].octet;
}

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

/* Over a stream in pieces, where the step says so. */
static void deliver(world *w, peer *p, const step *s, ss_str text,
                    const ss_addr *to) {
  const ss_addr *dest = p->addr.proto == SS_UDP ? &w->udp : &w->tcp;
  peer_open(p); /* it may have gone */
  size_t size = (size_t)step_get(s, 'k', 0);
  if (p->addr.proto == SS_UDP || !size)
    size = text.n;
  if (size < text.n / 16 + 1)
    size = text.n / 16 + 1;
  while (text.n && p->peer) {
    size_t n = size < text.n ? size : text.n;
    ss_mpeer_send(p->peer, to ? to : dest, (ss_str){text.p, n});
    text = (ss_str){text.p + n, text.n - n};
    if (text.n)
      run(w, 1);
  }
}

static bool is(const step *s, const char *method) {
  return ss_str_eq(s->verb, ss_str_z(method));
}

static void put_via(world *w, const step *s, const peer *p, call *c,
                    ss_buf *b) {
  char branch[64];
  bool again = is(s, "CANCEL") || (is(s, "ACK") && c->final >= 300);
  if (step_get(s, 'b', -1) >= 0)
    snprintf(branch, sizeof branch, "z9hG4bKx%ld", step_get(s, 'b', 0));
  else if (again && c->invite[0])
    snprintf(branch, sizeof branch, "%s", c->invite);
  else
    snprintf(branch, sizeof branch, "z9hG4bK%u", w->branches);
  if (is(s, "INVITE"))
    snprintf(c->invite, sizeof c->invite, "%s", branch);
  char host[SS_ADDR_TEXT];
  add(b, p->addr.proto == SS_UDP ? "Via: SIP/2.0/UDP " : "Via: SIP/2.0/TCP ");
  ss_buf_str(b, ss_addr_ip_text(&p->addr, true, host));
  add(b, via_at(step_get(s, 'v', 0)));
  if (step_get(s, 'v', 0) < 6) { /* else as RFC 2543 has it */
    add(b, ";branch=");
    add(b, branch);
  }
  add(b, "\r\n");
}

static void put_parties(const step *s, const call *c, ss_buf *b) {
  long tag = step_get(s, 't', c->established && !is(s, "CANCEL"));
  if (step_get(s, 't', -1) < 0 && !is(s, "INVITE") && !is(s, "CANCEL"))
    tag = c->tag[0] != 0;
  add(b, "From: \"F\" <sip:fuzz@10.0.0.2>");
  if (step_get(s, 'f', 1))
    add_number(b, ";tag=f", (unsigned long)step_get(s, 'f', 1));
  add(b, "\r\nTo: <sip:desk@10.0.0.1>");
  if (tag == 1 && c->tag[0]) {
    add(b, ";tag=");
    add(b, c->tag);
  } else if (tag > 1) {
    add(b, ";tag=another");
  }
  add_number(b, "\r\nCall-ID: ", (unsigned long)step_get(s, 'd', 0) % CALLS);
  add(b, "@fuzz\r\n");
}

static void put_cseq(const step *s, call *c, ss_buf *b) {
  bool of_invite = is(s, "ACK") || is(s, "CANCEL");
  unsigned n = of_invite ? c->inviting : c->cseq + 1;
  if (step_get(s, 'c', -1) >= 0)
    n = (unsigned)step_get(s, 'c', 0);
  if (!of_invite)
    c->cseq = n;
  if (is(s, "INVITE")) {
    c->inviting = n;
    c->final = 0;
  }
  add_number(b, "CSeq: ", n);
  add(b, " ");
  ss_buf_str(b, s->verb);
  add(b, "\r\n");
}

void peer_request(world *w, const step *s) {
  char text[TEXT_MAX];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  call *c = call_of(w, s);
  peer *p = peer_of(w, s, 0);
  if (!s->verb.n)
    return;
  w->branches++;
  ss_buf_str(&b, s->verb);
  add(&b, " ");
  add(&b, uri_at(step_get(s, 'u', 0)));
  add(&b, " SIP/2.0\r\n");
  put_via(w, s, p, c, &b);
  put_parties(s, c, &b);
  put_cseq(s, c, &b);
  add(&b, contact_at(step_get(s, 'o', 0)));
  if (step_get(s, 'r', -1) >= 0) {
    add_number(&b, "RAck: ", c->rseq);
    add_number(&b, " ", c->inviting);
    add(&b, " INVITE\r\n");
  }
  auth_put(&b, s, c, ss_str_z(uri_at(step_get(s, 'u', 0))));
  finish(w, s, &b);
  deliver(w, p, s, ss_buf_view(&b), NULL);
}

void peer_bytes(world *w, const step *s) {
  char text[1024];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_buf_str(&b, s->raw);
  for (long n = step_get(s, 'e', 2) % 8; n > 0; n--)
    add(&b, "\r\n");
  deliver(w, peer_of(w, s, 0), s, ss_buf_view(&b), NULL);
}

/* To a request of ours, all of which it echoes. */
static void respond(world *w, peer *p, const step *s, const ss_message *m,
                    const ss_addr *to) {
  char text[TEXT_MAX];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  add(&b, "SIP/2.0 ");
  ss_buf_str(&b, s->verb);
  add(&b, " X\r\nVia: ");
  ss_buf_str(&b, value(m, SS_FIELD_VIA));
  add(&b, "\r\nFrom: ");
  ss_buf_str(&b, value(m, SS_FIELD_FROM));
  add(&b, "\r\nTo: ");
  ss_buf_str(&b, value(m, SS_FIELD_TO));
  add(&b, "\r\nCall-ID: ");
  ss_buf_str(&b, m->call_id);
  add_number(&b, "\r\nCSeq: ", m->cseq);
  add(&b, " ");
  ss_buf_str(&b, m->method_text);
  add(&b, "\r\n");
  add(&b, contact_at(step_get(s, 'o', 0)));
  finish(w, s, &b);
  deliver(w, p, s, ss_buf_view(&b), p->addr.proto == SS_UDP ? NULL : to);
}

void peer_response(world *w, const step *s) {
  size_t n = (size_t)step_get(s, 'n', 0) % HEARD;
  for (long i = 0; i < PEERS; i++) {
    peer *p = peer_of(w, s, i);
    if (p->heard[n]) {
      respond(w, p, s, p->heard[n], &p->from[n]);
      return;
    }
  }
}

void peer_shut(world *w, const step *s) {
  peer *p = peer_of(w, s, 3);
  if (p->addr.proto != SS_UDP && p->peer)
    ss_mpeer_shut(p->peer, &w->tcp);
}

/* Nobody has its address any more, and its streams are lost. */
void peer_gone(world *w, const step *s) {
  peer *p = peer_of(w, s, 3);
  ss_mpeer_close(p->peer);
  p->peer = NULL;
}

static step automatic(const char *verb, long call_index) {
  step s;
  char text[64];
  snprintf(text, sizeof text, "> %s d%ld", verb, call_index);
  step_parse(ss_str_z(text), &s);
  s.verb = ss_str_z(verb); /* that of `text` ends here */
  return s;
}

static void heard_response(world *w, ss_message *m) {
  const ss_name_addr *to;
  uint32_t rseq;
  long index = m->call_id.n ? m->call_id.p[0] - '0' : -1;
  if (index < 0 || index >= CALLS)
    return;
  call *c = &w->call[index];
  auth_heard(c, m);
  if (m->method != SS_INVITE || m->cseq != c->inviting || ss_message_to(m, &to))
    return;
  if (to->tag.n)
    snprintf(c->tag, sizeof c->tag, "%.*s", (int)to->tag.n, to->tag.p);
  c->final = m->code;
  c->established |= m->code / 100 == 2;
  if (ss_str_u32(value(m, SS_FIELD_RSEQ), UINT32_MAX, &rseq) == 0)
    c->rseq = rseq;
  if (m->code >= 200 && w->automatic & PEER_ACKNOWLEDGES) {
    step s = automatic("ACK", index);
    peer_request(w, &s);
  }
}

static void heard_request(world *w, peer *p, ss_message *m,
                          const ss_addr *from) {
  ss_message_unref(p->heard[HEARD - 1]);
  for (size_t i = HEARD - 1; i > 0; i--) {
    p->heard[i] = p->heard[i - 1];
    p->from[i] = p->from[i - 1];
  }
  p->heard[0] = ss_message_ref(m);
  p->from[0] = *from;
  if (m->method != SS_ACK && w->automatic & PEER_RESPONDS) {
    step s = automatic("200", 0);
    s.letter['s' - 'a'] = m->method == SS_INVITE || m->method == SS_UPDATE;
    respond(w, p, &s, m, from);
  }
}

static void on_heard(void *arg, const ss_addr *from, ss_str text) {
  peer *p = arg;
  ss_message *m;
  ss_limits limits = fuzz_limits();
  if (ss_message_new(&m, text, false, &limits))
    return;
  if (!m->fault && m->is_request)
    heard_request(p->world, p, m, from);
  else if (!m->fault)
    heard_response(p->world, m);
  ss_message_unref(m);
}

void peer_open(peer *p) {
  static const ss_mpeer_handler handler = {on_heard, NULL};
  if (p->peer)
    return;
  int rc = ss_mpeer_open(p->world->memory, &p->addr, &handler, p, &p->peer);
  MUST(rc == 0 || rc == SS_ENOMEM);
}
