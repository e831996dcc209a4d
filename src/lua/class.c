/* Classes of userdata: metatable, __index over methods and getters, __newindex
 * over setters. Knows no class in particular. */
#include "lua/class.h"

/* __index; upvalues: methods, getters. */
static int class_index(lua_State *L) {
  lua_CFunction getter;

  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1;
  lua_pop(L, 1);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  getter = lua_tocfunction(L, -1);
  if (!getter)
    return 0;
  lua_settop(L, 1);
  return getter(L);
}

/* __newindex; upvalues: setters, class name, writable fields. */
static int class_newindex(lua_State *L) {
  lua_CFunction setter;
  const char *writable = lua_tostring(L, lua_upvalueindex(3));

  lua_settop(L, 3);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  setter = lua_tocfunction(L, -1);
  if (setter) {
    lua_settop(L, 3);
    return setter(L);
  }
  return luaL_error(
      L, "%s: field '%s' can't be set; %s%s",
      lua_tostring(L, lua_upvalueindex(2)), luaL_tolstring(L, 2, NULL),
      writable ? "writable: " : "none can", writable ? writable : "");
}

static void push_functions(lua_State *L, const luaL_Reg *functions) {
  lua_newtable(L);
  if (functions)
    luaL_setfuncs(L, functions, 0);
}

void lss_class_open(lua_State *L, const lss_class *class) {
  if (!luaL_newmetatable(L, class->name)) {
    lua_pop(L, 1);
    return;
  }
  if (class->metamethods)
    luaL_setfuncs(L, class->metamethods, 0);
  push_functions(L, class->methods);
  push_functions(L, class->getters);
  lua_pushcclosure(L, class_index, 2);
  lua_setfield(L, -2, "__index");
  push_functions(L, class->setters);
  lua_pushstring(L, class->name);
  if (class->writable)
    lua_pushstring(L, class->writable);
  else
    lua_pushnil(L);
  lua_pushcclosure(L, class_newindex, 3);
  lua_setfield(L, -2, "__newindex");
  lua_pushstring(L, class->name); /* scripts don't get at the finalizers */
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void *lss_class_new(lua_State *L, const lss_class *class, size_t size,
                    int values) {
  void *box = lua_newuserdatauv(L, size, values);

  memset(box, 0, size);
  luaL_setmetatable(L, class->name);
  return box;
}

void *lss_class_check(lua_State *L, const lss_class *class, int idx) {
  return luaL_checkudata(L, idx, class->name);
}

void lss_push_str(lua_State *L, ss_str text) {
  lua_pushlstring(L, text.n ? text.p : "", text.n);
}

void lss_push_str_or_nil(lua_State *L, ss_str text) {
  if (text.n)
    lua_pushlstring(L, text.p, text.n);
  else
    lua_pushnil(L);
}

ss_str lss_to_str(lua_State *L, int idx) {
  ss_str s;

  s.p = lua_tolstring(L, idx, &s.n);
  return s;
}
