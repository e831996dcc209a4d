/* Verbs that wait for the peer: what runs is kept by the session, together
 * with who waits for it, a task or a function; the core tells its end once. */
#include "lua/operations.h"
#include "lua/error.h"
#include "lua/fields.h"
#include "lua/message.h"
#include "lua/printable.h"
#include "lua/wait.h"

/* What runs is a list of pairs {operation, who waits}. The pair is made before
 * the operation begins, for afterwards nothing may fail. Pushes an empty one
 * that is in the list of the session at 1. */
static void prepare(lua_State *L) {
  if (lss_session_get_rare(L, 1, LSS_RARE_RUNNING) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lss_session_set_rare(L, 1, LSS_RARE_RUNNING);
  }
  lua_createtable(L, 2, 0);
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, 1);
  lua_pushboolean(L, false);
  lua_rawseti(L, -2, 2);
  lua_pushvalue(L, -1);
  lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
  lua_remove(L, -2);
}

/* It began: who waits is at idx. */
static void keep(lua_State *L, int pair, ss_operation *o, int idx) {
  lua_pushlightuserdata(L, o);
  lua_rawseti(L, pair, 1);
  lua_pushvalue(L, idx);
  lua_rawseti(L, pair, 2);
}

/* Takes number i from the list on the top. */
static void take(lua_State *L, lua_Integer i) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);

  lua_rawgeti(L, -1, n);
  lua_rawseti(L, -2, i);
  lua_pushnil(L);
  lua_rawseti(L, -2, n);
}

/* It didn't begin. */
static void forget(lua_State *L, int pair) {
  lua_Integer i, n;
  bool found;

  lss_session_get_rare(L, 1, LSS_RARE_RUNNING);
  n = (lua_Integer)lua_rawlen(L, -1);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    found = lua_rawequal(L, -1, pair);
    lua_pop(L, 1);
    if (found) {
      take(L, i);
      break;
    }
  }
  lua_pop(L, 1);
}

/* It ended: pushes who waits for it, or nil. Session at idx. */
static int settle(lua_State *L, int idx, const ss_operation *o) {
  lua_Integer i, n;
  bool found;

  if (lss_session_get_rare(L, idx, LSS_RARE_RUNNING) != LUA_TTABLE)
    return LUA_TNIL;
  n = (lua_Integer)lua_rawlen(L, -1);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawgeti(L, -1, 1);
    found = lua_touserdata(L, -1) == o;
    lua_pop(L, 1);
    if (found) {
      lua_insert(L, -2);
      take(L, i);
      lua_pop(L, 1);
      lua_rawgeti(L, -1, 2);
      lua_remove(L, -2);
      return lua_type(L, -1);
    }
    lua_pop(L, 1);
  }
  return LUA_TNIL;
}

static ss_failure begin(lua_State *L, lss_session *box, lss_begin fn, void *arg,
                        ss_operation **o) {
  lss_context *c = lss_session_context(L, box);
  lua_State *was = lss_enter(c, L);
  ss_failure f = fn(box->core, arg, o);

  c->L = was;
  return f;
}

void lss_callback_last(lua_State *L, int idx) {
  if (lua_isfunction(L, idx) && lua_isnoneornil(L, idx + 1)) {
    lua_settop(L, idx);
    lua_pushnil(L);
    lua_insert(L, idx);
  }
  luaL_checktype(L, idx + 1, LUA_TFUNCTION);
  lua_settop(L, idx + 1);
}

static int succeed(lua_State *L) {
  lua_pushboolean(L, true);
  return 1;
}

int lss_operation_run(lua_State *L, lss_begin fn, void *arg) {
  lss_session *box = lss_session_check(L);
  ss_failure f = {SS_KIND_INVALID_OPERATION, SS_WHY_NOT_YIELDABLE, 0};
  ss_operation *o = NULL;
  lss_wait_mode how;
  lss_task *t;
  int endpoint;

  if (!box->live) { /* the core knows how it ended, and refuses */
    f = begin(L, box, fn, arg, &o);
    return lss_fail(L, f);
  }
  how = lss_wait_how(L, box->world);
  if (how == LSS_WAIT_REFUSE)
    return lss_fail(L, f);
  lua_getiuservalue(L, 1, LSS_SESSION_ENDPOINT);
  endpoint = lua_gettop(L);
  prepare(L);
  t = lss_wait_open(L, box->world, how, endpoint);
  f = begin(L, box, fn, arg, &o);
  if (f.kind != SS_KIND_NONE || !o) {
    lss_wait_drop(L, t);
    forget(L, endpoint + 1);
    return f.kind == SS_KIND_NONE ? succeed(L) : lss_fail(L, f);
  }
  keep(L, endpoint + 1, o, endpoint + 2);
  return lss_wait(L, t, how);
}

