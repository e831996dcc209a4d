/* Streams of the in-memory network: a link has two ends, each a transport's
 * connection or a scripted peer's stream. Bytes and the end of a side arrive
 * in the order they were sent, after the delay; bytes that nobody is there for
 * reset the link. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/mnet.h"

typedef struct mconn {
  ss_conn base;
  ss_mlink *link;
  int side;
} mconn;

typedef struct mend {
  mconn *conn; /* one of the two, or neither: nobody there */
  ss_mstream *stream;
  ss_addr addr;
  uint64_t last; /* when the latest thing for this end arrives */
  ss_mevent end; /* the other side's end, on its way here */
  bool ended;
} mend;

struct ss_mlink {
  ss_memory *m;
  uint32_t refs; /* the ends', and each event's */
  mend side[2];  /* 0 has made the link */
  ss_mevent syn;
};

typedef struct mlistener {
  ss_transport base;
  ss_mport port;
  ss_mtrash trash;
} mlistener;

static ss_memory *memory_of(const ss_transport *t) {
  return SS_CONTAINER(t->loop, ss_memory, loop);
}

void ss_mlink_unref(ss_mlink *link) {
  if (--link->refs == 0)
    ss_free(link);
}

const ss_addr *ss_mlink_addr(const ss_mlink *link, int side) {
  return &link->side[side].addr;
}

/* Something for that side; it keeps the link. */
static ss_mevent *bound(ss_mlink *link, int side, ss_mevent *e) {
  e->link = link;
  e->side = side;
  link->refs++;
  return e;
}

/* Puts it on its way, never before what is on it. */
static void post(ss_mevent *e, ss_timer_fn fn) {
  ss_memory *m = e->link->m;
  uint64_t now = m->loop.now, due = now + m->impair.delay_ms;
  mend *to = &e->link->side[e->side];
  if (due < to->last)
    due = to->last;
  to->last = due;
  ss_mnet_post(m, e, fn, due - now);
}

static void ended(ss_timer *timer) {
  ss_mevent *e = SS_CONTAINER(timer, ss_mevent, timer);
  mend *end = &e->link->side[e->side];
  ss_mnet_took(e);
  if (end->conn)
    ss_conn_eof(&end->conn->base);
  else if (end->stream)
    ss_mstream_ended(end->stream);
  ss_mnet_release(e);
}

void ss_mlink_end(ss_mlink *link, int to_side) {
  mend *to = &link->side[to_side];
  if (to->ended)
    return;
  to->ended = true;
  ss_mnet_queue(link->m, bound(link, to_side, &to->end));
}

void ss_mlink_detach(ss_mlink *link, int side) {
  link->side[side].conn = NULL;
  link->side[side].stream = NULL;
  ss_mlink_end(link, !side);
  ss_mlink_unref(link);
}

/* Nobody is there (any more). */
static void reset(mend *end, int rc) {
  if (end->conn)
    ss_conn_lose(&end->conn->base, rc);
  else if (end->stream)
    ss_mstream_ended(end->stream);
}

static void bytes_arrived(ss_timer *timer) {
  ss_mevent *e = SS_CONTAINER(timer, ss_mevent, timer);
  ss_mlink *link = e->link;
  mend *end = &link->side[e->side];
  ss_packet *packet = e->packet;
  ss_mnet_took(e);
  if (end->conn)
    ss_conn_bytes(&end->conn->base, packet->p, packet->n);
  else if (end->stream)
    ss_mstream_bytes(end->stream, (ss_str){packet->p, packet->n});
  else
    reset(&link->side[!e->side], -ECONNRESET);
  ss_mnet_release(e);
}

static ss_mevent *new_bytes(ss_mlink *link, int to_side, ss_packet *packet) {
  ss_mevent *e = ss_alloc(sizeof *e);
  if (!e)
    return NULL;
  e->packet = ss_packet_ref(packet);
  return bound(link, to_side, e);
}

void ss_mlink_leaves(ss_mevent *e) {
  ss_mlink *link = e->link; /* its addresses stay as long as the event */
  const ss_packet *packet = e->packet;
  if (!packet)
    post(e, ended);
  else if (ss_mnet_lost(link->m, &link->side[!e->side].addr,
                        &link->side[e->side].addr,
                        (ss_str){packet->p, packet->n}, false))
    ss_mnet_release(e);
  else
    post(e, bytes_arrived);
}

int ss_mlink_send(ss_mlink *link, int to_side, ss_packet *packet) {
  ss_mevent *e = new_bytes(link, to_side, packet);
  if (!e)
    return SS_ENOMEM;
  ss_mlink_leaves(e);
  return 0;
}

static void conn_flush(ss_conn *c) {
  const mconn *mc = SS_CONTAINER(c, mconn, base);
  while (c->count) {
    ss_mevent *e = new_bytes(mc->link, !mc->side, c->out[c->first]);
    if (!e) {
      ss_conn_lose(c, SS_ENOMEM);
      return;
    }
    ss_mnet_queue(mc->link->m, e);
    ss_conn_wrote(c, e->packet->n);
  }
  ss_conn_drained(c);
}

