/* Transport addresses: their text form, comparison, and what may be sent to
 * (RFC 3261 18.1.1, RFC 1122 3.2.1.3). IP literals only; no zone indices and
 * no name resolution. */
#include "base/addr.h"
#include "base/error.h"
#include "base/hash.h"
#include <arpa/inet.h>
#include <stdio.h>

#define DEFAULT_PORT 5060

static bool is4(const ss_addr *a) {
  return a->u.sa.sa_family == AF_INET;
}

static uint32_t ip4(const ss_addr *a) {
  return ntohl(a->u.in4.sin_addr.s_addr);
}

/* As inet_pton(3) has it: four numbers, none with a leading zero. */
static bool parse_ip4(ss_str s, struct in_addr *out) {
  uint32_t ip = 0, octet = 0;
  size_t digits = 0, dots = 0;
  for (size_t i = 0; i < s.n; i++) {
    unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
    if (digit <= 9) {
      octet = octet * 10 + digit;
      if (octet > 255 || (octet == digit && digits))
        return false;
      digits++;
    } else {
      if (s.p[i] != '.' || !digits || ++dots > 3)
        return false;
      ip = ip << 8 | octet;
      octet = 0;
      digits = 0;
    }
  }
  out->s_addr = htonl(ip << 8 | octet);
  return dots == 3 && digits;
}

static bool parse_ip6(ss_str s, struct in6_addr *out) {
  char z[INET6_ADDRSTRLEN];
  if (s.n == 0 || s.n >= sizeof z || memchr(s.p, '\0', s.n))
    return false;
  memcpy(z, s.p, s.n);
  z[s.n] = '\0';
  return inet_pton(AF_INET6, z, out) == 1;
}

int ss_addr_ip(ss_addr *a, ss_proto proto, ss_str ip, uint16_t port) {
  ss_addr out = {.proto = proto};
  bool brackets = ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']';
  if (brackets)
    ip = (ss_str){ip.p + 1, ip.n - 2};
  if (!brackets && parse_ip4(ip, &out.u.in4.sin_addr))
    out.u.in4.sin_family = AF_INET;
  else if (parse_ip6(ip, &out.u.in6.sin6_addr))
    out.u.in6.sin6_family = AF_INET6;
  else
    return SS_ESYNTAX;
  ss_addr_set_port(&out, port);
  *a = out;
  return 0;
}

static int parse_proto(ss_proto *proto, ss_str s) {
  if (ss_str_ieq(s, ss_proto_name(SS_UDP)))
    *proto = SS_UDP;
  else if (ss_str_ieq(s, ss_proto_name(SS_TCP)))
    *proto = SS_TCP;
  else
    return SS_ESYNTAX;
  return 0;
}

int ss_addr_parse(ss_addr *a, ss_str text) {
  size_t cut = ss_str_chr(text, ':');
  ss_proto proto;
  ss_str host, rest;
  uint32_t port = DEFAULT_PORT;
  if (cut == text.n || parse_proto(&proto, (ss_str){text.p, cut}) != 0)
    return SS_ESYNTAX;
  host = rest = (ss_str){text.p + cut + 1, text.n - cut - 1};
  if (ss_str_starts(rest, SS_STR("[")))
    host.n = ss_str_chr(rest, ']') + 1; /* IPv6 needs its brackets here */
  else
    host.n = ss_str_chr(rest, ':');
  if (host.n > rest.n)
    return SS_ESYNTAX;
  rest = (ss_str){rest.p + host.n, rest.n - host.n};
  if (rest.n) {
    if (rest.p[0] != ':' || rest.n > 6 ||
        ss_str_u32((ss_str){rest.p + 1, rest.n - 1}, 65535, &port) != 0)
      return SS_ESYNTAX;
  }
  return ss_addr_ip(a, proto, host, (uint16_t)port);
}

void ss_addr_from(ss_addr *a, ss_proto proto, const struct sockaddr *sa) {
  *a = (ss_addr){.proto = proto};
  if (sa->sa_family == AF_INET6)
    memcpy(&a->u.in6, sa, sizeof a->u.in6);
  else
    memcpy(&a->u.in4, sa, sizeof a->u.in4);
}

socklen_t ss_addr_len(const ss_addr *a) {
  return is4(a) ? sizeof a->u.in4 : sizeof a->u.in6;
}

uint16_t ss_addr_port(const ss_addr *a) {
  return ntohs(is4(a) ? a->u.in4.sin_port : a->u.in6.sin6_port);
}

void ss_addr_set_port(ss_addr *a, uint16_t port) {
  if (is4(a))
    a->u.in4.sin_port = htons(port);
  else
    a->u.in6.sin6_port = htons(port);
}

