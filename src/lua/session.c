/* The session class: identity, properties, events. What can be read stays
 * readable after the end, for the core's session is counted by reference. */
#include "lua/session.h"
#include "base/error.h"
#include "lua/class.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/live.h"
#include "lua/media.h"
#include "lua/message.h"
#include "lua/printable.h"
#include "lua/timing.h"

static const lss_class session_class;

ss_session *lss_session_readable(const lss_session *box) {
  return box->bundle && !*box->bundle ? NULL : box->core;
}

lss_session *lss_session_check(lua_State *L) {
  lss_session *box = lss_class_check(L, &session_class, 1);

  if (!lss_session_readable(box))
    luaL_error(L, "this session has been freed");
  return box;
}

static ss_session *check(lua_State *L) {
  return lss_session_check(L)->core;
}

const ss_session *lss_session_core(lua_State *L, int idx) {
  lss_session *box = lss_class_test(L, &session_class, idx);

  return box ? lss_session_readable(box) : NULL;
}

int lss_session_get_rare(lua_State *L, int idx, int value) {
  int type = lua_getiuservalue(L, idx, LSS_SESSION_RARE);

  if (type == LUA_TTABLE) {
    type = lua_rawgeti(L, -1, value);
    lua_replace(L, -2);
  }
  return type;
}

void lss_session_set_rare(lua_State *L, int idx, int value) {
  idx = lua_absindex(L, idx);
  if (lua_getiuservalue(L, idx, LSS_SESSION_RARE) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, LSS_RARE_VALUES, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, LSS_SESSION_RARE);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, value);
  lua_pop(L, 1);
}

void lss_session_push(lua_State *L, lss_world *w, const ss_session *s) {
  const lss_session *box = ss_session_user(s);

  lss_push_anchored(L, w, box ? box->place : 0);
}

lss_session *lss_session_new(lua_State *L, ss_session *core, lss_world *w,
                             int endpoint) {
  lss_session *box;

  endpoint = lua_absindex(L, endpoint);
  box = lss_class_new(L, w->context, &session_class, sizeof *box,
                      LSS_SESSION_VALUES);
  box->world = w;
  box->real = !w->memory;
  lua_pushvalue(L, endpoint);
  lua_setiuservalue(L, -2, LSS_SESSION_ENDPOINT);
  box->place = lss_anchor(L, w, -1);
  if (!box->place)
    luaL_error(L, "a call in a network that is gone");
  box->core = ss_session_ref(core);
  box->live = true;
  ss_list_append(&w->sessions, &box->node);
  ss_session_set_user(core, box);
  return box;
}

/* --- its end -------------------------------------------------------------- */

static void let_go(void *core) {
  ss_session_unref(core);
}

/* The reference of the first of the list goes into a bundle. NULL: it can't,
 * the network is being collected, with all that is in it. A script's finalizer
 * may run meanwhile, and may itself step or close the network. */
static lss_session *bundle_first(lua_State *L, ss_list *list) {
  lss_session *box = SS_CONTAINER(list->next, lss_session, node);
  int top = lua_gettop(L);

  if (box->bundle)
    return box;
  lss_push_anchored(L, box->world, box->place);
  if (lua_touserdata(L, -1)) {
    lss_bundle_push(L, box->world->context);
    if (!box->bundle) {
      box->bundle = lss_bundle_add(L, box->core, let_go);
      lua_setiuservalue(L, -2, LSS_SESSION_BUNDLE);
    }
  }
  lua_settop(L, top);
  return box->bundle ? box : NULL;
}

/* False: there was none to be settled, or it can't be. */
static bool settle_first(lua_State *L, lss_world *w) {
  lss_session *box;

  if (ss_list_empty(&w->late) || !(box = bundle_first(L, &w->late)))
    return false;
  ss_list_remove(&box->node);
  lss_release(L, w, box->place);
  box->place = 0;
  return true;
}

static void detach(lss_session *box) {
  if (box->live)
    ss_session_set_user(box->core, NULL);
  box->live = false;
  box->pending = false;
  box->waiter = NULL;
  lss_media_forget(box);
}

/* What the memory was short for, too. */
void lss_session_settle(lua_State *L, lss_session *box) {
  lss_world *w = box->world;

  if (box->live) {
    detach(box);
    ss_list_remove(&box->node);
    ss_list_append(&w->late, &box->node);
  }
  while (L && !w->closed && settle_first(L, w)) {
  }
}

