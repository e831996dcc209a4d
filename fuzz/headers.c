/* Fuzz target: header values. The whole input as a message, of which every
 * value is asked for; then its first line alone, as a value of everything that
 * reads one, and what is behind it as a body. */
#include "fuzz.h"

#include "base/cidr.h"
#include "sip/body.h"
#include "sip/chars.h"
#include "sip/digest.h"
#include "sip/dtmf.h"
#include "sip/event.h"
#include "sip/extension.h"
#include "sip/params.h"
#include "sip/parsed.h"
#include "sip/reason.h"

/* Nothing that could start a header, an address or a parameter of its own. */
static void check_uri(const ss_uri *uri) {
  MUST(uri->scheme.n && ss_str_chr(uri->scheme, ':') == uri->scheme.n);
  MUST(fuzz_clean(uri->text) && fuzz_clean(uri->user) && fuzz_clean(uri->host));
  MUST(fuzz_inside(uri->user, uri->text));
  MUST(fuzz_clean(uri->transport) && fuzz_clean(uri->maddr));
  if (uri->sip)
    MUST(ss_chars_all(uri->host, SS_CHAR_HOST | SS_CHAR_ADDRESS));
  ss_uri_has_headers(uri);
}

static void check_party(const ss_name_addr *a) {
  MUST(fuzz_clean(a->tag));
  MUST(ss_str_chr(a->tag, ' ') == a->tag.n);
  check_uri(&a->uri);
}

static void unescaped(ss_str uri, ss_str name) {
  char *p = fuzz_buffer(64);
  ss_buf b = SS_BUF_ON(p, 64);
  if (ss_uri_header(uri, name, &b) == 0)
    MUST(fuzz_clean(ss_buf_view(&b)));
  else
    MUST(b.n == 0);
  free(p);
}

static void as_uri(ss_str value) {
  ss_arena arena;
  ss_uri uri;
  ss_name_addr party;
  ss_arena_init(&arena, 65536);
  if (ss_uri_parse(&arena, value, &uri) == 0) {
    MUST(fuzz_clean(ss_str_trim(value)));
    check_uri(&uri);
  }
  if (ss_name_addr_parse(&arena, value, &party) == 0 && fuzz_clean(value)) {
    check_party(&party);
    unescaped(party.uri.text, SS_STR("Replaces"));
  }
  unescaped(value, SS_STR("Replaces"));
  unescaped(value, SS_STR("Subject"));
  ss_arena_free(&arena);
}

static void parts_of(ss_str type, ss_str body) {
  ss_str boundary, part_type, part;
  size_t total = 0;
  if (!ss_parameter(type, SS_STR("boundary"), &boundary))
    boundary = SS_STR("b");
  ss_str rest = body;
  size_t lines = 1000;
  while (ss_multipart_next(&rest, &lines, boundary, &part_type, &part)) {
    MUST(fuzz_inside(part, body));
    MUST(fuzz_inside(part_type, body) ||
         ss_str_eq(part_type, SS_STR("text/plain")));
    MUST((total += part.n) <= body.n);
    ss_media_type(part_type);
  }
}

static void as_params(ss_str value) {
  ss_param param;
  ss_str rest = value, found;
  while (ss_param_next(&rest, &param) > 0) {
    MUST(fuzz_inside(param.text, value) && fuzz_inside(param.name, param.text));
    MUST(fuzz_inside(param.value, param.text) && param.name.n);
  }
  MUST(fuzz_inside(rest, value));
  if (ss_parameter(value, SS_STR("reason"), &found))
    MUST(fuzz_inside(found, value));
  MUST(fuzz_inside(ss_media_type(value), value));
  MUST(ss_quoted(value) <= value.n);
}

static void as_value(ss_str value) {
  uint32_t seconds, rseq, cseq;
  ss_refresher refresher;
  ss_str a = SS_STR_NONE, b = SS_STR_NONE;
  bool terminated;
  as_uri(value);
  as_params(value);
  ss_session_expires(value, &seconds, &refresher);
  ss_min_se(value, &seconds);
  ss_retry_after(value, &seconds);
  ss_cidr network;
  ss_cidr_parse(&network, value);
  if (ss_rack(value, &rseq, &cseq, &a) == 0)
    MUST(fuzz_inside(a, value) && ss_str_is_token(a));
  if (ss_event(value, &a, &b) == 0)
    MUST(fuzz_inside(a, value) && a.n && fuzz_inside(b, value));
  if (ss_subscription_state(value, &terminated, &a) == 0)
    MUST(fuzz_inside(a, value));
  ss_str rest = value;
  size_t elements = 0;
  while (ss_str_element(&rest, &a)) {
    MUST(fuzz_inside(a, value));
    MUST(elements++ <= value.n);
  }
}

