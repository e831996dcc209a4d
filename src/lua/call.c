/* The door into Lua and the tasks behind it. A task's coroutine runs one C
 * function that calls the handler under a message handler, so that its end and
 * its errors are seen here whoever resumes it: we, or the script itself after
 * a coroutine.yield of its own. */
#include "lua/call.h"
#include "base/printable.h"
#include "lua/class.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/stall.h"
#include <stdio.h>

const lss_role lss_handler = {true, false, false, NULL, NULL};
const lss_role lss_spawned = {false, false, false, NULL, NULL};
static const lss_role error_handler = {true, true, false, NULL, NULL};

void lss_complain(const char *text) {
  ss_printable p = ss_printable_of(ss_str_z(text), SS_PRINT_TEXT);
  ss_str piece;

  fputs("sipsession: ", stderr);
  while ((piece = ss_printable_next(&p)).n)
    if (p.line_starts && p.rest.n && piece.p[piece.n - 1] == '\n')
      fputs("\n\t", stderr); /* what follows is no line of ours */
    else
      fwrite(piece.p, 1, piece.n, stderr);
  fputc('\n', stderr);
}

bool lss_door(lss_context *c, lua_CFunction fn, void *arg) {
  lua_State *L = c->L;
  const char *text;

  if (c->closed || !L)
    return false;
  if (!lua_checkstack(L, LUA_MINSTACK + 2)) {
    lss_complain("no room on the Lua stack for a callback");
    return false;
  }
  lua_pushcfunction(L, fn);
  lua_pushlightuserdata(L, arg);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return true;
  text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lss_complain(text ? text : "a callback failed");
  lua_pop(L, 1);
  return false;
}

/* --- errors --------------------------------------------------------------- */

/* Message handler, a closure over its task: leaves the error as it is, which
 * variables <close> will be given, and puts the traceback aside. */
static int traceback(lua_State *L) {
  lua_settop(L, 1);
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  lua_setiuservalue(L, lua_upvalueindex(1), LSS_TASK_TRACE);
  lua_settop(L, 1);
  return 1;
}

/* Stack: …, error, traceback. */
void lss_report(lua_State *L, int owner) {
  int err = lua_gettop(L) - 1;
  int list;
  lua_Integer i, n;

  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (!owner || lua_isnil(L, owner)) {
    lss_complain(luaL_tolstring(L, err + 1, NULL));
    lua_settop(L, err - 1);
    return;
  }
  owner = lua_absindex(L, owner);
  n = lss_event_push(L, owner, LSS_ENDPOINT_ON_ERROR, 0);
  list = lua_gettop(L);
  if (n == 0)
    lss_complain(luaL_tolstring(L, err + 1, NULL));
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, list, i, 0))
      continue;
    lua_pushvalue(L, err);
    lua_pushvalue(L, err + 1);
    lss_start(L, &error_handler, lss_endpoint_world(L, owner), owner, 0, 2);
    lua_pop(L, 1);
  }
  lua_settop(L, err - 1);
}

/* Stack: task, … */
static bool is_loud(lua_State *L, const lss_task *t) {
  bool loud;

  if (!t->role || !t->role->loud)
    return false;
  lua_getiuservalue(L, 1, LSS_TASK_SUBJECT);
  loud = t->role->loud(L);
  lua_pop(L, 1);
  return loud;
}

/* Stack: task, owner, …, error, traceback. An operation that was cancelled is
 * no news to the script: its handler just ends. */
static void failed(lua_State *L) {
  const lss_task *t = lua_touserdata(L, 1);

  lss_error_unwrap(L, -2);
  if (lss_error_is_quiet(L, -2) && !is_loud(L, t))
    lua_pop(L, 2);
  else
    lss_report(L, t->role && t->role->last ? 0 : 2);
}

/* --- the coroutine -------------------------------------------------------- */

