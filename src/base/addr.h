/* Transport addresses: protocol, IP address, port; and their text form
 * "udp:127.0.0.1:5060", "tcp:[::1]:5060". IP literals only: names are
 * resolved elsewhere. */
#ifndef SS_BASE_ADDR_H
#define SS_BASE_ADDR_H

#include "base/str.h"
#include <netinet/in.h>
#include <sys/socket.h>

typedef enum ss_proto { SS_UDP, SS_TCP } ss_proto;

typedef struct ss_addr {
  ss_proto proto;
  union {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
  } u;
} ss_addr;

#define SS_ADDR_TEXT 64 /* room for any text form, with its NUL */

/* "udp:host:port", the port optional (5060); SS_ESYNTAX. */
int ss_addr_parse(ss_addr *a, ss_str text);
/* An IPv4 or IPv6 literal, the latter with or without brackets. */
int ss_addr_ip(ss_addr *a, ss_proto proto, ss_str ip, uint16_t port);
void ss_addr_from(ss_addr *a, ss_proto proto, const struct sockaddr *sa);
socklen_t ss_addr_len(const ss_addr *a);
uint16_t ss_addr_port(const ss_addr *a);
void ss_addr_set_port(ss_addr *a, uint16_t port);
bool ss_addr_eq(const ss_addr *a, const ss_addr *b); /* all three */
bool ss_addr_same_ip(const ss_addr *a, const ss_addr *b);
uint64_t ss_addr_hash(uint64_t h, const ss_addr *a);
/* Of whose address it is: the IPv4 address, or the first 64 bits of the IPv6
 * one, which are one subscriber's (RFC 6177). Not of protocol and port. */
uint64_t ss_addr_source(const ss_addr *a);
/* May a packet be sent there: not port 0, not broadcast, multicast nor the
 * unspecified address (security.md SR12). */
bool ss_addr_sendable(const ss_addr *a);
bool ss_addr_is_any(const ss_addr *a);
bool ss_addr_is_loopback(const ss_addr *a);
bool ss_addr_is_private(const ss_addr *a); /* RFC 1918, 6598, ULA, link-local */
ss_str ss_proto_name(ss_proto proto);      /* "udp" */
ss_str ss_proto_token(ss_proto proto);     /* "UDP", as in a Via */
/* Both return the slice of `out` they wrote. */
ss_str ss_addr_text(const ss_addr *a, char out[SS_ADDR_TEXT]);
/* The IP alone; IPv6 in brackets where `brackets` asks for them. */
ss_str ss_addr_ip_text(const ss_addr *a, bool brackets, char out[SS_ADDR_TEXT]);

#endif
