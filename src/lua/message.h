/* Messages as scripts see them: read-only, counted references. */
#ifndef LSS_MESSAGE_H
#define LSS_MESSAGE_H

#include "lua/context.h"
#include "sip/message.h"
#include "ua/session.h"
#include <lauxlib.h>
#include <lua.h>

void lss_message_open(lua_State *L);
/* Pushes one that hardly anybody looks into, by its text, which is parsed again
 * for whoever does; nil for NULL. */
void lss_message_push(lua_State *L, const lss_context *c, const ss_message *m);
/* Pushes one that will be looked into. */
void lss_message_push_whole(lua_State *L, lss_context *c, ss_message *m);
/* Pushes the INVITE of the session at idx, which is read through the session.
 */
void lss_message_push_request(lua_State *L, const lss_context *c, ss_message *m,
                              int idx);
/* A request in the dialog, which its handlers may answer: each is counted
 * before it is started, and when all have ended without an answer, it is 200,
 * or 500 if one of them died. */
void lss_message_push_inbound(lua_State *L, lss_context *c,
                              ss_inbound *inbound);
void lss_message_handling(lua_State *L, int idx);
void lss_message_handled(lua_State *L, int idx, bool failed);
/* sip._message(text [, time]) --> message | nil, why: for the testing kit. */
int lss_message_parse(lua_State *L);

#endif
