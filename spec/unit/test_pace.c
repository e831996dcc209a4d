/* How the real loop says that it doesn't keep up (ss_pace), which overload.c
 * goes by: what has piled up in a socket is known in the next turn that reads,
 * however many timers fire in between. And what it does when a rush is over,
 * and after each turn. */
#include "net_fixture.h"
#include "resident.h"

#include "base/slabs.h"

#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 300       /* datagrams: more than four turns read */
#define TOO_MANY 14000 /* more than there is room for */

static ss_loop *loop;
static ss_transport *transport;
static int got, first, left_from, late_from, took_of_first, slow_ms;
static unsigned began;

static void on_message(void *arg, const ss_path *path, const char *p,
                       size_t n) {
  const ss_pace *pace = &loop->pace;
  (void)arg;
  (void)path;
  (void)p;
  (void)n;
  if (got++ == 0) {
    began = pace->turn;
    usleep((useconds_t)slow_ms * 1000); /* timers are due when the turn ends */
  }
  if (pace->turn == began)
    first++;
  else if (!late_from && pace->late)
    late_from = got;
  if (!left_from && pace->behind)
    left_from = got;
  if (got == first + 1)
    took_of_first = (int)pace->took;
}

static void on_refused(void *arg, const ss_path *path, ss_refusal why,
                       ss_str head) {
  (void)arg;
  (void)path;
  (void)why;
  (void)head;
}

static const ss_sink sink = {.message = on_message, .refused = on_refused};

static int fired;

static void again(ss_timer *timer) {
  fired++;
  ss_loop_timer(loop, timer, 1);
}

static int setup(void **state) {
  (void)state;
  got = first = left_from = late_from = took_of_first = slow_ms = fired = 0;
  return ss_loop_open(&loop);
}

static int teardown(void **state) {
  ss_transport_close(transport);
  transport = NULL;
  ss_loop_close(loop);
  return nothing_alive(state);
}

static void listen_on_udp(void) {
  ss_limits limits;
  ss_addr addr = addr_of("udp:127.0.0.1:0");
  ss_limits_default(&limits);
  assert_int_equal(
      ss_transport_open(loop, &addr, &limits, &sink, NULL, &transport), 0);
}

static void send_many(const ss_addr *to, int n) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_true(fd >= 0);
  while (n--)
    assert_int_equal(sendto(fd, "OPTIONS", 7, 0, &to->u.sa, sizeof to->u.in4),
                     7);
  close(fd);
}

/* All of so many that were sent, or what there was room for. */
static void read_many(int n) {
  ss_timer timer = {.fn = again};
  listen_on_udp();
  send_many(ss_transport_local(transport), n);
  ss_loop_timer(loop, &timer, 1);
  for (int before = -1; got < n && got > before;) {
    before = got;
    for (int i = 0; i < 20 && got == before; i++)
      ss_loop_run(loop, SS_RUN_ONCE);
  }
  ss_loop_timer_stop(loop, &timer);
}

static void
many_that_would_wait_for_long_are_known_in_the_next_turn(void **state) {
  (void)state;
  slow_ms = 150;
  read_many(MANY);
  assert_int_equal(got, MANY);
  assert_true(fired > 0);
  assert_in_range(first, 1, MANY / 4);
  assert_int_equal(late_from, 2 * first + 1);
  assert_in_range(took_of_first, 150, 3000); /* ms */
}

/* However many turns in a row leave some. */
static void many_that_are_read_soon_are_no_backlog(void **state) {
  (void)state;
  read_many(MANY);
  assert_int_equal(got, MANY);
  assert_in_range(first, 1, MANY / 4);
  assert_int_equal(left_from, first + 1);
  assert_int_equal(late_from, 0);
}

static void more_than_the_kernel_has_room_for_are_a_backlog(void **state) {
  (void)state;
  read_many(TOO_MANY);
  assert_in_range(got, 100, TOO_MANY - 1);
  assert_int_equal(late_from, first + 1);
}

static int asked;

static bool relieve(void *arg, bool stop) {
  (void)arg;
  (void)stop;
  return ++asked < 3;
}

static bool relieve_quietly(void *arg, bool stop) {
  assert_true(stop);
  loop->relief.wanted = asked < 2;
  return relieve(arg, stop);
}

static void once(ss_timer *timer) {
  (void)timer;
  fired++;
}

static void rush(void) {
  static ss_timer timer[1200];
  for (int i = 0; i < 1200; i++) {
    timer[i].fn = once;
    ss_loop_timer(loop, &timer[i], 10);
  }
  while (fired < 1200)
    ss_loop_run(loop, SS_RUN_ONCE);
}

static bool readable(int ms) {
  struct pollfd p = {.fd = ss_loop_pollfd(loop), .events = POLLIN};
  return poll(&p, 1, ms) == 1;
}

static void is_asked_no_more(void) {
  while (readable(0)) /* what woke us may be there for one more turn */
    ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_false(readable(700));
  assert_int_equal(asked, 3);
}

