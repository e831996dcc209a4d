/* What both client transactions share: making, finding and ending them
 * (RFC 3261 17.1.3, 18.1.2), sending, and the timer of repeats. The machines
 * are in client_invite.c and client_other.c. */
#include "sip/layer.h"

#include "base/alloc.h"
#include <limits.h>

/* RFC 3261 17.1.3: the branch of the top Via and the method of CSeq. */
static uint64_t client_hash(uint64_t h, ss_str branch, ss_method method) {
  return ss_hash_add_u64(ss_hash_add(h, branch), method);
}

static void on_timer(ss_timer *timer) {
  ss_client *c = SS_CONTAINER(timer, ss_client, timer);
  if (c->invite)
    ss_client_invite_timer(c);
  else
    ss_client_other_timer(c);
}

static void on_lost(ss_watch *watch, int rc) {
  ss_client *c = SS_CONTAINER(watch, ss_client, lost);
  if (c->invite)
    ss_client_invite_lost(c, rc);
  else
    ss_client_other_lost(c, rc);
}

ss_client *ss_client_new(ss_layer *l, const ss_path *path, ss_packet *packet,
                         ss_str branch, ss_method method) {
  ss_client *c = ss_alloc(sizeof *c);
  if (!c)
    return NULL;
  c->layer = l;
  c->invite = method == SS_INVITE;
  c->state = c->invite ? SS_CLIENT_CALLING : SS_CLIENT_TRYING;
  c->timer.fn = on_timer;
  c->lost.lost = on_lost;
  c->path = *path;
  ss_path_hold(&c->path);
  c->packet = ss_packet_ref(packet);
  c->interval = l->t1;
  c->repeats = UINT_MAX; /* as many as there is time for */
  c->deadline = ss_loop_now(l->loop) + ss_layer_64t1(l);
  c->check = client_hash(8, branch, method);
  ss_hash_insert(&l->clients, &c->node, client_hash(7, branch, method));
  ss_path_watch(&c->path, &c->lost);
  return c;
}

void ss_client_free(ss_client *c) {
  ss_loop_timer_stop(c->layer->loop, &c->timer);
  ss_watch_stop(&c->lost);
  ss_hash_remove(&c->layer->clients, &c->node);
  ss_path_release(&c->path);
  ss_packet_unref(c->packet);
  ss_free(c);
}

void ss_client_free_all(ss_layer *l) {
  ss_hnode *n;
  while ((n = ss_hash_any(&l->clients)))
    ss_client_free(SS_CONTAINER(n, ss_client, node));
}

void ss_client_arm(ss_client *c, uint64_t from) {
  uint64_t next = from + c->interval;
  if (c->path.conn || next > c->deadline)
    next = c->deadline;
  ss_loop_timer_at(c->layer->loop, &c->timer, next);
}

void ss_client_send(ss_client *c) {
  if (ss_path_send(&c->path, c->packet))
    c->layer->count.send_errors++;
}

void ss_client_drop_packet(ss_client *c) {
  ss_packet_unref(c->packet);
  c->packet = NULL;
}

void ss_client_limit(ss_client *c, unsigned repeats) {
  c->repeats = repeats;
}

void ss_client_abandon(ss_client *c) {
  if (c->invite)
    ss_client_invite_abandon(c);
  else
    c->done = NULL;
}

/* RFC 3261 8.1.3.3: a response with more than one Via is somebody else's. */
static bool has_one_via(const ss_message *m) {
  ss_elements vias = ss_message_elements(m, SS_FIELD_VIA);
  ss_str value;
  ss_elements_next(&vias, &value);
  return !ss_elements_next(&vias, &value);
}

void ss_client_response(ss_layer *l, const ss_via *via, ss_message *m) {
  uint64_t h = client_hash(7, via->branch, m->method);
  uint64_t check = client_hash(8, via->branch, m->method);
  ss_hnode *n = ss_hash_first(&l->clients, h);
  while (n && SS_CONTAINER(n, ss_client, node)->check != check)
    n = ss_hash_next(&l->clients, n);
  if (!n || !has_one_via(m)) {
    l->count.stray_responses++;
    return;
  }
  ss_client *c = SS_CONTAINER(n, ss_client, node);
  if (c->invite)
    ss_client_invite_response(c, m);
  else
    ss_client_other_response(c, m);
}
