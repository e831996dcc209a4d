/* The inside of the in-memory network, for its own files only: memory.c (the
 * loop and the wire), mlink.c (streams), mpeer.c (scripted peers). */
#ifndef SS_NET_MNET_H
#define SS_NET_MNET_H

#include "net/conn.h"
#include "net/memory.h"

typedef struct ss_mlink ss_mlink;
typedef struct ss_mstream ss_mstream;

/* Memory that callbacks up the stack may still use: freed after the step. */
typedef struct ss_mtrash {
  ss_list node;
  void (*free)(struct ss_mtrash *trash);
} ss_mtrash;

/* Who has an address: one of the two. */
typedef struct ss_mport {
  ss_hnode node;
  ss_addr addr;
  ss_transport *transport;
  ss_mpeer *peer;
} ss_mport;

/* Something on its way: it may stand in the outbox, then is a timer of the
 * wire. With a link it counts as a reference of that and lies in its memory or,
 * with a packet, on its own. */
typedef struct ss_mevent {
  ss_timer timer;
  ss_list all; /* in m->outbox or m->events */
  ss_memory *m;
  ss_addr from, to;  /* datagrams */
  ss_packet *packet; /* datagrams and stream bytes */
  ss_mlink *link;    /* streams, */
  int side;          /* and the side where it arrives */
} ss_mevent;

struct ss_memory {
  ss_loop loop; /* must be first */
  ss_wheel wire;
  ss_hash ports;
  ss_list outbox; /* what transports have sent in this batch, in order */
  ss_job flush;
  bool leaving; /* inside that job */
  ss_list events, trash, peers;
  ss_impair impair;
  ss_memory_hooks hooks;
  void *arg;
  uint64_t random;
  size_t in_flight;
  uint16_t free_port;
};

/* memory.c */
int ss_mnet_bind(ss_memory *m, ss_mport *port);
ss_mport *ss_mnet_find(const ss_memory *m, const ss_addr *addr);
void ss_mnet_trash(ss_memory *m, ss_mtrash *trash);
/* Asks and tells the hooks about one message; true: it is lost. Not in the
 * middle of who sends it: see ss_memory_hooks. */
bool ss_mnet_lost(ss_memory *m, const ss_addr *from, const ss_addr *to,
                  ss_str text, bool lost);
/* What a transport sends: it leaves at the end of the batch. */
void ss_mnet_queue(ss_memory *m, ss_mevent *e);
void ss_mnet_post(ss_memory *m, ss_mevent *e, ss_timer_fn fn, uint64_t delay);
/* Takes the event off the wire; then gives back what it holds. */
void ss_mnet_took(ss_mevent *e);
void ss_mnet_release(ss_mevent *e);
/* What a peer sends: it leaves at once. */
int ss_mnet_datagram(ss_memory *m, const ss_addr *from, const ss_addr *to,
                     ss_packet *packet);

/* mlink.c */
int ss_mlink_listen(ss_memory *m, const ss_addr *addr, const ss_limits *limits,
                    const ss_sink *sink, void *arg, ss_transport **out);
/* A link from the peer's stream to whoever has the address. */
int ss_mlink_from_peer(ss_mstream *s, const ss_addr *to);
/* What a peer sends: it leaves at once. */
int ss_mlink_send(ss_mlink *link, int to_side, ss_packet *packet);
/* Bytes or an end of the outbox. */
void ss_mlink_leaves(ss_mevent *e);
/* Ends what goes to that side, after all that was sent before. */
void ss_mlink_end(ss_mlink *link, int to_side);
/* The end on that side is gone; gives its reference back. */
void ss_mlink_detach(ss_mlink *link, int side);
const ss_addr *ss_mlink_addr(const ss_mlink *link, int side);
void ss_mlink_unref(ss_mlink *link);

/* mpeer.c: a scripted peer, and the end of a stream that it holds. */
struct ss_mpeer {
  ss_memory *m;
  ss_mport port;
  ss_list node; /* in m->peers */
  ss_mtrash trash;
  ss_mpeer_handler handler;
  void *arg;
  ss_list streams;
};

struct ss_mstream {
  ss_list node; /* in the peer's streams */
  ss_mtrash trash;
  ss_mpeer *peer; /* NULL: closed */
  ss_mlink *link;
  int side;
  ss_frame frame;
  bool shut; /* by the peer: only receives */
};

ss_mstream *ss_mstream_new(ss_mpeer *p);
void ss_mstream_close(ss_mstream *s);
void ss_mstream_bytes(ss_mstream *s, ss_str bytes);
void ss_mstream_ended(ss_mstream *s); /* tells the peer, and closes */

#endif
