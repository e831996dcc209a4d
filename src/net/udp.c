/* Datagrams: read with recvmmsg(2) when libuv says that there are some, and
 * written at the end of a batch with sendmmsg(2). libuv only watches the
 * socket: its own reading asks once more each time, to be told that there is
 * nothing, which at one datagram a wake-up is a fifth of what a call costs in
 * system calls. Errors of one datagram lose that datagram and nothing else. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/uvloop.h"
#include <linux/sock_diag.h>
#include <unistd.h>

#define SEND_BATCH 64
#define QUEUE_MAX 65536 /* datagrams waiting */
#define SOCKET_BUFFER (4 << 20)

typedef struct udp_out {
  ss_addr to;
  ss_packet *packet;
} udp_out;

typedef struct udp {
  ss_transport base;
  uv_poll_t poll;
  int fd;
  bool full;    /* the kernel takes no more; it is watched for room */
  bool backlog; /* many have piled up, and some of them are there still */
  ss_job flush;
  udp_out *out; /* a ring */
  size_t first, count, size;
  ss_addr route_peer, route_local; /* the last answer of ss_udp_route */
} udp;

static udp *of(const ss_transport *t) {
  return SS_CONTAINER(t, udp, base);
}

static udp_out *at(const udp *u, size_t i) {
  return &u->out[(u->first + i) & (u->size - 1)];
}

static void drop(udp *u, size_t n) {
  for (; n; n--) {
    ss_packet_unref(at(u, 0)->packet);
    u->first = (u->first + 1) & (u->size - 1);
    u->count--;
  }
}

static int grow(udp *u) {
  size_t size = u->size ? u->size * 2 : SEND_BATCH;
  udp_out *out;
  if (u->count == QUEUE_MAX)
    return SS_EFULL;
  out = ss_realloc(NULL, size * sizeof *out);
  if (!out)
    return SS_ENOMEM;
  for (size_t i = 0; i < u->count; i++)
    out[i] = *at(u, i);
  ss_free(u->out);
  u->out = out;
  u->size = size;
  u->first = 0;
  return 0;
}

static int udp_send(ss_transport *t, const ss_addr *peer, ss_packet *packet) {
  udp *u = of(t);
  int rc = u->count == u->size ? grow(u) : 0;
  if (rc != 0)
    return rc;
  *at(u, u->count++) = (udp_out){*peer, ss_packet_ref(packet)};
  if (!u->full)
    ss_loop_flush_later(t->loop, &u->flush);
  return 0;
}

