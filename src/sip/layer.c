/* The transaction layer's front: which transaction a message belongs to
 * (RFC 3261 17.1.3, 17.2.3, 8.2.2.2, 9.2), and answers that need none. The
 * machines are in server_invite.c, server_other.c, client_invite.c and
 * client_other.c. */
#include "sip/layer.h"

#include "base/alloc.h"
#include "sip/parsed.h"

int ss_layer_new(ss_layer **out, const ss_layer_config *config) {
  ss_layer *l = ss_alloc(sizeof *l);
  if (!l)
    return SS_ENOMEM;
  l->loop = config->loop;
  l->t1 = config->t1;
  l->t2 = config->t2;
  l->t4 = config->t4;
  l->max = config->max;
  l->server = config->server;
  l->user = config->user;
  l->arg = config->arg;
  int rc = ss_hash_init(&l->servers);
  if (!rc)
    rc = ss_hash_init(&l->clients);
  if (rc) {
    ss_layer_free(l);
    return rc;
  }
  *out = l;
  return 0;
}

void ss_layer_free(ss_layer *l) {
  if (!l)
    return;
  ss_hnode *n;
  while ((n = ss_hash_any(&l->servers)))
    ss_server_free(SS_CONTAINER(n, ss_server, node));
  ss_client_free_all(l);
  ss_hash_free(&l->servers);
  ss_hash_free(&l->clients);
  ss_refused_free(&l->refused);
  ss_free(l);
}

size_t ss_layer_alive(const ss_layer *l) {
  return l->servers.count + l->clients.count;
}

const ss_layer_counters *ss_layer_count(const ss_layer *l) {
  return &l->count;
}

/* What is hashed for what: the same pieces must not give the same. */
enum { KEY_CALL = 1, KEY_BRANCH, KEY_2543, KEY_TAG };

/* Requests of a call that follow one another are found in one place: it is cold
 * for the first of them alone. CSeq numbers that stand together, and how many
 * transactions of one number do; the others stand apart, so that who sends many
 * makes none of the searches long. */
enum { NUMBERS = 8, KIN = 4 };

uint64_t ss_layer_call(ss_message *m) {
  if (!m->call) {
    const ss_name_addr *from;
    bool has_tag = !ss_message_from(m, &from);
    ss_siphash k = ss_siphash_begin(KEY_CALL);
    ss_siphash_add(&k, m->call_id);
    ss_siphash_add(&k, has_tag ? from->tag : SS_STR_NONE);
    m->call = ss_siphash_end64(&k);
  }
  return m->call;
}

static uint64_t family_of(ss_message *m) {
  return ss_hash_add_u64(ss_layer_call(m), m->cseq / NUMBERS);
}

