/* Scripted peers of an in-memory network: an address, and a function that gets
 * what is sent there. */
#include "base/error.h"
#include "lua/call.h"
#include "lua/class.h"
#include "lua/network.h"
#include "lua/printable.h"

/* User values of a peer. */
enum { PEER_NETWORK = 1, PEER_MESSAGE, PEER_CLOSED, PEER_VALUES = PEER_CLOSED };

static const lss_class peer_class;

static lss_peer *check(lua_State *L) {
  lss_peer *p = lss_class_check(L, &peer_class, 1);

  if (!p->core)
    luaL_error(L, "this peer is closed");
  return p;
}

static void check_addr(lua_State *L, int idx, ss_addr *a) {
  ss_str text;

  text.p = luaL_checklstring(L, idx, &text.n);
  if (ss_addr_parse(a, text))
    luaL_error(L, "'%s' is no address; write \"udp:10.0.0.2:5060\"",
               lss_printable(L, text));
}

typedef struct arrival {
  lss_peer *peer;
  const ss_addr *from;
  ss_str text;
  bool closed;
} arrival;

static int arrive(lua_State *L) {
  arrival *a = lua_touserdata(L, 1);
  char from[SS_ADDR_TEXT];

  lss_push_box(L, a->peer->world->context, a->peer->box);
  if (lua_isnil(L, 2))
    return 0;
  lua_getiuservalue(L, 2, PEER_NETWORK);
  if (lua_getiuservalue(L, 2, a->closed ? PEER_CLOSED : PEER_MESSAGE) !=
      LUA_TFUNCTION)
    return 0;
  if (!a->closed)
    lss_push_str(L, a->text);
  lss_push_str(L, ss_addr_text(a->from, from));
  if (lua_pcall(L, a->closed ? 1 : 2, 0, 0) != LUA_OK)
    lss_network_failed(L, 3);
  return 0;
}

static void message(void *arg, const ss_addr *from, ss_str text) {
  lss_peer *p = arg;
  arrival a = {p, from, text, false};

  lss_door(p->world->context, arrive, &a);
}

static void closed(void *arg, const ss_addr *from) {
  lss_peer *p = arg;
  arrival a = {p, from, SS_STR_NONE, true};

  lss_door(p->world->context, arrive, &a);
}

static const ss_mpeer_handler handler = {message, closed};

int lss_peer_attach(lua_State *L) {
  lss_world *w = lss_network_self(L);
  lss_peer *p;
  ss_addr addr;
  int rc;

  check_addr(L, 2, &addr);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  if (!lua_isnoneornil(L, 4))
    luaL_checktype(L, 4, LUA_TFUNCTION);
  lua_settop(L, 4);
  p = lss_class_new(L, w->context, &peer_class, sizeof *p, PEER_VALUES);
  p->world = w;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 5, PEER_NETWORK);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 5, PEER_MESSAGE);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 5, PEER_CLOSED);
  p->box = lss_set_box(L, w->context, 5);
  rc = ss_mpeer_open(w->memory, &addr, &handler, p, &p->core);
  if (rc)
    return luaL_error(L, "can't attach %s: %s", lua_tostring(L, 2),
                      ss_strerror(rc));
  ss_list_append(&w->peers, &p->node);
  return 1;
}

void lss_peer_close(lss_peer *p) {
  if (!p->core)
    return;
  ss_list_remove(&p->node);
  ss_mpeer_close(p->core);
  p->core = NULL;
}

static int peer_close(lua_State *L) {
  lss_peer_close(lss_class_check(L, &peer_class, 1));
  return 0;
}

/* send(text, to) --> true | nil, why. The hooks of the network are called from
 * within, and raise here when no turn of the network will. */
static int peer_send(lua_State *L) {
  lss_peer *p = check(L);
  lss_world *w = p->world;
  lua_State *was;
  ss_addr to;
  ss_str text;
  int rc;

  text.p = luaL_checklstring(L, 2, &text.n);
  check_addr(L, 3, &to);
  was = lss_enter(w->context, L);
  rc = ss_mpeer_send(p->core, &to, text);
  w->context->L = was;
  if (w->failed && !w->running)
    return lss_world_raise(L, w, rc);
  if (rc) {
    lua_pushnil(L);
    lua_pushstring(L, ss_strerror(rc));
    return 2;
  }
  lua_pushboolean(L, true);
  return 1;
}

static int peer_shut(lua_State *L) {
  lss_peer *p = check(L);
  ss_addr to;

  check_addr(L, 2, &to);
  ss_mpeer_shut(p->core, &to);
  return 0;
}

static const luaL_Reg peer_methods[] = {{"send", peer_send},
                                        {"shut", peer_shut},
                                        {"close", peer_close},
                                        {NULL, NULL}};
static const luaL_Reg peer_metamethods[] = {
    {"__gc", peer_close}, {"__close", peer_close}, {NULL, NULL}};
static const lss_class peer_class = {
    LSS_CLASS_PEER, "sipsession.peer", peer_methods, NULL,
    NULL,           peer_metamethods,  NULL};

void lss_peer_open(lua_State *L) {
  lss_class_open(L, &peer_class);
}
