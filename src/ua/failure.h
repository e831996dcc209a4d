/* What can happen to a correct caller: a kind and a finer reason, api.md's
 * table of errors (UCMA's exceptions). A value, never allocated. */
#ifndef SS_UA_FAILURE_H
#define SS_UA_FAILURE_H

#define SS_FAILURE_KIND_MAP(X)                                                 \
  X(NONE, "none")                                                              \
  X(INVALID_OPERATION, "invalid_operation")                                    \
  X(OPERATION_TIMEOUT, "operation_timeout")                                    \
  X(FAILURE_RESPONSE, "failure_response")                                      \
  X(OPERATION_FAILURE, "operation_failure")                                    \
  X(CONNECTION_FAILURE, "connection_failure")                                  \
  X(TLS_FAILURE, "tls_failure")                                                \
  X(AUTHENTICATION, "authentication")

/* name, api name, text of the message */
#define SS_FAILURE_REASON_MAP(X)                                               \
  X(NONE, 0, "")                                                               \
  X(CANCELLED, "cancelled", "the caller cancelled the call")                   \
  X(ALREADY_PARTICIPATING, "already_participating",                            \
    "an accept of this session is pending or done")                            \
  X(TERMINATED, "terminated", "the session has ended")                         \
  X(NOT_INCOMING, "not_incoming", "this is not an incoming session")           \
  X(ENDPOINT_CLOSED, "endpoint_closed", "the endpoint is closed")              \
  X(NOT_YIELDABLE, "not_yieldable",                                            \
    "can't wait here: call it in a coroutine, or use the _async form")         \
  X(TERMINATED_AFTER_200, "terminated_after_200",                              \
    "the caller hung up before it acknowledged the answer")                    \
  X(UNSETTLED, "terminated_after_200",                                         \
    "the caller hung up before its answer was taken in")                       \
  X(MEDIA, "media", "the media negotiation failed")                            \
  X(NOT_CONNECTED, "not_connected", "the session isn't connected")             \
  X(PENDING, "pending", "another one of ours is not done yet")                 \
  X(NOT_SUPPORTED, "not_supported", "the other side doesn't support it")       \
  X(UNSUBSCRIBED, "terminated", "the subscription has ended")                  \
  X(NO_ANSWER, 0, "no answer came")                                            \
  X(ANSWERED, "answered", "it was answered already")                           \
  X(NO_PRACK, 0, "a reliable response was sent and no PRACK came")             \
  X(NO_ACK, 0, "the answer was sent and no ACK came within 64*T1")

typedef enum ss_failure_kind {
#define X(name, text) SS_KIND_##name,
  SS_FAILURE_KIND_MAP(X)
#undef X
} ss_failure_kind;

typedef enum ss_failure_reason {
#define X(name, api, text) SS_WHY_##name,
  SS_FAILURE_REASON_MAP(X)
#undef X
} ss_failure_reason;

typedef struct ss_failure {
  ss_failure_kind kind; /* SS_KIND_NONE: success */
  ss_failure_reason reason;
  int rc; /* of a CONNECTION_FAILURE, or SS_ENOMEM; else 0 */
} ss_failure;

#define SS_SUCCESS ((ss_failure){SS_KIND_NONE, SS_WHY_NONE, 0})

static inline ss_failure ss_failed(ss_failure_kind kind, ss_failure_reason why,
                                   int rc) {
  return (ss_failure){kind, why, rc};
}

const char *ss_failure_kind_name(ss_failure_kind kind);
const char *ss_failure_reason_name(ss_failure_reason reason); /* or NULL */
/* A sentence for a log line, in static storage. */
const char *ss_failure_text(const ss_failure *f);

#endif
