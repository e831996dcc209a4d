/* sip/headers.h: values of headers, one by one and out of messages; and
 * the torture messages of RFC 4475 and RFC 5118 where a folder of them is at
 * hand (SIPSESSION_TORTURE). */
#include "sip/osip.h"
#include "sip_fixture.h"

static ss_arena arena;

static ss_message *held;

static int begin(void **state) {
  ss_arena_init(&arena, 1 << 16);
  return count_alive(state);
}

static int finish(void **state) {
  ss_message_unref(held);
  held = NULL;
  ss_arena_free(&arena);
  return nothing_left(state);
}

static ss_uri uri_of(const char *text) {
  ss_uri uri;
  int rc = ss_uri_parse(&arena, ss_str_z(text), &uri);
  if (rc)
    fail_msg("%d from %s", rc, text);
  assert_str(uri.text, text);
  return uri;
}

static ss_name_addr name_addr_of(const char *text) {
  ss_name_addr who;
  int rc = ss_name_addr_parse(&arena, ss_str_z(text), &who);
  if (rc)
    fail_msg("%d from %s", rc, text);
  return who;
}

static void sip_uri_is_taken_apart(void **state) {
  (void)state;
  ss_uri uri = uri_of("sips:al%0Dice:secret@example.com:5061;lr;Transport=tcp;"
                      "maddr=192.0.2.9?Subject=x");
  assert_str(uri.scheme, "sips");
  assert_true(uri.sip);
  assert_str(uri.user, "al%0Dice");
  assert_str(uri.host, "example.com");
  assert_int_equal(uri.port, 5061);
  assert_true(uri.lr);
  assert_str(uri.transport, "tcp");
  assert_str(uri.maddr, "192.0.2.9");
}

static void what_a_uri_does_not_have_is_empty(void **state) {
  (void)state;
  ss_uri uri = uri_of("SIP:a");
  assert_str(uri.scheme, "sip");
  assert_int_equal(uri.user.n, 0);
  assert_str(uri.host, "a");
  assert_int_equal(uri.port, 0);
  assert_false(uri.lr);
  assert_int_equal(uri.transport.n, 0);
  assert_int_equal(uri.maddr.n, 0);
}

static void ipv6_hosts_lose_their_brackets(void **state) {
  (void)state;
  ss_uri uri = uri_of("sip:a@[2001:db8::10]:5070;lr");
  assert_str(uri.host, "2001:db8::10");
  assert_int_equal(uri.port, 5070);
  assert_str(uri_of("sip:[2001:db8::10:5070]").host, "2001:db8::10:5070");
  assert_int_equal(uri_of("sip:[2001:db8::10:5070]").port, 0);
  assert_str(uri_of("sip:a@[::ffff:192.0.2.1]").host, "::ffff:192.0.2.1");
}

static void number_of_a_tel_uri_is_its_host(void **state) {
  (void)state;
  ss_uri uri = uri_of("TEL:+358-555-1234567;postd=pp22");
  assert_str(uri.scheme, "tel");
  assert_str(uri.host, "+358-555-1234567");
  assert_false(uri.sip);
  assert_int_equal(uri.user.n, 0);
}

static void other_schemes_are_kept_as_they_are(void **state) {
  (void)state;
  ss_uri uri = uri_of("Sipx:anything@all;?&");
  assert_str(uri.scheme, "sipx");
  assert_false(uri.sip);
  assert_int_equal(uri.host.n, 0);
}

static void escaped_parameters_count_unescaped(void **state) {
  (void)state;
  /* RFC 3261 19.1.4 */
  ss_uri uri = uri_of("sip:a@b;%6C%72;trans%70ort=%74cp");
  assert_true(uri.lr);
  assert_str(uri.transport, "tcp");
}

/* RFC 4475 3.1.1.4 */
static void escaped_nul_ends_nothing(void **state) {
  (void)state;
  ss_uri uri = uri_of("sip:null-%00-null@b;lr%00=1;x=%00");
  assert_str(uri.user, "null-%00-null");
  assert_str(uri.host, "b");
  assert_false(uri.lr);
}

