/* What waits to be written on a stream connection: a ring of counted packets,
 * bounded in bytes by limits.connection_backlog. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/conn.h"

#define PACKET_COST 64 /* so that tiny packets are bounded too */

static int grow(ss_conn *c) {
  size_t size = c->size ? c->size * 2 : 4;
  ss_packet **out = ss_realloc(NULL, size * sizeof(void *));
  if (!out)
    return SS_ENOMEM;
  for (size_t i = 0; i < c->count; i++)
    out[i] = c->out[(c->first + i) & (c->size - 1)];
  ss_free(c->out);
  c->out = out;
  c->size = size;
  c->first = 0;
  return 0;
}

int ss_conn_send(ss_conn *c, ss_packet *packet) {
  size_t cost = packet->n + PACKET_COST;
  if (c->state == SS_CONN_LOST)
    return SS_ECLOSED;
  /* One packet is always taken, whatever the limit. */
  if (c->overflow ||
      (c->count && c->backlog + cost > c->t->limits.connection_backlog)) {
    c->overflow = true;
    ss_loop_flush_later(c->t->loop, &c->flush);
    return SS_EFULL;
  }
  if (c->count == c->size && grow(c) != 0)
    return SS_ENOMEM;
  c->out[(c->first + c->count) & (c->size - 1)] = ss_packet_ref(packet);
  c->count++;
  c->backlog += cost;
  ss_loop_flush_later(c->t->loop, &c->flush);
  return 0;
}

int ss_conn_gather(const ss_conn *c, struct iovec *iov, int max) {
  size_t skip = c->written;
  int n = 0;
  for (; n < max && (size_t)n < c->count; n++) {
    ss_packet *packet = c->out[(c->first + (size_t)n) & (c->size - 1)];
    iov[n].iov_base = packet->p + skip;
    iov[n].iov_len = packet->n - skip;
    skip = 0;
  }
  return n;
}

void ss_conn_wrote(ss_conn *c, size_t n) {
  while (c->count) {
    ss_packet *packet = c->out[c->first];
    size_t left = packet->n - c->written;
    if (n < left) {
      c->written += n;
      break;
    }
    n -= left;
    c->written = 0;
    c->backlog -= packet->n + PACKET_COST;
    c->first = (c->first + 1) & (c->size - 1);
    c->count--;
    ss_packet_unref(packet);
  }
  ss_conn_touch(c);
}

void ss_conn_drop_all(ss_conn *c) {
  while (c->count) {
    ss_packet_unref(c->out[c->first]);
    c->first = (c->first + 1) & (c->size - 1);
    c->count--;
  }
  c->written = c->backlog = 0;
  ss_free(c->out);
  c->out = NULL;
  c->size = c->first = 0;
}
