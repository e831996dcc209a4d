/* The part of transports that all drivers share: opening and closing, paths,
 * and the calls into the sink. What a transport is made of is in conn.h. */
#include "net/transport.h"
#include "base/error.h"
#include "net/conn.h"

int ss_transport_open(ss_loop *loop, const ss_addr *addr,
                      const ss_limits *limits, const ss_sink *sink, void *arg,
                      ss_transport **out) {
  int rc = loop->ops->listen(loop, addr, limits, sink, arg, out);
  if (rc == 0 && !loop->turning)
    loop->ops->wake(loop);
  return rc;
}

void ss_transport_close(ss_transport *t) {
  ss_loop *loop;
  if (!t || t->closed)
    return;
  loop = t->loop;
  t->closed = true;
  t->ops->close(t);
  if (!loop->turning)
    loop->ops->wake(loop);
}

const ss_addr *ss_transport_local(const ss_transport *t) {
  return &t->local;
}

size_t ss_transport_connections(const ss_transport *t) {
  return t->connections;
}

int ss_transport_init(ss_transport *t, const ss_transport_ops *ops,
                      ss_loop *loop, const ss_addr *local,
                      const ss_limits *limits, const ss_sink *sink, void *arg) {
  t->ops = ops;
  t->loop = loop;
  t->local = *local;
  t->limits = *limits;
  t->sink = *sink;
  t->arg = arg;
  ss_list_init(&t->conns);
  if (local->proto == SS_UDP)
    return 0;
  t->pong = ss_packet_new(SS_STR("\r\n"));
  if (!t->pong)
    return SS_ENOMEM;
  int rc = ss_hash_init(&t->by_peer);
  return rc ? rc : ss_hash_init(&t->sources);
}

void ss_transport_fini(ss_transport *t) {
  ss_packet_unref(t->pong);
  ss_hash_free(&t->by_peer);
  ss_hash_free(&t->sources);
}

void ss_transport_wire(ss_transport *t, bool out, const ss_addr *peer,
                       const char *p, size_t n) {
  if (t->sink.wire)
    t->sink.wire(t->arg, out, peer, p, n);
}

void ss_transport_refused(ss_transport *t, ss_conn *c, const ss_addr *peer,
                          ss_refusal why, ss_str head) {
  ss_path path = {t, c, *peer};
  t->sink.refused(t->arg, &path, why, head);
}

bool ss_transport_full(ss_transport *t, const ss_addr *peer) {
  ss_hnode *n = ss_hash_first(&t->sources, ss_addr_source(peer));
  if (t->connections < t->limits.connections &&
      (!n || SS_CONTAINER(n, ss_source, node)->connections <
                 t->limits.connections_per_source))
    return false;
  ss_transport_refused(t, NULL, peer, SS_REFUSED_CONNECTIONS, SS_STR_NONE);
  return true;
}

ss_admission ss_transport_admission(ss_transport *t, const ss_addr *peer) {
  ss_admission how = t->sink.admit ? t->sink.admit(t->arg, peer) : SS_ADMIT;
  /* they must not keep out who may stay */
  if (how != SS_ADMIT_BRIEFLY || t->connections < t->limits.connections / 2)
    return how;
  ss_transport_refused(t, NULL, peer, SS_REFUSED_CONNECTIONS, SS_STR_NONE);
  return SS_ADMIT_NOT;
}

void ss_transport_received(ss_transport *t, const ss_addr *peer, const char *p,
                           size_t n) {
  ss_path path = {t, NULL, *peer};
  ss_transport_wire(t, false, peer, p, n);
  if (t->closed)
    return;
  if (n > t->limits.message_size)
    ss_transport_refused(t, NULL, peer, SS_REFUSED_SIZE, (ss_str){p, n});
  else
    t->sink.message(t->arg, &path, p, n);
}

int ss_path_send(const ss_path *path, ss_packet *packet) {
  ss_transport *t = path->transport;
  int rc;
  if (ss_path_lost(path))
    return SS_ECLOSED;
  if (path->conn) {
    rc = ss_conn_send(path->conn, packet);
  } else if (t->closed || !t->ops->send) {
    rc = SS_ECLOSED;
  } else if (!ss_addr_sendable(&path->peer)) {
    rc = -EADDRNOTAVAIL;
  } else if (path->peer.u.sa.sa_family != t->local.u.sa.sa_family) {
    rc = -EAFNOSUPPORT;
  } else {
    rc = t->ops->send(t, &path->peer, packet);
  }
  if (rc == 0)
    ss_transport_wire(t, true, &path->peer, packet->p, packet->n);
  return rc;
}

static ss_conn *find(const ss_transport *t, const ss_addr *peer, uint64_t h) {
  ss_hnode *n = ss_hash_first(&t->by_peer, h);
  for (; n; n = ss_hash_next(&t->by_peer, n)) {
    ss_conn *c = SS_CONTAINER(n, ss_conn, node);
    if (ss_addr_eq(&c->peer, peer))
      return c;
  }
  return NULL;
}

int ss_path_to(ss_transport *t, const ss_addr *peer, ss_path *path) {
  ss_path to = {t, NULL, *peer};
  int rc;
  if (peer->proto != t->local.proto ||
      peer->u.sa.sa_family != t->local.u.sa.sa_family)
    return -EAFNOSUPPORT;
  if (!ss_addr_sendable(peer))
    return -EADDRNOTAVAIL;
  if (t->closed)
    return SS_ECLOSED;
  if (t->ops->connect) {
    to.conn = find(t, peer, ss_addr_hash(0, peer));
    if (!to.conn) {
      if (t->connections >= t->limits.connections)
        return SS_ELIMIT;
      rc = t->ops->connect(t, peer, &to.conn);
      if (rc != 0)
        return rc;
      if (!t->loop->turning)
        t->loop->ops->wake(t->loop);
    }
    ss_conn_ref(to.conn);
  }
  *path = to;
  return 0;
}

void ss_path_local(const ss_path *path, ss_addr *local) {
  ss_transport *t = path->transport;
  *local = t->local;
  if (ss_addr_is_any(local) && t->ops->local)
    t->ops->local(t, path, local);
}

void ss_path_hold(ss_path *path) {
  if (path->conn)
    ss_conn_ref(path->conn);
}

void ss_path_release(ss_path *path) {
  if (path->conn)
    ss_conn_unref(path->conn);
  *path = (ss_path){0};
}

bool ss_path_lost(const ss_path *path) {
  return path->conn && path->conn->state == SS_CONN_LOST;
}

void ss_path_dismiss(const ss_path *path) {
  if (path->conn)
    ss_conn_dismiss(path->conn);
}

bool ss_path_ended(const ss_path *path) {
  return path->conn && (path->conn->eof || ss_path_lost(path));
}

void ss_path_watch(const ss_path *path, ss_watch *watch) {
  if (path->conn && !ss_path_lost(path))
    ss_list_append(&path->conn->watchers, &watch->node);
}
