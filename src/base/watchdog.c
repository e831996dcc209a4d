/* The watchdog's thread, and how it gets a word into the one it watches: by
 * SIGURG, whose default is to be ignored, so that one which comes late does
 * nothing. Its handler is there only while one is sent, and where a program
 * has a handler of its own, none is. */
#include "base/watchdog.h"
#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t sending = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(ss_watchdog *) target; /* whose signal is on its way */

static void on_signal(int number) {
  int saved = errno;
  ss_watchdog *w = atomic_exchange(&target, NULL);
  (void)number;
  if (w)
    w->late(w->arg);
  errno = saved;
}

static void pause_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

/* Has it been seen, or taken back? */
static void await_handler(void) {
  for (int i = 0; i < 100 && atomic_load(&target); i++)
    pause_ms(1);
  atomic_store(&target, NULL);
}

static void tell(ss_watchdog *w) {
  struct sigaction ours = {.sa_handler = on_signal,
                           .sa_flags = SA_RESTART | SA_ONSTACK};
  struct sigaction theirs;
  sigemptyset(&ours.sa_mask);
  pthread_mutex_lock(&sending);
  if (sigaction(SIGURG, NULL, &theirs) == 0 &&
      !(theirs.sa_flags & SA_SIGINFO) && theirs.sa_handler == SIG_DFL &&
      sigaction(SIGURG, &ours, NULL) == 0) {
    atomic_store(&target, w);
    if (pthread_kill(atomic_load(&w->busy), SIGURG) == 0)
      await_handler();
    atomic_store(&target, NULL);
    sigaction(SIGURG, &theirs, NULL);
  }
  pthread_mutex_unlock(&sending);
}

static void say(const char *text) {
  ssize_t n = write(STDERR_FILENO, text, strlen(text));
  (void)n; /* there is nobody to tell */
}

/* Waits for a quarter of the limit; false: it is to stop. */
static bool rest(ss_watchdog *w) {
  struct timespec until;
  uint64_t ms = atomic_load(&w->limit) / 4 + 1;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(ms / 1000);
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&w->lock);
  while (!w->stopping &&
         pthread_cond_timedwait(&w->stop, &w->lock, &until) == 0) {
  }
  bool goes_on = !w->stopping;
  pthread_mutex_unlock(&w->lock);
  return goes_on;
}

static void *watch(void *arg) {
  ss_watchdog *w = arg;
  unsigned last = 0, quarters = 0;
  while (rest(w)) {
    unsigned turn = atomic_load_explicit(&w->turn, memory_order_acquire);
    quarters = turn == last && turn % 2 ? quarters + 1 : 0;
    last = turn;
    if (quarters == 4)
      tell(w);
    else if (quarters == 8 && atomic_load(&w->noticed) != turn)
      say(w->stuck);
  }
  return NULL;
}

static int start(ss_watchdog *w) {
  sigset_t all, was;
  pthread_condattr_t attr;
  pthread_mutex_init(&w->lock, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&w->stop, &attr);
  pthread_condattr_destroy(&attr);
  /* no signal of the program's is its business */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &was);
  int rc = pthread_create(&w->thread, NULL, watch, w);
  pthread_sigmask(SIG_SETMASK, &was, NULL);
  return -rc;
}

int ss_watchdog_new(ss_watchdog **out, uint32_t limit_ms,
                    void (*late)(void *arg), void *arg, const char *stuck) {
  ss_watchdog *w = ss_alloc(sizeof *w);
  if (!w)
    return SS_ENOMEM;
  w->late = late;
  w->arg = arg;
  w->stuck = stuck;
  w->process = getpid();
  atomic_store(&w->limit, limit_ms);
  int rc = start(w);
  if (rc) {
    ss_free(w);
    return rc;
  }
  *out = w;
  return 0;
}

void ss_watchdog_free(ss_watchdog *w) {
  if (!w)
    return;
  if (w->process == getpid()) {
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->stop);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->stop);
    pthread_mutex_destroy(&w->lock);
  }
  ss_free(w);
}
