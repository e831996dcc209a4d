/* The loop over libuv, for its own drivers only: uvloop.c, udp.c, tcp.c. */
#ifndef SS_NET_UVLOOP_H
#define SS_NET_UVLOOP_H

#include "net/conn.h"
#include <uv.h>

/* More than any datagram, and no power of two: those of a batch would all lie
 * in the same few lines of a cache. */
#define SS_DATAGRAM_SPACE (65536 + 17 * 64)
#define SS_DATAGRAM_BATCH 32 /* read at once */

typedef struct ss_uvloop {
  ss_loop loop; /* must be first */
  uv_loop_t uv;
  uv_timer_t timer; /* under the wheel */
  uv_prepare_t prepare;
  uv_check_t check;
  uv_idle_t idle;       /* active: the next poll doesn't wait */
  uv_async_t interrupt; /* makes a poll return */
  uv_timer_t relief;
  uint64_t relief_due;
  size_t peak;       /* most timers at once since the last relief */
  size_t left;       /* when this one began */
  unsigned relieved; /* steps of this one; 0: there is none */
  size_t trimmed;    /* where ss_alloc_trim goes on; 0: it is through */
  bool rushed;       /* the last one left something of its rush */
  uint64_t armed;    /* what timer is set to, UINT64_MAX: not */
  int pollfd, timerfd;
  bool roused;  /* timerfd is due already */
  bool polling; /* inside uv_run */
  char buffer[SS_DATAGRAM_SPACE * SS_DATAGRAM_BATCH]; /* for whoever reads */
} ss_uvloop;

/* A callback of libuv begins: a turn is on, until its end. */
void ss_uvloop_enter(ss_loop *loop);
void ss_uvloop_end(ss_uvloop *u);
static inline ss_uvloop *ss_uvloop_of(const ss_loop *loop) {
  return SS_CONTAINER(loop, ss_uvloop, loop);
}

/* relief.c */
void ss_uvloop_relief_init(ss_uvloop *u);
/* At the end of each turn, and before the poll. */
void ss_uvloop_relief_look(ss_uvloop *u);

int ss_udp_listen(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                  const ss_sink *sink, void *arg, ss_transport **out);
int ss_tcp_listen(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                  const ss_sink *sink, void *arg, ss_transport **out);
/* The address the kernel would send from towards peer (its IP; the port is
 * left alone). */
int ss_udp_route(const ss_addr *peer, ss_addr *local);

#endif
