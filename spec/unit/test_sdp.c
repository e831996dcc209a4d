/* sip/sdp.h: descriptions checked, answered and offered with every stream
 * inactive. */
#include "sip/sdp.h"
#include "sip_fixture.h"

#define V "v=0\r\n"
#define O "o=- 1 1 IN IP4 192.0.2.1\r\n"
#define S "s=-\r\n"
#define C "c=IN IP4 192.0.2.1\r\n"
#define T "t=0 0\r\n"
#define M "m=audio 49170 RTP/AVP 0 8\r\n"
#define OFFER V O S C T M

static char space[65536];

static void check_gives(const char *sdp, int expected) {
  int rc = ss_sdp_check(ss_str_z(sdp));
  if (rc != expected)
    fail_msg("%d and not %d of:\n%s", rc, expected, sdp);
}

static ss_addr here(void) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, SS_STR("udp:192.0.2.9:5060")), 0);
  return a;
}

/* The part of the answer behind the session's lines. */
static void expect_answer(const char *offer, const char *expected) {
  static const char session[] =
      "v=0\r\no=- 42 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\n";
  ss_addr address = here();
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_sdp_answer_inactive(&b, ss_str_z(offer), &address, 42),
                   0);
  assert_int_equal(ss_sdp_check(ss_buf_view(&b)), 0);
  assert_true(ss_str_starts(ss_buf_view(&b), SS_STR(session)));
  size_t n = sizeof session - 1;
  assert_str(((ss_str){b.p + n, b.n - n}), expected);
}

static void good_descriptions_pass(void **state) {
  (void)state;
  check_gives(OFFER, 0);
  check_gives(V O S C T, 0);
  check_gives("v=0\no=- 1 1 IN IP4 h\ns= \nc=IN IP4 h\nt=0 0\n", 0);
  check_gives(V O "s=\r\n" C T M, 0);
  check_gives(V O S T M C, 0);
  check_gives(V O S T M C "a=x\r\nm=video 9 RTP/AVP 31\r\n" C, 0);
  check_gives(V O S T "m=audio 0 RTP/AVP 0\r\n", 0);
  check_gives(V O S C T "m=audio 49170/2 RTP/AVP 0", 0);
  check_gives(V O S "i=\xc3\xa4\r\nb=AS:64\r\n" C T "a=x\r\n" M, 0);
}

static void malformed_descriptions_do_not(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "hello",
      O S C T M,
      V S C T M,
      V O C T M,
      V O S C M,
      O V S C T M,
      V O S C M T,
      "v=1\r\n" O S C T M,
      V V O S C T M,
      V O S S C T M,
      V "o=- 1 1 IN IP4\r\n" S C T M,
      V O S "c=IN IP4\r\n" T M,
      V O S C "t=0\r\n" M,
      V O S T M,
      V O S T M M C,
      V O S C T "m=audio RTP/AVP 0\r\n",
      V O S C T "m=audio 65536 RTP/AVP 0\r\n",
      V O S C T "m=audio -1 RTP/AVP 0\r\n",
      V O S C T "m=audio 0 RTP/AVP\r\n",
      V O S C T "m=au/dio 0 RTP/AVP 0\r\n",
      V O S C T M "a\r\n",
      V O S C T M "\r\n",
      V O S C T M "a=x\ry\r\n",
      V O S C T M "a=x\x01\r\n",
      V O S C T M " a=x\r\n",
      V O S C T M "A=x\r\n",
      V O S C T M "a =x\r\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    check_gives(bad[i], SS_ESYNTAX);
  assert_int_equal(ss_sdp_check(SS_STR(OFFER "a=\0\r\n")), SS_ESYNTAX);
}

static void repeat(char *out, const char *before, const char *piece, int n) {
  char *p = stpcpy(out, before);
  while (n-- > 0)
    p = stpcpy(p, piece);
}

static void lines_and_streams_are_limited(void **state) {
  (void)state;
  static char text[65536];
  repeat(text, V O S C T, M, 64);
  check_gives(text, 0);
  repeat(text, V O S C T, M, 65);
  check_gives(text, SS_ELIMIT);
  repeat(text, V O S C T, "a=x\r\n", 1995);
  check_gives(text, 0);
  repeat(text, V O S C T, "a=x\r\n", 1996);
  check_gives(text, SS_ELIMIT);
}

