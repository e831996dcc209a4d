/* The non-INVITE client transaction: RFC 3261 17.1.2, figure 6.
 *
 *   Trying --1xx--> Proceeding --200-699--> Completed --K--> (ended)
 *   Trying, Proceeding --F--> done(-ETIMEDOUT)
 *   Trying, Proceeding --transport--> done(rc) */
#include "sip/layer.h"

static void tell(ss_client *c, int rc, ss_message *response) {
  ss_client_fn done = c->done;
  c->done = NULL;
  if (done)
    done(c->arg, rc, response);
}

static void end(ss_client *c, int rc) {
  ss_client_fn done = c->done;
  void *arg = c->arg;
  ss_client_free(c);
  if (done)
    done(arg, rc, NULL);
}

int ss_client_start(ss_layer *l, const ss_path *path, ss_packet *packet,
                    ss_str branch, ss_method method, ss_client_fn done,
                    void *arg, ss_client **out) {
  /* first of all: where memory is short, it is still said once */
  int rc = ss_path_send(path, packet);
  if (rc)
    return rc;
  ss_client *c = ss_client_new(l, path, packet, branch, method);
  if (!c)
    return SS_ENOMEM;
  c->done = done;
  c->arg = arg;
  ss_client_arm(c, ss_loop_now(l->loop));
  *out = c;
  return 0;
}

/* Timer E doubles up to T2, and is T2 in Proceeding; F ends it, or an E that
 * would repeat it once too often. */
static void repeat(ss_client *c) {
  ss_layer *l = c->layer;
  if (!c->repeats || ss_loop_now(l->loop) >= c->deadline) {
    end(c, -ETIMEDOUT);
    return;
  }
  uint32_t twice = c->interval * 2 < l->t2 ? c->interval * 2 : l->t2;
  c->interval = c->state == SS_CLIENT_PROCEEDING ? l->t2 : twice;
  ss_client_arm(c, c->timer.due);
  c->repeats--;
  l->count.retransmissions_out++;
  ss_client_send(c);
}

/* Event: the timer that the state armed. */
void ss_client_other_timer(ss_client *c) {
  switch (c->state) {
  case SS_CLIENT_TRYING:
  case SS_CLIENT_PROCEEDING: /* E or F */
    repeat(c);
    break;
  case SS_CLIENT_COMPLETED: /* K */
    ss_client_free(c);
    break;
  case SS_CLIENT_CALLING:
  case SS_CLIENT_ACCEPTED:
    break;
  }
}

/* Event: the connection is gone. */
void ss_client_other_lost(ss_client *c, int rc) {
  if (c->state == SS_CLIENT_COMPLETED)
    ss_client_free(c);
  else
    end(c, rc);
}

static void final_response(ss_client *c, ss_message *m) {
  ss_layer *l = c->layer;
  c->state = SS_CLIENT_COMPLETED;
  ss_client_drop_packet(c);
  /* timer K: T4, 0 over reliable transports */
  ss_loop_timer(l->loop, &c->timer, c->path.conn ? 0 : l->t4);
  tell(c, 0, m);
}

/* Event: a response. */
void ss_client_other_response(ss_client *c, ss_message *m) {
  switch (c->state) {
  case SS_CLIENT_TRYING:
  case SS_CLIENT_PROCEEDING:
    if (m->code >= 200)
      final_response(c, m);
    else
      c->state = SS_CLIENT_PROCEEDING;
    break;
  case SS_CLIENT_COMPLETED:
    c->layer->count.retransmissions_in++;
    break;
  case SS_CLIENT_CALLING:
  case SS_CLIENT_ACCEPTED:
    break;
  }
}
