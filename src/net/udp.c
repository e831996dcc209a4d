/* Datagrams over libuv: read with recvmmsg(2) (libuv's UV_UDP_RECVMMSG), and
 * written at the end of a batch with sendmmsg(2) on the same socket. When that
 * is full one datagram is left to libuv, whose callback says that there is
 * room again. Errors of one datagram lose that datagram and nothing else. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/uvloop.h"
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
  uv_udp_t uv;
  uv_udp_send_t req; /* what is left to libuv */
  ss_packet *waiting;
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
  if (!u->waiting)
    ss_loop_flush_later(t->loop, &u->flush);
  return 0;
}

/* How many of the first 64 went out, or a negative code. */
static int send_some(udp *u) {
  struct mmsghdr msg[SEND_BATCH];
  struct iovec iov[SEND_BATCH];
  unsigned n = u->count < SEND_BATCH ? (unsigned)u->count : SEND_BATCH;
  uv_os_fd_t fd;
  int sent;
  if (uv_fileno((uv_handle_t *)&u->uv, &fd) != 0)
    return -EBADF;
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
    sent = sendmmsg(fd, msg, n, 0);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

static void room_again(uv_udp_send_t *req, int status);

/* Leaves the first datagram to libuv; the others wait for it. */
static void wait_for_room(udp *u) {
  udp_out first = *at(u, 0);
  uv_buf_t buf = uv_buf_init(first.packet->p, first.packet->n);
  ss_packet_ref(first.packet);
  drop(u, 1);
  if (uv_udp_send(&u->req, &u->uv, &buf, 1, &first.to.u.sa, room_again) == 0)
    u->waiting = first.packet;
  else
    ss_packet_unref(first.packet);
}

static void flush(ss_job *job) {
  udp *u = SS_CONTAINER(job, udp, flush);
  while (u->count && !u->waiting) {
    int n = send_some(u);
    if (n > 0)
      drop(u, (size_t)n);
    else if (n == -EAGAIN && !u->base.closed)
      wait_for_room(u);
    else
      drop(u, 1); /* unreachable, too long, forbidden …: this one only */
  }
}

static void room_again(uv_udp_send_t *req, int status) {
  udp *u = SS_CONTAINER(req, udp, req);
  (void)status;
  ss_packet_unref(u->waiting);
  u->waiting = NULL;
  if (u->base.closed)
    return;
  ss_uvloop_enter(u->base.loop);
  if (u->count)
    ss_loop_flush_later(u->base.loop, &u->flush);
}

static void lend(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  udp *u = SS_CONTAINER(handle, udp, uv);
  ss_uvloop *loop = ss_uvloop_of(u->base.loop);
  (void)suggested;
  *buf = uv_buf_init(loop->buffer, sizeof loop->buffer);
}

static void received(uv_udp_t *handle, ssize_t n, const uv_buf_t *buf,
                     const struct sockaddr *from, unsigned flags) {
  udp *u = SS_CONTAINER(handle, udp, uv);
  ss_addr peer;
  if (n <= 0 || !from || u->base.closed)
    return; /* an error of the socket, an empty datagram, or nothing more */
  ss_uvloop_enter(u->base.loop);
  ss_addr_from(&peer, SS_UDP, from);
  if (flags & UV_UDP_PARTIAL)
    ss_transport_refused(&u->base, NULL, &peer, SS_REFUSED_SIZE,
                         (ss_str){buf->base, (size_t)n});
  else
    ss_transport_received(&u->base, &peer, buf->base, (size_t)n);
}

static void closed(uv_handle_t *handle) {
  udp *u = SS_CONTAINER(handle, udp, uv);
  ss_transport_fini(&u->base);
  ss_free(u->out);
  ss_free(u);
}

static void udp_close(ss_transport *t) {
  udp *u = of(t);
  ss_job_cancel(&u->flush);
  flush(&u->flush);
  drop(u, u->count);
  uv_udp_recv_stop(&u->uv);
  uv_close((uv_handle_t *)&u->uv, closed);
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
static void enlarge(uv_udp_t *handle) {
  int size = SOCKET_BUFFER;
  uv_os_fd_t fd;
  if (uv_fileno((uv_handle_t *)handle, &fd) != 0)
    return;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int start(udp *u, const ss_addr *addr) {
  bool v6 = addr->u.sa.sa_family == AF_INET6;
  ss_addr *local = &u->base.local;
  int len = sizeof local->u;
  int rc = uv_udp_bind(&u->uv, &addr->u.sa, v6 ? UV_UDP_IPV6ONLY : 0);
  if (rc != 0)
    return rc;
  rc = uv_udp_getsockname(&u->uv, &local->u.sa, &len);
  if (rc != 0)
    return rc;
  enlarge(&u->uv);
  return uv_udp_recv_start(&u->uv, lend, received);
}

int ss_udp_listen(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                  const ss_sink *sink, void *arg, ss_transport **out) {
  static const ss_transport_ops ops = {
      .close = udp_close, .send = udp_send, .local = udp_local};
  udp *u = ss_alloc(sizeof *u);
  int rc;
  if (!u)
    return SS_ENOMEM;
  u->flush.fn = flush;
  rc = ss_transport_init(&u->base, &ops, loop, addr, limits, sink, arg);
  if (rc == 0)
    rc = uv_udp_init_ex(&ss_uvloop_of(loop)->uv, &u->uv,
                        addr->u.sa.sa_family | UV_UDP_RECVMMSG);
  if (rc != 0) {
    ss_transport_fini(&u->base);
    ss_free(u);
    return rc;
  }
  rc = start(u, addr);
  if (rc != 0) {
    u->base.closed = true;
    uv_close((uv_handle_t *)&u->uv, closed);
    return rc;
  }
  *out = &u->base;
  return 0;
}