bool ss_addr_same_ip(const ss_addr *a, const ss_addr *b) {
  if (a->u.sa.sa_family != b->u.sa.sa_family)
    return false;
  if (is4(a))
    return ip4(a) == ip4(b);
  return a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
         memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0;
}

bool ss_addr_eq(const ss_addr *a, const ss_addr *b) {
  return a->proto == b->proto && ss_addr_port(a) == ss_addr_port(b) &&
         ss_addr_same_ip(a, b);
}

uint64_t ss_addr_hash(uint64_t h, const ss_addr *a) {
  uint32_t key[6] = {(uint32_t)a->proto << 16 | ss_addr_port(a)};
  if (is4(a))
    return ss_hash_add_u64(h, (uint64_t)key[0] << 32 | ip4(a));
  memcpy(key + 1, &a->u.in6.sin6_addr, 16);
  key[5] = a->u.in6.sin6_scope_id;
  return ss_hash_add(h, (ss_str){(const char *)key, sizeof key});
}

uint64_t ss_addr_source(const ss_addr *a) {
  if (is4(a))
    return ss_hash_add_u64(4, ip4(a));
  return ss_hash_add(6, (ss_str){(const char *)&a->u.in6.sin6_addr, 8});
}

bool ss_addr_is_any(const ss_addr *a) {
  if (is4(a))
    return ip4(a) == INADDR_ANY;
  return IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

bool ss_addr_sendable(const ss_addr *a) {
  if (ss_addr_port(a) == 0)
    return false;
  if (is4(a)) {
    uint32_t ip = ip4(a);
    /* 0/8 is "this network" (RFC 1122 3.2.1.3), 224/4 multicast. */
    return ip >> 24 != 0 && ip >> 28 != 14 && ip != INADDR_BROADCAST;
  }
  if (a->u.sa.sa_family != AF_INET6)
    return false;
  /* A mapped IPv4 address would get around the tests above. */
  return !ss_addr_is_any(a) && !IN6_IS_ADDR_MULTICAST(&a->u.in6.sin6_addr) &&
         !IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr);
}

bool ss_addr_is_loopback(const ss_addr *a) {
  if (is4(a))
    return ip4(a) >> 24 == 127;
  return IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
}

bool ss_addr_is_private(const ss_addr *a) {
  if (is4(a)) {
    uint32_t ip = ip4(a);
    return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 ||
           ip >> 22 == 0x6440 >> 6 || ip >> 16 == 0xa9fe;
  }
  return IN6_IS_ADDR_LINKLOCAL(&a->u.in6.sin6_addr) ||
         (a->u.in6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
}

ss_str ss_proto_name(ss_proto proto) {
  return proto == SS_UDP ? SS_STR("udp") : SS_STR("tcp");
}

ss_str ss_proto_token(ss_proto proto) {
  return proto == SS_UDP ? SS_STR("UDP") : SS_STR("TCP");
}

/* inet_ntop(3) prints with sprintf(3): slow, where each answer has one. */
static size_t ip4_text(uint32_t ip, char *out) {
  size_t n = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    unsigned octet = ip >> shift & 255;
    if (octet >= 100)
      out[n++] = (char)('0' + octet / 100);
    if (octet >= 10)
      out[n++] = (char)('0' + octet / 10 % 10);
    out[n++] = (char)('0' + octet % 10);
    out[n++] = shift ? '.' : '\0';
  }
  return n - 1;
}

ss_str ss_addr_ip_text(const ss_addr *a, bool brackets,
                       char out[SS_ADDR_TEXT]) {
  bool wrap = brackets && !is4(a);
  size_t n;
  if (is4(a))
    return (ss_str){out, ip4_text(ip4(a), out)};
  if (!inet_ntop(a->u.sa.sa_family, &a->u.in6.sin6_addr, out + wrap,
                 SS_ADDR_TEXT - 2))
    out[wrap] = '\0'; /* no address at all */
  n = strlen(out + wrap) + wrap;
  if (wrap) {
    out[0] = '[';
    out[n++] = ']';
    out[n] = '\0';
  }
  return (ss_str){out, n};
}

ss_str ss_addr_text(const ss_addr *a, char out[SS_ADDR_TEXT]) {
  char ip[SS_ADDR_TEXT];
  int n;
  ss_addr_ip_text(a, true, ip);
  n = snprintf(out, SS_ADDR_TEXT, "%s:%.50s:%u", ss_proto_name(a->proto).p, ip,
               (unsigned)ss_addr_port(a));
  return (ss_str){out, (size_t)n};
}
