/* An endpoint: listeners, the transaction layer over them, and the sessions
 * that come in (UCMA's SipEndpoint). It and everything below it belong to one
 * loop and one thread.
 *
 * Every callback of the handler is called from a job of the loop, after the
 * batch (see net/loop.h), never from inside a function of this interface, with
 * two exceptions that are named. Any function may be called from a callback. */
#ifndef SS_UA_ENDPOINT_H
#define SS_UA_ENDPOINT_H

#include "base/cidr.h"
#include "net/transport.h"
#include "sip/fields.h"
#include "ua/auth.h"
#include "ua/session.h"

/* Whether provisional responses are acknowledged (RFC 3262). */
typedef enum ss_reliability {
  SS_RELIABILITY_OFF,       /* no extension that we know */
  SS_RELIABILITY_SUPPORTED, /* where the script or the caller asks for it */
  SS_RELIABILITY_REQUIRED   /* all; who doesn't know it gets a 421 */
} ss_reliability;

/* What a negotiator is asked. */
typedef enum ss_negotiate {
  SS_NEGOTIATE_ANSWER, /* an answer to their offer */
  SS_NEGOTIATE_OFFER,  /* an offer */
  SS_NEGOTIATE_SETTLE  /* nothing: this is their answer to ours; NULL: none */
} ss_negotiate;

typedef struct ss_endpoint_handler {
  /* A call came in and is still there. */
  void (*received)(void *arg, ss_session *session);
  /* Transitions in order, each once; none after DISCONNECTED. Only for
   * sessions that `received` was called for. */
  void (*changed)(void *arg, ss_session *session, const ss_change *change);
  /* What ss_session_participate began is over, exactly once for each that
   * succeeded, after the transition that goes with it. ack: borrowed, or NULL
   * with a failure. Also called from within ss_endpoint_free. */
  void (*accepted)(void *arg, ss_session *session, const ss_failure *failure,
                   ss_message *ack);
  /* It has ended: once for each session that came in, also for those that
   * `received` wasn't called for, after everything else but `released`, and
   * what REFERs that outlive it bring (ss_session_lingers). Not for those that
   * ss_endpoint_free cuts off. NULL: nobody wants to know. */
  void (*ended)(void *arg, ss_session *session);
  /* A description is needed, or has come: start the negotiator and return
   * true; it ends with ss_session_negotiated. False: there is none that does
   * that. about: the message with their offer or answer (ss_body_find), or
   * NULL; borrowed. Called from within functions of this interface, as no
   * other: it must not call them, but may put off. */
  bool (*negotiate)(void *arg, ss_session *session, uint32_t round,
                    ss_negotiate what, ss_message *about);
  /* An operation of ours is over: with a 2xx, or a failure and the response
   * that goes with it, or NULL. Once each, before DISCONNECTED's end; also from
   * within ss_endpoint_free. */
  void (*completed)(void *arg, ss_session *session, ss_operation *operation,
                    const ss_failure *failure, ss_message *response);
  /* A request came in the dialog. Where it waits for an answer, the handler
   * gives or promises one. Not after DISCONNECTED. */
  void (*requested)(void *arg, ss_session *session, ss_inbound *inbound);
  /* A request says whose it is: begin to look up the user's password; it ends
   * with one of ss_attempt_password and the others, from within or later. Not
   * called without auth.realm. */
  void (*lookup)(void *arg, ss_attempt *attempt);
  /* Every message sent or received; called as it happens, so: copy and put
   * off. NULL while nobody wants to know. */
  void (*wire)(void *arg, bool out, const ss_addr *peer, ss_str text);
  /* The endpoint gives up its reference: nothing more will come. */
  void (*released)(void *arg, ss_session *session);
  /* After ss_endpoint_close: everything has ended, sockets are closed. */
  void (*closed)(void *arg);
} ss_endpoint_handler;