static void malformed_uris_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "sip",
      "sip:",
      ":a",
      "1sip:a",
      "s!p:a",
      "sip:@",
      "sip:a@",
      "sip:a b@c",
      "sip:a@b c",
      "sip:a@b:0",
      "sip:a@b:65536",
      "sip:a@b:5060x",
      "sip:a@b:",
      "sip:a@b:-1",
      "sip:a@b:123456789",
      "sip:a@::1",
      "sip:a@b:c:5060",
      "sip:a@[::1",
      "sip:a@[::1]x",
      "sip:a@[::1]x:5060",
      "sip:a@x[::1]",
      "sip:a@[]",
      "sip:a@[example]",
      "sip:a@b@c",
      "sip:a@b\xc3\xa4",
      "sip:a@b%00",
      "sip:a@%00",
      "sip:a@b:5060%00",
      "sip:a@b;transport=tcp%00",
      "sip:a@b;maddr=%00",
      "sip:a@b;transport=t%0d%0ap",
      "sip:a@b;maddr=%0d%0a",
      "sip:<a@b",
      "sip:a@b>",
      "sip:a\"@b",
      "sip:a@b\r\n",
      "sip:a@b\x7f",
      "tel:",
      "tel:;x",
  };
  ss_uri uri;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (ss_uri_parse(&arena, ss_str_z(bad[i]), &uri) != SS_ESYNTAX)
      fail_msg("accepted %s", bad[i]);
  assert_int_equal(ss_uri_parse(&arena, SS_STR("sip:a\0@b"), &uri), SS_ESYNTAX);
}

/* A message with that From, or with that Contact; it goes with its test. */
static ss_name_addr party_of(ss_field_id id, const char *text) {
  char all[1000];
  const ss_name_addr *who;
  bool from = id == SS_FIELD_FROM;
  snprintf(all, sizeof all,
           START VIA TO CALL_ID CSEQ "From: %s\r\nm: %s\r\n" END,
           from ? text : "<sip:a@b>", from ? "<sip:a@b>" : text);
  ss_message_unref(held);
  held = good(all);
  int rc = from ? ss_message_from(held, &who) : ss_message_contact(held, &who);
  if (rc)
    fail_msg("%d from %s", rc, text);
  return *who;
}

static void name_addr_is_taken_apart(void **state) {
  (void)state;
  ss_name_addr who = party_of(
      SS_FIELD_FROM, "\"J \\\"R\\\\\" <sip:a@b;x=y> ; q=0.1 ; TAG = abc ;z");
  assert_str(who.display, "J \"R\\");
  assert_str(who.uri.text, "sip:a@b;x=y");
  assert_str(who.tag, "abc");
  who = name_addr_of("Ж Name<sip:a@b>");
  assert_str(who.display, "Ж Name");
  assert_str(who.uri.user, "a");
  assert_int_equal(who.tag.n, 0);
}

static void without_brackets_parameters_are_the_headers(void **state) {
  (void)state;
  ss_name_addr who = party_of(SS_FIELD_FROM, "sip:+1@b;user=phone;tag=x");
  assert_str(who.uri.text, "sip:+1@b");
  assert_str(who.tag, "x");
  assert_int_equal(who.display.n, 0);
  who = party_of(SS_FIELD_FROM, "<sip:a@b;tag=x>");
  assert_int_equal(who.tag.n, 0);
  assert_str(who.uri.text, "sip:a@b;tag=x");
}

static void quotes_hide_what_is_in_them(void **state) {
  (void)state;
  ss_name_addr who = party_of(
      SS_FIELD_FROM, "\"<sip:evil@x>;tag=1\" <sip:a@b>;y=\";tag=2\";tag=3");
  assert_str(who.display, "<sip:evil@x>;tag=1");
  assert_str(who.uri.text, "sip:a@b");
  assert_str(who.tag, "3");
  assert_str(name_addr_of("\"\" <sip:a@b>").display, "");
}

