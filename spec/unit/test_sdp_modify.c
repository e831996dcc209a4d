/* sip/sdp.h: what was said last, said again as an answer or an offer
 * (sdp_modify.c), and descriptions compared (sdp_compare.c). */
#include "sip/sdp.h"
#include "sip_fixture.h"

#define HEADER(version)                                                        \
  "v=0\r\no=me 42 " version " IN IP4 192.0.2.9\r\ns=desk\r\n"                  \
  "c=IN IP4 192.0.2.9\r\n"
#define BASE HEADER("7") "t=0 0\r\n"
#define NEW HEADER("8") "t=1 2\r\n"
#define THEIRS "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n"
#define OFFER THEIRS "c=IN IP4 192.0.2.1\r\nt=1 2\r\n"
#define AUDIO(direction)                                                       \
  "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"                     \
  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"                   \
  "a=ptime:20\r\n" direction
#define CALL "m=audio 5000 RTP/AVP 0 8 101\r\n"

static char space[65536];

static int reanswer(const char *base, const char *offer, bool held) {
  ss_buf b = SS_BUF_ON(space, sizeof space - 1);
  int rc = ss_sdp_reanswer(&b, ss_str_z(base), ss_str_z(offer), held, 8);
  space[b.n] = '\0';
  if (rc == 0) {
    assert_int_equal(ss_sdp_check(ss_buf_view(&b)), 0);
    assert_int_equal(ss_sdp_answers(ss_str_z(offer), ss_buf_view(&b)), 0);
  }
  return rc;
}

static void expect_answer(const char *base, const char *offer,
                          const char *expected) {
  assert_int_equal(reanswer(base, offer, false), 0);
  assert_string_equal(space, expected);
}

static void expect_refusal(const char *base, const char *offer, int rc) {
  assert_int_equal(reanswer(base, offer, false), rc);
}

static void the_same_again_has_another_version_and_direction(void **state) {
  (void)state;
  expect_answer(BASE AUDIO(""), OFFER CALL, NEW AUDIO("a=sendrecv\r\n"));
}

static const char *const names[] = {"sendrecv", "sendonly", "recvonly",
                                    "inactive"};

/* The one direction of the one stream of what was written. */
static const char *said(void) {
  const char *found = NULL;
  for (size_t i = 0; i < 4; i++) {
    const char *at = strstr(space, names[i]);
    if (at) {
      assert_null(found);
      assert_null(strstr(at + 1, names[i]));
      found = names[i];
    }
  }
  return found;
}

static void check_direction(const char *wish, const char *offered, bool held,
                            const char *expected) {
  char base[1024], offer[1024];
  /* in the stream, and once more in the session part */
  snprintf(base, sizeof base, BASE AUDIO("a=%s\r\n"), wish);
  snprintf(offer, sizeof offer, OFFER CALL "a=%s\r\n", offered);
  assert_int_equal(reanswer(base, offer, held), 0);
  assert_string_equal(said(), expected);
  snprintf(base, sizeof base, BASE "a=%s\r\n" AUDIO(""), wish);
  snprintf(offer, sizeof offer, OFFER "a=%s\r\n" CALL, offered);
  assert_int_equal(reanswer(base, offer, held), 0);
  assert_string_equal(said(), expected);
}

static void directions_are_what_both_want(void **state) {
  (void)state;
  /* RFC 3264 6.1; rows: our wish, columns: offered, in the order of names */
  static const int common[4][4] = {
      {0, 2, 1, 3}, {1, 3, 1, 3}, {2, 2, 3, 3}, {3, 3, 3, 3}};
  static const int held[4] = {1, 1, 3, 3};
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < 4; k++) {
      check_direction(names[i], names[k], false, names[common[i][k]]);
      check_direction(names[i], names[k], true, names[common[held[i]][k]]);
    }
  }
}

static void a_streams_own_direction_counts_before_the_sessions(void **state) {
  (void)state;
  assert_int_equal(reanswer(BASE "a=inactive\r\n" AUDIO("a=sendrecv\r\n"),
                            OFFER "a=inactive\r\n" CALL "a=sendonly\r\n",
                            false),
                   0);
  assert_string_equal(said(), "recvonly");
}

