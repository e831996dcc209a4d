/* The floor under every server: a bare loop that parses nothing, has no
 * transactions, no timers and no script. What a request has of Via, From, To,
 * Call-ID and CSeq is copied line by line into a fixed answer.
 *
 *   floor PORT answered|declined [turns]
 *
 * With `turns` it times them and says on SIGUSR1 what scale_serve.lua does. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 32
#define SPACE 2048

static char in[BATCH][SPACE], out[2 * BATCH][SPACE];
static struct sockaddr_in peer[BATCH];
static struct mmsghdr in_msg[BATCH], out_msg[2 * BATCH];
static struct iovec in_iov[BATCH], out_iov[2 * BATCH];
static unsigned outs;

static bool echoed(const char *line) {
  return !strncmp(line, "Via:", 4) || !strncmp(line, "From:", 5) ||
         !strncmp(line, "To:", 3) || !strncmp(line, "Call-ID:", 8) ||
         !strncmp(line, "CSeq:", 5);
}

static void answer(int i, const char *status, bool tagged) {
  char *p = out[outs];
  size_t n = (size_t)sprintf(p, "SIP/2.0 %s\r\n", status);
  const char *line = in[i], *end;
  for (; (end = strstr(line, "\r\n")) && end != line; line = end + 2) {
    if (!echoed(line) || n + (size_t)(end - line) + 128 > SPACE)
      continue;
    memcpy(p + n, line, (size_t)(end - line));
    n += (size_t)(end - line);
    n += (size_t)sprintf(p + n, "%s\r\n",
                         *line == 'T' && tagged ? ";tag=floor" : "");
  }
  n += (size_t)sprintf(p + n,
                       "Contact: <sip:127.0.0.1>\r\nContent-Length: 0\r\n\r\n");
  out_iov[outs] = (struct iovec){p, n};
  out_msg[outs++].msg_hdr = (struct msghdr){.msg_name = &peer[i],
                                            .msg_namelen = sizeof peer[i],
                                            .msg_iov = &out_iov[outs - 1],
                                            .msg_iovlen = 1};
}

static void turn(int fd, bool declines) {
  for (int i = 0; i < BATCH; i++) {
    in_iov[i] = (struct iovec){in[i], SPACE - 1};
    in_msg[i].msg_hdr = (struct msghdr){.msg_name = &peer[i],
                                        .msg_namelen = sizeof peer[i],
                                        .msg_iov = &in_iov[i],
                                        .msg_iovlen = 1};
  }
  int n = recvmmsg(fd, in_msg, BATCH, MSG_DONTWAIT, NULL);
  outs = 0;
  for (int i = 0; i < n; i++) {
    in[i][in_msg[i].msg_len] = '\0';
    if (in[i][0] == 'I' && declines) {
      answer(i, "486 Busy Here", true);
    } else if (in[i][0] == 'I') {
      answer(i, "180 Ringing", true);
      answer(i, "200 OK", true);
    } else if (in[i][0] == 'B') {
      answer(i, "200 OK", false);
    }
  }
  if (outs)
    sendmmsg(fd, out_msg, outs, 0);
}

#define BUCKET 10 /* us */
#define BUCKETS 100000
#define ALONE 100 /* us */

static unsigned count[BUCKETS + 1], turns;
static long worst, alone;
static volatile sig_atomic_t asked;

static void ask(int signal) {
  (void)signal;
  asked = 1;
}

static long now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void note(long us, long lasted) {
  long i = us / BUCKET;
  count[i < BUCKETS ? i : BUCKETS]++;
  turns++;
  worst = us > worst ? us : worst;
  if (lasted - us <= ALONE && us > alone)
    alone = us;
}

static void say(void) {
  unsigned over = 0;
  int i = BUCKETS;
  while (i > 0 && (over += count[i]) * 1000ul <= turns)
    i--;
  printf("turns=%u within=%d worst=%ld alone=%ld\n", turns, (i + 1) * BUCKET,
         worst, alone);
  fflush(stdout);
  memset(count, 0, sizeof count);
  turns = 0;
  worst = alone = asked = 0;
}

int main(int argc, char **argv) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port =
                              htons((uint16_t)(argc >= 3 ? atoi(argv[1]) : 0)),
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct epoll_event event = {.events = EPOLLIN};
  int room = 4 << 20, poll = epoll_create1(EPOLL_CLOEXEC);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (argc < 3 || fd < 0 || poll < 0 ||
      bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) {
    perror("usage: floor PORT answered|declined [turns]");
    return 2;
  }
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  bool declines = strcmp(argv[2], "declined") == 0;
  signal(SIGUSR1, ask);
  for (;;) {
    if (epoll_wait(poll, &event, 1, -1) < 0 && errno == EINTR && asked)
      say();
    if (argc == 3) {
      turn(fd, declines);
      continue;
    }
    long began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    turn(fd, declines);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    note(cpu, now(CLOCK_MONOTONIC) - began);
  }
}
