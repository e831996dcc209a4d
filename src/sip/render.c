/* Messages as bytes: replies made of slices of their request (RFC 3261
 * 8.2.6, 18.2.1; RFC 3581 4), requests made of values (8.1.1). Everything is
 * copied straight into the buffer. Values must be clean: those of a scanned
 * message are, those of scripts have gone through fields.h. */
#include "sip/render.h"
#include "base/error.h"
#include "sip/code.h"
#include "sip/params.h"
#include "sip/parsed.h"

/* A line of that value; `label` is what it begins with, "<name>: ". */
static inline void line(ss_buf *b, ss_str label, ss_str value) {
  char *p = ss_buf_take(b, label.n + value.n + 2);
  if (!p)
    return;
  memcpy(p, label.p, label.n);
  p += label.n;
  if (value.n)
    memcpy(p, value.p, value.n);
  p += value.n;
  p[0] = '\r';
  p[1] = '\n';
}

/* The same, or nothing where there is no value. */
static inline void optional(ss_buf *b, ss_str label, ss_str value) {
  if (value.n)
    line(b, label, value);
}

/* Only the first: of a repeated header, which is a fault, too. */
static inline void echo(ss_buf *b, const ss_message *m, ss_field_id id,
                        ss_str label) {
  const ss_field *f = ss_message_field(m, id);
  if (f)
    line(b, label, f->value);
}

/* RFC 3261 18.2.1: is the host in sent-by not the address it came from? */
static bool needs_received(const ss_via *via, const ss_addr *source) {
  ss_addr said;
  return ss_addr_ip(&said, source->proto, via->host, 0) != 0 ||
         !ss_addr_same_ip(&said, source);
}

/* A Via value without the received and rport that came with it: those are
 * ours to say. Malformed parameters are left as they are. */
static void via_as_sent(ss_buf *b, ss_str value) {
  size_t end = ss_str_chr(value, ';');
  ss_str rest = {value.p + end, value.n - end};
  ss_param param;
  ss_buf_str(b, ss_str_trim((ss_str){value.p, end}));
  while (ss_param_next(&rest, &param) > 0) {
    if (ss_str_ieq(param.name, SS_STR("received")) ||
        ss_str_ieq(param.name, SS_STR("rport")))
      continue;
    ss_buf_char(b, ';');
    ss_buf_str(b, param.text);
  }
  ss_buf_str(b, rest);
}

static void top_via(ss_buf *b, ss_message *m, ss_str value,
                    const ss_addr *source) {
  const ss_via *via = NULL;
  char text[SS_ADDR_TEXT];
  ss_str top = ss_top_via(m);
  bool known = ss_message_via(m, &via) == 0;
  bool as_sent = known && !via->rport && !via->received;
  /* RFC 3581 4: with rport, received is set even where it agrees */
  bool received =
      source && known && (via->rport || needs_received(via, source));
  if (as_sent && !received) {
    line(b, SS_STR("Via: "), value);
    return;
  }
  ss_buf_lit(b, "Via: ");
  if (as_sent)
    ss_buf_str(b, top);
  else
    via_as_sent(b, top);
  if (received) {
    ss_buf_lit(b, ";received=");
    ss_buf_str(b, ss_addr_ip_text(source, false, text));
  }
  if (received && via->rport) {
    ss_buf_lit(b, ";rport=");
    ss_buf_u64(b, ss_addr_port(source));
  }
  /* the other values of that line */
  const char *end = top.p + top.n;
  line(b, SS_STR(""), (ss_str){end, (size_t)(value.p + value.n - end)});
}

static void vias(ss_buf *b, ss_message *m, const ss_addr *source) {
  const ss_field *f = ss_message_field(m, SS_FIELD_VIA);
  if (!f)
    return;
  top_via(b, m, f->value, source);
  while ((f = ss_message_next(m, f)))
    line(b, SS_STR("Via: "), f->value);
}

/* Has the To of the request a tag? Of one that can't be parsed, which is to
 * be echoed in a 400, a guess is good enough. */
static bool has_tag(ss_message *m, ss_str value) {
  const ss_name_addr *to;
  if (ss_message_to(m, &to) == 0)
    return to->tag.n > 0;
  for (size_t i = 0; i + 4 < value.n; i++)
    if (value.p[i] == ';' &&
        ss_str_ieq((ss_str){value.p + i + 1, 4}, SS_STR("tag=")))
      return true;
  return false;
}

/* RFC 3261 8.2.6.2: every reply but a 100 has a To tag */
static void to(ss_buf *b, ss_message *m, const ss_reply *reply) {
  const ss_field *f = ss_message_field(m, SS_FIELD_TO);
  if (!f)
    return;
  if (!reply->to_tag.n || reply->code == 100 || has_tag(m, f->value)) {
    line(b, SS_STR("To: "), f->value);
    return;
  }
  ss_buf_lit(b, "To: ");
  ss_buf_str(b, f->value);
  line(b, SS_STR(";tag="), reply->to_tag);
}

/* What both kinds end with: the script's fields and the body. */
static int finish(ss_buf *b, ss_str own, const ss_fields *fields, ss_str type,
                  ss_str body) {
  ss_buf_str(b, own);
  if (fields)
    ss_buf_str(b, ss_fields_text(fields));
  if (body.n) {
    optional(b, SS_STR("Content-Type: "), type);
    ss_buf_lit(b, "Content-Length: ");
    ss_buf_u64(b, body.n);
    ss_buf_lit(b, "\r\n\r\n");
    ss_buf_str(b, body);
  } else {
    ss_buf_lit(b, "Content-Length: 0\r\n\r\n");
  }
  return b->full ? SS_EFULL : 0;
}

