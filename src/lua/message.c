/* The message class: what was received, header by header and as text. */
#include "lua/message.h"
#include "base/error.h"
#include "lua/bundle.h"
#include "lua/class.h"
#include "lua/context.h"
#include "lua/error.h"
#include "lua/fields.h"
#include "lua/session.h"

/* Without a finalizer, as sessions. Its user value is who has the reference: a
 * bundle, or the session. */
typedef struct message_box {
  ss_message *message;        /* NULL: not parsed yet */
  lss_bundle_ref bundle;      /* one of these is set with it */
  const lss_session *session; /* whose INVITE it is */
  ss_inbound *inbound;        /* in the bundle; NULL: it can't be answered */
  unsigned handlers;          /* that have not ended yet */
  bool failed;                /* one of them died */
  double time;
  size_t n; /* of the text that is to be parsed */
  char text[];
} message_box;

static const lss_class message_class;

static message_box *new_box(lua_State *L, const lss_context *c, size_t n) {
  return lss_class_new(L, c, &message_class, sizeof(message_box) + n, 1);
}

static void let_go(void *message) {
  ss_message_unref(message);
}

static void let_go_inbound(void *inbound) {
  ss_inbound_unref(inbound);
}

/* Takes over the reference. The box is at idx, the bundle on the top. */
static void keep(lua_State *L, int idx, ss_message *m) {
  message_box *box = lua_touserdata(L, idx);

  idx = lua_absindex(L, idx);
  box->bundle = lss_bundle_add(L, m, let_go);
  box->message = m;
  lua_setiuservalue(L, idx, 1);
}

static bool is_readable(const message_box *box) {
  return box->session ? lss_session_readable(box->session) != NULL
                      : box->bundle && *box->bundle;
}

/* What was received once is within every limit. */
static void parse(lua_State *L, message_box *box) {
  static const ss_limits none = {
#define X(name, value, least) .name = INT32_MAX,
      SS_LIMITS_MAP(X)
#undef X
  };
  ss_message *m = NULL;
  int rc;

  lss_bundle_push(L, lss_context_get(L));
  rc = ss_message_new(&m, (ss_str){box->text, box->n}, false, &none);
  if (rc)
    luaL_error(L, "sipsession: %s", ss_strerror(rc));
  m->time = box->time;
  keep(L, 1, m);
}

static ss_message *check(lua_State *L) {
  message_box *box = lss_class_check(L, &message_class, 1);

  if (!box->message)
    parse(L, box);
  else if (!is_readable(box)) /* another object's finalizer has it still */
    luaL_error(L, "this message has been freed");
  return box->message;
}

void lss_message_push(lua_State *L, const lss_context *c, const ss_message *m) {
  message_box *box;

  if (!m) {
    lua_pushnil(L);
    return;
  }
  box = new_box(L, c, m->text.n);
  box->time = m->time;
  box->n = m->text.n;
  memcpy(box->text, m->text.p, m->text.n);
}

void lss_message_push_whole(lua_State *L, lss_context *c, ss_message *m) {
  new_box(L, c, 0);
  lss_bundle_push(L, c);
  keep(L, -2, ss_message_ref(m));
}

void lss_message_push_request(lua_State *L, const lss_context *c, ss_message *m,
                              int idx) {
  message_box *box;

  idx = lua_absindex(L, idx);
  box = new_box(L, c, 0);
  box->message = m;
  box->session = lua_touserdata(L, idx);
  lua_pushvalue(L, idx);
  lua_setiuservalue(L, -2, 1);
}

/* --- answering ------------------------------------------------------------ */

void lss_message_push_inbound(lua_State *L, lss_context *c,
                              ss_inbound *inbound) {
  message_box *box;

  box = new_box(L, c, 0);
  lss_bundle_push(L, c);
  box->bundle = lss_bundle_add(L, ss_inbound_ref(inbound), let_go_inbound);
  lua_setiuservalue(L, -2, 1);
  box->inbound = inbound;
  box->message = ss_inbound_request(inbound);
}

void lss_message_handling(lua_State *L, int idx) {
  message_box *box = lua_touserdata(L, idx);

  box->handlers++;
}

void lss_message_handled(lua_State *L, int idx, bool failed) {
  message_box *box = lua_touserdata(L, idx);
  ss_content none;

  if (!box || !box->inbound || !is_readable(box))
    return;
  box->failed |= failed;
  if (--box->handlers || !ss_inbound_waits(box->inbound))
    return;
  memset(&none, 0, sizeof none);
  ss_inbound_respond(box->inbound, box->failed ? 500 : 200, &none);
}

