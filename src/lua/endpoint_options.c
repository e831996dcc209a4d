/* The options of sip.endpoint: names, types and ranges checked before anything
 * is opened. */
#include "base/error.h"
#include "lua/auth.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/fields.h"
#include "lua/options.h"
#include "lua/printable.h"
#include "lua/timing.h"
#include "sip/headers.h"

#define LISTENERS_MAX 64
#define ARENA_MAX 65536
#define TIMER_MAX 3600 /* s; RFC 3261's are 0.5, 4 and 5 */

static const char *const names[] = {"listen",
                                    "uri",
                                    "advertise",
                                    "user_agent",
                                    "media",
                                    "unhandled_code",
                                    "terminate_code",
                                    "connect_timeout",
                                    "stall_timeout",
                                    "close_timeout",
                                    "accept",
                                    "timers",
                                    "limits",
                                    "network",
                                    "reliable",
                                    "session_timer",
                                    "allow",
                                    "deny",
                                    "auth",
                                    "targets",
                                    NULL};

/* The address on the top. */
static void add_address(lua_State *L, ss_addr *addr) {
  ss_str text;

  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "listen: an address is a string, got %s",
               luaL_typename(L, -1));
  text = lss_to_str(L, -1);
  if (ss_addr_parse(addr, text))
    luaL_error(L,
               "listen: '%s' is no address; write \"udp:127.0.0.1:5060\" "
               "or \"tcp:[::1]:5060\", with an IP address",
               lss_printable(L, text));
}

static void listen_check(lua_State *L, ss_endpoint_config *config) {
  ss_addr *addr;
  lua_Integer i, n;
  int listen;

  if (!lss_option_any(L, 1, "listen"))
    luaL_error(L, "listen: required; an address as \"udp:127.0.0.1:5060\", "
                  "or a list of them");
  listen = lua_gettop(L);
  n = lua_istable(L, listen) ? (lua_Integer)lua_rawlen(L, listen) : 1;
  if (n < 1 || n > LISTENERS_MAX)
    luaL_error(L, "listen: 1 to %d addresses expected", LISTENERS_MAX);
  addr = lua_newuserdatauv(L, sizeof *addr * (size_t)n, 0);
  memset(addr, 0, sizeof *addr * (size_t)n);
  for (i = 0; i < n; i++) {
    if (lua_istable(L, listen))
      lua_rawgeti(L, listen, i + 1);
    else
      lua_pushvalue(L, listen);
    add_address(L, &addr[i]);
    lua_pop(L, 1);
  }
  config->listen = addr;
  config->listeners = (size_t)n;
}

static void text_check(lua_State *L, const char *name, ss_str *out) {
  if (!lss_option_str(L, 1, name, out))
    return;
  if (!out->n || ss_check_text(*out))
    luaL_error(L,
               "%s: empty, or contains CR, LF, NUL or another control "
               "character",
               name);
}

static bool is_sip_uri(lua_State *L, ss_str text) {
  ss_arena arena;
  ss_uri uri;
  int rc;

  ss_arena_init(&arena, ARENA_MAX);
  memset(&uri, 0, sizeof uri);
  rc = ss_uri_parse(&arena, text, &uri);
  ss_arena_free(&arena);
  lss_check_memory(L, rc);
  return !rc && uri.sip;
}

static void uri_check(lua_State *L, ss_endpoint_config *config) {
  text_check(L, "uri", &config->uri);
  if (config->uri.n && !is_sip_uri(L, config->uri))
    luaL_error(L, "uri: '%s' is no SIP URI; write \"sip:user@host\"",
               lss_printable(L, config->uri));
}

/* "host" or "host:port", of a URI: a host in brackets is an IPv6 address, one
 * of digits and dots an IPv4 address. */
static bool has_host(ss_str s) {
  bool brackets = s.p[0] == '[';
  ss_addr addr;

  s.n = brackets ? ss_str_chr(s, ']') + 1 : ss_str_chr(s, ':');
  return (!brackets && strspn(s.p, "0123456789.") < s.n) ||
         !ss_addr_ip(&addr, SS_UDP, s, 0);
}

/* RFC 3261 25.1: hostport, which is what a SIP URI may be without user,
 * parameters and headers. */
static void advertise_check(lua_State *L, ss_endpoint_config *config) {
  ss_str *s = &config->advertise;

  text_check(L, "advertise", s);
  if (!s->n)
    return;
  lua_pushliteral(L, "sip:");
  lua_pushvalue(L, -2);
  lua_concat(L, 2);
  if (strpbrk(s->p, "@;?") || !is_sip_uri(L, lss_to_str(L, -1)) ||
      !has_host(*s))
    luaL_error(L,
               "advertise: '%s' is no host and port; write "
               "\"203.0.113.5:5060\" or \"[2001:db8::1]\"",
               lss_printable(L, *s));
}

static void codes_check(lua_State *L, ss_endpoint_config *config) {
  lua_Integer code;

  if (lss_option_int(L, 1, "unhandled_code", 400, 699, &code))
    config->unhandled_code = (unsigned)code;
  if (lss_option_int(L, 1, "terminate_code", 400, 699, &code))
    config->terminate_code = (unsigned)code;
}

