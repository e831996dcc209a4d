/* The in-memory network: its loop with the virtual clock, its wire, and
 * datagrams on it. What is on its way is a timer of a second wheel, so that it
 * arrives in order of time and then of sending. What a transport sends waits in
 * the outbox for the end of the batch: hooks may do anything, so none is called
 * in the middle of whoever sends. Streams are in mlink.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/mnet.h"

#define START 0 /* ms */
#define FIRST_FREE_PORT 49152

typedef struct mdgram {
  ss_transport base;
  ss_mport port;
  ss_mtrash trash;
} mdgram;

static ss_memory *of(const ss_loop *loop) {
  return SS_CONTAINER(loop, ss_memory, loop);
}

/* splitmix64 (Steele, Lea, Flood, 2014): the same numbers everywhere. */
static uint64_t draw(ss_memory *m) {
  uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static bool chance(ss_memory *m, double rate) {
  return (double)(draw(m) >> 11) * 0x1p-53 < rate;
}

ss_mport *ss_mnet_find(const ss_memory *m, const ss_addr *addr) {
  ss_hnode *n = ss_hash_first(&m->ports, ss_addr_hash(0, addr));
  for (; n; n = ss_hash_next(&m->ports, n)) {
    ss_mport *port = SS_CONTAINER(n, ss_mport, node);
    if (ss_addr_eq(&port->addr, addr))
      return port;
  }
  return NULL;
}

int ss_mnet_bind(ss_memory *m, ss_mport *port) {
  if (ss_addr_is_any(&port->addr))
    return -EADDRNOTAVAIL;
  if (ss_addr_port(&port->addr) == 0) {
    do {
      ss_addr_set_port(&port->addr, m->free_port);
      m->free_port =
          m->free_port < 65535 ? (uint16_t)(m->free_port + 1) : FIRST_FREE_PORT;
    } while (ss_mnet_find(m, &port->addr));
  } else if (ss_mnet_find(m, &port->addr)) {
    return -EADDRINUSE;
  }
  ss_hash_insert(&m->ports, &port->node, ss_addr_hash(0, &port->addr));
  return 0;
}

void ss_mnet_trash(ss_memory *m, ss_mtrash *trash) {
  ss_list_append(&m->trash, &trash->node);
}

static void empty_trash(ss_memory *m) {
  ss_list *node;
  while ((node = ss_list_shift(&m->trash))) {
    ss_mtrash *trash = SS_CONTAINER(node, ss_mtrash, node);
    trash->free(trash);
  }
}

bool ss_mnet_lost(ss_memory *m, const ss_addr *from, const ss_addr *to,
                  ss_str text, bool lost) {
  if (m->hooks.drop && m->hooks.drop(m->arg, from, to, text))
    lost = true;
  if (m->hooks.sent)
    m->hooks.sent(m->arg, m->loop.now, from, to, text, lost);
  return lost;
}

void ss_mnet_post(ss_memory *m, ss_mevent *e, ss_timer_fn fn, uint64_t delay) {
  e->m = m;
  e->timer.fn = fn;
  if (e->packet)
    m->in_flight++;
  ss_list_append(&m->events, &e->all);
  ss_timer_start(&m->wire, &e->timer, m->loop.now - m->wire.now + delay);
}

void ss_mnet_took(ss_mevent *e) {
  ss_timer_stop(&e->m->wire, &e->timer);
  ss_list_remove(&e->all);
  if (e->packet)
    e->m->in_flight--;
}

void ss_mnet_release(ss_mevent *e) {
  ss_mlink *link = e->link;
  bool own = !link || e->packet;
  ss_packet_unref(e->packet);
  if (own)
    ss_free(e);
  if (link)
    ss_mlink_unref(link);
}

static void arrived(ss_timer *timer) {
  ss_mevent *e = SS_CONTAINER(timer, ss_mevent, timer);
  ss_packet *packet = e->packet;
  ss_mport *port = ss_mnet_find(e->m, &e->to);
  ss_mnet_took(e);
  if (port && port->transport)
    ss_transport_received(port->transport, &e->from, packet->p, packet->n);
  else if (port)
    port->peer->handler.message(port->peer->arg, &e->from,
                                (ss_str){packet->p, packet->n});
  ss_mnet_release(e);
}

/* Made where it is sent, so that a lack of memory is told there. */
static ss_mevent *new_datagram(ss_memory *m, const ss_addr *from,
                               const ss_addr *to, ss_packet *packet) {
  ss_mevent *e = ss_alloc(sizeof *e);
  if (!e)
    return NULL;
  e->m = m;
  e->from = *from;
  e->to = *to;
  e->packet = ss_packet_ref(packet);
  return e;
}

/* The numbers are drawn whatever the rates are: changing one rate leaves what
 * the others hit as it was. */
static void datagram_leaves(ss_mevent *e) {
  ss_memory *m = e->m;
  bool lost = chance(m, m->impair.loss);
  bool twice = chance(m, m->impair.duplicate);
  bool late = chance(m, m->impair.reorder);
  uint64_t delay = m->impair.delay_ms, extra = 1 + draw(m) % 20;
  ss_str text = {e->packet->p, e->packet->n};
  ss_mevent *again;
  if (ss_mnet_lost(m, &e->from, &e->to, text, lost)) {
    ss_mnet_release(e);
    return;
  }
  again = twice ? new_datagram(m, &e->from, &e->to, e->packet) : NULL;
  ss_mnet_post(m, e, arrived, late ? delay + extra : delay);
  if (again)
    ss_mnet_post(m, again, arrived, delay);
}

int ss_mnet_datagram(ss_memory *m, const ss_addr *from, const ss_addr *to,
                     ss_packet *packet) {
  ss_mevent *e = new_datagram(m, from, to, packet);
  if (!e)
    return SS_ENOMEM;
  datagram_leaves(e);
  return 0;
}

/* --- the outbox ----------------------------------------------------------- */

void ss_mnet_queue(ss_memory *m, ss_mevent *e) {
  if (e->packet)
    m->in_flight++;
  ss_list_append(&m->outbox, &e->all);
  ss_loop_flush_later(&m->loop, &m->flush);
}

static ss_mevent *shift_outbox(ss_memory *m) {
  ss_list *node = ss_list_shift(&m->outbox);
  ss_mevent *e = node ? SS_CONTAINER(node, ss_mevent, all) : NULL;
  if (e && e->packet)
    m->in_flight--;
  return e;
}

/* One at a time: hooks may send more, and close who has sent the others. */
static void flush(ss_job *job) {
  ss_memory *m = SS_CONTAINER(job, ss_memory, flush);
  bool was = m->leaving;
  ss_mevent *e;
  ss_job_cancel(job);
  m->leaving = true;
  while ((e = shift_outbox(m))) {
    if (e->link)
      ss_mlink_leaves(e);
    else
      datagram_leaves(e);
  }
  m->leaving = was;
}

void ss_memory_flush(ss_memory *m) {
  if (!m->leaving)
    flush(&m->flush);
}

/* --- datagrams' transports ------------------------------------------------ */

static int dgram_send(ss_transport *t, const ss_addr *peer, ss_packet *packet) {
  ss_memory *m = of(t->loop);
  ss_mevent *e = new_datagram(m, &t->local, peer, packet);
  if (!e)
    return SS_ENOMEM;
  ss_mnet_queue(m, e);
  return 0;
}

static void dgram_free(ss_mtrash *trash) {
  mdgram *d = SS_CONTAINER(trash, mdgram, trash);
  ss_transport_fini(&d->base);
  ss_free(d);
}

static void dgram_close(ss_transport *t) {
  mdgram *d = SS_CONTAINER(t, mdgram, base);
  ss_hash_remove(&of(t->loop)->ports, &d->port.node);
  ss_mnet_trash(of(t->loop), &d->trash);
}

static int dgram_listen(ss_memory *m, const ss_addr *addr,
                        const ss_limits *limits, const ss_sink *sink, void *arg,
                        ss_transport **out) {
  static const ss_transport_ops ops = {.close = dgram_close,
                                       .send = dgram_send};
  mdgram *d = ss_alloc(sizeof *d);
  int rc;
  if (!d)
    return SS_ENOMEM;
  d->trash.free = dgram_free;
  d->port.addr = *addr;
  d->port.transport = &d->base;
  rc = ss_mnet_bind(m, &d->port);
  if (rc == 0)
    rc = ss_transport_init(&d->base, &ops, &m->loop, &d->port.addr, limits,
                           sink, arg);
  if (rc != 0) {
    ss_hash_remove(&m->ports, &d->port.node);
    dgram_free(&d->trash);
    return rc;
  }
  *out = &d->base;
  return 0;
}

static uint64_t next_due(const ss_memory *m) {
  uint64_t a = ss_wheel_next(&m->wire), b = ss_wheel_next(&m->loop.wheel);
  return a < b ? a : b;
}

static void end_turn(ss_memory *m) {
  ss_loop_settle(&m->loop);
  m->loop.turning = false;
  empty_trash(m);
}

bool ss_memory_step(ss_memory *m, uint64_t until) {
  ss_list arrivals, timers;
  uint64_t at;
  if (m->loop.turning)
    return false;
  if (ss_loop_busy(&m->loop)) { /* put off between turns: due now */
    m->loop.turning = true;
    end_turn(m);
    return true;
  }
  at = next_due(m);
  if (at > until || at == UINT64_MAX) {
    at = until;
    if (at != UINT64_MAX && at > m->loop.now) {
      m->loop.now = at < SS_WHEEL_END ? at : SS_WHEEL_END - 1;
      ss_wheel_advance(&m->wire, m->loop.now);
      ss_wheel_advance(&m->loop.wheel, m->loop.now);
    }
    return false;
  }
  if (at > m->loop.now)
    m->loop.now = at;
  m->loop.turning = true;
  ss_list_init(&arrivals);
  ss_list_init(&timers);
  /* Both first, so that what is started now is left for the next step. */
  ss_wheel_collect(&m->wire, m->loop.now, &arrivals);
  ss_wheel_collect(&m->loop.wheel, m->loop.now, &timers);
  ss_wheel_fire(&m->wire, &arrivals);
  ss_loop_gathered(&m->loop);
  ss_wheel_fire(&m->loop.wheel, &timers);
  end_turn(m);
  return true;
}

static uint64_t clock_now(const ss_loop *loop) {
  return loop->now;
}

static void wake(ss_loop *loop) {
  (void)loop; /* a step looks at everything */
}

static int listen_on(ss_loop *loop, const ss_addr *addr,
                     const ss_limits *limits, const ss_sink *sink, void *arg,
                     ss_transport **out) {
  if (addr->proto == SS_UDP)
    return dgram_listen(of(loop), addr, limits, sink, arg, out);
  return ss_mlink_listen(of(loop), addr, limits, sink, arg, out);
}

static bool alive(const ss_loop *loop) {
  return loop->wheel.count || of(loop)->wire.count || ss_loop_busy(loop);
}

static int run(ss_loop *loop, ss_run_mode mode) {
  ss_memory *m = of(loop);
  uint64_t until = mode == SS_RUN_NOWAIT ? loop->now : UINT64_MAX;
  while (ss_memory_step(m, until) && mode != SS_RUN_ONCE && !loop->stopping)
    continue;
  return alive(loop) ? 1 : 0;
}

static void close_memory(ss_loop *loop) {
  ss_memory *m = of(loop);
  ss_mevent *e;
  while (!ss_list_empty(&m->peers))
    ss_mpeer_close(SS_CONTAINER(m->peers.next, ss_mpeer, node));
  while ((e = shift_outbox(m)))
    ss_mnet_release(e);
  while (!ss_list_empty(&m->events)) {
    e = SS_CONTAINER(m->events.next, ss_mevent, all);
    ss_mnet_took(e);
    ss_mnet_release(e);
  }
  empty_trash(m);
  ss_hash_free(&m->ports);
  ss_free(m);
}

int ss_memory_open(ss_memory **out, uint64_t seed) {
  static const ss_loop_ops ops = {
      .clock = clock_now,
      .wake = wake,
      .listen = listen_on,
      .run = run,
      .alive = alive,
      .close = close_memory,
  };
  ss_memory *m = ss_alloc(sizeof *m);
  if (!m)
    return SS_ENOMEM;
  if (ss_hash_init(&m->ports) != 0) {
    ss_free(m);
    return SS_ENOMEM;
  }
  ss_loop_init(&m->loop, &ops, START);
  ss_wheel_init(&m->wire, START);
  ss_list_init(&m->outbox);
  ss_list_init(&m->events);
  ss_list_init(&m->trash);
  ss_list_init(&m->peers);
  m->flush.fn = flush;
  m->random = seed;
  m->free_port = FIRST_FREE_PORT;
  *out = m;
  return 0;
}

ss_loop *ss_memory_loop(ss_memory *m) {
  return &m->loop;
}

void ss_memory_set_hooks(ss_memory *m, const ss_memory_hooks *hooks,
                         void *arg) {
  m->hooks = hooks ? *hooks : (ss_memory_hooks){0};
  m->arg = arg;
}

void ss_memory_set_impair(ss_memory *m, const ss_impair *impair) {
  m->impair = impair ? *impair : (ss_impair){0};
}

size_t ss_memory_in_flight(const ss_memory *m) {
  return m->in_flight;
}
