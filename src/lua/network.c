/* The network class: the clock and what goes wrong on the way. Errors raised
 * by its hooks are kept and raised again by whoever made the step. */
#include "lua/network.h"
#include "base/error.h"
#include "lua/call.h"
#include "lua/class.h"
#include "lua/endpoint.h"
#include "lua/options.h"
#include "lua/session.h"
#include "lua/wait.h"
#include <math.h>

static const lss_class network_class;

lss_world *lss_network_self(lua_State *L) {
  lss_world *w = lss_class_check(L, &network_class, 1);

  if (w->closed || !w->loop)
    luaL_error(L, "this network is closed");
  return w;
}

lss_world *lss_network_check(lua_State *L, int idx) {
  lss_world *w;

  lua_pushvalue(L, idx);
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "core");
    lua_remove(L, -2);
  }
  w = lss_class_test(L, &network_class, -1);
  if (w && !w->closed && w->loop)
    return w;
  if (w)
    luaL_error(L, "network: is closed");
  luaL_error(L, "network: the network of sipsession.testing expected, got %s",
             luaL_typename(L, idx));
  return NULL;
}

/* --- hooks ---------------------------------------------------------------- */

void lss_network_failed(lua_State *L, int idx) {
  lss_world *w = lua_touserdata(L, idx);

  if (w->failed) {
    lua_pop(L, 1);
    return;
  }
  lua_setiuservalue(L, idx, LSS_NETWORK_ERROR);
  w->failed = true;
}

typedef struct passage {
  lss_world *world;
  const ss_addr *from, *to;
  ss_str text;
  uint64_t now;
  bool lost;
} passage;

static void push_addr(lua_State *L, const ss_addr *a) {
  char text[SS_ADDR_TEXT];

  lss_push_str(L, ss_addr_text(a, text));
}

/* Pushes the hook; false: the network is being collected, and an endpoint that
 * goes with it says its last words. */
static bool push_hook(lua_State *L, const passage *p, int hook) {
  lss_push_box(L, p->world->context, p->world->box);
  if (lua_isnil(L, -1))
    return false;
  lua_getiuservalue(L, 2, hook);
  return true;
}

static int filter(lua_State *L) {
  passage *p = lua_touserdata(L, 1);

  if (!push_hook(L, p, LSS_NETWORK_FILTER))
    return 0;
  lss_push_str(L, p->text);
  push_addr(L, p->from);
  push_addr(L, p->to);
  if (lua_pcall(L, 3, 1, 0) != LUA_OK)
    lss_network_failed(L, 2);
  else
    p->lost = lua_toboolean(L, -1);
  return 0;
}

/* A hook has frames of the network's below it. */
static void call_hook(lua_CFunction fn, passage *p) {
  lss_world *w = p->world;

  w->hooked++;
  lss_door(w->context, fn, p);
  w->hooked--;
}

static bool drop(void *arg, const ss_addr *from, const ss_addr *to,
                 ss_str text) {
  lss_world *w = arg;
  passage p = {w, from, to, text, 0, false};

  if (w->filtering && !w->closed)
    call_hook(filter, &p);
  return p.lost;
}

static int observe(lua_State *L) {
  passage *p = lua_touserdata(L, 1);

  if (!push_hook(L, p, LSS_NETWORK_OBSERVER))
    return 0;
  lua_pushnumber(L, (lua_Number)p->now / 1000);
  push_addr(L, p->from);
  push_addr(L, p->to);
  lss_push_str(L, p->text);
  lua_pushboolean(L, p->lost);
  if (lua_pcall(L, 5, 0, 0) != LUA_OK)
    lss_network_failed(L, 2);
  return 0;
}

static void sent(void *arg, uint64_t now, const ss_addr *from,
                 const ss_addr *to, ss_str text, bool lost) {
  lss_world *w = arg;
  passage p = {w, from, to, text, now, lost};

  if (w->observing && !w->closed)
    call_hook(observe, &p);
}

static const ss_memory_hooks hooks = {drop, sent};

/* --- making and closing --------------------------------------------------- */

int lss_network_new(lua_State *L) {
  lss_context *c = lss_context_get(L);
  lua_Integer seed = luaL_optinteger(L, 1, 1);
  lss_world *w;
  int rc;

  if (c->closed)
    return luaL_error(L, "sipsession: the Lua state is being closed");
  w = lss_class_new(L, c, &network_class, sizeof *w, LSS_NETWORK_VALUES);
  lss_world_init(w, c);
  lss_renew_live(L, w, -1);
  w->box = lss_set_box(L, c, -1);
  rc = ss_memory_open(&w->memory, (uint64_t)seed);
  if (rc)
    return luaL_error(L, "sipsession: no network: %s", ss_strerror(rc));
  w->loop = ss_memory_loop(w->memory);
  ss_memory_set_hooks(w->memory, &hooks, w);
  ss_list_append(&c->networks, &w->node);
  return 1;
}

static int network_gc(lua_State *L) {
  lss_world *w = lua_touserdata(L, 1);

  if (w->context)
    lss_world_close(w);
  return 0;
}

