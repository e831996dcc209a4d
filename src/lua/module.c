/* run, stop, spawn and what embedders need. sip.run drives the open networks
 * until nothing is due on them, then the real loop. */
#include "lua/module.h"
#include "lua/auth.h"
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/interrupt.h"
#include "lua/message.h"
#include "lua/network.h"
#include "lua/referral.h"
#include "lua/session.h"
#include "sip/code.h"

void lss_open(lua_State *L) {
  lss_context_open(L);
  lss_error_open(L);
  lss_bundle_open(L);
  lss_message_open(L);
  lss_referral_open(L);
  lss_session_open(L);
  lss_endpoint_open(L);
  lss_network_open(L);
  lss_auth_open(L);
  lss_peer_open(L);
}

void lss_push_codes(lua_State *L) {
  lua_newtable(L);
#define X(number, name, reason)                                                \
  lua_pushinteger(L, number);                                                  \
  lua_setfield(L, -2, #name);                                                  \
  lua_pushliteral(L, reason);                                                  \
  lua_rawseti(L, -2, number);
  SS_CODE_MAP(X)
#undef X
}

/* --- run ------------------------------------------------------------------ */

/* Runs the network on the top. Negative: failed; else whether something was
 * done. */
static int run_network(lua_State *L, lss_world *w, ss_run_mode mode) {
  uint64_t until = mode == SS_RUN_NOWAIT ? w->loop->now : UINT64_MAX;
  lss_context *c = w->context;
  int rc, steps = 0;
  bool interrupted;

  lss_world_hold(L, w);
  if (mode != SS_RUN_NOWAIT)
    lss_interrupt_begin(L, c);
  do
    rc = lss_world_turn(L, w, mode, until);
  while (rc > 0 && ++steps && mode == SS_RUN_DEFAULT && !c->stopping &&
         !lss_interrupted(c));
  interrupted = lss_interrupt_end(c);
  lss_world_unhold(L, w);
  if (interrupted)
    lss_interrupt_raise(L);
  return rc < 0 ? rc : steps > 0;
}

/* Each network once, also those that are opened meanwhile; the list may change
 * under our hands, so it is read from its start. */
static bool run_networks(lua_State *L, lss_context *c, ss_run_mode mode) {
  bool alive = false;
  ss_list *n;

  c->round++;
  for (n = c->networks.next; n != &c->networks && !c->stopping;) {
    lss_world *w = SS_CONTAINER(n, lss_world, node);
    int rc;
    if (w->round == c->round || lss_world_busy(w)) {
      n = n->next;
      continue;
    }
    w->round = c->round;
    lss_push_box(L, c, w->box); /* stays while it runs */
    rc = run_network(L, w, mode);
    if (rc < 0)
      lss_world_raise(L, w, rc);
    alive = alive || rc > 0;
    lua_pop(L, 1);
    n = c->networks.next;
  }
  return alive;
}

/* Runs the real loop. Raises what goes wrong. */
static int run_real(lua_State *L, lss_world *w, ss_run_mode mode) {
  bool interrupted;
  int rc;

  lss_world_hold(L, w);
  if (mode != SS_RUN_NOWAIT)
    lss_interrupt_begin(L, w->context);
  rc = lss_world_turn(L, w, mode, 0);
  interrupted = lss_interrupt_end(w->context);
  lss_world_unhold(L, w);
  if (interrupted)
    lss_interrupt_raise(L);
  return rc < 0 ? lss_world_raise(L, w, rc) : rc;
}

int lss_run(lua_State *L) {
  static const char *const modes[] = {"default", "once", "nowait", NULL};
  static const ss_run_mode mode_of[] = {SS_RUN_DEFAULT, SS_RUN_ONCE,
                                        SS_RUN_NOWAIT};
  ss_run_mode mode = mode_of[luaL_checkoption(L, 1, "default", modes)];
  lss_context *c = lss_context_get(L);
  bool alive;
  int rc = 0;

  if (c->depth)
    return luaL_error(L, "sip.run is running already; a handler waits with "
                         "sip.sleep or a verb that yields");
  c->stopping = false;
  alive = run_networks(L, c, mode);
  if (c->real.loop && !c->stopping) {
    /* A turn that waits must not, after a network had something to do. */
    if (mode == SS_RUN_ONCE && alive)
      mode = SS_RUN_NOWAIT;
    rc = run_real(L, &c->real, mode);
  }
  lua_pushboolean(L, rc > 0 || (mode != SS_RUN_DEFAULT && alive));
  return 1;
}

int lss_stop(lua_State *L) {
  lss_context *c = lss_context_get(L);

  c->stopping = true;
  if (c->real.running)
    ss_loop_stop(c->real.loop);
  return 0;
}

/* --- spawn ---------------------------------------------------------------- */

int lss_spawn(lua_State *L) {
  lss_context *c = lss_context_get(L);
  lss_world *w = lss_world_current(L);

  luaL_checktype(L, 1, LUA_TFUNCTION);
  lss_push_owner(L, c);
  lua_insert(L, 1);
  lss_start(L, &lss_spawned, w, 1, 0, lua_gettop(L) - 2);
  return 1;
}

/* --- embedding ------------------------------------------------------------ */

int lss_pollfd(lua_State *L) {
  lua_pushinteger(L, ss_loop_pollfd(lss_world_real(L)->loop));
  return 1;
}

int lss_timeout(lua_State *L) {
  int ms = ss_loop_timeout(lss_world_real(L)->loop);

  if (ms < 0)
    lua_pushnil(L);
  else
    lua_pushnumber(L, (lua_Number)ms / 1000);
  return 1;
}

int lss_keeper(lua_State *L) {
  if (!lua_isnoneornil(L, 1))
    luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lss_set_keeper(L, 1);
  return 0;
}

int lss_complain_of(lua_State *L) {
  lss_complain(luaL_checkstring(L, 1));
  return 0;
}
