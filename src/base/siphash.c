/* SipHash-1-3 under a key of the process. What is hashed is the words of each
 * piece behind its length, so that no two lists of pieces give one stream. */
#include "base/siphash.h"
#include "base/id.h"
#include <pthread.h>

static uint64_t key[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) {
  ss_random(key, sizeof key);
}

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static inline void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[1] = ROTL(v[1], 13) ^ v[0];
  v[0] = ROTL(v[0], 32);
  v[2] += v[3];
  v[3] = ROTL(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = ROTL(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = ROTL(v[1], 17) ^ v[2];
  v[2] = ROTL(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t m) {
  v[3] ^= m;
  sip_round(v);
  v[0] ^= m;
}

static inline uint64_t finish(uint64_t v[4]) {
  sip_round(v);
  sip_round(v);
  sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

ss_siphash ss_siphash_begin(uint64_t domain) {
  pthread_once(&once, make_key);
  ss_siphash h = {{key[0] ^ UINT64_C(0x736f6d6570736575),
                   key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
                   key[0] ^ UINT64_C(0x6c7967656e657261),
                   key[1] ^ UINT64_C(0x7465646279746573)}};
  sip_word(h.v, domain);
  return h;
}

void ss_siphash_add(ss_siphash *h, ss_str piece) {
  uint64_t v[4] = {h->v[0], h->v[1], h->v[2], h->v[3]}, m;
  const char *p = piece.p;
  size_t n = piece.n;
  sip_word(v, n);
  for (; n >= 8; p += 8, n -= 8) {
    memcpy(&m, p, 8);
    sip_word(v, m);
  }
  if (n) {
    m = 0;
    memcpy(&m, p, n);
    sip_word(v, m);
  }
  memcpy(h->v, v, sizeof v);
}

void ss_siphash_add_u64(ss_siphash *h, uint64_t piece) {
  sip_word(h->v, piece);
}

uint64_t ss_siphash_end64(ss_siphash *h) {
  h->v[2] ^= 0xee;
  return finish(h->v);
}

ss_hash128 ss_siphash_end(ss_siphash *h) {
  ss_hash128 out;
  out.h = ss_siphash_end64(h);
  h->v[1] ^= 0xdd;
  out.check = finish(h->v);
  return out;
}

uint64_t ss_hash_add(uint64_t h, ss_str piece) {
  ss_siphash s = ss_siphash_begin(h);
  ss_siphash_add(&s, piece);
  return ss_siphash_end64(&s);
}

uint64_t ss_hash_add_u64(uint64_t h, uint64_t piece) {
  ss_siphash s = ss_siphash_begin(h);
  sip_word(s.v, piece);
  return ss_siphash_end64(&s);
}