void lss_sessions_keep(lua_State *L, lss_world *w) {
  lss_session *box;

  do {
    while (!ss_list_empty(&w->sessions)) {
      box = bundle_first(L, &w->sessions);
      if (!box)
        return;
      if (!box->live) /* it was settled, or the network closed, meanwhile */
        continue;
      ss_list_remove(&box->node);
      ss_list_append(&w->kept, &box->node);
    }
  } while (settle_first(L, w));
}

static void close_all(ss_list *list) {
  ss_list *n;

  while ((n = ss_list_shift(list))) {
    lss_session *box = SS_CONTAINER(n, lss_session, node);
    detach(box);
    box->place = 0;
    if (box->bundle)
      continue;
    ss_session_unref(box->core);
    box->core = NULL;
  }
}

void lss_sessions_close(lss_world *w) {
  close_all(&w->sessions);
  close_all(&w->kept);
  close_all(&w->late);
}

static int session_tostring(lua_State *L) {
  ss_session *s = check(L);

  lss_printable(L, ss_session_call_id(s));
  lua_pushfstring(L, "sipsession.session (%s, call %s)",
                  ss_state_name(ss_session_state(s)), lua_tostring(L, -1));
  return 1;
}

/* --- properties ----------------------------------------------------------- */

static int get_state(lua_State *L) {
  lua_pushstring(L, ss_state_name(ss_session_state(check(L))));
  return 1;
}

static int get_is_incoming(lua_State *L) {
  check(L);
  lua_pushboolean(L, true);
  return 1;
}

static int get_call_id(lua_State *L) {
  lss_push_str(L, ss_session_call_id(check(L)));
  return 1;
}

static int get_from_tag(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_remote_tag(check(L)));
  return 1;
}

static int get_to_tag(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_local_tag(check(L)));
  return 1;
}

static int get_request_uri(lua_State *L) {
  lss_push_str(L, ss_session_request(check(L))->uri);
  return 1;
}

static int get_next_hop(lua_State *L) {
  char text[SS_ADDR_TEXT];
  ss_addr addr;

  if (ss_session_next_hop(check(L), &addr))
    lua_pushnil(L);
  else
    lss_push_str(L, ss_addr_text(&addr, text));
  return 1;
}

static int get_remote_address(lua_State *L) {
  char text[SS_ADDR_TEXT];

  lss_push_str(L, ss_addr_text(ss_session_remote_address(check(L)), text));
  return 1;
}

static int get_offer(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_offer(check(L)));
  return 1;
}

static int get_held(lua_State *L) {
  lua_pushboolean(L, ss_session_is_held(check(L)));
  return 1;
}

static int get_local_description(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_local_description(check(L)));
  return 1;
}

static int get_remote_description(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_remote_description(check(L)));
  return 1;
}

static int get_request(lua_State *L) {
  lss_session *box = lss_session_check(L);

  if (lua_getiuservalue(L, 1, LSS_SESSION_REQUEST) != LUA_TNIL)
    return 1;
  lss_message_push_request(L, lss_session_context(L, box),
                           ss_session_request(box->core), 1);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, LSS_SESSION_REQUEST);
  return 1;
}

/* {uri, display_name, tag}. A value that doesn't parse gives only the tag. */
static int push_participant(lua_State *L, int rc, const ss_name_addr *who,
                            ss_str tag) {
  lss_check_memory(L, rc);
  lua_createtable(L, 0, 3);
  if (rc == 0) {
    lss_push_str(L, who->uri.text);
    lua_setfield(L, -2, "uri");
    lss_push_str_or_nil(L, who->display);
    lua_setfield(L, -2, "display_name");
  }
  lss_push_str_or_nil(L, tag);
  lua_setfield(L, -2, "tag");
  return 1;
}

static int get_remote_participant(lua_State *L) {
  ss_session *s = check(L);
  const ss_name_addr *who = NULL;
  int rc = ss_message_from(ss_session_request(s), &who);

  return push_participant(L, rc, who, ss_session_remote_tag(s));
}

static int get_local_participant(lua_State *L) {
  ss_session *s = check(L);
  const ss_name_addr *who = NULL;
  int rc = ss_message_to(ss_session_request(s), &who);

  return push_participant(L, rc, who, ss_session_local_tag(s));
}

