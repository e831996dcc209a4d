/* The context of a lua_State and its worlds: where they are kept, who keeps
 * what alive, and how a turn of a loop is entered from Lua. */
#include "lua/context.h"
#include "base/error.h"
#include "lua/bundle.h"
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/interrupt.h"
#include "lua/live.h"
#include "lua/network.h"
#include "lua/relief.h"
#include "lua/session.h"
#include "lua/stall.h"

/* Registry keys: the addresses count. */
static char context_key, keeper_key;

/* At lua_close, in whatever order finalizers run: objects find their world
 * closed. What endpoints still want to say (BYE, 503) leaves in a last turn. */
static int context_gc(lua_State *L) {
  lss_context *c = lua_touserdata(L, 1);
  ss_list *n;

  if (c->closed)
    return 0;
  c->closed = true;
  c->L = NULL;
  lss_interrupt_forget(c);
  lss_stall_stop(c);
  if (c->real.loop && !c->real.running) {
    for (n = c->real.endpoints.next; n != &c->real.endpoints; n = n->next)
      lss_endpoint_close(SS_CONTAINER(n, lss_endpoint, node));
    ss_loop_run(c->real.loop, SS_RUN_NOWAIT);
  }
  while ((n = ss_list_shift(&c->networks)))
    lss_world_close(SS_CONTAINER(n, lss_world, node));
  lss_world_close(&c->real);
  lss_bundles_close(c);
  return 0;
}

static void new_table(lua_State *L, const char *mode) {
  lua_newtable(L);
  if (mode) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
}

void lss_shrink(lua_State *L, int ref, const char *mode) {
  new_table(L, mode);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, ref);
}

static void drop_pool(lua_State *L, lss_context *c) {
  lss_push_pool(L, c);
  for (; c->pooled > 0; c->pooled--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, c->pooled);
  }
  lua_pop(L, 1);
}

void lss_context_tidy(lua_State *L) {
  lss_context *c = lss_context_get(L);

  luaL_checkstack(L, 8, NULL);
  drop_pool(L, c);
  lss_shrink(L, c->boxes, "v");
  lss_live_tidy(L, &c->real);
}

lss_context *lss_context_open(lua_State *L) {
  lss_context *c = lss_context_get(L);

  if (c)
    return c;
  c = lua_newuserdatauv(L, sizeof *c, 0);
  memset(c, 0, sizeof *c);
  new_table(L, "v");
  c->boxes = luaL_ref(L, LUA_REGISTRYINDEX);
  new_table(L, NULL);
  c->live = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, LSS_POOL_MAX, 0); /* putting one back can't fail */
  c->pool = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_createtable(L, LSS_NESTED_MAX, 0); /* likewise */
  c->running = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushboolean(L, false); /* bundle.c sets it */
  c->bundle = luaL_ref(L, LUA_REGISTRYINDEX);
  ss_list_init(&c->networks);
  ss_list_init(&c->bundles);
  ss_list_init(&c->dropped);
  lss_world_init(&c->real, c);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, context_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return c;
}

lss_context *lss_context_get(lua_State *L) {
  lss_context *c;

  lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key);
  c = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return c;
}

/* The boxes are a weak table. What is finalized is no more in it. */
lua_Integer lss_set_box(lua_State *L, lss_context *c, int idx) {
  lua_Integer box = c->boxed + 1;

  idx = lua_absindex(L, idx);
  c->boxed = box;
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->boxes);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -2, box);
  lua_pop(L, 1);
  return box;
}

void lss_push_box(lua_State *L, lss_context *c, lua_Integer box) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->boxes);
  lua_rawgeti(L, -1, box);
  lua_replace(L, -2);
}

void lss_push_pool(lua_State *L, lss_context *c) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->pool);
}

void lss_push_running(lua_State *L, lss_context *c) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->running);
}

/* --- worlds --------------------------------------------------------------- */

void lss_world_init(lss_world *w, lss_context *c) {
  w->context = c;
  ss_list_init(&w->endpoints);
  ss_list_init(&w->peers);
  ss_list_init(&w->parked);
  ss_list_init(&w->sessions);
  ss_list_init(&w->kept);
  ss_list_init(&w->late);
}

void lss_world_close(lss_world *w) {
  ss_list *n;

  if (w->closed)
    return;
  w->closed = true;
  ss_list_remove(&w->node);
  while ((n = ss_list_shift(&w->endpoints)))
    lss_endpoint_free(SS_CONTAINER(n, lss_endpoint, node));
  while ((n = ss_list_shift(&w->peers)))
    lss_peer_close(SS_CONTAINER(n, lss_peer, node));
  while ((n = ss_list_shift(&w->parked))) {
    ss_loop_timer_stop(w->loop, &SS_CONTAINER(n, lss_task, node)->timer);
    ss_job_cancel(&SS_CONTAINER(n, lss_task, node)->job);
  }
  w->waiters = 0;
  lss_sessions_close(w);
  /* os.exit(code, true) in a handler: the loop's own frames are below us. */
  if (w->loop && !w->running)
    ss_loop_close(w->loop);
  w->loop = NULL;
  w->memory = NULL;
}