static void old_hold_is_a_wish_not_to_receive(void **state) {
  (void)state;
  /* RFC 3264 8.4 */
  assert_int_equal(
      reanswer(BASE AUDIO(""), OFFER CALL "c=IN IP4 0.0.0.0\r\n", false), 0);
  assert_string_equal(said(), "recvonly");
  assert_int_equal(reanswer(BASE AUDIO(""),
                            OFFER CALL "c=IN IP4 0.0.0.0\r\na=recvonly\r\n",
                            false),
                   0);
  assert_string_equal(said(), "inactive");
  assert_int_equal(reanswer(BASE AUDIO(""),
                            THEIRS "c=IN IP4 0.0.0.0\r\nt=0 0\r\n" CALL, false),
                   0);
  assert_string_equal(said(), "recvonly");
  assert_int_equal(reanswer(BASE AUDIO(""),
                            THEIRS "c=IN IP4 0.0.0.0\r\nt=0 0\r\n" CALL
                                   "c=IN IP4 192.0.2.1\r\n",
                            false),
                   0);
  assert_string_equal(said(), "sendrecv");
  /* RFC 8829 5.2.1: ICE without candidates yet */
  assert_int_equal(reanswer(BASE AUDIO(""),
                            OFFER "m=audio 9 RTP/AVP 0\r\n"
                                  "c=IN IP4 0.0.0.0\r\n",
                            false),
                   0);
  assert_string_equal(said(), "sendrecv");
}

static void formats_that_are_gone_go(void **state) {
  (void)state;
  expect_answer(
      BASE "m=audio 4000 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\n"
           "a=fmtp:96 x=1\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* ccm fir\r\n"
           "a=imageattr:96 send *\r\na=rtpmap:8 PCMA/8000\r\n"
           "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n",
      OFFER "m=audio 5000 RTP/AVP 101 9 8\r\n",
      NEW "m=audio 4000 RTP/AVP 8 101\r\na=rtcp-fb:* ccm fir\r\n"
          "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000"
          "\r\na=fmtp:101 0-15\r\na=sendrecv\r\n");
}

/* Is a stream with our first rtpmap kept when it is offered with theirs? */
static bool is_same(const char *ours, const char *theirs) {
  char base[1024], offer[1024];
  snprintf(base, sizeof base, BASE "m=audio 4000 RTP/AVP 96\r\n%s", ours);
  snprintf(offer, sizeof offer, OFFER "m=audio 4000 RTP/AVP 96\r\n%s", theirs);
  int rc = reanswer(base, offer, false);
  assert_true(rc == 0 || rc == SS_EUNSUPPORTED);
  return rc == 0;
}

static void a_format_with_another_meaning_is_another(void **state) {
  (void)state;
#define MAP "a=rtpmap:96 "
  assert_true(is_same(MAP "opus/48000/2\r\n", MAP "OPUS/48000/2\r\n"));
  assert_true(is_same(MAP "PCMU/8000/1\r\n", MAP "pcmu/8000 \r\n"));
  assert_true(is_same(MAP "G729/8000\r\n", ""));
  assert_true(is_same("", MAP "G729/8000\r\n"));
  assert_true(is_same("", ""));
  assert_true(is_same(MAP "x\r\n", MAP "x\r\n"));
  assert_true(is_same(MAP "a/1\r\n" MAP "b/1\r\n", MAP "a/1\r\n"));
  assert_false(is_same(MAP "G729/8000\r\n", MAP "iLBC/8000\r\n"));
  assert_false(is_same(MAP "G729/8000\r\n", MAP "G729/16000\r\n"));
  assert_false(is_same(MAP "L16/44100/2\r\n", MAP "L16/44100\r\n"));
  assert_false(is_same(MAP "x/1\r\n", MAP "x\r\n"));
}

