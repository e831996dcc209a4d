/* A session: one call that came in (UCMA's SignalingSession). Counted by
 * reference; the endpoint keeps one until the wire is done with it, so it can
 * be read as long as anybody holds another. One claim decides between accept,
 * reject and CANCEL: whichever comes first wins, the others are refused. */
#ifndef SS_UA_SESSION_H
#define SS_UA_SESSION_H

#include "base/addr.h"
#include "sip/extension.h"
#include "sip/fields.h"
#include "sip/headers.h"
#include "ua/failure.h"

#include <time.h>

typedef struct ss_session ss_session;
typedef struct ss_endpoint ss_endpoint;
/* Something of ours that runs until the peer has answered it. Dead once its end
 * was told. */
typedef struct ss_operation ss_operation;
/* A request that came in the dialog, for a script to know of or to answer.
 * Counted by reference. */
typedef struct ss_inbound ss_inbound;
/* A REFER of theirs that was accepted, and the subscription that it makes.
 * Counted by reference. */
typedef struct ss_referral ss_referral;

#define SS_STATE_MAP(X)                                                        \
  X(IDLE, "idle")                                                              \
  X(INCOMING, "incoming")                                                      \
  X(CONNECTING, "connecting")                                                  \
  X(ALERTED, "alerted")                                                        \
  X(CONNECTED, "connected")                                                    \
  X(REDIRECTING, "redirecting")                                                \
  X(DISCONNECTED, "disconnected")

typedef enum ss_state {
#define X(name, text) SS_STATE_##name,
  SS_STATE_MAP(X)
#undef X
} ss_state;

#define SS_CAUSE_MAP(X)                                                        \
  X(NONE, "none")                                                              \
  X(DECLINED, "declined")                                                      \
  X(CANCELED, "canceled")                                                      \
  X(TERMINATED_LOCALLY, "terminated_locally")                                  \
  X(TERMINATED_REMOTELY, "terminated_remotely")                                \
  X(BUSY, "busy")                                                              \
  X(TEMPORARILY_UNAVAILABLE, "temporarily_unavailable")                        \
  X(NOT_ACCEPTABLE, "not_acceptable")                                          \
  X(NOT_ACCEPTABLE_MEDIA, "not_acceptable_media")                              \
  X(TIMEOUT, "timeout")                                                        \
  X(UNREACHABLE, "unreachable")                                                \
  X(SESSION_TIMER_EXPIRED, "session_timer_expired")                            \
  X(SESSION_DOES_NOT_EXIST, "session_does_not_exist")

typedef enum ss_cause {
#define X(name, text) SS_CAUSE_##name,
  SS_CAUSE_MAP(X)
#undef X
} ss_cause;

/* What became of a call, for its record. */
#define SS_OUTCOME_MAP(X)                                                      \
  X(CONNECTED, "connected")     /* the ACK came, whatever ended it */          \
  X(CANCELLED, "cancelled")     /* the caller gave up before that */           \
  X(REJECTED, "rejected")       /* we declined, or ended it unanswered */      \
  X(REDIRECTED, "redirected")   /* a 3xx */                                    \
  X(UNHANDLED, "unhandled")     /* nobody listened: unhandled_code */          \
  X(TIMEOUT, "timeout")         /* nobody answered, or no ACK came */          \
  X(UNREACHABLE, "unreachable") /* the connection was lost */                  \
  X(FAILED, "failed")           /* an accept that came to nothing */

typedef enum ss_outcome {
#define X(name, text) SS_OUTCOME_##name,
  SS_OUTCOME_MAP(X)
#undef X
} ss_outcome;

const char *ss_state_name(ss_state state);
const char *ss_cause_name(ss_cause cause);
const char *ss_outcome_name(ss_outcome outcome);

typedef struct ss_change {
  ss_state previous, state;
  ss_cause reason;
  unsigned code;       /* of the response that went with it, or 0 */
  ss_message *message; /* the CANCEL, BYE or ACK that caused it, or NULL */
} ss_change;

