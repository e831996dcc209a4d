/* sip/render.h: replies and requests as bytes. What was rendered is scanned
 * again where values matter, and compared as text where bytes do. */
#include "sip/render.h"
#include "sip_fixture.h"

static char space[65536];

static ss_addr addr(const char *text) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, ss_str_z(text)), 0);
  return a;
}

/* A reply to `request` as text, good until the next call. */
static ss_str reply_to(const char *request, const ss_reply *reply) {
  ss_message *m;
  assert_int_equal(scan_text(&m, ss_str_z(request)), 0);
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_reply(&b, m, reply), 0);
  ss_message_unref(m);
  return ss_buf_view(&b);
}

static void reply_echoes_what_it_must(void **state) {
  (void)state;
  ss_addr source = addr("udp:192.0.2.1:5070");
  assert_str(reply_to(INVITE, &(ss_reply){.code = 180,
                                          .source = &source,
                                          .content_type = SS_STR("a/b"),
                                          .to_tag = SS_STR("xyz")}),
             "SIP/2.0 180 Ringing\r\n" VIA FROM
             "To: Bob <sip:bob@example.net>;tag=xyz\r\n" CALL_ID CSEQ
             "Content-Length: 0\r\n\r\n");
}

static void reply_has_everything_that_was_given(void **state) {
  (void)state;
  ss_addr source = addr("udp:192.0.2.1:5070");
  ss_fields fields = SS_FIELDS_NONE;
  assert_int_equal(ss_fields_add(&fields, SS_STR("X-A"), SS_STR("b")), 0);
  ss_reply reply = {.code = 200,
                    .reason = SS_STR("Fine"),
                    .source = &source,
                    .to_tag = SS_STR("xyz"),
                    .contact = SS_STR("<sip:bob@192.0.2.4>"),
                    .record_route = true,
                    .server = SS_STR("desk/1.0"),
                    .own = SS_STR("Allow: INVITE, ACK\r\n"),
                    .fields = &fields,
                    .content_type = SS_STR("application/sdp"),
                    .body = SS_STR("v=0\r\n")};
  assert_str(reply_to(HEAD "Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\n"
                           "Record-Route: <sip:p3;lr>\r\n" END,
                      &reply),
             "SIP/2.0 200 Fine\r\n" VIA FROM
             "To: Bob <sip:bob@example.net>;tag=xyz\r\n" CALL_ID CSEQ
             "Record-Route: <sip:p1;lr>,   <sip:p2;lr>\r\n"
             "Record-Route: <sip:p3;lr>\r\n"
             "Contact: <sip:bob@192.0.2.4>\r\n"
             "Server: desk/1.0\r\n"
             "Allow: INVITE, ACK\r\n"
             "X-A: b\r\n"
             "Content-Type: application/sdp\r\n"
             "Content-Length: 5\r\n\r\nv=0\r\n");
  ss_fields_free(&fields);
}

static void server_of_the_script_wins(void **state) {
  (void)state;
  ss_fields fields = SS_FIELDS_NONE;
  assert_int_equal(ss_fields_add(&fields, SS_STR("Server"), SS_STR("mine")), 0);
  assert_str(reply_to(INVITE, &(ss_reply){.code = 180,
                                          .server = SS_STR("desk/1.0"),
                                          .fields = &fields}),
             "SIP/2.0 180 Ringing\r\n" VIA FROM TO CALL_ID CSEQ
             "Server: mine\r\nContent-Length: 0\r\n\r\n");
  ss_fields_free(&fields);
}

