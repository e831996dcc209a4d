/* The second half of the scan: the rules between and inside header fields that
 * decide whether a message can be used (RFC 3261 8.1.1, 8.2.2, 16.3, 18.3,
 * 20). Numbers are read strictly and never wrap. What concerns only one method
 * or one extension is left to the floors above. */
#include "base/error.h"
#include "sip/chars.h"
#include "sip/parsed.h"
#include "sip/scan.h"

static void mandatory(ss_scan *s) {
  static const struct {
    ss_field_id id;
    const char *reason;
  } need[] = {
      {SS_FIELD_VIA, "Bad Request: no Via"},
      {SS_FIELD_FROM, "Bad Request: no From"},
      {SS_FIELD_TO, "Bad Request: no To"},
      {SS_FIELD_CALL_ID, "Bad Request: no Call-ID"},
      {SS_FIELD_CSEQ, "Bad Request: no CSeq"},
  };
  for (size_t i = 0; i < sizeof need / sizeof *need; i++) {
    if (s->m->first[need[i].id])
      continue;
    ss_scan_fault(s, 400, need[i].reason);
    /* RFC 4475 3.3.1: answered with what there is, if there is a way back;
     * but not where a limit has cut it off */
    s->mute |= need[i].id == SS_FIELD_VIA || s->m->over;
  }
}

/* RFC 3261 20.8: one word, or two joined by "@"; only what would break our
 * own lines and look-ups is refused. */
static void call_id(ss_scan *s) {
  const ss_field *f = ss_message_field(s->m, SS_FIELD_CALL_ID);
  if (!f)
    return;
  s->m->call_id = f->value;
  if (f->value.n == 0 || ss_str_chr(f->value, ' ') < f->value.n)
    ss_scan_fault(s, 400, "Bad Request: malformed Call-ID");
}

/* RFC 3261 8.1.1.5, 20.16: less than 2^31, LWS, the method of the request. */
static void cseq(ss_scan *s) {
  ss_message *m = s->m;
  const ss_field *f = ss_message_field(m, SS_FIELD_CSEQ);
  if (!f)
    return;
  ss_str number = {f->value.p, ss_str_chr(f->value, ' ')};
  ss_str method = ss_str_trim(ss_str_from(f->value, number.n));
  int rc = ss_str_u32(number, INT32_MAX, &m->cseq);
  if (rc == SS_ELIMIT)
    ss_scan_fault(s, 400, "Bad Request: CSeq number too large");
  else if (rc)
    ss_scan_fault(s, 400, "Bad Request: malformed CSeq");
  else if (m->is_request && ss_str_eq(method, m->method_text))
    return; /* the start line's has been looked at */
  else if (!ss_str_is_token(method))
    ss_scan_fault(s, 400, "Bad Request: malformed CSeq");
  else if (m->is_request)
    ss_scan_fault(s, 400, "Bad Request: CSeq method differs");
  if (!m->is_request) {
    m->method_text = method;
    m->method = ss_method_lookup(method);
  }
}

/* Header fields that are one number, as far as any of ours relies on it. An
 * Expires that is a date comes from RFC 2543 callers and means nothing. */
static void numbers(ss_scan *s) {
  static const struct {
    ss_field_id id;
    uint32_t max;
    const char *reason;
  } number[] = {
      {SS_FIELD_MAX_FORWARDS, 255, "Bad Request: malformed Max-Forwards"},
      {SS_FIELD_EXPIRES, UINT32_MAX, "Bad Request: malformed Expires"},
      {SS_FIELD_RSEQ, UINT32_MAX, "Bad Request: malformed RSeq"},
  };
  for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
    const ss_field *f = ss_message_field(s->m, number[i].id);
    uint32_t value;
    if (!f || ss_str_u32(f->value, number[i].max, &value) == 0)
      continue;
    bool date = number[i].id == SS_FIELD_EXPIRES && f->value.n &&
                (f->value.p[0] | 0x20) >= 'a' && (f->value.p[0] | 0x20) <= 'z';
    if (!date)
      ss_scan_fault(s, 400, number[i].reason);
  }
}

