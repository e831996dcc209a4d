/* How often each source may do something: token buckets in a table of fixed
 * size, looked up in constant time. A source is an IPv4 address or the first
 * 64 bits of an IPv6 one, whatever the port. The table holds the sources that
 * did it last: who comes from more addresses than it has room for is not held
 * back by it, nor can make it grow. */
#ifndef SS_BASE_RATE_H
#define SS_BASE_RATE_H

#include "base/addr.h"

typedef struct ss_rate ss_rate;

typedef enum ss_verdict {
  SS_RATE_WITHIN,
  SS_RATE_OVER_TELL, /* over it, and told so: once a second */
  SS_RATE_OVER       /* over it: nothing is said */
} ss_verdict;

/* So many in a period, and as many at once; at least 1. SS_ENOMEM */
int ss_rate_new(ss_rate **out, size_t many, uint32_t period_ms);
void ss_rate_free(ss_rate *r); /* NULL does nothing */
/* now: ms that never go back. */
ss_verdict ss_rate_take(ss_rate *r, const ss_addr *source, uint64_t now);
/* What it would answer; but for the telling nothing is taken. */
ss_verdict ss_rate_look(ss_rate *r, const ss_addr *source, uint64_t now);

#endif
