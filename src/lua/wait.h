/* Verbs that wait: in a coroutine they yield until it is over, elsewhere they
 * run the loop. The waiting coroutine is held by the world it waits in, and is
 * resumed once only and by nobody else: a resume of the script's own finds it
 * waiting still. */
#ifndef LSS_WAIT_H
#define LSS_WAIT_H

#include "lua/call.h"

typedef enum lss_wait_mode {
  LSS_WAIT_YIELD,
  LSS_WAIT_BLOCK,
  LSS_WAIT_REFUSE /* "not_yieldable" */
} lss_wait_mode;

lss_wait_mode lss_wait_how(lua_State *L, lss_world *w);
/* Gets the running coroutine ready to wait in w, before the operation begins;
 * pushes its task. owner: index of the endpoint it is about, or 0. Raises when
 * there is no memory, or the network is being collected. */
lss_task *lss_wait_open(lua_State *L, lss_world *w, lss_wait_mode how,
                        int owner);
/* The operation didn't begin after all. */
void lss_wait_drop(lua_State *L, lss_task *t);
/* Waits, with the task on the top: return lss_wait(…). */
int lss_wait(lua_State *L, lss_task *t, lss_wait_mode how);
/* From behind the door: the wait of the task at idx is over, with the value and
 * error on the top (one of them nil), which are taken. Does nothing for a task
 * that waits no more. */
void lss_wait_over(lua_State *L, int idx);

/* Before its outcome is delivered: if that fails for want of memory, the task
 * is told so a little later, and again until it has been. */
void lss_wait_guard(lss_task *t);

/* sip.sleep(seconds) */
int lss_sleep(lua_State *L);

/* A number of seconds as milliseconds; raises an error that names `what` for
 * anything else. */
uint32_t lss_check_ms(lua_State *L, int idx, const char *what);

#endif
