/* What is read without libosip2, or without a look at each line: it must be
 * what they would have said. */
#include "sip/chars.h"
#include "sip/osip.h"
#include "sip/params.h"
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
static bool slowly(ss_str text, ss_plain *out) {
  *out = (ss_plain){0};
  size_t start = 0;
  if (text.n < 16 || !ss_str_is_token((ss_str){text.p, 1}))
    return false;
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    if (c != 127 && c >= ' ')
      continue;
    if (c != '\r' || i + 1 == text.n || text.p[i + 1] != '\n' ||
        text.p[start] == ' ' || out->lines == SS_PLAIN_LINES)
      return false;
    if (i - start > out->longest)
      out->longest = i - start;
    out->end[out->lines++] = i++;
    if (i - 1 == start) {
      out->n = i + 1;
      return true;
    }
    start = i + 1;
  }
  return false;
}

/* Some text, mostly without what makes a header section unusual. */
static size_t some_lines(char *text, size_t want, uint32_t *seed) {
  size_t n = 0;
  while (n < want) {
    *seed = *seed * 1664525 + 1013904223;
    unsigned pick = *seed >> 16 & 1023;
    if (pick < 60) {
      memcpy(text + n, "\r\n", 2);
      n += 2;
    } else if (pick < 61 + (want < 90)) {
      text[n++] = "\r\n\t\0\x7f\x1f"[*seed >> 8 & 3];
    } else if (pick < 70) {
      text[n++] = "\x80\xff :"[pick & 3];
    } else {
      text[n++] = "ab:a;,&-c"[pick % 9];
    }
  }
  return n;
}

static void plain_sections_are_told_from_others(void **state) {
  (void)state;
  uint32_t seed = 3;
  size_t plain = 0, lines = 0;
  for (int i = 0; i < 200000; i++) {
    char text[6000];
    size_t n = some_lines(text, (size_t)(i % 197), &seed);
    if (i % 100 == 0) { /* a long line, or about as many as there may be */
      size_t most = i % 200 ? sizeof text - 200 : 508 + (size_t)(i / 200 % 8);
      for (n = 0; n < most; n += 4)
        memcpy(text + n, i % 200 ? "a;b," : "ab\r\n", 4);
      n += some_lines(text + n, 90, &seed);
    }
    size_t separators = 0;
    for (size_t k = 0; k < n; k++)
      separators += ss_char_is(text[k], SS_CHAR_SEPARATOR);
    assert_int_equal(ss_scan_separators((ss_str){text, n}), separators);
    ss_plain ours, theirs;
    bool is = ss_scan_plain((ss_str){text, n}, &ours);
    if (is != slowly((ss_str){text, n}, &theirs))
      fail_msg("round %d: %s", i, is ? "plain to us" : "not plain to us");
    if (is) {
      plain++;
      lines += ours.lines;
      assert_int_equal(ours.n, theirs.n);
      assert_int_equal(ours.lines, theirs.lines);
      assert_memory_equal(ours.end, theirs.end, ours.lines * sizeof *ours.end);
      assert_int_equal(ours.longest, theirs.longest);
    }
  }
  assert_true(plain > 1000 && lines > 4 * plain);
}

/* Changes, takes out or doubles some octets, before the blank line. */
static size_t change(char *text, size_t n, uint32_t *seed) {
  static const char with[] = "a0:;, <>\"@=\\(?%SVt\x80&\r\n\x01/.";
  for (*seed = *seed * 1664525 + 1013904223; *seed & 0x10000;
       *seed = *seed * 1664525 + 1013904223) {
    size_t at = (*seed >> 17) % (n - 4);
    char c = with[(*seed >> 4) % (sizeof with - 1)];
    switch (*seed >> 12 & 3) {
    case 0:
      memmove(text + at, text + at + 1, --n - at);
      break;
    case 1:
      memmove(text + at + 1, text + at, n++ - at);
      break;
    default:
      text[at] = c;
    }
  }
  return n;
}

typedef int name_addr(ss_message *m, const ss_name_addr **out);

static void same_name_addr(name_addr *of, ss_message *one, ss_message *two) {
  const ss_name_addr *a, *b;
  int rc = of(one, &a);
  assert_int_equal(rc, of(two, &b));
  if (rc == 0) {
    same_str(a->display, b->display);
    same_str(a->tag, b->tag);
    same_str(a->uri.text, b->uri.text);
    same_str(a->uri.host, b->uri.host);
  }
}

static void same_values(ss_message *one, ss_message *two) {
  const ss_via *v, *w;
  int rc = ss_message_via(one, &v);
  assert_int_equal(rc, ss_message_via(two, &w));
  if (rc == 0) {
    same_str(v->host, w->host);
    same_str(v->branch, w->branch);
    assert_int_equal(v->port, w->port);
  }
  same_name_addr(ss_message_from, one, two);
  same_name_addr(ss_message_to, one, two);
  same_name_addr(ss_message_contact, one, two);
}

