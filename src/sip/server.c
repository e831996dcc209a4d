/* What both server transactions share: making and ending them, sending over
 * the path the request came by, and over a new connection when that one is
 * gone (RFC 3261 18.2.2, 17.2.4). */
#include "sip/layer.h"

#include "base/alloc.h"

static void on_timer(ss_timer *timer) {
  ss_server *s = SS_CONTAINER(timer, ss_server, timer);
  if (s->invite)
    ss_invite_timer(s);
  else
    ss_other_timer(s);
}

static void on_lost(ss_watch *watch, int rc);

ss_server *ss_server_new(ss_layer *l, const ss_path *path, ss_message *m,
                         const ss_keys *keys, bool apart) {
  const ss_via *via;
  if (ss_message_via(m, &via))
    return NULL;
  ss_server *s = ss_alloc(sizeof *s);
  if (!s)
    return NULL;
  s->layer = l;
  s->own = keys->own;
  s->cseq = m->cseq;
  s->method = (uint8_t)m->method;
  s->tagged = ss_message_has_to_tag(m);
  s->apart = apart;
  s->invite = m->method == SS_INVITE;
  s->state = s->invite ? SS_SERVER_PROCEEDING : SS_SERVER_TRYING;
  s->timer.fn = on_timer;
  s->lost.lost = on_lost;
  s->source = path->peer;
  s->sent_by_port = via->port ? via->port : 5060;
  s->path = *path;
  ss_path_hold(&s->path);
  /* RFC 3261 18.2.2, RFC 3581 4: over UDP to the port it came from where rport
   * asks for it, else to the one in sent-by; always to the IP it came from */
  if (!s->path.conn && !via->rport)
    ss_addr_set_port(&s->path.peer, s->sent_by_port);
  s->request = ss_message_ref(m);
  uint64_t h = keys->family;
  if (apart)
    h = ss_keys_whole(h, s->own).h;
  ss_hash_insert(&l->servers, &s->node, h);
  l->apart += apart;
  ss_path_watch(&s->path, &s->lost);
  if (s->invite) /* 17.2.1: a 100 unless something is said within 200 ms */
    ss_server_arm(s, 200);
  return s;
}

void ss_server_free(ss_server *s) {
  ss_loop_timer_stop(s->layer->loop, &s->timer);
  ss_watch_stop(&s->lost);
  ss_hash_remove(&s->layer->servers, &s->node);
  s->layer->apart -= s->apart;
  ss_path_release(&s->path);
  ss_packet_unref(s->last);
  ss_message_unref(s->request);
  ss_free(s);
}

void ss_server_tell_ended(ss_server *s, bool unacknowledged) {
  const ss_server_watch *watch = s->watch;
  void *arg = s->arg;
  ss_server_detach(s);
  if (watch)
    watch->ended(arg, unacknowledged);
}

void ss_server_end(ss_server *s, bool unacknowledged) {
  const ss_server_watch *watch = s->watch;
  void *arg = s->arg;
  ss_server_free(s);
  if (watch)
    watch->ended(arg, unacknowledged);
}

static void fail(ss_server *s, int rc) {
  s->layer->count.send_errors++;
  const ss_server_watch *watch = s->watch;
  void *arg = s->arg;
  ss_server_free(s);
  if (watch)
    watch->failed(arg, rc);
}

/* New connections for answers in one second, of all transactions: a peer that
 * names another port in each request and hangs up can't make us fill the table
 * of connections with attempts. */
#define REDIALS 100

static bool may_redial(ss_layer *l) {
  uint64_t now = ss_loop_now(l->loop);
  if (now - l->redial_from >= 1000) {
    l->redial_from = now;
    l->redials = 0;
  }
  return l->redials++ < REDIALS;
}

/* A new connection to the address the request came from, at the port of its
 * sent-by. One attempt a transaction: a peer that hangs up on every answer
 * isn't called forever. */
static int reconnect(ss_server *s) {
  if (s->reconnected)
    return SS_ECLOSED;
  s->reconnected = true;
  if (!may_redial(s->layer))
    return SS_ELIMIT;
  ss_addr to = s->source;
  ss_addr_set_port(&to, s->sent_by_port);
  ss_path fresh;
  int rc = ss_path_to(s->path.transport, &to, &fresh);
  if (rc)
    return rc;
  ss_watch_stop(&s->lost);
  ss_path_release(&s->path);
  s->path = fresh;
  ss_path_watch(&s->path, &s->lost);
  return 0;
}

