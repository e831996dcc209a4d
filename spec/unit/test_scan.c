/* The scanner (sip/message.h, ss_message_new): what it lets through, what it
 * answers with which code, and what it doesn't answer. Its limits are tested
 * in test_scan_limits.c. */
#include "sip_fixture.h"

static void request_is_taken_apart(void **state) {
  (void)state;
  ss_message *m = good(INVITE);
  assert_true(m->is_request);
  assert_int_equal(m->method, SS_INVITE);
  assert_str(m->method_text, "INVITE");
  assert_str(m->uri, "sip:bob@example.net");
  assert_int_equal(m->cseq, 314159);
  assert_str(m->call_id, "a84b4c76e66710@example.com");
  assert_str(m->text, INVITE);
  assert_int_equal(m->head.n + m->body.n, m->text.n);
  assert_str(m->body, "body");
  assert_int_equal(m->fields, 10);
  assert_str(ss_field_written(&m->field[1]), "Via");
  assert_str(m->field[9].value, "4");
  ss_message_unref(m);
}

static void response_is_taken_apart(void **state) {
  (void)state;
  ss_message *m = good("SIP/2.0 486 Bu\xc3\xbey  Here\r\n" VIA FROM TO CALL_ID
                       "CSeq: 7 BYE\r\n" END);
  assert_false(m->is_request);
  assert_int_equal(m->code, 486);
  assert_str(m->reason, "Bu\xc3\xbey  Here");
  assert_int_equal(m->method, SS_BYE);
  assert_str(m->method_text, "BYE");
  assert_int_equal(m->cseq, 7);
  ss_message_unref(m);
  m = good("sip/2.0 200\r\n" VIA FROM TO CALL_ID "CSeq: 7 BYE\r\n" END);
  assert_int_equal(m->reason.n, 0);
  ss_message_unref(m);
}

static void folds_and_tabs_become_spaces_at_the_same_offsets(void **state) {
  (void)state;
  static const char text[] =
      HEAD "Subject:\r\n\tone\ttwo\r\n  three\r\n \r\nQ:\r\n y\r\n" END "b\tc";
  ss_message *m = good(text);
  ss_str subject = ss_message_field(m, SS_FIELD_SUBJECT)->value;
  assert_str(subject, "one two    three");
  assert_str(ss_message_named(m, SS_STR("Q"), NULL)->value, "y");
  assert_str(m->text, text);
  assert_str(m->body, "b\tc");
  size_t at = (size_t)(subject.p - m->head.p);
  assert_memory_equal(m->text.p + at, "one\ttwo", 7);
  ss_message_unref(m);
}

static void white_space_round_the_colon_is_allowed(void **state) {
  (void)state;
  ss_message *m = good(HEAD "Subject \t :   hello  \r\nSupported:\r\n" END);
  assert_str(ss_message_field(m, SS_FIELD_SUBJECT)->value, "hello");
  assert_str(ss_message_field(m, SS_FIELD_SUPPORTED)->value, "");
  ss_message_unref(m);
}

static void empty_lines_before_a_message_are_skipped(void **state) {
  (void)state;
  ss_message *m = good("\r\n\r\n" INVITE);
  assert_str(m->text, INVITE);
  ss_message_unref(m);
}

static void what_is_not_sip_has_no_message(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "\r\n\r\n",
      "\r",
      "\n",
      "x",
      "hello\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 200 OK\r\nServer: a\r\n\r\n",
      "INVITE sip:bob@example.net\r\n" VIA FROM TO CALL_ID CSEQ END,
      "INVITE sip:bob@example.net SIP/2\r\n" VIA FROM TO CALL_ID CSEQ END,
      "INVITE sip:bob@example.net SIP/.0\r\n" VIA FROM TO CALL_ID CSEQ END,
      "INVITE sip:bob@example.net SIP/2.\r\n" VIA FROM TO CALL_ID CSEQ END,
      "INVITE sip:bob@example.net SIP/2.0x\r\n" VIA FROM TO CALL_ID CSEQ END,
      "INVITE sip:bob@example.net\r\n SIP/2.0 x\r\n" VIA FROM TO CALL_ID END,
      START,
      START END,
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_rc(bad[i], SS_ESYNTAX);
}

