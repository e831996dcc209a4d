/* The negotiator of an accept, run in a coroutine of its own: what it returns
 * goes into the 200; nothing is 488, an error 500 (and is reported).
 * RFC 3264, RFC 3261 13.2.1: an INVITE without an offer gets ours in the 200,
 * and its answer comes with the ACK. Knows nothing of media itself. */
#include "lua/media.h"
#include "lua/call.h"
#include "lua/class.h"
#include "lua/endpoint.h"

void lss_media_check(lua_State *L, int idx) {
  static const char *const names[] = {"get_answer", "get_offer", "set_answer"};
  size_t i;

  idx = lua_absindex(L, idx);
  if (lua_isnil(L, idx))
    return;
  if (!lua_istable(L, idx))
    luaL_error(L,
               "media: a table with get_answer, get_offer, set_answer "
               "expected, got %s",
               luaL_typename(L, idx));
  for (i = 0; i < 3; i++) {
    lua_getfield(L, idx, names[i]);
    if (!lua_isnil(L, -1) && !lua_isfunction(L, -1))
      luaL_error(L, "media.%s: function expected, got %s", names[i],
                 luaL_typename(L, -1));
    lua_pop(L, 1);
  }
}

bool lss_media_push(lua_State *L, int idx, const char *name) {
  idx = lua_absindex(L, idx);
  if (lua_getiuservalue(L, idx, LSS_SESSION_MEDIA) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_getiuservalue(L, idx, LSS_SESSION_ENDPOINT);
    lua_getiuservalue(L, -1, LSS_ENDPOINT_MEDIA);
    lua_remove(L, -2);
  }
  if (!lua_istable(L, -1))
    return false;
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return lua_isfunction(L, -1);
}

static const char *needed(const ss_session *s) {
  return ss_session_offer(s).n ? "get_answer" : "get_offer";
}

bool lss_media_answers(lua_State *L, int idx) {
  lss_session *box = lua_touserdata(L, idx);
  bool answers = lss_media_push(L, idx, needed(box->core));

  lua_pop(L, 1);
  return answers;
}

/* Stack: session, result. */
static void negotiated(lua_State *L, bool failed) {
  lss_session *box = lua_touserdata(L, -2);
  int type = lua_type(L, -1);

  if (!box || !box->core)
    return;
  if (!failed && type == LUA_TSTRING && lua_rawlen(L, -1) > 0) {
    ss_session_negotiated(box->core, lss_to_str(L, -1), 0);
    return;
  }
  if (!failed && type != LUA_TNIL && type != LUA_TSTRING &&
      lua_toboolean(L, -1)) {
    failed = true;
    lua_getiuservalue(L, -2, LSS_SESSION_ENDPOINT);
    lua_pushfstring(L,
                    "a media negotiator must return a description (a "
                    "string) or nil, not a %s",
                    lua_typename(L, type));
    lua_pushvalue(L, -1);
    lss_report(L, lua_gettop(L) - 2);
  }
  ss_session_negotiated(box->core, SS_STR_NONE, failed ? 500 : 488);
}

static const lss_role negotiator = {true, false, negotiated};

/* Behind the door, with the session's box. */
static int start(lua_State *L) {
  lss_session *box = lua_touserdata(L, 1);
  ss_str offer = ss_session_offer(box->core);
  int nargs = 1;

  lss_session_push(L, box->world, box->core);
  if (!lss_media_push(L, 2, needed(box->core))) {
    /* The script took it away after the accept began. */
    ss_session_negotiated(box->core, SS_STR_NONE, 488);
    return 0;
  }
  lua_pushvalue(L, 2);
  if (offer.n) {
    lss_push_str(L, offer);
    nargs = 2;
  }
  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  lua_insert(L, 3);
  lss_start(L, &negotiator, box->world, 3, 2, nargs);
  return 0;
}

static void start_job(ss_job *job) {
  lss_session *box = SS_CONTAINER(job, lss_session, negotiate);

  if (!lss_door(box->world->context, start, box))
    ss_session_negotiated(box->core, SS_STR_NONE, 500);
}

void lss_media_start(lss_session *box) {
  box->negotiate.fn = start_job;
  ss_loop_defer(box->world->loop, &box->negotiate);
}

void lss_media_settle(lua_State *L, int idx, const ss_message *ack) {
  lss_session *box = lua_touserdata(L, idx);
  int top = lua_gettop(L);

  idx = lua_absindex(L, idx);
  if (ss_session_offer(box->core).n)
    return;
  lua_getiuservalue(L, idx, LSS_SESSION_ENDPOINT);
  if (lss_media_push(L, idx, "set_answer")) {
    lua_pushvalue(L, idx);
    lss_push_str_or_nil(L, ack->body);
    lss_start(L, &lss_handler, box->world, top + 1, 0, 2);
  }
  lua_settop(L, top);
}
