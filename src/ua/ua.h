/* Inside of the ua floor: what an endpoint, a session and its dialog are made
 * of, and what the files of this floor call of each other. */
#ifndef SS_UA_UA_H
#define SS_UA_UA_H

#include "base/id.h"
#include "base/rate.h"
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
  SS_PHASE_NEGOTIATING, /* accepted: a negotiator is at work, or a PRACK is
                           awaited that must come first */
  SS_PHASE_ANSWERED,    /* 2xx sent, its ACK is awaited */
  SS_PHASE_SETTLING,    /* ACK received, its answer is at the negotiator */
  SS_PHASE_ESTABLISHED, /* all that is done */
  SS_PHASE_ENDING,      /* our BYE is on its way */
  SS_PHASE_OVER
} ss_phase;

/* Where offer and answer stand (RFC 3264, RFC 6337 2.2). */
typedef enum ss_offering {
  SS_OFFER_NONE,   /* both sides agree, or nobody has said anything */
  SS_OFFER_THEIRS, /* their offer waits for our answer */
  SS_OFFER_OURS    /* ours waits for theirs */
} ss_offering;

#define SS_CHANGES 4 /* incoming, connecting, connected, disconnected */

/* A dialog as its UAS sees it (RFC 3261 12.1.1). The slices are the INVITE's,
 * which the session holds. */
typedef struct ss_dialog {
  ss_hnode node; /* in endpoint->dialogs */
  ss_str call_id, remote_tag;
  char local_tag[SS_TAG_LEN];
  uint32_t local_cseq, remote_cseq, invite_cseq;
} ss_dialog;

/* A description has been found: code 0, and what it says (NULL after the
 * negotiator was told an answer). Else what to refuse with: 488, 500, 400. */
typedef void (*ss_described_fn)(ss_session *s, ss_packet *description,
                                unsigned code);

typedef struct ss_modify ss_modify;
typedef struct ss_renewal ss_renewal;
typedef struct ss_reliable ss_reliable;
typedef struct ss_refresh ss_refresh;
typedef struct ss_subscription ss_subscription;

/* What the description was made of that was found last, sent or not. */
typedef enum ss_made {
  SS_MADE_GIVEN, /* it is the script's */
  SS_MADE_AGAIN, /* of `base` */
  SS_MADE_ANEW   /* the library's first one: its version is 1 */
} ss_made;

/* Descriptions of a session: offer.c. */
typedef struct ss_media {
  ss_offering offering;
  ss_packet *base;     /* what we wish for: the last one of the script's, or
                          the library's own; NULL: none yet */
  ss_packet *local;    /* in force; may be the same */
  ss_packet *proposed; /* sent, and not yet in force */
  ss_packet *said;     /* sent last, whatever came of it */
  ss_packet *early;    /* answered the INVITE's offer in a provisional response
                          that wasn't reliable; NULL: none has */
  ss_message *remote;  /* carried theirs; NULL: none yet */
  uint64_t version;    /* the highest that was sent */
  bool held;           /* hold() was called: we don't want to receive */
  uint8_t made;        /* ss_made, of `proposed` and `said` */
  uint32_t round;      /* of the negotiator: answers to older ones are void */
  ss_described_fn described; /* NULL: none is at work */
} ss_media;

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
  ss_message *target; /* its Contact is the remote target; NULL: request */
  const ss_name_addr *route; /* send.c; NULL: none, or not asked for yet */
  ss_server *server;         /* of the INVITE or re-INVITE, while attached */
  ss_path path;              /* the target came by it */
  ss_addr remote;            /* where that came from */
  ss_addr hidden;            /* what it said it is, behind a NAT; or none */
  ss_client *bye;
  ss_media media;
  ss_modify *modify;     /* their re-INVITE or UPDATE that isn't done */
  ss_renewal *renewal;   /* ours */
  ss_reliable *reliable; /* NULL: no such provisional was sent yet */
  ss_refresh *refresh;   /* its session timer; NULL: none */
  ss_timing timing;      /* what is wished for of that */
  ss_list renewed;       /* those whose ACK may have to be repeated */
  ss_list operations;    /* of ours that run */
  ss_list completed;     /* whose end is to be told */
  ss_list inbound;       /* requests that are still to be told of */
  ss_list waiting;       /* told, and not answered yet */
  size_t inbounds;       /* of both */
  ss_list referrals;     /* that we notify the other side of, */
  ss_list subscriptions; /* and it us: both may outlive the call */
  size_t referred;       /* of both */
  uint32_t first_refer;  /* the CSeq of their first one, where */
  bool refer_known;      /* there was one */
  bool refer_sent;       /* one of ours */
  ss_state state;
  ss_claim claim;
  ss_phase phase;
  bool announced; /* `received` was called, or never will be */
  bool silent;    /* it never will be: no events */
  bool bye_due;   /* ended by us, once the ACK came */
  bool releasing;
  bool told;            /* `ended` was called */
  bool endpoint_closed; /* ended because its endpoint closed */
  bool expires;         /* the expiry is the caller's: Expires */
  bool reliable_peer;   /* the caller knows 100rel, and so do we */
  bool reliable_always; /* the caller requires it, or our policy does */
  uint8_t changes, delivered;
  ss_change change[SS_CHANGES];
  bool accepting; /* an outcome is owed */
  bool decided;   /* outcome and ack are set, not delivered */
  ss_failure outcome;
  ss_message *ack;
  ss_fields fields; /* kept for the 2xx while negotiating, for a late BYE */
  char *reason;     /* likewise */
  ss_record record; /* complete once the state is DISCONNECTED */
  void *user;
};