/* A call that is over. Times are the loop's, in ms. */
typedef struct ss_record {
  ss_outcome outcome;
  ss_cause reason;
  unsigned code;     /* the final response to the INVITE; 0: none was sent */
  uint64_t started;  /* the INVITE came */
  uint64_t answered; /* the final response was sent, where `code` is one */
  uint64_t ended;
  time_t at;           /* the start, by the wall clock */
  ss_message *message; /* what ended it, if it has a Reason; borrowed */
} ss_record;

/* What a verb puts into its message; zeroed: nothing. Copied where kept. */
typedef struct ss_content {
  const ss_fields *fields; /* or NULL */
  ss_str reason;           /* the reason phrase, or empty */
  ss_str content_type;     /* empty with a body: application/sdp */
  ss_str body;
} ss_content;

/* Session timers (RFC 4028): what becomes of them. */
typedef enum ss_timing_use {
  SS_TIMING_KEPT,  /* where the other side asks for one */
  SS_TIMING_ASKED, /* we ask as well */
  SS_TIMING_OFF    /* never: the extension isn't supported */
} ss_timing_use;

#define SS_TIMING_LEAST 90 /* s: no interval is shorter (RFC 4028 4) */

typedef struct ss_timing {
  ss_timing_use use;
  uint32_t interval;      /* s; at least `minimum` */
  uint32_t minimum;       /* s; at least 90 */
  ss_refresher refresher; /* where it is ours to say; NONE: the caller */
} ss_timing;

void ss_timing_default(ss_timing *t); /* KEPT, 1800, 90 */

ss_session *ss_session_ref(ss_session *s);
void ss_session_unref(ss_session *s);

/* The verbs. On failure nothing was sent and nothing has changed. Codes are in
 * range and content is checked (ss_check_text) by the caller. */

/* Claims the call, then sends the 200: at once if content has a body, else
 * when the negotiator is done, else with an inactive description. The end is
 * reported to handler->accepted. */
ss_failure ss_session_participate(ss_session *s, const ss_content *content);
/* The negotiator's result in that round: a description (none of SETTLE), or the
 * code to refuse with (488: it had nothing, 500: it failed). Ignored when the
 * session has moved on. */
void ss_session_negotiated(ss_session *s, uint32_t round, ss_str sdp,
                           unsigned code);
ss_failure ss_session_progress(ss_session *s, unsigned code,
                               const ss_content *content); /* 101-199 */
/* Acknowledged by the caller's PRACK (RFC 3262): what was begun is *out; NULL:
 * it went unreliably, for the caller can't, unless it must: NOT_SUPPORTED.
 * PENDING: too many wait already. */
ss_failure ss_session_progress_reliably(ss_session *s, unsigned code,
                                        const ss_content *content, bool must,
                                        ss_operation **out);
ss_failure ss_session_reject(ss_session *s, unsigned code,
                             const ss_content *content); /* 400-699 */
/* contacts: Contact values joined by ", ". */
ss_failure ss_session_redirect(ss_session *s, unsigned code, ss_str contacts,
                               const ss_content *content); /* 300-399 */
/* Any state, idempotent, immediate: terminate_code for a call not answered
 * yet, BYE for a connected one, and for one whose ACK is awaited the BYE when
 * that came or 64*T1 passed (RFC 3261 15). */
void ss_session_terminate(ss_session *s, const ss_fields *fields);

/* A request in a connected session (RFC 3261 12.2.1): a method that has no verb
 * of its own. Its end is told to handler->completed. *out: what runs. */
ss_failure ss_session_send(ss_session *s, ss_str method,
                           const ss_content *content, ss_operation **out);

/* Our re-INVITE, or UPDATE where `update` (UCMA's Renegotiate): with the body
 * of content, else with an offer of the negotiator's, or what was said last; or
 * where `bare` without a description: a re-INVITE then gets theirs. Glare is
 * tried again. PENDING: another one of ours runs. */
ss_failure ss_session_renegotiate(ss_session *s, bool update, bool bare,
                                  const ss_content *content,
                                  ss_operation **out);
