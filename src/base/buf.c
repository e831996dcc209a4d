/* The bounded buffer that messages are rendered into, and counted packets. No
 * growing: what does not fit sets `full`. */
#include "base/buf.h"
#include "base/alloc.h"

void ss_buf_char(ss_buf *b, char c) {
  ss_buf_str(b, (ss_str){&c, 1});
}

void ss_buf_u64(ss_buf *b, uint64_t v) {
  char digits[20];
  size_t i = sizeof digits;
  do {
    digits[--i] = (char)('0' + v % 10);
    v /= 10;
  } while (v);
  ss_buf_str(b, (ss_str){digits + i, sizeof digits - i});
}

ss_packet *ss_packet_new(ss_str bytes) {
  ss_packet *packet;
  if (bytes.n > UINT32_MAX)
    return NULL;
  packet = ss_realloc(NULL, sizeof *packet + bytes.n);
  if (!packet)
    return NULL;
  packet->refs = 1;
  packet->n = (uint32_t)bytes.n;
  if (bytes.n)
    memcpy(packet->p, bytes.p, bytes.n);
  return packet;
}

ss_packet *ss_packet_ref(ss_packet *packet) {
  packet->refs++;
  return packet;
}

void ss_packet_unref(ss_packet *packet) {
  if (packet && --packet->refs == 0)
    ss_free(packet);
}
