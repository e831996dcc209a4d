/* Tags, branches and Call-IDs: from the system's random source, 80 bits and
 * more (RFC 3261 19.3 asks for 32), reseeded after fork. */
#ifndef SS_BASE_ID_H
#define SS_BASE_ID_H

#include "base/str.h"

#define SS_TAG_LEN 16    /* 16 base-32 digits: 80 bits */
#define SS_BRANCH_LEN 27 /* "z9hG4bK" and 20 base-32 digits */

void ss_random(void *out, size_t n);
uint32_t ss_random_below(uint32_t bound); /* uniform */
void ss_tag(char out[SS_TAG_LEN]);        /* no NUL behind it */
void ss_branch(char out[SS_BRANCH_LEN]);

#endif
