/* Bundles. The userdata is a box, and what is in it is on the C heap, for it
 * outlives the box: until it is drained. One whose box was made while the state
 * is being closed is never finalized, for Lua then takes no more finalizers: so
 * the context knows each. */
#include "lua/bundle.h"
#include "base/alloc.h"
#include "base/error.h"
#include "lua/class.h"
#include "lua/error.h"

#define SIZE 16 /* objects of a bundle */
#define DRAIN 4 /* that go for each that comes */

struct lss_bundle {
  ss_list node; /* context->bundles, then `dropped` */
  lss_context *context;
  lss_bundle **box; /* the userdata, until it is finalized */
  unsigned count;
  struct {
    void *object;
    void (*let_go)(void *object);
  } at[SIZE];
};

static const lss_class bundle_class;

static void end_last(lss_bundle *b) {
  b->count--;
  b->at[b->count].let_go(b->at[b->count].object);
}

static bool drain(lss_context *c) {
  lss_bundle *b;
  unsigned n;

  for (n = 0; n < DRAIN && !ss_list_empty(&c->dropped); n++) {
    b = SS_CONTAINER(c->dropped.next, lss_bundle, node);
    if (b->count > 0)
      end_last(b);
    if (b->count == 0) {
      ss_list_remove(&b->node);
      ss_free(b);
    }
  }
  return !ss_list_empty(&c->dropped);
}

/* Not in a finalizer, where the collector's options are out of reach: it may
 * run inside a getter that has looked already, and reads on. */
bool lss_bundle_drain(lua_State *L, lss_context *c) {
  return lua_gc(L, LUA_GCISRUNNING) >= 0 && drain(c);
}

static void drop(lss_bundle *b) {
  lss_context *c = b->context;

  *b->box = NULL;
  if (c->filling == b)
    c->filling = NULL;
  ss_list_remove(&b->node);
  ss_list_append(&c->dropped, &b->node);
  if (c->real.loop)
    c->real.loop->relief.wanted = true;
}

static int bundle_gc(lua_State *L) {
  lss_bundle **box = lua_touserdata(L, 1);

  if (*box)
    drop(*box);
  return 0;
}

void lss_bundles_close(lss_context *c) {
  while (!ss_list_empty(&c->bundles))
    drop(SS_CONTAINER(c->bundles.next, lss_bundle, node));
  while (drain(c)) {
  }
}

/* The userdata of context->filling is in the registry. */
void lss_bundle_push(lua_State *L, lss_context *c) {
  lss_bundle **box, *b;

  if (c->closed)
    luaL_error(L, "sipsession: the Lua state is being closed");
  lss_bundle_drain(L, c);
  if (c->filling && c->filling->count < SIZE) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->bundle);
    return;
  }
  box = lss_class_new(L, c, &bundle_class, sizeof(lss_bundle *), 0);
  b = ss_alloc(sizeof *b);
  if (!b) {
    lss_check_memory(L, SS_ENOMEM);
    return; /* not reached */
  }
  b->context = c;
  b->box = box;
  *box = b;
  ss_list_append(&c->bundles, &b->node);
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, c->bundle);
  c->filling = b;
}

lss_bundle_ref lss_bundle_add(lua_State *L, void *object,
                              void (*let_go)(void *object)) {
  lss_bundle *const *box = lua_touserdata(L, -1);
  lss_bundle *b = *box;

  b->at[b->count].object = object;
  b->at[b->count].let_go = let_go;
  b->count++;
  return box;
}

static const luaL_Reg bundle_metamethods[] = {{"__gc", bundle_gc},
                                              {NULL, NULL}};
static const lss_class bundle_class = {LSS_CLASS_BUNDLE,
                                       "sipsession.bundle",
                                       NULL,
                                       NULL,
                                       NULL,
                                       bundle_metamethods,
                                       NULL};

void lss_bundle_open(lua_State *L) {
  lss_class_open(L, &bundle_class);
}
