/* Inside of session timers: what messages say of them, read by timing.c for
 * refresh.c, which keeps them. */
#ifndef SS_UA_TIMING_H
#define SS_UA_TIMING_H

#include "ua/ua.h"

/* What has been agreed on. */
typedef struct ss_terms {
  uint32_t interval; /* s; 0: no timer */
  uint32_t least;    /* s: the other side's Min-SE; 0: none */
  bool ours;         /* we refresh */
} ss_terms;

/* Supported or Require has `timer`. */
bool ss_timing_supported(const ss_message *m);
/* What our 2xx to that request says, where `now` is in force. */
ss_terms ss_timing_answer(const ss_timing *t, const ss_terms *now,
                          const ss_message *request);
/* What their 2xx says to what we asked. SS_ENOTFOUND: nothing. */
int ss_timing_answered(const ss_terms *asked, const ss_message *response,
                       ss_terms *out);
/* The Session-Expires line, as the UAS or the UAC of the request says it. */
void ss_timing_write(ss_buf *b, const ss_terms *t, bool uas);

#endif
