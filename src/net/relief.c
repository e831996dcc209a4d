/* Memory goes back when the rush is over: a collector works only when something
 * is allocated, and the C library gives back only what is on top of its heap.
 * How much is going on is told by the timers: each call, each transaction and
 * each connection has one. Once they are a share of what they were, and still
 * are a moment later, the owner is asked to let go, a millisecond at a time,
 * and now and then memory is trimmed, a part in each step; once more from the
 * start when the owner has done. What was left of the rush then has a relief of
 * its own when it ends. It keeps no loop alive.
 *
 * The owner may want to let go without a rush, and is asked, too; memory is
 * trimmed once that took more than one step. */
#include "base/alloc.h"
#include "net/uvloop.h"

#define FEW 1000  /* timers; so many are no rush */
#define LITTLE 4  /* timers; what so many hold isn't worth a relief */
#define SHARE 8   /* of the peak, or less: at a quarter there is work to do */
#define QUIET 500 /* ms until it is believed */
#define PAUSE 5   /* ms from one step to the next */
#define STEPS 4   /* until trimming begins: the C library's part takes long */

/* There was a rush, and it is over. */
static bool is_over(const ss_uvloop *u) {
  size_t share = u->peak / SHARE;
  return (u->peak > FEW || u->rushed) &&
         u->loop.wheel.count <= (share > LITTLE ? share : LITTLE);
}

static bool is_time_to_trim(const ss_uvloop *u, bool over, bool more) {
  if (over)
    return !more || u->relieved % STEPS == 0;
  return !more && u->relieved > 0 && u->loop.wheel.count <= FEW;
}

static void start(ss_uvloop *u, uint32_t ms, uv_timer_cb step) {
  u->relief_due = uv_now(&u->uv) + ms;
  uv_timer_start(&u->relief, step, ms, 0);
}

/* The owner has done, and mustn't be asked again: it would begin anew. */
static void trim(uv_timer_t *timer) {
  ss_uvloop *u = SS_CONTAINER(timer, ss_uvloop, relief);
  u->relief_due = UINT64_MAX;
  ss_uvloop_enter(&u->loop);
  u->trimmed = ss_alloc_trim(u->trimmed);
  if (u->trimmed)
    start(u, PAUSE, trim);
  ss_uvloop_end(u);
}

/* What the owner let go of last may be where trimming has been. */
static void trim_in_step(ss_uvloop *u, bool over, bool more) {
  bool begins = is_time_to_trim(u, over, more);
  if (begins && !more)
    u->trimmed = 0;
  if (begins || u->trimmed)
    u->trimmed = ss_alloc_trim(u->trimmed);
}

static void work(uv_timer_t *timer) {
  ss_uvloop *u = SS_CONTAINER(timer, ss_uvloop, relief);
  ss_relief *relief = &u->loop.relief;
  bool over = is_over(u), more;
  u->relief_due = UINT64_MAX;
  if (!u->relieved)
    u->left = u->loop.wheel.count;
  ss_uvloop_enter(&u->loop);
  more = relief->fn && relief->fn(relief->arg, !over);
  if (more)
    u->relieved++;
  trim_in_step(u, over, more);
  if (more || u->trimmed)
    start(u, PAUSE, more ? work : trim);
  if (!more) {
    u->relieved = 0;
    if (over) {
      u->peak = u->left; /* for those that have ended meanwhile */
      u->rushed = u->left > LITTLE;
    }
  }
  ss_uvloop_end(u);
}

void ss_uvloop_relief_init(ss_uvloop *u) {
  u->relief_due = UINT64_MAX;
  uv_timer_init(&u->uv, &u->relief);
  uv_unref((uv_handle_t *)&u->relief);
}

void ss_uvloop_relief_look(ss_uvloop *u) {
  if (u->loop.wheel.count > u->peak)
    u->peak = u->loop.wheel.count;
  else if (u->relief_due == UINT64_MAX && (u->loop.relief.wanted || is_over(u)))
    start(u, QUIET, work);
}