static void broken_response_has_no_message(void **state) {
  (void)state;
  static const char *const line[] = {
      "SIP/2.0 99 x",    "SIP/2.0 099 x", "SIP/2.0 700 x",
      "SIP/2.0 2000 x",  "SIP/2.0 -5 x",  "SIP/2.0 20 x",
      "SIP/2.0  200",    "SIP/2.0 2e2 x", "SIP/3.0 200 OK",
      "SIP/2.0 200\x01", "SIP/2.0",       "SIP/2.0 4294967496 OK"};
  char text[2000];
  for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
    snprintf(text, sizeof text, "%s\r\n%s", line[i],
             VIA FROM TO CALL_ID CSEQ END);
    expect_rc(text, SS_ESYNTAX);
  }
#define OK "SIP/2.0 200 OK\r\n"
  expect_good(OK VIA FROM TO CALL_ID CSEQ END);
  expect_rc(OK VIA FROM TO CALL_ID "CSeq: 4294967296 INVITE\r\n" END,
            SS_ESYNTAX);
  expect_rc(OK VIA FROM FROM TO CALL_ID CSEQ END, SS_ESYNTAX);
  expect_rc(OK "Via: SIP/2.0/UDP\r\n" FROM TO CALL_ID CSEQ END, SS_ESYNTAX);
  expect_rc(OK VIA FROM "To: <sip:a\r\n" CALL_ID CSEQ END, SS_ESYNTAX);
  expect_rc(OK VIA FROM TO CALL_ID CSEQ "Content-Length: 1\r\n" END,
            SS_ESYNTAX);
}

static void only_without_a_via_there_is_no_message(void **s) {
  (void)s;
  expect_rc(START FROM TO CALL_ID CSEQ END, SS_ESYNTAX);
  expect_fault(START VIA TO CALL_ID CSEQ END, 400);
  expect_fault(START VIA FROM CALL_ID CSEQ END, 400);
  expect_fault(START VIA FROM TO CSEQ END, 400);
  expect_fault(START VIA FROM TO CALL_ID END, 400);
}

static void via_without_a_usable_sent_by_has_no_message(void **state) {
  (void)state;
  static const char *const via[] = {
      "",
      "SIP/2.0/UDP",
      "SIP/2.0 h",
      "HTTP/2.0/UDP h",
      "SIP/2.0/UDP h:0",
      "SIP/2.0/UDP h:65536",
      "SIP/2.0/UDP h:-5",
      "SIP/2.0/UDP h:5x",
      "SIP/2.0/UDP a b",
      "SIP/2.0/UDP h\xc3\xa4",
      "SIP/2.0/UDP [::1",
      "SIP/2.0/UDP [g::1]",
      "SIP/2.0/U/DP h",
      "SIP/2.0/UDP ;branch=z9hG4bK1",
      "SIP//UDP h",
      ",SIP/2.0/UDP h",
  };
  char text[2000];
  for (size_t i = 0; i < sizeof via / sizeof *via; i++) {
    snprintf(text, sizeof text, START "Via: %s\r\n%s", via[i],
             FROM TO CALL_ID CSEQ END);
    expect_rc(text, SS_ESYNTAX);
  }
}

static void via_parameters_that_are_malformed_are_answered_400(void **state) {
  (void)state;
  static const char *const via[] = {
      "SIP/2.0/UDP h;;",      "SIP/2.0/UDP h;branch=",
      "SIP/2.0/UDP h;branch", "SIP/2.0/UDP h;branch=a;branch=b",
      "SIP/2.0/UDP h;b=\"x",  "SIP/2.0/UDP h;branch=a b",
      "SIP/2.0/UDP h;\xc3=1"};
  char text[2000];
  for (size_t i = 0; i < sizeof via / sizeof *via; i++) {
    snprintf(text, sizeof text, START "Via: %s\r\n%s", via[i],
             FROM TO CALL_ID CSEQ END);
    expect_fault(text, 400);
  }
}

