/* Who may call: the endpoint's options allow, deny and auth (targets are read
 * like allow), and the lookup that auth has, run in a coroutine of its own.
 * What it returns: a password, a table with `ha1`, or nil for a user that there
 * isn't; an error is a 500 (and is reported). No password gets into a message
 * of ours. */
#include "lua/auth.h"
#include "lua/call.h"
#include "lua/class.h"
#include "lua/options.h"
#include "lua/printable.h"
#include "sip/fields.h"

#define NETWORKS_MAX 256

static const lss_class attempt_class;

/* --- allow, deny, targets ------------------------------------------------- */

/* The network on the top. */
static void add_network(lua_State *L, const char *option, ss_cidr *network) {
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "%s: a network is a string, got %s", option,
               luaL_typename(L, -1));
  if (ss_cidr_parse(network, lss_to_str(L, -1)))
    luaL_error(L,
               "%s: '%s' is no network; write \"192.0.2.0/24\", "
               "\"2001:db8::/32\", or one IP address",
               option, lss_printable(L, lss_to_str(L, -1)));
}

static void networks_check(lua_State *L, const char *option, ss_networks *out) {
  lua_Integer i, n;
  int idx;

  if (!lss_option_any(L, 1, option))
    return;
  idx = lua_gettop(L);
  n = lua_istable(L, idx) ? (lua_Integer)lua_rawlen(L, idx) : 1;
  if (n < 1 || n > NETWORKS_MAX)
    luaL_error(L, "%s: 1 to %d networks expected", option, NETWORKS_MAX);
  out->list = lua_newuserdatauv(L, sizeof *out->list * (size_t)n, 0);
  for (i = 0; i < n; i++) {
    if (lua_istable(L, idx))
      lua_rawgeti(L, idx, i + 1);
    else
      lua_pushvalue(L, idx);
    add_network(L, option, &out->list[i]);
    lua_pop(L, 1);
  }
  out->n = (size_t)n;
}

static void deny_check(lua_State *L, ss_endpoint_config *config) {
  ss_str how;

  if (!lss_option_str(L, 1, "deny", &how))
    return;
  if (ss_str_eq(how, SS_STR("drop")))
    config->deny_silently = true;
  else if (!ss_str_eq(how, SS_STR("reject")))
    luaL_error(L, "deny: \"reject\" or \"drop\" expected");
}

/* --- auth ----------------------------------------------------------------- */

/* RFC 3261 25.1: it is put in quotes, and compared as it is. */
static void realm_check(lua_State *L, int idx, ss_auth_config *auth) {
  if (!lss_option_str(L, idx, "realm", &auth->realm) || !auth->realm.n)
    luaL_error(L, "auth.realm: required; a name as \"example.com\"");
  if (ss_check_text(auth->realm) || auth->realm.n > 256 ||
      memchr(auth->realm.p, '"', auth->realm.n) ||
      memchr(auth->realm.p, '\\', auth->realm.n))
    luaL_error(L, "auth.realm: at most 256 octets without quotes, backslashes "
                  "and control characters expected");
}

/* The algorithm on the top. */
static ss_algorithm algorithm_check(lua_State *L) {
  ss_algorithm a;

  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "auth.algorithms: names expected, got %s",
               luaL_typename(L, -1));
  if (!ss_algorithm_find(lss_to_str(L, -1), &a))
    luaL_error(L,
               "auth.algorithms: '%s' is not supported; there are "
               "\"SHA-256\", \"SHA-512-256\" and \"MD5\"",
               lss_printable(L, lss_to_str(L, -1)));
  return a;
}

static void algorithms_check(lua_State *L, int idx, ss_auth_config *auth) {
  unsigned seen = 0;
  lua_Integer i, n;

  if (!lss_option_any(L, idx, "algorithms"))
    return;
  n = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  if (n < 1 || n > SS_ALGORITHMS)
    luaL_error(L, "auth.algorithms: a list as { \"SHA-256\", \"MD5\" } "
                  "expected, the best first");
  for (i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    auth->algorithm[i] = algorithm_check(L);
    if (seen & 1u << auth->algorithm[i])
      luaL_error(L, "auth.algorithms: one is there twice");
    seen |= 1u << auth->algorithm[i];
    lua_pop(L, 1);
  }
  auth->algorithms = (size_t)n;
}