static void tag_is_not_put_on_a_100_nor_where_there_is_one(void **state) {
  (void)state;
  assert_str(reply_to(HEAD "Timestamp: 54.2\r\n" END,
                      &(ss_reply){.code = 100, .to_tag = SS_STR("xyz")}),
             "SIP/2.0 100 Trying\r\n" VIA FROM TO CALL_ID CSEQ
             "Timestamp: 54.2\r\nContent-Length: 0\r\n\r\n");
  assert_str(
      reply_to(START VIA FROM "To: <sip:b@c> ; Tag = old\r\n" CALL_ID CSEQ
                              "Timestamp: 54.2\r\n" END,
               &(ss_reply){.code = 200, .to_tag = SS_STR("xyz")}),
      "SIP/2.0 200 OK\r\n" VIA FROM "To: <sip:b@c> ; Tag = old\r\n" CALL_ID CSEQ
      "Content-Length: 0\r\n\r\n");
}

/* The Via lines of a 200 for a request with these, from that address. */
static void expect_via(const char *via, const char *from,
                       const char *expected) {
  char text[1000];
  ss_addr source = addr(from);
  snprintf(text, sizeof text, START "%s%s", via, FROM TO CALL_ID CSEQ END);
  ss_str reply = reply_to(text, &(ss_reply){.code = 200, .source = &source});
  const char *end = memmem(reply.p, reply.n, "From:", 5);
  const char *start = reply.p + strlen("SIP/2.0 200 OK\r\n");
  assert_non_null(end);
  assert_str(((ss_str){start, (size_t)(end - start)}), expected);
}

static void received_says_where_it_came_from(void **state) {
  (void)state;
  expect_via("Via: SIP/2.0/UDP 192.0.2.1:9;branch=a\r\n", "udp:192.0.2.1:5",
             "Via: SIP/2.0/UDP 192.0.2.1:9;branch=a\r\n");
  expect_via("Via: SIP/2.0/UDP 192.0.2.1:9;branch=a\r\n", "udp:192.0.2.2:5",
             "Via: SIP/2.0/UDP 192.0.2.1:9;branch=a;received=192.0.2.2\r\n");
  expect_via("v: SIP/2.0/UDP host;branch=a\r\n", "udp:192.0.2.2:5",
             "Via: SIP/2.0/UDP host;branch=a;received=192.0.2.2\r\n");
  expect_via("Via: SIP/2.0/TCP [2001:db8::1];branch=a\r\n",
             "tcp:[2001:db8:0:0::1]:5",
             "Via: SIP/2.0/TCP [2001:db8::1];branch=a\r\n");
  expect_via("Via: SIP/2.0/TCP [2001:db8::1];branch=a\r\n",
             "tcp:[2001:db8::2]:5",
             "Via: SIP/2.0/TCP [2001:db8::1];branch=a;"
             "received=2001:db8::2\r\n");
}

static void rport_is_filled_in_where_asked_for(void **state) {
  (void)state;
  expect_via("Via: SIP/2.0/UDP 192.0.2.1:9;rport;branch=a\r\n",
             "udp:192.0.2.1:5",
             "Via: SIP/2.0/UDP 192.0.2.1:9;branch=a;received=192.0.2.1;"
             "rport=5\r\n");
}

static void what_the_peer_says_of_itself_is_dropped(void **state) {
  (void)state;
  expect_via("Via: SIP/2.0/UDP 192.0.2.1 ; Received=10.9.9.9;branch=a;"
             "rport = 7 ;x=\";received=1\"\r\n",
             "udp:192.0.2.1:5",
             "Via: SIP/2.0/UDP 192.0.2.1;branch=a;x=\";received=1\";"
             "received=192.0.2.1;rport=5\r\n");
}

static void all_vias_are_echoed_in_order(void **state) {
  (void)state;
  expect_via("Via: SIP/2.0/UDP h;branch=a , SIP/2.0/UDP i;received=1.1.1.1\r\n"
             "v: SIP/2.0/UDP j;rport, SIP/2.0/UDP k\r\n",
             "udp:192.0.2.2:5",
             "Via: SIP/2.0/UDP h;branch=a;received=192.0.2.2 , "
             "SIP/2.0/UDP i;received=1.1.1.1\r\n"
             "Via: SIP/2.0/UDP j;rport, SIP/2.0/UDP k\r\n");
}

