/* Fuzz target: the scanner. Bytes as a datagram and as a message cut from a
 * stream. What is let through obeys message.h, whatever the bytes are. */
#include "fuzz.h"

#include "sip/chars.h"
#include "sip/headers.h"

/* RFC 3261 25.1: a quoted-pair may be a control, but no line end. */
static bool escaped_only(ss_str value) {
  for (size_t i = 0; i < value.n; i++) {
    char c = value.p[i];
    if (c == '\r' || c == '\n')
      return false;
    if (ss_char_is(c, SS_CHAR_CONTROL) && (i == 0 || value.p[i - 1] != '\\'))
      return false;
  }
  return true;
}

static void check_field(const ss_message *m, const ss_field *f) {
  MUST(f->name_n && ss_str_is_token(ss_field_written(f)));
  MUST(fuzz_inside(ss_field_written(f), m->head) &&
       fuzz_inside(f->value, m->head));
  MUST(escaped_only(f->value));
  MUST(ss_str_chr(f->value, '\t') == f->value.n);
  MUST(ss_str_trim(f->value).n == f->value.n);
  MUST(f->id < SS_FIELD_COUNT && f->id == ss_field_lookup(ss_field_written(f)));
  MUST(f->next == 0 || (m->field + f->next > f && f->next < m->fields));
}

/* Every field is in the chain of its id, once, and is found by its name. */
static void check_chains(const ss_message *m) {
  size_t reached = 0;
  for (unsigned id = 0; id < SS_FIELD_COUNT; id++) {
    const ss_field *f = ss_message_field(m, (ss_field_id)id);
    for (; f; f = ss_message_next(m, f)) {
      MUST(f->id == id);
      reached++;
    }
    ss_elements e = ss_message_elements(m, (ss_field_id)id);
    ss_str element;
    while (ss_elements_next(&e, &element))
      MUST(element.n && fuzz_inside(element, m->head));
  }
  MUST(reached + 1 == m->fields);
  for (unsigned i = 1; i < m->fields; i++)
    MUST(ss_message_named(m, ss_field_written(&m->field[i]), NULL) != NULL);
}

/* What a reply echoes stands on one line each, whatever is wrong with it. */
static void check_echoed(const ss_message *m) {
  MUST(m->is_request);
  MUST(m->fault >= 400 && m->fault < 700 && m->fault_reason.n);
  MUST(ss_message_field(m, SS_FIELD_VIA) && m->method != SS_ACK);
}

static void check_good(ss_message *m) {
  const ss_name_addr *party;
  const ss_via *via;
  MUST(fuzz_clean(m->method_text));
  MUST(ss_str_is_token(m->method_text));
  MUST(ss_method_lookup(m->method_text) == m->method);
  MUST(m->cseq <= INT32_MAX);
  MUST(m->call_id.n);
  MUST(ss_message_from(m, &party) == 0 && ss_message_to(m, &party) == 0);
  MUST(ss_message_via(m, &via) == 0 && via->host.n);
  if (m->is_request)
    MUST(m->uri.n && ss_str_chr(m->uri, ' ') == m->uri.n);
  else
    MUST(m->code >= 100 && m->code <= 699);
}

static void check(ss_message *m, ss_str text) {
  MUST(m->refs == 1);
  MUST(m->text.n <= text.n && m->head.n <= m->text.n);
  MUST(fuzz_inside(m->body, m->text));
  MUST(fuzz_inside(m->method_text, m->head));
  MUST(fuzz_inside(m->uri, m->head) && fuzz_inside(m->reason, m->head));
  MUST(fuzz_inside(m->call_id, m->head));
  for (unsigned i = 1; i < m->fields; i++)
    check_field(m, &m->field[i]);
  check_chains(m);
  if (m->fault)
    check_echoed(m);
  else
    check_good(m);
}

static ss_message *scan(ss_str text, bool stream, const ss_limits *limits) {
  ss_message *m = NULL;
  int rc = ss_message_new(&m, text, stream, limits);
  MUST((rc == 0) == (m != NULL));
  MUST(rc == 0 || rc == SS_ESYNTAX || rc == SS_ELIMIT);
  if (m)
    check(m, text);
  return m;
}

/* A second scan of what the first one kept says the same. */
static void check_again(const ss_message *m, const ss_limits *limits) {
  ss_message *again = scan(m->text, false, limits);
  MUST(again && again->fault == m->fault && again->fields == m->fields);
  MUST(again->body.n == m->body.n);
  ss_message_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ss_str text = {(const char *)data, size};
  size_t before = ss_alloc_alive();
  ss_limits limits = fuzz_limits();
  ss_message *datagram = scan(text, false, &limits);
  ss_message *stream = scan(text, true, &limits);
  if (stream && !stream->fault) {
    MUST(datagram && !datagram->fault);
    MUST(datagram->body.n == stream->body.n);
  }
  if (datagram && !datagram->over)
    check_again(datagram, &limits);
  ss_message_unref(datagram);
  ss_message_unref(stream);
  /* and where hardly anything is allowed */
  limits.message_size = 1024;
  limits.header_size = 512;
  limits.header_lines = limits.header_separators = limits.vias = 8;
  limits.all_separators = 16;
  limits.uri_length = 40;
  ss_message_unref(scan(text, false, &limits));
  MUST(ss_alloc_alive() == before);
  return 0;
}
