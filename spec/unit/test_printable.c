/* base/printable.h: what logs may have, as a line, a message or a text. */
#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* All pieces in a row, each line's end a piece of its own. */
static void gives(ss_print_as as, ss_str text, const char *expected) {
  ss_printable p = ss_printable_of(text, as);
  char got[512];
  size_t n = 0;
  ss_str piece;
  while ((piece = ss_printable_next(&p)).n) {
    assert_true(n + piece.n < sizeof got);
    if (piece.p[piece.n - 1] == '\n')
      assert_true(piece.n == 1 || (piece.n == 2 && piece.p[0] == '\r'));
    memcpy(got + n, piece.p, piece.n);
    n += piece.n;
  }
  got[n] = 0;
  assert_string_equal(got, expected);
  assert_int_equal(ss_printable_next(&p).n, 0);
}

static void a_line_has_no_breaks(void **state) {
  (void)state;
  gives(SS_PRINT_LINE, SS_STR("a\r\nb\nc\td\033[2J\0e"),
        "a\\x0d\\x0ab\\x0ac\\x09d\\x1b[2J\\x00e");
  gives(SS_PRINT_LINE, SS_STR(""), "");
  gives(SS_PRINT_LINE, SS_STR_NONE, "");
}

static void a_message_has_its_CRLFs(void **state) {
  (void)state;
  gives(SS_PRINT_MESSAGE, SS_STR("a\r\n\r\nb\nc\rd\te\r"),
        "a\r\n\r\nb\\x0ac\\x0dd\\x09e\\x0d");
}

static void a_text_has_line_feeds_and_tabs(void **state) {
  (void)state;
  gives(SS_PRINT_TEXT, SS_STR("a\n\tb\r\nc\rd\033\n"),
        "a\n\tb\r\nc\\x0dd\\x1b\n");
}

static void credentials_are_hidden_in_each(void **state) {
  (void)state;
  gives(SS_PRINT_LINE, SS_STR("authorization: Digest x=1\nb"),
        "authorization: Digest (hidden)\\x0ab");
  gives(SS_PRINT_TEXT, SS_STR("a\nAuthorization\001\377: x\n y\n\tz\nb"),
        "a\nAuthorization\\x01\\xff: (hidden)\nb");
  gives(SS_PRINT_MESSAGE, SS_STR("a\rProxy-Authorization:Digest\tx\n y"),
        "a\\x0dProxy-Authorization:Digest\\x09(hidden)");
  gives(SS_PRINT_TEXT, SS_STR("Authorization:\nAuthorization:"),
        "Authorization:(hidden)\nAuthorization:(hidden)");
  gives(SS_PRINT_TEXT, SS_STR("Authorization\n: x"), "Authorization\n: x");
  gives(SS_PRINT_TEXT, SS_STR("\001 Authorization: Digest x"),
        "\\x01 Authorization: Digest (hidden)");
  gives(SS_PRINT_TEXT,
        SS_STR("a\xe2\x80\x8e"
               "b\xe2\x80\x8f"),
        "a\\xe2\\x80\\x8eb\\xe2\\x80\\x8f");
}

/* Each end of what RFC 3629 4 allows, and what is beyond it. */
static void only_UTF8_is_shown_as_it_is(void **state) {
  (void)state;
  static const char *const good[] = {"\302\240",
                                     "\337\277",
                                     "\340\240\200",
                                     "\355\237\277",
                                     "\356\200\200",
                                     "\357\277\277",
                                     "~",
                                     "\360\220\200\200",
                                     "\364\217\277\277"};
  static const char *const bad[] = {"\200",
                                    "\277",
                                    "\302\200",
                                    "\302\237",
                                    "\300\200",
                                    "\301\277",
                                    "\302",
                                    "\302x",
                                    "\340\237\277",
                                    "\355\240\200",
                                    "\355\277\277",
                                    "\342\202",
                                    "\342\202x",
                                    "\365\200",
                                    "\360\217\277\277",
                                    "\364\220\200\200",
                                    "\360\220\200",
                                    "\177",
                                    "\377",
                                    "\376"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    gives(SS_PRINT_LINE, ss_str_z(good[i]), good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ss_printable p = ss_printable_of(ss_str_z(bad[i]), SS_PRINT_LINE);
    ss_str piece = ss_printable_next(&p);
    assert_int_equal(piece.n, 4);
    assert_memory_equal(piece.p, "\\x", 2);
  }
}

/* Whatever it is, every octet is accounted for, and what is written can't be
 * taken for a control. */
static void random_text_is_made_printable(void **state) {
  (void)state;
  uint32_t x = 1;
  for (int i = 0; i < 20000; i++) {
    char text[24];
    for (size_t k = 0; k < sizeof text; k++) {
      x = x * 1664525 + 1013904223;
      text[k] = (char)(x >> 24);
    }
    ss_printable p =
        ss_printable_of((ss_str){text, sizeof text}, SS_PRINT_LINE);
    size_t n = 0;
    ss_str piece;
    while ((piece = ss_printable_next(&p)).n) {
      n += piece.p == p.escape ? 1 : piece.n;
      for (size_t k = 0; k < piece.n; k++)
        assert_true((unsigned char)piece.p[k] >= 0x20 && piece.p[k] != 0x7f);
    }
    assert_int_equal(n, sizeof text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_has_no_breaks),
      cmocka_unit_test(a_message_has_its_CRLFs),
      cmocka_unit_test(a_text_has_line_feeds_and_tabs),
      cmocka_unit_test(credentials_are_hidden_in_each),
      cmocka_unit_test(only_UTF8_is_shown_as_it_is),
      cmocka_unit_test(random_text_is_made_printable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
