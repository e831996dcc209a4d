/* The table of contents: what require "sipsession" gives. No logic; see
 * src/lua/ for the binding, types/sipsession.lua for the documentation. */
#include "lua/auth.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/message.h"
#include "lua/module.h"
#include "lua/network.h"
#include "lua/printable.h"
#include "lua/wait.h"

#define VERSION "sipsession 0.1.0"

static const luaL_Reg functions[] = {{"endpoint", lss_endpoint_new},
                                     {"run", lss_run},
                                     {"stop", lss_stop},
                                     {"sleep", lss_sleep},
                                     {"spawn", lss_spawn},
                                     {"pollfd", lss_pollfd},
                                     {"timeout", lss_timeout},
                                     {"printable", lss_printable_text},
                                     /* for the parts written in Lua */
                                     {"_network", lss_network_new},
                                     {"_message", lss_message_parse},
                                     {"_digest", lss_digest},
                                     {"_keeper", lss_keeper},
                                     {"_media_failure", lss_error_media},
                                     {"_complain", lss_complain_of},
                                     {"_line", lss_printable_line},
                                     {NULL, NULL}};

/* sip.sdp is loaded when it is asked for. */
static int index_module(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "sdp") != 0)
    return 0;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "sipsession.sdp");
  lua_call(L, 1, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_sipsession(lua_State *L);

int luaopen_sipsession(lua_State *L) {
  luaL_checkversion(L);
  lss_open(L);
  luaL_newlib(L, functions);
  lss_push_codes(L);
  lua_setfield(L, -2, "code");
  lua_pushliteral(L, VERSION);
  lua_setfield(L, -2, "_VERSION");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, index_module);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
