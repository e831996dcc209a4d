/* Error objects: what a verb returns as its second value when something
 * happened to a correct script (UCMA's exceptions). Tables with kind, reason,
 * message, code and response. */
#ifndef LSS_ERROR_H
#define LSS_ERROR_H

#include "sip/message.h"
#include "ua/failure.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

void lss_error_open(lua_State *L);
/* Pushes the object of a failure. response: of a FAILURE_RESPONSE, or NULL. */
void lss_error_push(lua_State *L, const ss_failure *f, ss_message *response);
/* Pushes one of that kind with a message of its own, made as lua_pushfstring
 * does. */
void lss_error_new(lua_State *L, ss_failure_kind kind, ss_failure_reason reason,
                   const char *format, ...);
/* A Lua function for the parts written in Lua: of a message, the object of an
 * OPERATION_FAILURE "media". */
int lss_error_media(lua_State *L);
/* Pushes the one that says that memory is short; takes none. */
void lss_error_push_memory(lua_State *L);
/* Raises it where rc is SS_ENOMEM. */
void lss_check_memory(lua_State *L, int rc);
/* Pushes nil and the failure's object; 2. */
int lss_fail(lua_State *L, ss_failure f);
/* An assert that isn't Lua's own (luassert's) raises a table around what it was
 * given: puts the error object in its `message` in its place. */
void lss_error_unwrap(lua_State *L, int idx);
/* An error object about a call that was cancelled or hung up under the
 * script's hands, which a handler needn't handle. */
bool lss_error_is_quiet(lua_State *L, int idx);

#endif
