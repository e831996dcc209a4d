/* The endpoint class. The userdata is a box around a heap object, which stays
 * until the core has closed: a box that is collected closes its endpoint and
 * leaves it to end in its own time. */
#ifndef LSS_ENDPOINT_H
#define LSS_ENDPOINT_H

#include "lua/class.h"
#include "lua/context.h"
#include "ua/endpoint.h"

/* User values of an endpoint. */
enum {
  LSS_ENDPOINT_ON_SESSION = 1,
  LSS_ENDPOINT_ON_ERROR,
  LSS_ENDPOINT_ON_MESSAGE,
  LSS_ENDPOINT_ON_ENDED,
  LSS_ENDPOINT_ON_STALLED,
  LSS_ENDPOINT_MEDIA,
  LSS_ENDPOINT_LOOKUP,  /* of auth, or nil */
  LSS_ENDPOINT_NETWORK, /* nil: real sockets */
  LSS_ENDPOINT_VALUES = LSS_ENDPOINT_NETWORK
};

typedef struct lss_endpoint lss_endpoint;

/* The userdata. */
typedef struct lss_endpoint_box {
  lss_endpoint *endpoint; /* NULL: its world has gone */
} lss_endpoint_box;

struct lss_endpoint {
  ss_list node; /* world->endpoints */
  lss_world *world;
  ss_endpoint *core;
  lss_endpoint_box *box; /* NULL: was collected */
  lua_Integer userdata;  /* lss_push_box */
  ss_list wire;          /* messages on their way to the handlers */
  ss_job wired;
  ss_job reap;
  bool ended;    /* the core has closed */
  bool recorded; /* somebody wants to know how each call ended */
};

void lss_endpoint_open(lua_State *L);
int lss_endpoint_new(lua_State *L); /* sip.endpoint(options) */
/* Calls no Lua code, nor does what they call. */
void lss_endpoint_close(lss_endpoint *e);
void lss_endpoint_free(lss_endpoint *e);
/* The world of the endpoint at idx; the real one when it is gone. */
lss_world *lss_endpoint_world(lua_State *L, int idx);

/* endpoint_options.c: from the options table at 1 to a configuration, which
 * borrows from values it pushes. The addresses too. */
void lss_endpoint_config(lua_State *L, ss_endpoint_config *config);
/* The policy named at idx; raises for anything else. */
ss_reliability lss_reliability_check(lua_State *L, int idx);
const char *lss_reliability_name(ss_reliability reliable);
/* wire.c: the "message" event. */
void lss_wire(void *arg, bool out, const ss_addr *peer, ss_str text);
void lss_wire_init(lss_endpoint *e);
void lss_wire_clear(lss_endpoint *e);

#endif