static void as_body(ss_str type, ss_str body) {
  char digit;
  uint32_t ms;
  unsigned code;
  ss_str reason = SS_STR_NONE;
  if (ss_dtmf(type, body, &digit, &ms) == 0)
    MUST(strchr("0123456789ABCD*#!", digit) && digit);
  ss_dtmf(SS_STR("application/dtmf-relay"), body, &digit, &ms);
  ss_dtmf(SS_STR("application/dtmf"), body, &digit, &ms);
  if (ss_sipfrag(body, &code, &reason) == 0)
    MUST(code >= 100 && code <= 699 && fuzz_inside(reason, body));
  parts_of(type, body);
}

static void every_value(ss_message *m) {
  const ss_name_addr *party;
  const ss_via *via;
  const ss_uri *uri;
  ss_reason reason;
  if (ss_message_from(m, &party) == 0)
    check_party(party);
  if (ss_message_to(m, &party) == 0)
    check_party(party);
  if (ss_message_contact(m, &party) == 0)
    check_party(party);
  if (ss_message_request_uri(m, &uri) == 0)
    check_uri(uri);
  if (ss_message_via(m, &via) == 0)
    MUST(ss_chars_all(via->host, SS_CHAR_HOST | SS_CHAR_ADDRESS) &&
         ss_str_is_token(via->protocol) && fuzz_clean(via->branch));
  if (ss_message_reason(m, &reason) == 0)
    MUST(reason.protocol.n && fuzz_clean(reason.text));
  ss_digest digest;
  if (ss_digest_find(m, SS_STR("fuzz"), &digest) == 0)
    MUST(fuzz_clean(digest.user) && fuzz_clean(digest.nonce) &&
         fuzz_clean(digest.cnonce) && digest.algorithm < SS_ALGORITHMS &&
         digest.nc_text.n == 8);
  for (unsigned i = 1; i < m->fields; i++)
    as_value(m->field[i].value);
  ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("100rel"));
  ss_message_lists(m, SS_FIELD_ALLOW, SS_STR("UPDATE"));
}

static void whole_message(ss_str text, const ss_limits *limits) {
  ss_message *m;
  if (ss_message_new(&m, text, false, limits))
    return;
  if (!m->fault) {
    every_value(m);
    ss_str found = ss_body_find(m, SS_STR("application/sdp"));
    MUST(fuzz_inside(found, m->body));
    ss_body_understood(m, SS_STR("application/sdp, text/plain"));
    ss_body_taken(m, SS_STR("application/sdp, text/plain"));
    const ss_field *type = ss_message_field(m, SS_FIELD_CONTENT_TYPE);
    as_body(type ? type->value : SS_STR_NONE, m->body);
  }
  ss_message_unref(m);
}

#define PARTIES "<sip:a@b>\r\nTo: <sip:c@d>\r\nVia: SIP/2.0/UDP h\r\n"

/* A good message with one value that may be anything, in each place. */
static void in_messages(ss_str value, const ss_limits *limits) {
  static const char *const formats[] = {
      "%s<sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nVia: SIP/2.0/UDP h\r\n",
      "<sip:a@b>\r\nTo: %s\r\nVia: SIP/2.0/UDP h\r\n",
      "<sip:a@b>\r\nTo: <sip:c@d>\r\nVia: %s\r\n",
      PARTIES "Contact: %s\r\n",
      PARTIES "Reason: %s\r\n",
      PARTIES "Authorization: %s\r\n",
  };
  char start[1200], text[2000];
  if (value.n > 1000)
    return;
  snprintf(start, sizeof start, "%.*s", (int)value.n, value.p);
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    int n = snprintf(text, sizeof text,
                     "INVITE sip:a@b SIP/2.0\r\n"
                     "Call-ID: 1\r\nCSeq: 1 INVITE\r\nFrom: ");
    n += snprintf(text + n, sizeof text - (size_t)n, formats[i], start);
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
    whole_message((ss_str){text, (size_t)n}, limits);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t before = ss_alloc_alive();
  ss_limits limits = fuzz_limits();
  ss_str body = {(const char *)data, size};
  whole_message(body, &limits);
  ss_str value = fuzz_cut(&body, '\n');
  as_value(value);
  as_body(value, body);
  in_messages(value, &limits);
  MUST(ss_alloc_alive() == before);
  return 0;
}
