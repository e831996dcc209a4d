/* sip/fields.h: header fields from scripts. */
#include "sip/fields.h"
#include "sip_fixture.h"

static int add(ss_fields *f, const char *name, const char *value) {
  return ss_fields_add(f, ss_str_z(name), ss_str_z(value));
}

static void fields_become_lines_in_order(void **state) {
  (void)state;
  ss_fields f = SS_FIELDS_NONE;
  assert_int_equal(add(&f, "X-Reason", " busy "), 0);
  assert_int_equal(add(&f, "Warning", "399 a \"\xc3\xa4\tb\""), 0);
  assert_int_equal(add(&f, "X-Empty", ""), 0);
  assert_str(ss_fields_text(&f),
             "X-Reason: busy\r\nWarning: 399 a \"\xc3\xa4\tb\"\r\n"
             "X-Empty: \r\n");
  ss_fields_free(&f);
  assert_int_equal(f.n, 0);
  assert_null(f.p);
}

static void name_must_be_a_token(void **state) {
  (void)state;
  static const char *const bad[] = {"",    "X Y",    "X:",    "X\r\nY",
                                    "X\n", "X-\xc3", "a(b)c", "X\x01"};
  ss_fields f = SS_FIELDS_NONE;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(add(&f, bad[i], "v"), SS_ETOKEN);
  assert_int_equal(ss_fields_add(&f, SS_STR("X\0Y"), SS_STR("v")), SS_ETOKEN);
  assert_int_equal(f.n, 0);
}

static void headers_of_the_stack_are_refused_in_any_form(void **state) {
  (void)state;
  static const char *const owned[] = {"Via",
                                      "v",
                                      "V",
                                      "from",
                                      "f",
                                      "TO",
                                      "t",
                                      "Call-ID",
                                      "call-id",
                                      "i",
                                      "CSeq",
                                      "Contact",
                                      "m",
                                      "Max-Forwards",
                                      "Route",
                                      "Record-Route",
                                      "l",
                                      "RSeq",
                                      "Content-Type",
                                      "c",
                                      "RAck",
                                      "x",
                                      "Min-SE",
                                      "content-length",
                                      "Session-Expires"};
  ss_fields f = SS_FIELDS_NONE;
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
    assert_int_equal(add(&f, owned[i], "v"), SS_EOWNED);
  assert_int_equal(f.n, 0);
}

static void controls_in_a_value_are_refused(void **state) {
  (void)state;
  ss_fields f = SS_FIELDS_NONE;
  for (int c = 0; c < 256; c++) {
    char value[] = {'a', (char)c, 'b'};
    bool control = (c < 32 && c != '\t') || c == 127;
    int rc = ss_fields_add(&f, SS_STR("Q"), (ss_str){value, 3});
    assert_int_equal(rc, control ? SS_ECONTROL : 0);
  }
  assert_int_equal(add(&f, "Q", "a\r\n"), SS_ECONTROL);
  assert_int_equal(add(&f, "Q", "\r\nVia: b"), SS_ECONTROL);
  ss_fields_free(&f);
}

static void size_is_bounded(void **state) {
  (void)state;
  static char value[SS_FIELDS_MAX];
  memset(value, 'x', sizeof value);
  ss_fields f = SS_FIELDS_NONE;
  assert_int_equal(
      ss_fields_add(&f, SS_STR("Q"), (ss_str){value, SS_FIELDS_MAX - 5 + 1}),
      SS_ELIMIT);
  assert_int_equal(
      ss_fields_add(&f, SS_STR("Q"), (ss_str){value, SS_FIELDS_MAX - 5}), 0);
  assert_int_equal(f.n, SS_FIELDS_MAX);
  assert_int_equal(add(&f, "Y", ""), SS_ELIMIT);
  ss_fields_free(&f);
}

static void given_fields_are_known(void **state) {
  (void)state;
  ss_fields f = SS_FIELDS_NONE;
  assert_int_equal(add(&f, "sErVeR", "x"), 0);
  assert_int_equal(add(&f, "k", "timer"), 0);
  assert_true(ss_fields_has(&f, SS_FIELD_SERVER));
  assert_true(ss_fields_has(&f, SS_FIELD_SUPPORTED));
  assert_false(ss_fields_has(&f, SS_FIELD_ALLOW));
  assert_false(ss_fields_has(&f, SS_FIELD_OTHER));
  ss_fields_free(&f);
}

static void stack_may_add_its_own(void **state) {
  (void)state;
  ss_fields f = SS_FIELDS_NONE;
  assert_int_equal(ss_fields_add_own(&f, SS_FIELD_MIN_SE, SS_STR("90")), 0);
  assert_int_equal(ss_fields_add_own(&f, SS_FIELD_RSEQ, SS_STR("1\n")),
                   SS_ECONTROL);
  assert_str(ss_fields_text(&f), "Min-SE: 90\r\n");
  assert_true(ss_fields_has(&f, SS_FIELD_MIN_SE));
  ss_fields_free(&f);
}

static void failed_allocation_leaves_what_was_there(void **state) {
  (void)state;
  ss_fields f = SS_FIELDS_NONE;
  ss_alloc_fail_at(1);
  assert_int_equal(add(&f, "Q", "y"), SS_ENOMEM);
  assert_int_equal(add(&f, "Q", "y"), 0);
  static char value[1000];
  memset(value, 'x', sizeof value);
  ss_alloc_fail_at(1);
  assert_int_equal(
      ss_fields_add(&f, SS_STR("Z"), (ss_str){value, sizeof value}), SS_ENOMEM);
  assert_str(ss_fields_text(&f), "Q: y\r\n");
  ss_alloc_fail_at(0);
  ss_fields_free(&f);
}

static void lent_memory_is_neither_grown_nor_freed(void **state) {
  (void)state;
  char room[16];
  ss_fields f = {.p = room, .size = sizeof room, .lent = true}, copy;
  assert_int_equal(add(&f, "Q", "eleven octs"), 0);
  assert_int_equal(add(&f, "Z", ""), SS_ENOMEM);
  assert_ptr_equal(f.p, room);
  assert_str(ss_fields_text(&f), "Q: eleven octs\r\n");
  assert_int_equal(ss_fields_copy(&copy, &f), 0);
  assert_int_equal(add(&copy, "Z", ""), 0);
  ss_fields_free(&copy);
  ss_fields_free(&f);
  assert_null(f.p);
}

static void text_from_a_script_has_no_controls(void **state) {
  (void)state;
  assert_int_equal(ss_check_text(SS_STR("Gone \xc3\xa4way")), 0);
  assert_int_equal(ss_check_text(SS_STR_NONE), 0);
  assert_int_equal(ss_check_text(SS_STR("a\r")), SS_ECONTROL);
  assert_int_equal(ss_check_text(SS_STR("a\nb")), SS_ECONTROL);
  assert_int_equal(ss_check_text(SS_STR("a\0b")), SS_ECONTROL);
  assert_int_equal(ss_check_text(SS_STR("a\tb")), SS_ECONTROL);
  assert_int_equal(ss_check_text(SS_STR("a\x7f")), SS_ECONTROL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(fields_become_lines_in_order),
      leak_checked(name_must_be_a_token),
      leak_checked(headers_of_the_stack_are_refused_in_any_form),
      leak_checked(controls_in_a_value_are_refused),
      leak_checked(size_is_bounded),
      leak_checked(given_fields_are_known),
      leak_checked(stack_may_add_its_own),
      leak_checked(failed_allocation_leaves_what_was_there),
      leak_checked(lent_memory_is_neither_grown_nor_freed),
      leak_checked(text_from_a_script_has_no_controls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
