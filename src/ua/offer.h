/* Inside of the ua floor, the part about descriptions and what renews a call:
 * offer and answer, re-INVITE and UPDATE of both sides, session timers,
 * reliable provisional responses. Comes with ua.h. */
#ifndef SS_UA_OFFER_H
#define SS_UA_OFFER_H

#include "ua/ua.h"

/* offer.c: who has offered what, and the description that answers it */
void ss_offer_init(ss_session *s); /* the INVITE's offer is theirs */
void ss_offer_free(ss_session *s);
/* Finds an answer to the offer in `offer`, or an offer where it is NULL: asks
 * the negotiator, else makes one of what was said last. `fn` may be called
 * from within. Not while another is looked for: that one is given up. */
void ss_offer_describe(ss_session *s, ss_message *offer, ss_described_fn fn);
/* Tells the negotiator the answer in `m`, or that there is none, and calls fn,
 * if not NULL, when it has taken it in. */
void ss_offer_settle(ss_session *s, ss_message *m, ss_described_fn fn);
/* A `fn` of it for whom nothing depends on that. Until then the negotiator
 * isn't asked for another description: an offer of theirs gets 491. */
void ss_offer_told(ss_session *s, ss_packet *none, unsigned code);
void ss_offer_abandon(ss_session *s); /* no `fn` any more */
/* Refuses a new offer, where one is open (RFC 3311 5.2, RFC 3261 14.2): false,
 * and it was answered. */
bool ss_offer_allowed(ss_session *s, ss_server *server);
/* The script's own description; NULL: no memory. */
ss_packet *ss_offer_take(ss_session *s, ss_str text);
/* RFC 3261 13.2.1: what the first provisional response says to the INVITE's
 * offer is the answer, reliable or not; the 200 says the same. What is to be
 * kept of that content once it has gone out, or NULL. */
int ss_offer_early(ss_session *s, const ss_content *content, ss_packet **out);
/* Said in a message that has gone out, reliably: the answer to what that
 * message offers, or where it is NULL, an offer. */
void ss_offer_sent(ss_session *s, ss_packet *description, ss_message *answers);
/* Whether there is an answer to our offer in `m` that can be one (RFC 3264 6);
 * one that can't is none. */
bool ss_offer_is_answered(const ss_session *s, const ss_message *m);
void ss_offer_answered(ss_session *s, ss_message *by); /* ours, by that */
void ss_offer_failed(ss_session *s); /* all is as it was before it */
/* What we said last, again as an offer. SS_ENOTFOUND: nothing. */
int ss_offer_again(ss_session *s, bool held, ss_packet **out);

/* modify.c: their re-INVITE and UPDATE */
void ss_modify_received(ss_session *s, ss_server *server, ss_message *m);
/* An offer in a PRACK, which has been matched. */
void ss_modify_offered(ss_session *s, ss_server *server, ss_message *prack);
void ss_modify_ack(ss_session *s, ss_message *ack);
void ss_modify_cancelled(ss_session *s);
void ss_modify_expired(ss_session *s); /* 64*T1 without ACK */
void ss_modify_failed(ss_session *s);  /* it can't be answered */
void ss_modify_abort(ss_session *s);   /* the session ends: 487 */

/* renew.c: our re-INVITE and UPDATE */
typedef enum ss_renew_mode {
  SS_RENEW_NEGOTIATED, /* with an offer of the negotiator's, or the last again
                        */
  SS_RENEW_AGAIN,      /* with the last description again */
  SS_RENEW_GIVEN,      /* with the content's */
  SS_RENEW_BARE        /* without: a re-INVITE asks for theirs */
} ss_renew_mode;

typedef struct ss_renew_options {
  ss_renew_mode mode;
  ss_method method;          /* INVITE or UPDATE */
  bool held;                 /* of AGAIN */
  const ss_content *content; /* or NULL; its body goes before the mode */
} ss_renew_options;

ss_failure ss_renew(ss_session *s, const ss_renew_options *how,
                    ss_operation **out);
bool ss_renew_invites(const ss_session *s); /* a re-INVITE is on its way */
void ss_renew_abort(ss_session *s);         /* the session ends */
/* Whatever 2xx still comes gets no ACK any more. */
void ss_renew_forget(ss_session *s);

/* timing.c: session timers in messages. Whether what a request asks for can
 * be: no (RFC 4028 9), and it was answered. */
bool ss_timing_acceptable(ss_endpoint *e, const ss_timing *t, ss_server *server,
                          const ss_message *m);

/* refresh.c: session timers kept */
/* What a 2xx of ours to that INVITE or UPDATE says, as lines; in force once
 * it was sent, which is told next. */
void ss_refresh_answer(ss_session *s, const ss_message *request, ss_buf *b);
void ss_refresh_answered(ss_session *s);
/* What a re-INVITE or UPDATE of ours says; a 2xx came; it came to nothing. */
void ss_refresh_request(ss_session *s, ss_buf *b);
void ss_refresh_succeeded(ss_session *s, const ss_message *response);
void ss_refresh_failed(ss_session *s, bool update, const ss_message *response);
/* A 422 that asks for more than we said: it is worth another try. */
bool ss_refresh_raised(ss_session *s, const ss_message *response);
void ss_refresh_stop(ss_session *s);

/* reliable.c: provisional responses that the caller acknowledges (RFC 3262) */
bool ss_reliable_offered(
    const ss_message *invite);        /* the caller knows 100rel */
void ss_reliable_init(ss_session *s); /* what policy and INVITE say of it */
void ss_reliable_free(ss_session *s);
/* Sends it, or queues it behind those that aren't acknowledged yet, reliable or
 * not. out: NULL, or gets the operation that ends with its PRACK. */
ss_failure ss_reliable_progress(ss_session *s, unsigned code, bool reliable,
                                const ss_content *content, ss_operation **out);
/* A minute has passed. False: the last one was of the other kind. */
bool ss_reliable_again(ss_session *s);
void ss_reliable_prack(ss_session *s, ss_server *server, ss_message *m);
/* The offer or answer in one of them stands: a later description of this INVITE
 * is taken out of the content. */
bool ss_reliable_described(const ss_session *s);
void ss_reliable_strip(const ss_session *s, ss_content *content);
void ss_reliable_claimed(ss_session *s); /* accepted: none goes out any more */
/* Whether the 200 must wait for a PRACK (3), and its content, until then. */
bool ss_reliable_precedes(const ss_session *s);
int ss_reliable_keep(ss_session *s, const ss_content *content);
void ss_reliable_answered(ss_session *s); /* by the 200: no more repeats */
void ss_reliable_abort(ss_session *s);    /* the session ends */

#endif
