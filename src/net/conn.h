/* The inside of transports, for the drivers of this floor only: what every
 * transport has, and the part of a stream connection that does not depend on
 * what carries it (stream.c): framing, deadlines, the queue of what is to be
 * written, watchers, references. */
#ifndef SS_NET_CONN_H
#define SS_NET_CONN_H

#include "base/hash.h"
#include "net/frame.h"
#include "net/transport.h"
#include <sys/uio.h>

typedef struct ss_transport_ops {
  /* Frees the transport, now or when the driver is done with it. */
  void (*close)(ss_transport *t);
  int (*send)(ss_transport *t, const ss_addr *peer, ss_packet *packet);
  int (*connect)(ss_transport *t, const ss_addr *peer, ss_conn **out);
  /* Sets the IP of this side; called for the unspecified address only. */
  void (*local)(ss_transport *t, const ss_path *path, ss_addr *local);
} ss_transport_ops;

/* The first member of each driver's transport. */
struct ss_transport {
  const ss_transport_ops *ops;
  ss_loop *loop;
  ss_addr local;
  ss_limits limits;
  ss_sink sink;
  void *arg;
  bool closed;
  ss_hash by_peer; /* connections that new requests may use */
  ss_list conns;   /* all of them */
  ss_hash sources; /* of those that came in */
  size_t connections;
  ss_packet *pong; /* a CRLF (RFC 5626 4.4.1) */
};

/* Who has connected: an address, or a network (ss_addr_source). */
typedef struct ss_source {
  ss_hnode node; /* in t->sources */
  size_t connections;
} ss_source;

typedef struct ss_conn_ops {
  /* Writes what is queued, see ss_conn_gather. May lose the connection. */
  void (*flush)(ss_conn *c);
  /* Ends the connection. Gracefully: what is written must still reach a peer
   * that is sending. Sooner or later: ss_conn_gone, and unref. */
  void (*close)(ss_conn *c, bool graceful);
} ss_conn_ops;

typedef enum ss_conn_state {
  SS_CONN_CONNECTING,
  SS_CONN_OPEN,
  SS_CONN_DRAINING, /* refused: writes what it was given, reads nothing */
  SS_CONN_LOST
} ss_conn_state;

/* The first member of each driver's connection. */
struct ss_conn {
  const ss_conn_ops *ops;
  ss_transport *t; /* NULL once gone */
  ss_addr peer;
  ss_source *source; /* NULL: it is ours, or isn't counted */
  uint32_t refs;     /* the driver's, and each path's */
  ss_conn_state state;
  bool eof;      /* the peer has ended its side */
  bool overflow; /* over limits.connection_backlog */
  bool reading;  /* inside ss_conn_bytes */
  bool brief;    /* SS_ADMIT_BRIEFLY */
  ss_hnode node; /* in t->by_peer */
  ss_list all;   /* in t->conns */
  ss_list watchers;
  ss_timer deadline; /* to be connected, to complete a message, to drain */
  ss_timer idle;
  ss_frame frame;
  ss_job flush;
  ss_packet **out; /* a ring */
  size_t first, count, size;
  size_t written; /* bytes of the first packet */
  size_t backlog; /* bytes queued, with what a packet costs */
};

/* transport.c. init fails with SS_ENOMEM; fini may be called either way. */
int ss_transport_init(ss_transport *t, const ss_transport_ops *ops,
                      ss_loop *loop, const ss_addr *local,
                      const ss_limits *limits, const ss_sink *sink, void *arg);
void ss_transport_fini(ss_transport *t);
void ss_transport_received(ss_transport *t, const ss_addr *peer, const char *p,
                           size_t n); /* a datagram */
void ss_transport_refused(ss_transport *t, ss_conn *c, const ss_addr *peer,
                          ss_refusal why, ss_str head);
/* No more connections from there; it was told as refused. */
bool ss_transport_full(ss_transport *t, const ss_addr *peer);
ss_admission ss_transport_admission(ss_transport *t, const ss_addr *peer);
void ss_transport_wire(ss_transport *t, bool out, const ss_addr *peer,
                       const char *p, size_t n);

/* stream.c. The connection has one reference then, the driver's. */
void ss_conn_init(ss_conn *c, const ss_conn_ops *ops, ss_transport *t,
                  const ss_addr *peer, ss_conn_state state);
void ss_conn_opened(ss_conn *c);
/* It was admitted briefly; and has had its answer. */
void ss_conn_brief(ss_conn *c);
void ss_conn_dismiss(ss_conn *c);
/* Bytes have come, the peer's end has come, it is over (rc says why). Each may
 * call the sink and watchers, and so may end in the transport's closing: look
 * at c->state, not at c->t. */
void ss_conn_bytes(ss_conn *c, const char *p, size_t n);
void ss_conn_eof(ss_conn *c);
void ss_conn_lose(ss_conn *c, int rc);
/* The driver lets go of it: the transport doesn't know it any more. */
void ss_conn_gone(ss_conn *c);
/* Loses all connections of a transport that closes, telling nobody. */
void ss_conn_close_all(ss_transport *t);
/* Something went over it: it isn't idle. */
void ss_conn_touch(ss_conn *c);
/* The driver has written all there was: ends what only waited for that. */
void ss_conn_drained(ss_conn *c);
void ss_conn_ref(ss_conn *c);
void ss_conn_unref(ss_conn *c);

/* outbox.c. Queues; SS_EFULL means that it is going to be closed. */
int ss_conn_send(ss_conn *c, ss_packet *packet);
/* Up to `max` pieces of what is queued; and that n bytes of it are written. */
int ss_conn_gather(const ss_conn *c, struct iovec *iov, int max);
void ss_conn_wrote(ss_conn *c, size_t n);
void ss_conn_drop_all(ss_conn *c);

#endif