/* Stack: task, message handler, result or error. */
static int task_over(lua_State *L, int status, lua_KContext ctx) {
  lss_task *t = lua_touserdata(L, 1);
  bool bad = status != LUA_OK && status != LUA_YIELD;

  (void)ctx;
  if (bad) {
    lua_getiuservalue(L, 1, LSS_TASK_OWNER);
    lua_replace(L, 2);
    if (lua_getiuservalue(L, 1, LSS_TASK_TRACE) != LUA_TSTRING) {
      lua_pop(L, 1); /* out of memory, or an error in the message handler */
      luaL_tolstring(L, -1, NULL);
    }
    failed(L);
    lua_pushnil(L);
  }
  if (t->role->over && (bad || !t->role->fails)) {
    lua_getiuservalue(L, 1, LSS_TASK_SUBJECT);
    lua_insert(L, -2);
    t->role->over(L, bad);
  }
  return 0;
}

/* Stack: task, message handler, function, arguments. */
static int task_main(lua_State *L) {
  return task_over(L, lua_pcallk(L, lua_gettop(L) - 3, 1, 2, 0, task_over), 0);
}

static lss_task *task_new(lua_State *L, lss_context *c) {
  lss_task *t = lua_newuserdatauv(L, sizeof *t, LSS_TASK_VALUES);

  memset(t, 0, sizeof *t);
  t->context = c;
  return t;
}

/* Pushes an idle task. */
static lss_task *task_take(lua_State *L, lss_context *c, bool pooled) {
  lss_task *t;

  if (pooled && c->pooled > 0) {
    lss_push_pool(L, c);
    lua_rawgeti(L, -1, c->pooled);
    lua_pushnil(L);
    lua_rawseti(L, -3, c->pooled--);
    lua_replace(L, -2);
    return lua_touserdata(L, -1);
  }
  t = task_new(L, c);
  t->co = lua_newthread(L);
  lua_setiuservalue(L, -2, LSS_TASK_THREAD);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, traceback, 1);
  lua_setiuservalue(L, -2, LSS_TASK_HANDLER);
  return t;
}

/* Its function has returned; the task is at idx. */
static void task_recycle(lua_State *L, lss_task *t, int idx) {
  lss_context *c = t->context;
  int i;

  lua_settop(t->co, 0);
  if (!t->role || !t->role->pooled || c->pooled >= LSS_POOL_MAX)
    return;
  for (i = LSS_TASK_OWNER; i <= LSS_TASK_TRACE; i++) {
    lua_pushnil(L);
    lua_setiuservalue(L, idx, i);
  }
  t->world = NULL;
  lss_push_pool(L, c);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, c->pooled + 1);
  c->pooled++;
  lua_pop(L, 1);
}

/* Its function will never return: the script closed the coroutine. */
static void task_lost(lua_State *L, lss_task *t, int idx) {
  int top = lua_gettop(L);

  if (!t->role || !t->role->over)
    return;
  lua_getiuservalue(L, idx, LSS_TASK_SUBJECT);
  lua_pushnil(L);
  t->role->over(L, true);
  lua_settop(L, top);
}

/* Stack: task. */
static int report_death(lua_State *L) {
  lss_task *t = lua_touserdata(L, 1);

  lua_getiuservalue(L, 1, LSS_TASK_OWNER);
  if (lua_checkstack(t->co, 8)) {
    lua_pushvalue(t->co, -1);
    lua_xmove(t->co, L, 1);
  } else {
    lua_pushliteral(L, "stack overflow");
  }
  luaL_tolstring(L, -1, NULL);
  luaL_traceback(L, t->co, lua_tostring(L, -1), 0);
  lua_remove(L, -2);
  lua_resetthread(t->co);
  failed(L);
  return 0;
}

/* An error that nobody in the coroutine caught: it is the script's own (ours
 * catch theirs), or memory is short, perhaps too short to say so. */
static void task_died(lua_State *L, lss_task *t, int idx) {
  bool said = false;

  if (lua_checkstack(L, 8)) {
    lua_pushcfunction(L, report_death);
    lua_pushvalue(L, idx);
    said = lua_pcall(L, 1, 0, 0) == LUA_OK;
    if (!said)
      lua_pop(L, 1);
  }
  if (!said)
    lss_complain("not enough memory to report the end of a coroutine");
  lua_resetthread(t->co);
  lua_settop(t->co, 0);
  task_lost(L, t, idx);
}

