/* The in-memory network: virtual time, batches, datagrams, impairment by
 * seed. Its streams are in test_memory_streams.c. */
#include "memory_fixture.h"

static void datagrams_arrive_in_order_after_the_delay(void **state) {
  ss_path path;
  (void)state;
  open_both("udp");
  path = path_to(a, "udp:10.0.0.2:5060");
  delay(20);
  assert_int_equal(send_text(&path, "1"), 0);
  assert_int_equal(send_text(&path, "2"), 0);
  assert_int_equal(ss_memory_in_flight(memory), 2);
  assert_true(ss_memory_step(memory, 1019)); /* they leave */
  assert_int_equal(ss_memory_in_flight(memory), 2);
  assert_int_equal(loop->now, 1000);
  assert_false(ss_memory_step(memory, 1019));
  assert_int_equal(loop->now, 1019);
  assert_string_equal(b_notes.text, "");
  assert_true(ss_memory_step(memory, UINT64_MAX));
  assert_int_equal(loop->now, 1020);
  assert_string_equal(b_notes.text, "1;2;");
  assert_true(ss_addr_eq(&b_notes.path.peer, ss_transport_local(a)));
  assert_int_equal(ss_memory_in_flight(memory), 0);
  assert_false(ss_memory_step(memory, UINT64_MAX));
  assert_int_equal(loop->now, 1020);
}

static void no_delay_means_the_next_step_at_the_same_time(void **state) {
  ss_path path;
  (void)state;
  open_both("udp");
  b_notes.answer = "2";
  path = path_to(a, "udp:10.0.0.2:5060");
  send_text(&path, "1");
  assert_true(ss_memory_step(memory, 1000)); /* it leaves */
  assert_string_equal(b_notes.text, "");
  assert_true(ss_memory_step(memory, 1000));
  assert_string_equal(b_notes.text, "1;");
  assert_string_equal(a_notes.text, "");
  assert_true(ss_memory_step(memory, 1000));
  assert_string_equal(a_notes.text, "2;");
  assert_int_equal(loop->now, 1000);
}

static char story[64];

static void tell(const char *what) {
  strcat(story, what);
}

static void second_job(ss_job *job) {
  (void)job;
  tell("j2 ");
}

static ss_job late_job = {.fn = second_job};

static void first_job(ss_job *job) {
  (void)job;
  tell("j1 ");
  ss_loop_defer(loop, &late_job);
}

static void flush_job(ss_job *job) {
  (void)job;
  tell("f ");
}

static ss_job job_one = {.fn = first_job}, job_flush = {.fn = flush_job};
static ss_timer timer_zero;

static void zero_fires(ss_timer *timer) {
  (void)timer;
  tell("z ");
}

static void timer_fires(ss_timer *timer) {
  (void)timer;
  tell("t ");
  ss_loop_flush_later(loop, &job_flush);
  ss_loop_defer(loop, &job_one);
  ss_loop_defer(loop, &job_one);
  ss_loop_timer(loop, &timer_zero, 0);
}

static void batch_ends_with_jobs_and_then_flushes(void **state) {
  ss_timer timer = {.fn = timer_fires};
  (void)state;
  story[0] = '\0';
  timer_zero.fn = zero_fires;
  ss_loop_timer(loop, &timer, 50);
  assert_true(ss_memory_step(memory, UINT64_MAX));
  assert_int_equal(loop->now, 1050);
  assert_string_equal(story, "t j1 j2 f ");
  assert_true(ss_memory_step(memory, UINT64_MAX));
  assert_int_equal(loop->now, 1050);
  assert_string_equal(story, "t j1 j2 f z ");
}

static void job_deferred_between_steps_is_a_step(void **state) {
  (void)state;
  story[0] = '\0';
  ss_loop_defer(loop, &job_one);
  assert_true(loop->ops->alive(loop));
  assert_true(ss_memory_step(memory, 0));
  assert_string_equal(story, "j1 j2 ");
  assert_false(ss_memory_step(memory, 0));
  assert_int_equal(loop->now, 1000); /* never back */
}

