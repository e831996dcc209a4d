/* IP networks in CIDR form (RFC 4632 3.1, RFC 4291 2.3), and whether an
 * address is in one. IPv4 is compared as IPv4-mapped IPv6 (RFC 4291 2.5.5.2),
 * so that a mapped address is in its IPv4 network, however either is written.
 */
#ifndef SS_BASE_CIDR_H
#define SS_BASE_CIDR_H

#include "base/addr.h"

typedef struct ss_cidr {
  uint64_t net[2], mask[2];
  bool mapped; /* of IPv4 addresses; else they are not in it */
} ss_cidr;

/* "192.0.2.0/24", "2001:db8::/32", or one address; bits behind the prefix are
 * not looked at. SS_ESYNTAX. */
int ss_cidr_parse(ss_cidr *c, ss_str text);
/* In any of the n networks, each a few instructions. */
bool ss_cidr_has(const ss_cidr *list, size_t n, const ss_addr *a);

/* A list that somebody may have given. */
typedef struct ss_networks {
  ss_cidr *list;
  size_t n; /* 0: none was given, and all addresses are in it */
} ss_networks;

static inline bool ss_networks_have(const ss_networks *w, const ss_addr *a) {
  return !w->n || ss_cidr_has(w->list, w->n, a);
}
int ss_networks_copy(ss_networks *to, const ss_networks *from); /* SS_ENOMEM */
void ss_networks_free(ss_networks *w);

#endif
