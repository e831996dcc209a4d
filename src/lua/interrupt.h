/* SIGINT while the loop is run: one Ctrl-C ends sip.run and what blocks. */
#ifndef LSS_INTERRUPT_H
#define LSS_INTERRUPT_H

#include "lua/context.h"

/* Around turns that L makes; neither raises. Inside another turn, and where
 * nobody listens to SIGINT, they do nothing. */
void lss_interrupt_begin(lua_State *L, lss_context *c);
/* Between turns: has one come? */
bool lss_interrupted(const lss_context *c);
/* Has one come? Then lss_interrupt_raise is next, once all is put away. */
bool lss_interrupt_end(lss_context *c);
/* Gives L the hook that was meant for it, which raises. If it doesn't, this
 * returns. */
void lss_interrupt_raise(lua_State *L);
/* At lua_close, inside a turn or not. */
void lss_interrupt_forget(lss_context *c);

#endif
