/* A hierarchical timer wheel: start and stop in constant time, exact to the
 * millisecond, whatever the number of timers. It has no clock of its own: its
 * owner tells it what time it is and asks when to wake up next. */
#ifndef SS_BASE_WHEEL_H
#define SS_BASE_WHEEL_H

#include "base/list.h"
#include <stdint.h>

typedef struct ss_timer ss_timer;
typedef void (*ss_timer_fn)(ss_timer *timer);

struct ss_timer {
  ss_list node;
  uint64_t due; /* ms on the owner's clock */
  ss_timer_fn fn;
};

#define SS_WHEEL_LEVELS 7
#define SS_WHEEL_SLOTS 64
#define SS_WHEEL_ROWS 2
/* The last millisecond (139 years): nothing is due later, time stops before. */
#define SS_WHEEL_END ((UINT64_C(1) << 42) - 1)

typedef struct ss_wheel {
  uint64_t now;
  size_t count;
  uint64_t busy[SS_WHEEL_LEVELS]; /* a bit for each slot that holds timers */
  ss_list slot[SS_WHEEL_LEVELS][SS_WHEEL_SLOTS];
  ss_list row[SS_WHEEL_ROWS]; /* each in the order in which they are due */
  ss_list ready; /* started with no delay: due at the next advance */
} ss_wheel;

void ss_wheel_init(ss_wheel *w, uint64_t now);
/* Starts the timer, or starts it again. A delay of 0 fires at the next
 * advance, never inside this call. timer->fn must be set. */
void ss_timer_start(ss_wheel *w, ss_timer *timer, uint64_t delay_ms);
/* The same for one of many that all have one delay: it goes to the end of a
 * row, and moves no more before it is due. For as many delays as there are
 * rows; where a timer would break the order of all of them, it is as any other.
 */
void ss_timer_line_up(ss_wheel *w, ss_timer *timer, uint64_t delay_ms);
void ss_timer_stop(ss_wheel *w, ss_timer *timer); /* idempotent */
static inline bool ss_timer_active(const ss_timer *timer) {
  return ss_list_linked(&timer->node);
}
/* Fires all that is due up to `now`, in order of time, those of one
 * millisecond in the order they were started, those in rows first. Callbacks
 * may start and stop any timer, and free their own; for them it is `now`
 * already, and what they start fires in a later advance. */
void ss_wheel_advance(ss_wheel *w, uint64_t now);
/* The two halves of an advance: moves the time and appends what is due to
 * `due` (the timers stay active); fires what is still in there. */
void ss_wheel_collect(ss_wheel *w, uint64_t now, ss_list *due);
void ss_wheel_fire(ss_wheel *w, ss_list *due);
/* When the next timer is due, or UINT64_MAX. Exact; looks at the timers of one
 * slot. */
uint64_t ss_wheel_next(const ss_wheel *w);
/* A time to wake up at, never later than that, in constant time. An advance
 * to it may fire nothing, but brings it closer to the exact one. */
uint64_t ss_wheel_wakeup(const ss_wheel *w);

#endif
