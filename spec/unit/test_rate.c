/* Token buckets by source: what is let through, what is told, what a source is,
 * and that the table neither grows nor slows down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/rate.h"

static ss_addr at(const char *text) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, ss_str_z(text)), 0);
  return a;
}

static int take_many(ss_rate *r, const char *from, uint64_t now, int n) {
  ss_addr a = at(from);
  int within = 0;
  for (int i = 0; i < n; i++)
    within += ss_rate_take(r, &a, now) == SS_RATE_WITHIN;
  return within;
}

static ss_rate *rate_of(size_t per_second) {
  ss_rate *r;
  assert_int_equal(ss_rate_new(&r, per_second, 1000), 0);
  return r;
}

static void a_second_s_worth_at_once_then_the_rate(void **state) {
  ss_rate *r = rate_of(10);
  (void)state;
  assert_int_equal(take_many(r, "udp:192.0.2.1", 0, 100), 10);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 99, 100), 0);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 100, 100), 1);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 600, 100), 5);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 100000, 100), 10);
  ss_rate_free(r);
}

static void it_is_told_once_a_second(void **state) {
  ss_rate *r = rate_of(1);
  ss_addr a = at("udp:192.0.2.1");
  int told = 0;
  (void)state;
  assert_int_equal(ss_rate_take(r, &a, 5), SS_RATE_WITHIN);
  assert_int_equal(ss_rate_take(r, &a, 5), SS_RATE_OVER_TELL);
  for (uint64_t t = 6; t < 1005; t++)
    assert_int_equal(ss_rate_take(r, &a, t), SS_RATE_OVER);
  for (uint64_t t = 1006; t < 11006; t++)
    told += ss_rate_take(r, &a, t) == SS_RATE_OVER_TELL;
  assert_in_range(told, 9, 10);
  ss_rate_free(r);
}

static void sources_are_addresses_and_networks_of_64_bits(void **state) {
  static const struct {
    const char *a, *b;
    int same;
  } pair[] = {
      {"udp:192.0.2.1:5060", "udp:192.0.2.1:9", 1},
      {"udp:192.0.2.1:5060", "tcp:192.0.2.1:5060", 1},
      {"udp:192.0.2.1:5060", "udp:192.0.2.2:5060", 0},
      {"udp:[2001:db8::1]", "udp:[2001:db8::ffff:1:2:3]", 1},
      {"udp:[2001:db8::1]", "udp:[2001:db8:0:1::1]", 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
    ss_rate *r = rate_of(3);
    assert_int_equal(take_many(r, pair[i].a, 0, 9), 3);
    assert_int_equal(take_many(r, pair[i].b, 0, 9), pair[i].same ? 0 : 3);
    ss_rate_free(r);
  }
}

static void sources_beyond_its_size_are_let_through(void **state) {
  ss_rate *r = rate_of(1);
  ss_addr a = at("udp:10.0.0.0");
  size_t within = 0;
  (void)state;
  for (uint32_t i = 0; i < 200000; i++) {
    a.u.in4.sin_addr.s_addr = htonl(0x0a000000 + i);
    within += ss_rate_take(r, &a, i / 1000) == SS_RATE_WITHIN;
  }
  assert_int_equal(within, 200000);
  /* those that came last are known still */
  within = 0;
  for (uint32_t i = 199900; i < 200000; i++) {
    a.u.in4.sin_addr.s_addr = htonl(0x0a000000 + i);
    within += ss_rate_take(r, &a, 200) == SS_RATE_WITHIN;
  }
  assert_in_range(within, 0, 5);
  ss_rate_free(r);
}

static void a_rate_without_bounds_is_one(void **state) {
  ss_rate *r = rate_of(INT32_MAX);
  (void)state;
  assert_int_equal(take_many(r, "udp:192.0.2.1", 0, 1000), 1000);
  ss_rate_free(r);
}

static void a_minute_s_worth_is_given_back_in_a_minute(void **state) {
  ss_rate *r;
  (void)state;
  assert_int_equal(ss_rate_new(&r, 20, 60000), 0);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 0, 100), 20);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 2999, 100), 0);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 3000, 100), 1);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 63000, 100), 20);
  ss_rate_free(r);
}

static void looking_takes_nothing(void **state) {
  ss_rate *r = rate_of(2);
  ss_addr a = at("udp:192.0.2.1"), b = at("udp:192.0.2.2");
  (void)state;
  for (int i = 0; i < 10; i++)
    assert_int_equal(ss_rate_look(r, &a, 0), SS_RATE_WITHIN);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 0, 2), 2);
  assert_int_equal(ss_rate_look(r, &a, 0), SS_RATE_OVER_TELL);
  assert_int_equal(ss_rate_look(r, &a, 0), SS_RATE_OVER);
  assert_int_equal(ss_rate_look(r, &b, 0), SS_RATE_WITHIN);
  assert_int_equal(ss_rate_look(r, &a, 499), SS_RATE_OVER);
  assert_int_equal(ss_rate_look(r, &a, 500), SS_RATE_WITHIN);
  assert_int_equal(take_many(r, "udp:192.0.2.1", 500, 2), 1);
  ss_rate_free(r);
}

static void no_memory_is_an_error(void **state) {
  ss_rate *r;
  (void)state;
  ss_alloc_fail_at(1);
  assert_int_equal(ss_rate_new(&r, 1, 1000), SS_ENOMEM);
  ss_alloc_fail_at(0);
  ss_rate_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_second_s_worth_at_once_then_the_rate),
      cmocka_unit_test(it_is_told_once_a_second),
      cmocka_unit_test(sources_are_addresses_and_networks_of_64_bits),
      cmocka_unit_test(sources_beyond_its_size_are_let_through),
      cmocka_unit_test(a_rate_without_bounds_is_one),
      cmocka_unit_test(a_minute_s_worth_is_given_back_in_a_minute),
      cmocka_unit_test(looking_takes_nothing),
      cmocka_unit_test(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