static void run_inside(ss_job *job) {
  (void)job;
  if (ss_loop_run(loop, SS_RUN_ONCE) == SS_ESTATE &&
      !ss_memory_step(memory, UINT64_MAX))
    tell("refused ");
}

static void running_inside_a_turn_is_refused(void **state) {
  ss_job job = {.fn = run_inside};
  (void)state;
  story[0] = '\0';
  ss_loop_defer(loop, &job);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  assert_string_equal(story, "refused ");
}

static void stop_in_timer(ss_timer *timer) {
  (void)timer;
  ss_loop_stop(loop);
}

static void run_modes_end_where_they_should(void **state) {
  ss_timer one = {.fn = stop_in_timer}, two = {.fn = zero_fires};
  (void)state;
  story[0] = '\0';
  open_both("udp"); /* a listener alone is not alive */
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 0);
  ss_loop_timer(loop, &one, 100);
  ss_loop_timer(loop, &two, 200);
  assert_int_equal(ss_loop_run(loop, SS_RUN_NOWAIT), 1);
  assert_int_equal(loop->now, 1000);
  assert_int_equal(ss_loop_run(loop, SS_RUN_DEFAULT), 1);
  assert_int_equal(loop->now, 1100);
  assert_int_equal(ss_loop_run(loop, SS_RUN_ONCE), 0);
  assert_string_equal(story, "z ");
  assert_int_equal(ss_loop_pollfd(loop), SS_EUNSUPPORTED);
  assert_int_equal(ss_loop_timeout(loop), SS_EUNSUPPORTED);
}

static void impaired(uint64_t seed, char *out, size_t size, ss_impair impair) {
  ss_path path;
  setup(NULL);
  ss_loop_close(loop);
  assert_int_equal(ss_memory_open(&memory, seed), 0);
  loop = ss_memory_loop(memory);
  open_both("udp");
  ss_memory_set_impair(memory, &impair);
  path = path_to(a, "udp:10.0.0.2:5060");
  for (int i = 0; i < 200; i++) {
    char text[16];
    snprintf(text, sizeof text, "%03d", i);
    send_text(&path, text);
    ss_memory_step(memory, loop->now + 1);
  }
  run_out();
  snprintf(out, size, "%s", b_notes.text);
  ss_transport_close(a);
  ss_transport_close(b);
  ss_loop_close(loop);
}

static void seed_decides_about_loss_duplicates_and_order(void **state) {
  static char one[NOTES_SIZE], again[NOTES_SIZE], two[NOTES_SIZE];
  ss_impair some = {.loss = .2, .duplicate = .2, .reorder = .2};
  size_t n;
  (void)state;
  ss_loop_close(loop);
  impaired(1, one, sizeof one, some);
  impaired(1, again, sizeof again, some);
  impaired(2, two, sizeof two, some);
  assert_string_equal(one, again);
  assert_string_not_equal(one, two);
  impaired(1, one, sizeof one, (ss_impair){.loss = .5});
  n = strlen(one) / 4;
  assert_true(n > 70 && n < 130);
  impaired(1, one, sizeof one, (ss_impair){.loss = 1});
  assert_string_equal(one, "");
  impaired(1, one, sizeof one, (ss_impair){.duplicate = 1});
  assert_int_equal(strlen(one) / 4, 400);
  impaired(1, one, sizeof one, (ss_impair){.reorder = .5});
  impaired(1, two, sizeof two, (ss_impair){0});
  assert_int_equal(strlen(one), strlen(two));
  assert_string_not_equal(one, two);
  setup(NULL);
}

static bool drop_b(void *arg, const ss_addr *from, const ss_addr *to,
                   ss_str text) {
  (void)arg;
  (void)from;
  (void)to;
  return text.p[0] == 'B';
}

static void hooks_see_and_drop_messages(void **state) {
  static const ss_memory_hooks hooks = {drop_b, told_sent};
  ss_mpeer *p = open_peer("udp:10.0.0.9:5060");
  ss_addr to = addr_of("udp:10.0.0.1:5060");
  ss_path path;
  (void)state;
  open_both("udp");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  path = path_to(a, "udp:10.0.0.9:5060");
  send_text(&path, "A");
  send_text(&path, "B");
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("B")), 0);
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("C")), 0);
  run_out();
  assert_string_equal(hook_notes.text, "A;B;B;C;");
  assert_int_equal(hook_notes.refused, 2);
  assert_string_equal(peer_notes.text, "A;");
  assert_string_equal(a_notes.text, "C;");
}

