/* Parking and resuming. What a task waited for is put into its user values,
 * where the continuation finds it: whatever a resume of the script's own hands
 * over can't be taken for it. */
#include "lua/wait.h"
#include "lua/error.h"
#include "lua/interrupt.h"
#include "lua/live.h"
#include <math.h>

#define RETRY_MS 100

lss_wait_mode lss_wait_how(lua_State *L, lss_world *w) {
  if (lua_isyieldable(L))
    return LSS_WAIT_YIELD;
  return lss_world_busy(w) ? LSS_WAIT_REFUSE : LSS_WAIT_BLOCK;
}

lss_task *lss_wait_open(lua_State *L, lss_world *w, lss_wait_mode how,
                        int owner) {
  lss_context *c = w->context;
  lss_task *t;

  owner = owner ? lua_absindex(L, owner) : 0;
  if (how == LSS_WAIT_YIELD && c->task && c->task->co == L) {
    t = c->task;
    lss_push_task(L, c);
  } else {
    t = lss_task_own(L, w, how == LSS_WAIT_BLOCK);
    if (owner)
      lua_pushvalue(L, owner);
    else
      lss_push_owner(L, c);
    lua_setiuservalue(L, -2, LSS_TASK_OWNER);
  }
  if (how == LSS_WAIT_BLOCK)
    lss_world_hold(L, w);
  t->place = lss_anchor(L, w, -1);
  if (!t->place) /* nothing is held either */
    luaL_error(L, "a wait in a network that is gone");
  t->where = w;
  t->done = false;
  t->parked = true;
  ss_list_append(&w->parked, &t->node);
  w->waiters++;
  return t;
}

static void unpark(lua_State *L, lss_task *t) {
  lss_world *w = t->where;

  t->parked = false;
  if (!ss_list_linked(&t->node))
    return; /* the world has gone */
  ss_list_remove(&t->node);
  w->waiters--;
  ss_loop_timer_stop(w->loop, &t->timer);
  ss_job_cancel(&t->job);
  lss_release(L, w, t->place);
  t->place = 0;
}

static void let_go(lua_State *L, lss_task *t) {
  if (!t->co)
    lss_world_unhold(L, t->where);
}

void lss_wait_drop(lua_State *L, lss_task *t) {
  if (t->parked)
    unpark(L, t);
  let_go(L, t);
}

/* Pushes what the task at idx waited for. */
static int results(lua_State *L, int idx) {
  lua_getiuservalue(L, idx, LSS_TASK_VALUE);
  if (lua_getiuservalue(L, idx, LSS_TASK_ERROR) == LUA_TNIL) {
    lua_pop(L, 1);
    return 1;
  }
  return 2;
}

/* Stack: task, whatever a resume brought. */
static int continued(lua_State *L, int status, lua_KContext ctx) {
  lss_task *t = lua_touserdata(L, 1);

  (void)status;
  lua_settop(L, 1);
  if (!t->done)
    return lua_yieldk(L, 0, ctx, continued);
  return results(L, 1);
}

/* Runs the loop until the task is done. */
static int block(lua_State *L, lss_task *t) {
  lss_world *w = t->where;
  int idx = lua_gettop(L);
  int rc = 1;
  bool interrupted;

  lss_interrupt_begin(L, w->context);
  while (!t->done && rc > 0 && !lss_interrupted(w->context))
    rc = lss_world_turn(L, w, SS_RUN_ONCE, UINT64_MAX);
  interrupted = lss_interrupt_end(w->context);
  lss_wait_drop(L, t);
  if (interrupted)
    lss_interrupt_raise(L);
  if (t->done)
    return results(L, idx);
  if (rc < 0)
    return lss_world_raise(L, w, rc);
  lua_pushnil(L);
  lss_error_new(L, SS_KIND_INVALID_OPERATION, SS_WHY_NONE,
                "nothing is left that could end this wait");
  return 2;
}