/* Lower-cases a host for hashing: sent-by is compared without case. */
static void add_host(ss_siphash *k, ss_str host) {
  char low[256];
  if (host.n > sizeof low) {
    ss_siphash_add(k, host);
    return;
  }
  for (size_t i = 0; i < host.n; i++) {
    char c = host.p[i];
    low[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  ss_siphash_add(k, (ss_str){low, host.n});
}

/* A branch that names a transaction: the magic cookie and something behind it
 * (RFC 3261 8.1.1.7; RFC 4475 3.2.1 sends the bare cookie). */
static bool branch_is_unique(ss_str branch) {
  return branch.n > 7 && ss_str_ieq((ss_str){branch.p, 7}, SS_STR("z9hG4bK"));
}

/* RFC 3261 17.2.3: branch, sent-by and method; without a usable branch the
 * rules of RFC 2543: Request-URI, From tag, Call-ID, CSeq and the whole of the
 * topmost Via. The family has Call-ID and From tag, which a repeat has again,
 * and an ACK or CANCEL must have too, with the CSeq number (17.1.1.3, 9.1). The
 * To tag is not looked at: an ACK or CANCEL that agrees in all of these is for
 * no other transaction. */
static int own_of(ss_message *m, ss_method method, uint64_t *out) {
  const ss_via *via;
  int rc = ss_message_via(m, &via);
  if (rc)
    return rc;
  bool unique = branch_is_unique(via->branch);
  ss_siphash k = ss_siphash_begin(unique ? KEY_BRANCH : KEY_2543);
  if (unique) {
    ss_siphash_add(&k, via->branch);
    add_host(&k, via->host);
    ss_siphash_add_u64(&k, via->port ? via->port : 5060);
  } else {
    ss_siphash_add(&k, m->uri);
    ss_siphash_add(&k, ss_top_via(m));
  }
  ss_siphash_add_u64(&k, (uint64_t)m->cseq << 8 | method);
  if (method == SS_METHOD_UNKNOWN)
    ss_siphash_add(&k, m->method_text);
  *out = ss_siphash_end64(&k);
  return 0;
}

static ss_server *next(const ss_layer *l, const ss_server *s) {
  ss_hnode *n = ss_hash_next(&l->servers, &s->node);
  return n ? SS_CONTAINER(n, ss_server, node) : NULL;
}

static ss_server *first(const ss_layer *l, uint64_t h) {
  ss_hnode *n = ss_hash_first(&l->servers, h);
  return n ? SS_CONTAINER(n, ss_server, node) : NULL;
}

static ss_server *find_at(const ss_layer *l, uint64_t h, uint64_t own) {
  ss_server *s = first(l, h);
  while (s && s->own != own)
    s = next(l, s);
  return s;
}

static ss_server *find(const ss_layer *l, uint64_t family, uint64_t own) {
  ss_server *s = find_at(l, family, own);
  if (!s && l->apart)
    s = find_at(l, ss_keys_whole(family, own).h, own);
  return s;
}

static ss_server *find_invite(const ss_layer *l, ss_message *m,
                              uint64_t family) {
  uint64_t own;
  return own_of(m, SS_INVITE, &own) ? NULL : find(l, family, own);
}

/* An ACK to a 2xx has a branch of its own (13.2.2.4): no need to look at it
 * where no INVITE of that number waits for another. */
static bool may_end(const ss_layer *l, const ss_message *ack, uint64_t family) {
  const ss_server *s = first(l, family);
  while (s &&
         !(s->invite && s->cseq == ack->cseq && s->state != SS_SERVER_ACCEPTED))
    s = next(l, s);
  return s || l->apart;
}

static void receive_ack(ss_layer *l, ss_message *m, uint64_t family) {
  ss_server *s = may_end(l, m, family) ? find_invite(l, m, family) : NULL;
  if (s && s->state != SS_SERVER_ACCEPTED)
    ss_invite_ack(s, m);
  else
    l->user->ack(l->arg, m);
}

/* What ends calls is let in when nothing that begins one is any more: an
 * eighth more. Else who fills the table keeps all others from hanging up. */
static bool has_room(const ss_layer *l, ss_method method) {
  bool ends = method == SS_BYE || method == SS_CANCEL;
  return ss_layer_alive(l) < (ends ? l->max + l->max / 8 : l->max);
}

/* RFC 3261 21.5.4 */
static void say_503(ss_layer *l, const ss_path *path, ss_message *m,
                    ss_str when) {
  ss_layer_refuse(l, path, m, 503, SS_STR_NONE, when);
}

void ss_layer_remember(ss_layer *l, const ss_path *path, ss_hash128 key) {
  if (!path->conn)
    ss_refused_add(&l->refused, key, ss_loop_now(l->loop), ss_layer_64t1(l));
}

static void turn_away(ss_layer *l, const ss_path *path, ss_message *m,
                      const ss_keys *keys) {
  say_503(l, path, m, SS_RETRY_LATER);
  ss_layer_remember(l, path, ss_keys_whole(keys->family, keys->own));
}

/* False: it was refused. */
static bool let_in(ss_layer *l, const ss_path *path, ss_message *m,
                   const ss_keys *keys) {
  ss_entry entry = SS_LET_IN;
  ss_hash128 key = ss_keys_whole(keys->family, keys->own);
  if (ss_refused_has(&l->refused, key, ss_loop_now(l->loop))) {
    l->count.retransmissions_in++;
    say_503(l, path, m, SS_RETRY_LATER);
    return false;
  }
  if (m->method != SS_CANCEL)
    entry = l->user->admit(l->arg, path, m);
  if (entry == SS_LET_IN && !has_room(l, m->method)) {
    l->count.refused_overload++;
    entry = SS_TURN_AWAY;
  }
  if (entry == SS_TURN_AWAY)
    turn_away(l, path, m, keys);
  else if (entry == SS_TELL)
    say_503(l, path, m, SS_STR("Retry-After: 1\r\n"));
  return entry == SS_LET_IN;
}

/* How many have the same Call-ID, From tag and CSeq number. Merged: one came by
 * another way, the method the same, and none of them with a To tag (8.2.2.2);
 * of those that stand apart none is the first. */
static unsigned count_kin(const ss_layer *l, ss_message *m, uint64_t family,
                          bool *merged) {
  bool tagged = ss_message_has_to_tag(m);
  unsigned kin = 0;
  *merged = false;
  for (const ss_server *s = first(l, family); s; s = next(l, s)) {
    if (s->cseq != m->cseq)
      continue;
    kin++;
    *merged |= !tagged && !s->tagged && s->method == m->method;
  }
  return kin;
}

static void receive_new(ss_layer *l, const ss_path *path, ss_message *m,
                        const ss_keys *keys) {
  const ss_name_addr *to;
  bool merged;
  if (ss_message_to(m, &to))
    return;
  if (!let_in(l, path, m, keys))
    return;
  bool apart = count_kin(l, m, keys->family, &merged) >= KIN;
  ss_server *s = ss_server_new(l, path, m, keys, apart);
  if (!s) {
    l->count.out_of_memory++;
    if (path->conn) /* a datagram comes again: a BYE must not end in a 503 */
      turn_away(l, path, m, keys);
    return;
  }
  s->merged = merged;
  l->user->request(l->arg, s, m);
}

static void receive_request(ss_layer *l, const ss_path *path, ss_message *m,
                            const ss_keys *keys) {
  l->count.requests_in++;
  if (keys->none)
    return;
  if (m->method == SS_ACK) {
    receive_ack(l, m, keys->family);
    return;
  }
  ss_server *s = find(l, keys->family, keys->own);
  if (!s) {
    receive_new(l, path, m, keys);
    return;
  }
  l->count.retransmissions_in++;
  if (s->invite)
    ss_invite_request(s);
  else
    ss_other_request(s);
}

void ss_layer_expect(const ss_layer *l, ss_message *m, ss_keys *out) {
  const ss_via *via;
  out->none = !m->is_request || ss_message_via(m, &via);
  if (out->none)
    return;
  out->family = family_of(m);
  ss_hash_expect(&l->servers, out->family);
  if (m->method != SS_ACK)
    own_of(m, m->method, &out->own);
}

void ss_layer_receive(ss_layer *l, const ss_path *path, ss_message *m,
                      const ss_keys *keys) {
  if (m->is_request) {
    receive_request(l, path, m, keys);
    return;
  }
  l->count.responses_in++;
  const ss_via *via;
  if (ss_message_via(m, &via))
    l->count.stray_responses++;
  else
    ss_client_response(l, via, m);
}

/* RFC 3261 9.1: Call-ID, From tag and CSeq number are the INVITE's too. */
ss_server *ss_layer_cancelled(ss_layer *l, ss_message *cancel) {
  return find_invite(l, cancel, family_of(cancel));
}

/* A tag that an unknowing peer can't predict and a repeat gets again. */
static void stateless_tag(ss_message *m, char out[SS_TAG_LEN]) {
  ss_siphash h = ss_siphash_begin(KEY_TAG);
  const ss_via *via;
  bool has_via = !ss_message_via(m, &via);
  ss_siphash_add(&h, has_via ? via->branch : SS_STR_NONE);
  ss_siphash_add(&h, m->call_id);
  ss_siphash_add_u64(&h, m->cseq);
  ss_hash128 k = ss_siphash_end(&h);
  uint64_t v = k.h;
  for (int i = 0; i < SS_TAG_LEN; i++) {
    if (i == 12)
      v = k.check;
    out[i] = "abcdefghijklmnopqrstuvwxyz234567"[v & 31];
    v >>= 5;
  }
}

int ss_layer_refuse(ss_layer *l, const ss_path *path, ss_message *request,
                    unsigned code, ss_str reason, ss_str own) {
  char tag[SS_TAG_LEN];
  stateless_tag(request, tag);
  ss_reply reply = {.code = code,
                    .reason = reason,
                    .source = &path->peer,
                    .to_tag = {tag, sizeof tag},
                    .server = l->server,
                    .own = own};
  ss_buf b = SS_BUF_ON(l->scratch, sizeof l->scratch);
  int rc = ss_render_reply(&b, request, &reply);
  if (rc)
    return rc;
  const ss_via *via;
  rc = ss_message_via(request, &via);
  if (rc)
    return rc;
  ss_packet *packet = ss_packet_new(ss_buf_view(&b));
  if (!packet)
    return SS_ENOMEM;
  ss_path to = *path;
  if (!to.conn && !via->rport) /* RFC 3261 18.2.2; RFC 3581 4 */
    ss_addr_set_port(&to.peer, via->port ? via->port : 5060);
  rc = ss_path_send(&to, packet);
  ss_packet_unref(packet);
  if (rc)
    l->count.send_errors++;
  return rc;
}
