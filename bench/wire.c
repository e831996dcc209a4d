/* The load's transports: see wire.h. TCP is framed by Content-Length
 * (RFC 3261 18.3), in the long form, which is what the servers send. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define IN_SPACE 65536 /* what comes is at most so long */

typedef struct conn {
  char in[IN_SPACE];
  size_t n;
  char *out;
  size_t outs, room;
} conn;

static struct pollfd *fds;
static conn *conns; /* NULL: UDP */
static unsigned count;
static int own_port;

/* --- UDP ------------------------------------------------------------------ */

static char out[BATCH][WIRE_SPACE];
static size_t outs;
static struct mmsghdr out_msg[BATCH];
static struct iovec out_iov[BATCH];

static void flush_datagrams(void) {
  size_t at = 0;
  while (at < outs) {
    int n = sendmmsg(fds->fd, out_msg + at, (unsigned)(outs - at), 0);
    if (n > 0)
      at += (size_t)n;
    else if (errno == EAGAIN || errno == ENOBUFS)
      poll(&(struct pollfd){fds->fd, POLLOUT, 0}, 1, 1);
    else
      break; /* nobody listens: the repeats will say so */
  }
  outs = 0;
}

static void send_datagram(const char *text, size_t n) {
  memcpy(out[outs], text, n);
  out_iov[outs] = (struct iovec){out[outs], n};
  out_msg[outs].msg_hdr =
      (struct msghdr){.msg_iov = &out_iov[outs], .msg_iovlen = 1};
  if (++outs == BATCH)
    flush_datagrams();
}

static void receive_datagrams(void (*on_message)(const char *)) {
  static char in[BATCH][WIRE_SPACE * 2];
  struct mmsghdr msg[BATCH];
  struct iovec iov[BATCH];
  int n;
  do {
    for (int i = 0; i < BATCH; i++) {
      iov[i] = (struct iovec){in[i], sizeof in[i] - 1};
      msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    n = recvmmsg(fds->fd, msg, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
      in[i][msg[i].msg_len] = '\0';
      on_message(in[i]);
    }
  } while (n == BATCH);
}

/* --- TCP ------------------------------------------------------------------ */

static void flush_over(conn *c, int fd) {
  size_t at = 0;
  ssize_t n;
  while (at < c->outs &&
         (n = send(fd, c->out + at, c->outs - at, MSG_NOSIGNAL)) > 0)
    at += (size_t)n;
  memmove(c->out, c->out + at, c->outs - at);
  c->outs -= at;
}

static void send_over(conn *c, const char *text, size_t n) {
  if (c->outs + n > c->room) {
    c->room = 2 * c->room + WIRE_SPACE;
    c->out = realloc(c->out, c->room);
    if (!c->out)
      abort();
  }
  memcpy(c->out + c->outs, text, n);
  c->outs += n;
}

/* The length of the message at the start of text; 0: not all of it is here. */
static size_t whole(const char *text, size_t n) {
  const char *end = strstr(text, "\r\n\r\n");
  const char *length = end ? strstr(text, "\r\nContent-Length:") : NULL;
  size_t all = end ? (size_t)(end - text) + 4 : n + 1;
  if (length && length < end)
    all += strtoul(length + 17, NULL, 10);
  return all <= n ? all : 0;
}

static void receive_over(conn *c, struct pollfd *p,
                         void (*on_message)(const char *)) {
  ssize_t got = read(p->fd, c->in + c->n, sizeof c->in - 1 - c->n);
  if (got == 0 || (got < 0 && errno != EAGAIN)) {
    close(p->fd);
    p->fd = -1; /* its calls fail */
  }
  if (got <= 0)
    return;
  c->n += (size_t)got;
  c->in[c->n] = '\0';
  size_t at = 0, n;
  while ((n = whole(c->in + at, c->n - at)) > 0) {
    char next = c->in[at + n];
    c->in[at + n] = '\0';
    on_message(c->in + at);
    at += n;
    c->in[at] = next;
  }
  memmove(c->in, c->in + at, c->n - at);
  c->n -= at;
}

/* --- either --------------------------------------------------------------- */

static bool open_one(struct pollfd *p, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  int room = 8 << 20, on = 1;
  int fd =
      socket(AF_INET, (conns ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      getsockname(fd, (struct sockaddr *)&a, &size) != 0)
    return false;
  if (!own_port)
    own_port = ntohs(a.sin_port);
  if (conns)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  a.sin_port = htons((uint16_t)port);
  *p = (struct pollfd){fd, POLLIN, 0};
  return connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
         fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

bool wire_open(int port, unsigned connections) {
  count = connections ? connections : 1;
  fds = calloc(count, sizeof *fds);
  conns = connections ? calloc(count, sizeof *conns) : NULL;
  if (!fds || (connections && !conns))
    return false;
  for (unsigned i = 0; i < count; i++)
    if (!open_one(&fds[i], port))
      return false;
  return true;
}

int wire_port(void) {
  return own_port;
}

void wire_send(size_t call, const char *text, size_t n) {
  if (conns)
    send_over(&conns[call % count], text, n);
  else
    send_datagram(text, n);
}

void wire_flush(void) {
  if (!conns)
    flush_datagrams();
  for (unsigned i = 0; conns && i < count; i++)
    if (conns[i].outs)
      flush_over(&conns[i], fds[i].fd);
}

void wire_receive(void (*on_message)(const char *text)) {
  if (!conns) {
    receive_datagrams(on_message);
    return;
  }
  poll(fds, count, 0);
  for (unsigned i = 0; i < count; i++)
    if (fds[i].revents)
      receive_over(&conns[i], &fds[i], on_message);
}

void wire_wait(int ms) {
  poll(fds, count, ms);
}
