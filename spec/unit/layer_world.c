/* The world of the transaction layer's unit tests; see layer_world.h. */
#include "layer_world.h"

static ss_limits limits;

static served *find(world *w, void *server) {
  for (int i = 0; i < w->requests; i++)
    if (w->user[i].server == server)
      return &w->user[i];
  return NULL;
}

uint64_t since_start(world *w) {
  return ss_loop_now(w->loop) - w->start;
}

/* The served one is found by the pointer that was attached: its own. */
typedef struct attached {
  world *w;
  int i;
} attached;

static attached slots[128];

static served *slot(void *arg) {
  attached *a = arg;
  return &a->w->user[a->i];
}

static void on_failed(void *arg, int rc) {
  served *s = slot(arg);
  s->failed++;
  s->rc = rc;
  s->at = since_start(((attached *)arg)->w);
  s->server = NULL;
}

static void on_ended(void *arg, bool unacknowledged) {
  served *s = slot(arg);
  s->ended++;
  s->unacknowledged = unacknowledged;
  s->at = since_start(((attached *)arg)->w);
  s->server = NULL;
}

static const ss_server_watch watch = {on_failed, on_ended};

static void on_request(void *arg, ss_server *server, ss_message *m) {
  world *w = arg;
  assert_true(w->requests < 128);
  assert_null(find(w, server));
  assert_ptr_equal(ss_server_request(server), m);
  int i = w->requests++;
  w->user[i] = (served){.server = server,
                        .cseq = m->cseq,
                        .method = m->method,
                        .merged = ss_server_merged(server)};
  if (m->method == SS_CANCEL)
    w->user[i].cancelled = ss_layer_cancelled(w->layer, m);
  slots[i] = (attached){w, i};
  ss_server_attach(server, &watch, &slots[i]);
  assert_ptr_equal(ss_server_arg(server), &slots[i]);
  if (w->at_once)
    assert_int_equal(answer(w, i, w->at_once), 0);
}

static void on_ack(void *arg, ss_message *ack) {
  world *w = arg;
  assert_int_equal(ack->method, SS_ACK);
  w->acks++;
}

static ss_entry on_admit(void *arg, const ss_path *path, ss_message *m) {
  world *w = arg;
  (void)path;
  w->admitted++;
  return w->refuses && m->method == w->refuses ? w->entry : SS_LET_IN;
}

static const ss_layer_user user = {on_admit, on_request, on_ack};

static void on_message(void *arg, const ss_path *path, const char *p,
                       size_t n) {
  world *w = arg;
  ss_message *m;
  int rc = ss_message_new(&m, (ss_str){p, n}, path->conn != NULL, &limits);
  if (rc || m->fault)
    fail_msg("rc %d of:\n%.*s", rc, (int)n, p);
  ss_keys keys;
  ss_layer_expect(w->layer, m, &keys);
  ss_layer_receive(w->layer, path, m, &keys);
  ss_message_unref(m);
}

static void on_refused(void *arg, const ss_path *path, ss_refusal why,
                       ss_str head) {
  (void)arg;
  (void)path;
  (void)why;
  (void)head;
}

static const ss_sink sink = {on_message, on_refused, NULL, NULL, NULL};

static void on_sent(void *arg, uint64_t now, const ss_addr *from,
                    const ss_addr *to, ss_str text, bool lost) {
  world *w = arg;
  (void)lost;
  if (!ss_addr_same_ip(from, ss_transport_local(w->udp)))
    return;
  assert_true(w->count < 64);
  sent *s = &w->sent[w->count++];
  s->at = now - w->start;
  ss_addr_text(to, s->to);
  snprintf(s->text, sizeof s->text, "%.*s", (int)text.n, text.p);
}

static void peer_heard(void *arg, const ss_addr *from, ss_str text) {
  (void)arg;
  (void)from;
  (void)text;
}

static void peer_closed(void *arg, const ss_addr *from) {
  world *w = arg;
  (void)from;
  w->hung_up++;
}

static const ss_mpeer_handler peer_handler = {peer_heard, peer_closed};

static ss_addr address_of(const char *text) {
  ss_addr a;
  assert_int_equal(ss_addr_parse(&a, ss_str_z(text)), 0);
  return a;
}

static void listen_at(world *w, const char *text, ss_transport **out) {
  ss_addr a = address_of(text);
  assert_int_equal(ss_transport_open(w->loop, &a, &limits, &sink, w, out), 0);
}

