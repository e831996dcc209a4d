/* sip/headers.h: media types, parameters and the parts of multipart bodies. */
#include "sip_fixture.h"

static void media_type_comes_without_parameters(void **state) {
  (void)state;
  assert_str(ss_media_type(SS_STR(" application/sdp ; charset=x")),
             "application/sdp");
  assert_str(ss_media_type(SS_STR("multipart/mixed;boundary=\"a;b\"")),
             "multipart/mixed");
  assert_int_equal(ss_media_type(SS_STR("application")).n, 0);
  assert_int_equal(ss_media_type(SS_STR("/sdp")).n, 0);
  assert_int_equal(ss_media_type(SS_STR("a/b c")).n, 0);
  assert_int_equal(ss_media_type(SS_STR_NONE).n, 0);
}

static bool same_type(const char *value, const char *type) {
  return ss_media_type_eq(ss_media_type(ss_str_z(value)), ss_str_z(type));
}

static void white_space_round_the_slash_is_not_of_the_type(void **state) {
  (void)state;
  assert_true(same_type("Application / SDP;x", "application/sdp"));
  assert_true(same_type("a\t/b", "a / b"));
  assert_true(same_type("a/\r\n b", "a/b"));
  assert_false(same_type("a / b", "a/bc"));
  assert_false(same_type("a / b", "ab"));
  assert_false(same_type("a b / c", "a b/c"));
  assert_false(same_type("a / b c", "a/b c"));
  assert_false(same_type("a / ", "a/"));
  assert_false(same_type(" / b", "/b"));
}

static void parameters_are_found_by_name(void **state) {
  (void)state;
  ss_str v = SS_STR("a/b;x=\"1;y=2\" ; Y = 3;z;q=\"\\\"\"");
  ss_str out;
  assert_true(ss_parameter(v, SS_STR("X"), &out));
  assert_str(out, "1;y=2");
  assert_true(ss_parameter(v, SS_STR("y"), &out));
  assert_str(out, "3");
  assert_true(ss_parameter(v, SS_STR("z"), &out));
  assert_int_equal(out.n, 0);
  assert_true(ss_parameter(v, SS_STR("q"), &out));
  assert_str(out, "\\\"");
  assert_false(ss_parameter(v, SS_STR("a"), &out));
  assert_false(ss_parameter(SS_STR("a;=1;y=2"), SS_STR("y"), &out));
  assert_false(ss_parameter(SS_STR("\";y=2"), SS_STR("y"), &out));
}

static void multipart_gives_its_parts(void **state) {
  (void)state;
  ss_str rest = SS_STR("preamble\r\n--b1\r\nContent-Type: application/sdp;\r\n"
                       " a=b\r\nX: y\r\n\r\nv=0\r\n\r\n--b1  \r\n\r\nplain\n"
                       "--b1x\r\n--b1\r\nX: no body\r\n--b1--\r\nepilogue");
  ss_str type, body, b1 = SS_STR("b1");
  size_t lines = 100;
  assert_true(ss_multipart_next(&rest, &lines, b1, &type, &body));
  assert_str(ss_media_type(type), "application/sdp");
  ss_str value;
  assert_true(ss_parameter(type, SS_STR("a"), &value));
  assert_str(value, "b");
  assert_str(body, "v=0\r\n");
  assert_true(ss_multipart_next(&rest, &lines, b1, &type, &body));
  assert_str(type, "text/plain");
  assert_str(body, "plain\n--b1x");
  assert_true(ss_multipart_next(&rest, &lines, b1, &type, &body));
  assert_str(body, "");
  assert_false(ss_multipart_next(&rest, &lines, b1, &type, &body));
  assert_false(ss_multipart_next(&rest, &lines, b1, &type, &body));
}

static void multipart_without_its_end_gives_nothing(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "--b",
                                    "--b\r\n",
                                    "--b--\r\n",
                                    "--b--\r\n\r\nx\r\n--b--",
                                    "--b\r\n\r\nbody",
                                    "--b\r\n\r\nbody--b--",
                                    "x--b\r\n\r\n\r\n--b--"};
  ss_str type, body;
  size_t lines = 100;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ss_str rest = ss_str_z(bad[i]);
    assert_false(ss_multipart_next(&rest, &lines, SS_STR("b"), &type, &body));
  }
  ss_str rest = SS_STR("--\r\n\r\n----");
  assert_false(ss_multipart_next(&rest, &lines, SS_STR_NONE, &type, &body));
  rest = SS_STR("--b\r\n--b--");
  assert_true(ss_multipart_next(&rest, &lines, SS_STR("b"), &type, &body));
  assert_int_equal(body.n, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(media_type_comes_without_parameters),
      leak_checked(white_space_round_the_slash_is_not_of_the_type),
      leak_checked(parameters_are_found_by_name),
      leak_checked(multipart_gives_its_parts),
      leak_checked(multipart_without_its_end_gives_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
