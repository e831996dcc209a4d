/* Our requests within a dialog: built from it (RFC 3261 12.2.1.1) and sent to
 * where the route set or the remote target says. What they are for is the
 * business of whoever sends them. */
#include "ua/ua.h"

/* Where a request of this dialog goes, and what it says about it. */
typedef struct target {
  ss_str uri, route; /* as written into the request */
  ss_uri next;       /* the next hop */
  bool routed;       /* there is a route set */
} target;

/* The first of the route set, which is the same for all of the dialog: parsed
 * once, as the arena is bounded. */
static int parse_route(ss_session *s, ss_str value) {
  if (s->route)
    return 0;
  ss_arena *arena = &s->request->arena;
  ss_name_addr *first = ss_arena_alloc(arena, sizeof *first);
  int rc = first ? ss_name_addr_parse(arena, value, first) : SS_ENOMEM;
  if (!rc)
    s->route = first;
  return rc;
}

/* RFC 3261 12.2.1.1: the route set is the INVITE's Record-Route in order; its
 * first URI without ;lr is a strict router's, which wants to be the
 * Request-URI and the remote target last. */
static int find_target(ss_session *s, ss_buf *b, target *t) {
  ss_message *m = s->request;
  const ss_name_addr *contact;
  int rc = ss_dialog_target(s->target ? s->target : m, &contact);
  if (rc)
    return rc;
  t->uri = ss_uri_bare(&contact->uri);
  t->next = contact->uri;
  ss_elements e = ss_message_elements(m, SS_FIELD_RECORD_ROUTE);
  ss_str value;
  bool strict = false;
  size_t start = b->n;
  while (ss_elements_next(&e, &value)) {
    if (!t->routed) {
      rc = parse_route(s, value);
      if (rc)
        return rc;
      t->routed = true;
      t->next = s->route->uri;
      strict = !t->next.lr;
      if (strict)
        continue;
    }
    if (b->n > start)
      ss_buf_lit(b, ", ");
    ss_buf_str(b, value);
  }
  if (strict) {
    if (b->n > start)
      ss_buf_lit(b, ", ");
    ss_buf_char(b, '<');
    ss_buf_str(b, t->uri);
    ss_buf_char(b, '>');
    t->uri = ss_uri_bare(&t->next);
  }
  t->route = (ss_str){b->p + start, b->n - start};
  return b->full ? SS_EFULL : 0;
}

/* A caller behind a NAT: its Contact names the address that its packets don't
 * come from. It can't be reached there; where it was heard from it can. */
static bool behind_nat(const ss_session *s, const ss_addr *contact) {
  return ss_addr_same_ip(&s->hidden, contact) &&
         !ss_addr_same_ip(&s->remote, contact);
}

/* May a peer send us there? Where the script has given networks, to those. Else
 * not to what its own packets could not reach: not to this machine from another
 * one, nor by its Contact to a private network from elsewhere. */
static bool may_steer(const ss_session *s, const ss_addr *to, bool routed) {
  const ss_networks *targets = &s->endpoint->targets;
  bool local = ss_addr_is_loopback(&s->remote);
  if (targets->n)
    return ss_networks_have(targets, to);
  if (ss_addr_is_loopback(to))
    return local;
  return routed || !ss_addr_is_private(to) || local ||
         ss_addr_is_private(&s->remote);
}

static ss_transport *transport_for(ss_session *s, const ss_addr *to) {
  ss_endpoint *e = s->endpoint;
  int family = to->u.sa.sa_family;
  const ss_addr *own = ss_transport_local(s->path.transport);
  if (own->proto == to->proto && own->u.sa.sa_family == family)
    return s->path.transport;
  for (size_t i = 0; i < e->transports; i++) {
    own = ss_transport_local(e->transport[i]);
    if (own->proto == to->proto && own->u.sa.sa_family == family)
      return e->transport[i];
  }
  return NULL;
}

typedef struct hop {
  ss_transport *transport; /* NULL: by the INVITE's own connection */
  ss_addr to;
} hop;

static bool is_connected(const ss_session *s) {
  return s->path.conn && !ss_path_ended(&s->path);
}

static hop source_of(const ss_session *s) {
  if (is_connected(s))
    return (hop){NULL, s->path.peer};
  return (hop){s->path.transport, s->remote};
}

/* The next hop. IP literals only: where a host name stands, the request goes
 * back to where the INVITE came from, whose sender knows the way; nothing here
 * waits for a name server. The INVITE's own connection is used as long as it is
 * open and the next hop isn't elsewhere. */
