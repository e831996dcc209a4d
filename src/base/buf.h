/* A bounded buffer to render into, over storage that the caller owns. Writing
 * past the end sets `full` and writes nothing more, so that a renderer is
 * checked once, at its end. */
#ifndef SS_BASE_BUF_H
#define SS_BASE_BUF_H

#include "base/str.h"

typedef struct ss_buf {
  char *p;
  size_t n, max;
  bool full;
} ss_buf;

#define SS_BUF_ON(storage, size) ((ss_buf){(storage), 0, (size), false})

/* Room for n bytes, which must all be written; NULL: they don't fit. */
static inline char *ss_buf_take(ss_buf *b, size_t n) {
  if (b->full || n > b->max - b->n) {
    b->full = true;
    return NULL;
  }
  char *p = b->p + b->n;
  b->n += n;
  return p;
}
static inline void ss_buf_str(ss_buf *b, ss_str s) {
  char *p = ss_buf_take(b, s.n);
  if (p && s.n)
    memcpy(p, s.p, s.n);
}
void ss_buf_char(ss_buf *b, char c);
void ss_buf_u64(ss_buf *b, uint64_t v);
#define ss_buf_lit(b, literal) ss_buf_str((b), SS_STR(literal))
static inline ss_str ss_buf_view(const ss_buf *b) {
  return (ss_str){b->p, b->n};
}

/* Bytes on their way to the wire, counted by reference: a transaction that
 * repeats them and a transport that sends them share one copy. */
typedef struct ss_packet {
  uint32_t refs;
  uint32_t n;
  char p[];
} ss_packet;

ss_packet *ss_packet_new(ss_str bytes); /* one reference; NULL: no memory */
ss_packet *ss_packet_ref(ss_packet *packet);
void ss_packet_unref(ss_packet *packet); /* NULL does nothing */

#endif