/* How many of the first 64 went out, or a negative code. */
static int send_some(udp *u) {
  struct mmsghdr msg[SEND_BATCH];
  struct iovec iov[SEND_BATCH];
  unsigned n = u->count < SEND_BATCH ? (unsigned)u->count : SEND_BATCH;
  int sent;
  for (unsigned i = 0; i < n; i++) {
    udp_out *out = at(u, i);
    iov[i] = (struct iovec){out->packet->p, out->packet->n};
    msg[i] = (struct mmsghdr){
        .msg_hdr = {.msg_name = &out->to.u.sa,
                    .msg_namelen = ss_addr_len(&out->to),
                    .msg_iov = &iov[i],
                    .msg_iovlen = 1},
    };
  }
  do
    sent = sendmmsg(u->fd, msg, n, 0);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

static void ready(uv_poll_t *poll, int status, int events);

/* Watches for datagrams, and for room where there was none. */
static int watch(udp *u, bool full) {
  u->full = full;
  return uv_poll_start(&u->poll, full ? UV_READABLE | UV_WRITABLE : UV_READABLE,
                       ready);
}

static void lose(udp *u) {
  drop(u, 1);
  if (u->base.sink.unsent)
    u->base.sink.unsent(u->base.arg);
}

static void flush(ss_job *job) {
  udp *u = SS_CONTAINER(job, udp, flush);
  while (u->count && !u->full) {
    int n = send_some(u);
    if (n > 0)
      drop(u, (size_t)n);
    else if (n != -EAGAIN || u->base.closed || watch(u, true) != 0)
      lose(u); /* unreachable, no room, too long …: this one only */
  }
}

static void take(udp *u, const struct mmsghdr *m, ss_addr *peer) {
  struct iovec *iov = m->msg_hdr.msg_iov;
  ss_str text = {iov->iov_base, m->msg_len};
  if (text.n == 0 || u->base.closed)
    return;
  peer->proto = SS_UDP;
  if (m->msg_hdr.msg_flags & MSG_TRUNC)
    ss_transport_refused(&u->base, NULL, peer, SS_REFUSED_SIZE, text);
  else
    ss_transport_received(&u->base, peer, text.p, text.n);
}

/* One batch; how many there were, or a negative code. */
static int receive_some(udp *u) {
  ss_uvloop *loop = ss_uvloop_of(u->base.loop);
  struct mmsghdr msg[SS_DATAGRAM_BATCH];
  struct iovec iov[SS_DATAGRAM_BATCH];
  ss_addr peer[SS_DATAGRAM_BATCH];
  int n;
  for (int i = 0; i < SS_DATAGRAM_BATCH; i++) {
    iov[i] = (struct iovec){loop->buffer + (size_t)i * SS_DATAGRAM_SPACE,
                            SS_DATAGRAM_SPACE};
    msg[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &peer[i].u,
                                          .msg_namelen = sizeof peer[i].u,
                                          .msg_iov = &iov[i],
                                          .msg_iovlen = 1}};
  }
  do
    n = recvmmsg(u->fd, msg, SS_DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
  while (n < 0 && errno == EINTR);
  for (int i = 0; i < n; i++)
    take(u, &msg[i], &peer[i]);
  return n < 0 ? -errno : n;
}

/* A turn reads so many batches, so that it is short, whatever has piled up:
 * timers and other sockets have theirs in between. */
#define BATCHES 2
#define LONG 200             /* ms that what is left would wait */
#define DATAGRAM_MEMORY 1280 /* bytes that the kernel takes for a usual one */

/* Whether what is left will wait for long, if turns go on as of late, or the
 * kernel will soon have no room for more. Of what it says is taken up to a
 * quarter of the room may have been read already. Turn after turn that leaves
 * some says nothing: it may be few, each time. */
static bool piled_up(const udp *u) {
  uint32_t memory[SK_MEMINFO_VARS];
  socklen_t size = sizeof memory;
  if (getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0)
    return true;
  uint64_t taken = memory[SK_MEMINFO_RMEM_ALLOC];
  uint64_t turns = taken / DATAGRAM_MEMORY / (BATCHES * SS_DATAGRAM_BATCH);
  return turns * u->base.loop->pace.usual4 / 4 > LONG ||
         taken > memory[SK_MEMINFO_RCVBUF] / 4 * 3;
}

/* The last batch was full, or not. */
static void note(udp *u, bool left) {
  ss_pace *pace = &u->base.loop->pace;
  u->backlog = left && (u->backlog || piled_up(u));
  pace->left |= left;
  pace->backlog |= u->backlog;
}

static void ready(uv_poll_t *poll, int status, int events) {
  udp *u = SS_CONTAINER(poll, udp, poll);
  int error, n = SS_DATAGRAM_BATCH;
  socklen_t size = sizeof error;
  ss_uvloop_enter(u->base.loop);
  if (status < 0) { /* an error of the socket, which libuv stops at: read off */
    getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    watch(u, u->full);
    return;
  }
  if (events & UV_WRITABLE) {
    watch(u, false);
    ss_loop_flush_later(u->base.loop, &u->flush);
  }
  if (!(events & UV_READABLE))
    return;
  for (int i = 0; i < BATCHES && n == SS_DATAGRAM_BATCH; i++)
    n = u->base.closed ? 0 : receive_some(u);
  note(u, n == SS_DATAGRAM_BATCH);
}

static void closed(uv_handle_t *handle) {
  udp *u = SS_CONTAINER(handle, udp, poll);
  ss_transport_fini(&u->base);
  ss_free(u->out);
  ss_free(u);
}

static void udp_close(ss_transport *t) {
  udp *u = of(t);
  ss_job_cancel(&u->flush);
  flush(&u->flush);
  drop(u, u->count);
  uv_close((uv_handle_t *)&u->poll, closed);
  close(u->fd); /* libuv has let go of it */
}

int ss_udp_route(const ss_addr *peer, ss_addr *local) {
  ss_addr found = *local;
  socklen_t len = sizeof found.u;
  int fd, rc = 0;
  fd = socket(peer->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  if (connect(fd, &peer->u.sa, ss_addr_len(peer)) != 0 ||
      getsockname(fd, &found.u.sa, &len) != 0)
    rc = -errno;
  close(fd);
  if (rc == 0) {
    ss_addr_set_port(&found, ss_addr_port(local));
    *local = found;
  }
  return rc;
}

static void udp_local(ss_transport *t, const ss_path *path, ss_addr *local) {
  udp *u = of(t);
  if (u->route_peer.u.sa.sa_family == 0 ||
      !ss_addr_same_ip(&u->route_peer, &path->peer)) {
    u->route_local = t->local;
    if (ss_udp_route(&path->peer, &u->route_local) != 0)
      return;
    u->route_peer = path->peer;
  }
  *local = u->route_local;
}

/* Best effort; the forced one is for root and not bounded by rmem_max. */
static void enlarge(int fd) {
  int size = SOCKET_BUFFER;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int bind_socket(udp *u, const ss_addr *addr) {
  ss_addr *local = &u->base.local;
  socklen_t len = sizeof local->u;
  int only = 1;
  u->fd = socket(addr->u.sa.sa_family,
                 SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (u->fd < 0)
    return -errno;
  if ((addr->u.sa.sa_family == AF_INET6 &&
       setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) != 0) ||
      bind(u->fd, &addr->u.sa, ss_addr_len(addr)) != 0 ||
      getsockname(u->fd, &local->u.sa, &len) != 0)
    return -errno;
  enlarge(u->fd);
  return 0;
}

int ss_udp_listen(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                  const ss_sink *sink, void *arg, ss_transport **out) {
  static const ss_transport_ops ops = {
      .close = udp_close, .send = udp_send, .local = udp_local};
  udp *u = ss_alloc(sizeof *u);
  int rc;
  if (!u)
    return SS_ENOMEM;
  u->fd = -1;
  u->flush.fn = flush;
  rc = ss_transport_init(&u->base, &ops, loop, addr, limits, sink, arg);
  if (rc == 0)
    rc = bind_socket(u, addr);
  if (rc == 0)
    rc = uv_poll_init(&ss_uvloop_of(loop)->uv, &u->poll, u->fd);
  if (rc != 0)
    goto fail;
  rc = watch(u, false);
  if (rc != 0) {
    u->base.closed = true;
    uv_close((uv_handle_t *)&u->poll, closed);
    close(u->fd);
    return rc;
  }
  *out = &u->base;
  return 0;
fail:
  if (u->fd >= 0)
    close(u->fd);
  ss_transport_fini(&u->base);
  ss_free(u);
  return rc;
}
