/* Dialogs of the called side: found by Call-ID and both tags in constant time
 * (RFC 3261 12), requests within them in order (12.2.2), and our requests
 * built from them (12.2.1.1) and sent to where the route set or the remote
 * target says. */
#include "ua/ua.h"

void ss_dialog_init(ss_dialog *d, ss_message *invite, ss_str remote_tag) {
  d->call_id = invite->call_id;
  d->remote_tag = remote_tag;
  d->remote_cseq = d->invite_cseq = invite->cseq;
  d->local_cseq = ss_random_below(1u << 16);
  ss_tag(d->local_tag);
}

static uint64_t dialog_hash(ss_str call_id, ss_str local, ss_str remote) {
  uint64_t h = ss_hash_add(0, call_id);
  h = ss_hash_add(h, local);
  return ss_hash_add(h, remote);
}

static ss_str local_tag(const ss_dialog *d) {
  return (ss_str){d->local_tag, SS_TAG_LEN};
}

void ss_dialog_insert(ss_endpoint *e, ss_dialog *d) {
  ss_hash_insert(&e->dialogs, &d->node,
                 dialog_hash(d->call_id, local_tag(d), d->remote_tag));
}

void ss_dialog_remove(ss_endpoint *e, ss_dialog *d) {
  ss_hash_remove(&e->dialogs, &d->node);
}

ss_session *ss_dialog_find(ss_endpoint *e, ss_message *m) {
  const ss_name_addr *from, *to;
  if (ss_message_from(m, &from) || ss_message_to(m, &to))
    return NULL;
  uint64_t h = dialog_hash(m->call_id, to->tag, from->tag);
  ss_hnode *n = ss_hash_first(&e->dialogs, h);
  for (; n; n = ss_hash_next(n)) {
    ss_dialog *d = SS_CONTAINER(n, ss_dialog, node);
    if (ss_str_eq(d->call_id, m->call_id) && ss_str_eq(local_tag(d), to->tag) &&
        ss_str_eq(d->remote_tag, from->tag))
      return SS_CONTAINER(d, ss_session, dialog);
  }
  return NULL;
}

bool ss_dialog_in_order(ss_dialog *d, const ss_message *m) {
  if (m->cseq < d->remote_cseq)
    return false;
  d->remote_cseq = m->cseq;
  return true;
}

/* RFC 2543 6.13 did not ask for a Contact in an INVITE: callers of that time,
 * known by a branch without the cookie (RFC 3261 8.1.1.7), are called back at
 * their From. */
int ss_dialog_target(ss_message *m, const ss_name_addr **out) {
  const ss_via *via;
  int rc = ss_message_contact(m, out);
  if (rc != SS_ENOTFOUND || ss_message_via(m, &via))
    return rc;
  ss_str cookie = SS_STR("z9hG4bK");
  if (via->branch.n >= cookie.n &&
      ss_str_ieq((ss_str){via->branch.p, cookie.n}, cookie))
    return rc;
  return ss_message_from(m, out);
}

/* Where a request of this dialog goes, and what it says about it. */
typedef struct target {
  ss_str uri, route; /* as written into the request */
  ss_uri next;       /* the next hop */
  bool routed;       /* there is a route set */
} target;

/* RFC 3261 12.2.1.1: the route set is the INVITE's Record-Route in order; its
 * first URI without ;lr is a strict router's, which wants to be the
 * Request-URI and the remote target last. */
