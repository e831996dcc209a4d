/* Scripted peers of the in-memory network: an address whose messages go to a
 * handler. What they send goes straight over the wire; a stream is made by the
 * first send, and what comes over it is framed before the handler sees it. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/mnet.h"

static void peer_free(ss_mtrash *trash) {
  ss_free(SS_CONTAINER(trash, ss_mpeer, trash));
}

int ss_mpeer_open(ss_memory *m, const ss_addr *addr,
                  const ss_mpeer_handler *handler, void *arg, ss_mpeer **out) {
  ss_mpeer *p = ss_alloc(sizeof *p);
  int rc;
  if (!p)
    return SS_ENOMEM;
  p->m = m;
  p->handler = *handler;
  p->arg = arg;
  p->trash.free = peer_free;
  p->port.addr = *addr;
  p->port.peer = p;
  ss_list_init(&p->streams);
  rc = ss_mnet_bind(m, &p->port);
  if (rc != 0) {
    ss_free(p);
    return rc;
  }
  ss_list_append(&m->peers, &p->node);
  *out = p;
  return 0;
}

static void stream_free(ss_mtrash *trash) {
  ss_mstream *s = SS_CONTAINER(trash, ss_mstream, trash);
  ss_frame_free(&s->frame);
  ss_free(s);
}

ss_mstream *ss_mstream_new(ss_mpeer *p) {
  ss_mstream *s = ss_alloc(sizeof *s);
  if (!s)
    return NULL;
  s->peer = p;
  s->trash.free = stream_free;
  ss_frame_init(&s->frame);
  ss_list_append(&p->streams, &s->node);
  return s;
}

void ss_mstream_close(ss_mstream *s) {
  ss_memory *m = s->peer->m;
  s->peer = NULL;
  ss_list_remove(&s->node);
  if (s->link)
    ss_mlink_detach(s->link, s->side);
  ss_mnet_trash(m, &s->trash);
}

/* A peer takes messages of any size; it stands for what is well-behaved. */
void ss_mstream_bytes(ss_mstream *s, ss_str bytes) {
  static const ss_limits limits = {.message_size = UINT32_MAX,
                                   .header_size = UINT32_MAX};
  ss_addr from = *ss_mlink_addr(s->link, !s->side);
  ss_frame_event event;
  ss_str text;
  if (ss_frame_feed(&s->frame, bytes.p, bytes.n) != 0) {
    ss_mstream_ended(s);
    return;
  }
  while (s->peer) {
    event = ss_frame_next(&s->frame, &limits, &text);
    if (event == SS_FRAME_MESSAGE)
      s->peer->handler.message(s->peer->arg, &from, text);
    else if (event != SS_FRAME_PING)
      break;
  }
}

void ss_mstream_ended(ss_mstream *s) {
  ss_mpeer *p = s->peer;
  ss_addr from = *ss_mlink_addr(s->link, !s->side);
  ss_mstream_close(s);
  if (p->handler.closed)
    p->handler.closed(p->arg, &from);
}

static ss_mstream *find(const ss_mpeer *p, const ss_addr *to) {
  for (ss_list *n = p->streams.prev; n != &p->streams; n = n->prev) {
    ss_mstream *s = SS_CONTAINER(n, ss_mstream, node);
    if (!s->shut && ss_addr_eq(ss_mlink_addr(s->link, !s->side), to))
      return s;
  }
  return NULL;
}

static int send_stream(ss_mpeer *p, const ss_addr *to, ss_packet *packet) {
  ss_mstream *s = find(p, to);
  if (!s) {
    int rc;
    s = ss_mstream_new(p);
    if (!s)
      return SS_ENOMEM;
    rc = ss_mlink_from_peer(s, to);
    if (rc != 0) {
      ss_mstream_close(s);
      return rc;
    }
  }
  return ss_mlink_send(s->link, !s->side, packet);
}

int ss_mpeer_send(ss_mpeer *p, const ss_addr *to, ss_str bytes) {
  ss_addr from = p->port.addr, dest = *to;
  ss_packet *packet;
  int rc;
  if (dest.proto != from.proto)
    return -EAFNOSUPPORT;
  packet = ss_packet_new(bytes);
  if (!packet)
    return SS_ENOMEM;
  ss_memory_flush(p->m); /* what was sent before this leaves before it */
  if (!ss_list_linked(&p->node)) /* a hook has closed it */
    rc = SS_ECLOSED;
  else if (dest.proto == SS_UDP)
    rc = ss_mnet_datagram(p->m, &from, &dest, packet);
  else
    rc = send_stream(p, &dest, packet);
  ss_packet_unref(packet);
  return rc;
}

void ss_mpeer_shut(ss_mpeer *p, const ss_addr *to) {
  ss_mstream *s = find(p, to);
  if (!s)
    return;
  s->shut = true;
  ss_mlink_end(s->link, !s->side);
}

void ss_mpeer_close(ss_mpeer *p) {
  if (!p)
    return;
  while (!ss_list_empty(&p->streams))
    ss_mstream_close(SS_CONTAINER(p->streams.next, ss_mstream, node));
  ss_hash_remove(&p->m->ports, &p->port.node);
  ss_list_remove(&p->node);
  ss_mnet_trash(p->m, &p->trash);
}