/* RFC 3261 25.1: contact-extension = generic-param */
static void tag_of_a_contact_is_an_extension(void **state) {
  (void)state;
  static const char *const contact[] = {
      "<sip:a@b>;tag",
      "<sip:a@b>;tag=x",
      "<sip:a@b>;tag=\"x\";TAG=y",
      "\"a\\\"\" <sip:a@b>;tag",
      "sip:a@b;tag=\"x\"",
  };
  for (size_t i = 0; i < sizeof contact / sizeof *contact; i++) {
    assert_int_equal(party_of(SS_FIELD_CONTACT, contact[i]).tag.n, 0);
    assert_int_equal(name_addr_of(contact[i]).tag.n, 0);
  }
}

static void malformed_name_addrs_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "*",
      "\"a",
      "\"a\\\" <sip:a@b>",
      "\"a\" sip:a@b",
      "\"a\"",
      "a \"b\" <sip:a@b>",
      "<sip:a@b",
      "<sip:a@b>x",
      "<sip:a@b> <sip:c@d>",
      "<sip:a@b>, <sip:c@d>",
      "<sip:a@b>;",
      "<sip:a@b>;;tag=x",
      "<sip:a@b>;tag=x y",
      "<sip:a@b>;x=\"",
      "< sip:a@b >",
      "sip:a@b?c=d",
      "sip:a@b,c",
      "<sip:a@b>;x=\x01",
      "a\r\nb <sip:a@b>",
  };
  ss_name_addr who;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (ss_name_addr_parse(&arena, ss_str_z(bad[i]), &who) != SS_ESYNTAX)
      fail_msg("accepted %s", bad[i]);
}

static void headers_of_a_message_are_parsed_once(void **state) {
  (void)state;
  ss_message *m = good(INVITE);
  const ss_name_addr *who, *again;
  const ss_via *via;
  const ss_uri *uri;
  assert_int_equal(ss_message_from(m, &who), 0);
  assert_int_equal(ss_message_from(m, &again), 0);
  assert_ptr_equal(who, again);
  assert_str(who->display, "Alice");
  assert_str(who->tag, "1928301774");
  assert_int_equal(who->uri.port, 5062);
  assert_int_equal(ss_message_to(m, &who), 0);
  assert_str(who->display, "Bob");
  assert_int_equal(who->tag.n, 0);
  assert_int_equal(ss_message_contact(m, &who), 0);
  assert_str(who->uri.text, "sip:alice@192.0.2.1:5070");
  assert_int_equal(ss_message_request_uri(m, &uri), 0);
  assert_str(uri->user, "bob");
  assert_int_equal(ss_message_via(m, &via), 0);
  assert_str(via->protocol, "UDP");
  assert_str(via->host, "192.0.2.1");
  assert_int_equal(via->port, 5070);
  assert_str(via->branch, "z9hG4bK776asdhds");
  assert_false(via->rport);
  ss_message_unref(m);
}

static void only_the_first_contact_and_via_count(void **state) {
  (void)state;
  ss_message *m =
      good(START "Via: SIP / 2.0 / TLS \t [::1] : 5061 ; RPORT=9;maddr=h ; "
                 "branch = a , SIP/2.0/UDP h;branch=b (later)\r\n"
                 "m: ,<sip:a@b>, <sip:c@d>\r\n" FROM TO CALL_ID CSEQ END);
  const ss_via *via;
  const ss_name_addr *who;
  assert_int_equal(ss_message_via(m, &via), 0);
  assert_str(via->protocol, "TLS");
  assert_str(via->host, "::1");
  assert_int_equal(via->port, 5061);
  assert_str(via->branch, "a");
  assert_str(via->maddr, "h");
  assert_true(via->rport);
  assert_int_equal(ss_message_contact(m, &who), 0);
  assert_str(who->uri.text, "sip:a@b");
  ss_message_unref(m);
}

