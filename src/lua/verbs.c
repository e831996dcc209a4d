/* What a script does to a session. All arguments are checked first; then one
 * call of the core claims, sends and changes, or refuses and does nothing. */
#include "lua/error.h"
#include "lua/fields.h"
#include "lua/media.h"
#include "lua/operations.h"
#include "lua/wait.h"

static const char *const answer_names[] = {"headers", "reason",       "sdp",
                                           "body",    "content_type", NULL};
static const char *const progress_names[] = {
    "headers", "reason", "sdp", "body", "content_type", "reliable", NULL};
static const char *const reject_names[] = {"code", "headers",      "reason",
                                           "body", "content_type", NULL};

/* Lets the core call back while a verb is at work: a network tells its hooks
 * of messages as they are sent. */
typedef struct entry {
  lss_context *context;
  lua_State *was;
} entry;

static entry enter(lua_State *L, const lss_session *box) {
  lss_context *c = lss_session_context(L, box);

  return (entry){c, lss_enter(c, L)};
}

static void leave(entry e) {
  e.context->L = e.was;
}

static int outcome(lua_State *L, ss_failure f) {
  if (f.kind != SS_KIND_NONE)
    return lss_fail(L, f);
  lua_pushboolean(L, true);
  return 1;
}

/* --- participate ---------------------------------------------------------- */

/* The last thing that may raise: is there a negotiator, where one is needed?
 * Its table is the script's, and may have an __index. */
static void prepare(lua_State *L, lss_session *box, int options,
                    ss_content *content, lss_fields *room) {
  ss_negotiate what =
      ss_session_offer(box->core).n ? SS_NEGOTIATE_ANSWER : SS_NEGOTIATE_OFFER;

  lss_content_check(L, options, answer_names, content, room);
  box->negotiator = !content->body.n &&
                    lss_media_has(L, lss_session_context(L, box), 1, what);
}

/* Claims the call; session at 1, what waits (a task or a function) at
 * waiter. */
static ss_failure claim(lua_State *L, lss_session *box, int waiter,
                        const ss_content *content) {
  entry e = enter(L, box);
  ss_failure f;

  box->verb = true;
  f = ss_session_participate(box->core, content);
  box->verb = false;
  leave(e);
  if (f.kind != SS_KIND_NONE)
    return f;
  box->pending = true;
  box->waiter = lua_touserdata(L, waiter);
  lua_pushvalue(L, waiter);
  lua_setiuservalue(L, 1, LSS_SESSION_WAITER);
  return f;
}

int lss_session_participate(lua_State *L) {
  lss_session *box = lss_session_check(L);
  ss_failure f = {SS_KIND_INVALID_OPERATION, SS_WHY_NOT_YIELDABLE, 0};
  lss_wait_mode how;
  ss_content content;
  lss_fields room;
  lss_task *t;

  lua_settop(L, 2);
  prepare(L, box, 2, &content, &room);
  if (!box->live) /* the core knows how it ended, and refuses */
    return outcome(L, claim(L, box, 2, &content));
  how = lss_wait_how(L, box->world);
  if (how == LSS_WAIT_REFUSE)
    return lss_fail(L, f);
  lua_getiuservalue(L, 1, LSS_SESSION_ENDPOINT);
  t = lss_wait_open(L, box->world, how, -1);
  f = claim(L, box, lua_gettop(L), &content);
  if (f.kind != SS_KIND_NONE) {
    lss_wait_drop(L, t);
    return lss_fail(L, f);
  }
  return lss_wait(L, t, how);
}

int lss_session_participate_async(lua_State *L) {
  lss_session *box = lss_session_check(L);
  ss_content content;
  lss_fields room;

  lss_callback_last(L, 2);
  prepare(L, box, 2, &content, &room);
  return outcome(L, claim(L, box, 3, &content));
}

/* --- progress ------------------------------------------------------------- */

