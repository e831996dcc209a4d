/* Eight octets at a time: as a word, the first one lowest, whatever the machine
 * takes for first. */
#ifndef SS_BASE_OCTETS_H
#define SS_BASE_OCTETS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SS_EACH_OCTET(octet) (UINT64_C(0x0101010101010101) * (octet))
#define SS_HIGH_BITS SS_EACH_OCTET(0x80)

static inline uint64_t ss_octets_word(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

/* Of a word with high bits set in some octets: the index of the first. */
static inline size_t ss_octets_first(uint64_t high_bits) {
  return (size_t)__builtin_ctzll(high_bits) / 8;
}

/* High bits, the lowest of which is right: the first octet of that value. */
static inline uint64_t ss_octets_find(uint64_t word, char octet) {
  word ^= SS_EACH_OCTET((uint8_t)octet);
  return (word - SS_EACH_OCTET(1)) & ~word & SS_HIGH_BITS;
}

#endif