static hop find_hop(ss_session *s, const target *t) {
  ss_addr to;
  ss_proto proto =
      ss_str_ieq(t->next.transport, SS_STR("tcp")) ? SS_TCP : SS_UDP;
  uint16_t port = t->next.port ? t->next.port : 5060;
  int rc = ss_addr_ip(&to, proto, t->next.host, port);
  if (rc || !ss_addr_sendable(&to) || !may_steer(s, &to, t->routed))
    return source_of(s);
  bool elsewhere = t->routed && !ss_addr_same_ip(&to, &s->remote);
  if (is_connected(s) && !elsewhere)
    return source_of(s);
  if (!t->routed && behind_nat(s, &to))
    return source_of(s);
  ss_transport *transport = transport_for(s, &to);
  return transport ? (hop){transport, to} : source_of(s);
}

static int find_path(ss_session *s, const target *t, ss_path *path) {
  hop h = find_hop(s, t);
  if (h.transport)
    return ss_path_to(h.transport, &h.to, path);
  *path = s->path;
  ss_path_hold(path);
  return 0;
}

static int render(ss_session *s, const target *t, const ss_path *path,
                  const ss_sending *r, ss_str branch, ss_buf *values,
                  ss_packet **out) {
  ss_endpoint *e = s->endpoint;
  ss_message *m = s->request;
  size_t start = values->n;
  ss_buf_str(values, ss_message_field(m, SS_FIELD_TO)->value);
  ss_buf_lit(values, ";tag=");
  ss_buf_str(values, ss_dialog_local_tag(&s->dialog));
  ss_str from = {values->p + start, values->n - start};
  start = values->n;
  if (r->contact)
    ss_identity_contact(e, path, values);
  ss_str contact = {values->p + start, values->n - start};
  ss_content none = {0};
  const ss_content *c = r->content ? r->content : &none;
  ss_request q = {.method = r->method,
                  .method_text = r->method_text,
                  .uri = t->uri,
                  .sent_by = ss_identity_sent_by(e),
                  .branch = branch,
                  .from = from,
                  .to = ss_message_field(m, SS_FIELD_FROM)->value,
                  .call_id = s->dialog.call_id,
                  .cseq = r->cseq ? r->cseq : ++s->dialog.local_cseq,
                  .route = t->route,
                  .contact = contact,
                  .user_agent = ss_str_z(e->name),
                  .own = r->own,
                  .fields = c->fields,
                  .content_type = ss_content_type(c),
                  .body = c->body};
  ss_path_local(path, &q.local);
  char *p = values->p + values->n; /* the rest of the scratch */
  ss_buf b = SS_BUF_ON(p, values->max - values->n);
  if (values->full)
    return SS_EFULL;
  int rc = ss_render_request(&b, &q);
  if (rc)
    return rc;
  *out = ss_packet_new(ss_buf_view(&b));
  return *out ? 0 : SS_ENOMEM;
}

int ss_send_prepare(ss_session *s, const ss_sending *r, ss_letter *out) {
  ss_endpoint *e = s->endpoint;
  char *scratch = e->scratch;
  size_t size = sizeof e->scratch;
  ss_buf b = SS_BUF_ON(scratch, size);
  target t = {0};
  int rc = find_target(s, &b, &t);
  if (!rc)
    rc = find_path(s, &t, &out->path);
  if (rc)
    return rc;
  ss_branch(out->branch);
  rc = render(s, &t, &out->path, r, ss_letter_branch(out), &b, &out->packet);
  if (rc)
    ss_path_release(&out->path);
  return rc;
}

int ss_session_next_hop(ss_session *s, ss_addr *out) {
  ss_endpoint *e = s->endpoint;
  if (!e) /* it has ended, and is the script's alone */
    return SS_ECLOSED;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  target t = {0};
  int rc = find_target(s, &b, &t);
  if (!rc)
    *out = find_hop(s, &t).to;
  return rc;
}

void ss_letter_free(ss_letter *l) {
  ss_packet_unref(l->packet);
  ss_path_release(&l->path);
}

ss_failure ss_send_failure(int rc) {
  bool ours = rc == SS_ENOMEM || rc == SS_EFULL || rc == SS_ELIMIT;
  return (ss_failure){ours ? SS_KIND_OPERATION_FAILURE
                           : SS_KIND_CONNECTION_FAILURE,
                      SS_WHY_NONE, rc};
}

int ss_send_request(ss_session *s, const ss_sending *r, ss_client_fn done,
                    void *arg, ss_client **out) {
  ss_letter l;
  int rc = ss_send_prepare(s, r, &l);
  if (rc)
    return rc;
  rc = ss_client_start(s->endpoint->layer, &l.path, l.packet,
                       ss_letter_branch(&l), r->method, done, arg, out);
  ss_letter_free(&l);
  return rc;
}