static void hooks_are_called_when_who_sends_is_done(void **state) {
  static const ss_memory_hooks hooks = {NULL, told_sent};
  ss_path path;
  (void)state;
  open_both("udp");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  path = path_to(a, "udp:10.0.0.2:5060");
  send_text(&path, "1");
  send_text(&path, "2");
  ss_transport_close(a);
  assert_string_equal(hook_notes.text, "");
  assert_int_equal(ss_memory_in_flight(memory), 2);
  ss_memory_flush(memory);
  assert_string_equal(hook_notes.text, "1;2;");
  assert_int_equal(ss_memory_in_flight(memory), 2);
  assert_true(ss_memory_step(memory, 1000)); /* nothing is put off any more */
  assert_string_equal(b_notes.text, "1;2;");
  a = NULL;
}

static ss_mpeer *closing;

/* Closes everybody, and has one more message sent before that. */
static bool close_all(void *arg, const ss_addr *from, const ss_addr *to,
                      ss_str text) {
  notes *s = arg;
  (void)from;
  notes_add(s, text.p, 1);
  if (a) {
    ss_path path = {b, NULL, *to};
    send_text(&path, "3");
    ss_memory_flush(memory); /* not in the middle of another one */
  }
  ss_transport_close(a);
  ss_transport_close(b);
  ss_mpeer_close(closing);
  a = b = NULL;
  closing = NULL;
  return false;
}

static void a_hook_may_close_who_sends(void **state) {
  static const ss_memory_hooks hooks = {.drop = close_all};
  ss_addr to = addr_of("udp:10.0.0.1:5060");
  ss_mpeer *p = closing = open_peer("udp:10.0.0.9:5060");
  ss_path path;
  (void)state;
  open_both("udp");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  path = path_to(a, "udp:10.0.0.9:5060");
  send_text(&path, "1");
  send_text(&path, "2");
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("4")), SS_ECLOSED);
  assert_string_equal(hook_notes.text, "1;2;3;");
  run_out();
  assert_string_equal(peer_notes.text, "");
  assert_int_equal(ss_memory_in_flight(memory), 0);
}

static void a_datagram_without_memory_is_not_sent(void **state) {
  ss_path path;
  ss_packet *packet = ss_packet_new(SS_STR("1"));
  (void)state;
  open_both("udp");
  path = path_to(a, "udp:10.0.0.2:5060");
  ss_alloc_fail_at(1);
  assert_int_equal(ss_path_send(&path, packet), SS_ENOMEM);
  ss_alloc_fail_at(0);
  assert_int_equal(a_notes.sent, 0);
  assert_int_equal(ss_memory_in_flight(memory), 0);
  ss_packet_unref(packet);
  run_out();
  assert_string_equal(b_notes.text, "");
}

static void what_waits_goes_with_the_network(void **state) {
  ss_path path;
  (void)state;
  open_both("udp");
  path = path_to(a, "udp:10.0.0.2:5060");
  send_text(&path, "1"); /* teardown counts what is left */
}

static void addresses_are_taken_once_and_ports_found(void **state) {
  ss_addr addr = addr_of("udp:10.0.0.1:5060"), any = addr_of("udp:0.0.0.0:1");
  ss_transport *t = NULL;
  ss_mpeer *p;
  (void)state;
  open_both("udp");
  assert_int_equal(
      ss_transport_open(loop, &addr, &limits, &notes_sink, &a_notes, &t),
      -EADDRINUSE);
  assert_int_equal(ss_mpeer_open(memory, &addr, &peer_handler, NULL, &p),
                   -EADDRINUSE);
  assert_int_equal(
      ss_transport_open(loop, &any, &limits, &notes_sink, &a_notes, &t),
      -EADDRNOTAVAIL);
  t = open_at("udp:10.0.0.1:0", &a_notes);
  assert_true(ss_addr_port(ss_transport_local(t)) >= 49152);
  ss_transport_close(t);
  ss_transport_close(a);
  a = open_at("udp:10.0.0.1:5060", &a_notes); /* free again */
}

