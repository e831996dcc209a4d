/* Verbs that wait for an answer of the peer, in both their forms. */
#ifndef LSS_OPERATIONS_H
#define LSS_OPERATIONS_H

#include "lua/endpoint.h"
#include "lua/session.h"

/* Begins it in the core. *out stays NULL: it is done at once. */
typedef ss_failure (*lss_begin)(ss_session *s, void *arg, ss_operation **out);

/* For the session at 1: begins and waits; return lss_operation_run(…). */
int lss_operation_run(lua_State *L, lss_begin fn, void *arg);
/* Begins; the function at `waiter` is called at the end. Pushes true, or nil
 * and an error. */
int lss_operation_start(lua_State *L, lss_begin fn, void *arg, int waiter);
/* Behind the door, with a session at 2 and who waits at 3, a task or a
 * function: hands over the message (true where there is none), or nil and an
 * error. */
void lss_operation_tell(lua_State *L, lss_world *w, const ss_failure *failure,
                        ss_message *m);
/* Arguments ([options,] fn) from `idx` on: puts options or nil there, and the
 * function behind it; raises where there is none. */
void lss_callback_last(lua_State *L, int idx);

#endif
