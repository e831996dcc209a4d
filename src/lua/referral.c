/* The referral class, and what its handlers decide (RFC 3515). */
#include "lua/referral.h"
#include "base/error.h"
#include "lua/call.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/fields.h"
#include "lua/message.h"
#include "lua/operations.h"
#include "lua/printable.h"
#include "sip/event.h"
#include "sip/headers.h"

#define ARENA_MAX 65536

typedef struct referral {
  ss_inbound *inbound;
  ss_referral *core; /* once accepted */
  unsigned handlers; /* that have not ended yet */
  bool failed;       /* one of them died */
} referral;

/* User values. */
enum {
  REFERRAL_SESSION = 1,
  REFERRAL_REQUEST, /* the message object, once asked for */
  REFERRAL_VALUES = REFERRAL_REQUEST
};

static const lss_class referral_class;

static referral *check(lua_State *L) {
  referral *box = lss_class_check(L, &referral_class, 1);

  if (!box->inbound) /* another object's finalizer has it still */
    luaL_error(L, "this referral has been freed");
  return box;
}

static int referral_gc(lua_State *L) {
  referral *box = lua_touserdata(L, 1);

  ss_inbound_unref(box->inbound);
  ss_referral_unref(box->core);
  box->inbound = NULL;
  box->core = NULL;
  return 0;
}

/* --- properties ----------------------------------------------------------- */

static ss_str value_of(const referral *box, ss_field_id id) {
  const ss_field *f = ss_message_field(ss_inbound_request(box->inbound), id);

  return f ? f->value : SS_STR_NONE;
}

/* Pushes the URI of the Refer-To; the core has seen that it parses. */
static ss_str push_target(lua_State *L, const referral *box) {
  ss_arena arena;
  ss_name_addr who;
  int rc;

  ss_arena_init(&arena, ARENA_MAX);
  rc = ss_name_addr_parse(&arena, value_of(box, SS_FIELD_REFER_TO), &who);
  ss_arena_free(&arena);
  if (rc)
    luaL_error(L, "sipsession: %s", ss_strerror(rc));
  lss_push_str(L, who.uri.text); /* a slice of the value */
  return lss_to_str(L, -1);
}

static int get_target(lua_State *L) {
  push_target(L, check(L));
  return 1;
}

static int get_refer_to(lua_State *L) {
  lss_push_str(L, value_of(check(L), SS_FIELD_REFER_TO));
  return 1;
}

static int get_referred_by(lua_State *L) {
  lss_push_str_or_nil(L, value_of(check(L), SS_FIELD_REFERRED_BY));
  return 1;
}

static int get_replaces(lua_State *L) {
  ss_str uri = push_target(L, check(L));
  ss_buf b = SS_BUF_ON(lua_newuserdatauv(L, uri.n + 1, 0), uri.n);

  if (ss_uri_header(uri, SS_STR("Replaces"), &b))
    lua_pushnil(L);
  else
    lss_push_str(L, ss_buf_view(&b));
  return 1;
}

static int get_request(lua_State *L) {
  referral *box = check(L);

  if (lua_getiuservalue(L, 1, REFERRAL_REQUEST) != LUA_TNIL)
    return 1;
  lss_message_push_whole(L, lss_context_get(L),
                         ss_inbound_request(box->inbound));
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, REFERRAL_REQUEST);
  return 1;
}

static int referral_tostring(lua_State *L) {
  push_target(L, check(L));
  lss_printable(L, lss_to_str(L, -1));
  lua_pushfstring(L, "sipsession.referral (%s)", lua_tostring(L, -1));
  return 1;
}

/* --- verbs ---------------------------------------------------------------- */

static int outcome(lua_State *L, ss_failure f) {
  if (f.kind != SS_KIND_NONE)
    return lss_fail(L, f);
  lua_pushboolean(L, true);
  return 1;
}

/* Headers at idx, or a table of options with nothing but those. */
static const ss_fields *headers_check(lua_State *L, int idx, lss_fields *room) {
  if (lua_istable(L, idx) && lua_getfield(L, idx, "headers") == LUA_TTABLE) {
    static const char *const names[] = {"headers", NULL};
    lss_options_check(L, idx, names, NULL);
    return lss_fields_check(L, lua_gettop(L), room);
  }
  return lss_fields_check(L, idx, room);
}

static int referral_accept(lua_State *L) {
  referral *box = check(L);
  lss_context *c = lss_context_get(L);
  const ss_fields *fields;
  lss_fields room;
  lua_State *was;
  ss_failure f;

  lua_settop(L, 2);
  fields = headers_check(L, 2, &room);
  was = lss_enter(c, L);
  if (ss_inbound_waits(box->inbound)) {
    f = ss_referral_accept(box->inbound, fields, &box->core);
  } else { /* says why not */
    ss_content none;
    memset(&none, 0, sizeof none);
    f = ss_inbound_respond(box->inbound, 202, &none);
  }
  c->L = was;
  return outcome(L, f);
}

