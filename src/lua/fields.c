/* From Lua tables to header fields, contents and Contact values. An error
 * raised here jumps over C frames, so what is made lies in Lua's own memory. */
#include "lua/fields.h"
#include "base/error.h"
#include "lua/error.h"
#include "lua/printable.h"
#include "sip/headers.h"

#define ARENA_MAX 65536

/* --- headers -------------------------------------------------------------- */

/* The stack sets that one; a compact form (RFC 3261 7.3.3) is spelt out. */
static int owned(lua_State *L, ss_str name, const char *text) {
  ss_field_id id = ss_field_lookup(name);
  const char *instead = id == SS_FIELD_CONTENT_TYPE
                            ? "use the option 'content_type'"
                            : "remove it";

  if (name.n == 1)
    return luaL_error(L, "header '%s' is %s, which is set by the stack; %s",
                      text, ss_field_name(id).p, instead);
  return luaL_error(L, "header '%s' is set by the stack; %s", text, instead);
}

static int refused(lua_State *L, ss_str name, int rc) {
  const char *text = lss_printable(L, name);

  switch (rc) {
  case SS_EOWNED:
    return owned(L, name, text);
  case SS_ETOKEN:
    return luaL_error(L,
                      "header '%s': the name is not a token (letters, "
                      "digits and any of -.!%%*_+`'~)",
                      text);
  case SS_ECONTROL:
    return luaL_error(L,
                      "header '%s': the value contains CR, LF, NUL or "
                      "another control character",
                      text);
  case SS_ELIMIT:
    return luaL_error(L,
                      "header '%s': too much, all headers together may "
                      "have %d bytes",
                      text, SS_FIELDS_MAX);
  default:
    return luaL_error(L, "header '%s': %s", text, ss_strerror(rc));
  }
}

/* Room for so much more, unless that is too much: then it is refused. The
 * memory is kept at `owner`. */
static void reserve(lua_State *L, int owner, ss_fields *f, size_t n) {
  size_t size = f->size;
  char *p;

  if (n > SS_FIELDS_MAX - f->n || f->n + n <= size)
    return;
  while (size < f->n + n)
    size *= 2;
  p = lua_newuserdatauv(L, size, 0);
  memcpy(p, f->p, f->n);
  lua_replace(L, owner);
  f->p = p;
  f->size = (uint32_t)size;
}

/* The value on the top: a string or a number. */
static void add(lua_State *L, int owner, ss_fields *f, ss_str name) {
  int type = lua_type(L, -1), rc;
  ss_str value;
  size_t n; /* what the core keeps of it */

  if (type != LUA_TSTRING && type != LUA_TNUMBER)
    luaL_error(L,
               "header '%s': a string, a number or a list of them "
               "expected, got %s",
               lss_printable(L, name), lua_typename(L, type));
  lua_pushvalue(L, -1); /* a number becomes a string in its copy */
  value = lss_to_str(L, -1);
  n = ss_str_trim(value).n;
  if (name.n <= SS_FIELDS_MAX && n <= SS_FIELDS_MAX)
    reserve(L, owner, f, name.n + n + 4); /* ": ", CRLF */
  rc = ss_fields_add(f, name, value);
  lua_pop(L, 1);
  if (rc)
    refused(L, name, rc);
}

/* The value or list of values on the top. */
static void add_all(lua_State *L, int owner, ss_fields *f, ss_str name) {
  lua_Integer i, n;

  if (!lua_istable(L, -1)) {
    add(L, owner, f, name);
    return;
  }
  n = (lua_Integer)lua_rawlen(L, -1);
  if (n == 0)
    luaL_error(L, "header '%s': the list is empty", lss_printable(L, name));
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    add(L, owner, f, name);
    lua_pop(L, 1);
  }
}

/* The pair on the top. */
static void add_pair(lua_State *L, int owner, ss_fields *f) {
  if (!lua_istable(L, -1))
    luaL_error(L, "headers: {name, value} expected in a list, got %s",
               luaL_typename(L, -1));
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  if (lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L, "headers: the name is a string, got %s",
               luaL_typename(L, -2));
  add_all(L, owner, f, lss_to_str(L, -2));
  lua_pop(L, 2);
}

const ss_fields *lss_fields_check(lua_State *L, int idx, lss_fields *room) {
  ss_fields *f = &room->fields;
  lua_Integer i, n;
  int owner;

  luaL_checkstack(L, LUA_MINSTACK, NULL);
  if (lua_isnoneornil(L, idx)) {
    lua_pushnil(L);
    return NULL;
  }
  idx = lua_absindex(L, idx);
  if (!lua_istable(L, idx))
    luaL_error(L, "headers: a table expected, got %s", luaL_typename(L, idx));
  *f = (ss_fields){room->first, 0, sizeof room->first, true, 0};
  lua_pushnil(L);
  owner = lua_gettop(L);
  n = (lua_Integer)lua_rawlen(L, idx);
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, idx, i);
    add_pair(L, owner, f);
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    if (lua_type(L, -2) == LUA_TSTRING)
      add_all(L, owner, f, lss_to_str(L, -2));
    else if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 ||
             lua_tointeger(L, -2) > n)
      luaL_error(L, "headers: names expected, got %s",
                 luaL_tolstring(L, -2, NULL));
    lua_pop(L, 1);
  }
  return f;
}

/* --- contents ------------------------------------------------------------- */

static void check_text(lua_State *L, const char *what, ss_str s) {
  if (ss_check_text(s))
    luaL_error(L, "%s: contains CR, LF, NUL or another control character",
               what);
}

