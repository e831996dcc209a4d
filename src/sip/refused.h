/* Requests that were refused without a transaction, so that their repeats are
 * refused too: one may lie in the socket already, and be read when there is
 * room again; its caller would be called back for what it has given up. */
#ifndef SS_SIP_REFUSED_H
#define SS_SIP_REFUSED_H

#include "base/siphash.h"
#include <stdbool.h>
#include <stdint.h>

/* A table of fixed size, made when there is the first: who is refused more
 * often than it has room for is forgotten early. */
typedef struct ss_refused {
  struct ss_refused_place *place; /* NULL: none, or no memory */
  uint64_t until;                 /* ms: later there is none in it */
} ss_refused;

/* For so long; now: ms that never go back. */
void ss_refused_add(ss_refused *r, ss_hash128 key, uint64_t now, uint32_t ms);
/* Gives the table back once nothing in it counts. */
bool ss_refused_has(ss_refused *r, ss_hash128 key, uint64_t now);
void ss_refused_free(ss_refused *r);

#endif