static void status_line(ss_buf *b, const ss_reply *reply) {
  unsigned code = reply->code;
  ss_buf_lit(b, "SIP/2.0 ");
  ss_buf_u64(b, code);
  line(b, SS_STR(" "), reply->reason.n ? reply->reason : ss_code_reason(code));
}

int ss_render_reply(ss_buf *b, ss_message *request, const ss_reply *reply) {
  const ss_field *f;
  status_line(b, reply);
  vias(b, request, reply->source);
  echo(b, request, SS_FIELD_FROM, SS_STR("From: "));
  to(b, request, reply);
  echo(b, request, SS_FIELD_CALL_ID, SS_STR("Call-ID: "));
  echo(b, request, SS_FIELD_CSEQ, SS_STR("CSeq: "));
  if (reply->code == 100)
    echo(b, request, SS_FIELD_TIMESTAMP, SS_STR("Timestamp: "));
  f = ss_message_field(request, SS_FIELD_RECORD_ROUTE);
  for (; f && reply->record_route; f = ss_message_next(request, f))
    line(b, SS_STR("Record-Route: "), f->value);
  optional(b, SS_STR("Contact: "), reply->contact);
  if (!reply->fields || !ss_fields_has(reply->fields, SS_FIELD_SERVER))
    optional(b, SS_STR("Server: "), reply->server);
  return finish(b, reply->own, reply->fields, reply->content_type, reply->body);
}

static void own_via(ss_buf *b, const ss_request *request) {
  char text[SS_ADDR_TEXT];
  ss_buf_lit(b, "Via: SIP/2.0/");
  ss_buf_str(b, ss_proto_token(request->local.proto));
  ss_buf_char(b, ' ');
  if (request->sent_by.n) {
    ss_buf_str(b, request->sent_by);
  } else {
    ss_buf_str(b, ss_addr_ip_text(&request->local, true, text));
    ss_buf_char(b, ':');
    ss_buf_u64(b, ss_addr_port(&request->local));
  }
  ss_buf_lit(b, ";branch=");
  ss_buf_str(b, request->branch);
  if (request->local.proto == SS_UDP)
    ss_buf_lit(b, ";rport");
  ss_buf_lit(b, "\r\n");
}

int ss_render_request(ss_buf *b, const ss_request *request) {
  ss_str method =
      request->method ? ss_method_name(request->method) : request->method_text;
  ss_buf_str(b, method);
  ss_buf_char(b, ' ');
  ss_buf_str(b, request->uri);
  ss_buf_lit(b, " SIP/2.0\r\n");
  own_via(b, request);
  ss_buf_lit(b, "Max-Forwards: 70\r\n");
  optional(b, SS_STR("Route: "), request->route);
  line(b, SS_STR("From: "), request->from);
  line(b, SS_STR("To: "), request->to);
  line(b, SS_STR("Call-ID: "), request->call_id);
  ss_buf_lit(b, "CSeq: ");
  ss_buf_u64(b, request->cseq);
  ss_buf_char(b, ' ');
  ss_buf_str(b, method);
  ss_buf_lit(b, "\r\n");
  optional(b, SS_STR("Contact: "), request->contact);
  if (!request->fields || !ss_fields_has(request->fields, SS_FIELD_USER_AGENT))
    optional(b, SS_STR("User-Agent: "), request->user_agent);
  return finish(b, request->own, request->fields, request->content_type,
                request->body);
}

/* Cuts the next line of a message of ours off *rest; false at the blank one. */
static bool next_line(ss_str *rest, ss_str *line) {
  size_t n = ss_str_chr(*rest, '\r');
  *line = (ss_str){rest->p, n};
  size_t past = n + 2 < rest->n ? n + 2 : rest->n;
  *rest = (ss_str){rest->p + past, rest->n - past};
  return n > 0;
}

static void copy(ss_buf *b, ss_str name, ss_str value) {
  ss_buf_str(b, name);
  line(b, SS_STR(": "), value);
}

/* RFC 3261 17.1.1.3: top Via, Route, From, Call-ID and the CSeq number are the
 * INVITE's, To is the response's; 22.1: credentials go along. Nothing else. */
static void ack_line(ss_buf *b, ss_str name, ss_str value, ss_str response_to) {
  switch (ss_field_lookup(name)) {
  case SS_FIELD_VIA:
  case SS_FIELD_MAX_FORWARDS:
  case SS_FIELD_ROUTE:
  case SS_FIELD_FROM:
  case SS_FIELD_CALL_ID:
  case SS_FIELD_AUTHORIZATION:
    copy(b, name, value);
    break;
  case SS_FIELD_TO:
    line(b, SS_STR("To: "), response_to);
    break;
  case SS_FIELD_CSEQ:
    ss_buf_lit(b, "CSeq: ");
    ss_buf_str(b, (ss_str){value.p, ss_str_chr(value, ' ')});
    ss_buf_lit(b, " ACK\r\n");
    break;
  default:
    if (ss_str_ieq(name, SS_STR("Proxy-Authorization")))
      copy(b, name, value);
    break;
  }
}

int ss_render_ack(ss_buf *b, ss_str invite, ss_str response_to) {
  ss_str at;
  next_line(&invite, &at);
  ss_buf_lit(b, "ACK");
  ss_buf_str(b, (ss_str){at.p + 6, at.n - 6}); /* after "INVITE" */
  ss_buf_lit(b, "\r\n");
  while (next_line(&invite, &at)) {
    size_t colon = ss_str_chr(at, ':');
    ss_str value = {at.p + colon + 1, at.n - colon - 1};
    ack_line(b, (ss_str){at.p, colon}, ss_str_trim(value), response_to);
  }
  return finish(b, SS_STR_NONE, NULL, SS_STR_NONE, SS_STR_NONE);
}
