/* session:renegotiate, hold and resume, each in both its forms. */
#include "lua/fields.h"
#include "lua/media.h"
#include "lua/operations.h"
#include "lua/printable.h"

typedef struct renewing {
  ss_content content;
  lss_fields room;
  bool update, bare; /* of renegotiate */
  bool hold;
} renewing;

/* --- renegotiate ---------------------------------------------------------- */

static ss_failure renegotiate(ss_session *s, void *arg, ss_operation **out) {
  renewing *q = arg;

  return ss_session_renegotiate(s, q->update, q->bare, &q->content, out);
}

/* Options at 2. */
static void renegotiate_check(lua_State *L, renewing *q) {
  static const char *const names[] = {
      "headers", "sdp", "body", "content_type", "method", "offer", NULL};
  ss_str method;

  memset(q, 0, sizeof *q);
  lss_session_check(L);
  lss_content_check(L, 2, names, &q->content, &q->room);
  if (lua_isnoneornil(L, 2))
    return;
  if (lss_option_str(L, 2, "method", &method)) {
    q->update = ss_str_eq(method, SS_STR("UPDATE"));
    if (!q->update && !ss_str_eq(method, SS_STR("INVITE")))
      luaL_error(L, "method: \"INVITE\" or \"UPDATE\" expected, got '%s'",
                 lss_printable(L, method));
  }
  if (lss_option_any(L, 2, "offer")) {
    if (!lua_isboolean(L, -1))
      luaL_error(L, "offer: boolean expected, got %s", luaL_typename(L, -1));
    q->bare = !lua_toboolean(L, -1);
  }
  if (q->bare && q->content.body.n)
    luaL_error(L, "offer = false goes without a description");
}

int lss_session_renegotiate(lua_State *L) {
  renewing q;

  lua_settop(L, 2);
  renegotiate_check(L, &q);
  return lss_operation_run(L, renegotiate, &q);
}

int lss_session_renegotiate_async(lua_State *L) {
  renewing q;

  lss_callback_last(L, 2);
  renegotiate_check(L, &q);
  return lss_operation_start(L, renegotiate, &q, 3);
}

/* --- hold and resume ------------------------------------------------------ */

static ss_failure hold(ss_session *s, void *arg, ss_operation **out) {
  renewing *q = arg;

  return ss_session_hold(s, q->hold, &q->content, out);
}

static void hold_check(lua_State *L, renewing *q, bool on) {
  static const char *const names[] = {"headers", NULL};

  memset(q, 0, sizeof *q);
  lss_session_check(L);
  q->hold = on;
  lss_content_check(L, 2, names, &q->content, &q->room);
}

static int hold_run(lua_State *L, bool on) {
  renewing q;

  lua_settop(L, 2);
  hold_check(L, &q, on);
  return lss_operation_run(L, hold, &q);
}

static int hold_start(lua_State *L, bool on) {
  renewing q;

  lss_callback_last(L, 2);
  hold_check(L, &q, on);
  return lss_operation_start(L, hold, &q, 3);
}

int lss_session_hold(lua_State *L) {
  return hold_run(L, true);
}

int lss_session_resume(lua_State *L) {
  return hold_run(L, false);
}

int lss_session_hold_async(lua_State *L) {
  return hold_start(L, true);
}

int lss_session_resume_async(lua_State *L) {
  return hold_start(L, false);
}
