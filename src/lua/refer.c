/* session:refer, in both its forms: what goes into a Refer-To and a Referred-By
 * is checked here (RFC 3515, 3891, 3892). */
#include "lua/error.h"
#include "lua/fields.h"
#include "lua/operations.h"
#include "lua/printable.h"
#include "sip/headers.h"

#define ARENA_MAX 65536

static ss_failure begin(ss_session *s, void *arg, ss_operation **out) {
  return ss_session_refer(s, arg, out);
}

static bool parses(lua_State *L, ss_str text, bool whole, bool *sip) {
  ss_arena arena;
  ss_uri uri;
  ss_name_addr who;
  int rc;

  if (!text.n || ss_check_text(text))
    return false;
  ss_arena_init(&arena, ARENA_MAX);
  if (whole) {
    rc = ss_name_addr_parse(&arena, text, &who);
    *sip = rc == 0 && who.uri.sip;
  } else {
    rc = ss_uri_parse(&arena, text, &uri);
    *sip = rc == 0 && uri.sip;
  }
  ss_arena_free(&arena);
  lss_check_memory(L, rc);
  return rc == 0;
}

static bool has_any(ss_str text, const char *set) {
  size_t i;

  for (i = 0; i < text.n; i++)
    if (text.p[i] && strchr(set, text.p[i]))
      return true;
  return false;
}

/* The URI at 2; *sip: it is one that may have headers. */
static ss_str target_check(lua_State *L, bool *sip) {
  ss_str s;

  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_typeerror(L, 2, "string");
  s = lss_to_str(L, 2);
  if (has_any(s, "<>\" ") || !parses(L, s, false, sip))
    luaL_error(L, "refer: '%s' is no URI (write it as \"sip:user@host\")",
               lss_printable(L, s));
  return s;
}

/* The option on the top: a URI, a name-addr, or false. */
static void referred_by_check(lua_State *L, ss_refer *q) {
  bool sip = false, bare;
  ss_str s;

  if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) {
    q->anonymous = true;
    return;
  }
  if (lua_type(L, -1) != LUA_TSTRING)
    luaL_error(L, "referred_by: a URI or false expected, got %s",
               luaL_typename(L, -1));
  s = lss_to_str(L, -1);
  bare = !has_any(s, "<\"");
  if (!parses(L, s, !bare, &sip) || (bare && has_any(s, "> ")))
    luaL_error(L, "referred_by: '%s' is no URI", lss_printable(L, s));
  if (bare)
    lua_pushfstring(L, "<%s>", lua_tostring(L, -1));
  q->referred_by = lss_to_str(L, -1);
}

static void headers_check(lua_State *L, ss_refer *q, lss_fields *room) {
  const ss_fields *f = lss_fields_check(L, lua_gettop(L), room);

  q->fields = f;
  if (!f)
    return;
  if (ss_fields_has(f, SS_FIELD_REFER_TO))
    luaL_error(L, "header 'Refer-To' is the target of refer");
  if (ss_fields_has(f, SS_FIELD_REFERRED_BY))
    luaL_error(L, "header 'Referred-By' is set by the option 'referred_by'");
}

/* Target at 2, options at 3. */
static void refer_check(lua_State *L, ss_refer *q, lss_fields *room) {
  static const char *const names[] = {"headers", "replaces", "referred_by",
                                      "subscribe", NULL};
  bool sip = false;

  memset(q, 0, sizeof *q);
  lss_session_check(L);
  q->target = target_check(L, &sip);
  if (lua_isnoneornil(L, 3))
    return;
  luaL_checktype(L, 3, LUA_TTABLE);
  lss_options_check(L, 3, names, NULL);
  if (lss_option_any(L, 3, "headers"))
    headers_check(L, q, room);
  if (lss_option_any(L, 3, "referred_by"))
    referred_by_check(L, q);
  if (lss_option_any(L, 3, "subscribe")) {
    if (!lua_isboolean(L, -1))
      luaL_error(L, "subscribe: boolean expected, got %s",
                 luaL_typename(L, -1));
    q->unsubscribed = !lua_toboolean(L, -1);
  }
  if (!lss_option_any(L, 3, "replaces"))
    return;
  q->replaces = lss_session_core(L, -1);
  if (!q->replaces)
    luaL_error(L, "replaces: a session expected, got %s", luaL_typename(L, -1));
  if (!sip)
    luaL_error(L, "replaces: goes with a sip: target only");
}

int lss_session_refer(lua_State *L) {
  ss_refer q;
  lss_fields room;

  lua_settop(L, 3);
  refer_check(L, &q, &room);
  return lss_operation_run(L, begin, &q);
}

int lss_session_refer_async(lua_State *L) {
  ss_refer q;
  lss_fields room;

  lss_callback_last(L, 3);
  refer_check(L, &q, &room);
  return lss_operation_start(L, begin, &q, 4);
}
