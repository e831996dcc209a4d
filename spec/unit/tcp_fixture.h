/* What the unit tests of TCP share: listeners that write down what they are
 * told, and raw sockets as their peers. Every wait has its end. */
#ifndef TCP_FIXTURE_H
#define TCP_FIXTURE_H

#include "net_fixture.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE "A b\r\nl: 2\r\n\r\nhi"

/* In front of the C library's: a socket that takes a few bytes now and then,
 * and a process that has no descriptor left, not even the spare one. */
static int choked, starved_for;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
  static int calls;
  assert_true(flags & MSG_NOSIGNAL);
  if (choked && ++calls % 3 == 0) {
    errno = EAGAIN;
    return -1;
  }
  if (choked) {
    struct iovec iov = msg->msg_iov[0];
    struct msghdr less = {.msg_iov = &iov, .msg_iovlen = 1};
    if (iov.iov_len > 250)
      iov.iov_len = 250;
    return syscall(SYS_sendmsg, fd, &less, flags);
  }
  return syscall(SYS_sendmsg, fd, msg, flags);
}

int accept4(int fd, struct sockaddr *restrict addr, socklen_t *restrict len,
            int flags) {
  if (starved_for > 0) {
    starved_for--;
    errno = EMFILE;
    return -1;
  }
  return (int)syscall(SYS_accept4, fd, addr, len, flags);
}

static ss_loop *loop;
static ss_limits limits;
static notes a_notes, b_notes;
static ss_transport *a, *b;

static inline int setup(void **state) {
  (void)state;
  choked = starved_for = 0;
  a_notes = b_notes = (notes){0};
  a_notes.hold = b_notes.hold = true;
  a = b = NULL;
  ss_limits_default(&limits);
  return ss_loop_open(&loop);
}

static inline int teardown(void **state) {
  ss_path_release(&a_notes.path);
  ss_path_release(&b_notes.path);
  ss_transport_close(a);
  ss_transport_close(b);
  ss_loop_close(loop);
  return nothing_alive(state);
}

static inline ss_transport *open_at(const char *text, notes *to) {
  ss_addr addr = addr_of(text);
  ss_transport *t = NULL;
  assert_int_equal(ss_transport_open(loop, &addr, &limits, &notes_sink, to, &t),
                   0);
  return t;
}

static inline uint64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline void run_for(uint64_t ms) {
  uint64_t end = clock_ms() + ms;
  do {
    ss_loop_run(loop, SS_RUN_NOWAIT);
    usleep(200);
  } while (clock_ms() < end);
}

static inline void run_until(const int *count, int n) {
  uint64_t end = clock_ms() + 5000;
  while (*count < n && clock_ms() < end) {
    ss_loop_run(loop, SS_RUN_NOWAIT);
    if (*count < n)
      usleep(200);
  }
  assert_true(*count >= n);
}

static inline int client(void) {
  const ss_addr *to = ss_transport_local(a);
  int fd = socket(to->u.sa.sa_family, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, &to->u.sa, ss_addr_len(to)), 0);
  return fd;
}

static inline void put(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
                   (ssize_t)strlen(text));
}

/* Reads until the text is there, turning the loop. */
static inline void expect(int fd, const char *text) {
  uint64_t end = clock_ms() + 3000;
  char got[1000];
  size_t n = 0, want = strlen(text);
  while (n < want && clock_ms() < end) {
    ssize_t r;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    r = recv(fd, got + n, want - n, MSG_DONTWAIT);
    if (r == 0)
      break;
    if (r > 0)
      n += (size_t)r;
    else
      usleep(200);
  }
  got[n] = '\0';
  assert_string_equal(got, text);
}

/* Is the stream ended, within ms? */
static inline bool ended(int fd, uint64_t ms) {
  uint64_t end = clock_ms() + ms;
  char junk[65536];
  do {
    ssize_t r;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    r = recv(fd, junk, sizeof junk, MSG_DONTWAIT);
    if (r == 0 || (r < 0 && errno != EAGAIN))
      return true;
    if (r < 0)
      usleep(200);
  } while (clock_ms() < end);
  return false;
}

static inline void reset(int fd) {
  struct linger hard = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
}

#endif
