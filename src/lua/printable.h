/* Text that came from anywhere, as strings for logs and error messages. */
#ifndef LSS_PRINTABLE_H
#define LSS_PRINTABLE_H

#include "base/printable.h"
#include <lua.h>

/* Pushes it as one line. */
const char *lss_printable(lua_State *L, ss_str text);
int lss_printable_text(lua_State *L); /* sip.printable(text) */
int lss_printable_line(lua_State *L); /* sip._line(text): lss_printable */

#endif
