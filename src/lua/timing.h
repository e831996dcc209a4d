/* session_timer: of sip.endpoint's options, and a property of sessions. */
#ifndef LSS_TIMING_H
#define LSS_TIMING_H

#include "ua/session.h"
#include <lua.h>

/* The value at idx: a table, false, or nil. Raises for anything else. */
void lss_timing_check(lua_State *L, int idx, ss_timing *out);
/* Pushes what would give that. */
void lss_timing_push(lua_State *L, const ss_timing *t);

#endif