static void faults_of_the_start_line(void **state) {
  (void)state;
  expect_fault("INVITE sip:bob@example.net SIP/7.0\r\n" REST, 505);
  expect_fault("INVITE sip:bob@example.net SIP/2.00\r\n" REST, 505);
  expect_fault("INVITE sip:bob@example.net; lr SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip:bob@example.net\tx SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE  sip:bob@example.net SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip:bob@example.net  SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE\tsip:bob@example.net SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip:bob@example.net\tSIP/2.0\r\n" REST, 400);
  expect_fault("INVITE\tsip:bob@example.net\tSIP/2.0\r\n" REST, 400);
  expect_fault("INVITE\tsip:bob@example.net\tSIP/2.0\t\r\n \r\n" REST, 400);
  expect_fault("INVITE SIP/2.0\r\n" REST, 400);
  expect_fault(" INVITE sip:bob@example.net SIP/2.0\r\n" REST, 400);
  expect_fault("IN(VITE sip:bob@example.net SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE <sip:bob@example.net> SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip: SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE bob SIP/2.0\r\n" REST, 400);
  expect_good("INVITE sip:a%00b@example.net SIP/2.0\r\n" REST);
  expect_fault("INVITE sip:b@example.net?a=b SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip:bob@\x01 SIP/2.0\r\n" REST, 400);
  expect_fault("INVITE sip:bob@example.net SIP/2.0\n" REST, 400);
  expect_good("INVITE sip:bob@example.net SIP/2.0  \r\n" REST);
  expect_good("INVITE sip:bob@example.net SIP/2.0 \t\r\n\t \r\n" REST);
  expect_good("INVITE sip:bob@example.net SIP/2.0\r\nX:\ty\r\n" REST);
  expect_good("INVITE sip:bob@example.net sip/2.0\r\n" REST);
  expect_good("INVITE foo:bar SIP/2.0\r\n" REST);
  expect_good("INVITE tel:+358-555-1234567;postd=pp22 SIP/2.0\r\n" REST);
}

static void faults_of_header_lines(void **state) {
  (void)state;
  static const char *const line[] = {"no colon",
                                     "Na me: x",
                                     ": x",
                                     "X-\x01: y",
                                     "Q: a\x01",
                                     "Q: a\rb",
                                     "Q: a\x7f",
                                     "X\xc3\xa4: y",
                                     "X(: y",
                                     "From: \"x",
                                     "Max-Forwards: 256",
                                     "Max-Forwards:",
                                     "Max-Forwards: 1a",
                                     "Max-Forwards: -1",
                                     "Expires: 4294967296",
                                     "Expires: -1",
                                     "RSeq: 4294967296",
                                     "Content-Length: 1",
                                     "Content-Length: -1",
                                     "Content-Length: 0x0",
                                     "Content-Length: 4294967296",
                                     "Content-Length: 18446744073709551616",
                                     "Content-Length:",
                                     "Content-Length: 0, 0",
                                     "l: +0"};
  char text[2000];
  for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
    snprintf(text, sizeof text, "%s%s\r\n\r\n", HEAD, line[i]);
    expect_fault(text, 400);
  }
  expect_good(HEAD "Expires: Thu, 01 Dec 1994 16:00:00 GMT\r\n" END);
  expect_good(HEAD "Max-Forwards: 0255\r\n" END);
  expect_good(HEAD "Q: \xff\xfe\r\n" END);
  expect_fault(HEAD "Q: bare LF\n" END, 400);
  expect_fault(HEAD "Q: a\r\n\n", 400);
}

static void nul_in_the_header_section_is_a_fault(void **state) {
  (void)state;
  ss_limits limits = default_limits();
  expect_fault_of(SS_STR(HEAD "Q: a\0b\r\n" END), false, &limits, 400);
  expect_fault_of(SS_STR(HEAD "\0: a\r\n" END), false, &limits, 400);
  expect_fault_of(SS_STR(HEAD "X\0Y: a\r\n" END), false, &limits, 400);
  expect_fault_of(
      SS_STR(START VIA FROM "To: <sip:a@b>;x=\0\r\n" CALL_ID CSEQ END), false,
      &limits, 400);
  ss_message *m;
  assert_int_equal(scan_text(&m, SS_STR(HEAD END "a\0b")), 0);
  assert_int_equal(m->fault, 0);
  assert_int_equal(m->body.n, 3);
  ss_message_unref(m);
}

