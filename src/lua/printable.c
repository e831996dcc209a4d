/* sip.printable, and what error messages say of texts that aren't ours
 * (base/printable.h). */
#include "lua/printable.h"
#include <lauxlib.h>

static const char *push(lua_State *L, ss_str text, ss_print_as as) {
  ss_printable p = ss_printable_of(text, as);
  luaL_Buffer b;
  ss_str piece;

  luaL_buffinit(L, &b);
  while ((piece = ss_printable_next(&p)).n)
    luaL_addlstring(&b, piece.p, piece.n);
  luaL_pushresult(&b);
  return lua_tostring(L, -1);
}

const char *lss_printable(lua_State *L, ss_str text) {
  return push(L, text, SS_PRINT_LINE);
}

static int push_argument(lua_State *L, ss_print_as as) {
  ss_str text;

  text.p = luaL_checklstring(L, 1, &text.n);
  push(L, text, as);
  return 1;
}

int lss_printable_text(lua_State *L) {
  return push_argument(L, SS_PRINT_MESSAGE);
}

int lss_printable_line(lua_State *L) {
  return push_argument(L, SS_PRINT_LINE);
}