static void contact_may_be_missing_or_malformed(void **state) {
  (void)state;
  const ss_name_addr *who;
  const ss_uri *uri;
  ss_message *m = good(HEAD END);
  assert_int_equal(ss_message_contact(m, &who), SS_ENOTFOUND);
  ss_message_unref(m);
  m = good(HEAD "Contact: *\r\n" END);
  assert_int_equal(ss_message_contact(m, &who), SS_ESYNTAX);
  assert_int_equal(ss_message_contact(m, &who), SS_ESYNTAX);
  ss_message_unref(m);
  m = good(HEAD "Contact:\r\n" END);
  assert_int_equal(ss_message_contact(m, &who), SS_ESYNTAX);
  ss_message_unref(m);
  m = good("SIP/2.0 200 OK\r\n" VIA FROM TO CALL_ID CSEQ END);
  assert_int_equal(ss_message_request_uri(m, &uri), SS_ENOTFOUND);
  ss_message_unref(m);
}

static void failed_allocation_is_not_kept(void **state) {
  (void)state;
  /* too long for what the arena has left of its first chunk */
  char text[9000];
  int n = snprintf(text, sizeof text, "%sContact: <sip:%04000d@b;lr>\r\n%s",
                   HEAD, 1, END);
  assert_true(n > 0 && (size_t)n < sizeof text);
  ss_message *m = good(text);
  const ss_name_addr *who;
  ss_alloc_fail_at(1);
  assert_int_equal(ss_message_contact(m, &who), SS_ENOMEM);
  ss_alloc_fail_at(0);
  assert_int_equal(ss_message_contact(m, &who), 0);
  assert_int_equal(who->uri.user.n, 4000);
  ss_message_unref(m);
}

static void full_arena_is_reported_wherever_it_fills_up(void **state) {
  (void)state;
  static const char text[] =
      "\"a\\\"\" <sip:a:b@h:5060;lr;transport=tcp;maddr=h?c=d&e=f>;tag=x";
  bool fit = false;
  for (size_t max = 0; max < 2048; max += 16) {
    ss_arena small;
    ss_name_addr who;
    ss_via via = {0};
    ss_arena_init(&small, max);
    int rc = ss_name_addr_parse(&small, SS_STR(text), &who);
    assert_true(rc == SS_ENOMEM || (rc == 0 && max > 64));
    assert_false(fit && rc);
    fit = rc == 0;
    ss_arena_free(&small);
    ss_arena_init(&small, max);
    rc = ss_osip_via(&small, SS_STR("SIP/2.0/UDP [::1]:5060"), &via);
    assert_true(rc == SS_ENOMEM || (rc == 0 && max > 64));
    ss_arena_free(&small);
  }
  assert_true(fit);
}

/* The torture messages: what the scan and the parsers make of each. */
static const struct {
  const char *name;
  int rc;
  unsigned fault;
  int contact;
} torture[] = {
    {"rfc4475-baddn", 0, 400, SS_ENOTFOUND},
    {"rfc4475-badinv01", 0, 400, SS_ESYNTAX},
    {"rfc4475-badvers", 0, 505, SS_ENOTFOUND},
    {"rfc4475-bcast", 0, 0, 0},
    {"rfc4475-bext01", 0, 0, SS_ENOTFOUND},
    {"rfc4475-clerr", 0, 400, 0},
    {"rfc4475-dblreq", 0, 0, 0},
    {"rfc4475-esc01", 0, 0, 0},
    {"rfc4475-esc02", 0, 0, 0},
    {"rfc4475-escruri", 0, 400, 0},
    {"rfc4475-insuf", 0, 400, SS_ENOTFOUND},
    {"rfc4475-inv2543", 0, 0, SS_ENOTFOUND},
    {"rfc4475-invut", 0, 0, 0},
    {"rfc4475-lwsdisp", 0, 0, SS_ENOTFOUND},
    {"rfc4475-lwsruri", 0, 400, 0},
    {"rfc4475-mismatch01", 0, 400, SS_ENOTFOUND},
    {"rfc4475-multi01", 0, 400, 0},
    {"rfc4475-quotbal", 0, 400, 0},
    {"rfc4475-regbadct", 0, 0, SS_ESYNTAX},
    {"rfc4475-scalar02", 0, 400, 0},
    {"rfc4475-transports", 0, 0, SS_ENOTFOUND},
    {"rfc4475-trws", 0, 0, SS_ENOTFOUND},
    {"rfc4475-unkscm", 0, 0, SS_ENOTFOUND},
    {"rfc4475-unreason", 0, 0, 0},
    {"rfc4475-wsinv", 0, 0, 0},
    {"rfc4475-zeromf", 0, 0, SS_ENOTFOUND},
    {"rfc5118-ipv6-bug-abnf-3-colons", 0, 0, SS_ENOTFOUND},
    {"rfc5118-ipv6-good", 0, 0, 0},
    {"rfc5118-ipv6-in-sdp", 0, 0, 0},
    {"rfc5118-mult-ip-in-sdp", 0, 0, 0},
    {"rfc5118-port-ambiguous", 0, 0, 0},
    {"rfc5118-via-received-param-with-delim", 0, 0, SS_ENOTFOUND},
};

