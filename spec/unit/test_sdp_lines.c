/* sip/sdp_lines.h: what is read eight octets at a time is what one would read
 * octet by octet. */
#include "base/error.h"
#include "sip/sdp_lines.h"
#include "sip_fixture.h"

static char space[256];

static int line_slowly(ss_str *rest, ss_str *line) {
  if (!rest->n)
    return 0;
  size_t n = ss_str_chr(*rest, '\n'), past = n < rest->n ? n + 1 : n;
  ss_str s = {rest->p, n};
  *rest = (ss_str){rest->p + past, rest->n - past};
  if (n && s.p[n - 1] == '\r')
    s.n--;
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if ((c < ' ' && c != '\t') || c == 127)
      return SS_ESYNTAX;
  }
  if (s.n < 2 || s.p[0] < 'a' || s.p[0] > 'z' || s.p[1] != '=')
    return SS_ESYNTAX;
  *line = s;
  return 1;
}

static size_t words_slowly(ss_str line) {
  size_t n = 0;
  for (size_t i = 2; i < line.n; i++)
    n += line.p[i] != ' ' && (i == 2 || line.p[i - 1] == ' ');
  return n;
}

static size_t expect_same_lines(ss_str text) {
  ss_str ours = text, theirs = text, one, other;
  size_t lines = 0;
  int rc;
  do {
    rc = ss_sdp_line(&ours, &one);
    assert_int_equal(rc, line_slowly(&theirs, &other));
    assert_ptr_equal(ours.p, theirs.p);
    assert_int_equal(ours.n, theirs.n);
    if (rc > 0) {
      lines++;
      assert_ptr_equal(one.p, other.p);
      assert_int_equal(one.n, other.n);
      assert_int_equal(ss_sdp_words(one), words_slowly(one));
    }
  } while (rc);
  return lines;
}

/* In a block of its own size, so that a sanitizer sees who reads on. */
static size_t copy_has_same_lines(ss_str text) {
  char *copy = malloc(text.n + !text.n);
  assert_non_null(copy);
  memcpy(copy, text.p, text.n);
  size_t lines = expect_same_lines((ss_str){copy, text.n});
  free(copy);
  return lines;
}

static void each_octet_means_the_same_everywhere(void **state) {
  (void)state;
  for (size_t n = 1; n < 30; n++) {
    for (size_t at = 0; at < n; at++) {
      for (int c = 0; c < 256; c++) {
        memset(space, 'x', n + 2);
        memcpy(space, "a=", 2);
        space[at] = (char)c;
        copy_has_same_lines((ss_str){space, n});
        space[n] = '\n';
        copy_has_same_lines((ss_str){space, n + 1});
        memcpy(space + n, "\r\n", 2);
        copy_has_same_lines((ss_str){space, n + 2});
      }
    }
  }
}

static void random_lines_are_the_same(void **state) {
  (void)state;
  static const char *const piece[] = {"\r\n", "\r\n", "\n",     "\r",
                                      "\t",   "\x7f", "\x1f",   "\x80",
                                      "\xff", " ",    "  ",     " ",
                                      "a=",   "o=",   "IN IP4", "abcdef",
                                      "x",    "12",   "c=",     "\r\na="};
  unsigned random = 5;
  size_t lines = 0;
  for (int i = 0; i < 100000; i++) {
    ss_buf b = SS_BUF_ON(space, sizeof space);
    ss_buf_lit(&b, "a=");
    for (int k = rand_r(&random) % 24; k > 0; k--)
      ss_buf_str(
          &b,
          ss_str_z(
              piece[(size_t)rand_r(&random) % (sizeof piece / sizeof *piece)]));
    lines += copy_has_same_lines(ss_buf_view(&b));
  }
  assert_true(lines > 100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_octet_means_the_same_everywhere),
      cmocka_unit_test(random_lines_are_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
