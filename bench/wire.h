/* How the load reaches the server on the loopback interface: datagrams from one
 * socket, or over so many TCP connections. Whole messages in and out. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#define WIRE_SPACE 2048 /* of a message that is sent */

/* connections: of TCP; 0 for UDP. */
bool wire_open(int port, unsigned connections);

/* Our port: that of the first connection. */
int wire_port(void);

/* Goes out with the next wire_flush, or before it. All messages of a call take
 * the same connection. */
void wire_send(size_t call, const char *text, size_t n);
void wire_flush(void);

/* All that has come, each NUL-terminated. */
void wire_receive(void (*on_message)(const char *text));

/* For something to come, at most so long. */
void wire_wait(int ms);

#endif