ss_str lss_reason_check(lua_State *L, int idx) {
  ss_str s = SS_STR_NONE;

  if (lua_isnoneornil(L, idx))
    return s;
  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "reason: string expected, got %s", luaL_typename(L, idx));
  s = lss_to_str(L, idx);
  check_text(L, "reason", s);
  return s;
}

static void check_type(lua_State *L, ss_str type) {
  check_text(L, "content_type", type);
  if (!ss_media_type(type).n)
    luaL_error(L, "content_type: '%s' is not of the form type/subtype",
               lss_printable(L, type));
}

/* Options of verbs, in the order in which they are pushed. */
enum { HEADERS, REASON, SDP, BODY, CONTENT_TYPE, OPTIONS };
static const char *const options[OPTIONS] = {[HEADERS] = "headers",
                                             [REASON] = "reason",
                                             [SDP] = "sdp",
                                             [BODY] = "body",
                                             [CONTENT_TYPE] = "content_type"};

static bool given(lua_State *L, int first, int option, ss_str *out) {
  return lss_option_given(L, first + option, options[option], out);
}

static void body_check(lua_State *L, int first, ss_content *content) {
  bool sdp = given(L, first, SDP, &content->body);

  if (!given(L, first, BODY, &content->body)) {
    if (!lua_isnil(L, first + CONTENT_TYPE))
      luaL_error(L, "content_type: only goes with 'body'");
    if (sdp)
      content->content_type = SS_STR("application/sdp");
    return;
  }
  if (sdp)
    luaL_error(L, "'sdp' and 'body' are both given; one of them is enough");
  if (!given(L, first, CONTENT_TYPE, &content->content_type))
    luaL_error(L, "body: needs a 'content_type'");
  check_type(L, content->content_type);
}

void lss_content_check(lua_State *L, int idx, const char *const *names,
                       ss_content *content, lss_fields *room) {
  int first = lua_gettop(L) + 1;

  memset(content, 0, sizeof *content);
  if (lua_isnoneornil(L, idx))
    return;
  luaL_checktype(L, idx, LUA_TTABLE);
  lss_options_take(L, idx, names, options, OPTIONS);
  content->fields = lss_fields_check(L, first + HEADERS, room);
  content->reason = lss_reason_check(L, first + REASON);
  body_check(L, first, content);
}

unsigned lss_code_check(lua_State *L, int idx, lua_Integer standard,
                        lua_Integer min, lua_Integer max) {
  lua_Integer code;

  if (standard && lua_isnoneornil(L, idx))
    return (unsigned)standard;
  if (lua_type(L, idx) != LUA_TNUMBER) /* no string that looks like one */
    luaL_typeerror(L, idx, "number");
  code = luaL_checkinteger(L, idx);
  if (code < min || code > max)
    luaL_error(L, "code %I is not between %I and %I", code, min, max);
  return (unsigned)code;
}

/* --- targets -------------------------------------------------------------- */

static bool parses(lua_State *L, ss_str text, bool bare) {
  ss_arena arena;
  ss_uri uri;
  ss_name_addr whole;
  int rc;

  if (!text.n || ss_check_text(text))
    return false;
  ss_arena_init(&arena, ARENA_MAX);
  if (bare)
    rc = ss_uri_parse(&arena, text, &uri);
  else
    rc = ss_name_addr_parse(&arena, text, &whole);
  ss_arena_free(&arena);
  lss_check_memory(L, rc);
  return rc == 0;
}

/* Adds the target at idx; RFC 3261 20.10: a URI in a Contact stands between
 * angle brackets unless the whole is a name-addr already. */
static void add_target(lua_State *L, luaL_Buffer *b, int idx, bool first) {
  ss_str s = lss_to_str(L, idx);
  bool bare = ss_str_chr(s, '<') == s.n && ss_str_chr(s, '"') == s.n;

  if (!first)
    luaL_addstring(b, ", ");
  if (bare)
    luaL_addchar(b, '<');
  luaL_addlstring(b, s.p, s.n);
  if (bare)
    luaL_addchar(b, '>');
}

static void check_target(lua_State *L, int idx) {
  ss_str s;
  bool bare;

  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "redirect: a URI is a string, got %s", luaL_typename(L, idx));
  s = lss_to_str(L, idx);
  bare = ss_str_chr(s, '<') == s.n && ss_str_chr(s, '"') == s.n;
  if (!parses(L, s, bare) ||
      (bare && (ss_str_chr(s, '>') < s.n || ss_str_chr(s, ' ') < s.n)))
    luaL_error(L,
               "redirect: '%s' is no URI (write it as "
               "\"sip:user@host\")",
               lss_printable(L, s));
}

ss_str lss_targets_check(lua_State *L, int idx) {
  luaL_Buffer b;
  int i, n, first;

  idx = lua_absindex(L, idx);
  if (lua_istable(L, idx)) {
    n = (int)lua_rawlen(L, idx);
    if (n == 0 || n > 32)
      luaL_error(L, "redirect: a list of 1 to 32 URIs expected");
    luaL_checkstack(L, n + LUA_MINSTACK, NULL);
    for (i = 1; i <= n; i++)
      lua_rawgeti(L, idx, i);
  } else {
    n = 1;
    lua_pushvalue(L, idx);
  }
  first = lua_gettop(L) - n + 1;
  for (i = 0; i < n; i++)
    check_target(L, first + i);
  luaL_buffinit(L, &b);
  for (i = 0; i < n; i++)
    add_target(L, &b, first + i, i == 0);
  luaL_pushresult(&b);
  return lss_to_str(L, -1);
}