static void faults_can_be_answered(void **state) {
  (void)state;
  ss_addr source = addr("udp:192.0.2.1:5070");
  ss_reply reply = {.code = 400, .source = &source, .to_tag = SS_STR("t")};
  assert_str(reply_to(START VIA FROM "To: \"Mr. <sip:a@b>\r\n" CALL_ID CSEQ END,
                      &reply),
             "SIP/2.0 400 Bad Request\r\n" VIA FROM
             "To: \"Mr. <sip:a@b>;tag=t\r\n" CALL_ID CSEQ
             "Content-Length: 0\r\n\r\n");
  assert_str(reply_to(HEAD
                      "To: <sip:other@b>\r\nCSeq: 2 BYE\r\ni: other\r\n" END,
                      &reply),
             "SIP/2.0 400 Bad Request\r\n" VIA FROM
             "To: Bob <sip:bob@example.net>;tag=t\r\n" CALL_ID CSEQ
             "Content-Length: 0\r\n\r\n");
}

static void unregistered_code_has_the_phrase_of_its_class(void **state) {
  (void)state;
  ss_str s = reply_to(INVITE, &(ss_reply){.code = 499});
  assert_true(ss_str_starts(s, SS_STR("SIP/2.0 499 Bad Request\r\n")));
}

static void what_does_not_fit_is_an_error(void **state) {
  (void)state;
  ss_message *m = good(INVITE);
  ss_reply reply = {.code = 200, .body = SS_STR("body")};
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_reply(&b, m, &reply), 0);
  size_t n = b.n;
  b = SS_BUF_ON(space, n);
  assert_int_equal(ss_render_reply(&b, m, &reply), 0);
  for (size_t i = 0; i < n; i++) {
    char *small = malloc(i + 1);
    assert_non_null(small);
    b = SS_BUF_ON(small, i);
    assert_int_equal(ss_render_reply(&b, m, &reply), SS_EFULL);
    free(small);
  }
  ss_message_unref(m);
}

static void scanned_reply_gives_the_same_values(void **state) {
  (void)state;
  ss_addr source = addr("tcp:[2001:db8::7]:40000");
  ss_str text = reply_to(INVITE, &(ss_reply){.code = 486,
                                             .source = &source,
                                             .to_tag = SS_STR("xyz"),
                                             .body = SS_STR("a\0b")});
  ss_limits limits = default_limits();
  ss_message *m, *request = good(INVITE);
  assert_int_equal(scan_with(&m, text, true, &limits), 0);
  const ss_name_addr *who, *sent;
  const ss_via *via;
  assert_int_equal(m->code, 486);
  assert_str(m->reason, "Busy Here");
  assert_int_equal(m->method, SS_INVITE);
  assert_int_equal(m->cseq, request->cseq);
  assert_true(ss_str_eq(m->call_id, request->call_id));
  assert_int_equal(ss_message_from(m, &who), 0);
  assert_int_equal(ss_message_from(request, &sent), 0);
  assert_true(ss_str_eq(who->tag, sent->tag));
  assert_true(ss_str_eq(who->uri.text, sent->uri.text));
  assert_int_equal(ss_message_to(m, &who), 0);
  assert_str(who->tag, "xyz");
  assert_int_equal(ss_message_via(m, &via), 0);
  assert_str(via->branch, "z9hG4bK776asdhds");
  assert_int_equal(m->body.n, 3);
  ss_message_unref(m);
  ss_message_unref(request);
}

