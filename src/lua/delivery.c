/* What the core tells of sessions, brought to the script's handlers. The core
 * calls from jobs, after the batch: a CANCEL that came with the INVITE has been
 * seen, and then none of this runs. */
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/message.h"
#include "lua/operations.h"
#include "lua/session.h"
#include "lua/wait.h"

typedef struct report {
  lss_world *world;
  lss_endpoint *endpoint;
  ss_session *session;
  const ss_change *change;
  const ss_failure *failure;
  ss_message *ack;
} report;

/* --- a call came in ------------------------------------------------------- */

static void reject(lss_session *box) {
  ss_session *s = lss_session_readable(box);
  ss_content content;

  memset(&content, 0, sizeof content);
  if (s && ss_session_state(s) == SS_STATE_INCOMING)
    ss_session_reject(s, 500, &content);
}

/* A session_received handler has died; stack: session, nil. While the others
 * have still to be called that must not spoil it for them. */
static void died(lua_State *L, bool failed) {
  lss_session *box = lua_touserdata(L, -2);

  (void)failed;
  if (box->receiving)
    box->died = true;
  else
    reject(box);
}

/* Its caller hears a 500 for it then, which has to be told (SR20). */
static bool unanswered(lua_State *L) {
  ss_session *s = lss_session_readable(lua_touserdata(L, -1));

  return s && ss_session_state(s) == SS_STATE_INCOMING;
}

static const lss_role receiver = {true, false, true, unanswered, died};

static int received(lua_State *L) {
  report *r = lua_touserdata(L, 1);
  lss_session *box;
  lua_Integer i, n;

  lss_push_box(L, r->world->context, r->endpoint->userdata);
  if (lua_isnil(L, 2))
    return luaL_error(L, "a call for an endpoint that is gone");
  box = lss_session_new(L, r->session, r->world, 2);
  n = lss_event_push(L, 2, LSS_ENDPOINT_ON_SESSION, 0);
  box->receiving = true;
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, 4, i, 0))
      continue;
    lua_pushvalue(L, 3);
    lss_start(L, &receiver, r->world, 2, 3, 1);
    lua_settop(L, 4);
  }
  box->receiving = false;
  if (box->died)
    reject(box);
  return 0;
}

void lss_session_received(void *arg, ss_session *session) {
  lss_endpoint *e = arg;
  report r = {.world = e->world, .endpoint = e, .session = session};
  ss_content content;

  if (lss_door(e->world->context, received, &r))
    return;
  memset(&content, 0, sizeof content);
  ss_session_reject(session, 500, &content);
}

/* --- transitions ---------------------------------------------------------- */

static void push_change(lua_State *L, const lss_context *c,
                        const ss_change *change) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, ss_state_name(change->previous));
  lua_setfield(L, -2, "previous");
  lua_pushstring(L, ss_state_name(change->state));
  lua_setfield(L, -2, "state");
  lua_pushstring(L, ss_cause_name(change->reason));
  lua_setfield(L, -2, "reason");
  if (change->code) {
    lua_pushinteger(L, change->code);
    lua_setfield(L, -2, "code");
  }
  lss_message_push(L, c, change->message);
  lua_setfield(L, -2, "message");
  lss_cause_push(L, change->message);
  lua_setfield(L, -2, "cause");
}

/* Stack: report, session. */
static void tell(lua_State *L, report *r) {
  int event = LSS_SESSION_ON_STATE;
  lua_Integer i, n = lss_event_push(L, 2, LSS_SESSION_EVENTS, event);

  if (n == 0)
    return;
  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  push_change(L, r->world->context, r->change);
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, 3, i, event))
      continue;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 5);
    lss_start(L, &lss_handler, r->world, 4, 0, 2);
    lua_settop(L, 5);
  }
}

static int changed(lua_State *L) {
  report *r = lua_touserdata(L, 1);

  lss_session_push(L, r->world, r->session);
  if (lua_touserdata(L, 2))
    tell(L, r);
  return 0;
}

void lss_session_changed(void *arg, ss_session *session,
                         const ss_change *change) {
  lss_endpoint *e = arg;
  report r = {.world = e->world, .session = session, .change = change};

  const lss_session *box = ss_session_user(session);

  if (box && lss_session_listens(box, LSS_SESSION_ON_STATE))
    lss_door(e->world->context, changed, &r);
}

/* --- the end of an accept ------------------------------------------------- */

static int accepted(lua_State *L) {
  report *r = lua_touserdata(L, 1);
  lss_session *box;

  lss_session_push(L, r->world, r->session);
  box = lua_touserdata(L, 2);
  if (!box || !box->pending)
    return 0;
  box->pending = false;
  box->waiter = NULL;
  lua_getiuservalue(L, 2, LSS_SESSION_WAITER);
  lua_pushnil(L);
  lua_setiuservalue(L, 2, LSS_SESSION_WAITER);
  lss_operation_tell(L, r->world, r->failure, r->ack);
  return 0;
}

void lss_session_accepted(void *arg, ss_session *session,
                          const ss_failure *failure, ss_message *ack) {
  lss_endpoint *e = arg;
  report r = {
      .world = e->world, .session = session, .failure = failure, .ack = ack};

  const lss_session *box = ss_session_user(session);

  if (!box || e->world->closed)
    return;
  if (box->waiter)
    lss_wait_guard(box->waiter);
  lss_door(e->world->context, accepted, &r);
}

/* --- the end -------------------------------------------------------------- */

static int released(lua_State *L) {
  lss_session_settle(L, lua_touserdata(L, 1));
  return 0;
}

void lss_session_released(void *arg, ss_session *session) {
  lss_endpoint *e = arg;
  lss_session *box = ss_session_user(session);

  if (!box)
    return;
  if (e->world->closed || !lss_door(e->world->context, released, box))
    lss_session_settle(NULL, box);
}