typedef struct ringing {
  lss_session *box;
  unsigned code;
  ss_content content;
  lss_fields room;
  bool must; /* be reliable, or fail */
} ringing;

/* The option: true, "auto", or false and nil. */
static bool reliable_check(lua_State *L, int options, ringing *q) {
  if (lua_isnil(L, options) || !lss_option_any(L, options, "reliable") ||
      (lua_isboolean(L, -1) && !lua_toboolean(L, -1)))
    return false;
  q->must = lua_isboolean(L, -1);
  if (!q->must && (lua_type(L, -1) != LUA_TSTRING ||
                   strcmp(lua_tostring(L, -1), "auto") != 0))
    luaL_error(L, "reliable: true, false or \"auto\" expected, got %s",
               luaL_tolstring(L, -1, NULL));
  return true;
}

/* One without a description may have to make an offer. */
static ss_failure ring(ss_session *s, void *arg, ss_operation **out) {
  ringing *q = arg;
  ss_failure f;

  q->box->verb = true;
  f = out ? ss_session_progress_reliably(s, q->code, &q->content, q->must, out)
          : ss_session_progress(s, q->code, &q->content);
  q->box->verb = false;
  return f;
}

int lss_session_progress(lua_State *L) {
  ringing q;
  entry e;
  bool waits;
  ss_failure f;

  memset(&q, 0, sizeof q);
  q.box = lss_session_check(L);
  q.code = lss_code_check(L, 2, 180, 101, 199);
  lua_settop(L, 3);
  lss_content_check(L, 3, progress_names, &q.content, &q.room);
  waits = reliable_check(L, 3, &q);
  q.box->negotiator =
      !q.content.body.n &&
      lss_media_has(L, lss_session_context(L, q.box), 1, SS_NEGOTIATE_OFFER);
  if (waits)
    return lss_operation_run(L, ring, &q);
  e = enter(L, q.box);
  f = ring(q.box->core, &q, NULL);
  leave(e);
  return outcome(L, f);
}

/* --- the others ----------------------------------------------------------- */

int lss_session_reject(lua_State *L) {
  lss_session *box = lss_session_check(L);
  ss_content content;
  lss_fields room;
  entry e;
  ss_failure f;
  unsigned code;

  if (lua_istable(L, 2)) {
    lua_settop(L, 2);
    lss_content_check(L, 2, reject_names, &content, &room);
    if (!lss_option_any(L, 2, "code"))
      luaL_error(L, "code: required; a number between 400 and 699");
    code = lss_code_check(L, lua_gettop(L), 0, 400, 699);
  } else {
    memset(&content, 0, sizeof content);
    code = lss_code_check(L, 2, 0, 400, 699);
    lua_settop(L, 4);
    content.fields = lss_fields_check(L, 3, &room);
    content.reason = lss_reason_check(L, 4);
  }
  e = enter(L, box);
  f = ss_session_reject(box->core, code, &content);
  leave(e);
  return outcome(L, f);
}

int lss_session_redirect(lua_State *L) {
  lss_session *box = lss_session_check(L);
  unsigned code = lss_code_check(L, 3, 302, 300, 399);
  ss_content content;
  lss_fields room;
  entry e;
  ss_failure f;
  ss_str contacts;

  lua_settop(L, 4);
  memset(&content, 0, sizeof content);
  contacts = lss_targets_check(L, 2);
  content.fields = lss_fields_check(L, 4, &room);
  e = enter(L, box);
  f = ss_session_redirect(box->core, code, contacts, &content);
  leave(e);
  return outcome(L, f);
}

int lss_session_terminate(lua_State *L) {
  lss_session *box = lss_session_check(L);
  lss_fields room;
  const ss_fields *fields = lss_fields_check(L, 2, &room);
  entry e = enter(L, box);

  ss_session_terminate(box->core, fields);
  leave(e);
  lua_pushboolean(L, true);
  return 1;
}