static void auth_check(lua_State *L, ss_endpoint_config *config) {
  static const char *const names[] = {"realm", "lookup", "algorithms",
                                      "nonce_lifetime", NULL};
  ss_auth_config *auth = &config->auth;
  int idx;

  if (!lss_option_any(L, 1, "auth"))
    return;
  idx = lua_gettop(L);
  if (!lua_istable(L, idx))
    luaL_error(L, "auth: a table with realm and lookup expected, got %s",
               luaL_typename(L, idx));
  lss_options_check(L, idx, names, "option of auth");
  realm_check(L, idx, auth);
  lss_option_any(L, idx, "lookup");
  if (!lua_isfunction(L, -1))
    luaL_error(
        L, "auth.lookup: a function(user, realm, algorithm) expected, got %s",
        luaL_typename(L, -1));
  algorithms_check(L, idx, auth);
  if (lss_option_ms(L, idx, "nonce_lifetime", &auth->nonce_lifetime) &&
      !auth->nonce_lifetime)
    luaL_error(L, "nonce_lifetime: must be greater than 0");
}

void lss_access_config(lua_State *L, ss_endpoint_config *config) {
  networks_check(L, "allow", &config->allow);
  networks_check(L, "targets", &config->targets);
  deny_check(L, config);
  auth_check(L, config);
}

void lss_push_lookup(lua_State *L) {
  if (lss_option_any(L, 1, "auth")) {
    lua_getfield(L, -1, "lookup");
    lua_remove(L, -2);
  }
}

/* --- what a lookup returns ------------------------------------------------ */

/* The userdata: an attempt while its lookup runs. */
typedef struct attempt_box {
  ss_attempt *attempt;
} attempt_box;

static int attempt_gc(lua_State *L) {
  attempt_box *box = lua_touserdata(L, 1);

  ss_attempt_unref(box->attempt);
  box->attempt = NULL;
  return 0;
}

/* `ha1` for the attempt's algorithm: on the top a string, or a table of them
 * by name. NULL: taken, or there is none for that algorithm; else what is wrong
 * with it. */
static const char *take_ha1(lua_State *L, ss_attempt *a) {
  ss_algorithm algorithm = ss_attempt_algorithm(a);
  ss_str name = ss_algorithm_name(algorithm);
  const char *problem = NULL;
  ss_ha1 ha1;

  if (lua_istable(L, -1)) {
    lss_push_str(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) {
      ss_attempt_unknown(a);
      return NULL;
    }
  }
  if (lua_type(L, -1) != LUA_TSTRING)
    return "ha1 must be a string of hex digits, or a table of them by "
           "algorithm";
  if (ss_digest_ha1_parse(algorithm, lss_to_str(L, -1), &ha1))
    problem = "ha1 isn't that of the algorithm the caller chose; give one for "
              "each in auth.algorithms: ha1 = { [\"SHA-256\"] =, MD5 = }";
  else
    ss_attempt_ha1(a, &ha1);
  ss_ha1_wipe(&ha1);
  return problem;
}

/* The result at the top; NULL, or what is wrong with it. An empty password is
 * none: else whoever knew of it could call. */
static const char *take_result(lua_State *L, ss_attempt *a) {
  switch (lua_type(L, -1)) {
  case LUA_TSTRING:
    if (lua_rawlen(L, -1))
      ss_attempt_password(a, lss_to_str(L, -1));
    else
      ss_attempt_unknown(a);
    return NULL;
  case LUA_TTABLE:
    lua_pushliteral(L, "ha1");
    lua_rawget(L, -2);
    return take_ha1(L, a);
  case LUA_TNIL:
    ss_attempt_unknown(a);
    return NULL;
  case LUA_TBOOLEAN:
    if (!lua_toboolean(L, -1)) {
      ss_attempt_unknown(a);
      return NULL;
    }
    break;
  default:
    break;
  }
  return "it must return a password (a string), { ha1 = }, or nil";
}

