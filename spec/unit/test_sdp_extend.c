/* sip/sdp.h: streams that were refused stay in what is said next
 * (ss_sdp_extend in sdp_modify.c). */
#include "sip/sdp.h"
#include "sip_fixture.h"

#define BASE "v=0\r\no=- 1 7 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 h\r\nt=0 0\r\n"
#define NEW "v=0\r\no=- 1 8 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 h\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n"
#define REFUSED "m=video 0 RTP/AVP 31\r\na=x\r\nm=text 0 RTP/AVP 9\r\n"

static char space[1024];

static int extend(const char *base, const char *said, size_t max) {
  ss_buf b = SS_BUF_ON(space, max);
  int rc = ss_sdp_extend(&b, ss_str_z(base), ss_str_z(said));
  space[b.n] = '\0';
  return rc;
}

static void what_is_more_goes_behind(void **state) {
  (void)state;
  assert_int_equal(extend(BASE AUDIO, NEW AUDIO REFUSED, 1000), 0);
  assert_string_equal(space, BASE AUDIO REFUSED);
  assert_int_equal(extend(BASE "m=audio 1 x 0", NEW AUDIO REFUSED, 1000), 0);
  assert_string_equal(space, BASE "m=audio 1 x 0\r\n" REFUSED);
  assert_int_equal(extend(BASE, NEW REFUSED, 1000), 0);
  assert_string_equal(space, BASE REFUSED);
}

static void where_there_is_none_nothing_is_said(void **state) {
  (void)state;
  assert_int_equal(extend(BASE AUDIO, NEW AUDIO, 1000), SS_ENOTFOUND);
  assert_int_equal(extend(BASE AUDIO, NEW, 1000), SS_ENOTFOUND);
  assert_int_equal(extend("hello", NEW AUDIO, 1000), SS_EUNSUPPORTED);
  assert_int_equal(extend(BASE, "hello", 1000), SS_EUNSUPPORTED);
  assert_int_equal(extend(BASE, "", 1000), SS_EUNSUPPORTED);
  assert_int_equal(extend(BASE AUDIO, NEW AUDIO REFUSED, 100), SS_EFULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_more_goes_behind),
      cmocka_unit_test(where_there_is_none_nothing_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
