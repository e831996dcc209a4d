/* Digest authentication of callers (RFC 3261 22.1, 22.4, 26.3.2.4; RFC 7616;
 * RFC 8760): challenges, which leave nothing behind here, and requests that
 * wait until somebody has looked up their user. What the digest is made of is
 * in sip/digest.c, nonces are in sip/nonce.c. */
#include "ua/ua.h"

#include "base/alloc.h"
#include "sip/nonce.h"

#define MINUTE 60000 /* ms */

struct ss_auth {
  ss_nonces *nonces;
  char *realm;
  ss_algorithm algorithm[SS_ALGORITHMS];
  size_t algorithms;
  ss_list attempts;
  size_t pending;   /* in the list */
  ss_rate *guesses; /* limits.guesses_per_source; NULL: none */
};

struct ss_attempt {
  uint32_t refs;
  ss_list node;
  ss_endpoint *endpoint; /* NULL: it is over */
  ss_server *server;
  ss_message *request;
  ss_digest digest; /* of the request */
  ss_job job;       /* begins the lookup */
  ss_timer timer;
};

int ss_auth_new(ss_endpoint *e, const ss_auth_config *c) {
  if (!c->realm.n)
    return 0;
  ss_auth *a = ss_alloc(sizeof *a);
  if (!a)
    return SS_ENOMEM;
  ss_list_init(&a->attempts);
  memcpy(a->algorithm, c->algorithm, sizeof a->algorithm);
  a->algorithms = c->algorithms;
  e->auth = a;
  a->realm = ss_str_dup(c->realm);
  if (!a->realm)
    return SS_ENOMEM;
  if (e->limits.guesses_per_source) {
    int rc = ss_rate_new(&a->guesses, e->limits.guesses_per_source, MINUTE);
    if (rc)
      return rc;
  }
  return ss_nonces_new(&a->nonces, c->nonce_lifetime, e->limits.used_nonces);
}

/* --- challenges ----------------------------------------------------------- */

/* What a nonce is good for. Where guesses are counted, over datagrams only from
 * where it was sent to: else who forges that address could use up its guesses,
 * with a nonce of his own. */
static uint64_t purpose(const ss_endpoint *e, ss_algorithm algorithm,
                        const ss_server *server) {
  if (!e->auth->guesses || ss_server_path(server)->conn)
    return algorithm;
  ss_siphash k = ss_siphash_begin(algorithm);
  ss_siphash_add_u64(&k, ss_addr_source(ss_server_source(server)));
  return ss_siphash_end(&k).h;
}

/* RFC 8760 2.3: one for each algorithm, the best first. */
static int challenges(ss_endpoint *e, const ss_server *server, bool stale,
                      ss_buf *b) {
  const ss_auth *a = e->auth;
  uint64_t now = ss_loop_now(e->loop);
  for (size_t i = 0; i < a->algorithms; i++) {
    char nonce[SS_NONCE_LEN];
    int rc = ss_nonce_make(a->nonces, now, purpose(e, a->algorithm[i], server),
                           nonce);
    if (rc)
      return rc;
    ss_digest_challenge(b, a->algorithm[i], ss_str_z(a->realm),
                        (ss_str){nonce, sizeof nonce}, stale);
  }
  return b->full ? SS_EFULL : 0;
}

static void challenge(ss_endpoint *e, ss_server *server, bool stale) {
  char text[2048];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  if (challenges(e, server, stale, &b)) {
    e->stats.out_of_memory++;
    ss_server_drop(server);
  } else {
    ss_requests_refuse(e, server, 401, ss_buf_view(&b));
  }
}

/* --- what waits ----------------------------------------------------------- */

ss_attempt *ss_attempt_ref(ss_attempt *a) {
  a->refs++;
  return a;
}

void ss_attempt_unref(ss_attempt *a) {
  if (!a || --a->refs)
    return;
  ss_message_unref(a->request);
  ss_free(a);
}

ss_str ss_attempt_user(const ss_attempt *a) {
  return a->digest.user;
}

ss_str ss_attempt_realm(const ss_attempt *a) {
  return a->digest.realm;
}

ss_algorithm ss_attempt_algorithm(const ss_attempt *a) {
  return a->digest.algorithm;
}

/* It is over; the transaction is the caller's again. */
static ss_server *finish(ss_endpoint *e, ss_attempt *a) {
  ss_server *server = a->server;
  ss_list_remove(&a->node);
  ss_job_cancel(&a->job);
  ss_loop_timer_stop(e->loop, &a->timer);
  e->auth->pending--;
  a->endpoint = NULL;
  a->server = NULL;
  if (server)
    ss_server_detach(server);
  ss_attempt_unref(a);
  return server;
}

static void on_gone(void *arg, int rc) {
  ss_attempt *a = arg;
  (void)rc;
  a->server = NULL;
  finish(a->endpoint, a);
}

