/* Lists of handlers in user values. An entry is a table {fn, event}, {fn} in a
 * list for one event; false for fn once it was removed. */
#include "lua/event.h"

/* Is the entry on the top for that event? */
static bool is_for(lua_State *L, int event) {
  bool is;

  if (!event)
    return true;
  lua_rawgeti(L, -1, 2);
  is = lua_tointeger(L, -1) == event;
  lua_pop(L, 1);
  return is;
}

lua_Integer lss_event_push(lua_State *L, int idx, int value, int event) {
  lua_Integer i, n;
  bool found = !event;

  if (lua_getiuservalue(L, idx, value) != LUA_TTABLE)
    return 0;
  n = (lua_Integer)lua_rawlen(L, -1);
  for (i = 1; i <= n && !found; i++) {
    lua_rawgeti(L, -1, i);
    found = is_for(L, event);
    lua_pop(L, 1);
  }
  return found ? n : 0;
}

bool lss_event_handler(lua_State *L, int list, lua_Integer i, int event) {
  lua_rawgeti(L, list, i);
  if (is_for(L, event)) {
    lua_rawgeti(L, -1, 1);
    lua_replace(L, -2);
    if (lua_toboolean(L, -1))
      return true;
  }
  lua_pop(L, 1);
  return false;
}

/* Pushes a copy of the list with `add` (an index, or 0) and without `leave`
 * (an index, or 0); nil where it would be empty. */
static void copy(lua_State *L, int idx, int value, int add, int leave) {
  lua_Integer n = lss_event_push(L, idx, value, 0), i, made = 0;
  int from = lua_gettop(L);

  lua_createtable(L, (int)n + 1, 0);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, from, i);
    if (leave && lua_rawequal(L, -1, leave))
      lua_pop(L, 1);
    else
      lua_rawseti(L, -2, ++made);
  }
  if (add) {
    lua_pushvalue(L, add);
    lua_rawseti(L, -2, ++made);
  }
  if (made == 0) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_remove(L, from);
}

static void call_changed(lua_State *L, int idx, lua_CFunction changed) {
  if (!changed)
    return;
  lua_pushcfunction(L, changed);
  lua_pushvalue(L, idx);
  lua_call(L, 1, 0);
}

/* What `on` returns; upvalues: object, value, entry, changed. Idempotent. */
static int event_remove(lua_State *L) {
  int object = lua_upvalueindex(1), entry = lua_upvalueindex(3);
  int value = (int)lua_tointeger(L, lua_upvalueindex(2));

  lua_rawgeti(L, entry, 1);
  if (!lua_toboolean(L, -1))
    return 0;
  copy(L, object, value, 0, entry);
  lua_setiuservalue(L, object, value);
  lua_pushboolean(L, false);
  lua_rawseti(L, entry, 1);
  call_changed(L, object, lua_tocfunction(L, lua_upvalueindex(4)));
  return 0;
}

void lss_event_add(lua_State *L, int idx, int value, int event, int fn,
                   lua_CFunction changed) {
  int entry;

  lua_createtable(L, event ? 2 : 1, 0);
  entry = lua_gettop(L);
  lua_pushvalue(L, fn);
  lua_rawseti(L, entry, 1);
  if (event) {
    lua_pushinteger(L, event);
    lua_rawseti(L, entry, 2);
  }
  copy(L, idx, value, entry, 0);
  lua_setiuservalue(L, idx, value);
  call_changed(L, idx, changed);
  lua_pushvalue(L, idx);
  lua_pushinteger(L, value);
  lua_pushvalue(L, entry);
  if (changed)
    lua_pushcfunction(L, changed);
  else
    lua_pushnil(L);
  lua_pushcclosure(L, event_remove, 4);
  lua_remove(L, entry);
}