static void streams_that_can_not_stay_are_refused_in_their_place(void **state) {
  (void)state;
  expect_answer(
      BASE AUDIO("") "m=video 4002 RTP/AVP 31\r\na=x\r\n"
                     "m=audio 4004 RTP/AVP 0\r\nm=audio 4006 RTP/AVP 0\r\n"
                     "m=video 0 RTP/AVP 31\r\nm=audio 4008 RTP/AVP 0\r\n"
                     "m=image 4010 udptl t38\r\na=T38FaxVersion:0\r\n",
      OFFER CALL "m=audio 5002 RTP/AVP 31\r\na=y\r\n"
                 "m=audio 5004 RTP/SAVP 0 8\r\nm=audio 0 RTP/AVP 0\r\n"
                 "m=video 5006 RTP/AVP 31\r\nm=audio 5008/2 RTP/AVP 9\r\n"
                 "m=image 5010 UDPTL t38\r\nm=x 5012 y z\r\n",
      NEW AUDIO("a=sendrecv\r\n") "m=audio 0 RTP/AVP 31\r\n"
                                  "m=audio 0 RTP/SAVP 0 8\r\n"
                                  "m=audio 0 RTP/AVP 0\r\n"
                                  "m=video 0 RTP/AVP 31\r\n"
                                  "m=audio 0 RTP/AVP 9\r\n"
                                  "m=image 4010 udptl t38\r\n"
                                  "a=T38FaxVersion:0\r\na=sendrecv\r\n"
                                  "m=x 0 y z\r\n");
}

static void times_are_the_offers(void **state) {
  (void)state;
  expect_answer(HEADER("7") "b=AS:64\r\nt=5 6\r\nr=1 2 3\r\nt=7 8\r\n"
                            "a=tool:x\r\n" AUDIO(""),
                OFFER "r=9 9 9\r\nt=3 4\r\n" CALL,
                HEADER("8") "b=AS:64\r\nt=1 2\r\nr=9 9 9\r\nt=3 4\r\n"
                            "a=tool:x\r\n" AUDIO("a=sendrecv\r\n"));
}

static void groups_lose_refused_streams(void **state) {
  (void)state;
  static const char base[] =
      BASE "a=group:BUNDLE 0 1\r\na=group:LS 1\r\nm=audio 4000 RTP/AVP 0\r\n"
           "a=mid:0\r\nm=video 4002 RTP/AVP 31\r\na=mid:1\r\n";
  expect_answer(base, OFFER CALL "m=video 0 RTP/AVP 31\r\n",
                NEW "a=group:BUNDLE 0\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\n"
                    "a=sendrecv\r\nm=video 0 RTP/AVP 31\r\n");
  expect_answer(base, OFFER CALL "m=video 5002 RTP/AVP 31\r\n",
                NEW "a=group:BUNDLE 0 1\r\na=group:LS 1\r\n"
                    "m=audio 4000 RTP/AVP 0\r\na=mid:0\r\na=sendrecv\r\n"
                    "m=video 4002 RTP/AVP 31\r\na=mid:1\r\na=sendrecv\r\n");
}

static void line_ends_are_made_whole(void **state) {
  (void)state;
  expect_answer("v=0\no=me  42 x IN IP4 192.0.2.9\ns=desk\n"
                "c=IN IP4 192.0.2.9\nt=0 0\nm=audio  4000 RTP/AVP  0\na=x",
                OFFER CALL,
                "v=0\r\no=me  42 8 IN IP4 192.0.2.9\r\ns=desk\r\n"
                "c=IN IP4 192.0.2.9\r\nt=1 2\r\nm=audio  4000 RTP/AVP  0\r\n"
                "a=x\r\na=sendrecv\r\n");
}

static void offers_that_can_not_be_answered_so(void **state) {
  (void)state;
  expect_refusal(BASE AUDIO(""), "x", SS_ESYNTAX);
  expect_refusal(BASE AUDIO(""), THEIRS "t=0 0\r\n" CALL, SS_ESYNTAX);
  expect_refusal("x", "x", SS_ESYNTAX);
  expect_refusal("hello", OFFER CALL, SS_EUNSUPPORTED);
  expect_refusal("", OFFER CALL, SS_EUNSUPPORTED);
  expect_refusal(BASE AUDIO(""), OFFER, SS_EUNSUPPORTED);
  expect_refusal(BASE AUDIO("") AUDIO(""), OFFER CALL, SS_EUNSUPPORTED);
  expect_refusal(BASE AUDIO(""), OFFER "m=audio 5000 RTP/AVP 8\r\n",
                 SS_EUNSUPPORTED);
  expect_refusal(BASE AUDIO(""), OFFER "m=video 5000 RTP/AVP 0\r\n" CALL,
                 SS_EUNSUPPORTED);
  /* nothing was live: nothing is lost */
  expect_answer(BASE "m=audio 0 RTP/AVP 0\r\n", OFFER CALL,
                NEW "m=audio 0 RTP/AVP 0 8 101\r\n");
  expect_answer(BASE, OFFER, NEW);
  /* RFC 3264 8.2: all of it ends */
  expect_answer(BASE AUDIO(""), OFFER "m=audio 0 RTP/AVP 0\r\n",
                NEW "m=audio 0 RTP/AVP 0\r\n");
}

