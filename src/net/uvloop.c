/* The loop over libuv, on a private uv_loop_t: one timer under the wheel; a
 * turn is what one poll brings and ends in the check phase. A prepare handle
 * settles what came up outside of a turn. For embedding there is one epoll fd
 * over libuv's and a timerfd. No sockets here. */
#include "net/uvloop.h"
#include "base/alloc.h"
#include "base/error.h"
#include <assert.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static uint64_t clock_now(const ss_loop *loop) {
  (void)loop;
  return uv_hrtime() / 1000000;
}

void ss_uvloop_enter(ss_loop *loop) {
  if (loop->turning)
    return;
  loop->turning = true;
  loop->now = uv_now(&ss_uvloop_of(loop)->uv);
  loop->pace.began = loop->now;
}

static void turn_timer(uv_timer_t *timer);

/* Sets libuv's timer to what the wheel waits for. */
static void arm(ss_uvloop *u) {
  uint64_t due = ss_wheel_wakeup(&u->loop.wheel), now = uv_now(&u->uv);
  if (due == u->armed)
    return;
  u->armed = due;
  if (due == UINT64_MAX)
    uv_timer_stop(&u->timer);
  else
    uv_timer_start(&u->timer, turn_timer, due > now ? due - now : 0, 0);
}

void ss_uvloop_end(ss_uvloop *u) {
  ss_loop_settle(&u->loop);
  u->loop.turning = false;
  if (u->loop.stopping && u->polling)
    uv_stop(&u->uv);
  arm(u);
  ss_uvloop_relief_look(u);
}

static void turn_timer(uv_timer_t *timer) {
  ss_uvloop *u = SS_CONTAINER(timer, ss_uvloop, timer);
  u->armed = UINT64_MAX;
  ss_uvloop_enter(&u->loop);
  ss_wheel_advance(&u->loop.wheel, u->loop.now);
  ss_uvloop_end(u);
}

static void nothing(uv_idle_t *idle) {
  (void)idle;
}

/* Before the poll: work from outside a turn, or from libuv's pending phase. */
static void before_poll(uv_prepare_t *prepare) {
  ss_uvloop *u = SS_CONTAINER(prepare, ss_uvloop, prepare);
  if (u->loop.turning || ss_loop_busy(&u->loop)) {
    ss_uvloop_enter(&u->loop);
    ss_uvloop_end(u);
    uv_idle_start(&u->idle, nothing);
  }
  arm(u);
  ss_uvloop_relief_look(u);
}

/* Only of what a poll brought: timers have turns of their own in between, which
 * read nothing. */
static void note_pace(ss_uvloop *u) {
  ss_pace *pace = &u->loop.pace;
  uint64_t now = clock_now(&u->loop);
  pace->took = (uint32_t)(now - pace->began);
  if (!pace->behind)
    pace->since = pace->began;
  pace->behind = pace->left ? (uint32_t)(now - pace->since) + 1 : 0;
  if (pace->left && !pace->backlog)
    pace->usual4 = pace->usual4 ? pace->usual4 - pace->usual4 / 4 + pace->took
                                : pace->took * 4;
  pace->late = pace->backlog;
  pace->left = pace->backlog = false;
  pace->turn++;
}

static void after_poll(uv_check_t *check) {
  ss_uvloop *u = SS_CONTAINER(check, ss_uvloop, check);
  uv_idle_stop(&u->idle);
  ss_uvloop_enter(&u->loop);
  ss_uvloop_end(u);
  ss_alloc_tidy();
  note_pace(u);
}

static bool alive(const ss_loop *loop) {
  ss_uvloop *u = ss_uvloop_of(loop);
  arm(u);
  return ss_loop_busy(loop) || uv_loop_alive(&u->uv);
}