static int find_target(ss_session *s, ss_buf *b, target *t) {
  ss_message *m = s->request;
  const ss_name_addr *contact;
  int rc = ss_dialog_target(m, &contact);
  if (rc)
    return rc;
  t->uri = contact->uri.text;
  t->next = contact->uri;
  ss_elements e = ss_message_elements(m, SS_FIELD_RECORD_ROUTE);
  ss_str value;
  bool strict = false;
  size_t start = b->n;
  while (ss_elements_next(&e, &value)) {
    if (!t->routed) {
      ss_name_addr first;
      rc = ss_name_addr_parse(&m->arena, value, &first);
      if (rc)
        return rc;
      t->routed = true;
      t->next = first.uri;
      strict = !first.uri.lr;
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
    t->uri = t->next.text;
  }
  t->route = (ss_str){b->p + start, b->n - start};
  return b->full ? SS_EFULL : 0;
}

/* A caller behind a NAT: it asked for rport, and both its Via and its Contact
 * name an address that its packets don't come from. Its Contact can't be
 * reached; the address it was heard from can. */
static bool behind_nat(ss_session *s, const ss_addr *contact) {
  const ss_via *via;
  ss_addr sent_by;
  if (ss_message_via(s->request, &via) || !via->rport ||
      ss_addr_ip(&sent_by, contact->proto, via->host, 0))
    return false;
  return ss_addr_same_ip(&sent_by, contact) &&
         !ss_addr_same_ip(&s->remote, contact);
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

static int back_to_source(ss_session *s, ss_path *path) {
  if (s->path.conn && !ss_path_ended(&s->path)) {
    *path = s->path;
    ss_path_hold(path);
    return 0;
  }
  return ss_path_to(s->path.transport, &s->remote, path);
}

/* The path to the next hop. IP literals only: where a host name stands, the
 * request goes back to where the INVITE came from, whose sender knows the way;
 * nothing here waits for a name server. The INVITE's own connection is used as
 * long as it is open and the next hop isn't elsewhere. */
static int find_path(ss_session *s, const target *t, ss_path *path) {
  ss_addr to;
  ss_proto proto =
      ss_str_ieq(t->next.transport, SS_STR("tcp")) ? SS_TCP : SS_UDP;
  uint16_t port = t->next.port ? t->next.port : 5060;
  int rc = ss_addr_ip(&to, proto, t->next.host, port);
  if (rc || !ss_addr_sendable(&to))
    return back_to_source(s, path);
  bool elsewhere = t->routed && !ss_addr_same_ip(&to, &s->remote);
  if (s->path.conn && !ss_path_ended(&s->path) && !elsewhere)
    return back_to_source(s, path);
  if (!t->routed && behind_nat(s, &to))
    return back_to_source(s, path);
  ss_transport *transport = transport_for(s, &to);
  if (!transport)
    return back_to_source(s, path);
  return ss_path_to(transport, &to, path);
}

static int render_bye(ss_session *s, const target *t, const ss_path *path,
                      const ss_fields *fields, ss_str branch, ss_buf *values,
                      ss_packet **out) {
  ss_endpoint *e = s->endpoint;
  ss_message *m = s->request;
  size_t start = values->n;
  ss_buf_str(values, ss_message_field(m, SS_FIELD_TO)->value);
  ss_buf_lit(values, ";tag=");
  ss_buf_str(values, local_tag(&s->dialog));
  ss_str from = {values->p + start, values->n - start};
  ss_request r = {.method = SS_BYE,
                  .uri = t->uri,
                  .sent_by = ss_identity_sent_by(e),
                  .branch = branch,
                  .from = from,
                  .to = ss_message_field(m, SS_FIELD_FROM)->value,
                  .call_id = s->dialog.call_id,
                  .cseq = ++s->dialog.local_cseq,
                  .route = t->route,
                  .user_agent = ss_str_z(e->name),
                  .fields = fields};
  ss_path_local(path, &r.local);
  char *p = values->p + values->n; /* the rest of the scratch */
  ss_buf b = SS_BUF_ON(p, values->max - values->n);
  int rc = ss_render_request(&b, &r);
  if (rc || values->full)
    return rc ? rc : SS_EFULL;
  *out = ss_packet_new(ss_buf_view(&b));
  return *out ? 0 : SS_ENOMEM;
}

int ss_dialog_bye(ss_session *s, const ss_fields *fields, ss_client_fn done) {
  ss_endpoint *e = s->endpoint;
  ss_buf b = SS_BUF_ON(e->scratch, sizeof e->scratch);
  target t = {0};
  ss_path path;
  int rc = find_target(s, &b, &t);
  if (!rc)
    rc = find_path(s, &t, &path);
  if (rc)
    return rc;
  char branch[SS_BRANCH_LEN];
  ss_branch(branch);
  ss_str id = {branch, sizeof branch};
  ss_packet *packet = NULL;
  rc = render_bye(s, &t, &path, fields, id, &b, &packet);
  if (!rc)
    rc = ss_client_start(e->layer, &path, packet, id, SS_BYE, done, s, &s->bye);
  ss_packet_unref(packet);
  ss_path_release(&path);
  return rc;
}
