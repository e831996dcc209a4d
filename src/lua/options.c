/* Strict option tables. */
#include "lua/options.h"
#include "lua/printable.h"
#include "lua/wait.h"

/* Levenshtein's distance, of short names; a large number for long ones. */
static size_t distance(const char *a, const char *b) {
  size_t row[33], n = strlen(a), m = strlen(b), i, j;

  if (n > 32 || m > 32)
    return 99;
  for (j = 0; j <= m; j++)
    row[j] = j;
  for (i = 1; i <= n; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (j = 1; j <= m; j++) {
      size_t best = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      if (row[j] + 1 < best)
        best = row[j] + 1;
      if (row[j - 1] + 1 < best)
        best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[m];
}

static bool listed(const char *name, const char *const *names) {
  for (; *names; names++)
    if (strcmp(name, *names) == 0)
      return true;
  return false;
}

const char *lss_option_meant(const char *name, const char *const *names) {
  const char *meant = NULL;
  size_t least = 3;

  if (listed(name, names))
    return NULL;
  for (; *names; names++) {
    size_t d = distance(name, *names);
    if (d < least) {
      least = d;
      meant = *names;
    }
  }
  return meant;
}

int lss_option_unknown(lua_State *L, const char *name, const char *meant,
                       const char *what) {
  name = lss_printable(L, ss_str_z(name));
  if (meant)
    return luaL_error(L, "unknown %s '%s' (did you mean '%s'?)", what, name,
                      meant);
  return luaL_error(L, "unknown %s '%s'", what, name);
}

/* Raises unless the key at idx is one of `names`. */
static void name_check(lua_State *L, int idx, const char *const *names,
                       const char *what) {
  const char *name;

  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "unknown %s %s: names expected", what,
               luaL_tolstring(L, idx, NULL));
  name = lua_tostring(L, idx);
  if (!listed(name, names))
    lss_option_unknown(L, name, lss_option_meant(name, names), what);
}

void lss_options_check(lua_State *L, int idx, const char *const *names,
                       const char *what) {
  idx = lua_absindex(L, idx);
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    name_check(L, -2, names, what ? what : "option");
    lua_pop(L, 1);
  }
}

/* Of n names the one that the key at idx is; n: it is none. */
static int find(lua_State *L, int idx, const char *const *names, int n) {
  ss_str key = lss_to_str(L, idx);
  int i;

  for (i = 0; i < n && strcmp(key.p, names[i]) != 0; i++) {
  }
  return i < n && strlen(names[i]) == key.n ? i : n;
}

void lss_options_take(lua_State *L, int idx, const char *const *names,
                      const char *const *wanted, int n) {
  int first = lua_gettop(L) + 1, i;

  idx = lua_absindex(L, idx);
  luaL_checkstack(L, n + 8, NULL);
  lua_settop(L, first + n - 1);
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    name_check(L, -2, names, "option");
    i = find(L, -2, wanted, n);
    if (i < n)
      lua_copy(L, -1, first + i);
    lua_pop(L, 1);
  }
}

bool lss_option_any(lua_State *L, int idx, const char *name) {
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 8, NULL);
  lua_pushstring(L, name);
  return lua_rawget(L, idx) != LUA_TNIL;
}

static void check_type(lua_State *L, int idx, const char *name, int type) {
  if (lua_type(L, idx) != type)
    luaL_error(L, "%s: %s expected, got %s", name, lua_typename(L, type),
               luaL_typename(L, idx));
}

bool lss_option_given(lua_State *L, int idx, const char *name, ss_str *out) {
  if (lua_isnil(L, idx))
    return false;
  check_type(L, idx, name, LUA_TSTRING);
  *out = lss_to_str(L, idx);
  return true;
}

bool lss_option_str(lua_State *L, int idx, const char *name, ss_str *out) {
  lss_option_any(L, idx, name);
  return lss_option_given(L, -1, name, out);
}

bool lss_option_int(lua_State *L, int idx, const char *name, lua_Integer min,
                    lua_Integer max, lua_Integer *out) {
  lua_Integer n;
  int whole;

  if (!lss_option_any(L, idx, name))
    return false;
  check_type(L, -1, name, LUA_TNUMBER);
  n = lua_tointegerx(L, -1, &whole);
  if (!whole || n < min || n > max)
    luaL_error(L, "%s: %s is no whole number from %I to %I", name,
               luaL_tolstring(L, -1, NULL), min, max);
  *out = n;
  return true;
}

bool lss_option_ms(lua_State *L, int idx, const char *name, uint32_t *out) {
  if (!lss_option_any(L, idx, name))
    return false;
  *out = lss_check_ms(L, -1, name);
  return true;
}

bool lss_option_fraction(lua_State *L, int idx, const char *name, double *out) {
  double n;

  if (!lss_option_any(L, idx, name))
    return false;
  check_type(L, -1, name, LUA_TNUMBER);
  n = lua_tonumber(L, -1);
  if (!(n >= 0 && n <= 1))
    luaL_error(L, "%s: %f is not between 0 and 1", name, n);
  *out = n;
  return true;
}
