/* Stream connections over TCP. libuv only watches the sockets (uv_poll):
 * reading, writing and accepting is done here, since libuv's own streams write
 * without MSG_NOSIGNAL, and close what they accept in silence, or spin, when
 * there is no fd left. The listener is in listener.c. */
#include "net/tcp.h"
#include "base/alloc.h"
#include "base/error.h"
#include <netinet/tcp.h>
#include <unistd.h>

#define PIECES 64 /* in one system call */
#define READS 4   /* of one connection in one turn */
#define READ_SIZE 65536
#define LINGER_MS 2000 /* for the peer to read our last words */
#define LINGER_BYTES (256 << 10)

typedef struct tcp_conn {
  ss_conn base;
  uv_poll_t poll;
  int fd;
  int events;     /* what poll watches for */
  bool blocked;   /* the socket takes no more */
  bool lingering; /* our side is shut; reads and forgets */
  bool quiet;     /* half-closed, and not watched for resets any more */
  size_t lingered;
} tcp_conn;

static tcp_conn *of(ss_conn *c) {
  return SS_CONTAINER(c, tcp_conn, base);
}

static void ready(uv_poll_t *poll, int status, int events);

static void watch(tcp_conn *tc) {
  ss_conn *c = &tc->base;
  int events = 0;
  if (tc->fd < 0)
    return;
  if (tc->lingering || (c->state == SS_CONN_OPEN && !c->eof))
    events |= UV_READABLE;
  if (c->state == SS_CONN_CONNECTING || tc->blocked)
    events |= UV_WRITABLE;
  if (c->state == SS_CONN_OPEN && c->eof && !tc->quiet)
    events |= UV_PRIORITIZED;
  if (events == tc->events)
    return;
  tc->events = events;
  if (events)
    uv_poll_start(&tc->poll, events, ready);
  else
    uv_poll_stop(&tc->poll);
}

static void closed(uv_handle_t *handle) {
  ss_conn_unref(&SS_CONTAINER(handle, tcp_conn, poll)->base);
}

static void close_now(tcp_conn *tc) {
  if (tc->fd < 0)
    return;
  ss_loop_timer_stop(tc->base.t->loop, &tc->base.idle);
  uv_close((uv_handle_t *)&tc->poll, closed);
  close(tc->fd);
  tc->fd = -1;
  ss_conn_gone(&tc->base);
}

static void lingered_enough(ss_timer *timer) {
  close_now(of(SS_CONTAINER(timer, ss_conn, idle)));
}

/* Closing a socket with unread bytes resets the connection, and the peer may
 * lose what it has not read yet: so shut our side and wait for its end. */
static void conn_close(ss_conn *c, bool graceful) {
  tcp_conn *tc = of(c);
  if (!graceful || c->eof || shutdown(tc->fd, SHUT_WR) != 0) {
    close_now(tc);
    return;
  }
  tc->lingering = true;
  tc->blocked = false;
  c->idle.fn = lingered_enough;
  ss_loop_timer(c->t->loop, &c->idle, LINGER_MS);
  watch(tc);
}

static void conn_flush(ss_conn *c) {
  tcp_conn *tc = of(c);
  struct iovec iov[PIECES];
  tc->blocked = false;
  while (c->state != SS_CONN_LOST) {
    struct msghdr msg = {.msg_iov = iov};
    ssize_t n;
    msg.msg_iovlen = (size_t)ss_conn_gather(c, iov, PIECES);
    if (msg.msg_iovlen == 0) {
      ss_conn_drained(c);
      break;
    }
    n = sendmsg(tc->fd, &msg, MSG_NOSIGNAL);
    if (n >= 0) {
      ss_conn_wrote(c, (size_t)n);
    } else if (errno == EAGAIN) {
      tc->blocked = true;
      break;
    } else if (errno != EINTR) {
      ss_conn_lose(c, -errno);
    }
  }
  watch(tc);
}

static const ss_conn_ops conn_ops = {.flush = conn_flush, .close = conn_close};