typedef struct ss_auth ss_auth;

#define SS_INBOX 32

typedef struct ss_received {
  ss_path path;
  ss_message *m;
  ss_keys keys;
} ss_received;

struct ss_endpoint {
  ss_loop *loop;
  const ss_endpoint_handler *handler;
  void *arg;
  ss_layer *layer;
  ss_transport **transport;
  size_t transports; /* open */
  ss_addr *address;  /* as bound; stay readable */
  size_t listeners;
  ss_networks allowed, targets; /* see ss_endpoint_config */
  bool deny_silently;
  ss_auth *auth; /* NULL: nobody is asked who they are */
  ss_list sessions;
  ss_hash dialogs;
  size_t live;    /* sessions not disconnected */
  size_t held;    /* sessions in the list */
  size_t unacked; /* rejected INVITEs whose ACK is awaited */
  ss_timer close_timer;
  ss_job close_job; /* tells that it is closed */
  bool handled, traced, closing;
  ss_reliability reliable;
  bool freed;          /* while some still give up its sessions: */
  unsigned forgetting; /* so many */
  unsigned unhandled_code, terminate_code;
  uint32_t connect_timeout, close_timeout, t1, t2;
  ss_timing timing;
  ss_limits limits;
  ss_rate *rate; /* limits.invites_per_source; NULL: none */
  struct {
    unsigned turn, admitted, quota; /* calls that begin in that turn */
    uint64_t us, calls;             /* of late: time, thousandths of calls */
  } pace;                           /* overload.c */
  struct {
    ss_job job;
    unsigned n;
    ss_received at[SS_INBOX]; /* datagrams, to be dealt with together */
  } inbox;                    /* inbox.c */
  ss_stats stats;
  ss_layer_counters seen; /* of the layer's, what is in `stats` already */
  char *uri, *user, *advertise, *name, *accept;
  char *allow;        /* the Allow line of what is in a dialog */
  char *options;      /* with the Supported line: of a 2xx */
  char *capabilities; /* and those with Accept, for OPTIONS */
  struct {
    ss_addr local;
    size_t n;
    char text[512];
  } contact;           /* the Contact value made last; n 0: none yet */
  char scratch[65535]; /* bodies, routes and header values being built */
};

/* What is allowed where there is no dialog; in one, or of an INVITE that makes
 * one, see e->options. */
#define SS_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS"

/* endpoint.c */
void ss_endpoint_check_closed(ss_endpoint *e);

