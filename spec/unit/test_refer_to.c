/* sip/headers.h: what stands in a Refer-To, and the headers of its URI. */
#include "sip_fixture.h"

static char space[256];

static int header(const char *uri, const char *name, const char *expected) {
  ss_buf b = SS_BUF_ON(space, sizeof space);
  size_t n = strlen(uri);
  char *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, uri, n);
  ss_buf_lit(&b, "before ");
  int rc = ss_uri_header((ss_str){copy, n}, ss_str_z(name), &b);
  free(copy);
  assert_str(((ss_str){b.p + 7, b.n - 7}), rc ? "" : expected);
  return rc;
}

#define check_header(uri, name, expected)                                      \
  assert_int_equal(header(uri, name, expected), 0)

static void check_refer_to(const char *value, int rc, const char *uri,
                           const char *host) {
  ss_arena arena;
  ss_name_addr who;
  ss_arena_init(&arena, 1 << 16);
  assert_int_equal(ss_name_addr_parse(&arena, ss_str_z(value), &who), rc);
  if (rc == 0) {
    assert_str(who.uri.text, uri);
    assert_str(who.uri.host, host);
  }
  ss_arena_free(&arena);
}

#define REPLACES                                                               \
  "sip:bob@x?Replaces=abc%40y%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces"

static void targets_of_all_kinds_are_read(void **state) {
  (void)state;
  check_refer_to("<" REPLACES ">", 0, REPLACES, "x");
  check_refer_to("\"B, C\" <" REPLACES ">;p=\"q\"", 0, REPLACES, "x");
  check_refer_to("<sip:bob@x;method=INVITE?a=%0d%0a>", 0,
                 "sip:bob@x;method=INVITE?a=%0d%0a", "x");
  check_refer_to("<sip:bo?b@x:5061>", 0, "sip:bo?b@x:5061", "x");
  check_refer_to("sip:bob@x;method=INVITE", 0, "sip:bob@x", "x");
  check_refer_to("tel:+358-555;phone-context=a", 0, "tel:+358-555", "+358-555");
  check_refer_to("<tel:+358-555;phone-context=a>", 0,
                 "tel:+358-555;phone-context=a", "+358-555");
  check_refer_to("<urn:service:sos>", 0, "urn:service:sos", "");
  check_refer_to("<mailto:a@b?subject=x>", 0, "mailto:a@b?subject=x", "");
  /* RFC 3261 20.10: a bare URI has no "?" */
  check_refer_to("sip:bob@x?Replaces=y", SS_ESYNTAX, NULL, NULL);
  check_refer_to("<sip:bob@x?Replaces=%00>", 0, "sip:bob@x?Replaces=%00", "x");
  check_refer_to("<sip:bob@x?Replaces=a b>", SS_ESYNTAX, NULL, NULL);
}

static void headers_are_unescaped(void **state) {
  (void)state;
  check_header(REPLACES, "Replaces", "abc@y;to-tag=1;from-tag=2");
  check_header(REPLACES, "require", "replaces");
  check_header("sips:x:5061;lr?%52%65place%73=%e4%E4+", "REPLACES",
               "\xe4\xe4+");
  check_header("SIP:a?b@x?c=d=e?f", "c", "d=e?f");
  check_header("sip:x?a=&b=2", "a", "");
  check_header("sip:x?&&=z&ab=1&a&a=3&a=4&", "a", "3");
  check_header("sip:x?a=%09", "a", "\t");
}

static void headers_that_are_not_there_are_not_found(void **state) {
  (void)state;
  static const char *const without[] = {"",
                                        "sip",
                                        "sip:x",
                                        "sip:x?",
                                        "sip:x?a",
                                        "sip:x?ab=1",
                                        "sip:a?a=1@x",
                                        "tel:+1?a=1",
                                        "mailto:x?a=1",
                                        "sip:x;a=1",
                                        "sip:x?b=a%26a=1",
                                        "sip:x?%=1&%6=2",
                                        "a=1",
                                        "?a=1"};
  for (size_t i = 0; i < sizeof without / sizeof *without; i++)
    if (header(without[i], "a", "") != SS_ENOTFOUND)
      fail_msg("found in %s", without[i]);
}

static void nothing_hides_behind_an_escape(void **state) {
  (void)state;
  static const char *const evil[] = {"x%0d%0aVia:", "%00", "%7f", "a%1Fb",
                                     "\r\n"};
  static const char *const broken[] = {"%", "%4", "%4g", "ab%G0", "%%41"};
  char uri[64];
  for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
    snprintf(uri, sizeof uri, "sip:x?b=1&a=%s", evil[i]);
    assert_int_equal(header(uri, "a", ""), SS_ECONTROL);
  }
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    snprintf(uri, sizeof uri, "sip:x?a=%s", broken[i]);
    assert_int_equal(header(uri, "a", ""), SS_ESYNTAX);
  }
}

static void what_does_not_fit_is_an_error(void **state) {
  (void)state;
  ss_buf b = SS_BUF_ON(space, 4);
  assert_int_equal(ss_uri_header(SS_STR("sip:x?a=%31234"), SS_STR("a"), &b), 0);
  assert_str(ss_buf_view(&b), "1234");
  b = SS_BUF_ON(space, 4);
  assert_int_equal(ss_uri_header(SS_STR("sip:x?a=12345"), SS_STR("a"), &b),
                   SS_EFULL);
  assert_int_equal(b.n, 0);
}

static void what_is_escaped_comes_back(void **state) {
  (void)state;
  char text[800], all[256];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_uri_escape(&b, SS_STR("a+b?c=d%;e@x&y\\ \"[:]/$-_.!~*'()"));
  assert_str(ss_buf_view(&b),
             "a+b?c%3Dd%25%3Be%40x%26y%5C%20%22[:]/$-_.!~*'()");
  size_t n = 0;
  for (int c = 0x20; c < 256; c++)
    if (c != 0x7f)
      all[n++] = (char)c;
  b = SS_BUF_ON(text, sizeof text);
  ss_buf_lit(&b, "sip:a@b?X=y&Replaces=");
  ss_uri_escape(&b, (ss_str){all, n});
  ss_buf out = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_uri_header(ss_buf_view(&b), SS_STR("Replaces"), &out), 0);
  assert_int_equal(out.n, n);
  assert_memory_equal(out.p, all, n);
  b = SS_BUF_ON(text, 5);
  ss_uri_escape(&b, SS_STR("a;bc"));
  assert_false(b.full && b.n > 5);
  ss_uri_escape(&b, SS_STR(";"));
  assert_true(b.full);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(targets_of_all_kinds_are_read),
      cmocka_unit_test(headers_are_unescaped),
      cmocka_unit_test(headers_that_are_not_there_are_not_found),
      cmocka_unit_test(nothing_hides_behind_an_escape),
      cmocka_unit_test(what_does_not_fit_is_an_error),
      cmocka_unit_test(what_is_escaped_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
