/* The hierarchical timer wheel (Varghese and Lauck, 1987). A timer stands at
 * the level of the highest digit, to base 64, in which its time differs from
 * now, in the slot of that digit. So a lower level is always due before a
 * higher one, and a slot moves down as a whole, its order kept, when the time
 * reaches its beginning. Beside the levels are rows, where many timers wait
 * that come in the order in which they are due, and none has to be looked at
 * while it waits. It has no clock and is not thread-safe. */
#include "base/wheel.h"

#define BITS 6

void ss_wheel_init(ss_wheel *w, uint64_t now) {
  w->now = now < SS_WHEEL_END ? now : SS_WHEEL_END - 1;
  w->count = 0;
  for (int level = 0; level < SS_WHEEL_LEVELS; level++) {
    w->busy[level] = 0;
    for (int i = 0; i < SS_WHEEL_SLOTS; i++)
      ss_list_init(&w->slot[level][i]);
  }
  for (int i = 0; i < SS_WHEEL_ROWS; i++)
    ss_list_init(&w->row[i]);
  ss_list_init(&w->ready);
}

static uint64_t due_of(const ss_list *node) {
  return SS_CONTAINER(node, ss_timer, node)->due;
}

/* Where a time after now belongs. */
static void place(const ss_wheel *w, uint64_t due, unsigned *level,
                  unsigned *slot) {
  unsigned top = 63 - (unsigned)__builtin_clzll(due ^ w->now);
  *level = top / BITS;
  *slot = (due >> (*level * BITS)) & (SS_WHEEL_SLOTS - 1);
}

static void insert(ss_wheel *w, ss_timer *timer) {
  unsigned level, slot;
  place(w, timer->due, &level, &slot);
  ss_list_append(&w->slot[level][slot], &timer->node);
  w->busy[level] |= UINT64_C(1) << slot;
}

static bool join(ss_list *row, ss_timer *timer) {
  if (!ss_list_empty(row) && due_of(row->prev) > timer->due)
    return false;
  ss_list_append(row, &timer->node);
  return true;
}

/* False: there is no delay, and it is ready. */
static bool set(ss_wheel *w, ss_timer *timer, uint64_t delay_ms) {
  ss_timer_stop(w, timer);
  w->count++;
  if (delay_ms == 0) {
    timer->due = w->now;
    ss_list_append(&w->ready, &timer->node);
    return false;
  }
  timer->due =
      delay_ms < SS_WHEEL_END - w->now ? w->now + delay_ms : SS_WHEEL_END;
  return true;
}

void ss_timer_start(ss_wheel *w, ss_timer *timer, uint64_t delay_ms) {
  if (set(w, timer, delay_ms))
    insert(w, timer);
}

void ss_timer_line_up(ss_wheel *w, ss_timer *timer, uint64_t delay_ms) {
  if (!set(w, timer, delay_ms))
    return;
  for (int i = 0; i < SS_WHEEL_ROWS; i++)
    if (join(&w->row[i], timer))
      return;
  insert(w, timer);
}

void ss_timer_stop(ss_wheel *w, ss_timer *timer) {
  unsigned level, slot;
  if (!ss_timer_active(timer))
    return;
  ss_list_remove(&timer->node);
  w->count--;
  if (timer->due <= w->now)
    return;                            /* ready or collected: in no slot */
  place(w, timer->due, &level, &slot); /* of one in a row: no harm */
  if (ss_list_empty(&w->slot[level][slot]))
    w->busy[level] &= ~(UINT64_C(1) << slot);
}

/* The slot that comes first: its level and index, and when it begins. */
static uint64_t first_slot(const ss_wheel *w, unsigned *level, unsigned *slot) {
  for (unsigned i = 0; i < SS_WHEEL_LEVELS; i++) {
    if (w->busy[i]) {
      unsigned shift = i * BITS;
      uint64_t above = w->now >> (shift + BITS) << (shift + BITS);
      *level = i;
      *slot = (unsigned)__builtin_ctzll(w->busy[i]);
      return above | (uint64_t)*slot << shift;
    }
  }
  return UINT64_MAX;
}

/* The one in a row that comes first, or NULL. */
static ss_list *first_in_row(const ss_wheel *w, uint64_t *due) {
  ss_list *first = NULL;
  *due = UINT64_MAX;
  for (int i = 0; i < SS_WHEEL_ROWS; i++) {
    ss_list *head = w->row[i].next;
    if (head != &w->row[i] && due_of(head) < *due) {
      first = head;
      *due = due_of(head);
    }
  }
  return first;
}

static void collect_rows(ss_wheel *w, uint64_t now, ss_list *due) {
  uint64_t at;
  ss_list *node = first_in_row(w, &at);
  while (at <= now) {
    ss_list_remove(node);
    ss_list_append(due, node);
    node = first_in_row(w, &at);
  }
}

void ss_wheel_collect(ss_wheel *w, uint64_t now, ss_list *due) {
  unsigned level, slot;
  uint64_t begin;
  ss_list *node, moving;
  if (now >= SS_WHEEL_END)
    now = SS_WHEEL_END - 1;
  while ((node = ss_list_shift(&w->ready)))
    ss_list_append(due, node);
  while ((begin = first_slot(w, &level, &slot)) <= now) {
    collect_rows(w, begin, due);
    w->now = begin;
    w->busy[level] &= ~(UINT64_C(1) << slot);
    ss_list_take(&moving, &w->slot[level][slot]);
    while ((node = ss_list_shift(&moving))) {
      ss_timer *timer = SS_CONTAINER(node, ss_timer, node);
      if (timer->due <= begin)
        ss_list_append(due, node);
      else
        insert(w, timer);
    }
  }
  collect_rows(w, now, due);
  if (now > w->now)
    w->now = now;
}

void ss_wheel_fire(ss_wheel *w, ss_list *due) {
  ss_list *node;
  while ((node = ss_list_shift(due))) {
    ss_timer *timer = SS_CONTAINER(node, ss_timer, node);
    w->count--;
    timer->fn(timer);
  }
}

void ss_wheel_advance(ss_wheel *w, uint64_t now) {
  ss_list due;
  ss_list_init(&due);
  ss_wheel_collect(w, now, &due);
  ss_wheel_fire(w, &due);
}

uint64_t ss_wheel_wakeup(const ss_wheel *w) {
  unsigned level, slot;
  uint64_t in_row, begin;
  if (!ss_list_empty(&w->ready))
    return w->now;
  first_in_row(w, &in_row);
  begin = first_slot(w, &level, &slot);
  return begin < in_row ? begin : in_row;
}

uint64_t ss_wheel_next(const ss_wheel *w) {
  unsigned level, slot;
  uint64_t next;
  const ss_list *list;
  if (!ss_list_empty(&w->ready))
    return w->now;
  first_in_row(w, &next);
  if (first_slot(w, &level, &slot) >= next)
    return next;
  list = &w->slot[level][slot];
  for (const ss_list *n = list->next; n != list; n = n->next) {
    if (due_of(n) < next)
      next = due_of(n);
    if (level == 0)
      break; /* all of them are due at once */
  }
  return next;
}
