/* Fuzz target: a whole endpoint. Runs the steps of an input (endpoint.h), looks
 * at every message that the endpoint sends, and when all is over looks for
 * what is left: sessions, transactions, timers, memory. Nothing may be. */
#include "endpoint.h"

#include "sip/message.h"

/* FUZZ_TRACE in the environment: what happens, to read. */
static bool tells(void) {
  static int tell = -1;
  if (tell < 0)
    tell = getenv("FUZZ_TRACE") != NULL;
  return tell;
}

static void print(ss_str text) {
  fprintf(stderr, "%.*s\n", (int)text.n, text.p);
}

static bool is_peer(const world *w, const ss_addr *addr) {
  for (size_t i = 0; i < PEERS; i++)
    if (ss_addr_same_ip(&w->peer[i].addr, addr))
      return true;
  return false;
}

/* What echoes a broken request needn't scan. */
static bool echoes(const ss_message *m) {
  return m->code == 400 || m->code == 413 || m->code == 414 || m->code == 505 ||
         m->code == 513;
}

/* A response goes to where a request came from; what is sent is SIP. */
static void on_sent(void *arg, uint64_t now, const ss_addr *from,
                    const ss_addr *to, ss_str text, bool lost) {
  world *w = arg;
  (void)now;
  (void)lost;
  if (!ss_addr_same_ip(from, &w->udp) || text.n <= 4)
    return;
  ss_limits wide = fuzz_limits();
  wide.header_size = wide.header_separators = wide.all_separators = 65535;
  wide.header_lines = wide.vias = wide.routes = 254;
  if (tells())
    print(text);
  ss_message *m = NULL;
  int rc = ss_message_new(&m, text, to->proto != SS_UDP, &wide);
  bool broken = ss_str_starts(text, SS_STR("SIP/2.0 4")) ||
                ss_str_starts(text, SS_STR("SIP/2.0 5"));
  MUST(rc == 0 || broken || rc == SS_ENOMEM);
  if (rc == 0) {
    MUST(!m->fault || echoes(m));
    MUST(m->is_request || is_peer(w, to) || ss_addr_eq(to, &w->udp));
  }
  ss_message_unref(m);
}

static void open_peers(world *w) {
  static const char *const addresses[PEERS] = {
      "udp:10.0.0.2:5060", "udp:10.0.0.3:5060", "udp:10.0.0.2:5070",
      "tcp:10.0.0.4:5060", "tcp:10.0.0.5:5060"};
  for (size_t i = 0; i < PEERS; i++) {
    peer *p = &w->peer[i];
    p->world = w;
    MUST(ss_addr_parse(&p->addr, ss_str_z(addresses[i])) == 0);
    peer_open(p);
  }
}

static void open_endpoint(world *w, const step *s) {
  ss_endpoint_config c;
  ss_addr listen[2];
  size_t failed;
  MUST(ss_addr_parse(&w->udp, SS_STR("udp:10.0.0.1:5060")) == 0);
  MUST(ss_addr_parse(&w->tcp, SS_STR("tcp:10.0.0.1:5060")) == 0);
  listen[0] = w->udp;
  listen[1] = w->tcp;
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = listen;
  c.listeners = 2;
  c.connect_timeout = (uint32_t)step_get(s, 'e', 180000) % 1000000;
  c.close_timeout = (uint32_t)step_get(s, 'l', 2000) % 100000;
  c.limits.sessions = (size_t)step_get(s, 's', 8);
  c.limits.transactions = (size_t)step_get(s, 't', 64);
  c.limits.connections = (size_t)step_get(s, 'c', 8);
  c.limits.dialog_requests = (size_t)step_get(s, 'd', 4);
  c.limits.message_size = 8192 + (size_t)step_get(s, 'm', 8192);
  c.limits.invites_per_source = (size_t)step_get(s, 'i', 0);
  c.limits.connections_per_source = (size_t)step_get(s, 'n', 4);
  c.limits.provisional_time = (size_t)step_get(s, 'p', 86400);
  script_timing(s, &c.timing);
  auth_config(s, &c.auth);
  ss_cidr allow;
  MUST(ss_cidr_parse(&allow, SS_STR("10.0.0.2/31")) == 0);
  c.allow = (ss_networks){&allow, step_get(s, 'q', 0) > 0};
  c.deny_silently = step_get(s, 'q', 0) > 1;
  c.advertise = ss_str_z(advertised_at(step_get(s, 'w', 0)));
  if (step_get(s, 'o', 0))
    c.uri = SS_STR("sips:desk@example.com");
  c.reliable = (ss_reliability)(step_get(s, 'r', SS_RELIABILITY_SUPPORTED) % 3);
  if (step_get(s, 'a', 0))
    c.accept = SS_STR("application/sdp, text/plain, message/sipfrag");
  MUST(ss_endpoint_open(&w->endpoint, &c, &script_handler, w, &failed) == 0);
  ss_endpoint_set_handled(w->endpoint, true);
}