static void paths_that_may_not_be_are_refused(void **state) {
  ss_addr six = addr_of("udp:[::1]:5060"), tcp = addr_of("tcp:10.0.0.2:5060"),
          zero = addr_of("udp:10.0.0.2:0");
  ss_path path = {0};
  (void)state;
  open_both("udp");
  assert_int_equal(ss_path_to(a, &six, &path), -EAFNOSUPPORT);
  assert_int_equal(ss_path_to(a, &tcp, &path), -EAFNOSUPPORT);
  assert_int_equal(ss_path_to(a, &zero, &path), -EADDRNOTAVAIL);
  path = (ss_path){a, NULL, addr_of("udp:255.255.255.255:5060")};
  assert_int_equal(send_text(&path, "x"), -EADDRNOTAVAIL);
  assert_int_equal(ss_memory_in_flight(memory), 0);
}

static void datagram_over_the_limit_is_refused_with_its_head(void **state) {
  ss_path path;
  (void)state;
  limits.message_size = 4;
  open_both("udp");
  path = path_to(a, "udp:10.0.0.2:5060");
  send_text(&path, "1234");
  send_text(&path, "12345");
  run_out();
  assert_string_equal(b_notes.text, "1234;!0;");
  assert_int_equal(b_notes.head, 5);
  assert_int_equal(b_notes.received, 2);
}

/* One allocation after the other fails; nothing leaks and nothing breaks. */
static void any_allocation_may_fail(void **state) {
  (void)state;
  teardown(NULL);
  for (long n = 1; n < 80; n++) {
    const char *proto = n % 2 ? "tcp" : "udp";
    ss_addr at[2], from;
    ss_mpeer *p = NULL;
    ss_path path = {0};
    char text[40];
    ss_limits_default(&limits);
    for (int i = 0; i < 2; i++) {
      snprintf(text, sizeof text, "%s:10.0.0.%d:5060", proto, i + 1);
      at[i] = addr_of(text);
    }
    snprintf(text, sizeof text, "%s:10.0.0.9:5060", proto);
    from = addr_of(text);
    a_notes = b_notes = (notes){.answer = MESSAGE};
    b_notes.answer = NULL;
    a = b = NULL;
    ss_alloc_fail_at((n + 1) / 2);
    if (ss_memory_open(&memory, 1) != 0)
      continue;
    loop = ss_memory_loop(memory);
    ss_transport_open(loop, &at[0], &limits, &notes_sink, &a_notes, &a);
    ss_transport_open(loop, &at[1], &limits, &notes_sink, &b_notes, &b);
    if (ss_mpeer_open(memory, &from, &peer_handler, &peer_notes, &p) == 0)
      ss_mpeer_send(p, &at[0], SS_STR(MESSAGE));
    if (b && ss_path_to(b, &at[0], &path) == 0)
      send_text(&path, MESSAGE);
    run_out();
    ss_path_release(&path);
    ss_transport_close(a);
    ss_transport_close(b);
    ss_loop_close(loop);
    assert_int_equal(nothing_alive(NULL), 0);
  }
  a_notes = b_notes = (notes){0};
  setup(NULL);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(datagrams_arrive_in_order_after_the_delay),
      T(no_delay_means_the_next_step_at_the_same_time),
      T(batch_ends_with_jobs_and_then_flushes),
      T(job_deferred_between_steps_is_a_step),
      T(running_inside_a_turn_is_refused),
      T(run_modes_end_where_they_should),
      T(seed_decides_about_loss_duplicates_and_order),
      T(hooks_see_and_drop_messages),
      T(hooks_are_called_when_who_sends_is_done),
      T(a_hook_may_close_who_sends),
      T(a_datagram_without_memory_is_not_sent),
      T(what_waits_goes_with_the_network),
      T(addresses_are_taken_once_and_ports_found),
      T(paths_that_may_not_be_are_refused),
      T(datagram_over_the_limit_is_refused_with_its_head),
      T(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
