/* What must not be collected: the sessions that the core may still tell of, and
 * the coroutines that wait. Each world has a table of them. Lua's collector
 * traverses a table at one go, and once more, with the world stopped, if it was
 * written to after it had been marked: so it is a table of small tables. It
 * never grows at one go either. */
#ifndef LSS_LIVE_H
#define LSS_LIVE_H

#include "lua/context.h"

/* Keeps the value at idx from the collector until lss_release: the place that
 * it got, for finding it again. Raises when there is no memory; 0: the network
 * is being collected, and all with it. */
unsigned lss_anchor(lua_State *L, lss_world *w, int idx);
/* Never fails; nothing for 0. */
void lss_release(lua_State *L, lss_world *w, unsigned place);
/* Pushes the value in that place; nil for 0, or where the world has gone. */
void lss_push_anchored(lua_State *L, lss_world *w, unsigned place);
/* Begins to make the tables of the real world those of what there is, or goes
 * on with it: w->untidy tells how much is left. A call looks at so many of them
 * at most; whatever happens between calls, or never comes to another, is right.
 * Raises when there is no memory. */
void lss_live_tidy(lua_State *L, lss_world *w);

#endif
