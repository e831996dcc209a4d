/* The in-memory network: virtual time, order, impairment by seed, streams. */
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

static int setup(void **state) {
  (void)state;
  a_notes = b_notes = peer_notes = hook_notes = (notes){0};
  a = b = NULL;
  peer_closed = 0;
  ss_limits_default(&limits);
  if (ss_memory_open(&memory, 1) != 0)
    return -1;
  loop = ss_memory_loop(memory);
  return 0;
}

static int teardown(void **state) {
  ss_path_release(&a_notes.path);
  ss_path_release(&b_notes.path);
  ss_transport_close(a);
  ss_transport_close(b);
  ss_loop_close(loop);
  return nothing_alive(state);
}

static ss_transport *open_at(const char *text, notes *to) {
  ss_addr addr = addr_of(text);
  ss_transport *t = NULL;
  assert_int_equal(ss_transport_open(loop, &addr, &limits, &notes_sink, to, &t),
                   0);
  return t;
}

static void open_both(const char *proto) {
  char text[40];
  a_notes.hold = b_notes.hold = true;
  snprintf(text, sizeof text, "%s:10.0.0.1:5060", proto);
  a = open_at(text, &a_notes);
  snprintf(text, sizeof text, "%s:10.0.0.2:5060", proto);
  b = open_at(text, &b_notes);
}

static void peer_message(void *arg, const ss_addr *from, ss_str text) {
  notes *s = arg;
  (void)from;
  s->messages++;
  notes_add(s, text.p, text.n < 4 ? text.n : 4);
}

static void peer_end(void *arg, const ss_addr *from) {
  (void)arg;
  (void)from;
  peer_closed++;
}

static const ss_mpeer_handler peer_handler = {peer_message, peer_end};

static ss_mpeer *open_peer(const char *text) {
  ss_addr addr = addr_of(text);
  ss_mpeer *p = NULL;
  assert_int_equal(ss_mpeer_open(memory, &addr, &peer_handler, &peer_notes, &p),
                   0);
  return p;
}

static ss_path path_to(ss_transport *t, const char *text) {
  ss_addr addr = addr_of(text);
  ss_path path = {0};
  assert_int_equal(ss_path_to(t, &addr, &path), 0);
  return path;
}

static void delay(uint32_t ms) {
  ss_memory_set_impair(memory, &(ss_impair){.delay_ms = ms});
}

static void run_out(void) {
  while (ss_memory_step(memory, loop->now + 1000000))
    if (loop->now > 900000)
      break;
}

static void run_until(uint64_t until) {
  while (ss_memory_step(memory, until))
    continue;
}

/* All that happens without the time moving on. */
static void run_now(void) {
  while (ss_memory_step(memory, loop->now))
    continue;
}

static void datagrams_arrive_in_order_after_the_delay(void **state) {
  ss_path path;
  (void)state;
  open_both("udp");
  path = path_to(a, "udp:10.0.0.2:5060");
  delay(20);
  assert_int_equal(send_text(&path, "1"), 0);
  assert_int_equal(send_text(&path, "2"), 0);
  assert_int_equal(ss_memory_in_flight(memory), 2);
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

static void told_sent(void *arg, uint64_t now, const ss_addr *from,
                      const ss_addr *to, ss_str text, bool lost) {
  notes *s = arg;
  (void)from;
  (void)to;
  (void)now;
  notes_add(s, text.p, 1);
  s->refused += lost;
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

static void stream_carries_messages_both_ways(void **state) {
  ss_path path;
  (void)state;
  open_both("tcp");
  b_notes.answer = "C d\r\nl: 0\r\n\r\n";
  path = path_to(a, "tcp:10.0.0.2:5060");
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  run_now();
  assert_string_equal(b_notes.text, "A b\r;A b\r;");
  assert_string_equal(a_notes.text, "C d\r;C d\r;");
  assert_int_equal(ss_transport_connections(a), 1);
  assert_int_equal(ss_transport_connections(b), 1);
  ss_path second = path_to(a, "tcp:10.0.0.2:5060");
  assert_ptr_equal(second.conn, path.conn);
  ss_path_release(&second);
  ss_path_release(&path);
}

static void stream_to_nobody_is_lost(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.7:5060");
  ss_path_watch(&path, &l.watch);
  send_text(&path, MESSAGE);
  run_out();
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ECONNREFUSED);
  assert_true(ss_path_lost(&path));
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  assert_int_equal(ss_transport_connections(a), 0);
  ss_path_release(&path);
}

static void connecting_too_slowly_is_a_timeout(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  delay(11000);
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  send_text(&path, MESSAGE);
  run_until(10999);
  assert_int_equal(l.told, 0);
  run_until(11000);
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ETIMEDOUT);
  run_out();
  assert_string_equal(b_notes.text, "");
  ss_path_release(&path);
}

