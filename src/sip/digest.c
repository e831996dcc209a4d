/* The hashes of digest authentication, by libcrypto; reading credentials is in
 * authorization.c. */
#include "sip/digest.h"

#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const struct {
  ss_str name;
  size_t size;
  const EVP_MD *(*md)(void);
} algorithm[] = {
    [SS_SHA_256] = {SS_STR("SHA-256"), 32, EVP_sha256},
    [SS_MD5] = {SS_STR("MD5"), 16, EVP_md5},
    [SS_SHA_512_256] = {SS_STR("SHA-512-256"), 32, EVP_sha512_256},
};

#define PIECES 6

/* The hash of the pieces with colons between them. */
static int hash(ss_algorithm a, const ss_str *piece, size_t n, uint8_t *out) {
  EVP_MD_CTX *c = EVP_MD_CTX_new();
  unsigned size = 0;
  bool ok = c && EVP_DigestInit_ex(c, algorithm[a].md(), NULL);
  for (size_t i = 0; ok && i < n; i++)
    ok = (i == 0 || EVP_DigestUpdate(c, ":", 1)) &&
         EVP_DigestUpdate(c, piece[i].p, piece[i].n);
  uint8_t whole[EVP_MAX_MD_SIZE];
  ok = ok && EVP_DigestFinal_ex(c, whole, &size) && size == algorithm[a].size;
  EVP_MD_CTX_free(c);
  if (!ok)
    return SS_ENOMEM;
  memcpy(out, whole, size);
  OPENSSL_cleanse(whole, sizeof whole);
  return 0;
}

ss_str ss_algorithm_name(ss_algorithm a) {
  return algorithm[a].name;
}

size_t ss_algorithm_size(ss_algorithm a) {
  return algorithm[a].size;
}

bool ss_algorithm_find(ss_str name, ss_algorithm *out) {
  for (int a = 0; a < SS_ALGORITHMS; a++) {
    uint8_t none[SS_HASH_MAX];
    if (!ss_str_ieq(name, algorithm[a].name))
      continue;
    *out = (ss_algorithm)a;
    return !hash((ss_algorithm)a, NULL, 0, none); /* FIPS has no MD5 */
  }
  return false;
}

int ss_digest_ha1(ss_algorithm a, ss_str user, ss_str realm, ss_str password,
                  ss_ha1 *out) {
  const ss_str piece[] = {user, realm, password};
  return hash(a, piece, 3, out->p);
}

int ss_digest_ha1_parse(ss_algorithm a, ss_str hex, ss_ha1 *out) {
  return ss_unhex(hex, out->p, algorithm[a].size) ? 0 : SS_ESYNTAX;
}

int ss_digest_response(const ss_digest *d, ss_str method, const ss_ha1 *ha1,
                       uint8_t out[SS_HASH_MAX]) {
  size_t n = algorithm[d->algorithm].size;
  const ss_str a2[] = {method, d->uri};
  char hex1[2 * SS_HASH_MAX], hex2[2 * SS_HASH_MAX];
  uint8_t ha2[SS_HASH_MAX];
  int rc = hash(d->algorithm, a2, 2, ha2);
  if (rc)
    return rc;
  ss_hex(ha1->p, n, hex1);
  ss_hex(ha2, n, hex2);
  const ss_str piece[PIECES] = {{hex1, 2 * n}, d->nonce,       d->nc_text,
                                d->cnonce,     SS_STR("auth"), {hex2, 2 * n}};
  rc = hash(d->algorithm, piece, PIECES, out);
  OPENSSL_cleanse(hex1, sizeof hex1);
  return rc;
}

bool ss_digest_same(const ss_digest *d, const uint8_t response[SS_HASH_MAX]) {
  return ss_same_bytes(d->response, response, algorithm[d->algorithm].size);
}

void ss_ha1_wipe(ss_ha1 *ha1) {
  OPENSSL_cleanse(ha1, sizeof *ha1);
}

/* RFC 7616 3.3: realm, nonce and qop in quotes, algorithm and stale without. */
void ss_digest_challenge(ss_buf *b, ss_algorithm a, ss_str realm, ss_str nonce,
                         bool stale) {
  ss_buf_lit(b, "WWW-Authenticate: Digest realm=\"");
  ss_buf_str(b, realm);
  ss_buf_lit(b, "\", nonce=\"");
  ss_buf_str(b, nonce);
  ss_buf_lit(b, "\", qop=\"auth\", algorithm=");
  ss_buf_str(b, algorithm[a].name);
  if (stale)
    ss_buf_lit(b, ", stale=true");
  ss_buf_lit(b, "\r\n");
}

int ss_mac(const uint8_t key[32], ss_str data, uint8_t out[32]) {
  unsigned n = 32;
  const unsigned char *p = (const unsigned char *)data.p;
  return HMAC(EVP_sha256(), key, 32, p, data.n, out, &n) ? 0 : SS_ENOMEM;
}

bool ss_same_bytes(const void *a, const void *b, size_t n) {
  return CRYPTO_memcmp(a, b, n) == 0;
}

void ss_hex(const uint8_t *p, size_t n, char *out) {
  for (size_t i = 0; i < n; i++) {
    out[2 * i] = "0123456789abcdef"[p[i] >> 4];
    out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
  }
}

static int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ss_unhex(ss_str hex, uint8_t *out, size_t n) {
  if (hex.n != 2 * n)
    return false;
  for (size_t i = 0; i < n; i++) {
    int high = digit(hex.p[2 * i]), low = digit(hex.p[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}
