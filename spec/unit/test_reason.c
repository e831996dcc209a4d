/* sip/reason.h: the Reason header (RFC 3326), as gateways write it. */
#include "sip/reason.h"
#include "sip_fixture.h"

/* What a message with these lines gives as "protocol|cause|text"; "" without
 * one. */
static const char *reason_of(const char *lines) {
  static char out[512];
  char text[2048];
  ss_reason r;
  snprintf(text, sizeof text, HEAD "%s" END, lines);
  ss_message *m = good(text);
  *out = '\0';
  int rc = ss_message_reason(m, &r);
  assert_true(rc == 0 || rc == SS_ENOTFOUND);
  if (!rc) {
    char cause[16] = "-";
    if (r.coded)
      snprintf(cause, sizeof cause, "%u", (unsigned)r.cause);
    snprintf(out, sizeof out, "%.*s|%s|%.*s", (int)r.protocol.n, r.protocol.p,
             cause, (int)r.text.n, r.text.n ? r.text.p : "");
  }
  ss_message_unref(m);
  return out;
}

#define assert_reason(lines, expected)                                         \
  assert_string_equal(reason_of(lines), expected)

static void a_value_has_protocol_cause_and_text(void **state) {
  (void)state;
  assert_reason("Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"\r\n",
                "SIP|200|Call completed elsewhere");
  assert_reason("Reason: Q.850;cause=16;text=\"Terminated\"\r\n",
                "Q.850|16|Terminated");
  assert_reason("Reason: SIP\r\n", "SIP|-|");
  assert_reason("Subject: x\r\n", "");
}

static void names_are_known_in_any_case_and_order(void **state) {
  (void)state;
  assert_reason("REASON: q.850 ; TEXT = \"a;b,c\" ; x ; Cause = 031\r\n",
                "Q.850|31|a;b,c");
  assert_reason("reason: sip;cause=486\r\n", "SIP|486|");
  assert_reason("Reason: Preemption;cause=1;text=x\r\n", "Preemption|1|x");
}

static void quoted_pairs_are_resolved(void **state) {
  (void)state;
  assert_reason("Reason: SIP;text=\"say \\\"no\\\" \\\\ \";cause=603\r\n",
                "SIP|603|say \"no\" \\ ");
}

static void q850_and_sip_come_before_others(void **state) {
  (void)state;
  assert_reason("Reason: X;cause=1, SIP;cause=580, Q.850;cause=3\r\n",
                "SIP|580|");
  assert_reason("Reason: X;cause=1\r\nReason: q.850;cause=3\r\n", "Q.850|3|");
  assert_reason("Reason: X;cause=1, Y;cause=2\r\n", "X|1|");
}

static void what_is_wrong_does_not_spoil_the_rest(void **state) {
  (void)state;
  assert_reason("Reason: Q.850;text=Normal call clearing;cause=16\r\n",
                "Q.850|16|");
  assert_reason("Reason: Q.850;;=;cause=16;\r\n", "Q.850|16|");
  assert_reason("Reason: Q.850;cause=abc;text=\"x\"\r\n", "Q.850|-|x");
  assert_reason("Reason: Q.850;cause;cause=-1;cause=\"17\"\r\n", "Q.850|17|");
  assert_reason("Reason: Q.850;cause=1;cause=2\r\n", "Q.850|1|");
  assert_reason("Reason: two words;cause=1, , SIP;cause=2\r\n", "SIP|2|");
  assert_reason("Reason: ;cause=1\r\n", "");
  assert_reason("Reason: \"SIP\";cause=1\r\n", "");
  assert_reason("Reason:\r\n", "");
}

static void causes_are_bounded(void **state) {
  (void)state;
  assert_reason("Reason: SIP;cause=2147483647\r\n", "SIP|2147483647|");
  assert_reason("Reason: SIP;cause=2147483648\r\n", "SIP|-|");
  assert_reason("Reason: SIP;cause=99999999999999999999\r\n", "SIP|-|");
}

static void an_open_quote_ends_where_the_header_does(void **state) {
  (void)state;
  assert_reason("Reason: SIP;cause=2;text=\"never closed\r\n", "SIP|2|");
  assert_reason("Reason: SIP;cause=2;text=\"\\\r\n", "SIP|2|");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_value_has_protocol_cause_and_text),
      cmocka_unit_test(names_are_known_in_any_case_and_order),
      cmocka_unit_test(quoted_pairs_are_resolved),
      cmocka_unit_test(q850_and_sip_come_before_others),
      cmocka_unit_test(what_is_wrong_does_not_spoil_the_rest),
      cmocka_unit_test(causes_are_bounded),
      cmocka_unit_test(an_open_quote_ends_where_the_header_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
