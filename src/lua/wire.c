/* The endpoint's "message" event: what goes over the wire is copied as it does
 * and told to the handlers in order, from a job. */
#include "base/alloc.h"
#include "lua/call.h"
#include "lua/endpoint.h"
#include "lua/event.h"

typedef struct wire_message {
  ss_list node;
  bool out;
  ss_addr peer;
  size_t n;
  char text[];
} wire_message;

void lss_wire(void *arg, bool out, const ss_addr *peer, ss_str text) {
  lss_endpoint *e = arg;
  wire_message *m;

  if (!e->box || e->world->closed)
    return;
  m = ss_alloc(sizeof *m + text.n);
  if (!m)
    return; /* out of memory: a trace with a hole */
  m->out = out;
  m->peer = *peer;
  m->n = text.n;
  memcpy(m->text, text.p, text.n);
  ss_list_append(&e->wire, &m->node);
  ss_loop_defer(e->world->loop, &e->wired);
}

typedef struct delivery {
  lss_endpoint *endpoint;
  wire_message *message;
} delivery;

static int deliver(lua_State *L) {
  delivery *d = lua_touserdata(L, 1);
  char address[SS_ADDR_TEXT];
  lua_Integer i, n;

  lss_push_box(L, d->endpoint->world->context, d->endpoint->userdata);
  if (lua_isnil(L, 2))
    return 0;
  n = lss_event_push(L, 2, LSS_ENDPOINT_ON_MESSAGE, 0);
  lua_pushstring(L, d->message->out ? "out" : "in");
  lua_pushlstring(L, d->message->text, d->message->n);
  lss_push_str(L, ss_addr_text(&d->message->peer, address));
  for (i = 1; i <= n; i++) {
    if (!lss_event_handler(L, 3, i, 0))
      continue;
    lua_pushvalue(L, 4);
    lua_pushvalue(L, 5);
    lua_pushvalue(L, 6);
    lss_start(L, &lss_handler, d->endpoint->world, 2, 0, 3);
    lua_pop(L, 1);
  }
  return 0;
}

/* A handler may close the endpoint or make more messages: the list is read
 * from its start each time. */
static void wired(ss_job *job) {
  lss_endpoint *e = SS_CONTAINER(job, lss_endpoint, wired);
  lss_context *c = e->world->context;
  ss_list *n;

  while ((n = ss_list_shift(&e->wire))) {
    delivery d = {e, SS_CONTAINER(n, wire_message, node)};
    lss_door(c, deliver, &d);
    ss_free(d.message);
  }
}

void lss_wire_init(lss_endpoint *e) {
  ss_list_init(&e->wire);
  e->wired.fn = wired;
}

void lss_wire_clear(lss_endpoint *e) {
  ss_list *n;

  ss_job_cancel(&e->wired);
  while ((n = ss_list_shift(&e->wire)))
    ss_free(SS_CONTAINER(n, wire_message, node));
}
