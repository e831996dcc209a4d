/* Classes of userdata: metatable, __index over methods and getters, __newindex
 * over setters. Knows no class in particular. */
#include "lua/class.h"
#include "lua/context.h"

/* __index; upvalues: what there is, a method or the number of a getter; the
 * class. */
static int class_index(lua_State *L) {
  const lss_class *class;
  lua_Integer getter;

  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
    return 1;
  class = lua_touserdata(L, lua_upvalueindex(2));
  getter = lua_tointeger(L, 2);
  lua_settop(L, 1);
  return class->getters[getter].func(L);
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

static void push_members(lua_State *L, const lss_class *class) {
  lua_Integer i;

  lua_newtable(L);
  for (i = 0; class->getters && class->getters[i].name; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, class->getters[i].name);
  }
  if (class->methods)
    luaL_setfuncs(L, class->methods, 0);
}

/* A metatable's first element says whose it is. */
void lss_class_open(lua_State *L, const lss_class *class) {
  lss_context *c = lss_context_get(L);

  if (c->metatable[class->id])
    return;
  lua_createtable(L, 1, 8);
  lua_pushlightuserdata(L, (void *)class);
  lua_rawseti(L, -2, 1);
  lua_pushstring(L, class->name);
  lua_setfield(L, -2, "__name");
  if (class->metamethods)
    luaL_setfuncs(L, class->metamethods, 0);
  push_members(L, class);
  lua_pushlightuserdata(L, (void *)class);
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
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, class->name);
  c->metatable[class->id] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void *lss_class_new(lua_State *L, const lss_context *c, const lss_class *class,
                    size_t size, int values) {
  void *box = lua_newuserdatauv(L, size, values);

  memset(box, 0, size);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->metatable[class->id]);
  lua_setmetatable(L, -2);
  return box;
}

void *lss_class_test(lua_State *L, const lss_class *class, int idx) {
  void *box = lua_touserdata(L, idx);
  bool is;

  if (!box || !lua_getmetatable(L, idx))
    return NULL;
  lua_rawgeti(L, -1, 1);
  is = lua_touserdata(L, -1) == class;
  lua_pop(L, 2);
  return is ? box : NULL;
}

void *lss_class_check(lua_State *L, const lss_class *class, int idx) {
  void *box = lss_class_test(L, class, idx);

  if (!box)
    luaL_typeerror(L, idx, class->name);
  return box;
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