/* Two has a field more than one, at the end. */
static void same_message(ss_message *one, ss_message *two) {
  assert_int_equal(one->fault, two->fault);
  same_str(one->fault_reason, two->fault_reason);
  assert_int_equal(one->over, two->over);
  assert_int_equal(one->method, two->method);
  same_str(one->method_text, two->method_text);
  same_str(one->uri, two->uri);
  same_str(one->call_id, two->call_id);
  same_str(one->body, two->body);
  assert_int_equal(one->code, two->code);
  assert_int_equal(one->cseq, two->cseq);
  assert_int_equal(one->fields + 1, two->fields);
  for (size_t i = 1; i < one->fields; i++) {
    same_str(one->field[i].value, two->field[i].value);
    same_str(ss_field_written(&one->field[i]),
             ss_field_written(&two->field[i]));
    assert_int_equal(one->field[i].id, two->field[i].id);
  }
  if (!one->fault)
    same_values(one, two);
}

static void plain_messages_fare_as_others_do(void **state) {
  (void)state;
  static const char *const from[] = {
      INVITE,
      "BYE sip:a@b SIP/2.0\r\nv:SIP/2.0/TCP h;rport;branch=z9hG4bK1\r\n"
      "Subject : x\r\nX-A:\r\nf: <sip:a@b>;tag=1\r\nt: sip:c@d:1;tag=2\r\n"
      "i: 1@b\r\nCSeq: 2  BYE\r\nm: \"a\\\"b\" <sip:a@b>;q=1\r\nl: 0\r\n\r\n",
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.2.3.4:5 ;branch=z9hG4bK1\r\n"
      "FROM: <sip:a@b>;tag=1\r\nTo: tel:1;tag=2\r\nCall-ID: 1@b\r\n"
      "CSeq: 2 INVITE\r\n\r\n",
  };
  static const char slow[] = "X-Slow:\t1\r\n\r\n"; /* a tab: not plain */
  const size_t more = sizeof slow - 1;
  uint32_t seed = 5;
  size_t good_ones = 0, bad_ones = 0;
  for (int i = 0; i < 100000; i++) {
    char text[1024], other[1024];
    const char *chosen = from[i % 3];
    size_t head = (size_t)(strstr(chosen, "\r\n\r\n") + 4 - chosen);
    size_t body = strlen(chosen) - head;
    memcpy(text, chosen, head);
    size_t n = change(text, head, &seed);
    memcpy(text + n - 4, "\r\n\r\n", 4);
    n = (size_t)((char *)memmem(text, n, "\r\n\r\n", 4) + 4 - text);
    memcpy(text + n, chosen + head, body);
    memcpy(other, text, n - 2);
    memcpy(other + n - 2, slow, more);
    memcpy(other + n - 2 + more, chosen + head, body);
    ss_message *one, *two;
    int rc = scan_text(&one, (ss_str){text, n + body});
    int rc_two = scan_text(&two, (ss_str){other, n - 2 + more + body});
    if (rc != rc_two)
      fail_msg("%d, and not %d: %.*s", rc, rc_two, (int)n, text);
    if (rc == 0 && one->head.n == n) /* and no bare LF has ended it before */
      same_message(one, two);
    good_ones += rc == 0 && !one->fault;
    bad_ones += rc == 0 && one->fault;
    ss_message_unref(one);
    ss_message_unref(two);
  }
  assert_true(good_ones > 10000 && bad_ones > 10000);
}

/* --- parameters, eight octets at a time ----------------------------------- */

static void values_end_where_they_ended_by_octets(void **state) {
  (void)state;
  uint32_t seed = 11;
  size_t good_ones = 0;
  for (int i = 0; i < 200000; i++) {
    char text[64] = ";a=x";
    size_t n = 4, most = 5 + (size_t)(i % 40);
    for (; n < most; n++) {
      seed = seed * 1664525 + 1013904223;
      if (seed >> 24 > 20)
        text[n] = (char)('a' + (seed >> 16) % 14);
      else if (i % 3)
        text[n] = ";<=>\x80\xbb\xff\"(, "[(seed >> 12) % 11];
      else
        text[n] = (char)(seed >> 12);
    }
    size_t end = 3;
    while (end < n && !memchr(" \t\r\n;,\"<>", text[end], 9))
      end++;
    size_t next = end;
    while (next < n && memchr(" \t\r\n", text[next], 4))
      next++;
    ss_str rest = {text, n};
    ss_param param;
    int rc = ss_param_next(&rest, &param);
    assert_int_equal(rc, next == n || text[next] == ';' ? 1 : SS_ESYNTAX);
    if (rc == 1) {
      good_ones++;
      assert_int_equal(param.value.n, end - 3);
      assert_int_equal(rest.n, n - next);
    }
  }
  assert_true(good_ones > 10000);
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
      leak_checked(plain_messages_fare_as_others_do),
      leak_checked(values_end_where_they_ended_by_octets),
      leak_checked(controls_are_seen_wherever_they_stand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