static void what_does_not_fit_is_an_error(void **state) {
  (void)state;
  ss_str base = SS_STR(BASE AUDIO("")), offer = SS_STR(OFFER CALL);
  ss_buf b = SS_BUF_ON(space, sizeof space);
  ss_buf_lit(&b, "before");
  assert_int_equal(ss_sdp_reanswer(&b, base, offer, false, 8), 0);
  for (size_t n = 0; n < b.n; n++) {
    ss_buf small = SS_BUF_ON(space, n);
    ss_buf_lit(&small, "before");
    assert_int_equal(ss_sdp_reanswer(&small, base, offer, false, 8), SS_EFULL);
  }
  b = SS_BUF_ON(space, base.n - 1);
  assert_int_equal(ss_sdp_reoffer(&b, base, false, 8), SS_EFULL);
  assert_int_equal(ss_sdp_reoffer(&b, base, true, 8), SS_EFULL);
}

static void the_number_of_formats_is_limited(void **state) {
  (void)state;
  static char base[8192], offer[8192];
  size_t n = (size_t)snprintf(base, sizeof base, BASE "m=audio 4 RTP/AVP");
  for (int i = 0; i < 300; i++)
    n += (size_t)snprintf(base + n, sizeof base - n, " %d", i);
  snprintf(offer, sizeof offer, OFFER "%s", strstr(base, "m="));
  assert_int_equal(reanswer(base, offer, false), 0);
  assert_non_null(strstr(space, " 127\r\n"));
}

static void answers_do_not_grow_over_the_limits(void **state) {
  (void)state;
  static char base[65536], offer[65536];
  char *p = stpcpy(base, BASE), *q = stpcpy(offer, OFFER);
  for (int i = 0; i < 1990; i++) {
    p = stpcpy(p, "a=x\r\n");
    q = stpcpy(q, "t=0 0\r\n");
  }
  assert_int_equal(reanswer(base, offer, false), SS_EUNSUPPORTED);
}

static void check_reoffer(const char *base, bool held, const char *expected) {
  ss_buf b = SS_BUF_ON(space, sizeof space - 1);
  assert_int_equal(ss_sdp_reoffer(&b, ss_str_z(base), held, 8), 0);
  space[b.n] = '\0';
  assert_string_equal(space, expected);
}

static void an_offer_is_what_was_said_with_another_version(void **state) {
  (void)state;
  check_reoffer(BASE "a=sendonly\r\n" AUDIO(""), false,
                HEADER("8") "t=0 0\r\na=sendonly\r\n" AUDIO(""));
  check_reoffer("o=- 1 old IN IP4 h\nnonsense", false,
                "o=- 1 8 IN IP4 h\nnonsense");
}

static void an_offer_on_hold_asks_for_no_media(void **state) {
  (void)state;
  check_reoffer(
      BASE AUDIO("") "m=audio 2 RTP/AVP 0\r\na=recvonly\r\n"
                     "m=audio 2 RTP/AVP 0\r\na=inactive\r\n"
                     "m=audio 2 RTP/AVP 0\r\na=sendonly\r\na=x\r\n",
      true,
      HEADER("8") "t=0 0\r\n" AUDIO(
          "a=sendonly\r\n") "m=audio 2 RTP/AVP 0\r\na=inactive\r\n"
                            "m=audio 2 RTP/AVP 0\r\na=inactive\r\n"
                            "m=audio 2 RTP/AVP 0\r\na=x\r\na=sendonly\r\n");
  check_reoffer(BASE "a=group:BUNDLE 0\r\na=recvonly\r\nr=1\r\n" AUDIO(""),
                true,
                HEADER("8") "t=0 0\r\nr=1\r\na=group:BUNDLE 0\r\n" AUDIO(
                    "a=inactive\r\n"));
}

