/* Inside of the ua floor: what an endpoint, a session and its dialog are made
 * of, and what the files of this floor call of each other. */
#ifndef SS_UA_UA_H
#define SS_UA_UA_H

#include "base/id.h"
#include "sip/code.h"
#include "sip/transaction.h"
#include "ua/endpoint.h"

/* Who has decided about an INVITE. It never goes back to OPEN. */
typedef enum ss_claim {
  SS_CLAIM_OPEN,
  SS_CLAIM_ACCEPTED,  /* participate came first */
  SS_CLAIM_DECLINED,  /* reject, redirect or terminate */
  SS_CLAIM_CANCELLED, /* the caller: CANCEL, or BYE in the early dialog */
  SS_CLAIM_EXPIRED    /* connect_timeout or Expires */
} ss_claim;

/* How far the wire is, where the state is not enough. */
typedef enum ss_phase {
  SS_PHASE_RINGING,     /* no final response yet */
  SS_PHASE_NEGOTIATING, /* accepted, a negotiator is at work */
  SS_PHASE_ANSWERED,    /* 2xx sent, its ACK is awaited */
  SS_PHASE_ESTABLISHED, /* ACK received */
  SS_PHASE_ENDING,      /* our BYE is on its way */
  SS_PHASE_OVER
} ss_phase;

#define SS_CHANGES 4 /* incoming, connecting, connected, disconnected */

/* A dialog as its UAS sees it (RFC 3261 12.1.1). The slices are the INVITE's,
 * which the session holds. */
typedef struct ss_dialog {
  ss_hnode node; /* in endpoint->dialogs */
  ss_str call_id, remote_tag;
  char local_tag[SS_TAG_LEN];
  uint32_t local_cseq, remote_cseq, invite_cseq;
} ss_dialog;

struct ss_session {
  uint32_t refs;
  ss_endpoint *endpoint; /* NULL once released */
  ss_list node;          /* in endpoint->sessions */
  ss_dialog dialog;
  ss_job job;        /* deliveries that wait */
  ss_timer expiry;   /* connect_timeout or Expires; then 64*T1 of the 2xx */
  ss_timer repeat;   /* the provisional each minute; then the 2xx */
  uint32_t interval; /* of `repeat`, ms */
  ss_message *request;
  ss_server *server; /* the INVITE's, while attached */
  ss_path path;      /* the INVITE came by it */
  ss_addr remote;    /* where it came from */
  ss_client *bye;
  ss_state state;
  ss_claim claim;
  ss_phase phase;
  bool announced; /* `received` was called, or never will be */
  bool silent;    /* it never will be: no events */
  bool bye_due;   /* ended by us, once the ACK came */
  bool offered;   /* our 2xx carries the offer */
  bool releasing;
  bool told;            /* `ended` was called */
  bool endpoint_closed; /* ended because its endpoint closed */
  bool expires;         /* the expiry is the caller's: Expires */
  uint8_t changes;
  ss_change change[SS_CHANGES];
  bool accepting; /* an outcome is owed */
  bool decided;   /* outcome and ack are set, not delivered */
  ss_failure outcome;
  ss_message *ack;
  ss_fields fields; /* kept for the 2xx while negotiating, for a late BYE */
  char *reason;     /* likewise */
  ss_record record; /* complete once the state is DISCONNECTED */
  uint64_t sdp_id;
  void *user;
};

struct ss_endpoint {
  ss_loop *loop;
  const ss_endpoint_handler *handler;
  void *arg;
  ss_layer *layer;
  ss_transport **transport;
  size_t transports; /* open */
  ss_addr *address;  /* as bound; stay readable */
  size_t listeners;
  ss_list sessions;
  ss_hash dialogs;
  size_t live;    /* sessions not disconnected */
  size_t held;    /* sessions in the list */
  size_t unacked; /* rejected INVITEs whose ACK is awaited */
  ss_timer close_timer;
  ss_job close_job; /* tells that it is closed */
  bool handled, traced, closing;
  bool freed;          /* while some still give up its sessions: */
  unsigned forgetting; /* so many */
  unsigned unhandled_code, terminate_code;
  uint32_t connect_timeout, close_timeout, t1, t2;
  ss_limits limits;
  ss_stats stats;
  ss_layer_counters seen; /* of the layer's, what is in `stats` already */
  char *uri, *user, *advertise, *name, *accept;
  char *options;       /* the Allow and Supported lines of a 2xx */
  char *capabilities;  /* and those with Accept, for OPTIONS */
  char scratch[65535]; /* bodies, routes and header values being built */
};

