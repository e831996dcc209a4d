/* A received message: its bytes, and where in them everything stands. Made in
 * one pass by the scanner (scan.c), which is also the shield: what it lets
 * through obeys the limits and the strict rules (RFC 3261 7, 25.1; libosip2
 * must never see what it refuses). Nothing is parsed here beyond the start
 * line, CSeq and Content-Length; headers.h parses single values on demand.
 *
 * The bytes are copied once. Slices point into `work`, which is the text
 * itself, or where lines were folded or tabs used, a copy of the same length
 * with the folds and tabs turned into spaces: offsets are the same in both.
 * A message never changes after the scan; it is counted by reference. */
#ifndef SS_SIP_MESSAGE_H
#define SS_SIP_MESSAGE_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/str.h"

/* clang-format off */
#define SS_METHOD_MAP(X)                                                       \
  X(INVITE) X(ACK) X(BYE) X(CANCEL) X(OPTIONS) X(REGISTER) X(INFO) X(PRACK)    \
  X(UPDATE) X(MESSAGE) X(REFER) X(NOTIFY) X(SUBSCRIBE) X(PUBLISH)
/* clang-format on */

typedef enum ss_method {
  SS_METHOD_UNKNOWN,
#define X(name) SS_##name,
  SS_METHOD_MAP(X)
#undef X
} ss_method;

/* Header fields that the stack knows: id, name, compact form (RFC 3261 20,
 * IANA), at most one allowed. */
#define SS_FIELD_MAP(X)                                                        \
  X(VIA, "Via", "v", 0)                                                        \
  X(FROM, "From", "f", 1)                                                      \
  X(TO, "To", "t", 1)                                                          \
  X(CALL_ID, "Call-ID", "i", 1)                                                \
  X(CSEQ, "CSeq", "", 1)                                                       \
  X(CONTACT, "Contact", "m", 0)                                                \
  X(MAX_FORWARDS, "Max-Forwards", "", 1)                                       \
  X(CONTENT_LENGTH, "Content-Length", "l", 1)                                  \
  X(CONTENT_TYPE, "Content-Type", "c", 1)                                      \
  X(CONTENT_ENCODING, "Content-Encoding", "e", 0)                              \
  X(CONTENT_DISPOSITION, "Content-Disposition", "", 1)                         \
  X(RECORD_ROUTE, "Record-Route", "", 0)                                       \
  X(ROUTE, "Route", "", 0)                                                     \
  X(REQUIRE, "Require", "", 0)                                                 \
  X(PROXY_REQUIRE, "Proxy-Require", "", 0)                                     \
  X(SUPPORTED, "Supported", "k", 0)                                            \
  X(UNSUPPORTED, "Unsupported", "", 0)                                         \
  X(ALLOW, "Allow", "", 0)                                                     \
  X(ACCEPT, "Accept", "", 0)                                                   \
  X(EXPIRES, "Expires", "", 1)                                                 \
  X(TIMESTAMP, "Timestamp", "", 1)                                             \
  X(SUBJECT, "Subject", "s", 1)                                                \
  X(RSEQ, "RSeq", "", 1)                                                       \
  X(RACK, "RAck", "", 1)                                                       \
  X(SESSION_EXPIRES, "Session-Expires", "x", 1)                                \
  X(MIN_SE, "Min-SE", "", 1)                                                   \
  X(RETRY_AFTER, "Retry-After", "", 1)                                         \
  X(REASON, "Reason", "", 0)                                                   \
  X(WARNING, "Warning", "", 0)                                                 \
  X(SERVER, "Server", "", 1)                                                   \
  X(USER_AGENT, "User-Agent", "", 1)                                           \
  X(EVENT, "Event", "o", 1)                                                    \
  X(ALLOW_EVENTS, "Allow-Events", "u", 0)                                      \
  X(REFER_TO, "Refer-To", "r", 1)                                              \
  X(REFERRED_BY, "Referred-By", "b", 1)                                        \
  X(AUTHORIZATION, "Authorization", "", 0)                                     \
  X(REPLACES, "Replaces", "", 1)                                               \
  X(IDENTITY, "Identity", "y", 0)                                              \
  X(ACCEPT_CONTACT, "Accept-Contact", "a", 0)                                  \
  X(REJECT_CONTACT, "Reject-Contact", "j", 0)                                  \
  X(REQUEST_DISPOSITION, "Request-Disposition", "d", 0)

typedef enum ss_field_id {
  SS_FIELD_OTHER,
#define X(name, text, compact, single) SS_FIELD_##name,
  SS_FIELD_MAP(X)
#undef X
      SS_FIELD_COUNT
} ss_field_id;

