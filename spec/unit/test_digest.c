/* sip/digest.h and sip/nonce.h: the RFC's examples, credentials out of
 * requests, and which nonces are good. */
#include "sip/digest.h"
#include "sip/nonce.h"
#include "sip_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

static ss_str hex_of(const uint8_t *p, size_t n) {
  static char text[2 * SS_HASH_MAX];
  ss_hex(p, n, text);
  return (ss_str){text, 2 * n};
}

/* --- RFC 7616 3.9 --------------------------------------------------------- */

static void check_response(ss_digest d, const char *password,
                           const char *expected) {
  ss_ha1 ha1;
  uint8_t out[SS_HASH_MAX];
  assert_int_equal(
      ss_digest_ha1(d.algorithm, d.user, d.realm, ss_str_z(password), &ha1), 0);
  assert_int_equal(ss_digest_response(&d, SS_STR("GET"), &ha1, out), 0);
  assert_str(hex_of(out, ss_algorithm_size(d.algorithm)), expected);
}

static void responses_are_those_of_the_rfc(void **state) {
  (void)state;
  ss_digest d = {
      .user = SS_STR("Mufasa"),
      .realm = SS_STR("http-auth@example.org"),
      .nonce = SS_STR("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
      .uri = SS_STR("/dir/index.html"),
      .cnonce = SS_STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
      .nc_text = SS_STR("00000001")};
  d.algorithm = SS_MD5;
  check_response(d, "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec");
  d.algorithm = SS_SHA_256;
  check_response(
      d, "Circle of Life",
      "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

/* As corrected by erratum 4897. */
static void sha_512_256_is_that_of_the_erratum(void **state) {
  (void)state;
  ss_digest d = {
      .algorithm = SS_SHA_512_256,
      .user = SS_STR("J\xc3\xa4s\xc3\xb8n Doe"),
      .realm = SS_STR("api@example.org"),
      .nonce = SS_STR("5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"),
      .uri = SS_STR("/doe.json"),
      .cnonce = SS_STR("NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"),
      .nc_text = SS_STR("00000001")};
  check_response(
      d, "Secret, or not?",
      "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

/* RFC 4231 4.2, with its key padded, as HMAC does. */
static void the_mac_is_hmac_sha256(void **state) {
  (void)state;
  uint8_t key[32], out[32];
  memset(key, 0, sizeof key);
  memset(key, 0x0b, 20);
  assert_int_equal(ss_mac(key, SS_STR("Hi There"), out), 0);
  assert_str(
      hex_of(out, 32),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

static void a_known_ha1_does_for_a_password(void **state) {
  (void)state;
  ss_ha1 made, read;
  assert_int_equal(ss_digest_ha1(SS_MD5, SS_STR("Mufasa"),
                                 SS_STR("http-auth@example.org"),
                                 SS_STR("Circle of Life"), &made),
                   0);
  ss_str hex = SS_STR("3D78807DEFE7DE2157e2b0b6573a855f");
  assert_int_equal(ss_digest_ha1_parse(SS_MD5, hex, &read), 0);
  assert_memory_equal(&made, &read, 16);
  assert_int_equal(ss_digest_ha1_parse(SS_SHA_256, hex, &read), SS_ESYNTAX);
  hex.p = "3g78807defe7de2157e2b0b6573a855f";
  assert_int_equal(ss_digest_ha1_parse(SS_MD5, hex, &read), SS_ESYNTAX);
}

static void algorithms_are_known_by_name(void **state) {
  (void)state;
  ss_algorithm a;
  assert_true(ss_algorithm_find(SS_STR("sha-256"), &a) && a == SS_SHA_256);
  assert_true(ss_algorithm_find(SS_STR("MD5"), &a) && a == SS_MD5);
  assert_true(ss_algorithm_find(SS_STR("SHA-512-256"), &a));
  assert_false(ss_algorithm_find(SS_STR("MD5-sess"), &a));
  assert_false(ss_algorithm_find(SS_STR("SHA-512"), &a));
  assert_false(ss_algorithm_find(SS_STR_NONE, &a));
}

static void a_challenge_is_one_line(void **state) {
  (void)state;
  char text[256];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_digest_challenge(&b, SS_SHA_256, SS_STR("x y"), SS_STR("abc"), false);
  assert_str(ss_buf_view(&b),
             "WWW-Authenticate: Digest realm=\"x y\", nonce=\"abc\", "
             "qop=\"auth\", algorithm=SHA-256\r\n");
  b.n = 0;
  ss_digest_challenge(&b, SS_MD5, SS_STR("x"), SS_STR("abc"), true);
  assert_str(ss_buf_view(&b), "WWW-Authenticate: Digest realm=\"x\", "
                              "nonce=\"abc\", qop=\"auth\", algorithm=MD5, "
                              "stale=true\r\n");
}

/* --- credentials ---------------------------------------------------------- */

#define HASH "0123456789abcdef0123456789ABCDEF"
#define ALL                                                                    \
  "username=\"bob\", realm=\"x\", nonce=\"n\", uri=\"sip:a@b\", "              \
  "response=\"" HASH "\", cnonce=\"c\", qop=auth, nc=0000000a"

static int find_in(const char *lines, ss_digest *d, ss_message **m) {
  char text[4096];
  snprintf(text, sizeof text, "%s%s\r\n", HEAD, lines);
  *m = good(text);
  return ss_digest_find(*m, SS_STR("x"), d);
}

static void expect_find(const char *lines, int expected) {
  ss_digest d;
  ss_message *m;
  int rc = find_in(lines, &d, &m);
  if (rc != expected)
    fail_msg("%d and not %d of %s", rc, expected, lines);
  ss_message_unref(m);
}

static void credentials_are_read(void **state) {
  (void)state;
  ss_digest d;
  ss_message *m;
  assert_int_equal(find_in("Authorization: Digest " ALL "\r\n", &d, &m), 0);
  assert_int_equal(d.algorithm, SS_MD5);
  assert_str(d.user, "bob");
  assert_str(d.nonce, "n");
  assert_str(d.uri, "sip:a@b");
  assert_str(d.cnonce, "c");
  assert_str(d.nc_text, "0000000a");
  assert_int_equal(d.nc, 10);
  assert_int_equal(d.response[0], 1);
  assert_int_equal(d.response[15], 0xef);
  ss_message_unref(m);
}

static void credentials_may_be_written_in_many_ways(void **state) {
  (void)state;
  ss_digest d;
  ss_message *m;
  assert_int_equal(
      find_in("Authorization: Basic x\r\n"
              "Authorization: Digest username=\"o\", realm=\"other\"\r\n"
              "authorization: DIGEST\t NC=ffffffff ,Username = \"a\\\"\\b,\" ,"
              "REALM= \"x\",nonce=n,uri=\"sip:a\",response=\"" HASH "\",\r\n"
              " cnonce=\"c\",qop=\"AUTH\",Algorithm=\"md5\",userhash=false,"
              "opaque=\"\",x=y,x=\"z\"\r\n",
              &d, &m),
      0);
  assert_str(d.user, "a\"b,");
  assert_str(d.nonce, "n");
  assert_int_equal(d.nc, UINT32_MAX);
  ss_message_unref(m);
}

static void credentials_for_somebody_else_are_not_looked_at(void **state) {
  (void)state;
  expect_find("", SS_ENOTFOUND);
  expect_find("Authorization: Basic " ALL "\r\n", SS_ENOTFOUND);
  expect_find("Authorization: Digest\r\n", SS_ENOTFOUND);
  expect_find("Authorization: Digest2 " ALL "\r\n", SS_ENOTFOUND);
  expect_find("Authorization: \"Digest\" " ALL "\r\n", SS_ENOTFOUND);
  expect_find("Proxy-Authorization: Digest " ALL "\r\n", SS_ENOTFOUND);
  expect_find("Authorization: Digest realm=\"X\", username=\"a\"\r\n",
              SS_ENOTFOUND);
}

static void credentials_that_are_no_good_are_refused(void **state) {
  (void)state;
#define BAD(text) expect_find("Authorization: Digest " text "\r\n", SS_ESYNTAX)
  BAD("realm=\"x\"");
  BAD(ALL ", realm=\"x\"");
  BAD(ALL ", NONCE=\"n\"");
  BAD(ALL ", algorithm=MD5, algorithm=MD5");
  BAD(ALL "; x=y");
  BAD(ALL " x=y");
  BAD(ALL ", , x=y");
  BAD(ALL ", x");
  BAD(ALL ", x=");
  BAD(ALL ", =y");
  BAD(ALL ", x=\"y\"z");
  BAD(ALL ", x=@");
  BAD(ALL ", algorithm=SHA-256");
#undef BAD
  static const char *const twice = "Authorization: Digest " ALL "\r\n"
                                   "Authorization: Digest " ALL "\r\n";
  expect_find(twice, SS_ESYNTAX);
  char many[1024] = "Authorization: Digest " ALL;
  for (int i = 0; i < 25; i++)
    strcat(many, ", a=b");
  strcat(many, "\r\n");
  expect_find(many, SS_ESYNTAX);
}

static void extensions_that_change_the_meaning_are_refused(void **state) {
  (void)state;
#define BAD(text)                                                              \
  expect_find("Authorization: Digest " ALL ", " text "\r\n", SS_EUNSUPPORTED)
  BAD("algorithm=MD5-sess");
  BAD("algorithm=\"\"");
  BAD("userhash=true");
  BAD("userhash=\"\"");
  BAD("username*=UTF-8''x");
#undef BAD
}

/* Every octet of good credentials, replaced by each of those. */
static void no_octet_can_do_harm(void **state) {
  (void)state;
  static const char line[] = "Authorization: Digest " ALL "\r\n";
  static const char octets[] = "\",=\\; (<\t\xff";
  for (size_t i = 15; i < sizeof line - 3; i++) {
    for (size_t j = 0; j < sizeof octets - 1; j++) {
      char text[sizeof line];
      ss_digest d;
      ss_message *m;
      memcpy(text, line, sizeof line);
      text[i] = octets[j];
      find_in(text, &d, &m);
      ss_message_unref(m);
    }
  }
}

/* --- nonces --------------------------------------------------------------- */

#define AT(text) ((ss_str){(text), SS_NONCE_LEN})

static ss_nonces *nonces(size_t max) {
  ss_nonces *n;
  assert_int_equal(ss_nonces_new(&n, 1000, max), 0);
  return n;
}

static void a_nonce_is_good_for_its_purpose_and_time(void **state) {
  (void)state;
  ss_nonces *n = nonces(10), *other = nonces(10);
  char text[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 5000, 1, text), 0);
  assert_int_equal(ss_nonce_check(n, 5000, 1, AT(text), 1), 0);
  assert_int_equal(ss_nonce_check(n, 6000, 1, AT(text), 1), 0);
  assert_int_equal(ss_nonce_check(n, 6001, 1, AT(text), 1), SS_ENOTFOUND);
  assert_int_equal(ss_nonce_check(n, 4999, 1, AT(text), 1), SS_ENOTFOUND);
  assert_int_equal(ss_nonce_check(n, 5000, 0, AT(text), 1), SS_ENOTFOUND);
  assert_int_equal(ss_nonce_check(other, 5000, 1, AT(text), 1), SS_ENOTFOUND);
  ss_str cut = {text, SS_NONCE_LEN - 2};
  assert_int_equal(ss_nonce_check(n, 5000, 1, cut, 1), SS_ENOTFOUND);
  for (size_t i = 0; i < sizeof text; i++) {
    char was = text[i];
    text[i] = was == '0' ? '1' : '0';
    assert_int_equal(ss_nonce_check(n, 5000, 1, AT(text), 1), SS_ENOTFOUND);
    text[i] = was;
  }
  ss_nonces_free(n);
  ss_nonces_free(other);
}

static void nonces_differ(void **state) {
  (void)state;
  ss_nonces *n = nonces(10);
  char a[SS_NONCE_LEN], b[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 5000, 1, a), 0);
  assert_int_equal(ss_nonce_make(n, 5000, 1, b), 0);
  assert_memory_not_equal(a, b, sizeof a);
  ss_nonces_free(n);
}

static void a_count_is_good_once(void **state) {
  (void)state;
  ss_nonces *n = nonces(10);
  char text[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 0, 1, text), 0);
  static const struct {
    uint32_t nc;
    int rc;
  } step[] = {{1, 0},
              {1, SS_ESTATE},
              {3, 0},
              {2, 0},
              {2, SS_ESTATE},
              {66, 0},
              {3, SS_ESTATE},
              {4, 0},
              {4, SS_ESTATE},
              {67, 0},
              {3, SS_ESTATE},
              {5, 0},
              {1000, 0},
              {936, SS_ESTATE},
              {937, 0},
              {937, SS_ESTATE},
              {UINT32_MAX, 0},
              {1001, SS_ESTATE},
              {UINT32_MAX, SS_ESTATE}};
  for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
    assert_int_equal(ss_nonce_check(n, 1, 1, AT(text), step[i].nc), step[i].rc);
    assert_int_equal(ss_nonce_use(n, 1, 1, AT(text), step[i].nc), step[i].rc);
  }
  assert_int_equal(ss_nonces_used(n), 1);
  ss_nonces_free(n);
}

static void a_check_uses_nothing_up(void **state) {
  (void)state;
  ss_nonces *n = nonces(10);
  char text[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 0, 1, text), 0);
  assert_int_equal(ss_nonce_check(n, 0, 1, AT(text), 1), 0);
  assert_int_equal(ss_nonce_check(n, 0, 1, AT(text), 1), 0);
  assert_int_equal(ss_nonces_used(n), 0);
  ss_nonces_free(n);
}

static void the_oldest_goes_where_there_are_too_many(void **state) {
  (void)state;
  enum { MAX = 8, ALL_OF_THEM = 20 };
  ss_nonces *n = nonces(MAX);
  char text[ALL_OF_THEM][SS_NONCE_LEN], late[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 3, 1, late), 0);
  for (int i = 0; i < ALL_OF_THEM; i++) {
    assert_int_equal(ss_nonce_make(n, (uint64_t)i, 1, text[i]), 0);
    assert_int_equal(ss_nonce_use(n, 100, 1, AT(text[i]), 1), 0);
    assert_true(ss_nonces_used(n) <= MAX);
  }
  for (int i = 0; i < ALL_OF_THEM; i++) {
    int gone = i < ALL_OF_THEM - MAX;
    assert_int_equal(ss_nonce_use(n, 100, 1, AT(text[i]), 1),
                     gone ? SS_ENOTFOUND : SS_ESTATE);
    assert_int_equal(ss_nonce_use(n, 100, 1, AT(text[i]), 2),
                     gone ? SS_ENOTFOUND : 0);
  }
  assert_int_equal(ss_nonce_use(n, 100, 1, AT(late), 1), SS_ENOTFOUND);
  assert_int_equal(ss_nonce_make(n, 100, 1, late), 0);
  assert_int_equal(ss_nonce_use(n, 100, 1, AT(late), 1), 0);
  ss_nonces_free(n);
}

static void those_that_are_too_old_are_forgotten(void **state) {
  (void)state;
  ss_nonces *n = nonces(100);
  char text[SS_NONCE_LEN];
  for (uint64_t now = 0; now < 50; now++) {
    assert_int_equal(ss_nonce_make(n, now, 1, text), 0);
    assert_int_equal(ss_nonce_use(n, now, 1, AT(text), 1), 0);
  }
  assert_int_equal(ss_nonces_used(n), 50);
  assert_int_equal(ss_nonce_make(n, 1040, 1, text), 0);
  assert_int_equal(ss_nonce_use(n, 1040, 1, AT(text), 1), 0);
  assert_int_equal(ss_nonces_used(n), 11);
  ss_nonces_free(n);
}

static void a_child_has_a_key_of_its_own(void **state) {
  (void)state;
  ss_nonces *n = nonces(10);
  char text[SS_NONCE_LEN];
  int status;
  assert_int_equal(ss_nonce_make(n, 0, 1, text), 0);
  pid_t child = fork();
  if (child == 0)
    _exit(ss_nonce_check(n, 0, 1, AT(text), 1) == SS_ENOTFOUND ? 0 : 1);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(ss_nonce_check(n, 0, 1, AT(text), 1), 0);
  ss_nonces_free(n);
}

static void no_memory_is_an_error(void **state) {
  (void)state;
  ss_nonces *n;
  for (long i = 1; i <= 2; i++) {
    ss_alloc_fail_at(i);
    assert_int_equal(ss_nonces_new(&n, 1000, 10), SS_ENOMEM);
  }
  n = nonces(10);
  char text[SS_NONCE_LEN];
  assert_int_equal(ss_nonce_make(n, 0, 1, text), 0);
  ss_alloc_fail_at(1);
  assert_int_equal(ss_nonce_use(n, 0, 1, AT(text), 1), SS_ENOMEM);
  assert_int_equal(ss_nonce_use(n, 0, 1, AT(text), 1), 0);
  ss_nonces_free(n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(responses_are_those_of_the_rfc),
      leak_checked(sha_512_256_is_that_of_the_erratum),
      leak_checked(the_mac_is_hmac_sha256),
      leak_checked(a_known_ha1_does_for_a_password),
      leak_checked(algorithms_are_known_by_name),
      leak_checked(a_challenge_is_one_line),
      leak_checked(credentials_are_read),
      leak_checked(credentials_may_be_written_in_many_ways),
      leak_checked(credentials_for_somebody_else_are_not_looked_at),
      leak_checked(credentials_that_are_no_good_are_refused),
      leak_checked(extensions_that_change_the_meaning_are_refused),
      leak_checked(no_octet_can_do_harm),
      leak_checked(a_nonce_is_good_for_its_purpose_and_time),
      leak_checked(nonces_differ),
      leak_checked(a_count_is_good_once),
      leak_checked(a_check_uses_nothing_up),
      leak_checked(the_oldest_goes_where_there_are_too_many),
      leak_checked(those_that_are_too_old_are_forgotten),
      leak_checked(a_child_has_a_key_of_its_own),
      leak_checked(no_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
