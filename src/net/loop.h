/* The loop: clock, timers, and work put off to the end of a batch. Two drivers
 * stand behind one struct: the real one over libuv (uvloop.c) and the virtual
 * one of the in-memory network (memory.c). Everything above knows only this.
 *
 * A batch is what one turn reads: all datagrams and stream bytes that were
 * there. After it, jobs run in the order they were deferred (handlers are
 * started from jobs: a CANCEL that came in the INVITE's batch has been seen by
 * then), also those that jobs themselves defer; then the transports flush what
 * was sent, in as few system calls as they can. Timers that fire are a batch
 * too. */
#ifndef SS_NET_LOOP_H
#define SS_NET_LOOP_H

#include "base/addr.h"
#include "base/limits.h"
#include "base/wheel.h"
#include <stdatomic.h>

typedef struct ss_loop ss_loop;
typedef struct ss_job ss_job;
typedef struct ss_transport ss_transport;
struct ss_sink;

struct ss_job {
  ss_list node;
  void (*fn)(ss_job *job);
};

typedef enum ss_run_mode {
  SS_RUN_DEFAULT,
  SS_RUN_ONCE,
  SS_RUN_NOWAIT
} ss_run_mode;

typedef struct ss_loop_ops {
  /* The time right now, in ms; inside a turn loop->now is what counts. */
  uint64_t (*clock)(const ss_loop *loop);
  /* Something was deferred, flushed or timed from outside a turn: make sure a
   * turn comes soon (for the timers: in time). */
  void (*wake)(ss_loop *loop);
  /* Opens a listener; see net/transport.h. */
  int (*listen)(ss_loop *loop, const ss_addr *addr, const ss_limits *limits,
                const struct ss_sink *sink, void *arg, ss_transport **out);
  /* Runs until nothing is alive or ss_loop_stop (DEFAULT), one turn that waits
   * (ONCE), one turn that doesn't (NOWAIT). Returns 1 when something is still
   * alive. */
  int (*run)(ss_loop *loop, ss_run_mode mode);
  bool (*alive)(const ss_loop *loop);
  void (*close)(ss_loop *loop); /* all transports are closed; frees the loop */
} ss_loop_ops;

/* How the real loop keeps up with what comes in; all zero on a virtual one. */
typedef struct ss_pace {
  unsigned turn;   /* counts those that read */
  uint32_t took;   /* ms, the turn before this one */
  bool left;       /* this one leaves datagrams unread, perhaps */
  bool backlog;    /* and many */
  bool late;       /* the turn before this one left many */
  uint32_t usual4; /* four times the ms of late of one that leaves some */
  uint32_t behind; /* ms for which the turns before have left some; 0: not */
  uint64_t since;  /* when the first of them began */
  uint64_t began;  /* ms */
} ss_pace;

/* Called on a real loop when much of what was going on has ended, to let go of
 * what is only kept for later: works for a millisecond, and says whether there
 * is more to do. `stop`: no rush has ended, or it is on again: all is to be as
 * it was. See relief.c. */
typedef struct ss_relief {
  bool (*fn)(void *arg, bool stop); /* NULL: nobody keeps anything */
  void *arg;
  bool wanted; /* the owner's, too: calls for it without a rush */
} ss_relief;

struct ss_loop {
  const ss_loop_ops *ops;
  ss_wheel wheel;
  ss_list told;    /* of what came at once, to be gone through before those */
  ss_list jobs;    /* deferred */
  ss_list flushes; /* transports with something to send */
  uint64_t now;    /* ms, monotonic; the time of this turn */
  bool running;    /* inside ops->run */
  bool turning;    /* inside a batch or its jobs */
  bool settling;   /* inside the jobs: scripts run there, and take time */
  bool stopping;
  atomic_bool interrupted;
  ss_pace pace;
  ss_relief relief; /* the owner's to set */
};

/* The real loop. SS_ENOMEM or a libuv code. */
int ss_loop_open(ss_loop **out);
/* For embedding: an fd that turns readable when a turn is due (I/O or time),
 * and the ms until a turn is due for time's sake (-1: none; a turn that comes
 * then may find nothing to fire yet). Real loop only: SS_EUNSUPPORTED. */
int ss_loop_pollfd(ss_loop *loop);
int ss_loop_timeout(ss_loop *loop);

/* Shared by both drivers (loop.c). */
void ss_loop_init(ss_loop *loop, const ss_loop_ops *ops, uint64_t now);
void ss_loop_defer(ss_loop *loop, ss_job *job); /* queued already: stays put */
void ss_loop_flush_later(ss_loop *loop, ss_job *job);
/* Inside a batch: once all of it that is there has been told, before timers and
 * jobs. */
void ss_loop_gather(ss_loop *loop, ss_job *job);
void ss_loop_gathered(ss_loop *loop); /* the driver: all has been told */
static inline void ss_job_cancel(ss_job *job) {
  ss_list_remove(&job->node);
}
/* The time of this batch, ms; between batches, and in jobs, where a script may
 * have taken its time, the clock is read. */
uint64_t ss_loop_now(ss_loop *loop);
void ss_loop_timer(ss_loop *loop, ss_timer *timer, uint64_t delay_ms);
/* One of many with that delay; see ss_timer_line_up. */
void ss_loop_timer_line_up(ss_loop *loop, ss_timer *timer, uint64_t delay_ms);
/* At that time, or at once where it has passed. Repeats are timed from
 * timer->due, when they should have fired: lateness doesn't add up. */
void ss_loop_timer_at(ss_loop *loop, ss_timer *timer, uint64_t ms);
void ss_loop_timer_stop(ss_loop *loop, ss_timer *timer);
/* The end of a batch: jobs, then flushes, until both are empty. */
void ss_loop_settle(ss_loop *loop);
/* Is there a job or a flush to do? */
bool ss_loop_busy(const ss_loop *loop);
/* Ends a DEFAULT run at the end of its turn; outside of one, does nothing. */
void ss_loop_stop(ss_loop *loop);
/* Also from a signal handler: ends the run of a real loop, or the next one, at
 * the end of a turn that doesn't wait; unless ss_loop_go_on takes it back. A
 * virtual loop doesn't listen: it never waits. */
void ss_loop_interrupt(ss_loop *loop);
void ss_loop_go_on(ss_loop *loop);
/* Refused (SS_ESTATE) when it is running already. */
int ss_loop_run(ss_loop *loop, ss_run_mode mode);
void ss_loop_close(ss_loop *loop);

#endif