static void an_offer_needs_something_to_say(void **state) {
  (void)state;
  ss_buf b = SS_BUF_ON(space, sizeof space);
  static const char *const bad[] = {"", "x", "v=0\r\n", "o=- 1 1 IN IP4\r\n",
                                    "m=audio 1 RTP/AVP 0\r\no=- 1 1 IN IP4 h"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ss_str base = ss_str_z(bad[i]);
    assert_int_equal(ss_sdp_reoffer(&b, base, false, 8), SS_EUNSUPPORTED);
    assert_int_equal(ss_sdp_reoffer(&b, base, true, 8), SS_EUNSUPPORTED);
  }
  assert_int_equal(b.n, 0);
}

static void check_version(const char *number, int rc, uint64_t expected) {
  char sdp[256];
  uint64_t version = 0;
  snprintf(sdp, sizeof sdp, "v=0\no=- 1 %s IN IP4 h\nanything", number);
  assert_int_equal(ss_sdp_version(ss_str_z(sdp), &version), rc);
  assert_int_equal(version, expected);
}

static void the_version_is_a_number_of_63_bits(void **state) {
  (void)state;
  check_version("0", 0, 0);
  check_version("0042", 0, 42);
  check_version("9223372036854775807", 0, INT64_MAX);
  check_version("9223372036854775808", SS_ELIMIT, 0);
  check_version("9999999999999999999", SS_ELIMIT, 0);
  check_version("18446744073709551617", SS_ELIMIT, 0);
  check_version("999999999999999999999999999999999", SS_ELIMIT, 0);
  check_version("x", SS_ESYNTAX, 0);
  check_version("-1", SS_ESYNTAX, 0);
  check_version("99999999999999999999x", SS_ESYNTAX, 0);
  check_version("", SS_ESYNTAX, 0);
  uint64_t version;
  assert_int_equal(ss_sdp_version(SS_STR(""), &version), SS_ESYNTAX);
  assert_int_equal(ss_sdp_version(SS_STR("o"), &version), SS_ESYNTAX);
}

static bool same(const char *a, const char *b) {
  bool yes = ss_sdp_same(ss_str_z(a), ss_str_z(b));
  assert_int_equal(yes, ss_sdp_same(ss_str_z(b), ss_str_z(a)));
  return yes;
}

static void descriptions_are_the_same_but_for_their_version(void **state) {
  (void)state;
  assert_true(same(BASE AUDIO(""), BASE AUDIO("")));
  assert_true(same(HEADER("7") "rest", HEADER("1000") "rest"));
  assert_false(same(HEADER("7") "rest", HEADER("7") "Rest"));
  assert_false(same(HEADER("7"), HEADER("7") "a=x\r\n"));
  assert_false(same("o=a 1 1 IN IP4 h", "o=b 1 1 IN IP4 h"));
  assert_false(same("o=a 1 11 IN IP4 h", "o=a 11 1 IN IP4 h"));
  assert_true(same("anything", "anything"));
  assert_true(same("", ""));
  assert_false(same("anything", HEADER("7")));
}

static void check_answers(const char *offer, const char *answer, int rc) {
  assert_int_equal(ss_sdp_answers(ss_str_z(offer), ss_str_z(answer)), rc);
}

static void an_answer_has_the_streams_of_the_offer(void **state) {
  (void)state;
  check_answers(OFFER CALL, BASE AUDIO(""), 0);
  check_answers(OFFER CALL "m=video 1 RTP/AVP 31\r\n",
                BASE AUDIO("") "m=Video 0 RTP/AVP 31\r\n", 0);
  check_answers(OFFER, BASE, 0);
  check_answers("whatever\nm=audio\na\n", BASE AUDIO(""), 0);
  check_answers(OFFER CALL, BASE, SS_EUNSUPPORTED);
  check_answers(OFFER, BASE AUDIO(""), SS_EUNSUPPORTED);
  check_answers(OFFER CALL, BASE "m=video 0 RTP/AVP 31\r\n", SS_EUNSUPPORTED);
  check_answers("", BASE AUDIO(""), SS_EUNSUPPORTED);
  check_answers(OFFER CALL, "", SS_ESYNTAX);
  check_answers(OFFER CALL, BASE "m=audio 1\r\n", SS_ESYNTAX);
}