static int open_with(void **state, ss_layer_config *config) {
  static const ss_memory_hooks hooks = {NULL, on_sent};
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  ss_limits_default(&limits);
  w->alive_before = ss_alloc_alive();
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  w->loop = ss_memory_loop(w->memory);
  ss_memory_set_hooks(w->memory, &hooks, w);
  listen_at(w, "udp:10.0.0.1:5060", &w->udp);
  listen_at(w, "tcp:10.0.0.1:5060", &w->tcp);
  config->loop = w->loop;
  config->server = SS_STR("test");
  config->user = &user;
  config->arg = w;
  assert_int_equal(ss_layer_new(&w->layer, config), 0);
  w->start = ss_loop_now(w->loop);
  *state = w;
  return 0;
}

int world_open(void **state) {
  ss_layer_config config = {.t1 = 500, .t2 = 4000, .t4 = 5000, .max = 1000};
  return open_with(state, &config);
}

int world_open_quick(void **state) {
  ss_layer_config config = {.t1 = 100, .t2 = 250, .t4 = 300, .max = 8};
  return open_with(state, &config);
}

static int complain(const char *what, size_t left) {
  if (!left)
    return 0;
  print_error("left: %zu %s\n", left, what);
  return -1;
}

int world_close(void **state) {
  world *w = *state;
  int rc = 0;
  pass(w, w->left_waiting ? 0 : 32000 + 5000 + 1);
  if (!w->left_waiting)
    rc |= complain("transactions", ss_layer_alive(w->layer));
  ss_layer_free(w->layer);
  for (int i = 0; i < w->peers; i++)
    ss_mpeer_close(w->peer[i].peer);
  pass(w, 1);
  rc |= complain("connections", ss_transport_connections(w->tcp));
  rc |= complain("timers", w->loop->wheel.count);
  ss_transport_close(w->udp);
  ss_transport_close(w->tcp);
  ss_loop_close(w->loop);
  rc |= complain("blocks", ss_alloc_alive() - w->alive_before);
  free(w);
  return rc;
}

speaker *peer_at(world *w, const char *text) {
  ss_addr a = address_of(text);
  for (int i = 0; i < w->peers; i++)
    if (w->peer[i].peer && ss_addr_eq(&w->peer[i].addr, &a))
      return &w->peer[i];
  assert_true(w->peers < 8);
  speaker *s = &w->peer[w->peers++];
  s->addr = a;
  assert_int_equal(ss_mpeer_open(w->memory, &a, &peer_handler, w, &s->peer), 0);
  return s;
}

void peer_gone(world *w, const char *text) {
  speaker *s = peer_at(w, text);
  ss_mpeer_close(s->peer);
  s->peer = NULL;
  pass(w, 0);
}

/* Where that speaker reaches us. */
static const ss_addr *us(world *w, const speaker *s) {
  return ss_transport_local(s->addr.proto == SS_TCP ? w->tcp : w->udp);
}

static void speak(world *w, const speaker *s, const char *text) {
  assert_int_equal(ss_mpeer_send(s->peer, us(w, s), ss_str_z(text)), 0);
  pass(w, 0);
}

void hang_up(world *w, const char *text) {
  speaker *s = peer_at(w, text);
  ss_mpeer_shut(s->peer, us(w, s));
  pass(w, 0);
}

void break_off(world *w, const char *text) {
  speak(w, peer_at(w, text), "INVITE");
  hang_up(w, text);
}

static const char *given(const char *value, const char *otherwise) {
  return value ? value : otherwise;
}

static void via_of(const request *r, bool tcp, char *out, size_t n) {
  if (r->via)
    snprintf(out, n, "%s", r->via);
  else
    snprintf(out, n, "SIP/2.0/%s %s%s%s%s", tcp ? "TCP" : "UDP",
             given(r->sent_by, "10.0.0.2"), given(r->params, ""),
             r->no_branch ? "" : ";branch=",
             r->no_branch ? "" : given(r->branch, "z9hG4bKone"));
}