static void request_is_complete(void **state) {
  (void)state;
  ss_fields fields = SS_FIELDS_NONE;
  assert_int_equal(ss_fields_add(&fields, SS_STR("Reason"), SS_STR("x")), 0);
  ss_request request = {.method = SS_BYE,
                        .uri = SS_STR("sip:alice@192.0.2.1:5070"),
                        .local = addr("udp:[2001:db8::7]:5060"),
                        .branch = SS_STR("z9hG4bKabc"),
                        .from = SS_STR("<sip:bob@b>;tag=1"),
                        .to = SS_STR("<sip:alice@a>;tag=2"),
                        .call_id = SS_STR("id"),
                        .cseq = 7,
                        .route = SS_STR("<sip:p;lr>, <sip:q;lr>"),
                        .contact = SS_STR("<sip:bob@c>"),
                        .user_agent = SS_STR("desk/1.0"),
                        .own = SS_STR("Allow: BYE\r\n"),
                        .fields = &fields,
                        .content_type = SS_STR("text/plain"),
                        .body = SS_STR("hi")};
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_request(&b, &request), 0);
  assert_str(ss_buf_view(&b),
             "BYE sip:alice@192.0.2.1:5070 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP [2001:db8::7]:5060;branch=z9hG4bKabc;rport\r\n"
             "Max-Forwards: 70\r\n"
             "Route: <sip:p;lr>, <sip:q;lr>\r\n"
             "From: <sip:bob@b>;tag=1\r\n"
             "To: <sip:alice@a>;tag=2\r\n"
             "Call-ID: id\r\n"
             "CSeq: 7 BYE\r\n"
             "Contact: <sip:bob@c>\r\n"
             "User-Agent: desk/1.0\r\n"
             "Allow: BYE\r\n"
             "Reason: x\r\n"
             "Content-Type: text/plain\r\n"
             "Content-Length: 2\r\n\r\nhi");
  b = SS_BUF_ON(space, b.n - 1);
  assert_int_equal(ss_render_request(&b, &request), SS_EFULL);
  ss_fields_free(&fields);
}

static void request_over_tcp_asks_for_no_rport(void **state) {
  (void)state;
  ss_request request = {.method = SS_ACK,
                        .uri = SS_STR("sip:a@b"),
                        .local = addr("tcp:192.0.2.7:5060"),
                        .sent_by = SS_STR("pbx.example.com"),
                        .branch = SS_STR("z9hG4bKabc"),
                        .from = SS_STR("<sip:bob@b>;tag=1"),
                        .to = SS_STR("<sip:alice@a>;tag=2"),
                        .call_id = SS_STR("id"),
                        .cseq = 7};
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_request(&b, &request), 0);
  assert_str(ss_buf_view(&b),
             "ACK sip:a@b SIP/2.0\r\n"
             "Via: SIP/2.0/TCP pbx.example.com;branch=z9hG4bKabc\r\n"
             "Max-Forwards: 70\r\n"
             "From: <sip:bob@b>;tag=1\r\n"
             "To: <sip:alice@a>;tag=2\r\n"
             "Call-ID: id\r\n"
             "CSeq: 7 ACK\r\n"
             "Content-Length: 0\r\n\r\n");
  ss_limits limits = default_limits();
  ss_message *m;
  assert_int_equal(scan_with(&m, ss_buf_view(&b), true, &limits), 0);
  assert_int_equal(m->fault, 0);
  ss_message_unref(m);
}

/* Everything that a request may have, around a method. */
static ss_request full(const ss_fields *fields, ss_str body) {
  return (ss_request){.uri = SS_STR("sip:alice@192.0.2.1:5070;transport=udp"),
                      .local = addr("udp:192.0.2.7:5060"),
                      .sent_by = SS_STR("pbx.example.com:5062"),
                      .branch = SS_STR("z9hG4bKabc"),
                      .from = SS_STR("\"Bob\" <sip:bob@b>;tag=1"),
                      .to = SS_STR("<sip:alice@a>;tag=2"),
                      .call_id = SS_STR("id@b"),
                      .cseq = INT32_MAX,
                      .route = SS_STR("<sip:p;lr>, <sip:q;lr>"),
                      .contact = SS_STR("<sip:bob@192.0.2.7>"),
                      .user_agent = SS_STR("desk/1.0"),
                      .own = SS_STR("Supported: timer\r\nRAck: 1 7 INVITE\r\n"),
                      .fields = fields,
                      .content_type = SS_STR("application/x; a=\"b\""),
                      .body = body};
}

