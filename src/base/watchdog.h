/* Notices that one thing a thread does takes too long: a thread of its own
 * looks, four times in the limit, whether what was begun has ended. The one
 * that is watched pays for it with two stores. */
#ifndef SS_BASE_WATCHDOG_H
#define SS_BASE_WATCHDOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ss_watchdog {
  atomic_uint turn;       /* odd: something is under way */
  _Atomic pthread_t busy; /* in that thread */
  atomic_uint noticed;    /* the turn whose lateness was told */
  atomic_uint limit;      /* ms */
  /* Called in that thread from a signal handler (SIGURG, which nobody sees
   * else): only what is safe there. When it is not followed by
   * ss_watchdog_noticed for as long again, `stuck` is written to stderr. */
  void (*late)(void *arg);
  void *arg;
  const char *stuck;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t stop;
  bool stopping;
  int process; /* where the thread is: not in a child of a fork */
} ss_watchdog;

/* SS_ENOMEM, or errno's code, negative. */
int ss_watchdog_new(ss_watchdog **out, uint32_t limit_ms,
                    void (*late)(void *arg), void *arg, const char *stuck);
void ss_watchdog_free(ss_watchdog *w); /* NULL does nothing */

static inline void ss_watchdog_begin(ss_watchdog *w) {
  unsigned turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
  atomic_store_explicit(&w->busy, pthread_self(), memory_order_relaxed);
  atomic_store_explicit(&w->turn, turn + 1, memory_order_release);
}

static inline void ss_watchdog_end(ss_watchdog *w) {
  unsigned turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
  atomic_store_explicit(&w->turn, turn + 1, memory_order_release);
}

/* False: that was told already. */
static inline bool ss_watchdog_noticed(ss_watchdog *w) {
  unsigned turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
  return atomic_exchange(&w->noticed, turn) != turn;
}

#endif