/* Sets the timerfd to an absolute time in ms, or off. */
static void set_timerfd(ss_uvloop *u, uint64_t at) {
  struct itimerspec when = {0};
  u->roused = at == 0;
  if (at == 0) {
    when.it_value.tv_nsec = 1; /* long ago; 0 would be off */
  } else if (at != UINT64_MAX) {
    when.it_value.tv_sec = (time_t)(at / 1000);
    when.it_value.tv_nsec = (long)(at % 1000) * 1000000;
  }
  timerfd_settime(u->timerfd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Must a turn come at once? libuv's timeout is 0 also while it has watchers
 * that its epoll fd doesn't know yet. */
static bool due_now(const ss_uvloop *u) {
  if (ss_loop_busy(&u->loop))
    return true;
  return uv_loop_alive(&u->uv) && uv_backend_timeout(&u->uv) == 0;
}

static void rearm(ss_uvloop *u) {
  uint64_t due = ss_wheel_wakeup(&u->loop.wheel);
  if (u->timerfd < 0)
    return;
  arm(u);
  if (due > u->relief_due && uv_loop_alive(&u->uv)) /* else no turn is made */
    due = u->relief_due;
  set_timerfd(u, due_now(u) ? 0 : due);
}

static void wake(ss_loop *loop) {
  ss_uvloop *u = ss_uvloop_of(loop);
  if (!loop->running && u->timerfd >= 0 && !u->roused)
    set_timerfd(u, 0);
}

static int listen_on(ss_loop *loop, const ss_addr *addr,
                     const ss_limits *limits, const ss_sink *sink, void *arg,
                     ss_transport **out) {
  if (addr->proto == SS_UDP)
    return ss_udp_listen(loop, addr, limits, sink, arg, out);
  return ss_tcp_listen(loop, addr, limits, sink, arg, out);
}

static void turn(ss_uvloop *u, ss_run_mode mode) {
  if (uv_loop_alive(&u->uv)) {
    u->polling = true;
    uv_run(&u->uv, mode == SS_RUN_NOWAIT ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    u->polling = false;
  } else { /* libuv does no turn then, and there are only jobs */
    uv_update_time(&u->uv);
    ss_uvloop_enter(&u->loop);
    ss_uvloop_end(u);
  }
}

static int run(ss_loop *loop, ss_run_mode mode) {
  ss_uvloop *u = ss_uvloop_of(loop);
  bool on;
  while ((on = alive(loop))) {
    turn(u, mode);
    if (mode != SS_RUN_DEFAULT || loop->stopping ||
        atomic_load(&loop->interrupted)) {
      on = alive(loop);
      break;
    }
  }
  rearm(u);
  return on ? 1 : 0;
}

static void close_uvloop(ss_loop *loop) {
  ss_uvloop *u = ss_uvloop_of(loop);
  int rc;
  assert(!loop->running);
  uv_close((uv_handle_t *)&u->timer, NULL);
  uv_close((uv_handle_t *)&u->prepare, NULL);
  uv_close((uv_handle_t *)&u->check, NULL);
  uv_close((uv_handle_t *)&u->idle, NULL);
  uv_close((uv_handle_t *)&u->interrupt, NULL);
  uv_close((uv_handle_t *)&u->relief, NULL);
  uv_run(&u->uv, UV_RUN_NOWAIT);
  rc = uv_loop_close(&u->uv);
  assert(rc == 0); /* else a transport was left open */
  if (u->pollfd >= 0)
    close(u->pollfd);
  if (u->timerfd >= 0)
    close(u->timerfd);
  if (rc == 0)
    ss_free(u);
}

static const ss_loop_ops uv_ops = {
    .clock = clock_now,
    .wake = wake,
    .listen = listen_on,
    .run = run,
    .alive = alive,
    .close = close_uvloop,
};

int ss_loop_open(ss_loop **out) {
  ss_uvloop *u = ss_alloc(sizeof *u);
  int rc;
  if (!u)
    return SS_ENOMEM;
  rc = uv_loop_init(&u->uv);
  if (rc != 0) {
    ss_free(u);
    return rc;
  }
  /* On the descriptor that a loop of libuv has anyway for its own. */
  rc = uv_async_init(&u->uv, &u->interrupt, NULL);
  if (rc != 0) {
    uv_loop_close(&u->uv);
    ss_free(u);
    return rc;
  }
  ss_loop_init(&u->loop, &uv_ops, clock_now(&u->loop));
  u->armed = UINT64_MAX;
  u->pollfd = u->timerfd = -1;
  uv_timer_init(&u->uv, &u->timer);
  uv_prepare_init(&u->uv, &u->prepare);
  uv_check_init(&u->uv, &u->check);
  uv_idle_init(&u->uv, &u->idle);
  uv_prepare_start(&u->prepare, before_poll);
  uv_check_start(&u->check, after_poll);
  /* What is alive is listeners, connections and the timer while it is set. */
  uv_unref((uv_handle_t *)&u->prepare);
  uv_unref((uv_handle_t *)&u->check);
  uv_unref((uv_handle_t *)&u->idle);
  uv_unref((uv_handle_t *)&u->interrupt);
  ss_uvloop_relief_init(u);
  *out = &u->loop;
  return 0;
}

void ss_loop_interrupt(ss_loop *loop) {
  if (loop->ops != &uv_ops)
    return;
  atomic_store(&loop->interrupted, true);
  uv_async_send(&ss_uvloop_of(loop)->interrupt);
}

void ss_loop_go_on(ss_loop *loop) {
  atomic_store(&loop->interrupted, false);
}

static int watch(int epfd, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int ss_loop_pollfd(ss_loop *loop) {
  ss_uvloop *u = ss_uvloop_of(loop);
  int rc;
  if (loop->ops != &uv_ops)
    return SS_EUNSUPPORTED;
  if (u->pollfd >= 0)
    return u->pollfd;
  u->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  u->pollfd = epoll_create1(EPOLL_CLOEXEC);
  rc = u->timerfd < 0 || u->pollfd < 0 ? -errno : 0;
  if (rc == 0)
    rc = watch(u->pollfd, u->timerfd);
  if (rc == 0)
    rc = watch(u->pollfd, uv_backend_fd(&u->uv));
  if (rc != 0) {
    if (u->timerfd >= 0)
      close(u->timerfd);
    if (u->pollfd >= 0)
      close(u->pollfd);
    u->timerfd = u->pollfd = -1;
    return rc;
  }
  rearm(u);
  return u->pollfd;
}

int ss_loop_timeout(ss_loop *loop) {
  ss_uvloop *u = ss_uvloop_of(loop);
  uint64_t due, now;
  if (loop->ops != &uv_ops)
    return SS_EUNSUPPORTED;
  arm(u);
  if (due_now(u))
    return 0;
  due = ss_wheel_wakeup(&loop->wheel);
  now = clock_now(loop);
  if (due == UINT64_MAX)
    return -1;
  if (due <= now)
    return 0;
  return due - now < INT32_MAX ? (int)(due - now) : INT32_MAX;
}
