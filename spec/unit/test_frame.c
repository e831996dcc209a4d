/* The stream framer: whatever way the bytes come, the same messages leave. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/frame.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"

static ss_limits limits;
static ss_frame frame;
static char log_of[4000]; /* what came out: "M<length> ", "P ", "S ", "L " */

static int setup(void **state) {
  (void)state;
  ss_limits_default(&limits);
  ss_frame_init(&frame);
  log_of[0] = '\0';
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ss_frame_free(&frame);
  return ss_alloc_alive() == 0 ? 0 : -1;
}

static void note(const char *what, size_t n) {
  size_t at = strlen(log_of);
  snprintf(log_of + at, sizeof log_of - at, "%s%zu ", what, n);
}

/* Takes out all there is; false once the stream is unusable. */
static bool drain(void) {
  ss_str out;
  for (;;) {
    switch (ss_frame_next(&frame, &limits, &out)) {
    case SS_FRAME_MORE:
      return true;
    case SS_FRAME_MESSAGE:
      note("M", out.n);
      break;
    case SS_FRAME_PING:
      note("P", 0);
      break;
    case SS_FRAME_SIZE:
      note("S", out.n);
      return false;
    case SS_FRAME_LENGTH:
      note("L", out.n);
      return false;
    }
  }
}

/* Feeds the text in pieces of `step` bytes (0: at once). The bytes lie in
 * memory of exactly their size, so that a sanitizer sees every overrun. */
static void feed(ss_str text, size_t step) {
  for (size_t i = 0; i < text.n;) {
    size_t n = step && step < text.n - i ? step : text.n - i;
    char *piece = malloc(n);
    assert_non_null(piece);
    memcpy(piece, text.p + i, n);
    assert_int_equal(ss_frame_feed(&frame, piece, n), 0);
    free(piece);
    if (!drain())
      return;
    i += n;
  }
}

static void expect(ss_str text, const char *log) {
  for (size_t step = 0; step <= text.n; step++) {
    teardown(NULL);
    log_of[0] = '\0';
    feed(text, step);
    assert_string_equal(log_of, log);
  }
}

/* Split in two at every byte, and byte by byte. */
static void expect_split(ss_str text, const char *log) {
  expect(text, log);
  for (size_t at = 1; at < text.n; at++) {
    teardown(NULL);
    log_of[0] = '\0';
    feed((ss_str){text.p, at}, 0);
    feed((ss_str){text.p + at, text.n - at}, 0);
    assert_string_equal(log_of, log);
  }
}

static void message_is_the_same_wherever_it_is_split(void **state) {
  (void)state;
  expect_split(SS_STR(HEAD "Content-Length: 5\r\n\r\nhello"), "M70 ");
  expect_split(SS_STR(HEAD "Content-Length: 0\r\n\r\n"), "M65 ");
  expect_split(SS_STR(HEAD "l:0\r\nContact: x\r\n\r\n"), "M63 ");
}

static void several_messages_in_one_piece_come_one_by_one(void **state) {
  (void)state;
  expect_split(SS_STR("A x SIP/2.0\r\nl: 2\r\n\r\nhi"
                      "B x SIP/2.0\r\nl: 0\r\n\r\n\r\n"
                      "C x SIP/2.0\r\nl: 1\r\n\r\n!D x"),
               "M23 M21 M22 ");
  assert_true(ss_frame_partial(&frame));
}

static void message_bytes_are_those_that_were_sent(void **state) {
  ss_str out;
  (void)state;
  feed(SS_STR("\r\nA b\r\nl: 2\r\n\r"), 0);
  assert_true(ss_frame_partial(&frame));
  assert_int_equal(ss_frame_feed(&frame, "\nhiNEXT", 7), 0);
  assert_int_equal(ss_frame_next(&frame, &limits, &out), SS_FRAME_MESSAGE);
  assert_true(ss_str_eq(out, SS_STR("A b\r\nl: 2\r\n\r\nhi")));
  assert_true(ss_frame_partial(&frame));
  assert_int_equal(ss_frame_next(&frame, &limits, &out), SS_FRAME_MORE);
}

static void lone_crlf_is_skipped_and_double_is_a_ping(void **state) {
  (void)state;
  expect_split(SS_STR("\r\nA x\r\nl:0\r\n\r\n"), "M12 ");
  expect_split(SS_STR("\r\n\r\nA x\r\nl:0\r\n\r\n"), "P0 M12 ");
  expect_split(SS_STR("\r\n\r\n\r\n\r\n\r\n"), "P0 P0 ");
  assert_false(ss_frame_partial(&frame));
  expect_split(SS_STR("\n\n\r\nA x\r\nl:0\r\n\r\n"), "M12 ");
}

static void head_with_bare_newlines_ends_at_its_blank_line(void **state) {
  (void)state;
  expect_split(SS_STR("A x\nl:1\n\nzB"), "M10 ");
  expect_split(SS_STR("A x\r\nl:1\n\r\nzB"), "M12 ");
}

