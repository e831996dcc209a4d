/* Slices and addresses: tables of good and bad. */
#include "base/addr.h"
#include "base/alloc.h"
#include "base/error.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void addresses_come_back_as_text(void **state) {
  static const char *const good[][2] = {
      {"udp:127.0.0.1:5060", "udp:127.0.0.1:5060"},
      {"UDP:127.0.0.1", "udp:127.0.0.1:5060"},
      {"tcp:[::1]:5061", "tcp:[::1]:5061"},
      {"tcp:[::1]", "tcp:[::1]:5060"},
      {"udp:0.0.0.0:0", "udp:0.0.0.0:0"},
      {"udp:[2001:DB8:0:0::1]:65535", "udp:[2001:db8::1]:65535"},
      {"udp:[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
       "udp:[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    char text[SS_ADDR_TEXT];
    ss_addr a;
    ss_str s;
    assert_int_equal(ss_addr_parse(&a, ss_str_z(good[i][0])), 0);
    s = ss_addr_text(&a, text);
    assert_string_equal(text, good[i][1]);
    assert_int_equal(s.n, strlen(text));
  }
}

static void bad_addresses_are_refused(void **state) {
  static const char *const bad[] = {
      "",
      "udp",
      "udp:",
      "udp::5060",
      "127.0.0.1:5060",
      "tls:127.0.0.1",
      "udp:localhost:5060",
      "udp:127.0.0.1:",
      "udp:127.0.0.1:65536",
      "udp:127.0.0.1:-1",
      "udp:127.0.0.1:+1",
      "udp:127.0.0.1: 5",
      "udp:127.0.0.1:000000",
      "udp:127.0.0.256",
      "udp:127.0.1",
      "udp:::1",
      "udp:[::1",
      "udp:[::1]5060",
      "udp:[]",
      "udp:[127.0.0.1]:5060",
      "udp:[fe80::1%lo]:5060",
      "udp:127.0.0.1 :5060",
      "udp:1111111111111111111111111111111111111111111111111111111111:1",
  };
  ss_addr a = {.proto = SS_TCP};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (ss_addr_parse(&a, ss_str_z(bad[i])) != SS_ESYNTAX)
      fail_msg("accepted: %s", bad[i]);
  assert_int_equal(ss_addr_parse(&a, SS_STR("udp:127.0.0.1\0:5060")),
                   SS_ESYNTAX);
  assert_int_equal(a.proto, SS_TCP); /* written on success only */
  assert_int_equal(ss_addr_ip(&a, SS_UDP, SS_STR("::1"), 1), 0);
  assert_int_equal(ss_addr_ip(&a, SS_UDP, SS_STR("[::1]"), 1), 0);
}

static void ipv4_is_read_as_inet_pton_reads_it(void **state) {
  (void)state;
  static const char *const part[] = {"0",   "1",    "7",   "10", "42",  "99",
                                     "100", "199",  "255", "9",  "256", "300",
                                     "999", "1000", "01",  "",   "x",   "."};
  unsigned random = 3;
  int good = 0;
  for (int i = 0; i < 300000; i++) {
    size_t parts = i % 8 ? 4 : 1 + (size_t)rand_r(&random) % 5;
    size_t kinds = i % 2 ? 10 : sizeof part / sizeof *part;
    char text[64], *end = text;
    for (size_t k = 0; k < parts; k++) {
      end = stpcpy(end, part[(size_t)rand_r(&random) % kinds]);
      end = stpcpy(end, k + 1 < parts ? "." : "");
    }
    struct in_addr expected;
    ss_addr a;
    bool is = inet_pton(AF_INET, text, &expected) == 1;
    if ((ss_addr_ip(&a, SS_TCP, ss_str_z(text), 7) == 0) != is)
      fail_msg("%s: %d", text, is);
    if (!is)
      continue;
    good++;
    assert_int_equal(a.u.sa.sa_family, AF_INET);
    assert_int_equal(a.u.in4.sin_addr.s_addr, expected.s_addr);
    assert_int_equal(ss_addr_port(&a), 7);
  }
  assert_true(good > 100000);
}

static ss_addr addr(const char *text) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, ss_str_z(text)), 0);
  return a;
}

