/* The endpoint class: opening and closing, events, counters. */
#include "lua/endpoint.h"
#include "base/alloc.h"
#include "base/error.h"
#include "lua/auth.h"
#include "lua/call.h"
#include "lua/error.h"
#include "lua/event.h"
#include "lua/fields.h"
#include "lua/media.h"
#include "lua/network.h"
#include "lua/session.h"
#include "lua/stall.h"

static const lss_class endpoint_class;

/* The endpoint; NULL when its world has gone. */
static lss_endpoint *check(lua_State *L) {
  lss_endpoint_box *box = lss_class_check(L, &endpoint_class, 1);

  return box->endpoint;
}

lss_world *lss_endpoint_world(lua_State *L, int idx) {
  const lss_endpoint_box *box = lua_touserdata(L, idx);

  return box->endpoint ? box->endpoint->world : lss_world_real(L);
}

/* --- opening -------------------------------------------------------------- */

static void reap(ss_job *job) {
  lss_endpoint *e = SS_CONTAINER(job, lss_endpoint, reap);

  if (!e->box)
    lss_endpoint_free(e);
}

static void closed(void *arg) {
  lss_endpoint *e = arg;

  e->ended = true;
  if (!e->box && !e->world->closed)
    ss_loop_defer(e->world->loop, &e->reap);
}

static const ss_endpoint_handler handler = {.received = lss_session_received,
                                            .changed = lss_session_changed,
                                            .accepted = lss_session_accepted,
                                            .ended = lss_session_ended,
                                            .negotiate = lss_session_negotiate,
                                            .completed = lss_session_completed,
                                            .requested = lss_session_requested,
                                            .lookup = lss_lookup,
                                            .wire = lss_wire,
                                            .released = lss_session_released,
                                            .closed = closed};

/* Pushes nil and an error that names the address. */
static int open_failed(lua_State *L, const ss_endpoint_config *config,
                       size_t which, int rc) {
  char text[SS_ADDR_TEXT];
  const char *address, *hint = "";

  lss_check_memory(L, rc);
  if (which >= config->listeners)
    return luaL_error(L,
                      "sip.endpoint: %s: check uri, advertise, "
                      "user_agent and accept",
                      ss_strerror(rc));
  if (rc == -EADDRINUSE)
    hint = "; somebody else has it: choose another port, or 0 for a free one";
  else if (rc == -EADDRNOTAVAIL)
    hint = "; it is no address of this machine";
  else if (rc == -EACCES)
    hint = "; ports below 1024 need privileges";
  lua_pushnil(L);
  lss_push_str(L, ss_addr_text(&config->listen[which], text));
  address = lua_tostring(L, -1);
  lss_error_new(L, SS_KIND_CONNECTION_FAILURE, SS_WHY_NONE,
                "can't listen on %s: %s%s", address, ss_strerror(rc), hint);
  lua_remove(L, -2);
  return 2;
}

/* Fills the box at the top; it is closed until all has gone well. */
static int open_core(lss_world *w, const ss_endpoint_config *config,
                     lss_endpoint_box *box, size_t *failed) {
  lss_endpoint *e = ss_alloc(sizeof *e);
  int rc;

  if (!e)
    return SS_ENOMEM;
  e->world = w;
  e->userdata = 0;
  e->reap.fn = reap;
  lss_wire_init(e);
  rc = ss_endpoint_open(&e->core, config, &handler, e, failed);
  if (rc) {
    ss_free(e);
    return rc;
  }
  ss_endpoint_set_handled(e->core, false);
  ss_list_append(&w->endpoints, &e->node);
  e->box = box;
  box->endpoint = e;
  return 0;
}