/* Each message has a dozen or two of them: 32 bytes. */
typedef struct ss_field {
  ss_str value;     /* trimmed; folds are spaces */
  const char *name; /* see ss_field_written */
  uint32_t name_n;
  uint8_t id;   /* ss_field_id */
  uint8_t next; /* index of the next one with this id, 0: none */
} ss_field;

/* Its name as it stands in the message. */
static inline ss_str ss_field_written(const ss_field *f) {
  return (ss_str){f->name, f->name_n};
}

struct ss_parsed; /* headers.c: what has been parsed so far */

typedef struct ss_message {
  uint32_t refs;
  /* What is wrong with a request that can still be answered: a code (400,
   * 413, 414, 505 …) and a reason phrase that says more. 0: nothing. */
  uint16_t fault;
  uint16_t code; /* response */
  ss_str fault_reason;
  bool over; /* it is a limit that was passed */
  bool is_request;
  bool clean;       /* no field has a control character in it, escaped or not */
  ss_method method; /* of the request, or of a response's CSeq */
  ss_str method_text;
  ss_str uri; /* Request-URI */
  ss_str reason;
  uint32_t cseq;
  ss_str call_id;
  ss_str text;     /* the message as received */
  ss_str head;     /* the header section of `work`, start line included */
  ss_str body;     /* Content-Length applied */
  ss_str user;     /* whose request it is; set by who has made sure of that */
  double time;     /* seconds on the receiver's clock; set by the receiver */
  uint64_t call;   /* hashes, set by who looks for what it belongs to; */
  uint64_t dialog; /* 0: not made yet */
  ss_field *field; /* [0] is unused: an index of 0 means none */
  uint8_t fields;  /* number of fields + 1 */
  uint8_t first[SS_FIELD_COUNT]; /* index of the first with that id */
  ss_arena arena;
  struct ss_parsed *parsed;
} ss_message;

/* Why there is no message at all: SS_ESYNTAX, what came can't be answered
 * (not SIP, a broken response, an ACK with a fault, no usable Via, nothing
 * that a reply may echo); SS_ELIMIT, the same by a limit; SS_ENOMEM.
 *
 * `stream`: Content-Length is required and exact (the framer has seen to it);
 * over datagrams it may be missing (the body ends with the datagram), what
 * follows the body is ignored, and one that is too large is a fault 400.
 *
 * A request with a fault is complete as far as ss_render_reply needs it, and
 * must be used for nothing else. Among the faults: a CSeq method that differs,
 * a CSeq number over 2^31-1, repeated single headers, a version other than
 * 2.0 (505), URI white space, bad Content-Length, controls or NUL in the
 * header section, too many of anything (400, 413, 414 by what it is).
 *
 * Never a fault: a missing Max-Forwards; a To tag; a branch without the magic
 * cookie, no branch, or no From tag (RFC 2543 callers). */
int ss_message_new(ss_message **out, ss_str text, bool stream,
                   const ss_limits *limits);
ss_message *ss_message_ref(ss_message *m);
void ss_message_unref(ss_message *m); /* NULL does nothing */

/* The first field with that id, or NULL; and the next after it. */
static inline const ss_field *ss_message_field(const ss_message *m,
                                               ss_field_id id) {
  unsigned index = (unsigned)id < SS_FIELD_COUNT ? m->first[id] : 0;
  return index ? &m->field[index] : NULL;
}
static inline const ss_field *ss_message_next(const ss_message *m,
                                              const ss_field *f) {
  return f->next ? &m->field[f->next] : NULL;
}
/* By name in any case or compact form; start with after = NULL. */
const ss_field *ss_message_named(const ss_message *m, ss_str name,
                                 const ss_field *after);
/* Every comma-separated element of every field with that id, in order:
 *   ss_elements e = ss_message_elements(m, SS_FIELD_REQUIRE);
 *   while (ss_elements_next(&e, &value)) …
 * Empty elements are passed over. */
typedef struct ss_elements {
  const ss_message *message;
  const ss_field *field;
  ss_str rest;
} ss_elements;
ss_elements ss_message_elements(const ss_message *m, ss_field_id id);
bool ss_elements_next(ss_elements *e, ss_str *element);

ss_field_id ss_field_lookup(ss_str name); /* any case, compact too */
ss_str ss_field_name(ss_field_id id);     /* the long form */
ss_method ss_method_lookup(ss_str name);  /* exact case (RFC 3261 7.1) */
ss_str ss_method_name(ss_method method);

#endif
