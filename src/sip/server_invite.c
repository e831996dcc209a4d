/* The INVITE server transaction: RFC 3261 17.2.1, figure 7, with the Accepted
 * state of RFC 6026 7.1. One function an event, one switch over the states.
 *
 *   Proceeding --2xx--> Accepted --L--> (ended)
 *   Proceeding --300-699--> Completed --ACK--> Confirmed --I--> (ended)
 *                           Completed --H--> (ended, unacknowledged) */
#include "sip/layer.h"

#include "base/alloc.h"

/* Event: the INVITE again. */
void ss_invite_request(ss_server *s) {
  switch (s->state) {
  case SS_SERVER_PROCEEDING:
  case SS_SERVER_COMPLETED:
  case SS_SERVER_ACCEPTED: /* 6026 7.1 absorbs; until the ACK the 200 helps */
    ss_server_repeat(s);
    break;
  case SS_SERVER_TRYING:
  case SS_SERVER_CONFIRMED:
    break;
  }
}

static void shrink(ss_server *s) {
  ss_message_unref(s->request);
  s->request = NULL;
}

/* Event: a response from the user; it is in s->last and not sent yet. */
void ss_invite_replied(ss_server *s, unsigned code) {
  ss_layer *l = s->layer;
  ss_loop_timer_stop(l->loop, &s->timer); /* the 100 that was due */
  if (code >= 200)
    shrink(s);
  if (code >= 300) {
    s->state = SS_SERVER_COMPLETED;
    s->deadline = ss_loop_now(l->loop) + ss_layer_64t1(l); /* timer H */
    s->interval = l->t1;                                   /* timer G */
    bool repeats = !s->path.conn;
    ss_server_arm(s, repeats ? s->interval : ss_layer_64t1(l));
  } else if (code >= 200) {
    s->state = SS_SERVER_ACCEPTED;
    ss_server_arm_last(s, ss_layer_64t1(l)); /* timer L */
  }
  ss_server_send(s);
}

/* RFC 3261 17.2.1: 100 when the user was silent for 200 ms. */
static void say_trying(ss_server *s) {
  ss_reply reply = {.code = 100, .server = s->layer->server};
  ss_server_reply(s, &reply);
}

/* Timer G doubles up to T2; H ends it. */
static void repeat_final(ss_server *s) {
  ss_layer *l = s->layer;
  if (ss_loop_now(l->loop) >= s->deadline) {
    ss_server_end(s, true);
    return;
  }
  s->interval = s->interval * 2 < l->t2 ? s->interval * 2 : l->t2;
  uint64_t next = s->timer.due + s->interval;
  ss_loop_timer_at(l->loop, &s->timer, next < s->deadline ? next : s->deadline);
  ss_server_repeat(s);
}

/* Event: the timer that the state armed. */
void ss_invite_timer(ss_server *s) {
  switch (s->state) {
  case SS_SERVER_PROCEEDING:
    say_trying(s);
    break;
  case SS_SERVER_COMPLETED: /* G or H */
    repeat_final(s);
    break;
  case SS_SERVER_CONFIRMED: /* I */
  case SS_SERVER_ACCEPTED:  /* L */
    ss_server_end(s, false);
    break;
  case SS_SERVER_TRYING:
    break;
  }
}

/* Event: an ACK with this transaction's branch, in any state but Accepted. */
void ss_invite_ack(ss_server *s, ss_message *ack) {
  (void)ack;
  switch (s->state) {
  case SS_SERVER_COMPLETED:
    if (s->path.conn) { /* timer I is 0 over reliable transports */
      ss_server_end(s, false);
      break;
    }
    s->state = SS_SERVER_CONFIRMED;
    ss_packet_unref(s->last);
    s->last = NULL;
    ss_server_arm_last(s, s->layer->t4);
    ss_server_tell_ended(s, false);
    break;
  case SS_SERVER_CONFIRMED: /* absorbed; timer I isn't armed again */
  case SS_SERVER_PROCEEDING:
  case SS_SERVER_TRYING:
  case SS_SERVER_ACCEPTED:
    break;
  }
}

void ss_server_acknowledged(ss_server *s) {
  ss_packet_unref(s->last);
  s->last = NULL;
  ss_watch_stop(&s->lost);
}
