/* The timer wheel: exact to the millisecond over all levels, compared with a
 * naive model, and safe against what callbacks do. */
#include "base/wheel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 300

typedef struct probe {
  ss_timer timer;
  uint64_t due; /* the model's; 0: not active */
  uint64_t order;
  uint64_t fired_at;
  int fired;
  bool lined; /* up: not among the others of its millisecond */
} probe;

static ss_wheel wheel;
static probe probes[MANY];
static uint64_t clock_of_test, starts;
static probe *last_fired;
static uint64_t last_due, last_order;

static void fire(ss_timer *timer) {
  probe *p = SS_CONTAINER(timer, probe, timer);
  p->fired++;
  p->fired_at = wheel.now;
  last_fired = p;
}

static int fresh(void **state) {
  (void)state;
  ss_wheel_init(&wheel, 1000);
  for (int i = 0; i < MANY; i++)
    probes[i] = (probe){.timer.fn = fire};
  last_fired = NULL;
  return 0;
}

static void delay_zero_fires_at_next_advance_of_the_same_time(void **state) {
  (void)state;
  ss_timer_start(&wheel, &probes[0].timer, 0);
  assert_int_equal(probes[0].fired, 0);
  assert_int_equal(ss_wheel_next(&wheel), 1000);
  ss_wheel_advance(&wheel, 1000);
  assert_int_equal(probes[0].fired, 1);
  assert_false(ss_timer_active(&probes[0].timer));
  assert_int_equal(ss_wheel_next(&wheel), UINT64_MAX);
}

static void each_delay_fires_at_its_millisecond(void **state) {
  static const uint64_t delays[] = {
      1,    2,    63,    64,    65,     4095,     4096,       4097,
      500,  4000, 32000, 64000, 262143, 262144,   16777216,   86400000,
      1000, 1001, 31999, 63999, 180000, 16777215, 1073741824, 68719476736};
  (void)state;
  for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
    fresh(NULL);
    ss_wheel_advance(&wheel, 1000 + 37 * i);
    uint64_t due = wheel.now + delays[i];
    ss_timer_start(&wheel, &probes[0].timer, delays[i]);
    assert_int_equal(ss_wheel_next(&wheel), due);
    assert_true(ss_wheel_wakeup(&wheel) <= due);
    ss_wheel_advance(&wheel, due - 1);
    assert_int_equal(probes[0].fired, 0);
    assert_int_equal(ss_wheel_next(&wheel), due);
    ss_wheel_advance(&wheel, due);
    assert_int_equal(probes[0].fired, 1);
    assert_int_equal(wheel.count, 0);
  }
}

static void endless_delay_is_kept_and_never_fires(void **state) {
  (void)state;
  ss_timer_start(&wheel, &probes[0].timer, UINT64_MAX);
  ss_wheel_advance(&wheel, UINT64_MAX);
  assert_int_equal(probes[0].fired, 0);
  assert_true(ss_timer_active(&probes[0].timer));
  ss_timer_stop(&wheel, &probes[0].timer);
  assert_int_equal(wheel.count, 0);
}

static void waking_up_at_wakeup_needs_few_turns(void **state) {
  int turns = 0;
  (void)state;
  ss_timer_start(&wheel, &probes[0].timer, 32000);
  while (!probes[0].fired) {
    ss_wheel_advance(&wheel, ss_wheel_wakeup(&wheel));
    turns++;
  }
  assert_int_equal(probes[0].fired_at, 33000);
  assert_true(turns <= 4);
}

static uint64_t order_seen[MANY];
static size_t order_count;

static void note(ss_timer *timer) {
  probe *p = SS_CONTAINER(timer, probe, timer);
  order_seen[order_count++] = p->order;
}

static void one_millisecond_keeps_the_order_of_starting(void **state) {
  (void)state;
  order_count = 0;
  for (uint64_t i = 0; i < 10; i++) {
    probes[i].timer.fn = note;
    probes[i].order = i;
    ss_timer_start(&wheel, &probes[i].timer, 6000 - wheel.now);
    ss_wheel_advance(&wheel, wheel.now + 450);
  }
  ss_wheel_advance(&wheel, 6000);
  assert_int_equal(order_count, 10);
  for (uint64_t i = 0; i < 10; i++)
    assert_int_equal(order_seen[i], i);
}

/* Those of two delays wait in rows, one of a third for the wheel. */
static void those_in_rows_fire_at_their_milliseconds(void **state) {
  static const uint64_t delays[] = {32000, 5000, 700};
  (void)state;
  order_count = 0;
  for (uint64_t i = 0; i < 90; i++) {
    probes[i].timer.fn = note;
    probes[i].order = wheel.now + delays[i % 3];
    ss_timer_line_up(&wheel, &probes[i].timer, delays[i % 3]);
    ss_wheel_advance(&wheel, wheel.now + i % 2);
  }
  assert_int_equal(wheel.count, 90);
  for (uint64_t i = 0; i < 90; i += 9)
    ss_timer_stop(&wheel, &probes[i].timer);
  ss_timer_line_up(&wheel, &probes[3].timer, 100); /* again, sooner */
  probes[3].order = wheel.now + 100;
  for (size_t i = 0; i < 80; i++) {
    uint64_t at = ss_wheel_next(&wheel);
    assert_true(ss_wheel_wakeup(&wheel) <= at);
    ss_wheel_advance(&wheel, at - 1);
    assert_int_equal(order_count, i);
    ss_wheel_advance(&wheel, at);
    assert_true(order_count > i);
    assert_int_equal(order_seen[i], at);
    while (i + 1 < order_count)
      assert_int_equal(order_seen[++i], at);
  }
  assert_int_equal(order_count, 80);
  assert_int_equal(wheel.count, 0);
  assert_int_equal(ss_wheel_wakeup(&wheel), UINT64_MAX);
}

