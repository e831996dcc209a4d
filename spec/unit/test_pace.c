/* How the real loop says that it doesn't keep up (ss_pace), which overload.c
 * goes by: what a turn left in a socket is known in the next that reads,
 * however many timers fire in between. */
#include "net_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#define MANY 700 /* datagrams: more than two turns read */

static ss_loop *loop;
static ss_transport *transport;
static int got, first, behind_from, took_of_first;
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
    usleep(20000); /* timers are due when the turn ends */
  }
  if (pace->turn == began)
    first++;
  else if (!behind_from && pace->behind)
    behind_from = got;
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
  got = first = behind_from = took_of_first = fired = 0;
  return ss_loop_open(&loop);
}

static int teardown(void **state) {
  ss_transport_close(transport);
  ss_loop_close(loop);
  return nothing_alive(state);
}

static void send_many(const ss_addr *to, int n) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_true(fd >= 0);
  while (n--)
    assert_int_equal(sendto(fd, "OPTIONS", 7, 0, &to->u.sa, sizeof to->u.in4),
                     7);
  close(fd);
}

static void what_a_turn_left_unread_the_next_one_knows(void **state) {
  ss_limits limits;
  ss_addr addr = addr_of("udp:127.0.0.1:0");
  ss_timer timer = {.fn = again};
  (void)state;
  ss_limits_default(&limits);
  assert_int_equal(
      ss_transport_open(loop, &addr, &limits, &sink, NULL, &transport), 0);
  send_many(ss_transport_local(transport), MANY);
  ss_loop_timer(loop, &timer, 1);
  for (int i = 0; i < 1000 && got < MANY; i++)
    ss_loop_run(loop, SS_RUN_ONCE);
  ss_loop_timer_stop(loop, &timer);
  assert_int_equal(got, MANY);
  assert_in_range(first, 1, MANY / 2); /* it was not all of them */
  assert_true(fired > 0);
  assert_int_equal(behind_from, first + 1);
  assert_in_range(took_of_first, 20, 3000); /* ms */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(
          what_a_turn_left_unread_the_next_one_knows, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