void say_request(world *w, const request *r) {
  char text[2048], via[512];
  const char *method = given(r->method, "INVITE");
  const char *from_tag = given(r->from_tag, "aa"),
             *to_tag = given(r->to_tag, "");
  speaker *peer = peer_at(w, given(r->from, UDP_CALLER));
  bool tcp = peer->addr.proto == SS_TCP;
  via_of(r, tcp, via, sizeof via);
  snprintf(text, sizeof text,
           "%s %s SIP/2.0\r\nVia: %s\r\n"
           "From: <sip:a@example.com>%s%s\r\n"
           "To: <sip:desk@example.net>%s%s\r\n"
           "Call-ID: %s\r\nCSeq: %u %s\r\n%sContent-Length: 0\r\n\r\n",
           method, given(r->uri, "sip:desk@10.0.0.1"), via,
           *from_tag ? ";tag=" : "", from_tag, *to_tag ? ";tag=" : "", to_tag,
           given(r->call_id, "c1@10.0.0.2"), r->cseq ? r->cseq : 1, method,
           given(r->extra, ""));
  speak(w, peer, text);
}

void pass(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

int answer(world *w, int i, unsigned code) {
  ss_reply reply = {.code = code, .to_tag = SS_STR("tt")};
  assert_true(i < w->requests && w->user[i].server);
  int rc = ss_server_reply(w->user[i].server, &reply);
  if (!w->loop->turning)
    pass(w, 0);
  return rc;
}

void expect_sent(world *w, int i, uint64_t at, unsigned code) {
  if (i >= w->count)
    fail_msg("%d sent, and not %d", w->count, i + 1);
  char line[16];
  snprintf(line, sizeof line, "SIP/2.0 %u ", code);
  if (w->sent[i].at != at || strncmp(w->sent[i].text, line, strlen(line)))
    fail_msg("%d. at %d ms, not %d: %.40s", i, (int)w->sent[i].at, (int)at,
             w->sent[i].text);
}

void expect_to(world *w, int i, const char *address) {
  assert_true(i < w->count);
  assert_string_equal(w->sent[i].to, address);
}

void expect_same(world *w, int i, int j) {
  assert_true(i < w->count && j < w->count);
  assert_string_equal(w->sent[i].text, w->sent[j].text);
}

void expect_has(world *w, int i, const char *text) {
  assert_true(i < w->count);
  if (!strstr(w->sent[i].text, text))
    fail_msg("no \"%s\" in:\n%s", text, w->sent[i].text);
}

void expect_lacks(world *w, int i, const char *text) {
  assert_true(i < w->count);
  if (strstr(w->sent[i].text, text))
    fail_msg("\"%s\" in:\n%s", text, w->sent[i].text);
}

void expect_told(world *w, int i, uint64_t at, bool unacknowledged) {
  const served *s = &w->user[i];
  assert_int_equal(s->ended, 1);
  assert_int_equal(s->failed, 0);
  assert_int_equal(s->at, at);
  assert_int_equal(s->unacknowledged, unacknowledged);
}

void expect_untold(world *w, int i) {
  assert_int_equal(w->user[i].ended + w->user[i].failed, 0);
}

static void on_done(void *arg, int rc, ss_message *response) {
  world *w = arg;
  assert_int_equal(rc == 0, response != NULL);
  w->bye.done++;
  w->bye.rc = rc;
  w->bye.code = response ? response->code : 0;
  w->bye.at = since_start(w);
}

int path_to(world *w, const char *text, ss_path *path) {
  ss_addr to = address_of(text);
  return ss_path_to(to.proto == SS_TCP ? w->tcp : w->udp, &to, path);
}

int start_bye(world *w, const char *text) {
  static const char bye[] = "BYE sip:a@10.0.0.2 SIP/2.0\r\n"
                            "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=" BRANCH
                            "\r\nContent-Length: 0\r\n\r\n";
  ss_path path;
  int rc = path_to(w, text, &path);
  if (rc)
    return rc;
  ss_packet *packet = ss_packet_new(ss_str_z(bye));
  assert_non_null(packet);
  rc = ss_client_start(w->layer, &path, packet, SS_STR(BRANCH), SS_BYE, on_done,
                       w, &w->bye.client);
  ss_packet_unref(packet);
  ss_path_release(&path);
  pass(w, 0);
  return rc;
}

void respond(world *w, const char *from, unsigned code, const char *branch,
             const char *method, const char *extra) {
  char text[1024];
  speaker *peer = peer_at(w, from);
  bool tcp = peer->addr.proto == SS_TCP;
  snprintf(text, sizeof text,
           "SIP/2.0 %u Whatever\r\n"
           "Via: SIP/2.0/%s 10.0.0.1:5060;branch=%s\r\n%s"
           "From: <sip:desk@example.net>;tag=tt\r\n"
           "To: <sip:a@example.com>;tag=aa\r\n"
           "Call-ID: c1@10.0.0.2\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
           code, tcp ? "TCP" : "UDP", branch, extra, method);
  speak(w, peer, text);
}
