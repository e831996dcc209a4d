/* Fuzz target: what is written. A scanned request is answered, and one of ours
 * is made of its values; both must scan, with as many lines as were meant.
 * Behind a line "--" stands what a script says: no byte of it may start a line
 * of its own (CWE-113). */
#include "fuzz.h"

#include "sip/render.h"

#define OUT 32768

typedef struct script {
  ss_fields fields;
  size_t given; /* fields that were taken */
  ss_str reason, content_type, contact, body;
} script;

/* One line each: the reason, the type, the contact, then fields; the rest is
 * the body. What the checks refuse is left out, as the binding does. */
static script script_of(ss_str text) {
  script s = {.fields = SS_FIELDS_NONE};
  ss_str *const value[] = {&s.reason, &s.content_type, &s.contact};
  for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
    ss_str given = fuzz_cut(&text, '\n');
    if (ss_check_text(given) == 0)
      *value[i] = given;
  }
  for (ss_str line = fuzz_cut(&text, '\n'); line.n;
       line = fuzz_cut(&text, '\n')) {
    ss_str name = fuzz_cut(&line, ':');
    s.given += ss_fields_add(&s.fields, name, line) == 0;
  }
  s.body = text;
  return s;
}

/* Our own texts have no limits but these. */
static ss_message *rescan(ss_str text, bool stream) {
  ss_limits wide = {.message_size = OUT,
                    .header_size = OUT,
                    .header_lines = 254,
                    .header_separators = OUT,
                    .all_separators = OUT,
                    .vias = OUT,
                    .routes = OUT,
                    .uri_length = OUT};
  ss_message *m = NULL;
  int rc = ss_message_new(&m, text, stream, &wide);
  return rc ? NULL : m;
}

static size_t count(const ss_message *m, ss_field_id id) {
  size_t n = 0;
  const ss_field *f = ss_message_field(m, id);
  for (; f; f = ss_message_next(m, f))
    n++;
  return n;
}

/* Lines up to the blank one; each ended by CRLF, with no other CR or LF. */
static size_t lines(ss_str text) {
  size_t n = 0;
  for (;;) {
    ss_str line = fuzz_cut(&text, '\n');
    MUST(line.n && line.p[line.n - 1] == '\r');
    line.n--;
    MUST(ss_str_chr(line, '\r') == line.n);
    if (line.n == 0)
      return n;
    n++;
  }
}

static ss_str value_of(const ss_message *m, ss_field_id id) {
  const ss_field *f = ss_message_field(m, id);
  return f ? f->value : SS_STR_NONE;
}

static void same_value(const ss_message *a, const ss_message *b,
                       ss_field_id id) {
  MUST(ss_str_eq(value_of(a, id), value_of(b, id)));
}

/* The answer to a request without a fault. */
static void check_reply(ss_message *request, ss_message *reply,
                        const ss_reply *r) {
  const ss_via *ours, *theirs;
  const ss_name_addr *to;
  MUST(!reply->fault && !reply->is_request && reply->code == r->code);
  same_value(request, reply, SS_FIELD_FROM);
  same_value(request, reply, SS_FIELD_CALL_ID);
  same_value(request, reply, SS_FIELD_CSEQ);
  MUST(ss_str_eq(reply->body, r->body));
  MUST(count(reply, SS_FIELD_VIA) == count(request, SS_FIELD_VIA));
  MUST(ss_message_via(reply, &ours) == 0 &&
       ss_message_via(request, &theirs) == 0);
  MUST(ss_str_eq(ours->branch, theirs->branch));
  MUST(ss_str_ieq(ours->host, theirs->host) && ours->port == theirs->port);
  MUST(ss_message_to(reply, &to) == 0);
  MUST(r->code == 100 || to->tag.n);
}

