/* Error objects. Their metatable has is_realtime, and a tostring fit for a log
 * line. */
#include "lua/error.h"
#include "base/error.h"
#include "lua/class.h"
#include "lua/message.h"
#include "lua/printable.h"

#define ERROR "sipsession.error"

static char memory_key; /* in the registry */

/* The message may have been made by a negotiator, of what a peer sent. */
static int error_tostring(lua_State *L) {
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "kind");
  lua_getfield(L, 1, "reason");
  lua_getfield(L, 1, "message");
  if (lua_isnil(L, 3))
    lua_pushfstring(L, "%s: %s", luaL_tolstring(L, 2, NULL),
                    luaL_tolstring(L, 4, NULL));
  else
    lua_pushfstring(L, "%s (%s): %s", luaL_tolstring(L, 2, NULL),
                    luaL_tolstring(L, 3, NULL), luaL_tolstring(L, 4, NULL));
  lss_printable(L, lss_to_str(L, -1));
  return 1;
}

/* UCMA: RealTimeException is the base of all but InvalidOperationException. */
static int error_is_realtime(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "kind");
  lua_pushstring(L, ss_failure_kind_name(SS_KIND_INVALID_OPERATION));
  lua_pushboolean(L, !lua_rawequal(L, -1, -2));
  return 1;
}

/* Stack: message; becomes the object. */
static void make(lua_State *L, ss_failure_kind kind, ss_failure_reason reason) {
  const char *name = ss_failure_reason_name(reason);

  lua_createtable(L, 0, 5);
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  lua_pushstring(L, ss_failure_kind_name(kind));
  lua_setfield(L, -2, "kind");
  if (name) {
    lua_pushstring(L, name);
    lua_setfield(L, -2, "reason");
  }
  luaL_setmetatable(L, ERROR);
}

void lss_error_open(lua_State *L) {
  luaL_newmetatable(L, ERROR);
  lua_pushcfunction(L, error_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, error_is_realtime);
  lua_setfield(L, -2, "is_realtime");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushliteral(L, "not enough memory");
  make(L, SS_KIND_OPERATION_FAILURE, SS_WHY_NONE);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &memory_key);
}

void lss_error_push_memory(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &memory_key);
}

void lss_check_memory(lua_State *L, int rc) {
  if (rc == SS_ENOMEM)
    luaL_error(L, "sipsession: not enough memory");
}

void lss_error_new(lua_State *L, ss_failure_kind kind, ss_failure_reason reason,
                   const char *format, ...) {
  va_list list;

  luaL_checkstack(L, 8, NULL);
  va_start(list, format);
  lua_pushvfstring(L, format, list);
  va_end(list);
  make(L, kind, reason);
}

int lss_error_media(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  make(L, SS_KIND_OPERATION_FAILURE, SS_WHY_MEDIA);
  return 1;
}

/* Pushes what happened, for a log line. */
static void push_text(lua_State *L, const ss_failure *f) {
  const char *text = ss_failure_text(f);

  if (f->rc == SS_EFULL || f->rc == SS_ELIMIT)
    lua_pushliteral(L, "the message would be too large");
  else if (f->reason == SS_WHY_NONE && f->kind == SS_KIND_OPERATION_TIMEOUT)
    lua_pushliteral(L, "the call was not answered in time");
  else if (f->reason == SS_WHY_NONE && f->kind == SS_KIND_CONNECTION_FAILURE)
    lua_pushfstring(L, "the connection to the caller failed: %s",
                    f->rc ? ss_strerror(f->rc) : "it is closed");
  else if (f->rc && f->reason != SS_WHY_NONE &&
           f->kind != SS_KIND_OPERATION_TIMEOUT)
    lua_pushfstring(L, "%s: %s", text, ss_strerror(f->rc));
  else
    lua_pushstring(L, text);
}

static void push_response(lua_State *L, const ss_message *response) {
  lua_pushfstring(L, "the other side answered %d ", response->code);
  lss_printable(L, response->reason);
  lua_concat(L, 2);
}

void lss_error_push(lua_State *L, const ss_failure *f, ss_message *response) {
  luaL_checkstack(L, 8, NULL);
  if (f->kind == SS_KIND_FAILURE_RESPONSE && response)
    push_response(L, response);
  else
    push_text(L, f);
  make(L, f->kind, f->reason);
  if (!response)
    return;
  lua_pushinteger(L, response->code);
  lua_setfield(L, -2, "code");
  lss_message_push(L, lss_context_get(L), response);
  lua_setfield(L, -2, "response");
}

int lss_fail(lua_State *L, ss_failure f) {
  lua_pushnil(L);
  lss_error_push(L, &f, NULL);
  return 2;
}

static bool is_error(lua_State *L, int idx) {
  bool is = false;

  if (!lua_istable(L, idx) || !lua_getmetatable(L, idx))
    return false;
  luaL_getmetatable(L, ERROR);
  is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is;
}

static int raw_field(lua_State *L, int idx, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, idx);
}

void lss_error_unwrap(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 4, NULL);
  if (!lua_istable(L, idx) || is_error(L, idx))
    return;
  raw_field(L, idx, "message");
  if (is_error(L, lua_gettop(L)))
    lua_copy(L, -1, idx);
  lua_pop(L, 1);
}

bool lss_error_is_quiet(lua_State *L, int idx) {
  const char *reason;
  bool quiet;

  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 4, NULL);
  if (!is_error(L, idx))
    return false;
  reason =
      raw_field(L, idx, "reason") == LUA_TSTRING ? lua_tostring(L, -1) : "";
  quiet =
      strcmp(reason, ss_failure_reason_name(SS_WHY_CANCELLED)) == 0 ||
      strcmp(reason, ss_failure_reason_name(SS_WHY_TERMINATED_AFTER_200)) == 0;
  lua_pop(L, 1);
  return quiet;
}