/* identity.c: who we say we are */
int ss_identity_init(ss_endpoint *e, const ss_endpoint_config *config);
void ss_identity_free(ss_endpoint *e);
/* Makes the lists of what we can do anew. SS_ENOMEM: they are as they were. */
int ss_identity_lists(ss_endpoint *e);
/* An option tag (RFC 3261 19.2) that may be required of us. */
bool ss_identity_supports(const ss_endpoint *e, ss_str tag);
/* A Contact value for that path. */
void ss_identity_contact(ss_endpoint *e, const ss_path *path, ss_buf *b);
/* The sent-by of a Via: advertised, or empty. */
ss_str ss_identity_sent_by(const ss_endpoint *e);
/* The address that descriptions name for that path. */
void ss_identity_media(ss_endpoint *e, const ss_path *path, ss_addr *out);

/* inbox.c: a message of a peer that may send one. */
void ss_inbox_init(ss_endpoint *e);
void ss_inbox_read(ss_endpoint *e, const ss_path *path, const char *p,
                   size_t n);

/* overload.c: may one more call not begin in this turn? */
void ss_overload_init(ss_endpoint *e);
bool ss_overload_refuses(ss_endpoint *e);

/* requests.c: what comes in, by method; the layer's user */
extern const ss_layer_user ss_requests_user;
/* Answers a request that no session answers; own: lines, or empty. */
void ss_requests_reply(ss_endpoint *e, ss_server *server, unsigned code,
                       ss_str own);
/* The same without a transaction that stays, where nothing was said yet. */
void ss_requests_refuse(ss_endpoint *e, ss_server *server, unsigned code,
                        ss_str own);

/* Goes on with a request whose sender may call. */
void ss_requests_admitted(ss_endpoint *e, ss_server *server, ss_message *m);

/* auth.c */
int ss_auth_new(ss_endpoint *e, const ss_auth_config *config);
void ss_auth_free(ss_endpoint *e);
/* Must this request say whose it is? Then it goes here, and on from here. */
bool ss_auth_wanted(const ss_endpoint *e, const ss_message *m);
void ss_auth_received(ss_endpoint *e, ss_server *server, ss_message *m);
/* Answers both, where that INVITE's user is being looked up; else false. */
bool ss_auth_cancelled(ss_endpoint *e, ss_server *invite, ss_server *cancel);
void ss_auth_close(ss_endpoint *e);  /* 503 to all that waits */
void ss_auth_forget(ss_endpoint *e); /* or nothing */

/* invite.c */
void ss_invite_received(ss_endpoint *e, ss_server *server, ss_message *m);

/* Whether the body is one that the endpoint takes; else it was answered. */
bool ss_requests_body(ss_endpoint *e, ss_server *server, ss_message *m);
#define SS_RETRY_AFTER 40 /* bytes of any such line */
ss_str ss_retry_after_line(char text[SS_RETRY_AFTER], uint64_t seconds);
/* RFC 3261 14.2, RFC 3311 5.2: come back in up to ten seconds. */
void ss_requests_later(ss_endpoint *e, ss_server *server);

/* dialog.c */
void ss_dialog_init(ss_dialog *d, ss_message *invite, ss_str remote_tag);
void ss_dialog_insert(ss_endpoint *e, ss_dialog *d);
void ss_dialog_remove(ss_endpoint *e, ss_dialog *d);
/* The dialog of that request, if it is of one, will be looked for soon. */
void ss_dialog_expect(const ss_endpoint *e, ss_message *m);
/* The session whose dialog a request with a To tag belongs to, or NULL. */
ss_session *ss_dialog_find(ss_endpoint *e, ss_message *m);
/* RFC 3261 12.2.2: false when the CSeq is lower than the last. */
bool ss_dialog_in_order(ss_dialog *d, const ss_message *m);
/* The remote target: the Contact. */
int ss_dialog_target(ss_message *invite, const ss_name_addr **out);
/* Notes where a request that makes or renews the dialog came from. */
void ss_dialog_heard(ss_session *s, ss_message *request, const ss_addr *source);
/* RFC 3261 12.2.2, RFC 6141 4: the target is the one of this request from now
 * on, which has succeeded. */
