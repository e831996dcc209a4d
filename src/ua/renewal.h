/* Inside of a re-INVITE or UPDATE of ours: what renew.c decides and renewal.c
 * sends and hears. */
#ifndef SS_UA_RENEWAL_H
#define SS_UA_RENEWAL_H

#include "ua/ua.h"

typedef enum ss_renewal_state {
  SS_RENEWAL_WAITING,    /* for the other side's to be done, or after a 491 */
  SS_RENEWAL_DESCRIBING, /* the negotiator makes the offer */
  SS_RENEWAL_SENT,
  SS_RENEWAL_ANSWERING, /* it makes the answer to theirs */
  SS_RENEWAL_SETTLING,  /* it takes in their answer */
  SS_RENEWAL_DONE       /* nobody waits for it, but a 2xx is owed its ACK */
} ss_renewal_state;

struct ss_renewal {
  ss_list node; /* in session->renewed: its ACK is repeated */
  ss_session *session;
  ss_operation *operation;
  ss_client *client; /* NULL: not sent, or done with */
  ss_timer timer;    /* until the next attempt, or of a long wait */
  ss_renewal_state state;
  ss_renew_mode mode;
  bool invite; /* else UPDATE */
  bool held;   /* what is true once it has succeeded */
  bool proceeding;
  bool acknowledged; /* `ack` is made */
  unsigned tries;
  uint32_t cseq;
  ss_packet *offer;
  ss_message *response; /* the 2xx */
  ss_letter ack;
  ss_fields fields;
  char *body, *content_type;
  size_t body_size;
};

/* renew.c */
void ss_renewal_answered(ss_renewal *r, ss_message *response);
void ss_renewal_failed(ss_renewal *r, int rc);
void ss_renewal_over(ss_renewal *r, ss_failure outcome, ss_message *response);

/* renewal.c */
int ss_renewal_send(ss_renewal *r, const ss_content *content);
/* Sends the ACK of the 2xx, with our answer where there is one. */
int ss_renewal_ack(ss_renewal *r, const ss_packet *answer);
void ss_renewal_quit(ss_renewal *r); /* the transaction is not ours any more */
void ss_renewal_free(ss_renewal *r);

#endif