static void stream_to_a_peer_comes_framed_and_in_order(void **state) {
  ss_path path;
  (void)state;
  open_both("tcp");
  open_peer("tcp:10.0.0.9:5060");
  delay(50);
  path = path_to(a, "tcp:10.0.0.9:5060");
  run_until(1050);
  send_text(&path, "1 b\r\nl: 0\r\n\r\n2 b\r\nl");
  send_text(&path, ": 0\r\n\r\n");
  run_until(1051);
  delay(1); /* what follows does not overtake */
  send_text(&path, "3 b\r\nl: 0\r\n\r\n");
  run_until(1090);
  assert_string_equal(peer_notes.text, "");
  run_until(1100);
  assert_string_equal(peer_notes.text, "1 b\r;2 b\r;3 b\r;");
  ss_path_release(&path);
}

static void peer_stream_is_framed_and_pings_are_answered(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  static const ss_memory_hooks hooks = {NULL, told_sent};
  (void)state;
  open_both("tcp");
  ss_memory_set_hooks(memory, &hooks, &hook_notes);
  a_notes.answer = MESSAGE MESSAGE;
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("A b\r\nl: 2\r\n")), 0);
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("\r\nh")), 0);
  run_out();
  assert_string_equal(a_notes.text, "!2;"); /* too slow: 10 s */
  assert_int_equal(peer_closed, 1);
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR(MESSAGE "\r\n\r\n")), 0);
  run_now();
  assert_string_equal(a_notes.text, "!2;A b\r;");
  assert_string_equal(peer_notes.text, "A b\r;A b\r;");
  assert_string_equal(hook_notes.text + hook_notes.n - 2, "\r;");
  to = addr_of("tcp:10.0.0.8:5060");
  assert_int_equal(ss_mpeer_send(p, &to, SS_STR("x")), -ECONNREFUSED);
}

static void answer_arrives_after_half_close(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  delay(5);
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_shut(p, &to);
  ss_memory_step(memory, UINT64_MAX);
  ss_memory_step(memory, 2000);
  ss_memory_step(memory, 2000);
  assert_string_equal(a_notes.text, "A b\r;");
  ss_path_watch(&a_notes.path, &l.watch);
  assert_int_equal(send_text(&a_notes.path, MESSAGE), 0);
  run_until(20000);
  assert_string_equal(peer_notes.text, "A b\r;");
  assert_int_equal(l.told, 0);
  run_out(); /* 32 s later */
  assert_int_equal(l.told, 1);
  assert_int_equal(peer_closed, 1);
  assert_true(loop->now > 33000);
}

static void half_closed_stream_goes_when_nobody_holds_it(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_shut(p, &to);
  run_now();
  assert_int_equal(ss_transport_connections(a), 1);
  send_text(&a_notes.path, MESSAGE);
  ss_path_release(&a_notes.path);
  assert_int_equal(ss_transport_connections(a), 1); /* has something to send */
  run_now();
  assert_int_equal(ss_transport_connections(a), 0);
  assert_string_equal(peer_notes.text, "A b\r;");
  ss_mpeer_send(p, &to, SS_STR("A b\r\n"));
  ss_mpeer_shut(p, &to); /* in the middle of a message */
  run_now();
  assert_int_equal(ss_transport_connections(a), 0);
  assert_string_equal(a_notes.text, "A b\r;");
}

static void peer_that_closed_resets_what_is_sent(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_now();
  ss_path_watch(&a_notes.path, &l.watch);
  ss_mpeer_close(p);
  run_now();
  assert_int_equal(l.told, 0);
  assert_int_equal(send_text(&a_notes.path, MESSAGE), 0);
  run_now();
  assert_int_equal(l.told, 1);
  assert_int_equal(l.rc, -ECONNRESET);
}