static void reply_to(ss_message *request, const script *s, unsigned code) {
  ss_addr source;
  char *p = fuzz_buffer(OUT);
  ss_buf b = SS_BUF_ON(p, OUT);
  MUST(ss_addr_parse(&source, SS_STR("udp:192.0.2.9:5062")) == 0);
  ss_reply r = {.code = code,
                .reason = s->reason,
                .source = &source,
                .to_tag = SS_STR("ourtag"),
                .contact = s->contact,
                .record_route = code == 200,
                .server = SS_STR("fuzz"),
                .fields = &s->fields,
                .content_type = s->content_type,
                .body = s->body};
  MUST(ss_render_reply(&b, request, &r) == 0 && !b.full);
  size_t expected =
      2 + count(request, SS_FIELD_VIA) + /* the start, Content-Length */
      !!count(request, SS_FIELD_FROM) + !!count(request, SS_FIELD_TO) +
      !!count(request, SS_FIELD_CALL_ID) + !!count(request, SS_FIELD_CSEQ) +
      (r.record_route ? count(request, SS_FIELD_RECORD_ROUTE) : 0) +
      (code == 100 && count(request, SS_FIELD_TIMESTAMP)) + !!r.contact.n +
      !ss_fields_has(&s->fields, SS_FIELD_SERVER) + s->given +
      (r.body.n && r.content_type.n);
  MUST(lines(ss_buf_view(&b)) == expected);
  /* what a script says may still be a header that is allowed once only */
  ss_message *m = rescan(ss_buf_view(&b), code != 404);
  if (!request->fault && s->given == 0) {
    MUST(m);
    check_reply(request, m, &r);
  }
  ss_message_unref(m);
  free(p);
}

static void into_little(ss_message *request, size_t size) {
  char *p = fuzz_buffer(size);
  ss_buf b = SS_BUF_ON(p, size);
  ss_reply r = {.code = 400, .to_tag = SS_STR("ourtag")};
  MUST(ss_render_reply(&b, request, &r) == 0 || b.full);
  free(p);
}

/* The request that goes back: the parties swapped, to the Contact. */
static void request_back(ss_message *m, const script *s) {
  const ss_name_addr *contact;
  if (ss_message_contact(m, &contact))
    return;
  char *p = fuzz_buffer(OUT);
  ss_buf b = SS_BUF_ON(p, OUT);
  ss_request r = {.method = SS_INVITE,
                  .uri = ss_uri_bare(&contact->uri),
                  .branch = SS_STR("z9hG4bKfuzz"),
                  .from = value_of(m, SS_FIELD_TO),
                  .to = value_of(m, SS_FIELD_FROM),
                  .call_id = m->call_id,
                  .cseq = m->cseq,
                  .contact = SS_STR("<sip:fuzz@192.0.2.1>"),
                  .user_agent = SS_STR("fuzz"),
                  .fields = &s->fields,
                  .content_type = s->content_type,
                  .body = s->body};
  MUST(ss_addr_parse(&r.local, SS_STR("tcp:192.0.2.1:5060")) == 0);
  MUST(ss_render_request(&b, &r) == 0);
  ss_str text = ss_buf_view(&b);
  size_t n = lines(text);
  MUST(n == 10 - ss_fields_has(&s->fields, SS_FIELD_USER_AGENT) + s->given +
                (r.body.n && r.content_type.n));
  ss_message *again = rescan(text, true);
  if (s->given == 0) {
    MUST(again && again->is_request && !again->fault);
    MUST(ss_str_eq(again->uri, r.uri) && ss_str_eq(again->body, r.body));
  }
  ss_message_unref(again);
  char *q = fuzz_buffer(OUT);
  ss_buf ack = SS_BUF_ON(q, OUT);
  MUST(ss_render_ack(&ack, text, r.to) == 0);
  lines(ss_buf_view(&ack));
  free(q);
  free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t before = ss_alloc_alive();
  ss_str text = {(const char *)data, size}, said = SS_STR_NONE;
  const char *cut = memmem(data, size, "\n--\n", 4);
  if (cut) {
    text.n = (size_t)(cut - text.p);
    said = (ss_str){cut + 4, size - text.n - 4};
  }
  ss_message *m;
  ss_limits limits = fuzz_limits();
  if (ss_message_new(&m, text, false, &limits) == 0) {
    script s = script_of(said);
    if (m->is_request) {
      static const unsigned codes[] = {100, 200, 404};
      for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        reply_to(m, &s, codes[i]);
      into_little(m, m->head.n / 2);
      if (!m->fault)
        request_back(m, &s);
    }
    ss_fields_free(&s.fields);
    ss_message_unref(m);
  }
  MUST(ss_alloc_alive() == before);
  return 0;
}
