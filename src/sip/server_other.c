/* The non-INVITE server transaction: RFC 3261 17.2.2, figure 8. No response
 * of the layer's own ever (RFC 4320 4.1, 4.2: no 100 but late, no 408).
 *
 *   Trying --1xx--> Proceeding --200-699--> Completed --J--> (ended) */
#include "sip/layer.h"

/* Event: the request again. */
void ss_other_request(ss_server *s) {
  switch (s->state) {
  case SS_SERVER_TRYING: /* nothing said yet, nothing to repeat */
    break;
  case SS_SERVER_PROCEEDING:
  case SS_SERVER_COMPLETED:
    ss_server_repeat(s);
    break;
  case SS_SERVER_CONFIRMED:
  case SS_SERVER_ACCEPTED:
    break;
  }
}

/* Event: a response from the user; it is in s->last and not sent yet. */
void ss_other_replied(ss_server *s, unsigned code) {
  if (code < 200) {
    s->state = SS_SERVER_PROCEEDING;
    ss_server_send(s);
    return;
  }
  s->state = SS_SERVER_COMPLETED;
  ss_message_unref(s->request);
  s->request = NULL;
  /* timer J: 64*T1, 0 over reliable transports; a loop's timer of 0 fires
   * after this call, so that the caller still has its transaction */
  ss_server_arm_last(s, s->path.conn ? 0 : ss_layer_64t1(s->layer));
  ss_server_send(s);
}

/* Event: timer J. */
void ss_other_timer(ss_server *s) {
  ss_server_end(s, false);
}