int lss_operation_start(lua_State *L, lss_begin fn, void *arg, int waiter) {
  lss_session *box = lss_session_check(L);
  ss_operation *o = NULL;
  ss_failure f;
  int pair;

  prepare(L);
  pair = lua_gettop(L);
  f = begin(L, box, fn, arg, &o);
  if (f.kind != SS_KIND_NONE || !o) {
    forget(L, pair);
    return f.kind == SS_KIND_NONE ? succeed(L) : lss_fail(L, f);
  }
  keep(L, pair, o, waiter);
  return succeed(L);
}

/* --- its end -------------------------------------------------------------- */

typedef struct report {
  lss_world *world;
  ss_session *session;
  ss_operation *operation;
  const ss_failure *failure;
  ss_message *response;
} report;

/* Pushes value, nil or nil, error. */
static void push_outcome(lua_State *L, const lss_context *c,
                         const ss_failure *failure, ss_message *m) {
  if (failure->kind != SS_KIND_NONE) {
    lua_pushnil(L);
    lss_error_push(L, failure, m);
    return;
  }
  if (m)
    lss_message_push(L, c, m);
  else
    lua_pushboolean(L, true);
  lua_pushnil(L);
}

void lss_operation_tell(lua_State *L, lss_world *w, const ss_failure *failure,
                        ss_message *m) {
  if (lua_isuserdata(L, 3)) {
    push_outcome(L, w->context, failure, m);
    lss_wait_over(L, 3);
  } else if (lua_isfunction(L, 3)) {
    lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
    lua_insert(L, 3);
    push_outcome(L, w->context, failure, m);
    lss_start(L, &lss_handler, w, 3, 0, 2);
  }
}

static int completed(lua_State *L) {
  report *r = lua_touserdata(L, 1);

  lss_session_push(L, r->world, r->session);
  if (!lua_touserdata(L, 2))
    return 0;
  if (settle(L, 2, r->operation) == LUA_TUSERDATA)
    lss_wait_guard(lua_touserdata(L, 3));
  lss_operation_tell(L, r->world, r->failure, r->response);
  return 0;
}

void lss_session_completed(void *arg, ss_session *session,
                           ss_operation *operation, const ss_failure *failure,
                           ss_message *response) {
  lss_endpoint *e = arg;
  report r = {.world = e->world,
              .session = session,
              .operation = operation,
              .failure = failure,
              .response = response};

  if (ss_session_user(session) && !e->world->closed)
    lss_door(e->world->context, completed, &r);
}

/* --- send ----------------------------------------------------------------- */

typedef struct sending {
  ss_str method;
  ss_content content;
  lss_fields room;
} sending;

static ss_failure send_begin(ss_session *s, void *arg, ss_operation **out) {
  sending *q = arg;

  return ss_session_send(s, q->method, &q->content, out);
}

/* Methods that have a verb of their own, or are the stack's. */
static bool is_own(ss_method method) {
  switch (method) {
  case SS_INVITE:
  case SS_ACK:
  case SS_CANCEL:
  case SS_BYE:
  case SS_PRACK:
  case SS_UPDATE:
  case SS_REFER:
    return true;
  default:
    return false;
  }
}

/* Method at 2, options at 3. */
static void send_check(lua_State *L, sending *q) {
  static const char *const names[] = {"headers", "body", "content_type", "sdp",
                                      NULL};

  lss_session_check(L);
  luaL_checktype(L, 2, LUA_TSTRING);
  q->method = lss_to_str(L, 2);
  if (!ss_str_is_token(q->method))
    luaL_error(L, "send: '%s' is no method", lss_printable(L, q->method));
  if (is_own(ss_method_lookup(q->method)))
    luaL_error(L,
               "send: %s has a verb of its own: participate, terminate, "
               "renegotiate, refer",
               lua_tostring(L, 2));
  lss_content_check(L, 3, names, &q->content, &q->room);
}

int lss_session_send(lua_State *L) {
  sending q;

  lua_settop(L, 3);
  send_check(L, &q);
  return lss_operation_run(L, send_begin, &q);
}

int lss_session_send_async(lua_State *L) {
  sending q;

  lss_callback_last(L, 3);
  send_check(L, &q);
  return lss_operation_start(L, send_begin, &q, 4);
}
