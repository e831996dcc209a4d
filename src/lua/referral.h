/* The referral class: a REFER that came in a call, to be accepted or rejected,
 * and then to be told what becomes of it. */
#ifndef LSS_REFERRAL_H
#define LSS_REFERRAL_H

#include "lua/session.h"

void lss_referral_open(lua_State *L);
/* Calls the handlers of "refer_received" of the session at 2, whose list is at
 * `list`, with a referral; it gets 603 when all have ended undecided, 500 if
 * one of them died. */
void lss_referral_tell(lua_State *L, lss_world *w, ss_inbound *inbound,
                       int list, lua_Integer n);
/* Likewise those of "refer_notified", with what a NOTIFY says. */
void lss_referral_tell_news(lua_State *L, lss_world *w, ss_message *notify,
                            int list, lua_Integer n);

#endif
