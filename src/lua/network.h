/* The in-memory network as the testing kit needs it: raw, one step at a time,
 * addresses and messages as strings. sipsession.testing makes it pleasant. */
#ifndef LSS_NETWORK_H
#define LSS_NETWORK_H

#include "lua/context.h"

/* User values of a network. */
enum {
  LSS_NETWORK_LIVE = 1, /* see lua/context.h */
  LSS_NETWORK_ERROR, /* what a hook or peer raised, until it is raised again */
  LSS_NETWORK_FILTER,
  LSS_NETWORK_OBSERVER,
  LSS_NETWORK_VALUES = LSS_NETWORK_OBSERVER
};

typedef struct lss_peer {
  ss_list node; /* world->peers */
  lss_world *world;
  ss_mpeer *core;  /* NULL: closed */
  lua_Integer box; /* lss_push_box */
} lss_peer;

void lss_network_open(lua_State *L);
int lss_network_new(lua_State *L); /* sip._network(seed) */
/* The open network at idx: the raw one, or a table whose field `core` it is.
 * Pushes the raw one. */
lss_world *lss_network_check(lua_State *L, int idx);

void lss_peer_open(lua_State *L);
int lss_peer_attach(lua_State *L); /* network:attach(address, fn [, closed]) */
void lss_peer_close(lss_peer *p);  /* calls no Lua code */

/* Puts the network at idx in charge of an error that was caught (on the top,
 * taken) until the turn is over; the first one counts. */
void lss_network_failed(lua_State *L, int idx);
/* The open network at 1. */
lss_world *lss_network_self(lua_State *L);

#endif
