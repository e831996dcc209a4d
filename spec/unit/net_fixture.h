/* What the unit tests of net/ share: a sink that writes down what it is told,
 * and a test that ends with nothing allocated. */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

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
#include "net/transport.h"

#define NOTES_SIZE 8192

/* What one listener was told: "A b;" for a message that begins so (its first
 * four bytes), "!N;" for refusal N. */
typedef struct notes {
  char text[NOTES_SIZE];
  size_t n;
  int messages, refused, sent, received;
  size_t head;    /* length of the refused message's beginning */
  ss_refusal why; /* the latest */
  ss_path path;   /* where the latest came from; held when `hold` */
  bool hold;
  const char *answer;   /* sent back at once for each message and refusal */
  ss_loop *stop;        /* stopped by each message */
  ss_transport **close; /* closed and set to NULL by the first message */
} notes;

static inline ss_addr addr_of(const char *text) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, ss_str_z(text)), 0);
  return a;
}

static inline void notes_add(notes *s, const char *p, size_t n) {
  if (s->n + n + 1 < sizeof s->text) {
    memcpy(s->text + s->n, p, n);
    s->text[s->n + n] = ';';
    s->n += n + 1;
  }
}

static inline int send_text(const ss_path *path, const char *text) {
  ss_packet *packet = ss_packet_new(ss_str_z(text));
  int rc = packet ? ss_path_send(path, packet) : SS_ENOMEM;
  ss_packet_unref(packet);
  return rc;
}

static inline void notes_path(notes *s, const ss_path *path) {
  if (s->hold)
    ss_path_release(&s->path);
  s->path = *path;
  if (s->hold)
    ss_path_hold(&s->path);
  if (s->answer)
    send_text(path, s->answer);
}

static inline void notes_message(void *arg, const ss_path *path, const char *p,
                                 size_t n) {
  notes *s = arg;
  s->messages++;
  notes_add(s, p, n < 4 ? n : 4);
  notes_path(s, path);
  if (s->stop)
    ss_loop_stop(s->stop);
  if (s->close) {
    ss_transport_close(*s->close);
    *s->close = NULL;
    s->close = NULL;
    notes_add(s, p + n - 1, 1); /* the bytes are there during the call */
  }
}

static inline void notes_refused(void *arg, const ss_path *path, ss_refusal why,
                                 ss_str head) {
  notes *s = arg;
  char text[8];
  s->refused++;
  s->why = why;
  s->head = head.n;
  notes_add(s, text, (size_t)snprintf(text, sizeof text, "!%d", (int)why));
  notes_path(s, path);
}

static inline void notes_wire(void *arg, bool out, const ss_addr *peer,
                              const char *p, size_t n) {
  notes *s = arg;
  (void)peer;
  (void)p;
  (void)n;
  if (out)
    s->sent++;
  else
    s->received++;
}

static const ss_sink notes_sink = {notes_message, notes_refused, notes_wire,
                                   NULL, NULL};

typedef struct loss {
  ss_watch watch;
  int told, rc;
} loss;

static inline void loss_told(ss_watch *watch, int rc) {
  loss *l = SS_CONTAINER(watch, loss, watch);
  l->told++;
  l->rc = rc;
}

static inline int nothing_alive(void **state) {
  (void)state;
  ss_alloc_fail_at(0);
  if (ss_alloc_alive() != 0)
    print_error("%zu blocks are alive\n", ss_alloc_alive());
  return ss_alloc_alive() == 0 ? 0 : -1;
}

#endif