static unsigned seed = 11;

static size_t under(size_t n) {
  return (size_t)rand_r(&seed) % n;
}

/* A copy on the heap with up to three octets changed, sometimes cut. */
static ss_str changed(const char *text) {
  static const char octets[] = "\r\n \t\0=:/09amvto*\x7f\xff";
  size_t n = strlen(text);
  char *copy = malloc(n);
  assert_non_null(copy);
  memcpy(copy, text, n);
  for (size_t k = under(4); k > 0; k--)
    copy[under(n)] = octets[under(sizeof octets - 1)];
  if (under(8) == 0)
    n = under(n);
  char *exact = malloc(n ? n : 1);
  assert_non_null(exact);
  memcpy(exact, copy, n);
  free(copy);
  return (ss_str){exact, n};
}

static void random_changes_never_break_it(void **state) {
  (void)state;
  static const char ours[] = BASE "a=group:BUNDLE a v\r\n" AUDIO(
      "a=mid:a\r\n") "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 "
                     "H264/90000\r\na=mid:v\r\n";
  static const char theirs[] =
      OFFER CALL "a=rtpmap:0 PCMU/8000\r\na=sendonly\r\nc=IN IP4 0.0.0.0\r\n"
                 "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                 "m=audio 5004 RTP/AVP 0\r\n";
  int answered = 0;
  for (int i = 0; i < 20000; i++) {
    ss_str base = changed(ours), offer = changed(theirs);
    ss_buf b = SS_BUF_ON(space, sizeof space);
    uint64_t version;
    if (ss_sdp_reanswer(&b, base, offer, under(2), 8) == 0) {
      ss_str answer = ss_buf_view(&b);
      answered++;
      assert_int_equal(ss_sdp_check(answer), 0);
      assert_int_equal(ss_sdp_answers(offer, answer), 0);
      assert_int_equal(ss_sdp_version(answer, &version), 0);
      assert_int_equal(version, 8);
    }
    b = SS_BUF_ON(space, sizeof space);
    if (ss_sdp_reoffer(&b, base, false, 8) == 0)
      assert_true(ss_sdp_same(base, ss_buf_view(&b)));
    b = SS_BUF_ON(space, sizeof space);
    if (ss_sdp_reoffer(&b, base, true, 8) == 0) {
      assert_int_equal(ss_sdp_check(ss_buf_view(&b)), 0);
      assert_int_equal(ss_sdp_answers(base, ss_buf_view(&b)), 0);
    }
    ss_sdp_version(base, &version);
    ss_sdp_same(base, offer);
    ss_sdp_answers(base, offer);
    free((char *)base.p);
    free((char *)offer.p);
  }
  assert_true(answered > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_again_has_another_version_and_direction),
      cmocka_unit_test(directions_are_what_both_want),
      cmocka_unit_test(a_streams_own_direction_counts_before_the_sessions),
      cmocka_unit_test(old_hold_is_a_wish_not_to_receive),
      cmocka_unit_test(formats_that_are_gone_go),
      cmocka_unit_test(a_format_with_another_meaning_is_another),
      cmocka_unit_test(streams_that_can_not_stay_are_refused_in_their_place),
      cmocka_unit_test(times_are_the_offers),
      cmocka_unit_test(groups_lose_refused_streams),
      cmocka_unit_test(line_ends_are_made_whole),
      cmocka_unit_test(offers_that_can_not_be_answered_so),
      cmocka_unit_test(what_does_not_fit_is_an_error),
      cmocka_unit_test(the_number_of_formats_is_limited),
      cmocka_unit_test(answers_do_not_grow_over_the_limits),
      cmocka_unit_test(an_offer_is_what_was_said_with_another_version),
      cmocka_unit_test(an_offer_on_hold_asks_for_no_media),
      cmocka_unit_test(an_offer_needs_something_to_say),
      cmocka_unit_test(the_version_is_a_number_of_63_bits),
      cmocka_unit_test(descriptions_are_the_same_but_for_their_version),
      cmocka_unit_test(an_answer_has_the_streams_of_the_offer),
      cmocka_unit_test(random_changes_never_break_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
