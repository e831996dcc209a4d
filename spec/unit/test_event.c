/* sip/event.h: Event, Subscription-State and the status line in a NOTIFY. */
#include "sip/event.h"
#include "sip_fixture.h"

static void check_event(const char *value, const char *package,
                        const char *id) {
  ss_str name, which;
  if (ss_event(ss_str_z(value), &name, &which))
    fail_msg("not read: %s", value);
  assert_str(name, package);
  assert_str(which, id);
}

static void an_event_has_a_package_and_an_id(void **state) {
  (void)state;
  check_event("refer", "refer", "");
  check_event("refer;id=93809824", "refer", "93809824");
  check_event(" message-summary ; x=y; ID = \"7\" ", "message-summary", "7");
  check_event("presence.winfo;id", "presence.winfo", "");
  check_event("refer;;id=1", "refer", "");
  ss_str name, which;
  assert_int_equal(ss_event(SS_STR(""), &name, &which), SS_ESYNTAX);
  assert_int_equal(ss_event(SS_STR(";id=1"), &name, &which), SS_ESYNTAX);
  assert_int_equal(ss_event(SS_STR("a b"), &name, &which), SS_ESYNTAX);
  assert_int_equal(ss_event(SS_STR("a,b"), &name, &which), SS_ESYNTAX);
}

static void check_state(const char *value, bool expected, const char *why) {
  bool terminated = !expected;
  ss_str reason;
  if (ss_subscription_state(ss_str_z(value), &terminated, &reason))
    fail_msg("not read: %s", value);
  assert_int_equal(terminated, expected);
  assert_str(reason, why);
}

static void a_subscription_is_terminated_or_not(void **state) {
  (void)state;
  check_state("active;expires=60", false, "");
  check_state("pending", false, "");
  check_state("terminated", true, "");
  check_state("Terminated ; Reason=noresource;retry-after=5", true,
              "noresource");
  check_state("terminated;=;reason=x", true, "");
  check_state("active;reason=terminated", false, "terminated");
  check_state("terminatedly", false, "");
  bool terminated = true;
  ss_str reason;
  assert_int_equal(ss_subscription_state(SS_STR(""), &terminated, &reason),
                   SS_ESYNTAX);
  assert_int_equal(
      ss_subscription_state(SS_STR("a b;reason=x"), &terminated, &reason),
      SS_ESYNTAX);
}

static void check_frag(const char *body, unsigned expected, const char *text) {
  unsigned code = 0;
  ss_str reason;
  size_t n = strlen(body);
  char *copy = malloc(n);
  assert_non_null(copy);
  memcpy(copy, body, n);
  if (ss_sipfrag((ss_str){copy, n}, &code, &reason))
    fail_msg("not read: %s", body);
  assert_int_equal(code, expected);
  assert_str(reason, text);
  free(copy);
}

static void a_sipfrag_begins_with_a_status_line(void **state) {
  (void)state;
  check_frag("SIP/2.0 100 Trying", 100, "Trying");
  check_frag("SIP/2.0 200 OK\r\n", 200, "OK");
  check_frag("SIP/2.0 603 Declined by \xc3\xa4\nTo: x\r\n\r\nbody", 603,
             "Declined by \xc3\xa4");
  check_frag("sip/2.0 486\r\n", 486, "");
  check_frag("\r\n\r\nSIP/2.0 699  ", 699, "");
}

static void other_sipfrags_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "\r\n",
                                    "SIP/2.0",
                                    "SIP/2.0 ",
                                    "SIP/2.0 20",
                                    "SIP/2.0 99 x",
                                    "SIP/2.0 099 x",
                                    "SIP/2.0 700 x",
                                    "SIP/2.0 2000 x",
                                    "SIP/2.0 2x0 x",
                                    "SIP/2.0 200OK",
                                    "SIP/2.0  200 OK",
                                    "SIP/3.0 200 OK",
                                    "HTTP/1.1 200 OK",
                                    "INVITE sip:a@b SIP/2.0",
                                    "To: x\r\nSIP/2.0 200 OK",
                                    "SIP/2.0 200 a\rb\r\n",
                                    "SIP/2.0 200 a\x01\r\n"};
  unsigned code = 7;
  ss_str reason;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (ss_sipfrag(ss_str_z(bad[i]), &code, &reason) != SS_ESYNTAX)
      fail_msg("accepted %s", bad[i]);
  assert_int_equal(ss_sipfrag(SS_STR("SIP/2.0 200 \0"), &code, &reason),
                   SS_ESYNTAX);
  assert_int_equal(code, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_event_has_a_package_and_an_id),
      cmocka_unit_test(a_subscription_is_terminated_or_not),
      cmocka_unit_test(a_sipfrag_begins_with_a_status_line),
      cmocka_unit_test(other_sipfrags_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