/* It has ended; stack: attempt, result. */
static void looked_up(lua_State *L, bool failed) {
  attempt_box *box = lua_touserdata(L, -2);
  ss_attempt *a = box->attempt;
  const char *problem;

  if (!a)
    return;
  box->attempt = NULL;
  problem = failed ? NULL : take_result(L, a);
  if (failed || problem)
    ss_attempt_failed(a);
  ss_attempt_unref(a);
  if (!problem)
    return;
  lss_push_owner(L, lss_context_get(L));
  lua_pushfstring(L, "auth.lookup: %s", problem);
  lua_pushvalue(L, -1);
  lss_report(L, lua_gettop(L) - 2);
}

static const lss_role lookup_role = {true, false, false, NULL, looked_up};

/* --- its start ------------------------------------------------------------ */

typedef struct start {
  lss_endpoint *endpoint;
  ss_attempt *attempt;
} start;

/* Behind the door. */
static int begin(lua_State *L) {
  start *s = lua_touserdata(L, 1);
  lss_context *c = s->endpoint->world->context;
  attempt_box *box;

  lss_push_box(L, c, s->endpoint->userdata);
  if (lua_isnil(L, 2))
    return luaL_error(L, "a request for an endpoint that is gone");
  box = lss_class_new(L, c, &attempt_class, sizeof *box, 0);
  box->attempt = ss_attempt_ref(s->attempt);
  lua_getiuservalue(L, 2, LSS_ENDPOINT_LOOKUP);
  lss_push_str(L, ss_attempt_user(s->attempt));
  lss_push_str(L, ss_attempt_realm(s->attempt));
  lss_push_str(L, ss_algorithm_name(ss_attempt_algorithm(s->attempt)));
  lss_start(L, &lookup_role, s->endpoint->world, 2, 3, 3);
  return 0;
}

void lss_lookup(void *arg, ss_attempt *attempt) {
  lss_endpoint *e = arg;
  start s = {e, ss_attempt_ref(attempt)};

  if (!lss_door(e->world->context, begin, &s))
    ss_attempt_failed(attempt);
  ss_attempt_unref(attempt);
}

static const luaL_Reg attempt_metamethods[] = {{"__gc", attempt_gc},
                                               {NULL, NULL}};
static const lss_class attempt_class = {LSS_CLASS_ATTEMPT,
                                        "sipsession.attempt",
                                        NULL,
                                        NULL,
                                        NULL,
                                        attempt_metamethods,
                                        NULL};

void lss_auth_open(lua_State *L) {
  lss_class_open(L, &attempt_class);
}

/* --- the testing kit's side ----------------------------------------------- */

static ss_str str_arg(lua_State *L, int idx) {
  luaL_checkstring(L, idx);
  return lss_to_str(L, idx);
}

int lss_digest(lua_State *L) {
  ss_digest d;
  ss_ha1 ha1;
  uint8_t response[SS_HASH_MAX];
  char hex[2 * SS_HASH_MAX];
  ss_str password, method;
  size_t n;

  memset(&d, 0, sizeof d);
  if (!ss_algorithm_find(str_arg(L, 1), &d.algorithm))
    return 0;
  d.user = str_arg(L, 2);
  d.realm = str_arg(L, 3);
  password = str_arg(L, 4);
  method = str_arg(L, 5);
  d.uri = str_arg(L, 6);
  d.nonce = str_arg(L, 7);
  d.nc_text = str_arg(L, 8);
  d.cnonce = str_arg(L, 9);
  n = ss_algorithm_size(d.algorithm);
  if (ss_digest_ha1(d.algorithm, d.user, d.realm, password, &ha1) ||
      ss_digest_response(&d, method, &ha1, response))
    return luaL_error(L, "not enough memory");
  ss_hex(response, n, hex);
  lua_pushlstring(L, hex, 2 * n);
  ss_hex(ha1.p, n, hex);
  lua_pushlstring(L, hex, 2 * n);
  return 2;
}
