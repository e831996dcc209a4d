rockspec_format = "3.0"
package = "sipsession"
version = "scm-1"
source = {
  url = "git+file://.",
}
description = {
  summary = "Answer and decline SIP calls from Lua",
  detailed = [[
A Lua 5.4 module, in C over libuv and libosip2, that lets a script accept,
ring, redirect, decline and end incoming SIP calls (INVITE).]],
  license = "MIT",
}
dependencies = {
  "lua >= 5.4, < 5.5",
}
external_dependencies = {
  LIBUV = { header = "uv.h" },
  LIBOSIP2 = { header = "osipparser2/osip_parser.h" },
  CRYPTO = { header = "openssl/evp.h" },
}
build = {
  type = "make",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    CPPFLAGS = "-I$(LUA_INCDIR) -I$(LIBUV_INCDIR) -I$(LIBOSIP2_INCDIR) "
      .. "-I$(CRYPTO_INCDIR)",
    WERROR = "",
  },
  install_variables = {
    CFLAGS = "$(CFLAGS)",
    CPPFLAGS = "-I$(LUA_INCDIR) -I$(LIBUV_INCDIR) -I$(LIBOSIP2_INCDIR) "
      .. "-I$(CRYPTO_INCDIR)",
    WERROR = "",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
  },
  copy_directories = { "docs", "examples", "types" },
}
test = {
  type = "command",
  script = "spec/run.lua",
}