int lss_wait(lua_State *L, lss_task *t, lss_wait_mode how) {
  lss_world_stir(L, t->where);
  if (how == LSS_WAIT_BLOCK)
    return block(L, t);
  lua_replace(L, 1);
  lua_settop(L, 1);
  return lua_yieldk(L, 0, 0, continued);
}

/* Stack: …, value, error. */
void lss_wait_over(lua_State *L, int idx) {
  lss_task *t = lua_touserdata(L, idx);
  int value = lua_gettop(L) - 1;

  if (t->parked) {
    lua_setiuservalue(L, idx, LSS_TASK_ERROR);
    lua_setiuservalue(L, idx, LSS_TASK_VALUE);
    t->done = true;
    unpark(L, t);
    if (t->co)
      lss_task_resume(L, idx);
  }
  lua_settop(L, value - 1);
}

/* The same for one that nothing else holds: nil where its network is being
 * collected. Stack: task's address, value, error. */
static int over(lua_State *L) {
  lss_task *t = lua_touserdata(L, 1);

  if (!t->parked)
    return 0;
  lss_push_anchored(L, t->where, t->place);
  lua_replace(L, 1);
  if (!lua_isnil(L, 1))
    lss_wait_over(L, 1);
  return 0;
}

/* --- short of memory ------------------------------------------------------ */

static int starve(lua_State *L) {
  lua_pushnil(L);
  lss_error_push_memory(L);
  return over(L);
}

/* The task may be gone when the door is shut again, if it was reached. */
static void starve_job(ss_job *job) {
  lss_task *t = SS_CONTAINER(job, lss_task, job);

  ss_loop_timer(t->where->loop, &t->timer, RETRY_MS);
  lss_door(t->context, starve, t);
}

/* As all of Lua, it goes on when the whole batch has been read. */
static void late(ss_timer *timer) {
  lss_task *t = SS_CONTAINER(timer, lss_task, timer);

  ss_loop_defer(t->where->loop, &t->job);
}

void lss_wait_guard(lss_task *t) {
  if (!t->parked || t->where->closed)
    return;
  t->timer.fn = late;
  t->job.fn = starve_job;
  ss_loop_timer(t->where->loop, &t->timer, RETRY_MS);
}

/* --- sleep ---------------------------------------------------------------- */

uint32_t lss_check_ms(lua_State *L, int idx, const char *what) {
  lua_Number s;

  if (lua_type(L, idx) != LUA_TNUMBER)
    luaL_error(L, "%s: a number of seconds expected, got %s", what,
               luaL_typename(L, idx));
  s = lua_tonumber(L, idx);
  if (!(s >= 0 && s <= UINT32_MAX / 1000))
    luaL_error(L, "%s: %f is no time between 0 and %d seconds", what, s,
               (int)(UINT32_MAX / 1000));
  return (uint32_t)llround(s * 1000);
}

static int wake(lua_State *L) {
  lua_pushboolean(L, true);
  lua_pushnil(L);
  return over(L);
}

static void wake_job(ss_job *job) {
  lss_task *t = SS_CONTAINER(job, lss_task, job);

  ss_loop_timer(t->where->loop, &t->timer, RETRY_MS);
  lss_door(t->context, wake, t);
}

int lss_sleep(lua_State *L) {
  uint32_t ms = lss_check_ms(L, 1, "sleep");
  lss_world *w = lss_world_current(L);
  lss_wait_mode how = lss_wait_how(L, w);
  ss_failure f = {SS_KIND_INVALID_OPERATION, SS_WHY_NOT_YIELDABLE, 0};
  lss_task *t;

  if (how == LSS_WAIT_REFUSE)
    return lss_fail(L, f);
  t = lss_wait_open(L, w, how, 0);
  t->timer.fn = late;
  t->job.fn = wake_job;
  ss_loop_timer(w->loop, &t->timer, ms);
  return lss_wait(L, t, how);
}
