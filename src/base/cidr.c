/* IP networks as 128 bits and a mask. A list is gone through one by one: it is
 * what a person has written, and bounded. */
#include "base/cidr.h"

#include "base/alloc.h"
#include "base/error.h"

#include <endian.h>
#include <string.h>

typedef struct bits {
  uint64_t half[2];
} bits;

static bits bits_of(const ss_addr *a) {
  bits b;
  if (a->u.sa.sa_family == AF_INET6) {
    memcpy(b.half, &a->u.in6.sin6_addr, sizeof b.half);
    return (bits){{be64toh(b.half[0]), be64toh(b.half[1])}};
  }
  uint32_t ip = be32toh(a->u.in4.sin_addr.s_addr);
  return (bits){{0, UINT64_C(0xffff) << 32 | ip}};
}

static bool is_mapped(bits b) {
  return !b.half[0] && b.half[1] >> 32 == 0xffff;
}

/* The n highest of 64 bits. */
static uint64_t high(uint32_t n) {
  return n == 0 ? 0 : n >= 64 ? UINT64_MAX : ~(UINT64_MAX >> n);
}

int ss_cidr_parse(ss_cidr *c, ss_str text) {
  size_t slash = ss_str_chr(text, '/');
  ss_addr a;
  if (ss_addr_ip(&a, SS_UDP, (ss_str){text.p, slash}, 0))
    return SS_ESYNTAX;
  bool four = a.u.sa.sa_family == AF_INET;
  uint32_t max = four ? 32 : 128, prefix = max;
  if (slash < text.n) {
    ss_str digits = {text.p + slash + 1, text.n - slash - 1};
    if (digits.n > 3 || ss_str_u32(digits, max, &prefix))
      return SS_ESYNTAX;
  }
  if (four)
    prefix += 96;
  bits b = bits_of(&a);
  *c = (ss_cidr){.mask = {high(prefix), high(prefix > 64 ? prefix - 64 : 0)},
                 .mapped = is_mapped(b) && prefix >= 96};
  c->net[0] = b.half[0] & c->mask[0];
  c->net[1] = b.half[1] & c->mask[1];
  return 0;
}

bool ss_cidr_has(const ss_cidr *list, size_t n, const ss_addr *a) {
  bits b = bits_of(a);
  bool mapped = is_mapped(b);
  for (size_t i = 0; i < n; i++) {
    const ss_cidr *c = &list[i];
    uint64_t differs = ((b.half[0] & c->mask[0]) ^ c->net[0]) |
                       ((b.half[1] & c->mask[1]) ^ c->net[1]);
    if (!differs && c->mapped == mapped)
      return true;
  }
  return false;
}

int ss_networks_copy(ss_networks *to, const ss_networks *from) {
  *to = (ss_networks){0};
  if (!from->n)
    return 0;
  to->list = ss_alloc(from->n * sizeof *to->list);
  if (!to->list)
    return SS_ENOMEM;
  memcpy(to->list, from->list, from->n * sizeof *to->list);
  to->n = from->n;
  return 0;
}

void ss_networks_free(ss_networks *w) {
  ss_free(w->list);
  *w = (ss_networks){0};
}
