/* sip/headers.h, ss_message_via: parentheses in a Via. */
#include "sip_fixture.h"

static void comment_is_passed_over(void **state) {
  (void)state;
  ss_message *m =
      good(START "Via: SIP/2.0/UDP h;branch=b (first; \"hop\")\r\n" FROM TO
               CALL_ID CSEQ END);
  const ss_via *via;
  assert_int_equal(ss_message_via(m, &via), 0);
  assert_str(via->branch, "b");
  ss_message_unref(m);
}

/* RFC 3261 25.1: gen-value may be a quoted-string, and "(" is qdtext */
static void parenthesis_in_quotes_is_no_comment(void **state) {
  (void)state;
  static const char *const params[] = {
      ";x=\"(\";branch=b;rport;maddr=h",
      ";x=\"\\\"(\" ; branch = b;rport;maddr=h (later \"(\"; branch=c)",
      ";branch=b;x=\"a(b)\";maddr=h;rport, SIP/2.0/UDP h (c)",
  };
  static const char *const sent_by[] = {"h", "[::1]"};
  for (size_t i = 0; i < sizeof params / sizeof *params * 2; i++) {
    char text[1000];
    const ss_via *via;
    snprintf(text, sizeof text, START "Via: SIP/2.0/UDP %s%s\r\n%s",
             sent_by[i % 2], params[i / 2], FROM TO CALL_ID CSEQ END);
    ss_message *m = good(text);
    assert_int_equal(ss_message_via(m, &via), 0);
    assert_str(via->branch, "b");
    assert_str(via->maddr, "h");
    assert_true(via->rport);
    ss_message_unref(m);
  }
  expect_fault(START "Via: SIP/2.0/UDP h;x=\"(\r\n" FROM TO CALL_ID CSEQ END,
               400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(comment_is_passed_over),
      leak_checked(parenthesis_in_quotes_is_no_comment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
