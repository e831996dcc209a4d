/* Digest authentication, the side of the server (RFC 3261 22, RFC 7616,
 * RFC 8760): credentials read from a request, what they should be, and
 * challenges. qop is "auth", always: neither auth-int nor what RFC 2069 did
 * without it, nor userhash, nor the -sess algorithms. The only file pair that
 * knows libcrypto. Who the users are is the caller's business. */
#ifndef SS_SIP_DIGEST_H
#define SS_SIP_DIGEST_H

#include "base/buf.h"
#include "sip/message.h"

/* id, name, bytes of a hash */
#define SS_ALGORITHM_MAP(X)                                                    \
  X(SHA_256, "SHA-256", 32)                                                    \
  X(MD5, "MD5", 16)                                                            \
  X(SHA_512_256, "SHA-512-256", 32)

typedef enum ss_algorithm {
#define X(id, name, size) SS_##id,
  SS_ALGORITHM_MAP(X)
#undef X
      SS_ALGORITHMS
} ss_algorithm;

#define SS_HASH_MAX 32

/* H(user ":" realm ":" password), RFC 7616 3.4.2. */
typedef struct ss_ha1 {
  uint8_t p[SS_HASH_MAX];
} ss_ha1;

/* Credentials, as they stand in an Authorization. The slices are the
 * message's. */
typedef struct ss_digest {
  ss_algorithm algorithm;
  ss_str user; /* without the escapes of its quoted string */
  ss_str realm, nonce, uri, cnonce;
  ss_str nc_text;
  uint32_t nc;
  uint8_t response[SS_HASH_MAX];
} ss_digest;

ss_str ss_algorithm_name(ss_algorithm a);
size_t ss_algorithm_size(ss_algorithm a); /* of its hash, in bytes */
/* By name in any case; false: there is no such, or libcrypto hasn't got it. */
bool ss_algorithm_find(ss_str name, ss_algorithm *out);

/* The credentials for that realm. SS_ENOTFOUND: there are none (another
 * scheme's or realm's don't count); SS_ESYNTAX: they are no good: a parameter
 * twice, missing, or malformed, several for the realm, a qop other than auth;
 * SS_EUNSUPPORTED: an algorithm that isn't known, or userhash; SS_ENOMEM. */
int ss_digest_find(ss_message *m, ss_str realm, ss_digest *out);

int ss_digest_ha1(ss_algorithm a, ss_str user, ss_str realm, ss_str password,
                  ss_ha1 *out);
/* From hex digits in any case; SS_ESYNTAX: not as many as it needs. */
int ss_digest_ha1_parse(ss_algorithm a, ss_str hex, ss_ha1 *out);
/* What the response of those credentials must be (RFC 7616 3.4.1). */
int ss_digest_response(const ss_digest *d, ss_str method, const ss_ha1 *ha1,
                       uint8_t out[SS_HASH_MAX]);
/* In constant time. */
bool ss_digest_same(const ss_digest *d, const uint8_t response[SS_HASH_MAX]);
/* So that it doesn't linger in memory. */
void ss_ha1_wipe(ss_ha1 *ha1);

/* A WWW-Authenticate line. */
void ss_digest_challenge(ss_buf *b, ss_algorithm a, ss_str realm, ss_str nonce,
                         bool stale);

/* HMAC-SHA256 (RFC 2104), for nonces. */
int ss_mac(const uint8_t key[32], ss_str data, uint8_t out[32]);
bool ss_same_bytes(const void *a, const void *b, size_t n); /* constant time */

/* 2n lower case digits; and n bytes of 2n digits, false where they aren't. */
void ss_hex(const uint8_t *p, size_t n, char *out);
bool ss_unhex(ss_str hex, uint8_t *out, size_t n);

#endif
