/* Session timers as messages speak of them (RFC 4028 4, 5, 9): what a request
 * must be right about, and what a 2xx makes of what it asks. Reads only; what
 * comes of it is in refresh.c. */
#include "ua/timing.h"

static const char TIMER[] = "timer";

void ss_timing_default(ss_timing *t) {
  *t = (ss_timing){.interval = 1800, .minimum = SS_TIMING_LEAST};
}

/* What a message says. Absent: 0. */
typedef struct said {
  uint32_t expires, least;
  ss_refresher refresher;
} said;

static int read(const ss_message *m, said *out) {
  *out = (said){0};
  const ss_field *f = ss_message_field(m, SS_FIELD_SESSION_EXPIRES);
  if (f && ss_session_expires(f->value, &out->expires, &out->refresher))
    return SS_ESYNTAX;
  f = ss_message_field(m, SS_FIELD_MIN_SE);
  return f ? ss_min_se(f->value, &out->least) : 0;
}

/* RFC 4028 9; who requires it (7.1) can do it too. */
bool ss_timing_supported(const ss_message *m) {
  return ss_message_lists(m, SS_FIELD_SUPPORTED, SS_STR(TIMER)) ||
         ss_message_lists(m, SS_FIELD_REQUIRE, SS_STR(TIMER));
}

static void too_small(ss_endpoint *e, ss_server *server, uint32_t minimum) {
  char text[32];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_buf_lit(&b, "Min-SE: ");
  ss_buf_u64(&b, minimum);
  ss_buf_lit(&b, "\r\n");
  e->stats.refused_interval++;
  ss_requests_reply(e, server, 422, ss_buf_view(&b));
}

bool ss_timing_acceptable(ss_endpoint *e, const ss_timing *t, ss_server *server,
                          const ss_message *m) {
  said q;
  if (t->use == SS_TIMING_OFF)
    return true;
  if (read(m, &q)) {
    e->stats.refused_syntax++;
    ss_requests_reply(e, server, 400, SS_STR_NONE);
    return false;
  }
  /* who doesn't support it wouldn't know what the 422 is about */
  if (!ss_message_field(m, SS_FIELD_SESSION_EXPIRES) ||
      q.expires >= t->minimum || !ss_timing_supported(m))
    return true;
  too_small(e, server, t->minimum);
  return false;
}

static uint32_t larger(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

/* RFC 4028 9: theirs, which may be made shorter, but not shorter than their
 * Min-SE; without it, what we ask for. 0: none. */
static uint32_t interval_of(const ss_timing *t, const said *q, bool supported) {
  uint32_t ours = larger(t->interval, larger(q->least, SS_TIMING_LEAST));
  bool asked = t->use == SS_TIMING_ASKED;
  if (!q->expires)
    return asked ? ours : 0;
  if (!supported && q->expires < t->minimum) /* a proxy's: no 422 helps */
    return 0;
  return asked && ours < q->expires ? ours : q->expires;
}

/* RFC 4028 9, table 2. We are the UAS of this request. */
static bool ours(const ss_timing *t, const said *q, bool supported,
                 const ss_terms *now) {
  if (!supported)
    return true;
  if (q->refresher)
    return q->refresher == SS_REFRESHER_UAS;
  return now->interval ? now->ours : t->refresher == SS_REFRESHER_UAS;
}

ss_terms ss_timing_answer(const ss_timing *t, const ss_terms *now,
                          const ss_message *m) {
  said q;
  ss_terms none = {0};
  if (t->use == SS_TIMING_OFF || read(m, &q))
    return none;
  bool supported = ss_timing_supported(m);
  uint32_t interval = interval_of(t, &q, supported);
  if (!interval)
    return none;
  return (ss_terms){.interval = interval,
                    .least = q.least,
                    .ours = ours(t, &q, supported, now)};
}

int ss_timing_answered(const ss_terms *asked, const ss_message *m,
                       ss_terms *out) {
  const ss_field *f = ss_message_field(m, SS_FIELD_SESSION_EXPIRES);
  uint32_t seconds;
  ss_refresher who;
  if (!f)
    return SS_ENOTFOUND;
  if (ss_session_expires(f->value, &seconds, &who))
    return SS_ESYNTAX;
  *out = *asked;
  /* it must not be less (RFC 4028 9): we'd be made to send without end */
  out->interval = larger(seconds, SS_TIMING_LEAST);
  if (who || !asked->interval) /* nobody else knows that he should */
    out->ours = who != SS_REFRESHER_UAS;
  return 0;
}

void ss_timing_write(ss_buf *b, const ss_terms *t, bool uas) {
  ss_buf_lit(b, "Session-Expires: ");
  ss_buf_u64(b, t->interval);
  if (t->ours == uas)
    ss_buf_lit(b, ";refresher=uas\r\n");
  else
    ss_buf_lit(b, ";refresher=uac\r\n");
}