static void length_is_folded_compact_spaced_and_any_case(void **state) {
  (void)state;
  expect(SS_STR("A x\r\ncontent-LENGTH \t:\r\n  3\r\n\r\nabc"), "M34 ");
  expect(SS_STR("A x\r\nL: 003\r\n\r\nabc"), "M18 ");
}

static void bad_lengths_end_the_stream(void **state) {
  static const char *const bad[] = {
      "A x\r\nVia: y\r\n\r\n",
      "A x\r\nContent-Length:\r\n\r\n",
      "A x\r\nContent-Length: -1\r\n\r\n",
      "A x\r\nContent-Length: +1\r\n\r\n",
      "A x\r\nContent-Length: 0x1\r\n\r\n",
      "A x\r\nContent-Length: 1,1\r\n\r\n",
      "A x\r\nContent-Length: 1 1\r\n\r\n",
      "A x\r\nContent-Length: 1\r\n 1\r\n\r\n",
      "A x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
      "A x\r\nContent-Length: 1\r\nl: 1\r\n\r\n",
      "A x\r\nl: x\r\nl: 1\r\n\r\n",
      "A x\r\nSubject: y\r\n Content-Length: 1\r\n\r\n",
      "Content-Length: 1\r\nVia: x\r\n\r\n",
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char log[32];
    snprintf(log, sizeof log, "L%zu ", strlen(bad[i]));
    expect(ss_str_z(bad[i]), log);
  }
}

static void sizes_over_a_limit_end_the_stream(void **state) {
  (void)state;
  limits.header_size = 40;
  limits.message_size = 50;
  expect(SS_STR("A 23456789012345678\r\nVia: 890\r\nl: 0\r\n\r\n"), "M39 ");
  expect(SS_STR("A 234567890123456789\r\nVia: 890\r\nl: 0\r\n\r\n"), "M40 ");
  feed(SS_STR("A 2345678901234567890\r\nVia: 890\r\nl: 0\r\n\r\n"), 0);
  assert_string_equal(log_of + strlen(log_of) - 4, "S41 ");
  expect(SS_STR("A x\r\nl: 36\r\n\r\n012345678901234567890123456789012345"),
         "M50 ");
  expect(SS_STR("A x\r\nl: 37\r\n\r\n"), "S14 ");
}

static void length_over_the_message_limit_is_a_size(void **state) {
  (void)state;
  limits.message_size = 30;
  expect(SS_STR("A x\r\nl: 16\r\n\r\n0123456789012345"), "M30 ");
  expect(SS_STR("A x\r\nl: 17\r\n\r\n"), "S14 ");
  expect(SS_STR("A x\r\nl: 4294967298\r\n\r\n"), "S22 ");
  limits.message_size = 40;
  expect(SS_STR("A x\r\nl: 99999999999999999999999\r\n\r\n"), "S35 ");
}

static void header_without_end_is_refused_at_its_limit(void **state) {
  static char junk[20000];
  (void)state;
  memset(junk, 'x', sizeof junk);
  feed((ss_str){junk, limits.header_size}, 1000);
  assert_string_equal(log_of, "");
  feed(SS_STR("x"), 0);
  assert_string_equal(log_of, "S16385 ");
}

static void large_messages_byte_by_byte_take_linear_time(void **state) {
  static char big[60000];
  int head = snprintf(big, sizeof big, "A x\r\nl: 59000\r\n\r\n");
  (void)state;
  memset(big + head, '\n', 59000);
  feed((ss_str){big, (size_t)head + 59000}, 1);
  assert_string_equal(log_of, "M59017 ");
}

static void idle_stream_keeps_no_large_buffer(void **state) {
  static char big[60000];
  int head = snprintf(big, sizeof big, "A x\r\nl: 50000\r\n\r\n");
  (void)state;
  feed((ss_str){big, (size_t)head + 50000}, 0);
  assert_int_equal(frame.max, 0);
}

static void failed_allocation_is_reported(void **state) {
  (void)state;
  ss_alloc_fail_at(1);
  assert_int_equal(ss_frame_feed(&frame, "x", 1), SS_ENOMEM);
  assert_int_equal(ss_frame_feed(&frame, "x", 1), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(message_is_the_same_wherever_it_is_split),
      T(several_messages_in_one_piece_come_one_by_one),
      T(message_bytes_are_those_that_were_sent),
      T(lone_crlf_is_skipped_and_double_is_a_ping),
      T(head_with_bare_newlines_ends_at_its_blank_line),
      T(length_is_folded_compact_spaced_and_any_case),
      T(bad_lengths_end_the_stream),
      T(sizes_over_a_limit_end_the_stream),
      T(length_over_the_message_limit_is_a_size),
      T(header_without_end_is_refused_at_its_limit),
      T(large_messages_byte_by_byte_take_linear_time),
      T(idle_stream_keeps_no_large_buffer),
      T(failed_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