#define SS_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS"

/* endpoint.c */
void ss_endpoint_check_closed(ss_endpoint *e);

/* identity.c: who we say we are */
int ss_identity_init(ss_endpoint *e, const ss_endpoint_config *config);
void ss_identity_free(ss_endpoint *e);
/* A Contact value for that path. */
void ss_identity_contact(ss_endpoint *e, const ss_path *path, ss_buf *b);
/* The sent-by of a Via: advertised, or empty. */
ss_str ss_identity_sent_by(const ss_endpoint *e);
/* The address that descriptions name for that path. */
void ss_identity_media(ss_endpoint *e, const ss_path *path, ss_addr *out);

/* requests.c: what comes in, by method; the layer's user */
extern const ss_layer_user ss_requests_user;
/* Answers a request that no session answers; own: lines, or empty. */
void ss_requests_reply(ss_endpoint *e, ss_server *server, unsigned code,
                       ss_str own);

/* invite.c */
void ss_invite_received(ss_endpoint *e, ss_server *server, ss_message *m);

/* dialog.c */
void ss_dialog_init(ss_dialog *d, ss_message *invite, ss_str remote_tag);
void ss_dialog_insert(ss_endpoint *e, ss_dialog *d);
void ss_dialog_remove(ss_endpoint *e, ss_dialog *d);
/* The session whose dialog a request with a To tag belongs to, or NULL. */
ss_session *ss_dialog_find(ss_endpoint *e, ss_message *m);
/* RFC 3261 12.2.2: false when the CSeq is lower than the last. */
bool ss_dialog_in_order(ss_dialog *d, const ss_message *m);
/* The remote target: the Contact. */
int ss_dialog_target(ss_message *invite, const ss_name_addr **out);
/* RFC 3261 12.2.1.1: the Request-URI and Route of our next request, in
 * e->scratch, and the address it goes to. */
int ss_dialog_bye(ss_session *s, const ss_fields *fields, ss_client_fn done);

/* session.c */
ss_session *ss_session_new(ss_endpoint *e, ss_server *server, ss_message *m,
                           ss_str remote_tag);
/* The one writer of `state`: checks the transition, queues the event. */
void ss_session_move(ss_session *s, ss_state state, ss_cause cause,
                     unsigned code, ss_message *message);
/* The end of an accept, delivered after the transitions. */
void ss_session_decide(ss_session *s, ss_failure outcome, ss_message *ack);
/* Nothing more will happen on the wire: leaves the endpoint. */
void ss_session_over(ss_session *s);
/* Leaves the endpoint now: an outcome that is owed is delivered, no event. */
void ss_session_forget(ss_session *s);
/* Renders and sends a response to the INVITE; its Contact is ours
 * unless one is given. */
int ss_session_reply(ss_session *s, unsigned code, ss_str contact,
                     const ss_content *content);
/* Why the script can't do that now. */
ss_failure ss_session_refusal(const ss_session *s);

/* record.c: a call's times, codes and outcome */
void ss_record_start(ss_session *s);
void ss_record_final(ss_session *s, unsigned code); /* the first one counts */
void ss_record_end(ss_session *s, const ss_change *last);

/* answer.c */
void ss_answer_ack(ss_session *s, ss_message *ack);
void ss_answer_expired(ss_session *s); /* 64*T1 without ACK */
void ss_answer_repeat(ss_session *s);
void ss_answer_undeliverable(ss_session *s, int rc);
void ss_answer_stop(ss_session *s); /* no more repeats */

/* reject.c: the final response that isn't an accept, and the session is over
 * but for the transaction */
void ss_reject_with(ss_session *s, unsigned code, ss_str contacts,
                    const ss_content *content, ss_cause cause,
                    ss_message *because);

/* end.c */
void ss_end_by_us(ss_session *s, const ss_fields *fields,
                  ss_failure_reason why);
void ss_end_bye_received(ss_session *s, ss_server *server, ss_message *bye);
void ss_end_send_bye(ss_session *s);

/* cancel.c */
/* The caller gives up a call that has no final response: 487. */
void ss_cancel_by_caller(ss_session *s, ss_cause cause, ss_message *m);
void ss_cancel_received(ss_endpoint *e, ss_server *server, ss_message *m);

/* progress.c */
void ss_progress_repeat(ss_session *s);

#endif