static void refused_stream_gets_its_answer_and_is_closed(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  open_both("tcp");
  a_notes.answer = MESSAGE;
  ss_mpeer_send(p, &to, SS_STR("A b\r\nl: x\r\n\r\n" MESSAGE));
  run_now();
  assert_string_equal(a_notes.text, "!1;");
  assert_int_equal(a_notes.head, 13);
  assert_string_equal(peer_notes.text, "A b\r;");
  assert_int_equal(peer_closed, 1);
  assert_true(ss_path_lost(&a_notes.path));
}

static void idle_stream_is_closed_after_its_time(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  limits.connection_idle = 60;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_until(41000);
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  run_until(100999);
  assert_string_equal(a_notes.text, "A b\r;A b\r;");
  run_until(101000);
  assert_string_equal(a_notes.text, "A b\r;A b\r;!3;");
}

static void connections_over_the_limit_are_refused(void **state) {
  ss_mpeer *p = open_peer("tcp:10.0.0.9:5060"),
           *q = open_peer("tcp:10.0.0.9:5061");
  ss_addr to = addr_of("tcp:10.0.0.1:5060");
  (void)state;
  limits.connections = 1;
  open_both("tcp");
  ss_mpeer_send(p, &to, SS_STR(MESSAGE));
  ss_mpeer_send(q, &to, SS_STR(MESSAGE));
  run_now();
  assert_string_equal(a_notes.text, "A b\r;!5;");
  assert_int_equal(peer_closed, 1);
  assert_int_equal(ss_transport_connections(a), 1);
}

static void backlog_over_the_limit_closes_the_stream(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  limits.connection_backlog = 200;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), 0);
  assert_int_equal(send_text(&path, MESSAGE), SS_EFULL);
  assert_int_equal(l.told, 0); /* not inside of the send */
  ss_path_release(&path);
  run_out();
  assert_string_equal(a_notes.text, "!4;");
  assert_int_equal(l.told, 1);
}

static void transport_may_close_inside_its_message(void **state) {
  ss_mpeer *p;
  ss_addr to;
  (void)state;
  for (int i = 0; i < 2; i++) {
    p = open_peer(i ? "tcp:10.0.0.9:5060" : "udp:10.0.0.9:5060");
    to = addr_of(i ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060");
    a = open_at(i ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060", &a_notes);
    a_notes.close = &a;
    ss_mpeer_send(p, &to, SS_STR(MESSAGE MESSAGE));
    ss_mpeer_send(p, &to, SS_STR(MESSAGE));
    run_out();
    assert_null(a);
    assert_int_equal(a_notes.messages, i + 1);
    a_notes.path = (ss_path){0};
  }
}

static void closing_tells_no_watch_and_sends_what_is_queued(void **state) {
  ss_path path;
  loss l = {.watch.lost = loss_told};
  (void)state;
  open_both("tcp");
  path = path_to(a, "tcp:10.0.0.2:5060");
  ss_path_watch(&path, &l.watch);
  run_now();
  send_text(&path, MESSAGE);
  ss_transport_close(a);
  a = NULL;
  assert_false(ss_list_linked(&l.watch.node));
  assert_true(ss_path_lost(&path));
  assert_int_equal(send_text(&path, MESSAGE), SS_ECLOSED);
  ss_path_release(&path);
  run_now();
  assert_string_equal(b_notes.text, "A b\r;");
  assert_int_equal(l.told, 0);
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
      T(addresses_are_taken_once_and_ports_found),
      T(paths_that_may_not_be_are_refused),
      T(datagram_over_the_limit_is_refused_with_its_head),
      T(stream_carries_messages_both_ways),
      T(stream_to_nobody_is_lost),
      T(connecting_too_slowly_is_a_timeout),
      T(stream_to_a_peer_comes_framed_and_in_order),
      T(peer_stream_is_framed_and_pings_are_answered),
      T(answer_arrives_after_half_close),
      T(half_closed_stream_goes_when_nobody_holds_it),
      T(peer_that_closed_resets_what_is_sent),
      T(refused_stream_gets_its_answer_and_is_closed),
      T(idle_stream_is_closed_after_its_time),
      T(connections_over_the_limit_are_refused),
      T(backlog_over_the_limit_closes_the_stream),
      T(transport_may_close_inside_its_message),
      T(closing_tells_no_watch_and_sends_what_is_queued),
      T(any_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