static void on_ended(void *arg, bool unacknowledged) {
  (void)unacknowledged;
  on_gone(arg, 0);
}

static const ss_server_watch watch = {on_gone, on_ended};

static void look_up(ss_job *job) {
  ss_attempt *a = SS_CONTAINER(job, ss_attempt, job);
  ss_endpoint *e = a->endpoint;
  e->handler->lookup(e->arg, a);
}

/* RFC 3261 21.5.5: whoever knows the users doesn't answer. */
static void on_timeout(ss_timer *timer) {
  ss_attempt *a = SS_CONTAINER(timer, ss_attempt, timer);
  ss_endpoint *e = a->endpoint;
  ss_requests_refuse(e, finish(e, a), 504, SS_STR_NONE);
}

static void begin(ss_endpoint *e, ss_server *server, ss_message *m,
                  const ss_digest *d) {
  ss_attempt *a = NULL;
  if (e->auth->pending >= e->limits.pending_auth)
    e->stats.refused_overload++;
  else if (!(a = ss_alloc(sizeof *a)))
    e->stats.out_of_memory++;
  if (!a) {
    ss_requests_refuse(e, server, 503, SS_RETRY_LATER);
    return;
  }
  a->refs = 1;
  a->endpoint = e;
  a->server = server;
  a->request = ss_message_ref(m);
  a->digest = *d;
  a->job.fn = look_up;
  a->timer.fn = on_timeout;
  e->auth->pending++;
  ss_list_append(&e->auth->attempts, &a->node);
  ss_server_attach(server, &watch, a);
  ss_loop_timer(e->loop, &a->timer, 64 * (uint64_t)e->t1);
  ss_loop_defer(e->loop, &a->job);
}

/* --- a request comes in --------------------------------------------------- */

static bool is_offered(const ss_auth *a, ss_algorithm algorithm) {
  for (size_t i = 0; i < a->algorithms; i++)
    if (a->algorithm[i] == algorithm)
      return true;
  return false;
}

/* What can be told without knowing the user. SS_ESTATE: the nonce is no good
 * any more, or was used with that count before. */
static int check(ss_endpoint *e, const ss_server *server, ss_message *m,
                 const ss_digest *d) {
  ss_auth *a = e->auth;
  /* RFC 3261 22.4: what was signed is what is asked for */
  if (!is_offered(a, d->algorithm) || !ss_str_eq(d->uri, m->uri))
    return SS_ESYNTAX;
  int rc = ss_nonce_check(a->nonces, ss_loop_now(e->loop),
                          purpose(e, d->algorithm, server), d->nonce, d->nc);
  return rc == SS_ENOTFOUND ? SS_ESTATE : rc;
}

static void refuse_credentials(ss_endpoint *e, ss_server *server, bool stale) {
  e->stats.refused_credentials++;
  challenge(e, server, stale);
}

static void refuse_guess(ss_endpoint *e, ss_server *server) {
  char text[SS_RETRY_AFTER];
  size_t limit = e->limits.guesses_per_source;
  uint64_t seconds = (MINUTE / 1000 + limit - 1) / limit;
  ss_requests_refuse(e, server, 503, ss_retry_after_line(text, seconds));
}

/* Who guesses is not heard for a while: told so once a second, without a
 * lookup; always where silence would leave him waiting, over a stream or after
 * a 100. A call that there is goes on for him whose it is. */
static bool may_guess(ss_endpoint *e, ss_server *server, ss_message *m,
                      ss_str user) {
  if (!e->auth->guesses)
    return true;
  const ss_session *s = ss_dialog_find(e, m);
  if (s && ss_str_eq(s->request->user, user))
    return true;
  ss_verdict v = ss_rate_look(e->auth->guesses, ss_server_source(server),
                              ss_loop_now(e->loop));
  if (v == SS_RATE_WITHIN)
    return true;
  e->stats.refused_guesses++;
  if (v == SS_RATE_OVER_TELL || ss_server_path(server)->conn ||
      ss_server_answered(server))
    refuse_guess(e, server);
  else
    ss_server_drop(server);
  return false;
}

bool ss_auth_wanted(const ss_endpoint *e, const ss_message *m) {
  /* RFC 3261 22.1: a CANCEL can't come again, and is as good as its INVITE */
  return e->auth && m->method != SS_CANCEL;
}

void ss_auth_received(ss_endpoint *e, ss_server *server, ss_message *m) {
  ss_digest d;
  int rc = ss_digest_find(m, ss_str_z(e->auth->realm), &d);
  if (rc == SS_ENOTFOUND) {
    e->stats.challenged++;
    challenge(e, server, false);
    return;
  }
  if (!rc)
    rc = check(e, server, m, &d);
  if (!rc) {
    if (may_guess(e, server, m, d.user))
      begin(e, server, m, &d);
  } else if (rc == SS_ENOMEM) {
    e->stats.out_of_memory++;
    ss_server_drop(server);
  } else {
    refuse_credentials(e, server, rc == SS_ESTATE);
  }
}

