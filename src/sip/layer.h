/* Inside of the transaction layer; included by layer.c and the machines. */
#ifndef SS_SIP_LAYER_H
#define SS_SIP_LAYER_H

#include "sip/refused.h"
#include "sip/transaction.h"

/* A server transaction is found by 128 bits of keyed hash over what RFC 3261
 * 17.2.3 compares, and what goes with that: as good as comparing, in constant
 * memory. Both halves as one, where it stands apart or is refused: */
static inline ss_hash128 ss_keys_whole(uint64_t family, uint64_t own) {
  return (ss_hash128){family ^ own, own};
}

struct ss_layer {
  ss_loop *loop;
  uint32_t t1, t2, t4;
  size_t max;
  ss_str server;
  const ss_layer_user *user;
  void *arg;
  ss_hash servers, clients;
  size_t apart; /* of the servers */
  ss_refused refused;
  ss_layer_counters count;
  uint64_t redial_from; /* ms: when the present second of redials began */
  unsigned redials;     /* in it */
  char scratch[65535];
};

typedef enum ss_server_state {
  SS_SERVER_TRYING, /* non-INVITE only */
  SS_SERVER_PROCEEDING,
  SS_SERVER_COMPLETED,
  SS_SERVER_CONFIRMED, /* INVITE only, as the next */
  SS_SERVER_ACCEPTED   /* RFC 6026 */
} ss_server_state;

/* First what it is found by and ends by, in as few cache lines as can be: most
 * of them are only kept, and cold by then. */
struct ss_server {
  /* In layer->servers, by family; one that stands apart, because too many of
   * the same CSeq are there, by all of its key. */
  ss_hnode node;
  uint64_t own;
  uint32_t cseq;
  uint8_t method; /* ss_method */
  bool invite;
  bool tagged; /* the request had a To tag */
  bool apart;
  ss_timer timer;
  ss_layer *layer;
  ss_packet *last;
  ss_message *request;
  const ss_server_watch *watch;
  void *arg;
  ss_server_state state;
  uint32_t interval; /* timer G, ms */
  uint64_t deadline; /* timer H, ms */
  bool merged, reconnected;
  uint16_t sent_by_port; /* where a new connection would go, 18.2.2 */
  ss_path path;
  ss_watch lost;
  ss_addr source;
  char tag[SS_TAG_LEN]; /* the To tag given; begins with NUL: none */
};

/* layer.c: a 503 that its repeats will get too; a stream repeats nothing. */
void ss_layer_remember(ss_layer *l, const ss_path *path, ss_hash128 key);

/* server.c: what both server machines share */
ss_server *ss_server_new(ss_layer *l, const ss_path *path, ss_message *m,
                         const ss_keys *keys, bool apart);
void ss_server_free(ss_server *s);                            /* silent */
void ss_server_tell_ended(ss_server *s, bool unacknowledged); /* and detach */
void ss_server_end(ss_server *s, bool unacknowledged); /* freed, then told */
/* Sends s->last, over a new connection if the old one is gone. False: it
 * failed, and the transaction is no more. */
bool ss_server_send(ss_server *s);
void ss_server_arm(ss_server *s, uint32_t ms);
void ss_server_arm_last(ss_server *s, uint32_t ms); /* I, J, L: as for many */

/* server_invite.c (17.2.1, RFC 6026 7.1), server_other.c (17.2.2): the events
 * of the figures */
void ss_invite_request(ss_server *s);
void ss_invite_replied(ss_server *s, unsigned code);
void ss_invite_timer(ss_server *s);
void ss_invite_ack(ss_server *s, ss_message *ack);
void ss_other_request(ss_server *s);
void ss_other_replied(ss_server *s, unsigned code);
void ss_other_timer(ss_server *s);

typedef enum ss_client_state {
  SS_CLIENT_CALLING, /* INVITE only */
  SS_CLIENT_TRYING,  /* non-INVITE only */
  SS_CLIENT_PROCEEDING,
  SS_CLIENT_COMPLETED,
  SS_CLIENT_ACCEPTED /* INVITE only, RFC 6026 */
} ss_client_state;

struct ss_client {
  ss_hnode node; /* in layer->clients, by hash of branch and method */
  uint64_t check;
  ss_layer *layer;
  ss_timer timer;
  uint64_t deadline; /* timer B or F, ms */
  uint32_t interval; /* timer A or E, ms */
  unsigned repeats;  /* that may still be sent, non-INVITE */
  ss_client_state state;
  bool invite;
  bool acknowledged; /* `packet` is the ACK */
  ss_path path;
  ss_watch lost;
  ss_packet *packet;
  ss_client_fn done;            /* non-INVITE; NULL: abandoned */
  const ss_client_watch *watch; /* INVITE; NULL: abandoned */
  void *arg;
};

/* client.c: the layer's side, and what both client machines share. A new one
 * is to be found by its branch, and is not armed. */
void ss_client_response(ss_layer *l, const ss_via *via, ss_message *m);
void ss_client_free_all(ss_layer *l);
ss_client *ss_client_new(ss_layer *l, const ss_path *path, ss_packet *packet,
                         ss_str branch, ss_method method);
void ss_client_free(ss_client *c); /* silent */
/* Timer A or E an interval after `from`, over datagrams; or B or F. */
void ss_client_arm(ss_client *c, uint64_t from);
void ss_client_send(ss_client *c); /* c->packet; a failure is counted */
void ss_client_drop_packet(ss_client *c);

/* client_invite.c (17.1.1, RFC 6026 7.2), client_other.c (17.1.2): the events
 * of the figures */
void ss_client_invite_response(ss_client *c, ss_message *m);
void ss_client_invite_timer(ss_client *c);
void ss_client_invite_lost(ss_client *c, int rc);
void ss_client_invite_abandon(ss_client *c);
void ss_client_other_response(ss_client *c, ss_message *m);
void ss_client_other_timer(ss_client *c);
void ss_client_other_lost(ss_client *c, int rc);

/* 64*T1: timers B, F, H, J, L and M */
static inline uint32_t ss_layer_64t1(const ss_layer *l) {
  return 64 * l->t1;
}

#endif
