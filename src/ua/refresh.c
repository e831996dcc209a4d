/* Session timers kept (RFC 4028 7, 10): whoever is to refresh does so at half
 * the interval, by UPDATE where the other side takes it and else by re-INVITE,
 * and any other re-INVITE or UPDATE that succeeds does as well. Where none
 * comes in time the call is ended with a BYE before it expires. Made for calls
 * that have a timer only. What the header fields mean is in timing.c. */
#include "ua/timing.h"

#include "base/alloc.h"

/* RFC 4028 10: "slightly before the session expiration". The other side's
 * refreshes aren't waited for longer than this; our own need not be feared to
 * be on their way. */
#define PEER_MARGIN 32
#define OWN_MARGIN 10

#define BUSY_DELAY 1000   /* until their re-INVITE may be done */
#define FAILED_DELAY 5000 /* after a refusal; then twice that, and so on */

struct ss_refresh {
  ss_session *session;
  ss_timer timer; /* until we refresh, try it again, or end the call */
  ss_terms now;
  ss_terms proposed; /* by the 2xx that is on its way */
  bool pending;      /* it is */
  uint64_t end;      /* ms: the call is ended where nothing has refreshed it */
  uint32_t delay;    /* ms until the next try */
  uint32_t least;    /* s: the largest Min-SE heard of (RFC 4028 7.4) */
  bool due;          /* we should have refreshed it */
  bool supported;    /* the other side knows of timers, */
  bool updates;      /* and takes UPDATE, as far as it said, */
  bool refused;      /* which wasn't true */
};

static ss_refresh *obtain(ss_session *s);

/* --- the clock ------------------------------------------------------------ */

static void arm(ss_refresh *r, uint64_t at) {
  ss_loop_timer_at(r->session->endpoint->loop, &r->timer,
                   at < r->end ? at : r->end);
}

static uint64_t now(const ss_refresh *r) {
  return ss_loop_now(r->session->endpoint->loop);
}

static uint64_t margin(const ss_terms *t) {
  if (t->ours)
    return OWN_MARGIN;
  return t->interval / 3 < PEER_MARGIN ? t->interval / 3 : PEER_MARGIN;
}

/* From now on the session lives for so long. */
static void start(ss_refresh *r, const ss_terms *t) {
  uint64_t ms = (uint64_t)t->interval * 1000;
  r->now = *t;
  r->due = false;
  r->delay = FAILED_DELAY;
  if (!t->interval) {
    ss_loop_timer_stop(r->session->endpoint->loop, &r->timer);
    return;
  }
  r->end = now(r) + ms - margin(t) * 1000;
  arm(r, t->ours ? now(r) + ms / 2 : r->end);
}

/* --- our refreshes -------------------------------------------------------- */

static void on_over(ss_operation *o) {
  (void)o; /* what came of it was seen when it came */
}

static bool is_busy(const ss_session *s) {
  return s->phase != SS_PHASE_ESTABLISHED || s->modify || s->media.described;
}

/* RFC 4028 7.4: an UPDATE without offer is what is preferred; a re-INVITE says
 * the same again. */
static int transmit(ss_refresh *r) {
  ss_session *s = r->session;
  bool update = r->updates && !r->refused;
  bool again = !update && s->media.base;
  ss_renew_options how = {.mode = again ? SS_RENEW_AGAIN : SS_RENEW_BARE,
                          .method = update ? SS_UPDATE : SS_INVITE,
                          .held = s->media.held};
  ss_operation *o;
  ss_failure f = ss_renew(s, &how, &o);
  if (f.kind != SS_KIND_NONE)
    return f.rc ? f.rc : SS_ESTATE;
  o->over = on_over;
  return 0;
}

static void attempt(ss_refresh *r) {
  ss_session *s = r->session;
  r->due = true;
  arm(r, r->end);
  if (s->renewal) /* that one refreshes */
    return;
  if (is_busy(s) || transmit(r))
    arm(r, now(r) + BUSY_DELAY);
}

/* RFC 4028 10. Without the ACK of the INVITE there can't be a BYE yet. */
static void lapse(ss_refresh *r) {
  ss_session *s = r->session;
  if (s->phase < SS_PHASE_SETTLING)
    ss_loop_timer(s->endpoint->loop, &r->timer, BUSY_DELAY);
  else
    ss_end_because(s, SS_CAUSE_SESSION_TIMER_EXPIRED);
}

static void on_timer(ss_timer *timer) {
  ss_refresh *r = SS_CONTAINER(timer, ss_refresh, timer);
  if (now(r) >= r->end)
    lapse(r);
  else
    attempt(r);
}

/* RFC 4028 7.4: at least the largest Min-SE, so that nobody has to say 422. */
static ss_terms asked(const ss_refresh *r) {
  ss_terms t = r->now;
  if (t.interval && t.interval < r->least)
    t.interval = r->least;
  return t;
}

void ss_refresh_request(ss_session *s, ss_buf *b) {
  ss_refresh *r = s->refresh;
  if (!r || !r->now.interval)
    return;
  ss_terms t = asked(r);
  ss_timing_write(b, &t, false);
  if (!r->least)
    return;
  ss_buf_lit(b, "Min-SE: ");
  ss_buf_u64(b, r->least);
  ss_buf_lit(b, "\r\n");
}

