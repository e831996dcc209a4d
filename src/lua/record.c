/* The end of a call, told: the "ended" event of endpoint and session, the
 * record that goes with it, and `cause`, what the peer's Reason header says
 * (RFC 3326). Tables are made only where a handler or the script wants one. */
#include "base/error.h"
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/session.h"
#include "sip/reason.h"

void lss_cause_push(lua_State *L, ss_message *m) {
  ss_reason r;
  int rc = m ? ss_message_reason(m, &r) : SS_ENOTFOUND;

  lss_check_memory(L, rc);
  if (rc) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, 0, 3);
  lss_push_str(L, r.protocol);
  lua_setfield(L, -2, "protocol");
  if (r.coded) {
    lua_pushinteger(L, r.cause);
    lua_setfield(L, -2, "cause");
  }
  lss_push_str_or_nil(L, r.text);
  lua_setfield(L, -2, "text");
}

/* --- the record ----------------------------------------------------------- */

static void set_str(lua_State *L, const char *name, ss_str text) {
  lss_push_str(L, text);
  lua_setfield(L, -2, name);
}

static void set_seconds(lua_State *L, const char *name, uint64_t ms) {
  lua_pushnumber(L, (lua_Number)ms / 1000);
  lua_setfield(L, -2, name);
}

static void set_times(lua_State *L, const lss_session *box,
                      const ss_record *r) {
  bool connected = r->outcome == SS_OUTCOME_CONNECTED;

  set_seconds(L, "started", r->started);
  if (connected)
    set_seconds(L, "answered", r->answered);
  set_seconds(L, "ended", r->ended);
  set_seconds(L, "duration", connected ? r->ended - r->answered : 0);
  if (box->real) {
    lua_pushinteger(L, (lua_Integer)r->at);
    lua_setfield(L, -2, "at");
  }
}

static void set_parties(lua_State *L, const ss_session *s) {
  ss_message *m = ss_session_request(s);
  const ss_name_addr *from;
  int rc = ss_message_from(m, &from);

  lss_check_memory(L, rc);
  if (rc == 0)
    set_str(L, "from", from->uri.text);
  set_str(L, "to", m->uri);
  set_str(L, "call_id", ss_session_call_id(s));
}

static void push_new(lua_State *L, const lss_session *box, const ss_record *r) {
  lua_createtable(L, 0, 12);
  set_times(L, box, r);
  set_parties(L, box->core);
  set_str(L, "outcome", ss_str_z(ss_outcome_name(r->outcome)));
  set_str(L, "reason", ss_str_z(ss_cause_name(r->reason)));
  if (r->code) {
    lua_pushinteger(L, r->code);
    lua_setfield(L, -2, "code");
  }
  lss_cause_push(L, r->message);
  lua_setfield(L, -2, "cause");
}

/* Pushes the one table of the session at idx; nil while it goes on. */
static void push_record(lua_State *L, int idx) {
  const lss_session *box = lua_touserdata(L, idx);
  const ss_record *r = ss_session_record(box->core);

  if (lss_session_get_rare(L, idx, LSS_RARE_RECORD) != LUA_TNIL || !r)
    return;
  lua_pop(L, 1);
  push_new(L, box, r);
  lua_pushvalue(L, -1);
  lss_session_set_rare(L, idx, LSS_RARE_RECORD);
}

int lss_session_get_record(lua_State *L) {
  lss_session_check(L);
  push_record(L, 1);
  return 1;
}

/* --- the event ------------------------------------------------------------ */

typedef struct ending {
  lss_endpoint *endpoint;
  ss_session *session;
} ending;

/* Calls the handlers of the n in the list on the top that are for that event.
 * Stack: ending, endpoint, session, list. */
static void tell(lua_State *L, lss_world *w, lua_Integer n, int event) {
  lua_Integer i;

  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, 4, i, event))
      continue;
    lua_pushvalue(L, 3);
    push_record(L, 3);
    lss_start(L, &lss_handler, w, 2, 0, 2);
    lua_settop(L, 4);
  }
  lua_settop(L, 3);
}

static void tell_all(lua_State *L, lss_world *w) {
  int event = LSS_SESSION_ON_ENDED;

  tell(L, w, lss_event_push(L, 3, LSS_SESSION_EVENTS, event), event);
  tell(L, w, lss_event_push(L, 2, LSS_ENDPOINT_ON_ENDED, 0), 0);
}

/* A call that no handler was told of has no userdata yet. Where finalizers run
 * a network that is being collected, it and its endpoint have none anymore. */
static lss_session *tell_end(lua_State *L, const ending *end,
                             lss_session *box) {
  lss_world *w = end->endpoint->world;

  lss_push_box(L, w->context, end->endpoint->userdata);
  if (box)
    lss_session_push(L, w, end->session);
  else if (lua_isnil(L, 2))
    return NULL;
  else
    box = lss_session_new(L, end->session, w, 2);
  if (lua_touserdata(L, 2) && lua_touserdata(L, 3))
    tell_all(L, w);
  return box;
}

static int ended(lua_State *L) {
  const ending *end = lua_touserdata(L, 1);
  lss_session *box = ss_session_user(end->session);

  if (end->endpoint->recorded ||
      (box && lss_session_listens(box, LSS_SESSION_ON_ENDED)))
    box = tell_end(L, end, box);
  if (box && !ss_session_lingers(end->session))
    lss_session_settle(L, box);
  return 0;
}

void lss_session_ended(void *arg, ss_session *session) {
  lss_endpoint *e = arg;
  ending end = {e, session};

  if (e->recorded || ss_session_user(session))
    lss_door(e->world->context, ended, &end);
}
