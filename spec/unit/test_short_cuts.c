/* What is read without libosip2, or without a look at each line: it must be
 * what they would have said. */
#include "sip/chars.h"
#include "sip/osip.h"
#include "sip/scan.h"
#include "sip_fixture.h"

static void same_str(ss_str a, ss_str b) {
  assert_int_equal(a.n, b.n);
  assert_true(ss_str_eq(a, b));
}

/* A text of these characters, and which ones: a number. */
static ss_str spell(char *out, const char *of, size_t most, uint32_t *seed) {
  size_t n = 0, count = strlen(of);
  for (size_t want = *seed % most; n < want; n++) {
    *seed = *seed * 1664525 + 1013904223;
    out[n] = of[(*seed >> 16) % count];
  }
  *seed = *seed * 1664525 + 1013904223;
  return (ss_str){out, n};
}

static void uris_are_read_as_libosip2_reads_them(void **state) {
  (void)state;
  uint32_t seed = 1;
  size_t good_ones = 0;
  for (int i = 0; i < 50000; i++) {
    char text[64] = "sip:";
    ss_str tail = spell(text + 4, "ab0-._+:@:5;%", 14, &seed);
    ss_str uri = {text, 4 + tail.n};
    ss_arena one, two;
    ss_uri ours = {0}, theirs = {.text = uri};
    ss_arena_init(&one, 4096);
    ss_arena_init(&two, 4096);
    int rc = ss_uri_parse(&one, uri, &ours);
    int osip = tail.n ? ss_osip_uri(&two, uri, &theirs) : SS_ESYNTAX;
    if (rc != osip)
      fail_msg("%.*s: %d, libosip2 %d", (int)uri.n, uri.p, rc, osip);
    if (rc == 0) {
      good_ones++;
      same_str(ours.user, theirs.user);
      same_str(ours.host, theirs.host);
      assert_int_equal(ours.port, theirs.port);
      assert_true(ours.sip);
      same_str(ours.scheme, SS_STR("sip"));
    }
    ss_arena_free(&one);
    ss_arena_free(&two);
  }
  assert_true(good_ones > 1000);
}

static void vias_are_read_as_libosip2_reads_them(void **state) {
  (void)state;
  uint32_t seed = 7;
  size_t good_ones = 0;
  for (int i = 0; i < 20000; i++) {
    char value[64] = "SIP/2.0/U", text[512];
    ss_str tail = spell(value + 9, "Dh1-. :  5_", 14, &seed);
    ss_str via = {value, 9 + tail.n};
    snprintf(text, sizeof text,
             "OPTIONS sip:h SIP/2.0\r\nVia: %.*s;branch=z9hG4bKx\r\n"
             "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
             "CSeq: 1 OPTIONS\r\n\r\n",
             (int)via.n, via.p);
    ss_arena three;
    ss_via theirs = {0};
    const ss_via *ours;
    ss_message *m = NULL;
    ss_limits limits;
    ss_limits_default(&limits);
    ss_arena_init(&three, 4096);
    int osip = ss_osip_via(&three, via, &theirs);
    int rc = ss_message_new(&m, ss_str_z(text), false, &limits);
    bool same = osip ? rc != 0 || m->fault : rc == 0 && !m->fault;
    if (!same)
      fail_msg("%.*s: %d, libosip2 %d", (int)via.n, via.p, rc, osip);
    if (!osip) {
      good_ones++;
      assert_int_equal(ss_message_via(m, &ours), 0);
      same_str(ours->protocol, theirs.protocol);
      same_str(ours->host, theirs.host);
      assert_int_equal(ours->port, theirs.port);
    }
    ss_message_unref(m);
    ss_arena_free(&three);
  }
  assert_true(good_ones > 500);
}

/* --- the header section in one look --------------------------------------- */

/* The same, octet by octet. */
static bool slowly(ss_str head, ss_plain *out) {
  *out = (ss_plain){0};
  for (size_t i = 0; i < head.n; i++) {
    unsigned char c = (unsigned char)head.p[i];
    unsigned char before = i ? (unsigned char)head.p[i - 1] : 0;
    unsigned char next = i + 1 < head.n ? (unsigned char)head.p[i + 1] : 0;
    out->lines += c == '\n';
    out->separators += c == ';' || c == ',' || c == '&';
    if (c == 127 || (c < ' ' && c != '\r' && c != '\n') ||
        (c == '\r' && next != '\n') || (c == '\n' && before != '\r') ||
        (c == ' ' && (i == 0 || before == '\n')))
      return false;
  }
  return head.n >= 2 && ss_str_is_token((ss_str){head.p, 1});
}

static void plain_sections_are_told_from_others(void **state) {
  (void)state;
  uint32_t seed = 3;
  size_t plain = 0;
  for (int i = 0; i < 200000; i++) {
    char text[6000];
    size_t n = 0, want = i % 100 ? (size_t)(i % 97) : sizeof text - 8;
    while (n < want) {
      seed = seed * 1664525 + 1013904223;
      unsigned pick = seed >> 16 & 1023;
      if (pick < 100) {
        memcpy(text + n, "\r\n", 2);
        n += 2;
      } else if (pick < 104) {
        text[n++] = "\r\n\t\0"[pick - 100];
      } else if (pick < 110) {
        text[n++] = "\x7f\x1f \x80\xff\x20"[pick - 104];
      } else {
        text[n++] = "ab: ;,&-c"[pick % 9];
      }
    }
    ss_plain ours, theirs;
    bool is = ss_scan_is_plain((ss_str){text, n}, &ours);
    if (is != slowly((ss_str){text, n}, &theirs))
      fail_msg("round %d: %s", i, is ? "plain to us" : "not plain to us");
    if (is) {
      plain++;
      assert_int_equal(ours.lines, theirs.lines);
      assert_int_equal(ours.separators, theirs.separators);
    }
  }
  assert_true(plain > 1000);
}

static void controls_are_seen_wherever_they_stand(void **state) {
  (void)state;
  for (size_t n = 0; n < 50; n++) {
    for (int c = 0; c < 256; c++) {
      for (size_t at = 0; at < n; at++) {
        char text[50];
        memset(text, 'a', sizeof text);
        text[at] = (char)c;
        assert_int_equal(ss_chars_control((ss_str){text, n}),
                         ss_char_is((char)c, SS_CHAR_CONTROL) != 0);
      }
    }
  }
  assert_false(ss_chars_control(SS_STR_NONE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(uris_are_read_as_libosip2_reads_them),
      leak_checked(vias_are_read_as_libosip2_reads_them),
      leak_checked(plain_sections_are_told_from_others),
      leak_checked(controls_are_seen_wherever_they_stand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