static void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

static void pass_time(world *w, const step *s) {
  uint32_t ms = 0;
  ss_str_u32(s->verb, 300000, &ms);
  run(w, ms);
}

static void take_step(world *w, const step *s) {
  switch (s->kind) {
  case '>':
    peer_request(w, s);
    break;
  case '<':
    peer_response(w, s);
    break;
  case '#':
    peer_bytes(w, s);
    break;
  case '!':
    script_step(w, s);
    break;
  case '+':
    pass_time(w, s);
    break;
  default:
    break;
  }
  if (s->kind != '+' &&
      step_get(s, 'y', 1)) /* y0: in one batch with the next */
    run(w, 0);
}

static void take_steps(world *w, ss_str text) {
  step s;
  for (int i = 0; text.n && i < STEPS; i++) {
    ss_str line = fuzz_cut(&text, '\n');
    if (tells())
      print(line);
    if (step_parse(line, &s))
      take_step(w, &s);
  }
}

static bool nothing_alive(const world *w) {
  ss_alive alive = ss_endpoint_alive(w->endpoint);
  return alive.sessions + alive.lingering + alive.dialogs +
             alive.transactions ==
         0;
}

static bool some_linger(const world *w) {
  for (size_t i = 0; i < SESSIONS; i++)
    if (w->known[i].session && !w->known[i].released &&
        ss_session_lingers(w->known[i].session))
      return true;
  return false;
}

/* Every call is ended; the peers say nothing any more. 64*T1 for the ACK, as
 * long again for the BYE, T4, and something for what travels. Only what has
 * become of a REFER may be waited for longer. */
static void check_ends(world *w) {
  w->automatic = 0;
  ss_memory_set_impair(w->memory, NULL);
  run(w, 1100); /* what is under way arrives */
  for (size_t i = 0; i < SESSIONS; i++)
    if (w->known[i].session)
      ss_session_terminate(w->known[i].session, NULL);
  bool longer = some_linger(w);
  run(w, 70000);
  if (!nothing_alive(w)) {
    MUST(longer);
    MUST(ss_endpoint_alive(w->endpoint).sessions == 0);
    run(w, 3700000);
  }
  MUST(nothing_alive(w));
  MUST(w->operations == 0);
}

static void check_sessions(world *w) {
  for (size_t i = 0; i < SESSIONS; i++) {
    known *k = &w->known[i];
    if (!k->session)
      continue;
    MUST(k->held && k->released && !k->accepting);
    MUST(ss_session_endpoint(k->session) == NULL);
    ss_session_unref(k->session);
  }
}

static void close_all(world *w) {
  w->automatic = 0;
  if (w->endpoint) {
    script_close(w);
    run(w, 70000);
    MUST(w->closed == 1);
    ss_endpoint_free(w->endpoint);
  }
  check_sessions(w);
  ss_inbound_unref(w->inbound);
  ss_referral_unref(w->referral);
  ss_attempt_unref(w->attempt);
  for (size_t i = 0; i < PEERS; i++) {
    for (size_t j = 0; j < HEARD; j++)
      ss_message_unref(w->peer[i].heard[j]);
    ss_mpeer_close(w->peer[i].peer);
  }
  run(w, 1000);
  MUST(w->loop->wheel.count == 0);
  MUST(!ss_loop_busy(w->loop));
  ss_loop_close(w->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const ss_memory_hooks hooks = {.sent = on_sent};
  static world w;
  ss_str text = {(const char *)data, size};
  step first = {.kind = 0};
  size_t before = ss_alloc_alive();
  w = (world){0};
  fuzz_random(1);
  MUST(ss_memory_open(&w.memory, 1) == 0);
  w.loop = ss_memory_loop(w.memory);
  ss_memory_set_hooks(w.memory, &hooks, &w);
  for (size_t i = 0; i < 26; i++)
    first.letter[i] = -1;
  if (size && data[0] == '=')
    step_parse(fuzz_cut(&text, '\n'), &first);
  open_endpoint(&w, &first);
  open_peers(&w);
  take_steps(&w, text);
  ss_alloc_fail_at(0);
  if (w.endpoint && !w.closing)
    check_ends(&w);
  close_all(&w);
  MUST(ss_alloc_alive() == before);
  return 0;
}