static void addresses_compare_by_protocol_ip_and_port(void **state) {
  ss_addr a = addr("udp:10.0.0.1:5060"), b = addr("udp:10.0.0.1:5061"),
          c = addr("tcp:10.0.0.1:5060"), d = addr("udp:[::1]:5060"), copy;
  (void)state;
  ss_addr_from(&copy, SS_UDP, &a.u.sa);
  assert_true(ss_addr_eq(&a, &copy));
  assert_true(ss_addr_hash(1, &a) == ss_addr_hash(1, &copy));
  assert_false(ss_addr_eq(&a, &b));
  assert_false(ss_addr_eq(&a, &c));
  assert_false(ss_addr_same_ip(&a, &d));
  assert_true(ss_addr_same_ip(&a, &b));
  assert_true(ss_addr_hash(1, &a) != ss_addr_hash(1, &b));
  assert_true(ss_addr_hash(1, &a) != ss_addr_hash(1, &c));
  ss_addr_from(&copy, SS_UDP, &d.u.sa);
  assert_true(ss_addr_eq(&d, &copy));
}

static void only_unicast_addresses_are_sendable(void **state) {
  static const struct {
    const char *text;
    bool sendable, private;
  } rows[] = {
      {"udp:192.0.2.1:5060", true, false},
      {"udp:192.0.2.1:0", false, false},
      {"udp:0.0.0.0:5060", false, false},
      {"udp:0.1.2.3:5060", false, false},
      {"udp:255.255.255.255:5060", false, false},
      {"udp:224.0.1.75:5060", false, false},
      {"udp:239.255.255.255:5060", false, false},
      {"udp:223.255.255.255:5060", true, false},
      {"udp:10.1.2.3:5060", true, true},
      {"udp:172.15.0.1:5060", true, false},
      {"udp:172.16.0.1:5060", true, true},
      {"udp:172.31.255.255:5060", true, true},
      {"udp:172.32.0.1:5060", true, false},
      {"udp:192.168.0.1:5060", true, true},
      {"udp:100.63.0.1:5060", true, false},
      {"udp:100.64.0.1:5060", true, true},
      {"udp:100.127.0.1:5060", true, true},
      {"udp:100.128.0.1:5060", true, false},
      {"udp:169.254.1.1:5060", true, true},
      {"udp:[2001:db8::1]:5060", true, false},
      {"udp:[::]:5060", false, false},
      {"udp:[ff02::1]:5060", false, false},
      {"udp:[::ffff:255.255.255.255]:5060", false, false},
      {"udp:[fe80::1]:5060", true, true},
      {"udp:[fd00::1]:5060", true, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ss_addr a = addr(rows[i].text);
    if (ss_addr_sendable(&a) != rows[i].sendable ||
        ss_addr_is_private(&a) != rows[i].private)
      fail_msg("%s", rows[i].text);
  }
}

static void ip_alone_with_and_without_brackets(void **state) {
  ss_addr four = addr("udp:10.0.0.1"), six = addr("tcp:[::1]");
  char text[SS_ADDR_TEXT];
  (void)state;
  assert_true(
      ss_str_eq(ss_addr_ip_text(&four, true, text), SS_STR("10.0.0.1")));
  assert_true(ss_str_eq(ss_addr_ip_text(&six, true, text), SS_STR("[::1]")));
  assert_true(ss_str_eq(ss_addr_ip_text(&six, false, text), SS_STR("::1")));
  assert_true(ss_str_eq(ss_proto_token(SS_TCP), SS_STR("TCP")));
}

static void numbers_are_digits_within_a_maximum(void **state) {
  uint32_t v = 7;
  (void)state;
  assert_int_equal(ss_str_u32(SS_STR("0010"), 10, &v), 0);
  assert_int_equal(v, 10);
  assert_int_equal(ss_str_u32(SS_STR("11"), 10, &v), SS_ELIMIT);
  assert_int_equal(ss_str_u32(SS_STR("4294967295"), UINT32_MAX, &v), 0);
  assert_int_equal(v, UINT32_MAX);
  v = 7;
  assert_int_equal(ss_str_u32(SS_STR("4294967296"), UINT32_MAX, &v), SS_ELIMIT);
  assert_int_equal(
      ss_str_u32(SS_STR("99999999999999999999999999999"), UINT32_MAX, &v),
      SS_ELIMIT);
  assert_int_equal(ss_str_u32(SS_STR("99999999999999999999999999x"), 1, &v),
                   SS_ESYNTAX);
  assert_int_equal(ss_str_u32(SS_STR(""), 10, &v), SS_ESYNTAX);
  assert_int_equal(ss_str_u32(SS_STR("-1"), 10, &v), SS_ESYNTAX);
  assert_int_equal(ss_str_u32(SS_STR("1 "), 10, &v), SS_ESYNTAX);
  assert_int_equal(ss_str_u32(SS_STR("1\0"), 10, &v), SS_ESYNTAX);
  assert_int_equal(v, 7);
}

static bool letter_by_letter(const char *a, const char *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    char x = a[i], y = b[i];
    x = x >= 'A' && x <= 'Z' ? (char)(x + 32) : x;
    y = y >= 'A' && y <= 'Z' ? (char)(y + 32) : y;
    if (x != y)
      return false;
  }
  return true;
}

