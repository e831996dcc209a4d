/* The non-INVITE client transaction: RFC 3261 17.1.2, figure 6.
 *
 *   Trying --1xx--> Proceeding --200-699--> Completed --K--> (ended)
 *   Trying, Proceeding --F--> done(-ETIMEDOUT)
 *   Trying, Proceeding --transport--> done(rc) */
#include "sip/layer.h"

#include "base/alloc.h"

typedef enum client_state { TRYING, PROCEEDING, COMPLETED } client_state;

struct ss_client {
  ss_hnode node; /* in layer->clients, by hash of branch and method */
  ss_layer *layer;
  ss_timer timer;
  uint64_t deadline; /* timer F, ms */
  uint32_t interval; /* timer E, ms */
  client_state state;
  uint64_t check;
  ss_path path;
  ss_watch lost;
  ss_packet *packet;
  ss_client_fn done;
  void *arg;
};

/* RFC 3261 17.1.3: the branch of the top Via and the method of CSeq. */
static uint64_t client_hash(uint64_t h, ss_str branch, ss_method method) {
  return ss_hash_add_u64(ss_hash_add(h, branch), method);
}

static void client_free(ss_client *c) {
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
    client_free(SS_CONTAINER(n, ss_client, node));
}

static void tell(ss_client *c, int rc, ss_message *response) {
  ss_client_fn done = c->done;
  c->done = NULL;
  if (done)
    done(c->arg, rc, response);
}

static void end(ss_client *c, int rc) {
  ss_client_fn done = c->done;
  void *arg = c->arg;
  client_free(c);
  if (done)
    done(arg, rc, NULL);
}

/* Timer E an interval after `from`, or F. */
static void arm(ss_client *c, uint64_t from) {
  uint64_t next = from + c->interval;
  if (c->path.conn || next > c->deadline)
    next = c->deadline;
  ss_loop_timer_at(c->layer->loop, &c->timer, next);
}

/* Timers E and F in Trying and Proceeding, K in Completed. */
static void on_timer(ss_timer *timer) {
  ss_client *c = SS_CONTAINER(timer, ss_client, timer);
  ss_layer *l = c->layer;
  if (c->state == COMPLETED) {
    client_free(c);
    return;
  }
  if (ss_loop_now(l->loop) >= c->deadline) {
    end(c, -ETIMEDOUT);
    return;
  }
  uint32_t twice = c->interval * 2 < l->t2 ? c->interval * 2 : l->t2;
  c->interval = c->state == PROCEEDING ? l->t2 : twice;
  arm(c, timer->due);
  l->count.retransmissions_out++;
  if (ss_path_send(&c->path, c->packet))
    l->count.send_errors++;
}

static void on_lost(ss_watch *watch, int rc) {
  ss_client *c = SS_CONTAINER(watch, ss_client, lost);
  if (c->state == COMPLETED)
    client_free(c);
  else
    end(c, rc);
}

int ss_client_start(ss_layer *l, const ss_path *path, ss_packet *packet,
                    ss_str branch, ss_method method, ss_client_fn done,
                    void *arg, ss_client **out) {
  /* first of all: where memory is short, it is still said once */
  int rc = ss_path_send(path, packet);
  if (rc)
    return rc;
  ss_client *c = ss_alloc(sizeof *c);
  if (!c)
    return SS_ENOMEM;
  c->layer = l;
  c->timer.fn = on_timer;
  c->lost.lost = on_lost;
  c->path = *path;
  ss_path_hold(&c->path);
  c->packet = ss_packet_ref(packet);
  c->done = done;
  c->arg = arg;
  c->interval = l->t1;
  c->deadline = ss_loop_now(l->loop) + ss_layer_64t1(l);
  c->check = client_hash(8, branch, method);
  ss_hash_insert(&l->clients, &c->node, client_hash(7, branch, method));
  ss_path_watch(&c->path, &c->lost);
  arm(c, ss_loop_now(l->loop));
  *out = c;
  return 0;
}

void ss_client_abandon(ss_client *c) {
  c->done = NULL;
}

static void final_response(ss_client *c, ss_message *m) {
  ss_loop_timer_stop(c->layer->loop, &c->timer);
  c->state = COMPLETED;
  ss_packet_unref(c->packet);
  c->packet = NULL;
  /* timer K: T4, 0 over reliable transports */
  ss_loop_timer(c->layer->loop, &c->timer, c->path.conn ? 0 : c->layer->t4);
  tell(c, 0, m);
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
    n = ss_hash_next(n);
  if (!n || !has_one_via(m)) {
    l->count.stray_responses++;
    return;
  }
  ss_client *c = SS_CONTAINER(n, ss_client, node);
  switch (c->state) {
  case TRYING:
  case PROCEEDING:
    if (m->code >= 200)
      final_response(c, m);
    else
      c->state = PROCEEDING;
    break;
  case COMPLETED:
    l->count.retransmissions_in++;
    break;
  }
}
