/* Header fields of SIP's extensions, one value at a time: option tags and
 * methods (RFC 3261 20.5, 20.32, 20.37), session timers (RFC 4028), PRACK (RFC
 * 3262), Retry-After (RFC 3261 20.33). Each is linear in the value. */
#ifndef SS_SIP_EXTENSION_H
#define SS_SIP_EXTENSION_H

#include "sip/message.h"

/* A list header (Supported, Require, Allow …) has that element. Methods, in
 * Allow, are compared exactly (RFC 3261 7.1), others in any case. */
bool ss_message_lists(const ss_message *m, ss_field_id id, ss_str token);

typedef enum ss_refresher {
  SS_REFRESHER_NONE, /* not said */
  SS_REFRESHER_UAC,
  SS_REFRESHER_UAS
} ss_refresher;

/* Seconds over 2^32-1 are 2^32-1. All give 0 or SS_ESYNTAX, and set nothing
 * then. */
int ss_session_expires(ss_str value, uint32_t *seconds,
                       ss_refresher *refresher);
int ss_min_se(ss_str value, uint32_t *seconds);
/* Only the number counts; what may follow is a comment or parameters. */
int ss_retry_after(ss_str value, uint32_t *seconds);
/* RAck: the RSeq of a provisional, and the CSeq of what it answered. */
int ss_rack(ss_str value, uint32_t *rseq, uint32_t *cseq, ss_str *method);

#endif
