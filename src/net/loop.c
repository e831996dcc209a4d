/* What both drivers of the loop share: jobs put off to the end of a batch,
 * flushes after them, timers on the loop's clock, and the refusal to run
 * inside a run. No I/O and no clock of its own. */
#include "net/loop.h"
#include "base/error.h"
#include "base/slabs.h"

void ss_loop_init(ss_loop *loop, const ss_loop_ops *ops, uint64_t now) {
  *loop = (ss_loop){.ops = ops, .now = now};
  ss_wheel_init(&loop->wheel, now);
  ss_list_init(&loop->told);
  ss_list_init(&loop->jobs);
  ss_list_init(&loop->flushes);
}

static void queue(ss_loop *loop, ss_list *list, ss_job *job) {
  if (ss_list_linked(&job->node))
    return;
  ss_list_append(list, &job->node);
  if (!loop->turning)
    loop->ops->wake(loop);
}

void ss_loop_defer(ss_loop *loop, ss_job *job) {
  queue(loop, &loop->jobs, job);
}

void ss_loop_flush_later(ss_loop *loop, ss_job *job) {
  queue(loop, &loop->flushes, job);
}

void ss_loop_gather(ss_loop *loop, ss_job *job) {
  queue(loop, &loop->told, job);
}

void ss_loop_gathered(ss_loop *loop) {
  ss_list *node;
  while ((node = ss_list_shift(&loop->told))) {
    ss_job *job = SS_CONTAINER(node, ss_job, node);
    job->fn(job);
  }
}

uint64_t ss_loop_now(ss_loop *loop) {
  if (!loop->turning || loop->settling)
    loop->now = loop->ops->clock(loop);
  return loop->now;
}

/* The wheel may lag behind the loop's clock: delays count from the latter. */
static uint64_t on_wheel(ss_loop *loop, uint64_t delay_ms) {
  uint64_t now = ss_loop_now(loop);
  uint64_t behind = now > loop->wheel.now ? now - loop->wheel.now : 0;
  if (delay_ms > SS_WHEEL_END)
    delay_ms = SS_WHEEL_END;
  return delay_ms + behind;
}

void ss_loop_timer(ss_loop *loop, ss_timer *timer, uint64_t delay_ms) {
  ss_timer_start(&loop->wheel, timer, on_wheel(loop, delay_ms));
  if (!loop->turning)
    loop->ops->wake(loop);
}

void ss_loop_timer_line_up(ss_loop *loop, ss_timer *timer, uint64_t delay_ms) {
  ss_timer_line_up(&loop->wheel, timer, on_wheel(loop, delay_ms));
  if (!loop->turning)
    loop->ops->wake(loop);
}

void ss_loop_timer_at(ss_loop *loop, ss_timer *timer, uint64_t ms) {
  uint64_t now = ss_loop_now(loop);
  ss_loop_timer(loop, timer, ms > now ? ms - now : 0);
}

void ss_loop_timer_stop(ss_loop *loop, ss_timer *timer) {
  ss_timer_stop(&loop->wheel, timer);
}

bool ss_loop_busy(const ss_loop *loop) {
  return !ss_list_empty(&loop->told) || !ss_list_empty(&loop->jobs) ||
         !ss_list_empty(&loop->flushes);
}

void ss_loop_settle(ss_loop *loop) {
  bool turning = loop->turning;
  ss_list *node;
  loop->turning = true;
  ss_loop_gathered(loop);
  loop->settling = true;
  for (;;) {
    node = ss_list_shift(&loop->jobs);
    if (!node)
      node = ss_list_shift(&loop->flushes);
    if (!node)
      break;
    ss_job *job = SS_CONTAINER(node, ss_job, node);
    job->fn(job);
  }
  loop->settling = false;
  loop->turning = turning;
}

void ss_loop_stop(ss_loop *loop) {
  loop->stopping = true;
}

int ss_loop_run(ss_loop *loop, ss_run_mode mode) {
  int rc;
  if (loop->running || loop->turning)
    return SS_ESTATE;
  loop->running = true;
  loop->stopping = false;
  rc = loop->ops->run(loop, mode);
  loop->running = false;
  return rc;
}

void ss_loop_close(ss_loop *loop) {
  if (loop)
    loop->ops->close(loop);
  ss_slabs_trim_all();
}