typedef struct ss_endpoint_config {
  ss_loop *loop;
  const ss_addr *listen;
  size_t listeners;  /* at least 1 */
  ss_str uri;        /* own identity; empty: sip:<first listener> */
  ss_str advertise;  /* host[:port] for Contact and Via; empty: as bound */
  ss_str user_agent; /* empty: "sipsession/<version>" */
  unsigned unhandled_code;  /* default 480 */
  unsigned terminate_code;  /* default 486 */
  uint32_t connect_timeout; /* ms, default 180000; 0: never */
  uint32_t close_timeout;   /* ms that close waits for peers, default 2000 */
  uint32_t t1, t2, t4;      /* ms: 500, 4000, 5000 (RFC 3261 17.1.1.1) */
  ss_str accept;            /* media types, joined by ", "; default
                               "application/sdp" */
  ss_reliability reliable;  /* default SUPPORTED */
  ss_timing timing;         /* of its sessions */
  ss_networks allow;        /* who may send requests; copied */
  bool deny_silently;       /* others get no 403, and no connection */
  ss_networks targets;      /* where peers may send ours, besides to where
                               theirs come from; copied */
  ss_auth_config auth;
  ss_limits limits;
} ss_endpoint_config;

/* Counters since the start, and gauges of what is alive now. */
/* clang-format off */
#define SS_STATS_MAP(X)                                                        \
  X(calls_received) X(calls_answered) X(calls_connected) X(calls_rejected)     \
  X(calls_redirected) X(calls_cancelled) X(calls_timed_out)                    \
  X(calls_unacknowledged) X(calls_unhandled) X(calls_failed)                   \
  X(messages_in) X(messages_out) X(requests_in) X(responses_in)                \
  X(retransmissions_in) X(retransmissions_out)                                 \
  X(refused_syntax) X(refused_limit) X(refused_unanswerable)                   \
  X(refused_overload) X(refused_rate) X(refused_guesses) X(refused_size)       \
  X(refused_length)                                                            \
  X(refused_slow) X(refused_idle) X(refused_backlog) X(refused_connections)    \
  X(refused_merged) X(refused_no_dialog) X(refused_no_transaction)             \
  X(refused_method) X(refused_extension) X(refused_media_type)                 \
  X(refused_scheme) X(refused_version) X(refused_interval)                     \
  X(refused_source) X(challenged) X(refused_credentials)                       \
  X(stray_responses) X(stray_acks) X(send_errors) X(out_of_memory)
/* clang-format on */

typedef struct ss_stats {
#define X(name) uint64_t name;
  SS_STATS_MAP(X)
#undef X
} ss_stats;

/* What is alive now. */
typedef struct ss_alive {
  size_t sessions;  /* not yet disconnected */
  size_t lingering; /* disconnected, the wire isn't done with them */
  size_t dialogs;
  size_t transactions;
  size_t connections;
} ss_alive;

void ss_endpoint_config_default(ss_endpoint_config *config);
/* Binds every listener or none. On failure *failed is the index of the
 * listener that couldn't be bound, or `listeners` when it was something else.
 */
int ss_endpoint_open(ss_endpoint **out, const ss_endpoint_config *config,
                     const ss_endpoint_handler *handler, void *arg,
                     size_t *failed);
/* Ends every session as ss_session_terminate does (accepts that are pending
 * fail with ENDPOINT_CLOSED), refuses what still comes with 503, and closes
 * the sockets as soon as nobody waits for anything: before this returns where
 * there is no call, after close_timeout at the latest. Idempotent. `closed` is
 * called at the end. */
void ss_endpoint_close(ss_endpoint *e, const ss_fields *fields);
bool ss_endpoint_is_closed(const ss_endpoint *e); /* or closing */
/* Closes without waiting for anybody and frees it; `accepted`, `released` may
 * be called from within, `closed` is not. */
void ss_endpoint_free(ss_endpoint *e);

size_t ss_endpoint_listeners(const ss_endpoint *e);
const ss_addr *ss_endpoint_address(const ss_endpoint *e, size_t i); /* bound */
const ss_stats *ss_endpoint_stats(ss_endpoint *e);
ss_alive ss_endpoint_alive(const ss_endpoint *e);
ss_loop *ss_endpoint_loop(const ss_endpoint *e);
ss_str ss_endpoint_uri(const ss_endpoint *e);
ss_str ss_endpoint_name(const ss_endpoint *e); /* User-Agent and Server */
/* Whether a script listens for calls; without it they get unhandled_code. */
void ss_endpoint_set_handled(ss_endpoint *e, bool handled);
/* For INVITEs that come from now on. SS_ENOMEM: all is as it was. */
int ss_endpoint_set_reliable(ss_endpoint *e, ss_reliability reliable);
ss_reliability ss_endpoint_reliable(const ss_endpoint *e);
/* Whether handler->wire is called. */
void ss_endpoint_set_traced(ss_endpoint *e, bool traced);

#endif
