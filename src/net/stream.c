/* A stream connection, whatever carries it: bytes into messages (frame.c),
 * deadlines, half-closing, references and watchers. The queue of what is to be
 * written is in outbox.c. Does no I/O itself: a driver does (conn.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "net/conn.h"

#define CONNECT_MS 10000
#define DRAIN_MS 5000
/* 64*T1 (RFC 3261 17): how long answers may still come for a peer that has
 * ended its side. */
#define HALF_CLOSED_MS 32000

void ss_conn_touch(ss_conn *c) {
  uint64_t ms = (uint64_t)c->t->limits.connection_idle * 1000;
  if (c->state == SS_CONN_OPEN)
    ss_loop_timer(c->t->loop, &c->idle, c->eof ? HALF_CLOSED_MS : ms);
}

void ss_conn_ref(ss_conn *c) {
  c->refs++;
}

/* A peer that has ended its side is kept for those who may still answer. */
static bool abandoned(const ss_conn *c) {
  return c->eof && c->state == SS_CONN_OPEN && c->refs == 1 && c->count == 0;
}

void ss_conn_unref(ss_conn *c) {
  if (--c->refs == 0) {
    ss_frame_free(&c->frame);
    ss_free(c);
  } else if (abandoned(c)) {
    ss_conn_lose(c, SS_ECLOSED);
  }
}

/* Closes once what it was given to send has left. */
static void drain(ss_conn *c) {
  c->state = SS_CONN_DRAINING;
  ss_hash_remove(&c->t->by_peer, &c->node);
  ss_loop_timer_stop(c->t->loop, &c->idle);
  ss_loop_timer(c->t->loop, &c->deadline, DRAIN_MS);
  ss_loop_flush_later(c->t->loop, &c->flush);
}

/* Refuses what it says, then closes: at once, or once what it was given to
 * send for an answer has left. */
static void refuse(ss_conn *c, ss_refusal why, ss_str head) {
  bool answer = why == SS_REFUSED_SIZE || why == SS_REFUSED_LENGTH;
  ss_transport_refused(c->t, c, &c->peer, why, head);
  if (c->state == SS_CONN_LOST)
    return;
  if (!answer) {
    ss_conn_lose(c, SS_ELIMIT);
    return;
  }
  drain(c);
}

void ss_conn_brief(ss_conn *c) {
  c->brief = true;
  ss_loop_timer(c->t->loop, &c->deadline,
                (uint64_t)c->t->limits.message_time * 1000);
}

void ss_conn_dismiss(ss_conn *c) {
  if (c->brief && c->state == SS_CONN_OPEN)
    drain(c);
}

static void deadline_passed(ss_timer *timer) {
  ss_conn *c = SS_CONTAINER(timer, ss_conn, deadline);
  ss_conn_ref(c);
  if (c->state == SS_CONN_OPEN)
    refuse(c, SS_REFUSED_SLOW, SS_STR_NONE);
  else
    ss_conn_lose(c, -ETIMEDOUT);
  ss_conn_unref(c);
}

static void idle_passed(ss_timer *timer) {
  ss_conn *c = SS_CONTAINER(timer, ss_conn, idle);
  ss_conn_ref(c);
  if (c->eof)
    ss_conn_lose(c, SS_ECLOSED);
  else
    refuse(c, SS_REFUSED_IDLE, SS_STR_NONE);
  ss_conn_unref(c);
}

static void flush(ss_job *job) {
  ss_conn *c = SS_CONTAINER(job, ss_conn, flush);
  ss_conn_ref(c);
  if (c->overflow)
    refuse(c, SS_REFUSED_BACKLOG, SS_STR_NONE);
  else if (c->state != SS_CONN_CONNECTING)
    c->ops->flush(c);
  ss_conn_unref(c);
}

/* Without memory it isn't counted. */
static void enter_source(ss_conn *c) {
  ss_hash *sources = &c->t->sources;
  uint64_t hash = ss_addr_source(&c->peer);
  ss_hnode *n = ss_hash_first(sources, hash);
  ss_source *s = n ? SS_CONTAINER(n, ss_source, node) : ss_alloc(sizeof *s);
  if (!s)
    return;
  if (!n)
    ss_hash_insert(sources, &s->node, hash);
  s->connections++;
  c->source = s;
}

static void leave_source(ss_conn *c) {
  ss_source *s = c->source;
  c->source = NULL;
  if (!s || --s->connections)
    return;
  ss_hash_remove(&c->t->sources, &s->node);
  ss_free(s);
}

void ss_conn_init(ss_conn *c, const ss_conn_ops *ops, ss_transport *t,
                  const ss_addr *peer, ss_conn_state state) {
  c->ops = ops;
  c->t = t;
  c->peer = *peer;
  c->refs = 1;
  c->state = state;
  c->deadline.fn = deadline_passed;
  c->idle.fn = idle_passed;
  c->flush.fn = flush;
  ss_list_init(&c->watchers);
  ss_frame_init(&c->frame);
  ss_hash_insert(&t->by_peer, &c->node, ss_addr_hash(0, peer));
  ss_list_append(&t->conns, &c->all);
  t->connections++;
  if (state == SS_CONN_OPEN)
    enter_source(c);
  if (state == SS_CONN_CONNECTING)
    ss_loop_timer(t->loop, &c->deadline, CONNECT_MS);
  ss_conn_touch(c);
}

