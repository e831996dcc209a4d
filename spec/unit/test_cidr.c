/* base/cidr.h: networks and who is in them. */
#include "base/cidr.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static bool in(const char *network, const char *ip) {
  ss_cidr c;
  ss_addr a;
  if (ss_cidr_parse(&c, ss_str_z(network)))
    fail_msg("not read: %s", network);
  assert_int_equal(ss_addr_ip(&a, SS_UDP, ss_str_z(ip), 5060), 0);
  return ss_cidr_has(&c, 1, &a);
}

static void check(const char *network, const char *inside,
                  const char *outside) {
  if (inside && !in(network, inside))
    fail_msg("%s isn't in %s", inside, network);
  if (outside && in(network, outside))
    fail_msg("%s is in %s", outside, network);
}

static void an_ipv4_network_has_its_addresses(void **state) {
  (void)state;
  check("192.0.2.0/24", "192.0.2.0", "192.0.1.255");
  check("192.0.2.0/24", "192.0.2.255", "192.0.3.0");
  check("192.0.2.99/24", "192.0.2.1", "192.0.3.99");
  check("128.0.0.0/1", "255.255.255.255", "127.255.255.255");
  check("10.0.0.0/31", "10.0.0.1", "10.0.0.2");
  check("0.0.0.0/0", "0.0.0.0", "::1");
  check("0.0.0.0/0", "255.255.255.255", "2001:db8::1");
  check("192.0.2.7", "192.0.2.7", "192.0.2.6");
  check("192.0.2.7/32", "192.0.2.7", "192.0.2.8");
}

static void an_ipv6_network_has_its_addresses(void **state) {
  (void)state;
  check("2001:db8::/32", "2001:db8::1", "2001:db9::1");
  check("2001:db8::/32", "2001:db8:ffff::", "2001:db7:ffff::");
  check("2001:db8::/63", "2001:db8:0:1::", "2001:db8:0:2::");
  check("2001:db8::/64", "2001:db8::ffff", "2001:db8:0:1::");
  check("2001:db8::/65", "2001:db8::7fff:0:0:0", "2001:db8::8000:0:0:0");
  check("2001:db8::/127", "2001:db8::1", "2001:db8::2");
  check("2001:db8::1", "2001:db8::1", "2001:db8::2");
  check("::1/128", "::1", "::");
  check("[::1]", "::1", "::2");
  check("::/0", "ffff::", "192.0.2.1");
  check("::/0", "::1", "::ffff:192.0.2.1");
  check("::/95", NULL, "192.0.2.1");
}

static void a_mapped_address_is_an_ipv4_one(void **state) {
  (void)state;
  check("192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1");
  check("192.0.2.1", "::ffff:192.0.2.1", "::192.0.2.1");
  check("::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1");
  check("::ffff:0:0/96", "192.0.2.1", "::1");
  check("0.0.0.0/0", "::ffff:1.2.3.4", "::fffe:102:304");
}

static void any_network_of_a_list_will_do(void **state) {
  (void)state;
  ss_cidr list[3];
  ss_addr a;
  assert_int_equal(ss_cidr_parse(&list[0], SS_STR("192.0.2.0/24")), 0);
  assert_int_equal(ss_cidr_parse(&list[1], SS_STR("2001:db8::/32")), 0);
  assert_int_equal(ss_cidr_parse(&list[2], SS_STR("10.0.0.1")), 0);
  assert_int_equal(ss_addr_parse(&a, SS_STR("tcp:10.0.0.1:5060")), 0);
  assert_true(ss_cidr_has(list, 3, &a));
  assert_false(ss_cidr_has(list, 2, &a));
  assert_false(ss_cidr_has(list, 0, &a));
}

static void what_is_no_network_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",           "/",           "/8",         "x",
      "10.0.0.0/",  "10.0.0.0/33", "10.0.0/8",   "10.0.0.0/8/8",
      "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/ ", "10.0.0.0/0008",
      "::/129",     "::g/8",       "10.0.0.256", "10.0.0.0 /8",
      "::1%lo",     "[10.0.0.1]",  "010.0.0.1",  "10.0.0.1:5060"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ss_cidr c;
    if (ss_cidr_parse(&c, ss_str_z(bad[i])) != SS_ESYNTAX)
      fail_msg("taken: %s", bad[i]);
  }
  ss_cidr c;
  assert_int_equal(ss_cidr_parse(&c, SS_STR("10.0.0.1\0")), SS_ESYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_ipv4_network_has_its_addresses),
      cmocka_unit_test(an_ipv6_network_has_its_addresses),
      cmocka_unit_test(a_mapped_address_is_an_ipv4_one),
      cmocka_unit_test(any_network_of_a_list_will_do),
      cmocka_unit_test(what_is_no_network_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