/* 64*T1 has to fit into 32 bits, in ms. */
static void timer_check(lua_State *L, int idx, const char *name, uint32_t *ms) {
  if (!lss_option_ms(L, idx, name, ms))
    return;
  if (*ms == 0)
    luaL_error(L, "%s: must be greater than 0", name);
  if (*ms > TIMER_MAX * 1000)
    luaL_error(L, "%s: at most %d seconds; T1, T2 and T4 are 0.5, 4 and 5",
               name, TIMER_MAX);
}

static void times_check(lua_State *L, ss_endpoint_config *config) {
  static const char *const timers[] = {"t1", "t2", "t4", NULL};
  int idx;

  lss_option_ms(L, 1, "connect_timeout", &config->connect_timeout);
  lss_option_ms(L, 1, "close_timeout", &config->close_timeout);
  if (!lss_option_any(L, 1, "timers"))
    return;
  idx = lua_gettop(L);
  if (!lua_istable(L, idx))
    luaL_error(L, "timers: table expected, got %s", luaL_typename(L, idx));
  lss_options_check(L, idx, timers, "timer");
  timer_check(L, idx, "t1", &config->t1);
  timer_check(L, idx, "t2", &config->t2);
  timer_check(L, idx, "t4", &config->t4);
}

static void limits_check(lua_State *L, ss_endpoint_config *config) {
  static const char *const limits[] = {
#define X(name, value, least) #name,
      SS_LIMITS_MAP(X)
#undef X
          NULL};
  lua_Integer n;
  int idx;

  if (!lss_option_any(L, 1, "limits"))
    return;
  idx = lua_gettop(L);
  if (!lua_istable(L, idx))
    luaL_error(L, "limits: table expected, got %s", luaL_typename(L, idx));
  lss_options_check(L, idx, limits, "limit");
#define X(name, value, least)                                                  \
  if (lss_option_int(L, idx, #name, least, INT32_MAX, &n))                     \
    config->limits.name = (size_t)n;
  SS_LIMITS_MAP(X)
#undef X
  if (config->limits.header_lines > 250)
    luaL_error(L, "header_lines: at most 250");
}

/* One media type, or some between commas (RFC 3261 25.1); without parameters,
 * for a body's aren't looked at. */
static bool are_types(ss_str list) {
  ss_str type;

  if (!list.n || ss_check_text(list))
    return false;
  while (ss_str_element(&list, &type))
    if (!type.n || ss_media_type(type).n != type.n)
      return false;
  return true;
}

/* On the top. */
static void types_check(lua_State *L) {
  if (lua_type(L, -1) != LUA_TSTRING || !are_types(lss_to_str(L, -1)))
    luaL_error(L, "accept: media types expected, as \"application/sdp\"");
}

/* RFC 3261 20.1: the media types of an Accept header. */
static void accept_check(lua_State *L, ss_endpoint_config *config) {
  luaL_Buffer b;
  lua_Integer i, n;
  int idx;

  if (!lss_option_any(L, 1, "accept"))
    return;
  idx = lua_gettop(L);
  if (lua_type(L, idx) == LUA_TSTRING) {
    types_check(L);
    config->accept = lss_to_str(L, idx);
    return;
  }
  n = lua_istable(L, idx) ? (lua_Integer)lua_rawlen(L, idx) : 0;
  if (n < 1 || n > 64)
    luaL_error(L, "accept: a list of 1 to 64 media types expected");
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, idx, i);
    types_check(L);
    lua_pop(L, 1);
  }
  luaL_buffinit(L, &b);
  for (i = 1; i <= n; i++) {
    if (i > 1)
      luaL_addstring(&b, ", ");
    lua_rawgeti(L, idx, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  config->accept = lss_to_str(L, -1);
}

static const char *const reliabilities[] = {
    [SS_RELIABILITY_OFF] = "off",
    [SS_RELIABILITY_SUPPORTED] = "supported",
    [SS_RELIABILITY_REQUIRED] = "required"};

const char *lss_reliability_name(ss_reliability reliable) {
  return reliabilities[reliable];
}

ss_reliability lss_reliability_check(lua_State *L, int idx) {
  const char *name =
      lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  int i;

  for (i = SS_RELIABILITY_OFF; i <= SS_RELIABILITY_REQUIRED; i++)
    if (strcmp(name, reliabilities[i]) == 0)
      return (ss_reliability)i;
  luaL_error(L,
             "reliable: \"off\", \"supported\" or \"required\" expected, got "
             "%s",
             luaL_tolstring(L, idx, NULL));
  return SS_RELIABILITY_OFF;
}

void lss_endpoint_config(lua_State *L, ss_endpoint_config *config) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lss_options_check(L, 1, names, NULL);
  ss_endpoint_config_default(config);
  listen_check(L, config);
  uri_check(L, config);
  advertise_check(L, config);
  text_check(L, "user_agent", &config->user_agent);
  codes_check(L, config);
  if (lss_option_any(L, 1, "reliable"))
    config->reliable = lss_reliability_check(L, -1);
  times_check(L, config);
  limits_check(L, config);
  accept_check(L, config);
  lss_option_any(L, 1, "session_timer");
  lss_timing_check(L, -1, &config->timing);
  lss_access_config(L, config);
}
