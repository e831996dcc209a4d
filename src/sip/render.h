/* Writes messages straight into a bounded buffer, from slices of the request
 * they answer. What is written is final: repeats are the same bytes. */
#ifndef SS_SIP_RENDER_H
#define SS_SIP_RENDER_H

#include "base/addr.h"
#include "base/buf.h"
#include "sip/fields.h"
#include "sip/headers.h"

typedef struct ss_reply {
  unsigned code;
  ss_str reason;           /* empty: the code's own */
  const ss_addr *source;   /* where the request came from: received, rport */
  ss_str to_tag;           /* put on a To that has none; not on 100 */
  ss_str contact;          /* a Contact value, or empty */
  bool record_route;       /* echo Record-Route (RFC 3261 12.1.1) */
  ss_str server;           /* Server, unless `fields` has one; empty: none */
  ss_str own;              /* lines the stack adds (Allow: …\r\n), or empty */
  const ss_fields *fields; /* the script's, or NULL */
  ss_str content_type;     /* goes with a body */
  ss_str body;
} ss_reply;

/* Via values all echoed in order, `received` set on the first where sent-by
 * differs from the source (RFC 3261 18.2.1) and `rport` filled where asked for
 * (RFC 3581 4; then received too), a `received` or rport value the peer put
 * there itself is dropped; From, To, Call-ID, CSeq echoed; Timestamp echoed in
 * a 100 (8.2.6.1). SS_EFULL: it doesn't fit. */
int ss_render_reply(ss_buf *b, ss_message *request, const ss_reply *reply);

typedef struct ss_request {
  ss_method method;
  ss_str method_text; /* of SS_METHOD_UNKNOWN: a token */
  ss_str uri;
  ss_addr local;  /* protocol and, without `sent_by`, host of the Via */
  ss_str sent_by; /* advertised host[:port], or empty */
  ss_str branch;
  ss_str from, to; /* whole values, tags included */
  ss_str call_id;
  uint32_t cseq;
  ss_str route;   /* Route values joined by ", ", or empty */
  ss_str contact; /* a Contact value, or empty */
  ss_str user_agent;
  ss_str own;
  const ss_fields *fields;
  ss_str content_type;
  ss_str body;
} ss_request;

/* Max-Forwards 70, `;rport` on the Via over UDP. SS_EFULL. */
int ss_render_request(ss_buf *b, const ss_request *request);
/* The ACK to a 300-699 (RFC 3261 17.1.1.3): made of the INVITE as it was
 * rendered by the above, and the To value of the response. SS_EFULL. */
int ss_render_ack(ss_buf *b, ss_str invite, ss_str response_to);

#endif
