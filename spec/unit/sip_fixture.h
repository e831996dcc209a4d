/* What the unit tests of sip/ share: cmocka, a valid INVITE, and messages made
 * by changing it. A test scans text and says what it expects in one line. */
#ifndef SIP_FIXTURE_H
#define SIP_FIXTURE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sip/headers.h"

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK776asdhds\r\n"
#define FROM "From: \"Alice\" <sip:alice@example.com:5062>;tag=1928301774\r\n"
#define TO "To: Bob <sip:bob@example.net>\r\n"
#define CALL_ID "Call-ID: a84b4c76e66710@example.com\r\n"
#define CSEQ "CSeq: 314159 INVITE\r\n"
#define START "INVITE sip:bob@example.net SIP/2.0\r\n"
#define HEAD START VIA FROM TO CALL_ID CSEQ
#define INVITE                                                                 \
  HEAD "Max-Forwards: 70\r\n"                                                  \
       "Contact: <sip:alice@192.0.2.1:5070>\r\n"                               \
       "Content-Type: application/sdp\r\n"                                     \
       "Content-Length: 4\r\n\r\nbody"
#define END "\r\n"
/* Everything but the start line. */
#define REST VIA FROM TO CALL_ID CSEQ END

#define assert_str(slice, literal)                                             \
  do {                                                                         \
    ss_str slice_ = (slice);                                                   \
    if (!ss_str_eq(slice_, ss_str_z(literal)))                                 \
      fail_msg("got \"%.*s\", not \"%s\"", (int)slice_.n,                      \
               slice_.p ? slice_.p : "", (literal));                           \
  } while (0)

static inline ss_limits default_limits(void) {
  ss_limits limits;
  ss_limits_default(&limits);
  return limits;
}

/* From a copy of its own on the heap, so that the address sanitizer sees an
 * octet read too far. */
static inline int scan_with(ss_message **m, ss_str text, bool stream,
                            const ss_limits *limits) {
  char *copy = malloc(text.n + 1);
  *m = NULL;
  assert_non_null(copy);
  copy = realloc(copy, text.n ? text.n : 1);
  memcpy(copy, text.p, text.n);
  int rc = ss_message_new(m, (ss_str){copy, text.n}, stream, limits);
  free(copy);
  return rc;
}

static inline int scan_text(ss_message **m, ss_str text) {
  ss_limits limits = default_limits();
  return scan_with(m, text, false, &limits);
}

/* A message without a fault. */
static inline ss_message *good(const char *text) {
  ss_message *m;
  int rc = scan_text(&m, ss_str_z(text));
  if (rc || m->fault)
    fail_msg("rc %d, fault \"%s\" of:\n%s", rc,
             rc == 0 && m->fault ? m->fault_reason.p : "", text);
  return m;
}

static inline void expect_fault_of(ss_str text, bool stream,
                                   const ss_limits *limits, unsigned code) {
  ss_message *m;
  int rc = scan_with(&m, text, stream, limits);
  if (rc || m->fault != code)
    fail_msg("rc %d, fault %d and not %u of:\n%.*s", rc, rc ? 0 : m->fault,
             code, (int)text.n, text.p);
  assert_true(m->fault_reason.n > 0);
  assert_true(m->is_request);
  ss_message_unref(m);
}

/* It can be answered, and is to be answered with `code`. */
static inline void expect_fault(const char *text, unsigned code) {
  ss_limits limits = default_limits();
  expect_fault_of(ss_str_z(text), false, &limits, code);
}

static inline void expect_good(const char *text) {
  ss_message_unref(good(text));
}

static inline void expect_rc_of(ss_str text, int expected) {
  ss_message *m;
  int rc = scan_text(&m, text);
  if (rc != expected)
    fail_msg("rc %d and not %d of:\n%.*s", rc, expected, (int)text.n, text.p);
  assert_null(m);
}

static inline void expect_rc(const char *text, int expected) {
  expect_rc_of(ss_str_z(text), expected);
}

/* For group setup and teardown: no block is left alive. */
static size_t alive_before;

static inline int count_alive(void **state) {
  (void)state;
  alive_before = ss_alloc_alive();
  return 0;
}

static inline int nothing_left(void **state) {
  (void)state;
  return ss_alloc_alive() == alive_before ? 0 : -1;
}

#define leak_checked(test)                                                     \
  cmocka_unit_test_setup_teardown(test, count_alive, nothing_left)

#endif
