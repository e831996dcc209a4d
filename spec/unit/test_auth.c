/* ua/auth.h: callers who say who they are, with an allocation failing in each
 * place in turn, and lookups that end when all is over. What callers see of it
 * is in the specs. */
#include "ua/endpoint.h"

#include "base/alloc.h"
#include "base/error.h"
#include "net/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum plot { AT_ONCE, LATER, NEVER, FREES } plot;

typedef struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_mpeer *peer;
  ss_addr us, them;
  plot plot;
  ss_attempt *kept;
  char nonce[128];
  unsigned code;
  int tries, calls, lookups;
  char user[32];
} world;

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

static void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_content none = {0};
  ss_str user = ss_session_request(s)->user;
  snprintf(w->user, sizeof w->user, "%.*s", (int)user.n, user.p);
  w->calls++;
  ss_session_reject(s, 486, &none);
}

static void on_changed(void *arg, ss_session *s, const ss_change *c) {
  (void)arg;
  (void)s;
  (void)c;
}

static void on_released(void *arg, ss_session *s) {
  (void)arg;
  (void)s;
}

static void on_closed(void *arg) {
  (void)arg;
}

static void on_lookup(void *arg, ss_attempt *a) {
  world *w = arg;
  w->lookups++;
  assert_true(ss_str_eq(ss_attempt_realm(a), SS_STR("x")));
  assert_true(ss_str_eq(ss_attempt_user(a), SS_STR("bob")));
  if (w->plot == AT_ONCE) {
    ss_attempt_password(a, SS_STR("secret"));
  } else if (w->plot == FREES) {
    ss_endpoint *e = w->endpoint;
    ss_attempt_ref(a);
    w->endpoint = NULL;
    ss_endpoint_free(e);
    ss_attempt_password(a, SS_STR("secret"));
    ss_attempt_unref(a);
  } else {
    ss_attempt_unref(w->kept);
    w->kept = ss_attempt_ref(a);
  }
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .lookup = on_lookup,
                                            .released = on_released,
                                            .closed = on_closed};

/* --- the caller ----------------------------------------------------------- */

static void on_heard(void *arg, const ss_addr *from, ss_str text) {
  world *w = arg;
  (void)from;
  const char *p = memmem(text.p, text.n, "nonce=\"", 7);
  w->code = (unsigned)atoi(text.p + 8);
  if (p)
    snprintf(w->nonce, sizeof w->nonce, "%.*s",
             (int)ss_str_chr((ss_str){p + 7, 100}, '"'), p + 7);
}

static const ss_mpeer_handler peer_handler = {on_heard, NULL};

static void credentials(world *w, char *out, size_t size) {
  ss_digest d = {.user = SS_STR("bob"),
                 .realm = SS_STR("x"),
                 .nonce = ss_str_z(w->nonce),
                 .uri = SS_STR("sip:desk@10.0.0.1"),
                 .cnonce = SS_STR("c"),
                 .nc_text = SS_STR("00000001")};
  ss_ha1 ha1;
  uint8_t right[SS_HASH_MAX];
  char hex[2 * SS_HASH_MAX + 1] = "";
  assert_int_equal(
      ss_digest_ha1(SS_SHA_256, d.user, d.realm, SS_STR("secret"), &ha1), 0);
  assert_int_equal(ss_digest_response(&d, SS_STR("INVITE"), &ha1, right), 0);
  ss_hex(right, SS_HASH_MAX, hex);
  snprintf(out, size,
           "Authorization: Digest username=\"bob\", realm=\"x\", "
           "nonce=\"%s\", uri=\"sip:desk@10.0.0.1\", response=\"%s\", "
           "cnonce=\"c\", nc=00000001, qop=auth, algorithm=SHA-256\r\n",
           w->nonce, hex);
}

static void say(world *w, const char *method, const char *more) {
  char text[2048];
  snprintf(text, sizeof text,
           "%s sip:desk@10.0.0.1 SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK%d\r\n"
           "From: <sip:a@10.0.0.2>;tag=aa\r\nTo: <sip:desk@10.0.0.1>\r\n"
           "Call-ID: a\r\nCSeq: %d %s\r\nContact: <sip:a@10.0.0.2>\r\n"
           "%sContent-Length: 0\r\n\r\n",
           method, w->tries, w->tries, method, more);
  for (int i = 0; i < 50; i++) /* its own memory may be what fails */
    if (ss_mpeer_send(w->peer, &w->us, ss_str_z(text)) == 0)
      return;
  fail_msg("not even the fiftieth time");
}

/* Tries until it is let in. */
static void call(world *w) {
  char more[512] = "";
  for (int i = 0; i < 8 && w->code != 486; i++) {
    w->tries++;
    w->code = 0;
    say(w, "INVITE", more);
    run(w, 100);
    if (w->kept) {
      ss_attempt_password(w->kept, SS_STR("secret"));
      run(w, 100);
    }
    say(w, "ACK", "");
    run(w, 100);
    if (*w->nonce)
      credentials(w, more, sizeof more);
  }
}

