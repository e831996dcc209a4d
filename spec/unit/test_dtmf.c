/* sip/dtmf.h: digits in the body of an INFO. */
#include "sip/dtmf.h"
#include "sip_fixture.h"

#define RELAY "application/dtmf-relay"
#define PLAIN "application/dtmf"
#define NONE UINT32_MAX

static int dtmf(const char *type, const char *body, char *digit, uint32_t *ms) {
  /* on the heap, so that the sanitizer sees an octet read too far */
  size_t n = strlen(body);
  char *copy = malloc(n ? n : 1);
  assert_non_null(copy);
  memcpy(copy, body, n);
  int rc = ss_dtmf(ss_str_z(type), (ss_str){copy, n}, digit, ms);
  free(copy);
  return rc;
}

static void check(const char *type, const char *body, char expected,
                  uint32_t duration) {
  char digit;
  uint32_t ms;
  if (dtmf(type, body, &digit, &ms))
    fail_msg("not read: %s", body);
  assert_int_equal(digit, expected);
  assert_int_equal(ms, duration);
}

static void check_rc(const char *type, const char *body, int expected) {
  char digit = 'x';
  uint32_t ms = 7;
  int rc = dtmf(type, body, &digit, &ms);
  if (rc != expected)
    fail_msg("%d from %s", rc, body);
  assert_int_equal(digit, 'x');
  assert_int_equal(ms, 7);
}

static void a_relayed_digit_has_signal_and_duration(void **state) {
  (void)state;
  check(RELAY, "Signal=5\r\nDuration=160\r\n", '5', 160);
  check(RELAY, "Duration=160\r\nSignal=5", '5', 160);
  check(RELAY, "signal = 5 \nDURATION\t=  90 \n", '5', 90);
  check(RELAY, "\r\nSignal= 5\r\nX\r\nVolume=3\r\n\r\nDuration=0\r\n", '5', 0);
  check("Application/DTMF-Relay ; charset=x", "Signal=1\r\n", '1', NONE);
  check("application / dtmf-relay", "Signal=1\r\n", '1', NONE);
  check(RELAY, "Signal=1\r\nSignal=2\r\nDuration=1\r\nDuration=2", '1', 1);
}

static void a_plain_body_is_the_digit(void **state) {
  (void)state;
  check(PLAIN, "5", '5', NONE);
  check(PLAIN, " #\r\n", '#', NONE);
  check(PLAIN, "10", '*', NONE);
  check(PLAIN, "Signal=7\r\nDuration=250\r\n", '7', 250);
  check("APPLICATION/DTMF", "d\n", 'D', NONE);
}

static void every_digit_is_known(void **state) {
  (void)state;
  static const char digits[] = "0123456789*#ABCD!";
  char body[64];
  for (size_t i = 0; digits[i]; i++) {
    snprintf(body, sizeof body, "Signal=%c", digits[i]);
    check(RELAY, body, digits[i], NONE);
    snprintf(body, sizeof body, "Signal=%zu", i);
    check(RELAY, body, digits[i], NONE);
  }
  check(RELAY, "Signal=a", 'A', NONE);
  check(RELAY, "Signal=05", '5', NONE);
}

static void a_duration_that_is_none_is_not_given(void **state) {
  (void)state;
  check(RELAY, "Signal=5\r\nDuration=\r\n", '5', NONE);
  check(RELAY, "Signal=5\r\nDuration=-1\r\n", '5', NONE);
  check(RELAY, "Signal=5\r\nDuration=1 s\r\n", '5', NONE);
  check(RELAY, "Signal=5\r\nDuration=4294967296\r\n", '5', NONE);
  check(RELAY, "Signal=5\r\nDuration=4294967294\r\n", '5', NONE - 1);
}

static void bodies_without_a_digit_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",          "=",         "Signal",      "Signal=",    "Signal=17",
      "Signal=E",  "Signal=e",  "Signal=55",   "Signal=005", "Signal=\"5\"",
      "Signal=-1", "Signal: 5", "Duration=5",  "XSignal=5",  "Signal=1 2",
      "Signal==5", "Sig nal=5", "Signal=5;x=y"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    check_rc(RELAY, bad[i], SS_ESYNTAX);
    check_rc(PLAIN, bad[i], SS_ESYNTAX);
  }
  check_rc(RELAY, "5", SS_ESYNTAX);
  check_rc(PLAIN, "5\r\n6\r\n", SS_ESYNTAX);
  char digit;
  uint32_t ms;
  assert_int_equal(ss_dtmf(SS_STR(RELAY), SS_STR("Signal=\0"), &digit, &ms),
                   SS_ESYNTAX);
  assert_int_equal(ss_dtmf(SS_STR(PLAIN), SS_STR("\0"), &digit, &ms),
                   SS_ESYNTAX);
}

static void other_types_are_not_looked_at(void **state) {
  (void)state;
  check_rc("", "Signal=5", SS_ENOTFOUND);
  check_rc("text/plain", "Signal=5", SS_ENOTFOUND);
  check_rc("application/dtmf-relays", "Signal=5", SS_ENOTFOUND);
  check_rc("application/sdp", "5", SS_ENOTFOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_relayed_digit_has_signal_and_duration),
      cmocka_unit_test(a_plain_body_is_the_digit),
      cmocka_unit_test(every_digit_is_known),
      cmocka_unit_test(a_duration_that_is_none_is_not_given),
      cmocka_unit_test(bodies_without_a_digit_are_refused),
      cmocka_unit_test(other_types_are_not_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
