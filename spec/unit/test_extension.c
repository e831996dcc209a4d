/* sip/extension.h: headers of session timers, PRACK and the like. */
#include "sip/extension.h"
#include "sip_fixture.h"

static void elements_of_a_list_are_found(void **state) {
  (void)state;
  ss_message *m = good(HEAD "Supported: timer, 100rel\r\nk: Replaces ,,x\r\n"
                            "Require:\r\nAllow: INVITE,ACK\r\nAllow: prack\r\n"
                            "Allow-Events: refer\r\n" END);
  assert_true(ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("timer")));
  assert_true(ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("100REL")));
  assert_true(ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("replaces")));
  assert_false(ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("time")));
  assert_false(ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR("timers")));
  assert_false(ss_message_lists(m, SS_FIELD_REQUIRE, SS_STR("timer")));
  assert_false(ss_message_lists(m, SS_FIELD_UNSUPPORTED, SS_STR("timer")));
  assert_true(ss_message_lists(m, SS_FIELD_ALLOW, SS_STR("ACK")));
  assert_true(ss_message_lists(m, SS_FIELD_ALLOW, SS_STR("prack")));
  assert_false(ss_message_lists(m, SS_FIELD_ALLOW, SS_STR("PRACK")));
  ss_message_unref(m);
}

static void check_expires(const char *value, uint32_t seconds,
                          ss_refresher refresher) {
  uint32_t n = 7;
  ss_refresher who = SS_REFRESHER_UAS;
  if (ss_session_expires(ss_str_z(value), &n, &who))
    fail_msg("not read: %s", value);
  assert_int_equal(n, seconds);
  assert_int_equal(who, refresher);
}

static void session_expires_has_seconds_and_a_refresher(void **state) {
  (void)state;
  check_expires("1800", 1800, SS_REFRESHER_NONE);
  check_expires("1800;refresher=uas", 1800, SS_REFRESHER_UAS);
  check_expires(" 090 ; x ; Refresher = UAC ;y=\"a;refresher=uas\"", 90,
                SS_REFRESHER_UAC);
  check_expires("0;x=y", 0, SS_REFRESHER_NONE);
  check_expires("4294967295", UINT32_MAX, SS_REFRESHER_NONE);
  check_expires("4294967296;refresher=uac", UINT32_MAX, SS_REFRESHER_UAC);
  check_expires("99999999999999999999999999", UINT32_MAX, SS_REFRESHER_NONE);
}

static void malformed_session_expires_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    ";refresher=uas",
                                    "x",
                                    "-1",
                                    "1.5",
                                    "1800 uas",
                                    "1800,90",
                                    "1800;",
                                    "1800;;refresher=uas",
                                    "1800;=x",
                                    "1800;refresher",
                                    "1800;refresher=",
                                    "1800;x=\"",
                                    "1800;refresher=us",
                                    "1800;refresher=uas;refresher=uac"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint32_t n = 7;
    ss_refresher who = SS_REFRESHER_UAS;
    if (ss_session_expires(ss_str_z(bad[i]), &n, &who) != SS_ESYNTAX)
      fail_msg("accepted %s", bad[i]);
    assert_int_equal(n, 7);
    assert_int_equal(who, SS_REFRESHER_UAS);
  }
}

/* -1: malformed */
static long long seconds_of(int (*read)(ss_str, uint32_t *),
                            const char *value) {
  uint32_t n = 7;
  int rc = read(ss_str_z(value), &n);
  assert_true(rc == 0 || (rc == SS_ESYNTAX && n == 7));
  return rc ? -1 : (long long)n;
}

static void min_se_is_a_number_with_parameters(void **state) {
  (void)state;
  assert_int_equal(seconds_of(ss_min_se, "90"), 90);
  assert_int_equal(seconds_of(ss_min_se, " 120 ;x=y;z "), 120);
  assert_int_equal(seconds_of(ss_min_se, "4294967296"), UINT32_MAX);
  assert_int_equal(seconds_of(ss_min_se, ""), -1);
  assert_int_equal(seconds_of(ss_min_se, "90 s"), -1);
  assert_int_equal(seconds_of(ss_min_se, "90;"), -1);
  assert_int_equal(seconds_of(ss_min_se, "ninety"), -1);
}

static void retry_after_may_have_a_comment(void **state) {
  (void)state;
  assert_int_equal(seconds_of(ss_retry_after, "0"), 0);
  assert_int_equal(seconds_of(ss_retry_after, "18000;duration=3600"), 18000);
  assert_int_equal(seconds_of(ss_retry_after, "5 (in (a) \\) meeting);x"), 5);
  assert_int_equal(seconds_of(ss_retry_after, "120(x"), 120);
  assert_int_equal(seconds_of(ss_retry_after, "99999999999"), UINT32_MAX);
  assert_int_equal(seconds_of(ss_retry_after, ""), -1);
  assert_int_equal(seconds_of(ss_retry_after, "5 minutes"), -1);
  assert_int_equal(seconds_of(ss_retry_after, "5,6"), -1);
  assert_int_equal(seconds_of(ss_retry_after, "(5)"), -1);
}

static void check_rack(const char *value, uint32_t rseq, uint32_t cseq,
                       const char *method) {
  uint32_t r, c;
  ss_str name;
  if (ss_rack(ss_str_z(value), &r, &c, &name))
    fail_msg("not read: %s", value);
  assert_int_equal(r, rseq);
  assert_int_equal(c, cseq);
  assert_str(name, method);
}

static void rack_names_the_response_and_its_request(void **state) {
  (void)state;
  check_rack("776656 1 INVITE", 776656, 1, "INVITE");
  check_rack("  1\t 4294967295  x-y ", 1, UINT32_MAX, "x-y");
  check_rack("776656 1 INVITE INVITE", 776656, 1, "INVITE");
}

static void malformed_racks_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "1",
                                    "1 2",
                                    "1 2 ",
                                    "1 INVITE",
                                    "INVITE",
                                    "1 2INVITE",
                                    "1 2 IN/VITE",
                                    "-1 2 INVITE",
                                    "1,2 INVITE",
                                    "4294967296 1 INVITE",
                                    "1 4294967296 INVITE",
                                    "1 2 INVITE;x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint32_t r = 7, c = 8;
    ss_str name = SS_STR("none");
    if (ss_rack(ss_str_z(bad[i]), &r, &c, &name) != SS_ESYNTAX)
      fail_msg("accepted %s", bad[i]);
    assert_int_equal(r, 7);
    assert_int_equal(c, 8);
    assert_str(name, "none");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(elements_of_a_list_are_found),
      cmocka_unit_test(session_expires_has_seconds_and_a_refresher),
      cmocka_unit_test(malformed_session_expires_are_refused),
      cmocka_unit_test(min_se_is_a_number_with_parameters),
      cmocka_unit_test(retry_after_may_have_a_comment),
      cmocka_unit_test(rack_names_the_response_and_its_request),
      cmocka_unit_test(malformed_racks_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
