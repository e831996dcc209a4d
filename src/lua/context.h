/* What one lua_State has of this module: the world of real sockets, the
 * in-memory networks, and the coroutines at work. Lives in the registry from
 * luaopen to lua_close; its finalizer frees everything that libuv could reach,
 * and calls no handler.
 *
 * A world is a loop and what lives on it. Objects that must not be collected
 * while something is going on stand in its `live` table; that of a network
 * hangs on the network itself, so that a forgotten network goes as a whole. */
#ifndef LSS_CONTEXT_H
#define LSS_CONTEXT_H

#include "base/watchdog.h"
#include "lua/class.h"
#include "net/memory.h"
#include <lauxlib.h>
#include <lua.h>

/* More idle coroutines than this are left to the collector. */
#define LSS_POOL_MAX 256
/* Coroutines that resume one another: Lua ends that at so many
 * (LUAI_MAXCCALLS). */
#define LSS_NESTED_MAX 200

typedef struct lss_context lss_context;
typedef struct lss_world lss_world;
typedef struct lss_task lss_task; /* lua/call.h */

struct lss_world {
  ss_list node; /* context->networks; the real world is in no list */
  lss_context *context;
  ss_loop *loop;     /* NULL: not opened yet, or closed */
  ss_memory *memory; /* the loop's owner; NULL: the real world */
  ss_list endpoints; /* lss_endpoint.node */
  ss_list peers;     /* lss_peer.node */
  ss_list parked;    /* lss_task.node */
  size_t waiters;    /* length of `parked` */
  ss_list sessions;  /* lss_session.node: those that the core may tell of, */
  ss_list kept;      /* likewise, and in a bundle already */
  ss_list late;      /* that have ended, and there was no memory to say so */
  lua_Integer box, live; /* lss_set_box: a network's userdata and its table */
  unsigned places;       /* live.c: how many there are, */
  unsigned free_place, hole; /* the first free one, the first missing leaf */
  unsigned untidy;           /* leaves that lss_live_tidy has to look at */
  unsigned round;            /* sip.run's mark */
  bool running;              /* inside a turn */
  bool closed;
  bool filtering, observing; /* the network's hooks are set */
  unsigned hooked;           /* so many of them run, one inside another */
  bool failed;               /* a hook raised; the error waits in the network */
};

struct lss_context {
  lua_State *L; /* where the door leads: who has called into C; or NULL */
  int boxes, live, pool, running, bundle; /* what is in the registry, by */
  int metatable[LSS_CLASSES];             /* luaL_ref: no key is hashed */
  lua_Integer boxed;                      /* the last number given */
  int depth;                              /* turns of loops inside each other */
  lss_task *task; /* whose coroutine runs now; NULL: none of ours */
  int nested; /* tasks that run, each started or resumed by the one before */
  lss_world real;
  ss_list networks; /* lss_world.node, the newest last */
  unsigned round;
  int pooled;    /* tasks in the pool */
  bool stopping; /* sip.stop was called */
  bool keeper;   /* somebody wants to know when the real world comes alive */
  bool media;    /* somebody ever gave a negotiator */
  bool closed;
  /* relief.c */
  bool relieving;    /* there is more to do */
  bool generational; /* was the collector, before */
  unsigned cycles;
  struct lss_bundle *filling; /* bundle.c: has room; or NULL */
  ss_list bundles;            /* lss_bundle.node: somebody may have it, */
  ss_list dropped;            /* nobody has it any more */
  /* stall.c */
  ss_watchdog *watchdog; /* NULL: nobody wants to know */
  lua_State *hooked;     /* where our hook is set, in place of: */
  lua_Hook hook;
  int hook_mask, hook_count;
  unsigned hooked_turn; /* for that turn of the watchdog's */
};

/* The state's context; made at the first call. */
lss_context *lss_context_open(lua_State *L);
lss_context *lss_context_get(lua_State *L);

/* Around whatever may call back: L is the state the door leads to until
 * c->L is put back to what this returns. Only the state that really runs will
 * do (a suspended one, or one that has resumed another, is none to call). */
static inline lua_State *lss_enter(lss_context *c, lua_State *L) {
  lua_State *was = c->L;

  c->L = L;
  return was;
}

/* The number by which C finds the value at idx, as long as it is there. */
lua_Integer lss_set_box(lua_State *L, lss_context *c, int idx);
/* Pushes the value with that number, or nil when it was collected. */
void lss_push_box(lua_State *L, lss_context *c, lua_Integer box);
void lss_push_pool(lua_State *L, lss_context *c);    /* idle tasks */
void lss_push_running(lua_State *L, lss_context *c); /* those that run */

/* A new table in place of that one of the registry, with what is in it, which
 * is looked at once there is the new one: to make it may run finalizers. mode:
 * NULL, or its __mode. Raises when there is no memory. */
void lss_shrink(lua_State *L, int ref, const char *mode);
/* Tables of what there is shrink to what there is, which Lua's own do only when
 * they are full once more. That of what is live may need more of lss_live_tidy.
 * Raises when there is no memory. */
void lss_context_tidy(lua_State *L);

/* Inside a turn, or a hook of a network's: no other turn can begin, and the
 * loop can't be closed. */
static inline bool lss_world_busy(const lss_world *w) {
  return w->running || w->hooked;
}

void lss_world_init(lss_world *w, lss_context *c);
/* Frees what is on it. No Lua code is called. */
void lss_world_close(lss_world *w);
/* Opens the real world's loop if need be; raises when it can't. */
lss_world *lss_world_real(lua_State *L);
/* Where sip.sleep in this very place sleeps: the world of the running task;
 * else the newest network; else the real one. */
lss_world *lss_world_current(lua_State *L);

/* The table of what is live: small tables, see live.h, and endpoints by their
 * name, the C object's. False: the network is being collected, with what was in
 * its table, and an empty one is pushed. */
bool lss_push_live(lua_State *L, lss_world *w);
/* Gives the network at idx an empty one. */
void lss_renew_live(lua_State *L, lss_world *w, int idx);
/* Keeps an endpoint's userdata, at idx, until the world runs no more. */
void lss_hold(lua_State *L, lss_world *w, const void *endpoint, int idx);
/* Keeps every open endpoint while the world runs. */
void lss_world_hold(lua_State *L, lss_world *w);
void lss_world_unhold(lua_State *L, lss_world *w);
/* One turn: of the real loop in that mode, or the network's next step by
 * `until`. What it calls calls back through lss_door. 1: something is alive (a
 * step was made), 0: nothing is, negative: failed, see lss_world_raise. The
 * world must be held. */
int lss_world_turn(lua_State *L, lss_world *w, ss_run_mode mode,
                   uint64_t until);
/* Raises what a turn failed with. */
int lss_world_raise(lua_State *L, lss_world *w, int rc);
/* Tells who embeds us that the real world has something to wait for. */
void lss_world_stir(lua_State *L, lss_world *w);
void lss_set_keeper(lua_State *L, int idx); /* a function or nil */

#endif