/* --- the tests ------------------------------------------------------------ */

static void open_world(world *w, plot what) {
  *w = (world){.plot = what};
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  w->loop = ss_memory_loop(w->memory);
  ss_addr_parse(&w->us, SS_STR("udp:10.0.0.1:5060"));
  ss_addr_parse(&w->them, SS_STR("udp:10.0.0.2:5060"));
  assert_int_equal(
      ss_mpeer_open(w->memory, &w->them, &peer_handler, w, &w->peer), 0);
  c.loop = w->loop;
  c.listen = &w->us;
  c.listeners = 1;
  c.auth.realm = SS_STR("x");
  size_t failed;
  assert_int_equal(ss_endpoint_open(&w->endpoint, &c, &handler, w, &failed), 0);
  ss_endpoint_set_handled(w->endpoint, true);
}

static void close_world(world *w) {
  ss_endpoint_free(w->endpoint);
  ss_attempt_unref(w->kept);
  ss_mpeer_close(w->peer);
  run(w, 0);
  assert_int_equal(w->loop->wheel.count, 0);
  ss_loop_close(w->loop);
}

/* False: the n-th was never asked for. */
static bool call_without(long n, plot what) {
  world w;
  size_t before = ss_alloc_alive();
  open_world(&w, what);
  size_t made = ss_alloc_made();
  ss_alloc_fail_at(n);
  call(&w);
  ss_alloc_fail_at(0);
  made = ss_alloc_made() - made;
  assert_int_equal(w.code, 486);
  assert_string_equal(w.user, "bob");
  run(&w, 80000);
  ss_alive alive = ss_endpoint_alive(w.endpoint);
  assert_int_equal(alive.sessions + alive.lingering + alive.transactions, 0);
  close_world(&w);
  assert_int_equal(ss_alloc_alive(), before);
  return (long)made + 1 >= n;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (plot what = AT_ONCE; what <= LATER; what++) {
    long n = 1;
    while (call_without(n, what))
      n++;
    assert_true(n > 20);
  }
}

static void opening_may_run_out_of_memory(void **state) {
  (void)state;
  world w;
  size_t before = ss_alloc_alive();
  open_world(&w, AT_ONCE);
  ss_endpoint_free(w.endpoint);
  run(&w, 0);
  ss_cidr network;
  assert_int_equal(ss_cidr_parse(&network, SS_STR("10.0.0.0/8")), 0);
  int rc = SS_ENOMEM;
  for (long n = 1; rc == SS_ENOMEM; n++) {
    ss_endpoint_config c;
    ss_endpoint_config_default(&c);
    c.loop = w.loop;
    c.listen = &w.us;
    c.listeners = 1;
    c.auth.realm = SS_STR("x");
    c.allow = c.targets = (ss_networks){&network, 1};
    size_t failed;
    w.endpoint = NULL;
    ss_alloc_fail_at(n);
    rc = ss_endpoint_open(&w.endpoint, &c, &handler, &w, &failed);
    ss_alloc_fail_at(0);
    run(&w, 0);
  }
  assert_int_equal(rc, 0);
  close_world(&w);
  assert_int_equal(ss_alloc_alive(), before);
}

/* Tries until the lookup has begun. */
static void begin(world *w) {
  char more[512] = "";
  while (!w->lookups) {
    w->tries++;
    say(w, "INVITE", more);
    run(w, 100);
    if (*w->nonce)
      credentials(w, more, sizeof more);
  }
}

static void a_lookup_may_end_after_its_endpoint(void **state) {
  (void)state;
  world w;
  size_t before = ss_alloc_alive();
  open_world(&w, NEVER);
  begin(&w);
  ss_endpoint_free(w.endpoint);
  w.endpoint = NULL;
  ss_attempt_password(w.kept, SS_STR("secret"));
  ss_attempt_unknown(w.kept);
  ss_attempt_failed(w.kept);
  assert_true(ss_str_eq(ss_attempt_user(w.kept), SS_STR("bob")));
  assert_int_equal(w.calls, 0);
  close_world(&w);
  assert_int_equal(ss_alloc_alive(), before);
}

static void a_lookup_ends_once(void **state) {
  (void)state;
  world w;
  open_world(&w, NEVER);
  begin(&w);
  ss_attempt_password(w.kept, SS_STR("secret"));
  ss_attempt_password(w.kept, SS_STR("secret"));
  ss_attempt_failed(w.kept);
  run(&w, 100);
  assert_int_equal(w.calls, 1);
  assert_int_equal(w.code, 486);
  close_world(&w);
}

static void a_lookup_may_free_the_endpoint(void **state) {
  (void)state;
  world w;
  size_t before = ss_alloc_alive();
  open_world(&w, FREES);
  begin(&w);
  assert_null(w.endpoint);
  close_world(&w);
  assert_int_equal(ss_alloc_alive(), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(opening_may_run_out_of_memory),
      cmocka_unit_test(a_lookup_may_end_after_its_endpoint),
      cmocka_unit_test(a_lookup_ends_once),
      cmocka_unit_test(a_lookup_may_free_the_endpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