/* --- the lookup ends ------------------------------------------------------ */

/* 0: it is the user; SS_ESTATE as above; SS_ENOTFOUND: it isn't. All is
 * computed whether the user is known or not. */
static int verify(ss_attempt *a, const ss_ha1 *ha1, bool known) {
  ss_endpoint *e = a->endpoint;
  const ss_digest *d = &a->digest;
  uint8_t right[SS_HASH_MAX];
  int rc = ss_digest_response(d, a->request->method_text, ha1, right);
  if (rc)
    return rc;
  if (!(ss_digest_same(d, right) & known))
    return SS_ENOTFOUND;
  rc = ss_nonce_use(e->auth->nonces, ss_loop_now(e->loop),
                    purpose(e, d->algorithm, a->server), d->nonce, d->nc);
  return rc == SS_ENOTFOUND ? SS_ESTATE : rc;
}

/* rc: what verify said. */
static void conclude(ss_endpoint *e, ss_server *server, ss_message *m,
                     ss_str user, int rc) {
  if (!rc) {
    m->user = user;
    ss_requests_admitted(e, server, m);
  } else if (rc == SS_ENOMEM) {
    e->stats.out_of_memory++;
    ss_requests_refuse(e, server, 503, SS_RETRY_LATER);
  } else {
    if (rc == SS_ENOTFOUND && e->auth->guesses)
      ss_rate_take(e->auth->guesses, ss_server_source(server),
                   ss_loop_now(e->loop));
    refuse_credentials(e, server, rc == SS_ESTATE);
  }
}

static void settle(ss_attempt *a, const ss_ha1 *ha1, bool known) {
  ss_endpoint *e = a->endpoint;
  ss_message *m = ss_message_ref(a->request);
  ss_str user = a->digest.user;
  int rc = verify(a, ha1, known);
  ss_server *server = finish(e, a);
  if (may_guess(e, server, m, user)) /* else too many were under way at once */
    conclude(e, server, m, user, rc);
  ss_message_unref(m);
}

static void settle_by(ss_attempt *a, ss_str password, const ss_ha1 *given,
                      bool known) {
  const ss_digest *d = &a->digest;
  ss_ha1 ha1;
  if (!a->endpoint)
    return;
  if (ss_digest_ha1(d->algorithm, d->user, d->realm, password, &ha1))
    ss_attempt_failed(a);
  else
    settle(a, given ? given : &ha1, known);
  ss_ha1_wipe(&ha1);
}

void ss_attempt_password(ss_attempt *a, ss_str password) {
  settle_by(a, password, NULL, true);
}

void ss_attempt_ha1(ss_attempt *a, const ss_ha1 *ha1) {
  settle_by(a, SS_STR("no password"), ha1, true);
}

void ss_attempt_unknown(ss_attempt *a) {
  settle_by(a, SS_STR("no password"), NULL, false);
}

void ss_attempt_failed(ss_attempt *a) {
  ss_endpoint *e = a->endpoint;
  if (e)
    ss_requests_refuse(e, finish(e, a), 500, SS_STR_NONE);
}

/* --- the request ends first ----------------------------------------------- */

/* RFC 3261 9.2; both answers have the same To tag. */
bool ss_auth_cancelled(ss_endpoint *e, ss_server *invite, ss_server *cancel) {
  if (ss_server_watched(invite) != &watch)
    return false;
  char tag[SS_TAG_LEN];
  ss_tag(tag);
  ss_reply reply = {
      .code = 200, .to_tag = {tag, sizeof tag}, .server = ss_str_z(e->name)};
  finish(e, ss_server_arg(invite));
  if (ss_server_reply(cancel, &reply))
    ss_server_drop(cancel); /* no memory: the peer asks again */
  reply.code = 487;
  if (ss_server_reply(invite, &reply))
    ss_server_drop(invite);
  return true;
}

void ss_auth_close(ss_endpoint *e) {
  ss_list *node;
  while (e->auth && (node = ss_list_shift(&e->auth->attempts)))
    ss_requests_refuse(e, finish(e, SS_CONTAINER(node, ss_attempt, node)), 503,
                       SS_RETRY_LATER);
}

void ss_auth_forget(ss_endpoint *e) {
  ss_list *node;
  while (e->auth && (node = ss_list_shift(&e->auth->attempts)))
    finish(e, SS_CONTAINER(node, ss_attempt, node));
}

void ss_auth_free(ss_endpoint *e) {
  ss_auth *a = e->auth;
  if (!a)
    return;
  ss_auth_forget(e);
  ss_nonces_free(a->nonces);
  ss_rate_free(a->guesses);
  ss_free(a->realm);
  ss_free(a);
  e->auth = NULL;
}