static void expect_field(const ss_message *m, ss_field_id id,
                         const char *value) {
  const ss_field *f = ss_message_field(m, id);
  assert_non_null(f);
  assert_str(f->value, value);
  assert_null(ss_message_next(m, f));
}

static void expect_scanned(const ss_request *r, const char *method) {
  ss_limits limits = default_limits();
  ss_message *m;
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_request(&b, r), 0);
  assert_int_equal(scan_with(&m, ss_buf_view(&b), true, &limits), 0);
  assert_int_equal(m->fault, 0);
  assert_true(m->is_request);
  assert_str(m->method_text, method);
  assert_true(ss_str_eq(m->uri, r->uri));
  assert_int_equal(m->cseq, r->cseq);
  assert_true(ss_str_eq(m->call_id, r->call_id));
  assert_true(ss_str_eq(m->body, r->body));
  expect_field(m, SS_FIELD_VIA,
               "SIP/2.0/UDP pbx.example.com:5062;branch=z9hG4bKabc;rport");
  expect_field(m, SS_FIELD_MAX_FORWARDS, "70");
  expect_field(m, SS_FIELD_ROUTE, "<sip:p;lr>, <sip:q;lr>");
  expect_field(m, SS_FIELD_FROM, "\"Bob\" <sip:bob@b>;tag=1");
  expect_field(m, SS_FIELD_TO, "<sip:alice@a>;tag=2");
  expect_field(m, SS_FIELD_CONTACT, "<sip:bob@192.0.2.7>");
  expect_field(m, SS_FIELD_SUPPORTED, "timer");
  expect_field(m, SS_FIELD_RACK, "1 7 INVITE");
  expect_field(m, SS_FIELD_USER_AGENT, "mine/2.0"); /* the script's wins */
  expect_field(m, SS_FIELD_SUBJECT, "why");
  if (r->body.n)
    expect_field(m, SS_FIELD_CONTENT_TYPE, "application/x; a=\"b\"");
  else
    assert_null(ss_message_field(m, SS_FIELD_CONTENT_TYPE));
  ss_message_unref(m);
}

static void every_method_carries_all_there_is(void **state) {
  (void)state;
  static const ss_method methods[] = {
      SS_INVITE, SS_ACK,     SS_BYE,   SS_CANCEL, SS_OPTIONS, SS_INFO,
      SS_PRACK,  SS_MESSAGE, SS_REFER, SS_UPDATE, SS_NOTIFY,  SS_SUBSCRIBE};
  ss_fields fields = SS_FIELDS_NONE;
  ss_fields_add(&fields, SS_STR("Subject"), SS_STR("why"));
  ss_fields_add(&fields, SS_STR("User-Agent"), SS_STR("mine/2.0"));
  const size_t count = sizeof methods / sizeof *methods;
  for (size_t i = 0; i < count; i++) {
    ss_request r = full(&fields, SS_STR("a\0b\r\n\r\nCall-ID: x\r\n"));
    r.method = methods[i];
    expect_scanned(&r, ss_method_name(methods[i]).p);
    r.body = SS_STR_NONE; /* and without a body no type of it */
    expect_scanned(&r, ss_method_name(methods[i]).p);
  }
  ss_fields_free(&fields);
}

static void a_method_nobody_knows_is_written_as_it_is(void **state) {
  (void)state;
  ss_fields fields = SS_FIELDS_NONE;
  ss_fields_add(&fields, SS_STR("Subject"), SS_STR("why"));
  ss_fields_add(&fields, SS_STR("User-Agent"), SS_STR("mine/2.0"));
  ss_request r = full(&fields, SS_STR("x"));
  r.method_text = SS_STR("x-Ping.1");
  expect_scanned(&r, "x-Ping.1");
  r.method = SS_INFO; /* of a known one it says nothing */
  expect_scanned(&r, "INFO");
  ss_fields_free(&fields);
}