void ss_conn_opened(ss_conn *c) {
  if (c->state != SS_CONN_CONNECTING)
    return;
  c->state = SS_CONN_OPEN;
  ss_loop_timer_stop(c->t->loop, &c->deadline);
  ss_conn_touch(c);
  if (c->count)
    ss_loop_flush_later(c->t->loop, &c->flush);
}

/* Stops everything; no callback. */
static void stop(ss_conn *c) {
  c->state = SS_CONN_LOST;
  ss_hash_remove(&c->t->by_peer, &c->node);
  ss_loop_timer_stop(c->t->loop, &c->deadline);
  ss_loop_timer_stop(c->t->loop, &c->idle);
  ss_job_cancel(&c->flush);
  ss_conn_drop_all(c);
  if (!c->reading) /* else its bytes may be in use up there */
    ss_frame_free(&c->frame);
}

void ss_conn_lose(ss_conn *c, int rc) {
  bool graceful = c->state == SS_CONN_DRAINING && rc == SS_ECLOSED;
  ss_list watchers, *node;
  if (c->state == SS_CONN_LOST)
    return;
  stop(c);
  ss_list_take(&watchers, &c->watchers);
  c->ops->close(c, graceful);
  while ((node = ss_list_shift(&watchers))) {
    ss_watch *watch = SS_CONTAINER(node, ss_watch, node);
    watch->lost(watch, rc);
  }
}

void ss_conn_gone(ss_conn *c) {
  if (!c->t)
    return;
  ss_list_remove(&c->all);
  leave_source(c);
  c->t->connections--;
  c->t = NULL;
}

void ss_conn_close_all(ss_transport *t) {
  while (!ss_list_empty(&t->conns)) {
    ss_conn *c = SS_CONTAINER(t->conns.next, ss_conn, all);
    ss_conn_ref(c);
    while (ss_list_shift(&c->watchers))
      continue;
    if (c->state != SS_CONN_LOST) {
      if (c->state != SS_CONN_CONNECTING && c->count && !c->overflow)
        c->ops->flush(c);
      if (c->state != SS_CONN_LOST)
        stop(c);
    }
    if (c->t)
      c->ops->close(c, false);
    ss_conn_unref(c);
  }
}

void ss_conn_drained(ss_conn *c) {
  if (c->state == SS_CONN_DRAINING || abandoned(c))
    ss_conn_lose(c, SS_ECLOSED);
}

/* Hands the messages in the buffer up; true if at least one was complete. */
static bool deliver(ss_conn *c) {
  bool whole = false;
  ss_str out = SS_STR_NONE;
  while (c->state == SS_CONN_OPEN) {
    ss_path path = {c->t, c, c->peer};
    switch (ss_frame_next(&c->frame, &c->t->limits, &out)) {
    case SS_FRAME_MORE:
      return whole;
    case SS_FRAME_MESSAGE:
      whole = true;
      ss_transport_wire(c->t, false, &c->peer, out.p, out.n);
      if (c->state == SS_CONN_OPEN)
        c->t->sink.message(c->t->arg, &path, out.p, out.n);
      break;
    case SS_FRAME_PING:
      ss_path_send(&path, c->t->pong);
      break;
    case SS_FRAME_SIZE:
      refuse(c, SS_REFUSED_SIZE, out);
      break;
    case SS_FRAME_LENGTH:
      refuse(c, SS_REFUSED_LENGTH, out);
      break;
    }
  }
  return whole;
}

void ss_conn_bytes(ss_conn *c, const char *p, size_t n) {
  bool whole;
  if (c->state != SS_CONN_OPEN || c->eof)
    return;
  ss_conn_ref(c);
  ss_conn_touch(c);
  if (ss_frame_feed(&c->frame, p, n) != 0) {
    ss_conn_lose(c, SS_ENOMEM);
    ss_conn_unref(c);
    return;
  }
  c->reading = true;
  whole = deliver(c);
  c->reading = false;
  if (c->state == SS_CONN_LOST)
    ss_frame_free(&c->frame);
  if (c->state == SS_CONN_OPEN && !c->brief) {
    /* The time of a message runs from its first byte. */
    if (!ss_frame_partial(&c->frame))
      ss_loop_timer_stop(c->t->loop, &c->deadline);
    else if (whole || !ss_timer_active(&c->deadline))
      ss_loop_timer(c->t->loop, &c->deadline,
                    (uint64_t)c->t->limits.message_time * 1000);
  }
  ss_conn_unref(c);
}

void ss_conn_eof(ss_conn *c) {
  if (c->state == SS_CONN_LOST || c->eof)
    return;
  if (c->state != SS_CONN_OPEN || ss_frame_partial(&c->frame)) {
    ss_conn_lose(c, -ECONNRESET);
    return;
  }
  /* Requests of ours would not be answered over it; answers may still go. */
  c->eof = true;
  ss_hash_remove(&c->t->by_peer, &c->node);
  ss_conn_touch(c);
  if (abandoned(c))
    ss_conn_lose(c, SS_ECLOSED);
}
