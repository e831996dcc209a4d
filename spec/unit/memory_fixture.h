/* What the unit tests of the in-memory network share: a network with two
 * listeners and scripted peers that write down what they are told. */
#ifndef MEMORY_FIXTURE_H
#define MEMORY_FIXTURE_H

#include "net_fixture.h"

#include "net/memory.h"

#define MESSAGE "A b\r\nl: 2\r\n\r\nhi"

static ss_memory *memory;
static ss_loop *loop;
static ss_limits limits;
static notes a_notes, b_notes, hook_notes;
static ss_transport *a, *b;
static notes peer_notes;
static int peer_closed;

static inline int setup(void **state) {
  (void)state;
  a_notes = b_notes = peer_notes = hook_notes = (notes){0};
  a = b = NULL;
  peer_closed = 0;
  ss_limits_default(&limits);
  if (ss_memory_open(&memory, 1) != 0)
    return -1;
  loop = ss_memory_loop(memory);
  ss_memory_step(memory, 1000); /* the specs' times are counted from there */
  return 0;
}

static inline int teardown(void **state) {
  ss_path_release(&a_notes.path);
  ss_path_release(&b_notes.path);
  ss_transport_close(a);
  ss_transport_close(b);
  ss_loop_close(loop);
  return nothing_alive(state);
}

static inline ss_transport *open_at(const char *text, notes *to) {
  ss_addr addr = addr_of(text);
  ss_transport *t = NULL;
  assert_int_equal(ss_transport_open(loop, &addr, &limits, &notes_sink, to, &t),
                   0);
  return t;
}

static inline void open_both(const char *proto) {
  char text[40];
  a_notes.hold = b_notes.hold = true;
  snprintf(text, sizeof text, "%s:10.0.0.1:5060", proto);
  a = open_at(text, &a_notes);
  snprintf(text, sizeof text, "%s:10.0.0.2:5060", proto);
  b = open_at(text, &b_notes);
}

static inline void peer_message(void *arg, const ss_addr *from, ss_str text) {
  notes *s = arg;
  (void)from;
  s->messages++;
  notes_add(s, text.p, text.n < 4 ? text.n : 4);
}

static inline void peer_end(void *arg, const ss_addr *from) {
  (void)arg;
  (void)from;
  peer_closed++;
}

static const ss_mpeer_handler peer_handler = {peer_message, peer_end};

static inline ss_mpeer *open_peer(const char *text) {
  ss_addr addr = addr_of(text);
  ss_mpeer *p = NULL;
  assert_int_equal(ss_mpeer_open(memory, &addr, &peer_handler, &peer_notes, &p),
                   0);
  return p;
}

static inline ss_path path_to(ss_transport *t, const char *text) {
  ss_addr addr = addr_of(text);
  ss_path path = {0};
  assert_int_equal(ss_path_to(t, &addr, &path), 0);
  return path;
}

static inline void delay(uint32_t ms) {
  ss_memory_set_impair(memory, &(ss_impair){.delay_ms = ms});
}

static inline void run_out(void) {
  while (ss_memory_step(memory, loop->now + 1000000))
    if (loop->now > 900000)
      break;
}

static inline void run_until(uint64_t until) {
  while (ss_memory_step(memory, until))
    continue;
}

/* All that happens without the time moving on. */
static inline void run_now(void) {
  while (ss_memory_step(memory, loop->now))
    continue;
}

static inline void told_sent(void *arg, uint64_t now, const ss_addr *from,
                             const ss_addr *to, ss_str text, bool lost) {
  notes *s = arg;
  (void)from;
  (void)to;
  (void)now;
  notes_add(s, text.p, 1);
  s->refused += lost;
}

#endif
