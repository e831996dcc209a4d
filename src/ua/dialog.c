/* Dialogs of the called side: found by Call-ID and both tags in constant time
 * (RFC 3261 12), requests within them in order (12.2.2), and the remote target
 * (12.1.1), which some requests renew. Our own requests are in send.c. */
#include "ua/ua.h"

void ss_dialog_init(ss_dialog *d, ss_message *invite, ss_str remote_tag) {
  d->call_id = invite->call_id;
  d->remote_tag = remote_tag;
  d->remote_cseq = d->invite_cseq = invite->cseq;
  d->local_cseq = ss_random_below(1u << 16);
  ss_tag(d->local_tag);
  d->node.hash = ss_hash_add(ss_layer_call(invite), ss_dialog_local_tag(d));
}

void ss_dialog_insert(ss_endpoint *e, ss_dialog *d) {
  ss_hash_insert(&e->dialogs, &d->node, d->node.hash);
}

void ss_dialog_remove(ss_endpoint *e, ss_dialog *d) {
  ss_hash_remove(&e->dialogs, &d->node);
}

/* Of a request that was received. */
static uint64_t hash_of(ss_message *m, ss_str local) {
  if (!m->dialog)
    m->dialog = ss_hash_add(ss_layer_call(m), local);
  return m->dialog;
}

void ss_dialog_expect(const ss_endpoint *e, ss_message *m) {
  const ss_name_addr *to;
  if (!ss_message_to(m, &to) && to->tag.n)
    ss_hash_expect(&e->dialogs, hash_of(m, to->tag));
}

ss_session *ss_dialog_find(ss_endpoint *e, ss_message *m) {
  const ss_name_addr *from, *to;
  if (ss_message_from(m, &from) || ss_message_to(m, &to))
    return NULL;
  uint64_t h = hash_of(m, to->tag);
  ss_hnode *n = ss_hash_first(&e->dialogs, h);
  for (; n; n = ss_hash_next(&e->dialogs, n)) {
    ss_dialog *d = SS_CONTAINER(n, ss_dialog, node);
    if (ss_str_eq(d->call_id, m->call_id) &&
        ss_str_eq(ss_dialog_local_tag(d), to->tag) &&
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

/* Does a caller that asked for rport name an address in its Via that its
 * packets don't come from? It is behind a NAT then. */
void ss_dialog_heard(ss_session *s, ss_message *request,
                     const ss_addr *source) {
  const ss_via *via;
  ss_addr sent_by;
  s->hidden = (ss_addr){0};
  if (!ss_message_via(request, &via) && via->rport &&
      !ss_addr_ip(&sent_by, source->proto, via->host, 0) &&
      !ss_addr_same_ip(&sent_by, source))
    s->hidden = sent_by;
}

void ss_dialog_refresh(ss_session *s, ss_message *m, const ss_path *path,
                       const ss_addr *source) {
  const ss_name_addr *target;
  if (ss_dialog_target(m, &target) || !target->uri.sip)
    return;
  if (!m->code) /* the Via of a response is ours */
    ss_dialog_heard(s, m, source);
  ss_message_ref(m);
  ss_message_unref(s->target);
  s->target = m;
  s->remote = *source;
  ss_path fresh = *path;
  ss_path_hold(&fresh);
  ss_path_release(&s->path);
  s->path = fresh;
}
