/* sip/code.h: reason phrases. */
#include "sip/code.h"
#include "sip_fixture.h"

static void registered_code_has_its_phrase(void **state) {
  (void)state;
  assert_str(ss_code_reason(488), "Not Acceptable Here");
  assert_str(ss_code_reason(481), "Call/Transaction Does Not Exist");
  assert_str(ss_code_reason(SS_CODE_RINGING), "Ringing");
}

static void unregistered_code_has_that_of_its_class(void **state) {
  (void)state;
  assert_str(ss_code_reason(199 - 1), "Session Progress");
  assert_str(ss_code_reason(299), "OK");
  assert_str(ss_code_reason(399), "Multiple Choices");
  assert_str(ss_code_reason(499), "Bad Request");
  assert_str(ss_code_reason(599), "Server Internal Error");
  assert_str(ss_code_reason(699), "Busy Everywhere");
}

static void code_out_of_range_has_none(void **state) {
  (void)state;
  assert_int_equal(ss_code_reason(0).n, 0);
  assert_int_equal(ss_code_reason(99).n, 0);
  assert_int_equal(ss_code_reason(700).n, 0);
  assert_int_equal(ss_code_reason(UINT_MAX).n, 0);
}

static void every_registered_code_has_a_phrase(void **state) {
  (void)state;
#define X(code, name, reason) assert_str(ss_code_reason(code), reason);
  SS_CODE_MAP(X)
#undef X
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(registered_code_has_its_phrase),
      cmocka_unit_test(unregistered_code_has_that_of_its_class),
      cmocka_unit_test(code_out_of_range_has_none),
      cmocka_unit_test(every_registered_code_has_a_phrase),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