static int network_close(lua_State *L) {
  lss_world *w = lss_class_check(L, &network_class, 1);

  if (lss_world_busy(w))
    return luaL_error(L, "the network is running: what it calls can't close "
                         "it; close it afterwards");
  if (w->loop && !w->closed)
    lss_sessions_keep(L, w);
  network_gc(L);
  lss_renew_live(L, w, 1);
  return 0;
}

/* --- time ----------------------------------------------------------------- */

static int network_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)lss_network_self(L)->loop->now / 1000);
  return 1;
}

/* step([until]): whatever is due next, if it is due by then. */
static int network_step(lua_State *L) {
  lss_world *w = lss_network_self(L);
  uint64_t until = UINT64_MAX;
  lua_Number s;
  int rc;

  if (!lua_isnoneornil(L, 2)) {
    s = luaL_checknumber(L, 2);
    luaL_argcheck(L, s >= 0 && s < 1e12, 2, "no time");
    until = (uint64_t)llround(s * 1000);
  }
  if (lss_world_busy(w))
    return luaL_error(L, "the network is running already: what it calls can't "
                         "advance it (a handler has sip.sleep)");
  lua_settop(L, 1);
  lss_world_hold(L, w);
  rc = lss_world_turn(L, w, SS_RUN_ONCE, until);
  lss_world_unhold(L, w);
  if (rc < 0)
    return lss_world_raise(L, w, rc);
  lua_pushboolean(L, rc);
  return 1;
}

/* flush(): what endpoints have sent leaves now, before the step is over or the
 * next one begins. What hooks raise meanwhile is raised there. */
static int network_flush(lua_State *L) {
  lss_world *w = lss_class_check(L, &network_class, 1);
  lua_State *was;

  if (w->closed || !w->loop)
    return 0;
  was = lss_enter(w->context, L);
  ss_memory_flush(w->memory);
  w->context->L = was;
  return 0;
}

/* --- what goes wrong ------------------------------------------------------ */

static int network_impair(lua_State *L) {
  static const char *const names[] = {"loss", "duplicate", "reorder", "delay",
                                      NULL};
  lss_world *w = lss_network_self(L);
  ss_impair impair = {0, 0, 0, 0};

  luaL_checktype(L, 2, LUA_TTABLE);
  lss_options_check(L, 2, names, NULL);
  lss_option_fraction(L, 2, "loss", &impair.loss);
  lss_option_fraction(L, 2, "duplicate", &impair.duplicate);
  lss_option_fraction(L, 2, "reorder", &impair.reorder);
  lss_option_ms(L, 2, "delay", &impair.delay_ms);
  ss_memory_set_impair(w->memory, &impair);
  return 0;
}

static bool set_hook(lua_State *L, int value) {
  if (!lua_isnoneornil(L, 2))
    luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, value);
  return lua_getiuservalue(L, 1, value) != LUA_TNIL;
}

static int network_filter(lua_State *L) {
  lss_world *w = lss_network_self(L);

  w->filtering = set_hook(L, LSS_NETWORK_FILTER);
  return 0;
}

static int network_observe(lua_State *L) {
  lss_world *w = lss_network_self(L);

  w->observing = set_hook(L, LSS_NETWORK_OBSERVER);
  return 0;
}

/* --- what is left --------------------------------------------------------- */

static void set_count(lua_State *L, const char *name, size_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static int network_alive(lua_State *L) {
  lss_world *w = lss_class_check(L, &network_class, 1);
  ss_alive sum = {0};
  ss_list *n;

  for (n = w->endpoints.next; n != &w->endpoints; n = n->next) {
    ss_alive a = ss_endpoint_alive(SS_CONTAINER(n, lss_endpoint, node)->core);
    sum.sessions += a.sessions;
    sum.lingering += a.lingering;
    sum.dialogs += a.dialogs;
    sum.transactions += a.transactions;
    sum.connections += a.connections;
  }
  lua_createtable(L, 0, 8);
  set_count(L, "sessions", sum.sessions);
  set_count(L, "lingering", sum.lingering);
  set_count(L, "dialogs", sum.dialogs);
  set_count(L, "transactions", sum.transactions);
  set_count(L, "connections", sum.connections);
  set_count(L, "timers", w->loop ? w->loop->wheel.count : 0);
  set_count(L, "in_flight", w->memory ? ss_memory_in_flight(w->memory) : 0);
  set_count(L, "waiters", w->waiters);
  return 1;
}

static const luaL_Reg network_methods[] = {
    {"now", network_now},         {"attach", lss_peer_attach},
    {"step", network_step},       {"flush", network_flush},
    {"impair", network_impair},   {"filter", network_filter},
    {"observe", network_observe}, {"alive", network_alive},
    {"close", network_close},     {NULL, NULL}};
static const luaL_Reg network_metamethods[] = {
    {"__gc", network_gc}, {"__close", network_close}, {NULL, NULL}};
static const lss_class network_class = {LSS_CLASS_NETWORK,
                                        "sipsession.network",
                                        network_methods,
                                        NULL,
                                        NULL,
                                        network_metamethods,
                                        NULL};

void lss_network_open(lua_State *L) {
  lss_class_open(L, &network_class);
}
