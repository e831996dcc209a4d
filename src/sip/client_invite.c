/* The INVITE client transaction: RFC 3261 17.1.1, figure 5, with the Accepted
 * state of RFC 6026 7.2. One function an event, one switch over the states.
 * The ACK of a 2xx is the user's (13.2.2.4), and so is giving up where there
 * is no timer.
 *
 *   Calling --1xx--> Proceeding
 *   Calling, Proceeding --2xx--> Accepted --M--> (ended)
 *   Calling, Proceeding --300-699--> Completed --D--> (ended)
 *   Calling --B--> failed(-ETIMEDOUT)
 *   Calling, Proceeding --transport--> failed(rc) */
#include "sip/layer.h"

/* 17.1.1.2: at least 32 s over unreliable transports, whatever T1 is */
#define TIMER_D 32000

static void end(ss_client *c) {
  const ss_client_watch *watch = c->watch;
  void *arg = c->arg;
  ss_client_free(c);
  if (watch)
    watch->ended(arg);
}

static void fail(ss_client *c, int rc) {
  const ss_client_watch *watch = c->watch;
  void *arg = c->arg;
  ss_client_free(c);
  if (watch)
    watch->failed(arg, rc);
}

/* The user may do anything in there: nothing is touched after it. */
static void tell(ss_client *c, ss_message *m) {
  if (c->watch)
    c->watch->response(c->arg, m);
}

int ss_client_invite(ss_layer *l, const ss_path *path, ss_packet *packet,
                     ss_str branch, const ss_client_watch *watch, void *arg,
                     ss_client **out) {
  ss_client *c = ss_client_new(l, path, packet, branch, SS_INVITE);
  if (!c)
    return SS_ENOMEM;
  int rc = ss_path_send(path, packet);
  if (rc) {
    ss_client_free(c);
    return rc;
  }
  c->watch = watch;
  c->arg = arg;
  ss_client_arm(c, ss_loop_now(l->loop));
  *out = c;
  return 0;
}

/* Timer A doubles without an end but B's. */
static void repeat(ss_client *c) {
  ss_layer *l = c->layer;
  if (ss_loop_now(l->loop) >= c->deadline) {
    fail(c, -ETIMEDOUT);
    return;
  }
  c->interval *= 2;
  ss_client_arm(c, c->timer.due);
  l->count.retransmissions_out++;
  ss_client_send(c);
}

/* Event: the timer that the state armed. */
void ss_client_invite_timer(ss_client *c) {
  switch (c->state) {
  case SS_CLIENT_CALLING: /* A or B */
    repeat(c);
    break;
  case SS_CLIENT_PROCEEDING: /* abandoned, and there was no final */
    ss_client_free(c);
    break;
  case SS_CLIENT_COMPLETED: /* D */
  case SS_CLIENT_ACCEPTED:  /* M */
    end(c);
    break;
  case SS_CLIENT_TRYING:
    break;
  }
}

/* Event: the connection is gone. Repeats of a 2xx come over any other too
 * (18.2.2), so that Accepted goes on. */
void ss_client_invite_lost(ss_client *c, int rc) {
  switch (c->state) {
  case SS_CLIENT_CALLING:
  case SS_CLIENT_PROCEEDING:
    fail(c, rc);
    break;
  case SS_CLIENT_COMPLETED: /* timer D is 0 over connections: it is due */
  case SS_CLIENT_ACCEPTED:
  case SS_CLIENT_TRYING:
    break;
  }
}

/* Event: the user doesn't wait any more. 9.1: without a final response 64*T1
 * later it is taken for cancelled, or a peer that sends nothing but a 100
 * would keep it for ever. */
void ss_client_invite_abandon(ss_client *c) {
  if (c->state == SS_CLIENT_PROCEEDING)
    ss_loop_timer(c->layer->loop, &c->timer, ss_layer_64t1(c->layer));
  c->watch = NULL;
}

static void provisional(ss_client *c, ss_message *m) {
  if (c->state == SS_CLIENT_CALLING) {
    c->state = SS_CLIENT_PROCEEDING;
    if (c->watch)
      ss_loop_timer_stop(c->layer->loop, &c->timer);
    else /* abandoned: B is its end still */
      ss_loop_timer_at(c->layer->loop, &c->timer, c->deadline);
  }
  tell(c, m);
}

static void accepted(ss_client *c, ss_message *m) {
  c->state = SS_CLIENT_ACCEPTED;
  ss_client_drop_packet(c);
  /* timer M, over reliable transports too: 2xx are repeated end to end */
  ss_loop_timer(c->layer->loop, &c->timer, ss_layer_64t1(c->layer));
  tell(c, m);
}

/* The INVITE's packet makes room for its ACK's. Where there is no memory for
 * it the response comes again, and it is tried again. */
static bool make_ack(ss_client *c, const ss_message *m) {
  ss_layer *l = c->layer;
  ss_str invite = {c->packet->p, c->packet->n};
  ss_buf b = SS_BUF_ON(l->scratch, sizeof l->scratch);
  if (ss_render_ack(&b, invite, ss_message_field(m, SS_FIELD_TO)->value))
    return false;
  ss_packet *ack = ss_packet_new(ss_buf_view(&b));
  if (!ack) {
    l->count.out_of_memory++;
    return false;
  }
  ss_client_drop_packet(c);
  c->packet = ack;
  c->acknowledged = true;
  return true;
}

static void acknowledge(ss_client *c, const ss_message *m) {
  if (c->acknowledged || make_ack(c, m))
    ss_client_send(c);
}

static void refused(ss_client *c, ss_message *m) {
  c->state = SS_CLIENT_COMPLETED;
  ss_loop_timer(c->layer->loop, &c->timer, c->path.conn ? 0 : TIMER_D);
  acknowledge(c, m);
  tell(c, m);
}

/* Event: a response in Calling or Proceeding. */
static void answered(ss_client *c, ss_message *m) {
  if (m->code >= 300)
    refused(c, m);
  else if (m->code >= 200)
    accepted(c, m);
  else
    provisional(c, m);
}

/* Event: a response. */
void ss_client_invite_response(ss_client *c, ss_message *m) {
  ss_layer_counters *count = &c->layer->count;
  switch (c->state) {
  case SS_CLIENT_CALLING:
  case SS_CLIENT_PROCEEDING:
    answered(c, m);
    break;
  case SS_CLIENT_COMPLETED: /* what isn't a repeat is absorbed too */
    count->retransmissions_in++;
    if (m->code >= 300) {
      count->retransmissions_out++;
      acknowledge(c, m);
    }
    break;
  case SS_CLIENT_ACCEPTED:
    count->retransmissions_in++;
    if (m->code / 100 == 2)
      tell(c, m);
    break;
  case SS_CLIENT_TRYING:
    break;
  }
}
