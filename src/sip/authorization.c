/* Digest credentials out of a request: Authorization (RFC 3261 20.7, 25.1;
 * RFC 7616 3.4). Read strictly: what is twice, missing, or malformed makes them
 * no good. Nothing is computed here. */
#include "sip/digest.h"

#include "base/error.h"
#include "sip/chars.h"
#include "sip/params.h"
#include "sip/parsed.h"

#define PARAMS_MAX 32

/* Those that mean something to us. */
#define PARAM_MAP(X)                                                           \
  X(USERNAME, "username")                                                      \
  X(REALM, "realm")                                                            \
  X(NONCE, "nonce")                                                            \
  X(URI, "uri")                                                                \
  X(RESPONSE, "response")                                                      \
  X(ALGORITHM, "algorithm")                                                    \
  X(CNONCE, "cnonce")                                                          \
  X(QOP, "qop")                                                                \
  X(NC, "nc")                                                                  \
  X(USERHASH, "userhash")                                                      \
  X(USERNAME_EXT, "username*")

typedef enum param_id {
#define X(id, name) PARAM_##id,
  PARAM_MAP(X)
#undef X
      PARAMS
} param_id;

static const ss_str param_name[] = {
#define X(id, name) SS_STR(name),
    PARAM_MAP(X)
#undef X
};

static ss_str skip_space(ss_str s) {
  size_t i = 0;
  while (i < s.n && ss_char_is(s.p[i], SS_CHAR_SPACE))
    i++;
  return ss_str_from(s, i);
}

/* Cuts a token off *rest. */
static ss_str token(ss_str *rest) {
  size_t i = 0;
  while (i < rest->n && ss_char_is(rest->p[i], SS_CHAR_TOKEN))
    i++;
  ss_str found = {rest->p, i};
  *rest = ss_str_from(*rest, i);
  return found;
}

/* Cuts a value off *rest: what is in quotes, escapes left, or a token. */
static bool value(ss_str *rest, ss_str *out) {
  size_t n;
  if (!rest->n || rest->p[0] != '"') {
    *out = token(rest);
    return out->n != 0;
  }
  n = ss_quoted(*rest);
  if (n == 0)
    return false;
  *out = (ss_str){rest->p + 1, n - 2};
  *rest = ss_str_from(*rest, n);
  return true;
}

/* Cuts "name=value" off *rest, and the comma behind it: 1, 0 at the end, or
 * SS_ESYNTAX. */
static int next_param(ss_str *rest, ss_str *name, ss_str *out) {
  *rest = skip_space(*rest);
  if (!rest->n)
    return 0;
  *name = token(rest);
  *rest = skip_space(*rest);
  if (!name->n || !rest->n || rest->p[0] != '=')
    return SS_ESYNTAX;
  *rest = skip_space(ss_str_from(*rest, 1));
  if (!value(rest, out))
    return SS_ESYNTAX;
  *rest = skip_space(*rest);
  if (rest->n && rest->p[0] != ',')
    return SS_ESYNTAX;
  if (rest->n)
    *rest = ss_str_from(*rest, 1);
  return 1;
}

/* One that isn't there has no .p. */
static int read_params(ss_str rest, ss_str param[PARAMS]) {
  ss_str name, found;
  int rc, n = 0;
  memset(param, 0, PARAMS * sizeof *param);
  while ((rc = next_param(&rest, &name, &found)) > 0) {
    int i = 0;
    while (i < PARAMS && !ss_str_ieq(name, param_name[i]))
      i++;
    if (++n > PARAMS_MAX || (i < PARAMS && param[i].p))
      return SS_ESYNTAX;
    if (i < PARAMS)
      param[i] = found;
  }
  return rc;
}

/* The parameters of Digest credentials; false: another scheme's. */
static bool is_digest(ss_str *rest) {
  ss_str scheme = token(rest);
  return ss_str_ieq(scheme, SS_STR("Digest")) && rest->n &&
         ss_char_is(rest->p[0], SS_CHAR_SPACE);
}

/* RFC 7616 3.4: exactly eight digits; the first request has 1. */
static bool read_nc(ss_str s, uint32_t *out) {
  uint8_t b[4];
  if (!ss_unhex(s, b, sizeof b))
    return false;
  *out =
      (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  return *out != 0;
}

static bool supported(const ss_str param[PARAMS], ss_algorithm *a) {
  ss_str name = param[PARAM_ALGORITHM];
  if (!name.p) /* RFC 7616 3.4 */
    name = ss_algorithm_name(SS_MD5);
  return ss_algorithm_find(name, a) && !param[PARAM_USERNAME_EXT].p &&
         (!param[PARAM_USERHASH].p ||
          ss_str_ieq(param[PARAM_USERHASH], SS_STR("false")));
}

static int fill(ss_message *m, const ss_str param[PARAMS], ss_digest *d) {
  if (!supported(param, &d->algorithm))
    return SS_EUNSUPPORTED;
  d->realm = param[PARAM_REALM];
  d->nonce = param[PARAM_NONCE];
  d->uri = param[PARAM_URI];
  d->cnonce = param[PARAM_CNONCE];
  d->nc_text = param[PARAM_NC];
  if (!param[PARAM_USERNAME].n || !d->nonce.n || !d->uri.n || !d->cnonce.n ||
      !read_nc(d->nc_text, &d->nc) ||
      !ss_str_ieq(param[PARAM_QOP], SS_STR("auth")) ||
      !ss_unhex(param[PARAM_RESPONSE], d->response,
                ss_algorithm_size(d->algorithm)))
    return SS_ESYNTAX;
  return ss_unquote(&m->arena, param[PARAM_USERNAME], &d->user);
}

int ss_digest_find(ss_message *m, ss_str realm, ss_digest *out) {
  const ss_field *f = ss_message_field(m, SS_FIELD_AUTHORIZATION);
  ss_str param[PARAMS], ours[PARAMS] = {{NULL, 0}};
  bool found = false;
  for (; f; f = ss_message_next(m, f)) {
    ss_str rest = f->value;
    if (!is_digest(&rest))
      continue;
    int rc = read_params(rest, param);
    if (rc)
      return rc;
    if (!ss_str_eq(param[PARAM_REALM], realm))
      continue;
    if (found) /* which of them is meant? */
      return SS_ESYNTAX;
    found = true;
    memcpy(ours, param, sizeof ours);
  }
  if (!found)
    return SS_ENOTFOUND;
  *out = (ss_digest){0};
  return fill(m, ours, out);
}
