/* The media negotiator, a table of the script's (UCMA's OfferAnswer-
 * Negotiation), run in a coroutine of its own: what get_answer and get_offer
 * return goes into the message that waits for it; nothing is 488, an error 500
 * (and is reported). set_answer only takes note. Knows nothing of media. */
#include "lua/media.h"
#include "lua/call.h"
#include "lua/class.h"
#include "lua/endpoint.h"
#include "lua/options.h"
#include "sip/body.h"

static const char *const names[] = {[SS_NEGOTIATE_ANSWER] = "get_answer",
                                    [SS_NEGOTIATE_OFFER] = "get_offer",
                                    [SS_NEGOTIATE_SETTLE] = "set_answer",
                                    NULL};

/* Whether the table at idx has one of the functions, or inherits it. */
static bool has_functions(lua_State *L, int idx) {
  bool some = false;
  int i;

  for (i = 0; names[i]; i++) {
    if (lua_getfield(L, idx, names[i]) == LUA_TFUNCTION)
      some = true;
    else if (!lua_isnil(L, -1))
      luaL_error(L, "media.%s: function expected, got %s", names[i],
                 luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  return some;
}

/* Raises for a function, as lua_next has it on the top, that is named almost
 * like one that isn't there: nobody would call it. */
static void field_check(lua_State *L, int idx) {
  const char *name, *meant;

  if (lua_type(L, -2) != LUA_TSTRING || !lua_isfunction(L, -1))
    return;
  name = lua_tostring(L, -2);
  meant = lss_option_meant(name, names);
  if (!meant)
    return;
  if (lua_getfield(L, idx, meant) == LUA_TNIL)
    lss_option_unknown(L, name, meant, "media function");
  lua_pop(L, 1);
}

/* Other fields are its own business; false: there are none at all. */
static bool fields_check(lua_State *L, int idx) {
  bool some = false;

  for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
    field_check(L, idx);
    some = true;
  }
  return some;
}

void lss_media_check(lua_State *L, int idx) {
  bool asked;

  idx = lua_absindex(L, idx);
  if (lua_isnil(L, idx))
    return;
  if (!lua_istable(L, idx))
    luaL_error(L,
               "media: a table with get_answer, get_offer, set_answer "
               "expected, got %s",
               luaL_typename(L, idx));
  asked = has_functions(L, idx);
  if (fields_check(L, idx) && !asked) /* an empty one is never asked */
    luaL_error(L, "media: none of get_answer, get_offer, set_answer is there");
  lss_context_get(L)->media = true;
}

bool lss_media_push(lua_State *L, int idx, const char *name) {
  idx = lua_absindex(L, idx);
  if (lss_session_get_rare(L, idx, LSS_RARE_MEDIA) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_getiuservalue(L, idx, LSS_SESSION_ENDPOINT);
    lua_getiuservalue(L, -1, LSS_ENDPOINT_MEDIA);
    lua_replace(L, -2);
  }
  if (!lua_istable(L, -1))
    return false;
  lua_getfield(L, -1, name);
  lua_replace(L, -2);
  return lua_isfunction(L, -1);
}

bool lss_media_has(lua_State *L, lss_context *c, int idx, ss_negotiate what) {
  bool has;

  if (!c->media)
    return false;
  has = lss_media_push(L, idx, names[what]);
  lua_pop(L, 1);
  return has;
}

/* --- its result ----------------------------------------------------------- */

/* What was asked stands in a table {session, round, what}: a late answer to
 * something else is known by it. Stack: that, result. */
static void negotiated(lua_State *L, bool failed) {
  int type = lua_type(L, -1), top = lua_gettop(L);
  ss_negotiate what;
  lss_session *box;
  uint32_t round;

  lua_rawgeti(L, top - 1, 1);
  lua_rawgeti(L, top - 1, 2);
  lua_rawgeti(L, top - 1, 3);
  box = lua_touserdata(L, top + 1);
  round = (uint32_t)lua_tointeger(L, top + 2);
  what = (ss_negotiate)lua_tointeger(L, top + 3);
  if (!box || !lss_session_readable(box))
    return;
  if (what == SS_NEGOTIATE_SETTLE) {
    ss_session_negotiated(box->core, round, SS_STR_NONE, failed ? 500 : 0);
    return;
  }
  if (!failed && type == LUA_TSTRING && lua_rawlen(L, top) > 0) {
    ss_session_negotiated(box->core, round, lss_to_str(L, top), 0);
    return;
  }
  if (!failed && type != LUA_TNIL && type != LUA_TSTRING &&
      lua_toboolean(L, top)) {
    failed = true;
    lua_getiuservalue(L, top + 1, LSS_SESSION_ENDPOINT);
    lua_pushfstring(L,
                    "a media negotiator must return a description (a "
                    "string) or nil, not a %s",
                    lua_typename(L, type));
    lua_pushvalue(L, -1);
    lss_report(L, lua_gettop(L) - 2);
  }
  ss_session_negotiated(box->core, round, SS_STR_NONE, failed ? 500 : 488);
}

static const lss_role negotiator = {true, false, false, NULL, negotiated};

/* --- its start ------------------------------------------------------------ */

static void push_subject(lua_State *L, int session, const lss_session *box) {
  lua_createtable(L, 3, 0);
  lua_pushvalue(L, session);
  lua_rawseti(L, -2, 1);
  lua_pushinteger(L, box->round);
  lua_rawseti(L, -2, 2);
  lua_pushinteger(L, box->what);
  lua_rawseti(L, -2, 3);
}

/* Pushes the arguments at the end of a call: session, and their description
 * where there may be one. */
static int push_arguments(lua_State *L, int session, const lss_session *box) {
  const ss_message *m = box->about;

  lua_pushvalue(L, session);
  if (box->what == SS_NEGOTIATE_OFFER)
    return 1;
  if (m)
    lss_push_str_or_nil(L, ss_body_find(m, SS_STR("application/sdp")));
  else
    lua_pushnil(L);
  return 2;
}

/* Behind the door, with the session's box. */
static int start(lua_State *L) {
  lss_session *box = lua_touserdata(L, 1);

  lss_session_push(L, box->world, box->core);
  if (lua_isnil(L, 2))
    return 0;
  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  push_subject(L, 2, box);
  if (!lss_media_push(L, 2, names[box->what])) {
    /* The script took it away after it was looked for. */
    ss_session_negotiated(box->core, box->round, SS_STR_NONE,
                          box->what == SS_NEGOTIATE_SETTLE ? 0 : 488);
    return 0;
  }
  lss_start(L, &negotiator, box->world, 3, 4, push_arguments(L, 2, box));
  return 0;
}

static void start_job(ss_job *job) {
  lss_session *box = SS_CONTAINER(job, lss_session, negotiate);
  ss_session *core = ss_session_ref(box->core);
  ss_message *about = box->about;
  uint32_t round = box->round;

  if (!lss_door(box->world->context, start, box))
    ss_session_negotiated(core, round, SS_STR_NONE, 500);
  if (box->about == about)
    box->about = NULL; /* else a new round has begun */
  ss_message_unref(about);
  ss_session_unref(core);
}

static int look(lua_State *L) {
  lss_session *box = lua_touserdata(L, 1);

  lss_session_push(L, box->world, box->core);
  box->negotiator = lua_touserdata(L, 2) &&
                    lss_media_has(L, box->world->context, 2, box->what);
  return 0;
}

bool lss_session_negotiate(void *arg, ss_session *session, uint32_t round,
                           ss_negotiate what, ss_message *about) {
  lss_endpoint *e = arg;
  lss_session *box = ss_session_user(session);

  if (!box)
    return false;
  box->round = round;
  box->what = what;
  if (!box->verb) { /* else the verb has looked */
    box->negotiator = false;
    lss_door(e->world->context, look, box);
  }
  if (!box->negotiator)
    return false;
  lss_media_forget(box);
  box->about = about ? ss_message_ref(about) : NULL;
  box->negotiate.fn = start_job;
  ss_loop_defer(box->world->loop, &box->negotiate);
  return true;
}

void lss_media_forget(lss_session *box) {
  ss_job_cancel(&box->negotiate);
  ss_message_unref(box->about);
  box->about = NULL;
}
