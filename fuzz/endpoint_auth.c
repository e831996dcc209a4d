/* Credentials in the endpoint target: those of a peer, right or wrong, and the
 * lookups of the script, which take their time. */
#include "endpoint.h"

#include "sip/digest.h"
#include "sip/headers.h"

#define REALM "fuzz"
#define PASSWORD "secret"

void auth_config(const step *s, ss_auth_config *out) {
  if (step_get(s, 'g', 0) == 0)
    return;
  out->realm = SS_STR(REALM);
  out->nonce_lifetime = 1 + (uint32_t)step_get(s, 'y', 300000);
}

/* The nonce of the first challenge. */
void auth_heard(call *c, const ss_message *m) {
  ss_str nonce;
  const ss_field *f = ss_message_named(m, SS_STR("WWW-Authenticate"), NULL);
  if (!f)
    return;
  const char *at = memmem(f->value.p, f->value.n, "nonce=\"", 7);
  if (!at)
    return;
  nonce = (ss_str){at + 7, (size_t)(f->value.p + f->value.n - at - 7)};
  nonce.n = ss_str_chr(nonce, '"');
  if (nonce.n >= sizeof c->nonce)
    return;
  memcpy(c->nonce, nonce.p, nonce.n);
  c->nonce[nonce.n] = '\0';
  c->nc = 0;
}

static bool right_response(const ss_digest *d, ss_str method, bool wrong,
                           char out[2 * SS_HASH_MAX]) {
  ss_ha1 ha1;
  uint8_t response[SS_HASH_MAX];
  ss_str password = wrong ? SS_STR("guess") : SS_STR(PASSWORD);
  if (ss_digest_ha1(d->algorithm, d->user, d->realm, password, &ha1) ||
      ss_digest_response(d, method, &ha1, response))
    return false;
  ss_hex(response, sizeof response, out);
  return true;
}

/* g1: right, g2: the wrong password, g3: a count that was used. */
void auth_put(ss_buf *b, const step *s, call *c, ss_str uri) {
  char text[512], nc[9], hex[2 * SS_HASH_MAX];
  long how = step_get(s, 'g', 0) % 4;
  if (!how)
    return;
  if (how != 3)
    c->nc++;
  snprintf(nc, sizeof nc, "%08x", c->nc & 0xffff);
  ss_digest d = {.algorithm = SS_SHA_256,
                 .user = SS_STR("f"),
                 .realm = SS_STR(REALM),
                 .nonce = ss_str_z(c->nonce),
                 .uri = uri,
                 .cnonce = SS_STR("c"),
                 .nc_text = ss_str_z(nc)};
  if (!right_response(&d, s->verb, how == 2, hex))
    return;
  snprintf(text, sizeof text,
           "Authorization: Digest username=\"f\", realm=\"" REALM
           "\", nonce=\"%s\", uri=\"%.*s\", algorithm=SHA-256, qop=auth, "
           "cnonce=\"c\", nc=%s, response=\"%.*s\"\r\n",
           c->nonce, (int)uri.n, uri.p, nc, (int)sizeof hex, hex);
  ss_buf_str(b, ss_str_z(text));
}

static void end_lookup(ss_attempt *a, long how) {
  MUST(ss_str_eq(ss_attempt_realm(a), SS_STR(REALM)));
  if (how == 1)
    ss_attempt_unknown(a);
  else if (how == 2)
    ss_attempt_failed(a);
  else
    ss_attempt_password(a, SS_STR(PASSWORD));
}

void auth_lookup(void *arg, ss_attempt *a) {
  world *w = arg;
  if (w->automatic & AUTO_LOOK_UP) {
    end_lookup(a, 0);
    return;
  }
  ss_attempt_unref(w->attempt);
  w->attempt = ss_attempt_ref(a);
}

void auth_looked_up(world *w, const step *s) {
  ss_attempt *a = w->attempt;
  w->attempt = NULL;
  if (a)
    end_lookup(a, step_get(s, 'c', 0) % 3);
  ss_attempt_unref(a);
}
