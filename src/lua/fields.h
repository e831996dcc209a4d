/* What a script puts into a message: headers, reason phrase, body, targets.
 * Everything is checked here, before anything is sent; errors are raised at
 * the caller's line and say what to do. */
#ifndef LSS_FIELDS_H
#define LSS_FIELDS_H

#include "lua/options.h"
#include "sip/fields.h"
#include "ua/session.h"

/* Where they are while a verb is at work: in its own frame, and what is too
 * much for that in Lua's memory. No object of Lua's for each verb. */
typedef struct lss_fields {
  ss_fields fields;
  char first[256];
} lss_fields;

/* The headers at idx: a map of name to value or list of values, or a list of
 * {name, value}; nil: NULL. Pushes one value that *room borrows from. */
const ss_fields *lss_fields_check(lua_State *L, int idx, lss_fields *room);
/* The reason phrase at idx, or empty for nil. */
ss_str lss_reason_check(lua_State *L, int idx);
/* The options table at idx (nil: nothing) of a verb that takes `names`: any of
 * headers, reason, sdp, body, content_type, and others that aren't looked at.
 * Pushes values that *content borrows from, as it does from *room. */
void lss_content_check(lua_State *L, int idx, const char *const *names,
                       ss_content *content, lss_fields *room);
/* A response code at idx between min and max; `standard` where none is given,
 * unless that is 0. */
unsigned lss_code_check(lua_State *L, int idx, lua_Integer standard,
                        lua_Integer min, lua_Integer max);
/* One URI or a list of them at idx, as Contact values joined by ", "; pushes
 * the string. */
ss_str lss_targets_check(lua_State *L, int idx);

#endif