static void control_in_a_via_has_no_message(void **state) {
  (void)state;
  expect_rc(START VIA "v: SIP/2.0/UDP b\x01\r\n" FROM TO CALL_ID CSEQ END,
            SS_ESYNTAX);
  expect_rc(START "v: SIP/2.0/UDP b;x=\"\\\x01\"\r\n" FROM TO CALL_ID CSEQ END,
            SS_ESYNTAX);
}

/* It is answered without that field: what ends a line, or a string, must not
 * be echoed. */
static void control_in_another_echoed_header_is_a_fault(void **state) {
  (void)state;
  static const char *const bad[] = {
      START VIA "From: <sip:a@b>\x01\r\n" TO CALL_ID CSEQ END,
      START VIA FROM TO "i: a\rb\r\n" CSEQ END,
      START VIA FROM TO CALL_ID "CSeq: 1\x7f INVITE\r\n" END,
      START VIA FROM "To: \"\\\r\" <sip:a@b>\r\n" CALL_ID CSEQ END};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ss_message *m;
    assert_int_equal(scan_text(&m, ss_str_z(bad[i])), 0);
    assert_int_equal(m->fault, 400);
    assert_int_equal(m->fields, 5); /* four, and none at 0 */
    ss_message_unref(m);
  }
}

/* RFC 3261 25.1 quoted-pair, RFC 4475 3.1.1.2 */
static void controls_may_be_escaped_in_a_display_name(void **state) {
  (void)state;
#define NAMED(name) START VIA FROM "To: \"" name "\" <sip:a@b>\r\n" CALL_ID CSEQ
  ss_str text = SS_STR(NAMED("BEL:\\\x07 NUL:\\\0 DEL:\\\x7f") END);
  ss_message *m;
  const ss_name_addr *to;
  assert_int_equal(scan_text(&m, text), 0);
  assert_int_equal(m->fault, 0);
  assert_int_equal(ss_message_to(m, &to), 0);
  assert_true(ss_str_eq(to->display, SS_STR("BEL:\x07 NUL:\0 DEL:\x7f")));
  ss_message_unref(m);
  expect_fault(NAMED("\x07") END, 400);
  expect_fault(NAMED("\\\\\x07") END, 400);
  expect_fault(NAMED("a\" \\\x07 \"") END, 400);
  expect_fault(NAMED("a") "Subject: \"\\\x07\"\r\n" END, 400);
  expect_fault(START VIA FROM "To: <sip:a@b>;x=\"\\\x07\"\r\n" CALL_ID CSEQ END,
               400);
}

static void repeated_single_headers_are_faults(void **state) {
  (void)state;
  expect_fault(HEAD FROM END, 400);
  expect_fault(HEAD TO END, 400);
  expect_fault(HEAD "i: b\r\n" END, 400);
  expect_fault(HEAD CSEQ END, 400);
  expect_fault(HEAD "Max-Forwards: 1\r\nMax-Forwards: 1\r\n" END, 400);
  expect_fault(HEAD "l: 0\r\nContent-Length: 0\r\n" END, 400);
  expect_fault(HEAD "c: a/b\r\nContent-Type: a/b\r\n" END, 400);
  expect_good(HEAD VIA "Contact: <sip:a@b>\r\nm: <sip:c@d>\r\n" END);
}

