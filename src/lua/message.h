/* Messages as scripts see them: read-only, counted references. */
#ifndef LSS_MESSAGE_H
#define LSS_MESSAGE_H

#include "sip/message.h"
#include <lauxlib.h>
#include <lua.h>

void lss_message_open(lua_State *L);
/* Pushes the message; nil for NULL. */
void lss_message_push(lua_State *L, ss_message *m);
/* sip._message(text [, time]) --> message | nil, why: for the testing kit. */
int lss_message_parse(lua_State *L);

#endif