static int message_respond(lua_State *L) {
  static const char *const names[] = {"headers", "reason",       "sdp",
                                      "body",    "content_type", NULL};
  message_box *box = lss_class_check(L, &message_class, 1);
  lss_context *c = lss_context_get(L);
  ss_content content;
  lss_fields room;
  lua_State *was;
  ss_failure f;
  unsigned code;

  check(L);
  if (!box->inbound)
    luaL_error(L, "respond: only the request of a message_received event can "
                  "be answered");
  code = lss_code_check(L, 2, 0, 200, 699);
  lua_settop(L, 3);
  lss_content_check(L, 3, names, &content, &room);
  was = lss_enter(c, L);
  f = ss_inbound_respond(box->inbound, code, &content);
  c->L = was;
  if (f.kind != SS_KIND_NONE)
    return lss_fail(L, f);
  lua_pushboolean(L, true);
  return 1;
}

static int message_tostring(lua_State *L) {
  lss_push_str(L, check(L)->text);
  return 1;
}

/* --- properties ----------------------------------------------------------- */

static int get_method(lua_State *L) {
  ss_message *m = check(L);

  lss_push_str_or_nil(L, m->is_request ? m->method_text : SS_STR_NONE);
  return 1;
}

static int get_uri(lua_State *L) {
  ss_message *m = check(L);

  lss_push_str_or_nil(L, m->is_request ? m->uri : SS_STR_NONE);
  return 1;
}

static int get_code(lua_State *L) {
  ss_message *m = check(L);

  if (m->is_request)
    lua_pushnil(L);
  else
    lua_pushinteger(L, m->code);
  return 1;
}

static int get_reason(lua_State *L) {
  ss_message *m = check(L);

  if (m->is_request)
    lua_pushnil(L);
  else
    lss_push_str(L, m->reason);
  return 1;
}

static int get_body(lua_State *L) {
  lss_push_str_or_nil(L, check(L)->body);
  return 1;
}

static int get_content_type(lua_State *L) {
  const ss_field *f = ss_message_field(check(L), SS_FIELD_CONTENT_TYPE);

  lss_push_str_or_nil(L, f ? f->value : SS_STR_NONE);
  return 1;
}

static int get_time(lua_State *L) {
  lua_pushnumber(L, check(L)->time);
  return 1;
}

/* --- methods -------------------------------------------------------------- */

static int message_header(lua_State *L) {
  ss_message *m = check(L);
  ss_str name;
  const ss_field *f;

  name.p = luaL_checklstring(L, 2, &name.n);
  f = ss_message_named(m, name, NULL);
  if (f)
    lss_push_str(L, f->value);
  else
    lua_pushnil(L);
  return 1;
}

static int all_headers(lua_State *L, const ss_message *m) {
  int i;

  lua_createtable(L, m->fields ? m->fields - 1 : 0, 0);
  for (i = 1; i < m->fields; i++) {
    lua_createtable(L, 2, 0);
    lss_push_str(L, ss_field_written(&m->field[i]));
    lua_rawseti(L, -2, 1);
    lss_push_str(L, m->field[i].value);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static int message_headers(lua_State *L) {
  ss_message *m = check(L);
  const ss_field *f = NULL;
  lua_Integer i = 0;
  ss_str name;

  if (lua_isnoneornil(L, 2))
    return all_headers(L, m);
  name.p = luaL_checklstring(L, 2, &name.n);
  lua_newtable(L);
  while ((f = ss_message_named(m, name, f))) {
    lss_push_str(L, f->value);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

int lss_message_parse(lua_State *L) {
  lss_context *c = lss_context_get(L);
  ss_limits limits;
  ss_message *m = NULL;
  ss_str text;
  int rc;

  text.p = luaL_checklstring(L, 1, &text.n);
  luaL_optnumber(L, 2, 0);
  lua_settop(L, 2);
  ss_limits_default(&limits);
  new_box(L, c, 0);
  lss_bundle_push(L, c);
  rc = ss_message_new(&m, text, false, &limits);
  if (rc) {
    lua_pushnil(L);
    lua_pushstring(L, ss_strerror(rc));
    return 2;
  }
  m->time = lua_tonumber(L, 2);
  keep(L, 3, m);
  if (m->fault) {
    lua_pushnil(L);
    lss_push_str(L, m->fault_reason);
    return 2;
  }
  return 1;
}

static const luaL_Reg message_methods[] = {{"header", message_header},
                                           {"headers", message_headers},
                                           {"respond", message_respond},
                                           {NULL, NULL}};
static const luaL_Reg message_getters[] = {
    {"method", get_method}, {"uri", get_uri},
    {"code", get_code},     {"reason", get_reason},
    {"body", get_body},     {"content_type", get_content_type},
    {"time", get_time},     {NULL, NULL}};
static const luaL_Reg message_metamethods[] = {{"__tostring", message_tostring},
                                               {NULL, NULL}};
static const lss_class message_class = {LSS_CLASS_MESSAGE,
                                        "sipsession.message",
                                        message_methods,
                                        message_getters,
                                        NULL,
                                        message_metamethods,
                                        NULL};

void lss_message_open(lua_State *L) {
  lss_class_open(L, &message_class);
}
