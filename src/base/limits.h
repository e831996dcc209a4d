/* Every maximum of the library, in one table: name, default, the least that it
 * may be (0 is no limit), what it bounds. The names are those of the endpoint's
 * `limits` option; what goes over one is refused while that is cheap, and
 * counted. A source is an IPv4 address, or the first 64 bits of an IPv6 one. */
#ifndef SS_BASE_LIMITS_H
#define SS_BASE_LIMITS_H

#include <stddef.h>

#define SS_LIMITS_MAP(X)                                                       \
  X(message_size, 65535, 1)    /* bytes of one message, header and body */     \
  X(header_size, 16384, 1)     /* bytes of the header section */               \
  X(header_lines, 100, 1)      /* header fields */                             \
  X(header_separators, 256, 1) /* ; , & in one header value */                 \
  X(all_separators, 512, 1)    /* ; , & in the whole header section */         \
  X(vias, 70, 1)               /* Via values */                                \
  X(routes, 20, 1)             /* Route and Record-Route values, each */       \
  X(uri_length, 2048, 1)       /* bytes of the Request-URI */                  \
  X(sessions, 100000, 1)       /* live sessions */                             \
  X(dialog_requests, 64, 1)    /* requests of one call that a script has yet   \
                               to answer */                                    \
  X(pending_auth, 1000, 1)     /* requests whose user is being looked up */    \
  X(used_nonces, 100000, 1)    /* nonces whose counts are kept */              \
  X(transactions, 200000, 1)   /* transactions not yet ended */                \
  X(connections, 10000, 1)     /* TCP connections of one listener */           \
  X(connections_per_source, 1000, 1) /* of them, of one source */              \
  X(invites_per_source, 0, 0)        /* a second, of one source; 0: any */     \
  X(guesses_per_source, 20, 0)       /* wrong credentials a minute, of one     \
                                     source; 0: any */                         \
  X(provisional_time, 86400, 1)      /* seconds an INVITE may go unanswered */ \
  X(connection_backlog, 1048576, 1)  /* bytes waiting on one TCP connection */ \
  X(connection_idle, 600, 1)         /* seconds without a byte */              \
  X(message_time, 10, 1)             /* seconds for one message over TCP */

typedef struct ss_limits {
#define X(name, value, least) size_t name;
  SS_LIMITS_MAP(X)
#undef X
} ss_limits;

static inline void ss_limits_default(ss_limits *l) {
#define X(name, value, least) l->name = value;
  SS_LIMITS_MAP(X)
#undef X
}

#endif
