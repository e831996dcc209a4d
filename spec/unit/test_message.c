/* sip/message.h: looking fields up in a scanned message, and its lifetime. */
#include "sip_fixture.h"

static void names_are_found_in_any_case(void **state) {
  (void)state;
#define X(id, text, compact, single)                                           \
  {                                                                            \
    char upper[] = text, lower[] = text;                                       \
    for (size_t i = 0; i < sizeof text - 1; i++) {                             \
      if (upper[i] >= 'a' && upper[i] <= 'z')                                  \
        upper[i] &= ~0x20;                                                     \
      if (lower[i] >= 'A' && lower[i] <= 'Z')                                  \
        lower[i] |= 0x20;                                                      \
    }                                                                          \
    assert_int_equal(ss_field_lookup(ss_str_z(upper)), SS_FIELD_##id);         \
    assert_int_equal(ss_field_lookup(ss_str_z(lower)), SS_FIELD_##id);         \
    assert_str(ss_field_name(SS_FIELD_##id), text);                            \
    if (*compact) {                                                            \
      char big = compact[0] & ~0x20;                                           \
      assert_int_equal(ss_field_lookup(SS_STR(compact)), SS_FIELD_##id);       \
      assert_int_equal(ss_field_lookup((ss_str){&big, 1}), SS_FIELD_##id);     \
    }                                                                          \
  }
  SS_FIELD_MAP(X)
#undef X
}

static void other_names_are_unknown(void **state) {
  (void)state;
  static const char *const other[] = {
      "",  "X-Foo", "C%6Fntact", "q",       "Vib",       "Vix",
      "6", "&",     "\x16",      "Min\rSE", "Min\x0dSE", "Call\x0dID"};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++)
    assert_int_equal(ss_field_lookup(ss_str_z(other[i])), SS_FIELD_OTHER);
  assert_int_equal(ss_field_name(SS_FIELD_OTHER).n, 0);
  assert_int_equal(ss_field_name(SS_FIELD_COUNT).n, 0);
}

static void methods_are_found_in_exact_case(void **state) {
  (void)state;
#define X(name)                                                                \
  assert_int_equal(ss_method_lookup(SS_STR(#name)), SS_##name);                \
  assert_str(ss_method_name(SS_##name), #name);
  SS_METHOD_MAP(X)
#undef X
  assert_int_equal(ss_method_lookup(SS_STR("invite")), SS_METHOD_UNKNOWN);
  assert_int_equal(ss_method_lookup(SS_STR("INVITES")), SS_METHOD_UNKNOWN);
  assert_int_equal(ss_method_lookup(SS_STR_NONE), SS_METHOD_UNKNOWN);
  assert_int_equal(ss_method_name(SS_METHOD_UNKNOWN).n, 0);
}

static void fields_are_found_by_number_in_order(void **state) {
  (void)state;
  ss_message *m = good(HEAD "v: SIP/2.0/TCP b\r\nVIA: SIP/2.0/TCP c\r\n" END);
  const ss_field *f = ss_message_field(m, SS_FIELD_VIA);
  assert_str(f->value, "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK776asdhds");
  f = ss_message_next(m, f);
  assert_str(ss_field_written(f), "v");
  assert_str(f->value, "SIP/2.0/TCP b");
  f = ss_message_next(m, f);
  assert_str(f->value, "SIP/2.0/TCP c");
  assert_null(ss_message_next(m, f));
  assert_null(ss_message_field(m, SS_FIELD_CONTACT));
  ss_message_unref(m);
}

static void fields_are_found_by_name(void **state) {
  (void)state;
  ss_message *m = good(HEAD "X-A: 1\r\nX-B: 2\r\nx-a: 3\r\nk: timer\r\n" END);
  const ss_field *f = ss_message_named(m, SS_STR("x-A"), NULL);
  assert_str(f->value, "1");
  f = ss_message_named(m, SS_STR("x-A"), f);
  assert_str(f->value, "3");
  assert_null(ss_message_named(m, SS_STR("x-A"), f));
  assert_str(ss_message_named(m, SS_STR("supported"), NULL)->value, "timer");
  assert_str(ss_message_named(m, SS_STR("K"), NULL)->value, "timer");
  assert_null(ss_message_named(m, SS_STR("X-C"), NULL));
  assert_null(ss_message_named(m, SS_STR("Contact"), NULL));
  assert_null(ss_message_named(m, SS_STR_NONE, NULL));
  ss_message_unref(m);
}

static void elements_go_through_every_field(void **state) {
  (void)state;
  ss_message *m = good(HEAD "Require: a ,b\r\nRequire:\r\nRequire: ,, c,\r\n"
                            "Contact: \"x,y\" <sip:a,b@h>, <sip:c@h>\r\n" END);
  ss_elements e = ss_message_elements(m, SS_FIELD_REQUIRE);
  ss_str s;
  assert_true(ss_elements_next(&e, &s));
  assert_str(s, "a");
  assert_true(ss_elements_next(&e, &s));
  assert_str(s, "b");
  assert_true(ss_elements_next(&e, &s));
  assert_str(s, "c");
  assert_false(ss_elements_next(&e, &s));
  assert_false(ss_elements_next(&e, &s));
  e = ss_message_elements(m, SS_FIELD_CONTACT);
  assert_true(ss_elements_next(&e, &s));
  assert_str(s, "\"x,y\" <sip:a,b@h>");
  assert_true(ss_elements_next(&e, &s));
  assert_str(s, "<sip:c@h>");
  assert_false(ss_elements_next(&e, &s));
  e = ss_message_elements(m, SS_FIELD_ROUTE);
  assert_false(ss_elements_next(&e, &s));
  ss_message_unref(m);
}

static void message_lives_as_long_as_its_last_reference(void **state) {
  (void)state;
  ss_message *m = good(INVITE);
  assert_ptr_equal(ss_message_ref(m), m);
  ss_message_unref(m);
  assert_str(m->body, "body");
  ss_message_unref(m);
  ss_message_unref(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(names_are_found_in_any_case),
      leak_checked(other_names_are_unknown),
      leak_checked(methods_are_found_in_exact_case),
      leak_checked(fields_are_found_by_number_in_order),
      leak_checked(fields_are_found_by_name),
      leak_checked(elements_go_through_every_field),
      leak_checked(message_lives_as_long_as_its_last_reference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
