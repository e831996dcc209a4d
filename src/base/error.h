/* Error codes. Every function that can fail returns one int: 0, or a
 * negative code. libuv's codes (-errno on Unix) pass through unchanged; the
 * library's own start at -5001, below anything libuv uses. */
#ifndef SS_BASE_ERROR_H
#define SS_BASE_ERROR_H

#include <errno.h>

#define SS_ERROR_MAP(X)                                                        \
  X(SYNTAX, -5001, "malformed")                                                \
  X(LIMIT, -5002, "over a limit")                                              \
  X(STATE, -5003, "not possible in this state")                                \
  X(OWNED, -5004, "header is set by the stack")                                \
  X(TOKEN, -5005, "not a token")                                               \
  X(CONTROL, -5006, "contains a control character")                            \
  X(NOTFOUND, -5007, "not found")                                              \
  X(FULL, -5008, "buffer is full")                                             \
  X(CLOSED, -5009, "closed")                                                   \
  X(UNSUPPORTED, -5010, "not supported")

enum {
#define X(name, code, text) SS_E##name = code,
  SS_ERROR_MAP(X)
#undef X
      SS_ENOMEM = -ENOMEM,
  SS_EINVAL = -EINVAL
};

/* The text of a code, in static storage; also for -errno codes. */
const char *ss_strerror(int rc);

#endif
