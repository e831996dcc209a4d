/* What event notification and REFER say (RFC 6665, 3515, 3420), one value at
 * a time. Slices point into the value. */
#ifndef SS_SIP_EVENT_H
#define SS_SIP_EVENT_H

#include "base/str.h"

/* Event: the package, and its id; empty where it has none. */
int ss_event(ss_str value, ss_str *package, ss_str *id);
/* Subscription-State: is it "terminated", and the reason parameter, or empty.
 * Parameters that are none are passed over. */
int ss_subscription_state(ss_str value, bool *terminated, ss_str *reason);
/* The status line that a body of message/sipfrag begins with (RFC 3515 2.4.5):
 * a code of 100 to 699 and the reason phrase, which may be empty. SS_ESYNTAX:
 * it begins with something else. */
int ss_sipfrag(ss_str body, unsigned *code, ss_str *reason);

#endif
