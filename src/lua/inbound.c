/* Requests in the dialog, brought to the script's handlers: re-INVITE and
 * UPDATE to be known, INFO and MESSAGE to be answered: by the handler itself,
 * or with 200 when all handlers have ended, 500 when one of them died. Digits
 * are an event of their own, where there is a handler for it. */
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/event.h"
#include "lua/message.h"
#include "lua/referral.h"
#include "lua/session.h"
#include "sip/dtmf.h"
#include "sip/headers.h"

typedef struct report {
  lss_world *world;
  ss_session *session;
  ss_inbound *inbound;
} report;

static void respond(ss_inbound *i, unsigned code) {
  ss_content none;

  memset(&none, 0, sizeof none);
  if (ss_inbound_waits(i))
    ss_inbound_respond(i, code, &none);
}

/* --- message_received ----------------------------------------------------- */

/* A handler has ended; stack: request, result. */
static void handled(lua_State *L, bool failed) {
  lss_message_handled(L, -2, failed);
}

static const lss_role receiver = {true, false, false, NULL, handled};

/* The others are told of, and answered by the library. */
static bool answerable(const ss_message *m) {
  return m->method == SS_INFO || m->method == SS_MESSAGE;
}

/* Calls the handlers in the list at `list` with session (2) and request. */
static void tell_request(lua_State *L, report *r, int list, lua_Integer n,
                         int event) {
  lss_context *c = r->world->context;
  lua_Integer i;
  int base;

  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  if (answerable(ss_inbound_request(r->inbound)))
    lss_message_push_inbound(L, c, r->inbound);
  else
    lss_message_push_whole(L, c, ss_inbound_request(r->inbound));
  base = lua_gettop(L);
  lss_message_handling(L, base);
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, list, i, event))
      continue;
    lss_message_handling(L, base);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, base);
    lss_start(L, &receiver, r->world, base - 1, base, 2);
    lua_settop(L, base);
  }
  lss_message_handled(L, base, false);
}

/* --- the other events ----------------------------------------------------- */

static bool is_digit(const ss_message *m, char *digit, uint32_t *ms) {
  const ss_field *f = ss_message_field(m, SS_FIELD_CONTENT_TYPE);

  return m->method == SS_INFO && f &&
         !ss_dtmf(ss_media_type(f->value), m->body, digit, ms);
}

static void tell_digit(lua_State *L, report *r, int list, lua_Integer n,
                       char digit, uint32_t ms) {
  int top = lua_gettop(L), event = LSS_SESSION_ON_DTMF;
  lua_Integer i;

  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, list, i, event))
      continue;
    lua_pushvalue(L, 2);
    lua_pushlstring(L, &digit, 1);
    if (ms == UINT32_MAX)
      lua_pushnil(L);
    else
      lua_pushnumber(L, ms / 1000.0);
    lss_start(L, &lss_handler, r->world, top + 1, 0, 3);
    lua_settop(L, top + 1);
  }
}

static int event_of(const ss_message *m) {
  switch (m->method) {
  case SS_INFO:
  case SS_MESSAGE:
    return LSS_SESSION_ON_MESSAGE;
  case SS_REFER:
    return LSS_SESSION_ON_REFER;
  case SS_NOTIFY:
    return LSS_SESSION_ON_REFER_NEWS;
  default: /* re-INVITE, UPDATE */
    return LSS_SESSION_ON_REINVITE;
  }
}

static void tell(lua_State *L, report *r, int list, lua_Integer n, int event) {
  ss_message *m = ss_inbound_request(r->inbound);

  if (m->method == SS_REFER)
    lss_referral_tell(L, r->world, r->inbound, list, n);
  else if (m->method == SS_NOTIFY)
    lss_referral_tell_news(L, r->world, m, list, n);
  else
    tell_request(L, r, list, n, event);
}

static int requested(lua_State *L) {
  report *r = lua_touserdata(L, 1);
  const ss_message *m = ss_inbound_request(r->inbound);
  uint32_t ms = UINT32_MAX;
  char digit = 0;
  lua_Integer n;

  lss_session_push(L, r->world, r->session);
  if (!lua_touserdata(L, 2))
    return 0;
  if (is_digit(m, &digit, &ms)) {
    n = lss_event_push(L, 2, LSS_SESSION_EVENTS, LSS_SESSION_ON_DTMF);
    if (n > 0) {
      respond(r->inbound, 200);
      tell_digit(L, r, 3, n, digit, ms);
      return 0;
    }
  }
  lua_settop(L, 2);
  n = lss_event_push(L, 2, LSS_SESSION_EVENTS, event_of(m));
  if (n > 0)
    tell(L, r, 3, n, event_of(m));
  else if (ss_inbound_waits(r->inbound))
    ss_inbound_unhandled(r->inbound);
  return 0;
}

void lss_session_requested(void *arg, ss_session *session,
                           ss_inbound *inbound) {
  lss_endpoint *e = arg;
  report r = {.world = e->world, .session = session, .inbound = inbound};

  if (!ss_session_user(session) ||
      !lss_door(e->world->context, requested, &r)) {
    respond(inbound, 500);
    return;
  }
}