bool ss_server_send(ss_server *s) {
  int rc = ss_path_send(&s->path, s->last);
  if (rc == SS_ECLOSED && s->path.conn) {
    rc = reconnect(s);
    if (!rc)
      rc = ss_path_send(&s->path, s->last);
  }
  if (!rc)
    return true;
  if (!s->path.conn) { /* a datagram lost before the wire is a datagram lost */
    s->layer->count.send_errors++;
    return true;
  }
  fail(s, rc);
  return false;
}

/* The connection is gone. What was said last may not have arrived: it is said
 * again over a new one, if somebody still waits for it; not where the
 * connection was closed in order (SS_ECLOSED), when everything had left. */
static void on_lost(ss_watch *watch, int rc) {
  ss_server *s = SS_CONTAINER(watch, ss_server, lost);
  switch (s->state) {
  case SS_SERVER_TRYING:
  case SS_SERVER_PROCEEDING:
    if (s->reconnected)
      fail(s, rc);
    break; /* else the answer, when there is one, opens a new one */
  case SS_SERVER_COMPLETED:
  case SS_SERVER_ACCEPTED:
    if (!s->last || rc == SS_ECLOSED)
      break;
    if (s->reconnected)
      fail(s, rc);
    else
      ss_server_send(s);
    break;
  case SS_SERVER_CONFIRMED:
    break;
  }
}

void ss_server_arm(ss_server *s, uint32_t ms) {
  ss_loop_timer(s->layer->loop, &s->timer, ms);
}

void ss_server_arm_last(ss_server *s, uint32_t ms) {
  ss_loop_timer_line_up(s->layer->loop, &s->timer, ms);
}

void ss_server_attach(ss_server *s, const ss_server_watch *watch, void *arg) {
  s->watch = watch;
  s->arg = arg;
}

void ss_server_detach(ss_server *s) {
  s->watch = NULL;
  s->arg = NULL;
}

void *ss_server_arg(const ss_server *s) {
  return s->arg;
}

const ss_server_watch *ss_server_watched(const ss_server *s) {
  return s->watch;
}

ss_message *ss_server_request(const ss_server *s) {
  return s->request;
}

const ss_path *ss_server_path(const ss_server *s) {
  return &s->path;
}

const ss_addr *ss_server_source(const ss_server *s) {
  return &s->source;
}

ss_str ss_server_tag(const ss_server *s) {
  return *s->tag ? (ss_str){s->tag, sizeof s->tag} : SS_STR_NONE;
}

bool ss_server_merged(const ss_server *s) {
  return s->merged;
}

bool ss_server_answered(const ss_server *s) {
  return s->last != NULL;
}

int ss_server_reply(ss_server *s, ss_reply *reply) {
  if (!s->request || s->state > SS_SERVER_PROCEEDING)
    return SS_ESTATE;
  reply->source = &s->source;
  ss_buf b = SS_BUF_ON(s->layer->scratch, sizeof s->layer->scratch);
  int rc = ss_render_reply(&b, s->request, reply);
  if (rc)
    return rc;
  ss_packet *packet = ss_packet_new(ss_buf_view(&b));
  if (!packet) {
    s->layer->count.out_of_memory++;
    return SS_ENOMEM;
  }
  if (reply->code > 100 && reply->to_tag.n == sizeof s->tag)
    memcpy(s->tag, reply->to_tag.p, sizeof s->tag);
  ss_packet_unref(s->last);
  s->last = packet;
  if (s->invite)
    ss_invite_replied(s, reply->code);
  else
    ss_other_replied(s, reply->code);
  return 0;
}

int ss_server_refuse(ss_server *s, ss_reply *reply) {
  if (s->last || !s->request)
    return ss_server_reply(s, reply);
  ss_path path = s->path; /* its connection is held until s goes */
  path.peer = s->source;
  int rc = ss_layer_refuse(s->layer, &path, s->request, reply->code,
                           reply->reason, reply->own);
  if (rc == SS_ENOMEM)
    s->layer->count.out_of_memory++;
  uint64_t h = s->node.hash;
  if (reply->code == 503)
    ss_layer_remember(s->layer, &path,
                      s->apart ? (ss_hash128){h, s->own}
                               : ss_keys_whole(h, s->own));
  ss_server_free(s);
  return 0;
}

void ss_server_drop(ss_server *s) {
  ss_server_free(s);
}

void ss_server_repeat(ss_server *s) {
  if (!s->last)
    return;
  s->layer->count.retransmissions_out++;
  ss_server_send(s);
}