int lss_endpoint_new(lua_State *L) {
  ss_endpoint_config config;
  size_t failed = SIZE_MAX;
  lss_world *w;
  lss_endpoint_box *box;
  uint32_t stall = 1000;
  int network, rc;

  lua_settop(L, 1);
  lss_endpoint_config(L, &config);
  lss_option_ms(L, 1, "stall_timeout", &stall);
  lss_option_any(L, 1, "media");
  lss_media_check(L, -1);
  w = lss_option_any(L, 1, "network") ? lss_network_check(L, -1)
                                      : lss_world_real(L);
  network = lua_gettop(L);
  config.loop = w->loop;
  box = lss_class_new(L, w->context, &endpoint_class, sizeof *box,
                      LSS_ENDPOINT_VALUES);
  lua_pushvalue(L, network);
  lua_setiuservalue(L, -2, LSS_ENDPOINT_NETWORK);
  lss_option_any(L, 1, "media");
  lua_setiuservalue(L, -2, LSS_ENDPOINT_MEDIA);
  lss_push_lookup(L);
  lua_setiuservalue(L, -2, LSS_ENDPOINT_LOOKUP);
  rc = open_core(w, &config, box, &failed);
  if (rc)
    return open_failed(L, &config, failed, rc);
  if (!w->memory) /* virtual time stands still meanwhile */
    lss_stall_watch(w->context, stall);
  box->endpoint->userdata = lss_set_box(L, w->context, -1);
  if (w->running)
    lss_hold(L, w, box->endpoint, -1);
  lss_world_stir(L, w);
  return 1;
}

/* --- closing -------------------------------------------------------------- */

void lss_endpoint_close(lss_endpoint *e) {
  if (!ss_endpoint_is_closed(e->core))
    ss_endpoint_close(e->core, NULL);
}

void lss_endpoint_free(lss_endpoint *e) {
  ss_list_remove(&e->node);
  if (e->box)
    e->box->endpoint = NULL;
  e->box = NULL;
  ss_endpoint_free(e->core);
  lss_wire_clear(e);
  ss_job_cancel(&e->reap);
  ss_free(e);
}

/* It ends its calls as close does; the heap object goes when that is done. */
static int endpoint_gc(lua_State *L) {
  lss_endpoint_box *box = lua_touserdata(L, 1);
  lss_endpoint *e = box->endpoint;
  lss_context *c;
  lua_State *was;

  if (!e)
    return 0;
  c = e->world->context;
  was = lss_enter(c, L);
  box->endpoint = NULL;
  e->box = NULL;
  e->recorded = false;
  lss_wire_clear(e);
  ss_endpoint_set_handled(e->core, false);
  ss_endpoint_set_traced(e->core, false);
  if (e->ended)
    lss_endpoint_free(e);
  else
    lss_endpoint_close(e);
  c->L = was;
  return 0;
}

static int endpoint_close(lua_State *L) {
  lss_endpoint *e = check(L);
  lss_fields room;
  const ss_fields *fields = lss_fields_check(L, 2, &room);
  lua_State *was;

  if (!e || ss_endpoint_is_closed(e->core))
    return 0;
  was = lss_enter(e->world->context, L);
  ss_endpoint_close(e->core, fields);
  e->world->context->L = was;
  return 0;
}

/* local endpoint <close>: called with the error, if any; it isn't ours. */
static int endpoint_tbc(lua_State *L) {
  lua_settop(L, 1);
  return endpoint_close(L);
}

/* --- events --------------------------------------------------------------- */

/* The core needn't tell what nobody listens to. */
static int listeners_changed(lua_State *L) {
  lss_endpoint *e = check(L);

  if (!e)
    return 0;
  ss_endpoint_set_handled(e->core,
                          lss_event_push(L, 1, LSS_ENDPOINT_ON_SESSION, 0) > 0);
  ss_endpoint_set_traced(e->core,
                         lss_event_push(L, 1, LSS_ENDPOINT_ON_MESSAGE, 0) > 0);
  e->recorded = lss_event_push(L, 1, LSS_ENDPOINT_ON_ENDED, 0) > 0;
  return 0;
}

static int endpoint_on(lua_State *L) {
  static const char *const events[] = {
      "session_received", "error", "message", "ended", "stalled", NULL};
  int event;

  check(L);
  event = LSS_ENDPOINT_ON_SESSION + luaL_checkoption(L, 2, NULL, events);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  lss_event_add(L, 1, event, 0, 3, listeners_changed);
  return 1;
}

/* --- what can be read ----------------------------------------------------- */

