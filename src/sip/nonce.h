/* Nonces of digest authentication (RFC 7616 3.3, 5.4). None is kept until it
 * was used with the right password: what a nonce says of itself, its time and
 * what it is for, is under a MAC whose key is made at random, and made anew in
 * a child after fork. Of those that were used, the counts seen are kept, in a
 * bounded table. */
#ifndef SS_SIP_NONCE_H
#define SS_SIP_NONCE_H

#include "base/str.h"

#define SS_NONCE_LEN 60 /* hex digits of 30 octets */

typedef struct ss_nonces ss_nonces;

/* max: how many used ones are kept. Where there are more, the oldest goes, and
 * with it every nonce of its time that wasn't used yet. */
int ss_nonces_new(ss_nonces **out, uint32_t lifetime_ms, size_t max);
void ss_nonces_free(ss_nonces *n); /* NULL does nothing */
size_t ss_nonces_used(const ss_nonces *n);

/* `purpose` tells those for different algorithms, or callers, apart.
 * SS_ENOMEM. */
int ss_nonce_make(ss_nonces *n, uint64_t now, uint64_t purpose,
                  char out[SS_NONCE_LEN]);
/* SS_ENOTFOUND: it isn't ours, or not for that purpose, or too old;
 * SS_ESTATE: this count, or one much higher, came before; SS_ENOMEM. */
int ss_nonce_check(ss_nonces *n, uint64_t now, uint64_t purpose, ss_str nonce,
                   uint32_t nc);
/* The same, and that count is used up. */
int ss_nonce_use(ss_nonces *n, uint64_t now, uint64_t purpose, ss_str nonce,
                 uint32_t nc);

#endif
