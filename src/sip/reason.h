/* The Reason header (RFC 3326): why a request was sent, in the words of some
 * protocol. */
#ifndef SS_SIP_REASON_H
#define SS_SIP_REASON_H

#include "sip/message.h"

typedef struct ss_reason {
  ss_str protocol; /* "Q.850" and "SIP" like this, others as written */
  bool coded;      /* `cause` is given, and a number */
  uint32_t cause;  /* at most 2^31-1 */
  ss_str text;     /* unquoted, unescaped; empty: none */
} ss_reason;

/* Of several values the first whose protocol is Q.850 or SIP, else the first:
 * RFC 3326 2 allows one for each protocol, and these two have a registry. What
 * isn't a value is passed over, and so is a parameter that isn't one. 0,
 * SS_ENOTFOUND, SS_ENOMEM; slices live as long as the message. */
int ss_message_reason(ss_message *m, ss_reason *out);

#endif
