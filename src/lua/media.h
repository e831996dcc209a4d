/* Media negotiators: tables with get_answer, get_offer and set_answer. */
#ifndef LSS_MEDIA_H
#define LSS_MEDIA_H

#include "lua/session.h"

/* The value at idx may be one; raises if not. nil may. */
void lss_media_check(lua_State *L, int idx);
/* Pushes that function of the session's (at idx) negotiator, or of its
 * endpoint's; false: there is none, and something else is pushed. */
bool lss_media_push(lua_State *L, int idx, const char *name);
/* Whether the session at idx has one for this. */
bool lss_media_has(lua_State *L, lss_context *c, int idx, ss_negotiate what);
/* What was to be asked is not any more. */
void lss_media_forget(lss_session *box);

#endif