static void every_stream_is_answered_in_its_place(void **state) {
  (void)state;
  expect_answer(
      V O S C "t=1 2\r\n"
              "m=audio 49170 RTP/AVP 96 0\r\n"
              "a=rtpmap:9 G722/8000\r\na=rtpmap:96 opus/48000/2\r\n"
              "a=rtpmap:96 again/1\r\na=fmtp:96 x=1\r\na=rtpmap:0 PCMU/8000\r\n"
              "m=audio 5000 RTP/SAVP 0 8\r\na=crypto:x\r\n"
              "m=video 5002/2 rtp/avpf 31\r\na=sendonly\r\n"
              "m=image 5004 udptl t38\r\n"
              "m=audio 0 RTP/AVP 96 97\r\na=rtpmap:96 late/1\r\n",
      "t=1 2\r\n"
      "m=audio 9 RTP/AVP 96\r\n"
      "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 x=1\r\na=inactive\r\n"
      "m=audio 0 RTP/SAVP 0 8\r\n"
      "m=video 9 rtp/avpf 31\r\na=inactive\r\n"
      "m=image 0 udptl t38\r\n"
      "m=audio 0 RTP/AVP 96 97\r\n");
}

static void no_format_of_another_stream_is_copied(void **state) {
  (void)state;
  expect_answer(OFFER "m=audio 2 RTP/AVP 0\r\na=rtpmap:0 X/1\r\n",
                "t=0 0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n"
                "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 X/1\r\na=inactive\r\n");
}

static void formats_are_compared_whole(void **state) {
  (void)state;
  expect_answer(V O S C T "m=audio 2 RTP/AVP 9\r\na=rtpmap:96 X/1\r\n"
                          "a=rtpmap:9 G722/8000\r\n",
                "t=0 0\r\nm=audio 9 RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n"
                "a=inactive\r\n");
}

static void offer_without_streams_has_an_answer_without(void **state) {
  (void)state;
  expect_answer(V O S C T, "t=0 0\r\n");
}

static void bad_offer_is_not_answered(void **state) {
  (void)state;
  ss_addr address = here();
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_sdp_answer_inactive(&b, SS_STR("x"), &address, 1),
                   SS_ESYNTAX);
  assert_int_equal(b.n, 0);
}

static void offer_is_one_inactive_audio_stream(void **state) {
  (void)state;
  ss_addr address;
  assert_int_equal(ss_addr_parse(&address, SS_STR("tcp:[2001:db8::9]")), 0);
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_sdp_offer_inactive(&b, &address, 7), 0);
  assert_str(ss_buf_view(&b),
             "v=0\r\no=- 7 1 IN IP6 2001:db8::9\r\ns=-\r\n"
             "c=IN IP6 2001:db8::9\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
             "a=rtpmap:0 PCMU/8000\r\na=inactive\r\n");
  assert_int_equal(ss_sdp_check(ss_buf_view(&b)), 0);
}

static void what_does_not_fit_is_an_error(void **state) {
  (void)state;
  ss_addr address = here();
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_sdp_answer_inactive(&b, SS_STR(OFFER), &address, 1), 0);
  b = SS_BUF_ON(space, b.n - 1);
  assert_int_equal(ss_sdp_answer_inactive(&b, SS_STR(OFFER), &address, 1),
                   SS_EFULL);
  b = SS_BUF_ON(space, 20);
  assert_int_equal(ss_sdp_offer_inactive(&b, &address, 1), SS_EFULL);
}

static void random_changes_never_break_it(void **state) {
  (void)state;
  static const char seed[] =
      OFFER "a=rtpmap:0 PCMU/8000\r\na=fmtp:0 x\r\nm=video 0 RTP/AVP 31\r\n";
  static const char octets[] = "\r\n \0=:/09amvt\x7f\xff";
  ss_addr address = here();
  unsigned random = 7;
  for (int i = 0; i < 20000; i++) {
    size_t n = sizeof seed - 1;
    char *text = malloc(n);
    assert_non_null(text);
    memcpy(text, seed, n);
    for (int k = rand_r(&random) % 3; k >= 0; k--)
      text[(size_t)rand_r(&random) % n] =
          octets[(size_t)rand_r(&random) % (sizeof octets - 1)];
    if (rand_r(&random) % 4 == 0)
      n = (size_t)rand_r(&random) % n;
    ss_buf b = SS_BUF_ON(space, sizeof space);
    /* what we answer is always a description */
    if (ss_sdp_answer_inactive(&b, (ss_str){text, n}, &address, 1) == 0)
      assert_int_equal(ss_sdp_check(ss_buf_view(&b)), 0);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_descriptions_pass),
      cmocka_unit_test(malformed_descriptions_do_not),
      cmocka_unit_test(lines_and_streams_are_limited),
      cmocka_unit_test(every_stream_is_answered_in_its_place),
      cmocka_unit_test(no_format_of_another_stream_is_copied),
      cmocka_unit_test(formats_are_compared_whole),
      cmocka_unit_test(offer_without_streams_has_an_answer_without),
      cmocka_unit_test(bad_offer_is_not_answered),
      cmocka_unit_test(offer_is_one_inactive_audio_stream),
      cmocka_unit_test(what_does_not_fit_is_an_error),
      cmocka_unit_test(random_changes_never_break_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