static const char *torture_folder(void) {
  const char *folder = getenv("SIPSESSION_TORTURE");
  return folder ? folder : "../shared/torture";
}

static bool load(const char *name, char *text, size_t *n) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s.dat", torture_folder(), name);
  FILE *f = fopen(path, "rb");
  if (!f)
    return false;
  *n = fread(text, 1, *n, f);
  fclose(f);
  return true;
}

static void torture_messages_fare_as_the_rfcs_say(void **state) {
  (void)state;
  static char text[65536];
  for (size_t i = 0; i < sizeof torture / sizeof *torture; i++) {
    size_t n = sizeof text;
    if (!load(torture[i].name, text, &n)) {
      print_message("no %s in %s\n", torture[i].name, torture_folder());
      skip();
    }
    ss_message *m;
    int rc = scan_text(&m, (ss_str){text, n});
    if (rc != torture[i].rc || (rc == 0 && m->fault != torture[i].fault))
      fail_msg("%s: rc %d, fault %d", torture[i].name, rc, rc ? 0 : m->fault);
    if (rc)
      continue;
    const ss_name_addr *who;
    const ss_via *via;
    const ss_uri *uri;
    if (ss_message_contact(m, &who) != torture[i].contact)
      fail_msg("%s: Contact", torture[i].name);
    assert_int_equal(ss_message_via(m, &via), 0);
    if (!m->fault) {
      assert_int_equal(ss_message_from(m, &who), 0);
      assert_int_equal(ss_message_to(m, &who), 0);
      assert_int_equal(ss_message_request_uri(m, &uri),
                       m->is_request ? 0 : SS_ENOTFOUND);
    }
    ss_message_unref(m);
  }
}

int main(void) {
#define parser_test(test) cmocka_unit_test_setup_teardown(test, begin, finish)
  const struct CMUnitTest tests[] = {
      parser_test(sip_uri_is_taken_apart),
      parser_test(what_a_uri_does_not_have_is_empty),
      parser_test(ipv6_hosts_lose_their_brackets),
      parser_test(number_of_a_tel_uri_is_its_host),
      parser_test(other_schemes_are_kept_as_they_are),
      parser_test(escaped_parameters_count_unescaped),
      parser_test(escaped_nul_ends_nothing),
      parser_test(malformed_uris_are_refused),
      parser_test(name_addr_is_taken_apart),
      parser_test(without_brackets_parameters_are_the_headers),
      parser_test(quotes_hide_what_is_in_them),
      parser_test(tag_of_a_contact_is_an_extension),
      parser_test(malformed_name_addrs_are_refused),
      leak_checked(headers_of_a_message_are_parsed_once),
      leak_checked(only_the_first_contact_and_via_count),
      leak_checked(contact_may_be_missing_or_malformed),
      leak_checked(failed_allocation_is_not_kept),
      leak_checked(full_arena_is_reported_wherever_it_fills_up),
      leak_checked(torture_messages_fare_as_the_rfcs_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
