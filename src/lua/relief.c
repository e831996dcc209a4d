/* A collector that isn't asked rests, and it is asked by allocations alone:
 * once the last of many calls has ended, all they were stays. So it is asked
 * here: by steps, through three cycles. The first finishes what it was at; the
 * next calls the finalizers; the last frees what had one. A generational
 * collector, which the interpreter's is, knows no such steps and is made an
 * incremental one meanwhile. A script that stopped its collector keeps what it
 * has.
 *
 * What the collector has found already goes without a rush, too. */
#include "lua/relief.h"
#include "lua/bundle.h"
#include "lua/call.h"
#include "lua/live.h"

#define CYCLES 3
#define LITTLE 1000 /* timers: few enough to be looked at in one step */

static uint64_t ms(const lss_context *c) {
  return c->real.loop->ops->clock(c->real.loop);
}

static int drain(lua_State *L) {
  lss_context *c = lua_touserdata(L, 1);
  uint64_t now = ms(c);

  do
    c->relieving = lss_bundle_drain(L, c);
  while (c->relieving && ms(c) == now);
  c->real.loop->relief.wanted = !ss_list_empty(&c->dropped);
  return 0;
}

static int step(lua_State *L) {
  lss_context *c = lua_touserdata(L, 1);
  uint64_t now = ms(c);
  bool over = false;

  if (lua_gc(L, LUA_GCISRUNNING) != 1)
    return 0;
  c->relieving = true;
  if (c->real.untidy) {
    lss_live_tidy(L, &c->real);
    return 0;
  }
  if (lua_gc(L, LUA_GCINC, 0, 0, 0) == LUA_GCGEN)
    c->generational = true;
  while (!over && ms(c) == now)
    over = lua_gc(L, LUA_GCSTEP, 0) == 1;
  if (!over)
    return 0;
  if (c->cycles < CYCLES)
    c->cycles++;
  if (c->cycles < CYCLES && c->real.loop->wheel.count < LITTLE)
    lss_context_tidy(L);
  c->relieving = c->cycles < CYCLES || !ss_list_empty(&c->dropped);
  return 0;
}

static int restore(lua_State *L) {
  lua_gc(L, LUA_GCGEN, 0, 0);
  return 0;
}

static bool relieve(void *arg, bool stop) {
  lss_context *c = arg;

  c->relieving = false;
  lss_door(c, drain, c);
  if (!stop && !c->relieving)
    lss_door(c, step, c);
  if (c->relieving)
    return true;
  c->cycles = 0;
  if (c->generational)
    lss_door(c, restore, c);
  c->generational = false;
  return false;
}

void lss_relief_init(lss_context *c) {
  c->real.loop->relief = (ss_relief){relieve, c, !ss_list_empty(&c->dropped)};
}