static void after_a_rush_whoever_waits_is_told_of_the_relief(void **state) {
  (void)state;
  listen_on_udp();
  asked = 0;
  loop->relief.fn = relieve;
  rush();
  for (int i = 0; i < 100 && asked < 3; i++)
    if (readable(2000))
      ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_int_equal(asked, 3);
  is_asked_no_more();
}

/* Else it would be asked to run, and have nothing to do, again and again. */
static void where_nothing_is_alive_nobody_is_woken_for_it(void **state) {
  (void)state;
  asked = 0;
  loop->relief.fn = relieve;
  assert_true(ss_loop_pollfd(loop) >= 0);
  rush();
  ss_loop_run(loop, SS_RUN_NOWAIT);
  assert_false(readable(700));
}

/* It says so outside a turn here; and is told that there was no rush. */
static void without_a_rush_it_is_asked_if_it_wants_to_be(void **state) {
  (void)state;
  listen_on_udp();
  asked = 0;
  loop->relief.fn = relieve_quietly;
  loop->relief.wanted = true;
  for (int i = 0; i < 100 && asked < 3; i++)
    ss_loop_run(loop, SS_RUN_ONCE);
  assert_int_equal(asked, 3);
  assert_true(ss_loop_pollfd(loop) >= 0);
  is_asked_no_more();
}

/* --- memory --------------------------------------------------------------- */

#define BLOCKS 8000 /* of 4 KB */
#define GOES_AT_LAST 8

static void *kept[BLOCKS];

/* Half of each chunk. */
static void let_go(size_t odd) {
  for (size_t i = 0; i < BLOCKS; i++) {
    if (i / 16 % 2 == odd && kept[i])
      ss_slab_give(kept[i]);
  }
}

/* At once the half, and the other when memory is being trimmed already. */
static bool relieve_twice(void *arg, bool stop) {
  (void)arg;
  (void)stop;
  if (++asked == 1)
    let_go(0);
  else if (asked == GOES_AT_LAST)
    let_go(1);
  return asked < GOES_AT_LAST;
}

/* A turn takes as long as its part of it. */
static void after_a_rush_memory_goes_back_in_parts(void **state) {
  size_t before, held, most = 0;
  void *p = ss_slab_take(1);
  (void)state;
  if (!p)
    skip();
  listen_on_udp();
  asked = 0;
  loop->relief.fn = relieve_twice;
  ss_slabs_trim_all();
  before = resident_kb();
  for (int i = 0; i < BLOCKS; i++) {
    kept[i] = ss_slab_take(4096);
    memset(kept[i], 1, 4096);
  }
  rush();
  held = resident_kb();
  assert_true(held > before + BLOCKS * 4);
  for (int i = 0; i < 400 && held > before + 1000 && readable(700); i++) {
    size_t now;
    ss_loop_run(loop, SS_RUN_NOWAIT);
    now = resident_kb();
    if (held > now + most)
      most = held - now;
    held = now;
  }
  assert_int_equal(asked, GOES_AT_LAST);
  assert_in_range(held, before - 1000, before + 1000);
  assert_in_range(most, 1, 4096 + 200);
  ss_slab_give(p);
}

/* --- small blocks --------------------------------------------------------- */

/* Bytes of those that glibc has yet to join with their neighbours. */
static size_t unjoined(void) {
#if __GLIBC_PREREQ(2, 33) && !defined(__SANITIZE_ADDRESS__)
  return mallinfo2().fsmblks;
#else
  return 0;
#endif
}

/* Else all that was given back since is joined at once, some day. */
static void a_turn_leaves_no_small_blocks_to_be_joined(void **state) {
  static char *volatile block[1000];
  (void)state;
  listen_on_udp();
  for (int i = 0; i < 1000; i++)
    block[i] = malloc(50);
  for (int i = 0; i < 1000; i++)
    free(block[i]);
  if (unjoined() == 0)
    skip(); /* another allocator */
  send_many(ss_transport_local(transport), 1);
  for (int i = 0; i < 100 && !got; i++)
    ss_loop_run(loop, SS_RUN_ONCE);
  assert_int_equal(unjoined(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(
          many_that_would_wait_for_long_are_known_in_the_next_turn, setup,
          teardown),
      cmocka_unit_test_setup_teardown(many_that_are_read_soon_are_no_backlog,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(
          more_than_the_kernel_has_room_for_are_a_backlog, setup, teardown),
      cmocka_unit_test_setup_teardown(
          after_a_rush_whoever_waits_is_told_of_the_relief, setup, teardown),
      cmocka_unit_test_setup_teardown(
          where_nothing_is_alive_nobody_is_woken_for_it, setup, teardown),
      cmocka_unit_test_setup_teardown(
          without_a_rush_it_is_asked_if_it_wants_to_be, setup, teardown),
      cmocka_unit_test_setup_teardown(after_a_rush_memory_goes_back_in_parts,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(
          a_turn_leaves_no_small_blocks_to_be_joined, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
