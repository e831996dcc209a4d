/* What carries messages: a listener, datagram or stream, and the path that one
 * message came by. Over a stream the framer (net/frame.h) has cut the bytes
 * into messages already. Nothing here knows more of SIP than Content-Length.
 *
 * Ownership: who listens owns the transport and closes it; after
 * ss_transport_close no callback comes any more and the memory goes when the
 * driver is done with it. Connections are counted by reference; each path that
 * holds one counts. */
#ifndef SS_NET_TRANSPORT_H
#define SS_NET_TRANSPORT_H

#include "base/buf.h"
#include "net/loop.h"

typedef struct ss_conn ss_conn;

/* Where a message came from, and so where its answers go. */
typedef struct ss_path {
  ss_transport *transport;
  ss_conn *conn; /* NULL: datagrams */
  ss_addr peer;
} ss_path;

/* Why bytes were refused before anybody parsed them. */
typedef enum ss_refusal {
  SS_REFUSED_SIZE,       /* message or header section over its limit */
  SS_REFUSED_LENGTH,     /* stream: Content-Length missing, repeated or bad */
  SS_REFUSED_SLOW,       /* stream: incomplete for limits.message_time */
  SS_REFUSED_IDLE,       /* stream: silent for limits.connection_idle */
  SS_REFUSED_BACKLOG,    /* stream: the peer doesn't read */
  SS_REFUSED_CONNECTIONS /* listener: over limits.connections or
                            .connections_per_source, or no fd left */
} ss_refusal;

/* Whether a peer may connect. */
typedef enum ss_admission {
  SS_ADMIT,
  SS_ADMIT_BRIEFLY, /* to be told, in answer to a request made within
                       limits.message_time, that it may not: ss_path_dismiss */
  SS_ADMIT_NOT      /* closed at once; nothing else is told of it */
} ss_admission;

typedef struct ss_sink {
  /* One datagram, or one whole message cut from a stream. The bytes are the
   * transport's and valid during the call. */
  void (*message)(void *arg, const ss_path *path, const char *p, size_t n);
  /* Something was refused. For SIZE and LENGTH `head` is what there is of the
   * message (so that it may be answered with 400 or 413), else empty. A stream
   * is closed after this call, once what it was given to send has left. */
  void (*refused)(void *arg, const ss_path *path, ss_refusal why, ss_str head);
  /* Sent and received, for traces and counters; may be NULL. */
  void (*wire)(void *arg, bool out, const ss_addr *peer, const char *p,
               size_t n);
  /* A connection comes in over a listener; may be NULL: everybody's. Calls
   * nothing. */
  ss_admission (*admit)(void *arg, const ss_addr *peer);
  /* A datagram that was taken by ss_path_send did not leave: the peer can't be
   * reached, no room, too long. For counters; may be NULL. Calls nothing. */
  void (*unsent)(void *arg);
} ss_sink;

/* Told once when a connection is gone, or couldn't be made; before that it is
 * unlinked. Whoever waits for something over a connection watches it. Closing
 * the transport unlinks watches without telling them. */
typedef struct ss_watch {
  ss_list node;
  void (*lost)(struct ss_watch *watch, int rc);
} ss_watch;

/* Opens a listener on addr (port 0: a free one). -EADDRINUSE,
 * -EADDRNOTAVAIL, …: libuv's codes. */
int ss_transport_open(ss_loop *loop, const ss_addr *addr,
                      const ss_limits *limits, const ss_sink *sink, void *arg,
                      ss_transport **out);
/* What was sent before still goes out as far as the kernel takes it at once.
 * Any use of t or of a path over it ends here, but for ss_path_release,
 * ss_path_lost and ss_path_send (SS_ECLOSED) on a path with a connection. */
void ss_transport_close(ss_transport *t); /* NULL does nothing */
const ss_addr *ss_transport_local(const ss_transport *t); /* as bound */
static inline bool ss_proto_reliable(ss_proto p) {
  return p != SS_UDP;
}

/* Sends at the end of the batch; takes a reference of its own. A path with a
 * lost connection gives SS_ECLOSED (the caller decides about a new one), an
 * address that must not be sent to -EADDRNOTAVAIL, a full queue SS_EFULL (a
 * stream is then closed at the end of the batch, as BACKLOG). Calls nothing
 * but sink->wire. */
int ss_path_send(const ss_path *path, ss_packet *packet);
/* A path over `t` to `peer`: for a stream the connection to that very address
 * that is open already, or a new one (what is sent waits until it is made).
 * On success the caller owns a reference of path->conn. */
int ss_path_to(ss_transport *t, const ss_addr *peer, ss_path *path);
/* The address of this side of the path: the listener's, or where that is the
 * unspecified address, the one this path really has. */
void ss_path_local(const ss_path *path, ss_addr *local);

void ss_path_hold(ss_path *path);    /* takes a reference of conn, if any */
void ss_path_release(ss_path *path); /* gives it back, clears the path */
bool ss_path_lost(const ss_path *path);
/* A connection that was admitted briefly has had its answer: it is closed once
 * that has left. No-op for others. */
void ss_path_dismiss(const ss_path *path);
/* The peer has ended its side of the connection, or it is lost: answers may
 * still go over it, but a request of ours would not be answered. */
bool ss_path_ended(const ss_path *path);
/* No-op for datagrams, and for a connection that is lost already. */
void ss_path_watch(const ss_path *path, ss_watch *watch);
static inline void ss_watch_stop(ss_watch *watch) {
  ss_list_remove(&watch->node);
}

/* How many connections a stream listener has now; 0 for datagrams. */
size_t ss_transport_connections(const ss_transport *t);

#endif
