/* Media negotiators (UCMA's OfferAnswerNegotiation): tables of the script's
 * with get_answer, get_offer and set_answer. */
#ifndef LSS_MEDIA_H
#define LSS_MEDIA_H

#include "lua/session.h"

/* Raises unless the value at idx is nil or a negotiator. */
void lss_media_check(lua_State *L, int idx);
/* Pushes that function of the session's negotiator (its own or else the
 * endpoint's), or nil; whether there is one. Session at idx. */
bool lss_media_push(lua_State *L, int idx, const char *name);
/* The function an accept of the session at idx needs is there. */
bool lss_media_answers(lua_State *L, int idx);
/* Starts the negotiator from a job. */
void lss_media_start(lss_session *box);
/* Hands the ACK's answer to set_answer where the 200 had our offer. Session at
 * idx. */
void lss_media_settle(lua_State *L, int idx, const ss_message *ack);

#endif