static ss_str ack_to(const ss_request *invite, ss_str to, size_t room) {
  static char storage[4096];
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_request(&b, invite), 0);
  ss_buf ack = SS_BUF_ON(storage, room);
  int rc = ss_render_ack(&ack, ss_buf_view(&b), to);
  assert_int_equal(rc, ack.full ? SS_EFULL : 0);
  return rc ? SS_STR_NONE : ss_buf_view(&ack);
}

static void ack_has_what_17_1_1_3_says_and_nothing_else(void **state) {
  (void)state;
  ss_fields fields = SS_FIELDS_NONE;
  ss_fields_add(&fields, SS_STR("Viaduct"), SS_STR("x"));
  ss_fields_add(&fields, SS_STR("Proxy-Authorization"), SS_STR("Digest p"));
  ss_fields_add(&fields, SS_STR("Authorization"), SS_STR("Digest a"));
  ss_fields_add(&fields, SS_STR("Require"), SS_STR("100rel"));
  ss_request r = full(&fields, SS_STR("Route: <sip:in-the-body>\r\n\r\n"));
  r.method = SS_INVITE;
  static const char expected[] =
      "ACK sip:alice@192.0.2.1:5070;transport=udp SIP/2.0\r\n"
      "Via: SIP/2.0/UDP pbx.example.com:5062;branch=z9hG4bKabc;rport\r\n"
      "Max-Forwards: 70\r\n"
      "Route: <sip:p;lr>, <sip:q;lr>\r\n"
      "From: \"Bob\" <sip:bob@b>;tag=1\r\n"
      "To: Al <sip:al@x>;tag=3;y\r\n"
      "Call-ID: id@b\r\n"
      "CSeq: 2147483647 ACK\r\n"
      "Proxy-Authorization: Digest p\r\n"
      "Authorization: Digest a\r\n"
      "Content-Length: 0\r\n\r\n";
  ss_str to = SS_STR("Al <sip:al@x>;tag=3;y");
  assert_str(ack_to(&r, to, sizeof expected - 1), expected);
  assert_int_equal(ack_to(&r, to, sizeof expected - 2).n, 0);
  r.route = SS_STR_NONE;
  r.fields = NULL;
  ss_str ack = ack_to(&r, to, 4096);
  ss_message *m;
  assert_int_equal(scan_text(&m, ack), 0);
  assert_int_equal(m->method, SS_ACK);
  assert_null(ss_message_field(m, SS_FIELD_ROUTE));
  assert_null(ss_message_field(m, SS_FIELD_CONTACT));
  ss_message_unref(m);
  ss_fields_free(&fields);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(reply_echoes_what_it_must),
      leak_checked(reply_has_everything_that_was_given),
      leak_checked(server_of_the_script_wins),
      leak_checked(tag_is_not_put_on_a_100_nor_where_there_is_one),
      leak_checked(received_says_where_it_came_from),
      leak_checked(rport_is_filled_in_where_asked_for),
      leak_checked(what_the_peer_says_of_itself_is_dropped),
      leak_checked(all_vias_are_echoed_in_order),
      leak_checked(faults_can_be_answered),
      leak_checked(unregistered_code_has_the_phrase_of_its_class),
      leak_checked(what_does_not_fit_is_an_error),
      leak_checked(scanned_reply_gives_the_same_values),
      leak_checked(request_is_complete),
      leak_checked(request_over_tcp_asks_for_no_rport),
      leak_checked(every_method_carries_all_there_is),
      leak_checked(a_method_nobody_knows_is_written_as_it_is),
      leak_checked(ack_has_what_17_1_1_3_says_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
