/* The transactions of our re-INVITE and UPDATE: sent, heard, and the ACK of a
 * 2xx, which is repeated for each repeat of it (RFC 3261 13.2.2.4). */
#include "ua/renewal.h"

#include "base/alloc.h"

/* --- INVITE --------------------------------------------------------------- */

/* Every 2xx has an ACK, also one that has crossed our BYE, and one whose ACK
 * there was no memory for the first time; but while the answer that goes into
 * it is looked for there is none. */
static void on_response(void *arg, ss_message *m) {
  ss_renewal *r = arg;
  if (r->acknowledged) {
    if (ss_path_send(&r->ack.path, r->ack.packet))
      r->session->endpoint->stats.send_errors++;
  } else if (r->state == SS_RENEWAL_SENT) {
    ss_renewal_answered(r, m);
  } else if (r->state != SS_RENEWAL_ANSWERING && m->code / 100 == 2) {
    ss_renewal_ack(r, NULL);
  }
}

/* Nothing more comes of it. */
static void end(ss_renewal *r) {
  r->client = NULL;
  if (r->state != SS_RENEWAL_DONE) /* its answer is still looked for */
    return;
  ss_list_remove(&r->node);
  ss_renewal_free(r);
}

static void on_failed(void *arg, int rc) {
  ss_renewal *r = arg;
  if (r->state == SS_RENEWAL_DONE) {
    end(r);
    return;
  }
  r->client = NULL;
  ss_renewal_failed(r, rc);
}

static void on_ended(void *arg) {
  end(arg);
}

static const ss_client_watch watch = {on_response, on_failed, on_ended};

/* --- UPDATE --------------------------------------------------------------- */

static void on_done(void *arg, int rc, ss_message *response) {
  ss_renewal *r = arg;
  r->client = NULL;
  if (rc)
    ss_renewal_failed(r, rc);
  else
    ss_renewal_answered(r, response);
}

int ss_renewal_send(ss_renewal *r, const ss_content *content) {
  ss_session *s = r->session;
  ss_letter l;
  char text[1024];
  ss_buf own = SS_BUF_ON(text, sizeof text);
  if (!ss_content_lists(content))
    ss_buf_str(&own, ss_str_z(s->endpoint->options));
  ss_refresh_request(s, &own);
  if (own.full)
    return SS_EFULL;
  ss_sending q = {.method = r->invite ? SS_INVITE : SS_UPDATE,
                  .contact = true,
                  .own = ss_buf_view(&own),
                  .content = content};
  int rc = ss_send_prepare(s, &q, &l);
  if (rc)
    return rc;
  r->proceeding = false;
  r->cseq = s->dialog.local_cseq;
  if (r->invite)
    rc = ss_client_invite(s->endpoint->layer, &l.path, l.packet,
                          ss_letter_branch(&l), &watch, r, &r->client);
  else
    rc = ss_client_start(s->endpoint->layer, &l.path, l.packet,
                         ss_letter_branch(&l), SS_UPDATE, on_done, r,
                         &r->client);
  ss_letter_free(&l);
  return rc;
}

int ss_renewal_ack(ss_renewal *r, const ss_packet *answer) {
  ss_session *s = r->session;
  ss_content content = {0};
  if (answer)
    content.body = (ss_str){answer->p, answer->n};
  ss_sending q = {.method = SS_ACK, .cseq = r->cseq, .content = &content};
  int rc = ss_send_prepare(s, &q, &r->ack);
  if (rc)
    return rc;
  r->acknowledged = true;
  if (ss_path_send(&r->ack.path, r->ack.packet))
    s->endpoint->stats.send_errors++; /* their repeats ask for it again */
  return 0;
}

void ss_renewal_quit(ss_renewal *r) {
  if (r->client)
    ss_client_abandon(r->client);
  r->client = NULL;
}

void ss_renewal_free(ss_renewal *r) {
  ss_renewal_quit(r);
  if (r->acknowledged)
    ss_letter_free(&r->ack);
  ss_message_unref(r->response);
  ss_free(r);
}