void ss_dialog_refresh(ss_session *s, ss_message *m, const ss_path *path,
                       const ss_addr *source);
static inline ss_str ss_dialog_local_tag(const ss_dialog *d) {
  return (ss_str){d->local_tag, SS_TAG_LEN};
}

/* send.c: our requests within the dialog (RFC 3261 12.2.1.1) */
typedef struct ss_sending {
  ss_method method;
  ss_str method_text;        /* of a method that has no number */
  uint32_t cseq;             /* 0: the next */
  bool contact;              /* it refreshes the target */
  ss_str own;                /* lines of the stack's, or empty */
  const ss_content *content; /* not in e->scratch; or NULL */
} ss_sending;

/* A request as it goes out. */
typedef struct ss_letter {
  ss_path path;
  ss_packet *packet;
  char branch[SS_BRANCH_LEN];
} ss_letter;

int ss_send_prepare(ss_session *s, const ss_sending *r, ss_letter *out);
void ss_letter_free(ss_letter *l);
static inline ss_str ss_letter_branch(const ss_letter *l) {
  return (ss_str){l->branch, sizeof l->branch};
}
/* Why it couldn't be sent. */
ss_failure ss_send_failure(int rc);
/* Any method but INVITE and ACK. */
int ss_send_request(ss_session *s, const ss_sending *r, ss_client_fn done,
                    void *arg, ss_client **out);

/* operation.c: what of ours runs until it is answered */
struct ss_operation {
  ss_list node;
  ss_session *session; /* NULL: it is over */
  ss_client *client;   /* while it runs */
  ss_failure outcome;
  ss_message *response;
  bool lasting; /* the session's end is not its own */
  /* for the stack itself: called instead of handler->completed; or NULL */
  void (*over)(ss_operation *o);
};

ss_operation *ss_operation_new(ss_session *s); /* NULL: no memory */
/* It is over; is told from the session's job and freed. */
void ss_operation_end(ss_operation *o, ss_failure outcome,
                      ss_message *response);
void ss_operation_drop(ss_operation *o);                   /* it never began */
void ss_operations_end(ss_session *s, ss_failure outcome); /* but lasting */
void ss_operations_deliver(ss_session *s); /* one that is over */
void ss_operations_free(ss_session *s);
ss_failure ss_operation_unanswered(int rc); /* silence, or no way */
/* Ends it by a response, or by what came instead; a 481 or 408 or silence ends
 * the session too (RFC 5057 5.1) where `binding`. */
void ss_operation_answered(ss_operation *o, int rc, ss_message *response,
                           bool binding);

/* inbound.c: requests in the dialog that a script is told of */
struct ss_inbound {
  uint32_t refs;
  ss_list node;        /* in session->inbound or ->waiting */
  ss_session *session; /* NULL: answered, or over */
  ss_server *server;   /* NULL: answered */
  ss_message *request;
  uint8_t after; /* so many transitions */
  bool told;
  bool answered; /* by the script, or in its place */
};

void ss_inbound_received(ss_session *s, ss_server *server, ss_message *m);
/* One that the script is only told of. */
void ss_inbound_notice(ss_session *s, ss_message *m);
/* As ss_inbound_respond. own: lines of the stack's. */
ss_failure ss_inbound_answer(ss_inbound *i, unsigned code, ss_str own,
                             const ss_content *content);
bool ss_inbound_due(const ss_session *s);
void ss_inbound_deliver(ss_session *s);
void ss_inbound_abort(ss_session *s);  /* the session ends: 487 */
void ss_inbound_forget(ss_session *s); /* nobody is told any more */

/* refer.c: their REFER, and our NOTIFYs */
void ss_refer_received(ss_session *s, ss_server *server, ss_message *m);
/* Of a request or a 2xx: it makes no subscription (RFC 4488). */
bool ss_refer_unsubscribed(const ss_message *m);
void ss_refer_close(ss_session *s); /* the endpoint closes: ends them all */
void ss_refer_forget(ss_session *s);

