/* What comes at once is read first, and dealt with then: each of the two is
 * more code than a processor keeps at hand, and what the second looks for is
 * fetched during the first. A stream's messages are dealt with as they come:
 * its connection may end with the next. */
#include "ua/ua.h"

static void count_refusal(ss_endpoint *e, const ss_message *m) {
  if (m->over)
    e->stats.refused_limit++;
  else if (m->fault == 505)
    e->stats.refused_version++;
  else
    e->stats.refused_syntax++;
}

static void deal_with(ss_endpoint *e) {
  for (unsigned i = 0; i < e->inbox.n; i++) {
    ss_received *r = &e->inbox.at[i];
    ss_layer_receive(e->layer, &r->path, r->m, &r->keys);
    ss_message_unref(r->m);
  }
  e->inbox.n = 0;
}

static void gathered(ss_job *job) {
  deal_with(SS_CONTAINER(job, ss_endpoint, inbox.job));
}

static void put(ss_endpoint *e, const ss_path *path, ss_message *m) {
  ss_received *r = &e->inbox.at[e->inbox.n++];
  r->path = *path;
  r->m = m;
  ss_layer_expect(e->layer, m, &r->keys);
  if (m->is_request)
    ss_dialog_expect(e, m);
  if (path->conn || e->inbox.n == SS_INBOX)
    deal_with(e);
  else
    ss_loop_gather(e->loop, &e->inbox.job);
}

void ss_inbox_read(ss_endpoint *e, const ss_path *path, const char *p,
                   size_t n) {
  ss_message *m;
  int rc = ss_message_new(&m, (ss_str){p, n}, path->conn != NULL, &e->limits);
  if (rc) {
    if (rc == SS_ENOMEM)
      e->stats.out_of_memory++;
    else
      e->stats.refused_unanswerable++;
    return;
  }
  m->time = (double)ss_loop_now(e->loop) / 1000;
  if (!m->fault) {
    put(e, path, m);
    return;
  }
  count_refusal(e, m);
  ss_layer_refuse(e->layer, path, m, m->fault, m->fault_reason, SS_STR_NONE);
  ss_message_unref(m);
}

void ss_inbox_init(ss_endpoint *e) {
  e->inbox.job.fn = gathered;
}