static int get_user(lua_State *L) {
  lss_push_str_or_nil(L, ss_session_request(check(L))->user);
  return 1;
}

static int get_endpoint(lua_State *L) {
  check(L);
  lua_getiuservalue(L, 1, LSS_SESSION_ENDPOINT);
  return 1;
}

static int get_media(lua_State *L) {
  check(L);
  lss_session_get_rare(L, 1, LSS_RARE_MEDIA);
  return 1;
}

static int set_media(lua_State *L) {
  check(L);
  lss_media_check(L, 3);
  lua_settop(L, 3);
  lss_session_set_rare(L, 1, LSS_RARE_MEDIA);
  return 0;
}

static int get_session_timer(lua_State *L) {
  lss_timing_push(L, ss_session_timing(check(L)));
  return 1;
}

static int set_session_timer(lua_State *L) {
  ss_session *s = check(L);
  ss_timing t;
  int rc;

  lss_timing_check(L, 3, &t);
  rc = ss_session_set_timing(s, &t);
  if (rc == SS_EUNSUPPORTED)
    luaL_error(L, "session_timer: its endpoint has session_timer = false");
  if (rc)
    luaL_error(L, "session_timer: the call was answered, and this with it");
  return 0;
}

static int get_data(lua_State *L) {
  check(L);
  lss_session_get_rare(L, 1, LSS_RARE_DATA);
  return 1;
}

static int set_data(lua_State *L) {
  check(L);
  lua_settop(L, 3);
  lss_session_set_rare(L, 1, LSS_RARE_DATA);
  return 0;
}

/* --- events --------------------------------------------------------------- */

static int session_on(lua_State *L) {
  static const char *const events[] = {
      "state_changed", "ended",          "reinvite",       "message_received",
      "dtmf",          "refer_received", "refer_notified", NULL};
  lss_session *box = lss_session_check(L);
  int event;

  event = LSS_SESSION_ON_STATE + luaL_checkoption(L, 2, NULL, events);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  lss_event_add(L, 1, LSS_SESSION_EVENTS, event, 3, NULL);
  box->listens |= 1u << event;
  return 1;
}

static const luaL_Reg session_methods[] = {
    {"on", session_on},
    {"participate", lss_session_participate},
    {"participate_async", lss_session_participate_async},
    {"progress", lss_session_progress},
    {"reject", lss_session_reject},
    {"redirect", lss_session_redirect},
    {"terminate", lss_session_terminate},
    {"renegotiate", lss_session_renegotiate},
    {"renegotiate_async", lss_session_renegotiate_async},
    {"hold", lss_session_hold},
    {"hold_async", lss_session_hold_async},
    {"resume", lss_session_resume},
    {"resume_async", lss_session_resume_async},
    {"refer", lss_session_refer},
    {"refer_async", lss_session_refer_async},
    {"send", lss_session_send},
    {"send_async", lss_session_send_async},
    {NULL, NULL}};
static const luaL_Reg session_getters[] = {
    {"state", get_state},
    {"is_incoming", get_is_incoming},
    {"call_id", get_call_id},
    {"from_tag", get_from_tag},
    {"to_tag", get_to_tag},
    {"request_uri", get_request_uri},
    {"remote_participant", get_remote_participant},
    {"local_participant", get_local_participant},
    {"remote_address", get_remote_address},
    {"next_hop", get_next_hop},
    {"held", get_held},
    {"local_description", get_local_description},
    {"remote_description", get_remote_description},
    {"request", get_request},
    {"offer", get_offer},
    {"user", get_user},
    {"endpoint", get_endpoint},
    {"record", lss_session_get_record},
    {"media", get_media},
    {"session_timer", get_session_timer},
    {"data", get_data},
    {NULL, NULL}};
static const luaL_Reg session_setters[] = {{"media", set_media},
                                           {"session_timer", set_session_timer},
                                           {"data", set_data},
                                           {NULL, NULL}};
static const luaL_Reg session_metamethods[] = {{"__tostring", session_tostring},
                                               {NULL, NULL}};
static const lss_class session_class = {
    LSS_CLASS_SESSION,
    "sipsession.session",
    session_methods,
    session_getters,
    session_setters,
    session_metamethods,
    "'media', 'session_timer', and 'data' for what is the script's own"};

void lss_session_open(lua_State *L) {
  lss_class_open(L, &session_class);
}
