/* Tables of named options, taken strictly: a name that isn't known is a
 * mistake in the script and raises, with the name that was probably meant. */
#ifndef LSS_OPTIONS_H
#define LSS_OPTIONS_H

#include "lua/class.h"
#include <stdbool.h>

/* The table at idx has no fields but `names` (NULL at the end). `what`, as in
 * "limits", goes into the error; NULL: "option". */
void lss_options_check(lua_State *L, int idx, const char *const *names,
                       const char *what);
/* The same, for "option"; pushes the n that are wanted, nil or not. */
void lss_options_take(lua_State *L, int idx, const char *const *names,
                      const char *const *wanted, int n);
/* For tables that may have other fields: which of `names` one that is none of
 * them was probably meant to be, or NULL; and the error. */
const char *lss_option_meant(const char *name, const char *const *names);
int lss_option_unknown(lua_State *L, const char *name, const char *meant,
                       const char *what);
/* Each pushes the option, nil or not, and leaves it there: what it gives
 * borrows from it. False: it isn't given. */
bool lss_option_any(lua_State *L, int idx, const char *name);
bool lss_option_str(lua_State *L, int idx, const char *name, ss_str *out);
bool lss_option_int(lua_State *L, int idx, const char *name, lua_Integer min,
                    lua_Integer max, lua_Integer *out);
bool lss_option_ms(lua_State *L, int idx, const char *name, uint32_t *out);
bool lss_option_fraction(lua_State *L, int idx, const char *name, double *out);
/* The same as lss_option_str, of one that was pushed already, at idx. */
bool lss_option_given(lua_State *L, int idx, const char *name, ss_str *out);

#endif
