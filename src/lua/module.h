/* The module's own functions, and how everything is opened. */
#ifndef LSS_MODULE_H
#define LSS_MODULE_H

#include <lauxlib.h>
#include <lua.h>

int lss_run(lua_State *L);         /* sip.run([mode]) */
int lss_stop(lua_State *L);        /* sip.stop() */
int lss_spawn(lua_State *L);       /* sip.spawn(fn, ...) */
int lss_pollfd(lua_State *L);      /* sip.pollfd() */
int lss_timeout(lua_State *L);     /* sip.timeout() */
int lss_keeper(lua_State *L);      /* sip._keeper(fn): for sipsession.luv */
int lss_complain_of(lua_State *L); /* sip._complain(text) */

void lss_push_codes(lua_State *L); /* sip.code */
/* Classes and context; once for each state. */
void lss_open(lua_State *L);

#endif