/* subscription.c: our REFER, and their NOTIFYs */
void ss_subscription_notified(ss_session *s, ss_server *server, ss_message *m);
/* Answers a SUBSCRIBE: 489. */
void ss_subscription_refused(ss_endpoint *e, ss_server *server);
void ss_subscriptions_stop(ss_session *s); /* the call has ended */
void ss_subscriptions_forget(ss_session *s);

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
/* Hears of its INVITE's transaction. */
void ss_session_watch(ss_session *s);
/* Leaves the endpoint now: an outcome that is owed is delivered, no event. */
void ss_session_forget(ss_session *s);
/* Why the script can't do that now. */
ss_failure ss_session_refusal(const ss_session *s);
/* Likewise what needs a connected session. */
ss_failure ss_session_not_connected(const ss_session *s);

/* response.c */
/* Renders and sends a response to the INVITE; its Contact is ours
 * unless one is given. own: further lines of the stack's. */
int ss_session_reply(ss_session *s, unsigned code, ss_str contact, ss_str own,
                     const ss_content *content);
/* Likewise to another request in the dialog. */
int ss_session_respond(ss_session *s, ss_server *server, unsigned code,
                       ss_str own, const ss_content *content);
/* The media type that goes with the content's body. */
ss_str ss_content_type(const ss_content *c);
/* The description in it: the body, or a part of a multipart one (RFC 5621);
 * empty: none. */
ss_str ss_content_description(const ss_content *c);
/* It has an Allow or Supported of the script's own. */
bool ss_content_lists(const ss_content *c);

/* record.c: a call's times, codes and outcome */
void ss_record_start(ss_session *s);
void ss_record_final(ss_session *s, unsigned code); /* the first one counts */
void ss_record_end(ss_session *s, const ss_change *last);

/* answer.c */
void ss_answer_ack(ss_session *s, ss_message *ack);
void ss_answer_expired(ss_session *s); /* 64*T1 without ACK */
/* The ACK's answer isn't taken in for 64*T1. */
void ss_answer_unsettled(ss_session *s);
void ss_answer_repeat(ss_session *s);
void ss_answer_undeliverable(ss_session *s, int rc);
void ss_answer_stop(ss_session *s); /* no more repeats */
/* Begins the repeats of a 2xx, and the wait for its ACK. */
void ss_answer_start(ss_session *s);

/* reject.c: the final response that isn't an accept, and the session is over
 * but for the transaction */
void ss_reject_with(ss_session *s, unsigned code, const ss_content *content,
                    ss_cause cause, ss_message *because);

/* end.c */
void ss_end_by_us(ss_session *s, const ss_fields *fields,
                  ss_failure_reason why);
void ss_end_bye_received(ss_session *s, ss_server *server, ss_message *bye);
void ss_end_send_bye(ss_session *s);
/* Likewise to who never acknowledged anything, perhaps never called: it isn't
 * repeated for all of 64*T1. */
void ss_end_unacknowledged(ss_session *s);
/* A connected session that can't go on: BYE. */
void ss_end_because(ss_session *s, ss_cause cause);
/* What came back of a request of ours, a code or a failure's rc, may mean that
 * the other side knows the dialog no more, or is gone (RFC 3261 12.2.1.2, RFC
 * 5057 5.1): then it ends too. */
void ss_end_unanswered(ss_session *s, int rc, unsigned code);

/* cancel.c */
/* The caller gives up a call that has no final response: 487. */
void ss_cancel_by_caller(ss_session *s, ss_cause cause, ss_message *m);
void ss_cancel_received(ss_endpoint *e, ss_server *server, ss_message *m);

/* Sends the 200 that had to wait. */
void ss_answer_send(ss_session *s, const ss_content *content);

/* progress.c */
void ss_progress_repeat(ss_session *s);
/* Sends one, and begins the minute anew. SS_ECLOSED: and that was the end of
 * the session. */
int ss_progress_send(ss_session *s, unsigned code, ss_str own,
                     const ss_content *content);
/* Likewise one that isn't reliable, whose description may be the answer. */
int ss_progress_plain(ss_session *s, unsigned code, const ss_content *content);

#include "ua/offer.h"

#endif
