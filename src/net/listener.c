/* The TCP listener. Over limits.connections, and with no fd left, connections
 * are taken and closed at once, counted as refused: for the latter there is a
 * spare fd. Where even that is lost, it stops listening for a moment. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/tcp.h"
#include <fcntl.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTS 256 /* in one turn */
#define PAUSE_MS 100

typedef struct listener {
  ss_transport base;
  uv_poll_t poll;
  int fd, spare;
  ss_timer pause;
} listener;

static listener *of(ss_transport *t) {
  return SS_CONTAINER(t, listener, base);
}

static int open_spare(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int take(listener *l, ss_addr *peer) {
  ss_addr from = {.proto = SS_TCP};
  socklen_t len = sizeof from.u;
  int fd = accept4(l->fd, &from.u.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
  *peer = from;
  return fd >= 0 ? fd : -errno;
}

static void incoming(uv_poll_t *poll, int status, int events);

static void resume(ss_timer *timer) {
  listener *l = SS_CONTAINER(timer, listener, pause);
  if (l->spare < 0)
    l->spare = open_spare();
  uv_poll_start(&l->poll, UV_READABLE, incoming);
}

static void pause_accepting(listener *l) {
  uv_poll_stop(&l->poll);
  ss_loop_timer(l->base.loop, &l->pause, PAUSE_MS);
}

/* No fd is left: false when it has to wait. */
static bool refuse_with_spare(listener *l) {
  ss_addr peer;
  int fd;
  if (l->spare < 0)
    return false;
  close(l->spare);
  fd = take(l, &peer);
  if (fd >= 0)
    close(fd);
  l->spare = open_spare();
  if (fd >= 0)
    ss_transport_refused(&l->base, NULL, &peer, SS_REFUSED_CONNECTIONS,
                         SS_STR_NONE);
  return fd >= 0;
}

static void admit(ss_transport *t, int fd, const ss_addr *peer) {
  ss_admission how = ss_transport_admission(t, peer);
  ss_conn *c;
  if (how == SS_ADMIT_NOT)
    close(fd);
  else if (ss_tcp_adopt(t, fd, peer, false, &c) != 0)
    ss_transport_refused(t, NULL, peer, SS_REFUSED_CONNECTIONS, SS_STR_NONE);
  else if (how == SS_ADMIT_BRIEFLY)
    ss_conn_brief(c);
}

/* Takes one connection; false when there is none, or it has to wait. */
static bool accept_one(listener *l) {
  ss_transport *t = &l->base;
  ss_addr peer;
  int fd = take(l, &peer);
  if (fd >= 0) {
    if (ss_transport_full(t, &peer))
      close(fd);
    else
      admit(t, fd, &peer);
    return true;
  }
  switch (-fd) {
  case EAGAIN:
    return false;
  case EMFILE:
  case ENFILE:
    if (refuse_with_spare(l))
      return true;
    if (!t->closed)
      pause_accepting(l);
    return false;
  case ENOBUFS:
  case ENOMEM:
  case EBADF:
  case EINVAL:
    pause_accepting(l);
    return false;
  default:
    return true; /* accept(2): an error of that connection; go on */
  }
}

static void incoming(uv_poll_t *poll, int status, int events) {
  listener *l = SS_CONTAINER(poll, listener, poll);
  (void)events;
  ss_uvloop_enter(l->base.loop);
  if (status < 0) {
    pause_accepting(l);
    return;
  }
  for (int i = 0; i < ACCEPTS && !l->base.closed; i++)
    if (!accept_one(l))
      break;
}

static void closed(uv_handle_t *handle) {
  listener *l = SS_CONTAINER(handle, listener, poll);
  ss_transport_fini(&l->base);
  ss_free(l);
}

static void listener_close(ss_transport *t) {
  listener *l = of(t);
  ss_conn_close_all(t);
  ss_loop_timer_stop(t->loop, &l->pause);
  uv_close((uv_handle_t *)&l->poll, closed);
  close(l->fd);
  if (l->spare >= 0)
    close(l->spare);
}

/* A listening socket, or a negative code; *local becomes what it is bound to.
 */
static int make_socket(ss_addr *local) {
  int family = local->u.sa.sa_family, on = 1, rc = 0;
  socklen_t len = sizeof local->u;
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -errno;
  if (family == AF_INET6 &&
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
    rc = -errno;
  if (rc == 0 &&
      (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
       bind(fd, &local->u.sa, ss_addr_len(local)) != 0 ||
       listen(fd, BACKLOG) != 0 || getsockname(fd, &local->u.sa, &len) != 0))
    rc = -errno;
  if (rc == 0)
    return fd;
  close(fd);
  return rc;
}

int ss_tcp_listen(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                  const ss_sink *sink, void *arg, ss_transport **out) {
  static const ss_transport_ops ops = {.close = listener_close,
                                       .connect = ss_tcp_connect,
                                       .local = ss_tcp_local};
  ss_addr local = *addr;
  listener *l = ss_alloc(sizeof *l);
  int rc;
  if (!l)
    return SS_ENOMEM;
  l->pause.fn = resume;
  l->spare = -1;
  rc = l->fd = make_socket(&local);
  if (l->fd < 0)
    goto fail;
  rc = ss_transport_init(&l->base, &ops, loop, &local, limits, sink, arg);
  if (rc != 0)
    goto fail;
  rc = uv_poll_init(&ss_uvloop_of(loop)->uv, &l->poll, l->fd);
  if (rc != 0)
    goto fail;
  l->spare = open_spare();
  uv_poll_start(&l->poll, UV_READABLE, incoming);
  *out = &l->base;
  return 0;
fail:
  if (l->fd >= 0)
    close(l->fd);
  ss_transport_fini(&l->base);
  ss_free(l);
  return rc;
}