static void set_count(lua_State *L, const char *name, uint64_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static int endpoint_stats(lua_State *L) {
  lss_endpoint *e = check(L);
  static const ss_stats none;
  const ss_stats *s = e ? ss_endpoint_stats(e->core) : &none;
  ss_alive alive = {0};

  if (e)
    alive = ss_endpoint_alive(e->core);
  lua_createtable(L, 0, 48);
#define X(name) set_count(L, #name, s->name);
  SS_STATS_MAP(X)
#undef X
  lua_createtable(L, 0, 5);
  set_count(L, "sessions", alive.sessions);
  set_count(L, "lingering", alive.lingering);
  set_count(L, "dialogs", alive.dialogs);
  set_count(L, "transactions", alive.transactions);
  set_count(L, "connections", alive.connections);
  lua_setfield(L, -2, "alive");
  return 1;
}

static int get_addresses(lua_State *L) {
  lss_endpoint *e = check(L);
  size_t i, n = e ? ss_endpoint_listeners(e->core) : 0;
  char text[SS_ADDR_TEXT];

  lua_createtable(L, (int)n, 0);
  for (i = 0; i < n; i++) {
    lss_push_str(L, ss_addr_text(ss_endpoint_address(e->core, i), text));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int get_sessions(lua_State *L) {
  lss_endpoint *e = check(L);

  lua_pushinteger(L, e ? (lua_Integer)ss_endpoint_alive(e->core).sessions : 0);
  return 1;
}

static int get_uri(lua_State *L) {
  lss_endpoint *e = check(L);

  lss_push_str_or_nil(L, e ? ss_endpoint_uri(e->core) : SS_STR_NONE);
  return 1;
}

static int get_user_agent(lua_State *L) {
  lss_endpoint *e = check(L);

  lss_push_str_or_nil(L, e ? ss_endpoint_name(e->core) : SS_STR_NONE);
  return 1;
}

static int get_media(lua_State *L) {
  check(L);
  lua_getiuservalue(L, 1, LSS_ENDPOINT_MEDIA);
  return 1;
}

static int set_media(lua_State *L) {
  check(L);
  lss_media_check(L, 3);
  lua_settop(L, 3);
  lua_setiuservalue(L, 1, LSS_ENDPOINT_MEDIA);
  return 0;
}

static int get_reliable(lua_State *L) {
  lss_endpoint *e = check(L);

  if (e)
    lua_pushstring(L, lss_reliability_name(ss_endpoint_reliable(e->core)));
  return e != NULL;
}

static int set_reliable(lua_State *L) {
  lss_endpoint *e = check(L);
  ss_reliability reliable = lss_reliability_check(L, 3);

  if (e && ss_endpoint_set_reliable(e->core, reliable))
    luaL_error(L, "reliable: not enough memory");
  return 0;
}

static int get_is_closed(lua_State *L) {
  lss_endpoint *e = check(L);

  lua_pushboolean(L, !e || ss_endpoint_is_closed(e->core));
  return 1;
}

static int endpoint_tostring(lua_State *L) {
  lss_endpoint *e = check(L);
  char text[SS_ADDR_TEXT];

  if (!e || ss_endpoint_is_closed(e->core)) {
    lua_pushliteral(L, "sipsession.endpoint (closed)");
    return 1;
  }
  lss_push_str(L, ss_addr_text(ss_endpoint_address(e->core, 0), text));
  lua_pushfstring(L, "sipsession.endpoint (%s)", lua_tostring(L, -1));
  return 1;
}

static const luaL_Reg endpoint_methods[] = {{"on", endpoint_on},
                                            {"close", endpoint_close},
                                            {"stats", endpoint_stats},
                                            {NULL, NULL}};
static const luaL_Reg endpoint_getters[] = {{"addresses", get_addresses},
                                            {"sessions", get_sessions},
                                            {"uri", get_uri},
                                            {"user_agent", get_user_agent},
                                            {"media", get_media},
                                            {"reliable", get_reliable},
                                            {"is_closed", get_is_closed},
                                            {NULL, NULL}};
static const luaL_Reg endpoint_setters[] = {
    {"media", set_media}, {"reliable", set_reliable}, {NULL, NULL}};
static const luaL_Reg endpoint_metamethods[] = {
    {"__gc", endpoint_gc},
    {"__close", endpoint_tbc},
    {"__tostring", endpoint_tostring},
    {NULL, NULL}};
static const lss_class endpoint_class = {
    LSS_CLASS_ENDPOINT,   "sipsession.endpoint", endpoint_methods,
    endpoint_getters,     endpoint_setters,      endpoint_metamethods,
    "'media', 'reliable'"};

void lss_endpoint_open(lua_State *L) {
  lss_class_open(L, &endpoint_class);
}
