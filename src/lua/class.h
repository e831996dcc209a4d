/* Classes: userdata with a metatable, whose fields are methods first, then
 * properties computed by getters. What a class holds is a box; this knows
 * nothing of what is in it. */
#ifndef LSS_CLASS_H
#define LSS_CLASS_H

#include "base/str.h"
#include <lauxlib.h>
#include <lua.h>

typedef struct lss_context lss_context; /* lua/context.h */

typedef enum lss_class_id {
  LSS_CLASS_ATTEMPT,
  LSS_CLASS_BUNDLE,
  LSS_CLASS_ENDPOINT,
  LSS_CLASS_MESSAGE,
  LSS_CLASS_NETWORK,
  LSS_CLASS_PEER,
  LSS_CLASS_REFERRAL,
  LSS_CLASS_SESSION,
  LSS_CLASSES
} lss_class_id;

typedef struct lss_class {
  lss_class_id id;
  const char *name;        /* "sipsession.session": its registry key */
  const luaL_Reg *methods; /* or NULL, as all of these */
  const luaL_Reg *getters; /* called with (object) */
  const luaL_Reg *setters; /* called with (object, name, value) */
  const luaL_Reg *metamethods;
  const char *writable; /* for the error about any other assignment */
} lss_class;

/* Makes the metatable; nothing is left on the stack. */
void lss_class_open(lua_State *L, const lss_class *class);
/* A zeroed box with `values` user values, pushed; the metatable is set, so
 * its finalizer must bear a zeroed box. */
void *lss_class_new(lua_State *L, const lss_context *c, const lss_class *class,
                    size_t size, int values);
/* The box at idx; raises an argument error when it is something else. */
void *lss_class_check(lua_State *L, const lss_class *class, int idx);
/* The same; NULL when it is something else. */
void *lss_class_test(lua_State *L, const lss_class *class, int idx);

void lss_push_str(lua_State *L, ss_str text);
void lss_push_str_or_nil(lua_State *L, ss_str text); /* nil when empty */
/* The string at idx, which must be one (a number is none). */
ss_str lss_to_str(lua_State *L, int idx);

#endif