static void conn_close(ss_conn *c, bool graceful) {
  mconn *mc = SS_CONTAINER(c, mconn, base);
  (void)graceful; /* what was sent arrives here in any case */
  ss_mlink_detach(mc->link, mc->side);
  ss_conn_gone(c);
  ss_conn_unref(c);
}

static const ss_conn_ops conn_ops = {.flush = conn_flush, .close = conn_close};

/* A connection of the transport as one end of the link. */
static mconn *attach(ss_transport *t, ss_mlink *link, int side,
                     ss_conn_state state) {
  mconn *mc = ss_alloc(sizeof *mc);
  if (!mc)
    return NULL;
  mc->link = link;
  mc->side = side;
  link->refs++;
  link->side[side].conn = mc;
  ss_conn_init(&mc->base, &conn_ops, t, &link->side[!side].addr, state);
  return mc;
}

/* 0, or why nobody takes the link. */
static int accept_link(ss_mlink *link) {
  ss_mport *port = ss_mnet_find(link->m, &link->side[1].addr);
  if (!port)
    return -ECONNREFUSED;
  if (port->peer) {
    ss_mstream *s = ss_mstream_new(port->peer);
    if (!s)
      return SS_ENOMEM;
    s->link = link;
    s->side = 1;
    link->refs++;
    link->side[1].stream = s;
    return 0;
  }
  ss_transport *t = port->transport;
  if (ss_transport_full(t, &link->side[0].addr))
    return -ECONNREFUSED;
  ss_admission how = ss_transport_admission(t, &link->side[0].addr);
  if (how == SS_ADMIT_NOT)
    return -ECONNREFUSED;
  mconn *mc = attach(t, link, 1, SS_CONN_OPEN);
  if (mc && how == SS_ADMIT_BRIEFLY)
    ss_conn_brief(&mc->base);
  return mc ? 0 : SS_ENOMEM;
}

static void requested(ss_timer *timer) {
  ss_mevent *e = SS_CONTAINER(timer, ss_mevent, timer);
  mend *from = &e->link->side[0];
  ss_mnet_took(e);
  if (from->conn || from->stream) {
    int rc = accept_link(e->link);
    if (rc != 0)
      reset(from, rc);
    else if (from->conn)
      ss_conn_opened(&from->conn->base);
  }
  ss_mnet_release(e);
}

static ss_mlink *make_link(ss_memory *m, const ss_addr *from,
                           const ss_addr *to) {
  ss_mlink *link = ss_alloc(sizeof *link);
  if (!link)
    return NULL;
  link->m = m;
  link->side[0].addr = *from;
  link->side[1].addr = *to;
  return link;
}

int ss_mlink_from_peer(ss_mstream *s, const ss_addr *to) {
  ss_memory *m = s->peer->m;
  ss_mlink *link;
  if (!ss_mnet_find(m, to))
    return -ECONNREFUSED;
  link = make_link(m, &s->peer->port.addr, to);
  if (!link)
    return SS_ENOMEM;
  s->link = link;
  s->side = 0;
  link->refs++;
  link->side[0].stream = s;
  post(bound(link, 1, &link->syn), requested);
  return 0;
}

static int connect_to(ss_transport *t, const ss_addr *peer, ss_conn **out) {
  ss_mlink *link = make_link(memory_of(t), &t->local, peer);
  mconn *mc = link ? attach(t, link, 0, SS_CONN_CONNECTING) : NULL;
  if (!mc) {
    ss_free(link);
    return SS_ENOMEM;
  }
  post(bound(link, 1, &link->syn), requested);
  *out = &mc->base;
  return 0;
}

static void listener_free(ss_mtrash *trash) {
  mlistener *l = SS_CONTAINER(trash, mlistener, trash);
  ss_transport_fini(&l->base);
  ss_free(l);
}

static void listener_close(ss_transport *t) {
  mlistener *l = SS_CONTAINER(t, mlistener, base);
  ss_memory *m = memory_of(t);
  ss_hash_remove(&m->ports, &l->port.node);
  ss_conn_close_all(t);
  ss_mnet_trash(m, &l->trash);
}

int ss_mlink_listen(ss_memory *m, const ss_addr *addr, const ss_limits *limits,
                    const ss_sink *sink, void *arg, ss_transport **out) {
  static const ss_transport_ops ops = {.close = listener_close,
                                       .connect = connect_to};
  mlistener *l = ss_alloc(sizeof *l);
  int rc;
  if (!l)
    return SS_ENOMEM;
  l->trash.free = listener_free;
  l->port.addr = *addr;
  l->port.transport = &l->base;
  rc = ss_mnet_bind(m, &l->port);
  if (rc == 0)
    rc = ss_transport_init(&l->base, &ops, &m->loop, &l->port.addr, limits,
                           sink, arg);
  if (rc != 0) {
    ss_hash_remove(&m->ports, &l->port.node);
    listener_free(&l->trash);
    return rc;
  }
  *out = &l->base;
  return 0;
}