static int referral_reject(lua_State *L) {
  referral *box = check(L);
  lss_context *c = lss_context_get(L);
  unsigned code = lss_code_check(L, 2, 0, 300, 699);
  ss_content content;
  lss_fields room;
  lua_State *was;
  ss_failure f;

  lua_settop(L, 3);
  memset(&content, 0, sizeof content);
  content.fields = headers_check(L, 3, &room);
  was = lss_enter(c, L);
  f = ss_inbound_respond(box->inbound, code, &content);
  c->L = was;
  return outcome(L, f);
}

typedef struct notifying {
  ss_referral *core;
  unsigned code;
  ss_str reason;
} notifying;

static ss_failure notify_begin(ss_session *s, void *arg, ss_operation **out) {
  notifying *q = arg;

  (void)s;
  return ss_referral_notify(q->core, q->code, q->reason, out);
}

static int referral_notify(lua_State *L) {
  referral *box = check(L);
  notifying q = {.core = box->core};

  q.code = lss_code_check(L, 2, 0, 100, 699);
  lua_settop(L, 3);
  q.reason = lss_reason_check(L, 3);
  if (!q.core)
    return lss_fail(
        L, (ss_failure){SS_KIND_INVALID_OPERATION, SS_WHY_UNSUBSCRIBED, 0});
  lua_getiuservalue(L, 1, REFERRAL_SESSION);
  lua_insert(L, 1); /* who waits does so for the session */
  return lss_operation_run(L, notify_begin, &q);
}

/* --- events --------------------------------------------------------------- */

/* Nobody has decided, and nobody will. */
static void decide(lua_State *L, int idx) {
  referral *box = lua_touserdata(L, idx);
  ss_content none;

  if (!box || !box->inbound || !ss_inbound_waits(box->inbound))
    return;
  memset(&none, 0, sizeof none);
  ss_inbound_respond(box->inbound, box->failed ? 500 : 603, &none);
}

/* A handler has ended; stack: referral, result. */
static void handled(lua_State *L, bool failed) {
  referral *box = lua_touserdata(L, -2);

  if (!box)
    return;
  box->failed |= failed;
  if (--box->handlers == 0)
    decide(L, -2);
}

static const lss_role receiver = {true, false, false, NULL, handled};

void lss_referral_tell(lua_State *L, lss_world *w, ss_inbound *inbound,
                       int list, lua_Integer n) {
  referral *box;
  lua_Integer i;
  int base;

  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  box = lss_class_new(L, w->context, &referral_class, sizeof *box,
                      REFERRAL_VALUES);
  base = lua_gettop(L);
  box->inbound = ss_inbound_ref(inbound);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, base, REFERRAL_SESSION);
  box->handlers = 1;
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, list, i, LSS_SESSION_ON_REFER))
      continue;
    box->handlers++;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, base);
    lss_start(L, &receiver, w, base - 1, base, 2);
    lua_settop(L, base);
  }
  if (--box->handlers == 0)
    decide(L, base);
}

void lss_referral_tell_news(lua_State *L, lss_world *w, ss_message *notify,
                            int list, lua_Integer n) {
  ss_str reason = SS_STR_NONE;
  unsigned code = 0;
  lua_Integer i;
  int base;

  lua_getiuservalue(L, 2, LSS_SESSION_ENDPOINT);
  lss_message_push_whole(L, w->context, notify);
  base = lua_gettop(L);
  if (ss_sipfrag(notify->body, &code, &reason))
    code = 0; /* the last one, which may say nothing */
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, list, i, LSS_SESSION_ON_REFER_NEWS))
      continue;
    lua_pushvalue(L, 2);
    if (code)
      lua_pushinteger(L, code);
    else
      lua_pushnil(L);
    lss_push_str_or_nil(L, reason);
    lua_pushvalue(L, base);
    lss_start(L, &lss_handler, w, base - 1, 0, 4);
    lua_settop(L, base);
  }
}

static const luaL_Reg referral_methods[] = {{"accept", referral_accept},
                                            {"reject", referral_reject},
                                            {"notify", referral_notify},
                                            {NULL, NULL}};
static const luaL_Reg referral_getters[] = {
    {"target", get_target},           {"refer_to", get_refer_to},
    {"referred_by", get_referred_by}, {"replaces", get_replaces},
    {"request", get_request},         {NULL, NULL}};
static const luaL_Reg referral_metamethods[] = {
    {"__gc", referral_gc}, {"__tostring", referral_tostring}, {NULL, NULL}};
static const lss_class referral_class = {LSS_CLASS_REFERRAL,
                                         "sipsession.referral",
                                         referral_methods,
                                         referral_getters,
                                         NULL,
                                         referral_metamethods,
                                         NULL};

void lss_referral_open(lua_State *L) {
  lss_class_open(L, &referral_class);
}
