/* Between the watchdog's signal and the script there is a hook: the signal
 * handler sets it on the coroutine that runs (lua_sethook is made for that, see
 * lua.c), and it is called before the next instruction, where Lua may be used
 * again. A hook all the time would cost each instruction something.
 *
 * Not seen into: coroutines that a handler resumes itself, whose hooks are
 * their own, and functions in C. The hook waits until they return; the watchdog
 * says a line on stderr instead. */
#include "lua/stall.h"
#include "base/watchdog.h"
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/event.h"

#define STUCK                                                                  \
  "sipsession: stalled: a handler doesn't return, from a function in C or a "  \
  "coroutine of its own; every other call waits for it\n"

/* Stack: seconds. */
static int report(lua_State *L) {
  lss_context *c = lss_context_get(L);
  lua_Integer i, n = 0;

  luaL_traceback(L, L, NULL, 2);
  lss_push_owner(L, c);
  if (!lua_isnil(L, 3))
    n = lss_event_push(L, 3, LSS_ENDPOINT_ON_STALLED, 0);
  if (n == 0) {
    lua_pushfstring(L,
                    "stalled: a handler has not returned for %f s, and "
                    "every other call waits for it\n%s",
                    lua_tonumber(L, 1), lua_tostring(L, 2));
    lss_complain(lua_tostring(L, -1));
  }
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, 4, i, 0))
      continue;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 1);
    lss_start(L, &lss_handler, lss_endpoint_world(L, 3), 3, 0, 2);
    lua_settop(L, 4);
  }
  return 0;
}

void lss_stall_unhook(lss_context *c) {
  lua_sethook(c->hooked, c->hook, c->hook_mask, c->hook_count);
  c->hooked = NULL;
}

static void hook(lua_State *L, lua_Debug *ar) {
  lss_context *c = lss_context_get(L);

  (void)ar;
  lss_stall_unhook(c);
  /* unless it has come back meanwhile, and this is another handler */
  if (c->hooked_turn != atomic_load(&c->watchdog->turn) ||
      !ss_watchdog_noticed(c->watchdog))
    return;
  lua_pushcfunction(L, report);
  lua_pushnumber(L, atomic_load(&c->watchdog->limit) / 1000.0);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    lua_pop(L, 1); /* out of memory: the watchdog's own line will do */
}

/* In a signal handler, in the thread of the state. */
static void late(void *arg) {
  lss_context *c = arg;
  lua_State *co = c->task ? c->task->co : NULL;

  if (!co || c->hooked)
    return;
  c->hooked = co;
  c->hooked_turn = atomic_load(&c->watchdog->turn);
  c->hook = lua_gethook(co);
  c->hook_mask = lua_gethookmask(co);
  c->hook_count = lua_gethookcount(co);
  lua_sethook(co, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void lss_stall_watch(lss_context *c, uint32_t ms) {
  if (!ms)
    return;
  if (!c->watchdog) {
    if (ss_watchdog_new(&c->watchdog, ms, late, c, STUCK) != 0)
      c->watchdog = NULL;
  } else if (ms < atomic_load(&c->watchdog->limit)) {
    atomic_store(&c->watchdog->limit, ms);
  }
}

void lss_stall_stop(lss_context *c) {
  ss_watchdog_free(c->watchdog);
  c->watchdog = NULL;
}
