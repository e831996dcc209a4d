/* Header fields that a script gives to a message: checked one by one as they
 * are added, kept as the lines they become. RFC 3261 7.3.1, 25.1. */
#ifndef SS_SIP_FIELDS_H
#define SS_SIP_FIELDS_H

#include "sip/message.h"

typedef struct ss_fields {
  char *p; /* "Name: value\r\n" … */
  size_t n;
  uint32_t size;
  bool lent;      /* p is the caller's: not grown here, and not freed */
  uint64_t given; /* a bit for each ss_field_id among them */
} ss_fields;

#define SS_FIELDS_NONE ((ss_fields){NULL, 0, 0, false, 0})
#define SS_FIELDS_MAX 16384

/* SS_ETOKEN: the name is not a token; SS_EOWNED: the stack sets that one
 * (Via, From, To, Call-ID, CSeq, Contact, Max-Forwards, Route, Record-Route,
 * Content-Length, Content-Type, RSeq, RAck, Session-Expires, Min-SE, also in
 * compact form); SS_ECONTROL: CR, LF, NUL or another control character (HTAB
 * is allowed) in the value; SS_ELIMIT: over SS_FIELDS_MAX; SS_ENOMEM: also
 * where what is lent is too small. */
int ss_fields_add(ss_fields *f, ss_str name, ss_str value);
/* For the stack's own use: no check for owned names. */
int ss_fields_add_own(ss_fields *f, ss_field_id id, ss_str value);
bool ss_fields_has(const ss_fields *f, ss_field_id id);
int ss_fields_copy(ss_fields *to, const ss_fields *from); /* SS_ENOMEM */
void ss_fields_free(ss_fields *f);                        /* empty again */
static inline ss_str ss_fields_text(const ss_fields *f) {
  return (ss_str){f->p, f->n};
}
/* A reason phrase, URI or content type from a script: SS_ECONTROL for CR, LF,
 * NUL and other controls. */
int ss_check_text(ss_str s);

#endif