static void call_id_and_cseq_are_strict(void **state) {
  (void)state;
#define BEFORE START VIA FROM TO
  expect_fault(BEFORE "Call-ID:\r\n" CSEQ END, 400);
  expect_fault(BEFORE "Call-ID: a b\r\n" CSEQ END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 1 BYE\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 1 invite\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 1\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: INVITE\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq:\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 1 INVITE x\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 2147483648 INVITE\r\n" END, 400);
  expect_fault(BEFORE CALL_ID "CSeq: 36893488147419103232 INVITE\r\n" END, 400);
  expect_good(BEFORE CALL_ID "CSeq: 2147483647  INVITE\r\n" END);
  expect_good(BEFORE CALL_ID "CSeq: 0000000000001 INVITE\r\n" END);
}

static void from_and_to_must_parse(void **state) {
  (void)state;
#define AROUND(to) START VIA FROM "To: " to "\r\n" CALL_ID CSEQ END
  expect_fault(AROUND(""), 400);
  expect_fault(AROUND("\"Mr. J. User <sip:j.user@example.com>"), 400);
  expect_fault(AROUND("<sip:a@b"), 400);
  expect_fault(AROUND("<sip:a@b>;tag"), 400);
  expect_fault(AROUND("<sip:a@b>;tag="), 400);
  expect_fault(AROUND("<sip:a@b>;tag=\"x\""), 400);
  expect_fault(AROUND("<sip:a@b>;tag=x;tag=y"), 400);
  expect_fault(AROUND("\"a\\\"\" <sip:a@b>;tag=x;tag=y"), 400);
  expect_good(AROUND("<sip:a%00@b>"));
  expect_fault(AROUND("<sip:a@b%00>"), 400);
  expect_fault(AROUND("<sip:a@b>, <sip:c@d>"), 400);
  ss_message *m;
  assert_int_equal(scan_text(&m, SS_STR(AROUND("\"x <sip:a@b>"))), 0);
  assert_str(m->fault_reason, "Bad Request: unterminated quote in To");
  ss_message_unref(m);
}

static void ack_with_a_fault_has_no_message(void **state) {
  (void)state;
#define ACK "ACK sip:bob@example.net SIP/2.0\r\n" VIA FROM TO CALL_ID
  expect_good(ACK "CSeq: 1 ACK\r\n" END);
  expect_rc(ACK "CSeq: 1 INVITE\r\n" END, SS_ESYNTAX);
  expect_rc(ACK "CSeq: 1 ACK\r\nContent-Length: 5\r\n" END, SS_ESYNTAX);
}

static void old_callers_are_let_through(void **state) {
  (void)state;
  ss_message *m = good(START "Via: SIP/2.0/UDP h\r\nFrom: sip:a@b\r\n"
                             "To: sip:c@d;tag=x\r\n" CALL_ID CSEQ END "rest");
  assert_str(m->body, "rest");
  ss_message_unref(m);
}

static void body_of_a_datagram_may_end_early_but_not_late(void **state) {
  (void)state;
  ss_message *m = good(HEAD "Content-Length: 3\r\n" END "abcdef");
  assert_str(m->body, "abc");
  ss_message_unref(m);
  expect_fault(HEAD "Content-Length: 7\r\n" END "abcdef", 400);
}

static void body_of_a_stream_is_exact(void **state) {
  (void)state;
  ss_limits limits = default_limits();
  ss_message *m;
  assert_int_equal(scan_with(&m, SS_STR(INVITE), true, &limits), 0);
  assert_int_equal(m->fault, 0);
  ss_message_unref(m);
  expect_fault_of(SS_STR(HEAD END), true, &limits, 400);
  expect_fault_of(SS_STR(HEAD "l: 1\r\n" END "ab"), true, &limits, 400);
  expect_fault_of(SS_STR(HEAD "l: 3\r\n" END "ab"), true, &limits, 400);
}

static void header_section_needs_its_end(void **state) {
  (void)state;
  expect_fault(HEAD, 400);
  expect_fault(HEAD "Subject: cut o", 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(request_is_taken_apart),
      leak_checked(response_is_taken_apart),
      leak_checked(folds_and_tabs_become_spaces_at_the_same_offsets),
      leak_checked(white_space_round_the_colon_is_allowed),
      leak_checked(empty_lines_before_a_message_are_skipped),
      leak_checked(what_is_not_sip_has_no_message),
      leak_checked(broken_response_has_no_message),
      leak_checked(only_without_a_via_there_is_no_message),
      leak_checked(via_without_a_usable_sent_by_has_no_message),
      leak_checked(via_parameters_that_are_malformed_are_answered_400),
      leak_checked(faults_of_the_start_line),
      leak_checked(faults_of_header_lines),
      leak_checked(nul_in_the_header_section_is_a_fault),
      leak_checked(control_in_a_via_has_no_message),
      leak_checked(control_in_another_echoed_header_is_a_fault),
      leak_checked(controls_may_be_escaped_in_a_display_name),
      leak_checked(repeated_single_headers_are_faults),
      leak_checked(call_id_and_cseq_are_strict),
      leak_checked(from_and_to_must_parse),
      leak_checked(ack_with_a_fault_has_no_message),
      leak_checked(old_callers_are_let_through),
      leak_checked(body_of_a_datagram_may_end_early_but_not_late),
      leak_checked(body_of_a_stream_is_exact),
      leak_checked(header_section_needs_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