static void lists(ss_scan *s) {
  const ss_limits *limits = s->limits;
  const struct {
    ss_field_id id;
    size_t max;
    const char *reason;
  } list[] = {
      {SS_FIELD_VIA, limits->vias, "Bad Request: too many Via values"},
      {SS_FIELD_ROUTE, limits->routes, "Bad Request: too many Route values"},
      {SS_FIELD_RECORD_ROUTE, limits->routes,
       "Bad Request: too many Record-Route values"},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    size_t n = 0;
    const ss_field *f = ss_message_field(s->m, list[i].id);
    for (; f; f = ss_message_next(s->m, f)) {
      ss_str rest = f->value, element;
      if (ss_str_chr(rest, ',') == rest.n)
        n++;
      else
        while (ss_str_element(&rest, &element))
          n++;
    }
    if (n > list[i].max)
      ss_scan_over(s, 400, list[i].reason);
  }
}

/* RFC 3261 18.3, 20.14 */
static void body(ss_scan *s) {
  ss_message *m = s->m;
  const ss_field *f = ss_message_field(m, SS_FIELD_CONTENT_LENGTH);
  uint32_t n = 0;
  if (!f) {
    if (s->stream)
      ss_scan_fault(s, 400, "Bad Request: no Content-Length");
    return;
  }
  int rc = ss_str_u32(f->value, UINT32_MAX, &n);
  if (rc == SS_ESYNTAX)
    ss_scan_fault(s, 400, "Bad Request: malformed Content-Length");
  else if (rc || n > m->body.n || (s->stream && n < m->body.n))
    ss_scan_fault(s, 400, "Bad Request: wrong Content-Length");
  else
    m->body.n = n;
}

/* A reply needs a sent-by to be sent to: without one there is none. What is
 * wrong behind it can still be said. */
static int via(ss_scan *s) {
  const ss_via *value;
  int rc = ss_message_via(s->m, &value);
  if (rc == 0 || rc == SS_ENOMEM)
    return rc;
  ss_scan_fault(s, 400, "Bad Request: malformed Via");
  if (!s->m->parsed->via.usable)
    s->mute = true;
  s->m->parsed->via.rc = 0;
  return 0;
}

static bool unterminated(const ss_message *m, ss_field_id id) {
  ss_str value = m->field[m->first[id]].value;
  size_t quotes = 0;
  for (size_t i = 0; i < value.n; i++) {
    if (value.p[i] == '\\')
      i++;
    else if (value.p[i] == '"')
      quotes++;
  }
  return quotes & 1;
}

static int parties(ss_scan *s) {
  const ss_name_addr *value;
  int rc = ss_message_from(s->m, &value);
  if (rc == SS_ENOMEM)
    return rc;
  if (rc)
    ss_scan_fault(s, 400,
                  unterminated(s->m, SS_FIELD_FROM)
                      ? "Bad Request: unterminated quote in From"
                      : "Bad Request: malformed From");
  rc = ss_message_to(s->m, &value);
  if (rc == SS_ENOMEM)
    return rc;
  if (rc)
    ss_scan_fault(s, 400,
                  unterminated(s->m, SS_FIELD_TO)
                      ? "Bad Request: unterminated quote in To"
                      : "Bad Request: malformed To");
  return 0;
}

static int request_uri(ss_scan *s) {
  const ss_uri *uri;
  int rc = ss_message_request_uri(s->m, &uri);
  if (rc == SS_ENOMEM)
    return rc;
  if (rc)
    ss_scan_fault(s, 400, "Bad Request: malformed Request-URI");
  else if (ss_uri_has_headers(uri))
    /* RFC 3261 19.1.1: not allowed there */
    ss_scan_fault(s, 400, "Bad Request: headers in Request-URI");
  return 0;
}

int ss_scan_check(ss_scan *s) {
  mandatory(s);
  call_id(s);
  cseq(s);
  numbers(s);
  lists(s);
  body(s);
  if (s->mute || (s->m->fault && !s->m->is_request))
    return 0;
  int rc = via(s);
  /* with a fault on it nothing more is parsed: the reply echoes as it stands,
   * and what is over a limit must not reach libosip2 */
  if (rc == 0 && !s->m->fault)
    rc = parties(s);
  if (rc == 0 && !s->m->fault && s->m->is_request)
    rc = request_uri(s);
  return rc;
}