static void task_run(lua_State *L, int idx, int nargs) {
  lss_task *t = lua_touserdata(L, idx);
  lss_context *c = t->context;
  lss_task *was = c->task;
  lua_State *was_in;
  int status, results = 0;
  bool watched;

  lss_push_running(L, c);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, ++c->nested);
  was_in = lss_enter(c, t->co);
  c->task = t;
  watched = c->watchdog && !was;
  if (watched)
    ss_watchdog_begin(c->watchdog);
  status = lua_resume(t->co, L, nargs, &results);
  if (watched)
    ss_watchdog_end(c->watchdog);
  if (c->hooked == t->co && t->co)
    lss_stall_unhook(c);
  c->task = was;
  c->L = was_in;
  lua_pushnil(L);
  lua_rawseti(L, -2, c->nested--);
  lua_pop(L, 1);
  if (status == LUA_OK)
    task_recycle(L, t, idx);
  else if (status == LUA_YIELD)
    lua_pop(t->co, results);
  else
    task_died(L, t, idx);
}

void lss_start(lua_State *L, const lss_role *role, lss_world *w, int owner,
               int subject, int nargs) {
  lss_context *c = w->context;
  int first = lua_gettop(L) - nargs; /* the function */
  lss_task *t;
  int i;

  luaL_checkstack(L, nargs + 8, NULL);
  owner = owner ? lua_absindex(L, owner) : 0;
  subject = subject ? lua_absindex(L, subject) : 0;
  t = task_take(L, c, role->pooled);
  t->role = role;
  t->world = w;
  t->parked = t->done = false;
  if (owner) {
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, LSS_TASK_OWNER);
  }
  if (w->memory) {
    lss_push_box(L, c, w->box);
    lua_setiuservalue(L, -2, LSS_TASK_NETWORK);
  }
  if (subject) {
    lua_pushvalue(L, subject);
    lua_setiuservalue(L, -2, LSS_TASK_SUBJECT);
  }
  if (!lua_checkstack(t->co, nargs + 8))
    luaL_error(L, "sipsession: too many arguments");
  lua_pushcfunction(t->co, task_main);
  lua_pushvalue(L, -1);
  lua_getiuservalue(L, -1, LSS_TASK_HANDLER);
  for (i = 0; i <= nargs; i++)
    lua_pushvalue(L, first + i);
  lua_xmove(L, t->co, nargs + 3);
  lua_replace(L, first);
  lua_settop(L, first);
  lua_getiuservalue(L, first, LSS_TASK_THREAD);
  task_run(L, first, nargs + 3);
  lua_replace(L, first);
  lua_settop(L, first);
}

lss_task *lss_task_own(lua_State *L, lss_world *w, bool blocking) {
  lss_context *c = w->context;
  lss_task *t = task_new(L, c);

  if (!blocking) {
    t->co = L;
    lua_pushthread(L);
    lua_setiuservalue(L, -2, LSS_TASK_THREAD);
  }
  t->world = c->task && c->task->world ? c->task->world : w;
  if (t->world->memory) {
    lss_push_box(L, c, t->world->box);
    lua_setiuservalue(L, -2, LSS_TASK_NETWORK);
  }
  return t;
}

void lss_task_resume(lua_State *L, int idx) {
  lss_task *t = lua_touserdata(L, idx);

  if (lua_status(t->co) == LUA_YIELD)
    task_run(L, lua_absindex(L, idx), 0);
  else
    task_lost(L, t, lua_absindex(L, idx));
}

void lss_push_task(lua_State *L, lss_context *c) {
  lss_push_running(L, c);
  lua_rawgeti(L, -1, c->nested);
  lua_replace(L, -2);
}

void lss_push_owner(lua_State *L, lss_context *c) {
  if (!c->task) {
    lua_pushnil(L);
    return;
  }
  lss_push_task(L, c);
  lua_getiuservalue(L, -1, LSS_TASK_OWNER);
  lua_remove(L, -2);
}