static void check_fire(ss_timer *timer) {
  probe *p = SS_CONTAINER(timer, probe, timer);
  assert_true(p->due != 0);
  assert_true(p->due <= clock_of_test);
  assert_true(p->due >= last_due);
  if (p->due > last_due)
    last_order = 0;
  if (!p->lined) {
    assert_true(p->order > last_order);
    last_order = p->order;
  }
  last_due = p->due;
  p->due = 0;
}

static uint64_t model_next(void) {
  uint64_t next = UINT64_MAX;
  for (int i = 0; i < MANY; i++)
    if (probes[i].due && probes[i].due < next)
      next = probes[i].due;
  return next;
}

static void random_starts_and_stops_match_a_naive_model(void **state) {
  (void)state;
  srand(7);
  clock_of_test = 1000;
  for (int i = 0; i < MANY; i++)
    probes[i].timer.fn = check_fire;
  for (int round = 0; round < 20000; round++) {
    probe *p = &probes[rand() % MANY];
    int what = rand() % 10;
    if (what < 5) {
      uint64_t delay = (uint64_t)rand() >> (rand() % 31);
      p->lined = what < 3;
      if (what < 2)
        delay = what ? 300 : 5000;
      (p->lined ? ss_timer_line_up : ss_timer_start)(&wheel, &p->timer, delay);
      p->due = clock_of_test + delay;
      p->order = ++starts;
    } else if (what < 7) {
      ss_timer_stop(&wheel, &p->timer);
      p->due = 0;
    } else {
      uint64_t next = model_next();
      clock_of_test += (uint64_t)rand() >> (12 + rand() % 18);
      if (what == 9 && next != UINT64_MAX && next > clock_of_test)
        clock_of_test = next;
      last_due = last_order = 0;
      ss_wheel_advance(&wheel, clock_of_test);
      for (int i = 0; i < MANY; i++)
        assert_true(!probes[i].due || probes[i].due > clock_of_test);
    }
    assert_int_equal(ss_wheel_next(&wheel), model_next());
  }
}

static void start_zero_again(ss_timer *timer) {
  fire(timer);
  ss_timer_start(&wheel, timer, 0);
}

static void restart_inside_a_callback_waits_for_the_next_advance(void **state) {
  (void)state;
  probes[0].timer.fn = start_zero_again;
  ss_timer_start(&wheel, &probes[0].timer, 10);
  ss_wheel_advance(&wheel, 5000);
  assert_int_equal(probes[0].fired, 1);
  assert_int_equal(probes[0].fired_at, 5000);
  ss_wheel_advance(&wheel, 5000);
  assert_int_equal(probes[0].fired, 2);
}

static void stop_others(ss_timer *timer) {
  fire(timer);
  for (int i = 1; i < 10; i++)
    ss_timer_stop(&wheel, &probes[i].timer);
}

static void callback_stops_timers_of_its_millisecond_and_later(void **state) {
  (void)state;
  probes[0].timer.fn = stop_others;
  for (uint64_t i = 0; i < 10; i++)
    ss_timer_start(&wheel, &probes[i].timer, i < 5 ? 100 : 100 + i);
  ss_wheel_advance(&wheel, 2000);
  assert_int_equal(probes[0].fired, 1);
  for (int i = 1; i < 10; i++)
    assert_int_equal(probes[i].fired, 0);
  assert_int_equal(wheel.count, 0);
}

static void free_own(ss_timer *timer) {
  free(SS_CONTAINER(timer, probe, timer));
}

static void callback_may_free_its_timer(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 5; i++) {
    probe *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->timer.fn = free_own;
    ss_timer_start(&wheel, &p->timer, i * 50);
  }
  ss_wheel_advance(&wheel, 3000);
  assert_int_equal(wheel.count, 0);
}

static void stop_twice_and_of_a_fresh_timer_does_nothing(void **state) {
  ss_timer never = {.fn = fire};
  (void)state;
  ss_timer_stop(&wheel, &never);
  ss_timer_start(&wheel, &probes[0].timer, 5);
  ss_timer_stop(&wheel, &probes[0].timer);
  ss_timer_stop(&wheel, &probes[0].timer);
  assert_int_equal(wheel.count, 0);
  assert_int_equal(ss_wheel_next(&wheel), UINT64_MAX);
  assert_int_equal(ss_wheel_wakeup(&wheel), UINT64_MAX);
}

int main(void) {
#define T(f) cmocka_unit_test_setup(f, fresh)
  const struct CMUnitTest tests[] = {
      T(delay_zero_fires_at_next_advance_of_the_same_time),
      T(each_delay_fires_at_its_millisecond),
      T(endless_delay_is_kept_and_never_fires),
      T(waking_up_at_wakeup_needs_few_turns),
      T(one_millisecond_keeps_the_order_of_starting),
      T(those_in_rows_fire_at_their_milliseconds),
      T(random_starts_and_stops_match_a_naive_model),
      T(restart_inside_a_callback_waits_for_the_next_advance),
      T(callback_stops_timers_of_its_millisecond_and_later),
      T(callback_may_free_its_timer),
      T(stop_twice_and_of_a_fresh_timer_does_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
