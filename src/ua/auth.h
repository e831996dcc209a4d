/* Who a caller is: digest authentication (RFC 3261 22). Every request but ACK
 * and CANCEL has to say, those within a dialog too, and OPTIONS, which is
 * answered as an INVITE would be (11.2). */
#ifndef SS_UA_AUTH_H
#define SS_UA_AUTH_H

#include "sip/digest.h"

/* A request whose user is being looked up. Counted by reference. */
typedef struct ss_attempt ss_attempt;

typedef struct ss_auth_config {
  ss_str realm; /* no '"', no '\\'; empty: nobody is asked who they are */
  ss_algorithm algorithm[SS_ALGORITHMS]; /* the best first */
  size_t algorithms;
  uint32_t nonce_lifetime; /* ms, default 300000 */
} ss_auth_config;

ss_attempt *ss_attempt_ref(ss_attempt *a);
void ss_attempt_unref(ss_attempt *a); /* NULL does nothing */
ss_str ss_attempt_user(const ss_attempt *a);
ss_str ss_attempt_realm(const ss_attempt *a);
ss_algorithm ss_attempt_algorithm(const ss_attempt *a);

/* The end of a lookup, one of these; ignored where the attempt is over. The
 * request goes on from within. To the peer an unknown user and a wrong
 * password are the same, in what it is told and in what is computed. */
void ss_attempt_password(ss_attempt *a, ss_str password);
void ss_attempt_ha1(ss_attempt *a, const ss_ha1 *ha1);
void ss_attempt_unknown(ss_attempt *a);
void ss_attempt_failed(ss_attempt *a); /* 500 */

#endif
