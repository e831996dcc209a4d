/* The in-memory network: a loop with a virtual clock, and transports that are
 * queues of that loop. Datagrams and stream segments are delivered after
 * `delay`, and a seed decides about loss, duplication and reordering of
 * datagrams (streams are never impaired but for the delay). Below the
 * transports nothing is real; above them everything is.
 *
 * Peers are addresses somebody scripts. A stream peer's connection is made at
 * its first send, and what it receives has been framed. */
#ifndef SS_NET_MEMORY_H
#define SS_NET_MEMORY_H

#include "net/transport.h"

typedef struct ss_memory ss_memory; /* is a ss_loop: see ss_memory_loop */
typedef struct ss_mpeer ss_mpeer;

typedef struct ss_impair {
  double loss, duplicate, reorder; /* 0..1 */
  uint32_t delay_ms;
} ss_impair;

/* They may do anything but run or close the network: what a transport sends
 * leaves at the end of the batch, and they are called then. */
typedef struct ss_memory_hooks {
  /* Asked for every message as it leaves, whoever sends it: true loses it. */
  bool (*drop)(void *arg, const ss_addr *from, const ss_addr *to, ss_str text);
  /* Told of every message as it leaves, after `drop`; lost says its fate. */
  void (*sent)(void *arg, uint64_t now, const ss_addr *from, const ss_addr *to,
               ss_str text, bool lost);
} ss_memory_hooks;

typedef struct ss_mpeer_handler {
  void (*message)(void *arg, const ss_addr *from, ss_str text);
  void (*closed)(void *arg, const ss_addr *from); /* stream: the other end */
} ss_mpeer_handler;

int ss_memory_open(ss_memory **out, uint64_t seed);
ss_loop *ss_memory_loop(ss_memory *m);
void ss_memory_set_hooks(ss_memory *m, const ss_memory_hooks *hooks, void *arg);
void ss_memory_set_impair(ss_memory *m, const ss_impair *impair);

/* -EADDRINUSE when somebody has that address. Stream peers also accept. */
int ss_mpeer_open(ss_memory *m, const ss_addr *addr,
                  const ss_mpeer_handler *handler, void *arg, ss_mpeer **out);
/* Bytes as they are; over a stream they need not be whole messages.
 * -ECONNREFUSED: a stream to where nobody listens. */
int ss_mpeer_send(ss_mpeer *p, const ss_addr *to, ss_str bytes);
/* Ends the stream to `to`; everything sent before still arrives. */
void ss_mpeer_shut(ss_mpeer *p, const ss_addr *to);
void ss_mpeer_close(ss_mpeer *p);

/* Runs the next thing that is due, if it is due by `until` (ms), as one batch
 * with all else that is due at that millisecond; time moves there. False: there
 * was nothing, and the time is now `until` (unless that is UINT64_MAX); or a
 * turn is on, inside which no other can begin. */
bool ss_memory_step(ss_memory *m, uint64_t until);
/* What transports have sent leaves now, not at the end of the batch. Does
 * nothing in a hook that is called for such a message. */
void ss_memory_flush(ss_memory *m);
size_t ss_memory_in_flight(const ss_memory *m); /* undelivered messages */

#endif
