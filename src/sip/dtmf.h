/* Digits in the body of an INFO request: application/dtmf-relay and
 * application/dtmf, which no RFC describes (RFC 6086 names them as the usage
 * there was before it). */
#ifndef SS_SIP_DTMF_H
#define SS_SIP_DTMF_H

#include "base/str.h"

/* A digit: 0-9, A-D, * and #, and ! for a hook flash; numbers from 10 on are
 * those of RFC 4733 3.2. *ms is its duration in milliseconds, UINT32_MAX
 * where none is given that can be read. SS_ENOTFOUND: the body is of another
 * type; SS_ESYNTAX: there is no digit in it. */
int ss_dtmf(ss_str content_type, ss_str body, char *digit, uint32_t *ms);

#endif
