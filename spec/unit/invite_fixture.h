/* What the unit tests of the INVITE client transaction share: an INVITE of
 * ours, its user, who notes what it is told, and what is expected of both. */
#ifndef INVITE_FIXTURE_H
#define INVITE_FIXTURE_H

#include "layer_world.h"

#define TCP_PEER "tcp:10.0.0.2:5060"

/* What the user was told, in order. */
typedef struct user {
  world *w;
  ss_client *client;
  struct {
    uint64_t at;
    unsigned code;
  } told[64];
  int count;
  int failed, ended, rc;
  uint64_t over; /* when the last two came */
  bool abandons; /* from within the next response */
} user;

static user us;

static inline void on_response(void *arg, ss_message *m) {
  user *u = arg;
  assert_int_equal(u->failed + u->ended, 0);
  assert_true(u->count < 64);
  u->told[u->count].at = since_start(u->w);
  u->told[u->count++].code = m->code;
  if (u->abandons)
    ss_client_abandon(u->client);
}

static inline void over(user *u) {
  assert_int_equal(u->failed + u->ended, 1);
  u->over = since_start(u->w);
  u->client = NULL;
}

static inline void on_failed(void *arg, int rc) {
  user *u = arg;
  u->failed++;
  u->rc = rc;
  over(u);
}

static inline void on_ended(void *arg) {
  user *u = arg;
  u->ended++;
  over(u);
}

static const ss_client_watch watch = {on_response, on_failed, on_ended};

static inline ss_packet *invite_packet(void) {
  char space[2048];
  ss_request r = {.method = SS_INVITE,
                  .uri = SS_STR("sip:a@10.0.0.2"),
                  .branch = SS_STR(BRANCH),
                  .from = SS_STR("<sip:desk@example.net>;tag=tt"),
                  .to = SS_STR("<sip:asked@example.com>"),
                  .call_id = SS_STR("c1@10.0.0.2"),
                  .cseq = 7,
                  .route = SS_STR("<sip:p;lr>, <sip:q;lr>"),
                  .contact = SS_STR("<sip:desk@10.0.0.1>"),
                  .own = SS_STR("Require: timer\r\n"),
                  .content_type = SS_STR("text/plain"),
                  .body = SS_STR("To: <sip:in@body>\r\n")};
  assert_int_equal(ss_addr_parse(&r.local, SS_STR("udp:10.0.0.1:5060")), 0);
  ss_buf b = SS_BUF_ON(space, sizeof space);
  assert_int_equal(ss_render_request(&b, &r), 0);
  return ss_packet_new(ss_buf_view(&b));
}

#define ACK                                                                    \
  "ACK sip:a@10.0.0.2 SIP/2.0\r\n"                                             \
  "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=" BRANCH ";rport\r\n"                 \
  "Max-Forwards: 70\r\n"                                                       \
  "Route: <sip:p;lr>, <sip:q;lr>\r\n"                                          \
  "From: <sip:desk@example.net>;tag=tt\r\n"                                    \
  "To: <sip:a@example.com>;tag=aa\r\n"                                         \
  "Call-ID: c1@10.0.0.2\r\n"                                                   \
  "CSeq: 7 ACK\r\n"                                                            \
  "Content-Length: 0\r\n\r\n"

static inline int invite_without(world *w, const char *address,
                                 long allocation) {
  ss_path path;
  us = (user){.w = w};
  int rc = path_to(w, address, &path);
  if (rc)
    return rc;
  ss_packet *packet = invite_packet();
  assert_non_null(packet);
  ss_alloc_fail_at(allocation);
  rc = ss_client_invite(w->layer, &path, packet, SS_STR(BRANCH), &watch, &us,
                        &us.client);
  ss_alloc_fail_at(0);
  ss_packet_unref(packet);
  ss_path_release(&path);
  assert_int_equal(us.count + us.failed + us.ended, 0);
  pass(w, 0);
  return rc;
}

static inline int invite(world *w, const char *address) {
  return invite_without(w, address, 0);
}

static inline void hear_from(world *w, const char *address, unsigned code) {
  respond(w, address, code, BRANCH, "INVITE", "");
}

static inline void hear(world *w, unsigned code) {
  hear_from(w, UDP_CALLER, code);
}

static inline void expect_heard(int i, uint64_t at, unsigned code) {
  if (i >= us.count)
    fail_msg("%d responses, and not %d", us.count, i + 1);
  assert_int_equal(us.told[i].at, at);
  assert_int_equal(us.told[i].code, code);
}

static inline void expect_failed(world *w, uint64_t at, int rc) {
  assert_int_equal(us.failed, 1);
  assert_int_equal(us.rc, rc);
  assert_int_equal(us.over, at);
  assert_int_equal(ss_layer_alive(w->layer), 0);
  assert_int_equal(w->loop->wheel.count, 0);
}

static inline void expect_ended(world *w, uint64_t at) {
  assert_int_equal(us.ended, 1);
  assert_int_equal(us.over, at);
  assert_int_equal(ss_layer_alive(w->layer), 0);
}

static inline void expect_waiting(world *w) {
  assert_int_equal(us.failed + us.ended, 0);
  assert_int_equal(ss_layer_alive(w->layer), 1);
}

static inline void expect_invites(world *w, const uint64_t *times, int n) {
  assert_int_equal(w->count, n);
  for (int i = 0; i < n; i++) {
    assert_int_equal(w->sent[i].at, times[i]);
    assert_memory_equal(w->sent[i].text, "INVITE ", 7);
    expect_same(w, i, 0);
  }
}

static inline void expect_ack(world *w, int i, uint64_t at) {
  assert_true(i < w->count);
  assert_int_equal(w->sent[i].at, at);
  assert_string_equal(w->sent[i].text, ACK);
}

#endif