static void read_some(tcp_conn *tc) {
  ss_conn *c = &tc->base;
  char *buffer = ss_uvloop_of(c->t->loop)->buffer;
  for (int i = 0; i < READS && tc->fd >= 0; i++) {
    ssize_t n = recv(tc->fd, buffer, READ_SIZE, 0);
    if (n > 0 && tc->lingering) {
      tc->lingered += (size_t)n;
      if (tc->lingered > LINGER_BYTES)
        close_now(tc);
    } else if (n > 0) {
      ss_conn_bytes(c, buffer, (size_t)n);
      if (c->state != SS_CONN_OPEN)
        break;
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      break;
    } else if (tc->lingering) {
      close_now(tc);
    } else if (n == 0) {
      ss_conn_eof(c);
      break;
    } else {
      ss_conn_lose(c, -errno);
    }
    if (n < READ_SIZE)
      break;
  }
}

static int socket_error(int fd) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
    return -errno;
  return -error;
}

/* libuv reports an error of the socket as a status and stops watching. */
static void failed(tcp_conn *tc) {
  int rc = socket_error(tc->fd);
  tc->events = 0;
  if (tc->lingering)
    close_now(tc);
  else
    ss_conn_lose(&tc->base, rc != 0 ? rc : -ECONNRESET);
}

/* A peer that has ended its side is not read any more, but that it closed
 * altogether, and has reset what was written since, must be known: then the
 * answer goes over a new connection (RFC 3261 18.2.2). libuv reports an error
 * only to whoever watches for something; that is urgent data, of which there
 * can be none now. Were there any, it would be reported without end. */
static void half_closed(tcp_conn *tc) {
  int rc = socket_error(tc->fd);
  if (rc != 0)
    ss_conn_lose(&tc->base, rc);
  else
    tc->quiet = true;
}

static void ready(uv_poll_t *poll, int status, int events) {
  tcp_conn *tc = SS_CONTAINER(poll, tcp_conn, poll);
  ss_conn *c = &tc->base;
  ss_conn_ref(c);
  ss_uvloop_enter(c->t->loop);
  if (status < 0) {
    failed(tc);
  } else if (c->state == SS_CONN_CONNECTING) {
    int rc = socket_error(tc->fd);
    if (rc != 0)
      ss_conn_lose(c, rc);
    else
      ss_conn_opened(c);
  } else {
    if (events & UV_PRIORITIZED)
      half_closed(tc);
    if (events & UV_READABLE)
      read_some(tc);
    if ((events & UV_WRITABLE) && tc->fd >= 0 && c->state != SS_CONN_LOST)
      conn_flush(c);
  }
  watch(tc);
  ss_conn_unref(c);
}

int ss_tcp_adopt(ss_transport *t, int fd, const ss_addr *peer, bool connecting,
                 ss_conn **out) {
  tcp_conn *tc = ss_alloc(sizeof *tc);
  int rc = SS_ENOMEM, on = 1;
  if (tc)
    rc = uv_poll_init(&ss_uvloop_of(t->loop)->uv, &tc->poll, fd);
  if (rc != 0) {
    ss_free(tc);
    close(fd);
    return rc;
  }
  tc->fd = fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ss_conn_init(&tc->base, &conn_ops, t, peer,
               connecting ? SS_CONN_CONNECTING : SS_CONN_OPEN);
  watch(tc);
  if (out)
    *out = &tc->base;
  return 0;
}

int ss_tcp_connect(ss_transport *t, const ss_addr *peer, ss_conn **out) {
  int family = peer->u.sa.sa_family, on = 1, rc = 0;
  ss_addr from = t->local;
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  if (!ss_addr_is_any(&from)) { /* from the address that peers know */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ss_addr_set_port(&from, 0);
    if (bind(fd, &from.u.sa, ss_addr_len(&from)) != 0)
      rc = -errno;
  }
  if (rc == 0 && connect(fd, &peer->u.sa, ss_addr_len(peer)) != 0 &&
      errno != EINPROGRESS)
    rc = -errno;
  if (rc != 0) {
    close(fd);
    return rc;
  }
  return ss_tcp_adopt(t, fd, peer, true, out);
}

void ss_tcp_local(ss_transport *t, const ss_path *path, ss_addr *local) {
  ss_addr found = t->local;
  socklen_t len = sizeof found.u;
  tcp_conn *tc = path->conn ? of(path->conn) : NULL;
  if (tc && tc->fd >= 0 && getsockname(tc->fd, &found.u.sa, &len) == 0) {
    ss_addr_set_port(&found, ss_addr_port(&t->local));
    *local = found;
  } else {
    ss_udp_route(&path->peer, local);
  }
}
