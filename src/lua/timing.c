/* What a script says of session timers (RFC 4028): a table asks for one, false
 * does without the extension, nil leaves it to the other side. */
#include "lua/timing.h"
#include "lua/options.h"
#include "lua/printable.h"

static bool seconds(lua_State *L, int idx, const char *name, uint32_t *out) {
  lua_Integer n;

  if (!lss_option_int(L, idx, name, SS_TIMING_LEAST, INT32_MAX, &n))
    return false;
  *out = (uint32_t)n;
  return true;
}

static void refresher_check(lua_State *L, int idx, ss_timing *out) {
  ss_str who;

  if (!lss_option_str(L, idx, "refresher", &who))
    return;
  if (ss_str_eq(who, SS_STR("uac")))
    out->refresher = SS_REFRESHER_UAC;
  else if (ss_str_eq(who, SS_STR("uas")))
    out->refresher = SS_REFRESHER_UAS;
  else
    luaL_error(L, "refresher: \"uac\" or \"uas\" expected, got '%s'",
               lss_printable(L, who));
}

static void table_check(lua_State *L, int idx, ss_timing *out) {
  static const char *const names[] = {"interval", "minimum", "refresher", NULL};
  bool given;

  lss_options_check(L, idx, names, "field of session_timer");
  out->use = SS_TIMING_ASKED;
  given = seconds(L, idx, "interval", &out->interval);
  seconds(L, idx, "minimum", &out->minimum);
  refresher_check(L, idx, out);
  if (out->interval >= out->minimum)
    return;
  if (given)
    luaL_error(L, "interval: %d is less than the minimum, %d",
               (int)out->interval, (int)out->minimum);
  out->interval = out->minimum;
}

void lss_timing_check(lua_State *L, int idx, ss_timing *out) {
  idx = lua_absindex(L, idx);
  ss_timing_default(out);
  if (lua_isnoneornil(L, idx))
    return;
  if (lua_istable(L, idx))
    table_check(L, idx, out);
  else if (lua_isboolean(L, idx) && !lua_toboolean(L, idx))
    out->use = SS_TIMING_OFF;
  else
    luaL_error(L, "session_timer: table or false expected, got %s",
               luaL_tolstring(L, idx, NULL));
}

void lss_timing_push(lua_State *L, const ss_timing *t) {
  if (t->use == SS_TIMING_KEPT) {
    lua_pushnil(L);
    return;
  }
  if (t->use == SS_TIMING_OFF) {
    lua_pushboolean(L, false);
    return;
  }
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)t->interval);
  lua_setfield(L, -2, "interval");
  lua_pushinteger(L, (lua_Integer)t->minimum);
  lua_setfield(L, -2, "minimum");
  if (!t->refresher)
    return;
  lua_pushstring(L, t->refresher == SS_REFRESHER_UAC ? "uac" : "uas");
  lua_setfield(L, -2, "refresher");
}