/* Every pair of octets at every place of every length. */
static void case_is_that_of_letters_alone(void **state) {
  char a[40], b[40];
  (void)state;
  for (size_t n = 1; n <= sizeof a; n++) {
    for (size_t i = 0; i < n; i++) {
      memset(a, 'x', n);
      memset(b, 'x', n);
      b[n - 1 - i] ^= 0x20; /* another one, which is the same letter */
      for (int x = 0; x < 256; x++) {
        a[i] = (char)x;
        for (int bit = 0; bit < 8; bit++) {
          b[i] = (char)(x ^ 1 << bit);
          assert_int_equal(ss_str_same_letters(a, b, n),
                           letter_by_letter(a, b, n));
        }
      }
    }
  }
}

static void slices_compare_trim_and_search(void **state) {
  char *copy = ss_str_dup(SS_STR("abc"));
  (void)state;
  assert_string_equal(copy, "abc");
  ss_free(copy);
  assert_true(ss_str_ieq(SS_STR("Via"), SS_STR("vIA")));
  assert_false(ss_str_ieq(SS_STR("@`"), SS_STR("`@")));
  assert_true(ss_str_eq(SS_STR_NONE, SS_STR("")));
  assert_true(
      ss_str_eq(ss_str_trim(SS_STR(" \t\r\n a b \r\n")), SS_STR("a b")));
  assert_int_equal(ss_str_trim(SS_STR(" \t ")).n, 0);
  assert_int_equal(ss_str_chr(SS_STR("a:b"), ':'), 1);
  assert_int_equal(ss_str_chr(SS_STR("ab"), ':'), 2);
  assert_int_equal(ss_str_chr(SS_STR_NONE, ':'), 0);
  assert_true(ss_str_starts(SS_STR("abc"), SS_STR("ab")));
  assert_false(ss_str_starts(SS_STR("a"), SS_STR("ab")));
  assert_true(ss_str_is_token(SS_STR("a-Z0.!%*_+`'~")));
  assert_false(ss_str_is_token(SS_STR("")));
  assert_false(ss_str_is_token(SS_STR("a b")));
  assert_false(ss_str_is_token(SS_STR("a\0")));
  assert_false(ss_str_is_token(SS_STR("a\x80")));
}

/* The elements of a list, joined by '|'. */
static void expect_elements(const char *list, const char *joined) {
  char out[200] = "";
  ss_str rest = ss_str_z(list), element;
  size_t n = 0;
  while (ss_str_element(&rest, &element))
    n += (size_t)snprintf(out + n, sizeof out - n, "%.*s|", (int)element.n,
                          element.p);
  assert_string_equal(out, joined);
}

static void lists_are_cut_at_their_own_commas(void **state) {
  (void)state;
  expect_elements("", "");
  expect_elements("a", "a|");
  expect_elements("a, b ,c", "a|b|c|");
  expect_elements("a,,b", "a||b|");
  expect_elements("a,", "a|");
  expect_elements(" ,a", "|a|");
  expect_elements("\"x, y\" <sip:a,b@c>;p=\"1,2\", z",
                  "\"x, y\" <sip:a,b@c>;p=\"1,2\"|z|");
  expect_elements("\"a\\\", b\", c", "\"a\\\", b\"|c|");
  expect_elements("a (one, (two), \\), three), b",
                  "a (one, (two), \\), three)|b|");
  expect_elements("<sip:\"@h>, b", "<sip:\"@h>|b|");
  expect_elements("\"never closed, b", "\"never closed, b|");
  expect_elements("<a\\>, b", "<a\\>|b|");
  expect_elements("\"a\\", "\"a\\|");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_come_back_as_text),
      cmocka_unit_test(bad_addresses_are_refused),
      cmocka_unit_test(ipv4_is_read_as_inet_pton_reads_it),
      cmocka_unit_test(addresses_compare_by_protocol_ip_and_port),
      cmocka_unit_test(only_unicast_addresses_are_sendable),
      cmocka_unit_test(ip_alone_with_and_without_brackets),
      cmocka_unit_test(numbers_are_digits_within_a_maximum),
      cmocka_unit_test(case_is_that_of_letters_alone),
      cmocka_unit_test(slices_compare_trim_and_search),
      cmocka_unit_test(lists_are_cut_at_their_own_commas),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