/* --- what came of one, ours or the script's ------------------------------- */

static void learn(ss_refresh *r, const ss_message *m) {
  r->updates |= m->is_request && m->method == SS_UPDATE;
  if (ss_message_field(m, SS_FIELD_ALLOW))
    r->updates = ss_message_lists(m, SS_FIELD_ALLOW, SS_STR("UPDATE"));
}

/* RFC 4028 7.2: nothing about it in the 2xx turns it off, unless the other side
 * can't say anything: it is we who refresh then, as we asked to. */
static ss_terms unanswered(const ss_refresh *r) {
  ss_terms none = {0};
  bool alone = !r->supported && r->now.ours;
  return alone && r->session->timing.use == SS_TIMING_ASKED ? asked(r) : none;
}

void ss_refresh_succeeded(ss_session *s, const ss_message *response) {
  ss_terms t, was = {0};
  if (s->timing.use == SS_TIMING_OFF)
    return;
  if (s->refresh)
    was = asked(s->refresh);
  int rc = ss_timing_answered(&was, response, &t);
  if (rc == SS_ENOTFOUND && !s->refresh)
    return;
  ss_refresh *r = obtain(s);
  if (!r)
    return;
  learn(r, response);
  r->supported |= ss_timing_supported(response);
  if (rc == SS_ENOTFOUND)
    t = unanswered(r);
  else if (rc) /* there is one, as we asked for */
    t = was;
  start(r, &t);
}

static uint64_t delay(const ss_refresh *r, const ss_message *response) {
  const ss_field *f =
      response ? ss_message_field(response, SS_FIELD_RETRY_AFTER) : NULL;
  uint32_t seconds = 0;
  if (f)
    ss_retry_after(f->value, &seconds);
  uint64_t ms = (uint64_t)seconds * 1000;
  return ms > r->delay ? ms : r->delay;
}

/* RFC 4028 10: what isn't the end of the call is tried again, not on and on. */
void ss_refresh_failed(ss_session *s, bool update, const ss_message *response) {
  ss_refresh *r = s->refresh;
  unsigned code = response ? response->code : 0;
  if (!r || !r->now.interval)
    return;
  bool unknown = update && (code == 405 || code == 501);
  r->refused |= unknown;
  if (!r->due)
    return;
  if (unknown) {
    arm(r, now(r));
    return;
  }
  arm(r, now(r) + delay(r, response));
  if (r->delay < UINT32_MAX / 2)
    r->delay *= 2;
}

bool ss_refresh_raised(ss_session *s, const ss_message *m) {
  ss_refresh *r = s->refresh;
  const ss_field *f = ss_message_field(m, SS_FIELD_MIN_SE);
  uint32_t least;
  if (m->code != 422 || !r || !r->now.interval || !f ||
      ss_min_se(f->value, &least) || least <= asked(r).interval)
    return false;
  r->least = least;
  return true;
}

/* --- what a 2xx of ours says ---------------------------------------------- */

static ss_refresh *obtain(ss_session *s) {
  if (s->refresh)
    return s->refresh;
  ss_refresh *r = ss_alloc(sizeof *r);
  if (!r) {
    s->endpoint->stats.out_of_memory++;
    return NULL;
  }
  r->session = s;
  r->timer.fn = on_timer;
  learn(r, s->request);
  s->refresh = r;
  return r;
}

void ss_refresh_answer(ss_session *s, const ss_message *m, ss_buf *b) {
  ss_terms none = {0};
  if (s->phase < SS_PHASE_ANSWERED) /* there is no session to be kept yet */
    return;
  ss_terms t =
      ss_timing_answer(&s->timing, s->refresh ? &s->refresh->now : &none, m);
  if (!t.interval && !s->refresh)
    return;
  ss_refresh *r = obtain(s);
  if (!r) /* without memory the call has no timer, and the 2xx says so */
    return;
  learn(r, m);
  r->supported = ss_timing_supported(m);
  r->proposed = t;
  r->pending = true;
  if (t.least > r->least)
    r->least = t.least;
  if (!t.interval)
    return;
  ss_timing_write(b, &t, true);
  if (r->supported) /* RFC 4028 9 */
    ss_buf_lit(b, "Require: timer\r\n");
}

void ss_refresh_answered(ss_session *s) {
  ss_refresh *r = s->refresh;
  if (!r || !r->pending)
    return;
  r->pending = false;
  start(r, &r->proposed);
}

void ss_refresh_stop(ss_session *s) {
  ss_refresh *r = s->refresh;
  if (!r)
    return;
  s->refresh = NULL;
  ss_loop_timer_stop(s->endpoint->loop, &r->timer);
  ss_free(r);
}

/* --- what is asked for ---------------------------------------------------- */

const ss_timing *ss_session_timing(const ss_session *s) {
  return &s->timing;
}

int ss_session_set_timing(ss_session *s, const ss_timing *t) {
  if (s->state == SS_STATE_DISCONNECTED || !s->endpoint)
    return 0;
  if (s->phase >= SS_PHASE_ANSWERED)
    return SS_ESTATE;
  if (t->use == SS_TIMING_ASKED && s->endpoint->timing.use == SS_TIMING_OFF)
    return SS_EUNSUPPORTED;
  s->timing = *t;
  return 0;
}