/* What was said last again, without receiving (RFC 3264 8.4), or as before. */
ss_failure ss_session_hold(ss_session *s, bool hold, const ss_content *content,
                           ss_operation **out);
bool ss_session_is_held(const ss_session *s);

const ss_timing *ss_session_timing(const ss_session *s);
/* SS_ESTATE: its 200 was sent; SS_EUNSUPPORTED: the endpoint said that it can't
 * do that. Of one that has ended: no matter. The minimum is that of requests
 * that come after this. */
int ss_session_set_timing(ss_session *s, const ss_timing *t);

ss_inbound *ss_inbound_ref(ss_inbound *i);
void ss_inbound_unref(ss_inbound *i);
ss_message *ss_inbound_request(const ss_inbound *i);
/* Still to be answered. */
bool ss_inbound_waits(const ss_inbound *i);
/* 200-699. INVALID_OPERATION: it was answered, or its session has ended. */
ss_failure ss_inbound_respond(ss_inbound *i, unsigned code,
                              const ss_content *content);
/* The answer to one that no handler is there for: 200, or what the RFC of its
 * kind says. */
void ss_inbound_unhandled(ss_inbound *i);

/* Their REFER: 202 and a first NOTIFY; where they want no subscription (RFC
 * 4488), 200 and none. *out: a reference. Failures as of ss_inbound_respond;
 * another code is given by that. */
ss_failure ss_referral_accept(ss_inbound *i, const ss_fields *fields,
                              ss_referral **out);
ss_referral *ss_referral_ref(ss_referral *r);
void ss_referral_unref(ss_referral *r); /* the subscription goes on */
/* A NOTIFY with that status line, behind those before it; one from 200 on is
 * the last. UNSUBSCRIBED: that was sent, they refused one, or 60 s have passed.
 * Also when the call has ended. */
ss_failure ss_referral_notify(ss_referral *r, unsigned code, ss_str reason,
                              ss_operation **out);

/* Our REFER in a connected session. Texts are checked by the caller. */
typedef struct ss_refer {
  ss_str target;              /* a URI */
  const ss_session *replaces; /* a call of ours that it is to replace (RFC
                                 3891); or NULL */
  ss_str referred_by;         /* a Referred-By value; empty: our own URI */
  bool anonymous;             /* no Referred-By */
  bool unsubscribed;          /* we want no NOTIFYs */
  const ss_fields *fields;    /* or NULL */
} ss_refer;

/* Ends with the 2xx; the NOTIFYs are told to handler->requested. */
ss_failure ss_session_refer(ss_session *s, const ss_refer *q,
                            ss_operation **out);

/* It is still told, or tells, what has become of a REFER. */
bool ss_session_lingers(const ss_session *s);

ss_state ss_session_state(const ss_session *s);
const ss_record *ss_session_record(const ss_session *s); /* NULL: it goes on */
ss_endpoint *ss_session_endpoint(const ss_session *s);   /* NULL: freed */
ss_message *ss_session_request(const ss_session *s); /* the INVITE, borrowed */
ss_str ss_session_call_id(const ss_session *s);
ss_str ss_session_local_tag(const ss_session *s);
ss_str ss_session_remote_tag(const ss_session *s);
const ss_addr *ss_session_remote_address(const ss_session *s);
/* Where a request of ours would go now: the remote target or the first of the
 * route set as far as it may be followed, else where the INVITE came from.
 * Nothing is sent, and no connection made. SS_ECLOSED when it is over. */
int ss_session_next_hop(ss_session *s, ss_addr *out);
/* The INVITE's description: its body or the part of a multipart one; empty:
 * none. */
ss_str ss_session_offer(const ss_session *s);
/* What is in force of both sides; empty: nothing yet. */
ss_str ss_session_local_description(const ss_session *s);
ss_str ss_session_remote_description(const ss_session *s);
/* The binding's own pointer. */
void ss_session_set_user(ss_session *s, void *user);
void *ss_session_user(const ss_session *s);

#endif