lss_world *lss_world_real(lua_State *L) {
  lss_context *c = lss_context_get(L);
  int rc;

  if (c->closed)
    luaL_error(L, "sipsession: the Lua state is being closed");
  if (!c->real.loop) {
    rc = ss_loop_open(&c->real.loop);
    if (rc)
      luaL_error(L, "sipsession: no event loop: %s", ss_strerror(rc));
    lss_relief_init(c);
  }
  return &c->real;
}

lss_world *lss_world_current(lua_State *L) {
  lss_context *c = lss_context_get(L);

  if (c->task && c->task->world && !c->task->world->closed)
    return c->task->world->loop ? c->task->world : lss_world_real(L);
  if (!c->task && !ss_list_empty(&c->networks))
    return SS_CONTAINER(c->networks.prev, lss_world, node);
  return lss_world_real(L);
}

/* A network's goes with it: the collector takes both out of the boxes at the
 * same time, before it calls a finalizer. */
bool lss_push_live(lua_State *L, lss_world *w) {
  if (w == &w->context->real) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->context->live);
    return true;
  }
  lss_push_box(L, w->context, w->live);
  if (!lua_isnil(L, -1))
    return true;
  lua_pop(L, 1);
  lua_newtable(L);
  return false;
}

void lss_renew_live(lua_State *L, lss_world *w, int idx) {
  idx = lua_absindex(L, idx);
  lua_newtable(L);
  w->live = lss_set_box(L, w->context, -1);
  lua_setiuservalue(L, idx, LSS_NETWORK_LIVE);
}

void lss_hold(lua_State *L, lss_world *w, const void *endpoint, int idx) {
  idx = lua_absindex(L, idx);
  lss_push_live(L, w);
  lua_pushvalue(L, idx);
  lua_rawsetp(L, -2, endpoint);
  lua_pop(L, 1);
}

/* Setting fields raw runs no collection: the list stays as it is. */
void lss_world_hold(lua_State *L, lss_world *w) {
  ss_list *n;

  luaL_checkstack(L, 8, NULL);
  lss_push_live(L, w);
  for (n = w->endpoints.next; n != &w->endpoints; n = n->next) {
    const lss_endpoint *e = SS_CONTAINER(n, lss_endpoint, node);
    lss_push_box(L, w->context, e->userdata);
    lua_rawsetp(L, -2, e);
  }
  lua_pop(L, 1);
}

void lss_world_unhold(lua_State *L, lss_world *w) {
  ss_list *n;

  if (w->closed)
    return;
  lss_push_live(L, w);
  for (n = w->endpoints.next; n != &w->endpoints; n = n->next) {
    lua_pushnil(L);
    lua_rawsetp(L, -2, SS_CONTAINER(n, lss_endpoint, node));
  }
  lua_pop(L, 1);
}

int lss_world_turn(lua_State *L, lss_world *w, ss_run_mode mode,
                   uint64_t until) {
  lss_context *c = w->context;
  lua_State *was = lss_enter(c, L);
  lss_task *task = c->task;
  int rc;

  c->depth++;
  c->task = NULL;
  w->running = true;
  if (w->memory)
    rc = ss_memory_step(w->memory, until);
  else
    rc = ss_loop_run(w->loop, mode);
  w->running = false;
  c->depth--;
  c->task = task;
  c->L = was;
  return w->failed ? SS_ESTATE : rc;
}

int lss_world_raise(lua_State *L, lss_world *w, int rc) {
  if (!w->failed)
    return luaL_error(L, "sipsession: the event loop failed: %s",
                      ss_strerror(rc));
  w->failed = false;
  lss_push_box(L, w->context, w->box);
  lua_getiuservalue(L, -1, LSS_NETWORK_ERROR);
  lua_pushnil(L);
  lua_setiuservalue(L, -3, LSS_NETWORK_ERROR);
  return lua_error(L);
}

void lss_set_keeper(lua_State *L, int idx) {
  lua_pushvalue(L, idx);
  lss_context_get(L)->keeper = !lua_isnil(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &keeper_key);
}

void lss_world_stir(lua_State *L, lss_world *w) {
  if (w->memory || !w->context->keeper)
    return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &keeper_key);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}
