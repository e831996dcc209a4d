/* The tables of what is live. A leaf is an array of LEAF places; one that is
 * free has the number of the next free one, or 0, so that to free one can't
 * fail. Of those the last one freed is used first: what is written to together
 * lies together. */
#include "lua/live.h"

#define LEAF 32
#define SLICE 256 /* leaves: a third of a millisecond */

/* Pushes two, the second is the leaf of that place, and says where in it;
 * false: none is pushed, the world has gone. */
static bool push_leaf(lua_State *L, lss_world *w, unsigned place, int *at) {
  lss_push_live(L, w);
  *at = (int)((place - 1) % LEAF) + 1;
  if (lua_rawgeti(L, -1, (place - 1) / LEAF + 1) == LUA_TTABLE)
    return true;
  lua_pop(L, 2);
  return false;
}

/* The first leaf that there isn't; of the table on the top. */
static unsigned missing(lua_State *L, lss_world *w) {
  unsigned leaves = w->places / LEAF, i;

  for (i = w->hole; i < leaves; i++) {
    bool is = lua_rawgeti(L, -1, i + 1) == LUA_TTABLE;
    lua_pop(L, 1);
    if (!is)
      break;
  }
  return i;
}

/* Makes one more leaf. What a new table makes the collector call may get here
 * too, or to lss_live_tidy, so nothing is looked at before that. */
static void grow(lua_State *L, lss_world *w) {
  unsigned i, leaf;

  lua_createtable(L, LEAF, 0);
  if (!lss_push_live(L, w)) {
    lua_pop(L, 2);
    return;
  }
  leaf = missing(L, w);
  for (i = 1; i <= LEAF; i++) {
    lua_pushinteger(L, i < LEAF ? leaf * LEAF + i + 1 : w->free_place);
    lua_rawseti(L, -3, i);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, leaf + 1);
  lua_pop(L, 1);
  if (w->places < (leaf + 1) * LEAF)
    w->places = (leaf + 1) * LEAF;
  w->hole = leaf + 1;
  w->free_place = leaf * LEAF + 1;
}

unsigned lss_anchor(lua_State *L, lss_world *w, int idx) {
  unsigned place;
  int at;

  luaL_checkstack(L, 8, NULL);
  idx = lua_absindex(L, idx);
  if (!w->free_place)
    grow(L, w);
  place = w->free_place;
  if (!place || !push_leaf(L, w, place, &at))
    return 0;
  lua_rawgeti(L, -1, at);
  w->free_place = (unsigned)lua_tointeger(L, -1);
  lua_pushvalue(L, idx);
  lua_rawseti(L, -3, at);
  lua_pop(L, 3);
  return place;
}

void lss_release(lua_State *L, lss_world *w, unsigned place) {
  int at;

  if (!place || w->closed || !push_leaf(L, w, place, &at))
    return;
  lua_pushinteger(L, w->free_place);
  lua_rawseti(L, -2, at);
  lua_pop(L, 2);
  if ((place - 1) / LEAF >= w->untidy) /* else it will be found free */
    w->free_place = place;
}

void lss_push_anchored(lua_State *L, lss_world *w, unsigned place) {
  int at;

  if (!place || w->closed || !push_leaf(L, w, place, &at)) {
    lua_pushnil(L);
    return;
  }
  lua_rawgeti(L, -1, at);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* --- after a rush --------------------------------------------------------- */

/* Puts what is free in that leaf of the table on the top into the list; the
 * leaf goes if all of it is. */
static void tidy_leaf(lua_State *L, lss_world *w, unsigned leaf) {
  unsigned list = w->free_place;
  bool empty = true;
  int i;

  if (lua_rawgeti(L, -1, leaf + 1) == LUA_TTABLE) {
    for (i = LEAF; i >= 1; i--) {
      bool is_free = lua_rawgeti(L, -1, i) == LUA_TNUMBER;
      lua_pop(L, 1);
      empty &= is_free;
      if (!is_free)
        continue;
      lua_pushinteger(L, w->free_place);
      lua_rawseti(L, -2, i);
      w->free_place = leaf * LEAF + (unsigned)i;
    }
    if (empty) {
      w->free_place = list;
      lua_pushnil(L);
      lua_rawseti(L, -3, leaf + 1);
    }
  }
  lua_pop(L, 1);
}

/* Finalizers that lss_shrink makes run may get here, or begin once more. */
static void shrink(lua_State *L, lss_world *w) {
  unsigned leaves;

  lss_shrink(L, w->context->live, NULL);
  lss_push_live(L, w);
  for (leaves = w->places / LEAF; leaves > 0; leaves--) {
    bool is = lua_rawgeti(L, -1, leaves) == LUA_TTABLE;
    lua_pop(L, 1);
    if (is)
      break;
  }
  lua_pop(L, 1);
  w->places = leaves * LEAF;
}

/* From the last leaf down. Of those that are still to be looked at no place is
 * in the list, and no leaf is made among them: that can wait. */
void lss_live_tidy(lua_State *L, lss_world *w) {
  unsigned end;

  luaL_checkstack(L, 8, NULL);
  if (!w->untidy) {
    w->untidy = w->places / LEAF;
    w->free_place = 0;
  }
  end = w->untidy > SLICE ? w->untidy - SLICE : 0;
  lss_push_live(L, w);
  while (w->untidy > end)
    tidy_leaf(L, w, --w->untidy);
  lua_pop(L, 1);
  w->hole = end;
  if (!end)
    shrink(L, w);
}
