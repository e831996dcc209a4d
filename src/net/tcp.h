/* What the TCP listener (listener.c) and its connections (tcp.c) need of each
 * other. */
#ifndef SS_NET_TCP_H
#define SS_NET_TCP_H

#include "net/uvloop.h"

/* Makes a connection of the socket, which it owns from here on, also when it
 * fails. */
int ss_tcp_adopt(ss_transport *t, int fd, const ss_addr *peer, bool connecting,
                 ss_conn **out);
int ss_tcp_connect(ss_transport *t, const ss_addr *peer, ss_conn **out);
void ss_tcp_local(ss_transport *t, const ss_path *path, ss_addr *local);

#endif
