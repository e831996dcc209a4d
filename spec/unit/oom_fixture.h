/* What the unit test of a lack of memory works with: a network with an endpoint
 * and a script that answers, rings or declines by a plot, and a caller who
 * tries again and again. */
#ifndef OOM_FIXTURE_H
#define OOM_FIXTURE_H

#include "ua/endpoint.h"

#include "base/alloc.h"
#include "base/error.h"
#include "net/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum plot {
  ANSWER,
  HANG_UP,
  TIMED,
  EARLY,
  REFER,
  REJECT,
  CANCEL,
  SILENT
} plot;

typedef struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_endpoint *endpoint;
  ss_mpeer *peer;
  ss_addr us, them;
  plot plot;
  bool tcp;
  int call;          /* the number of the call, in its Call-ID and branches */
  unsigned code;     /* the latest final response to its INVITE */
  unsigned bye_code; /* and to its BYE */
  bool bye_came;
  int refreshes; /* it was asked for */
  char tag[32];
  char extra[128]; /* lines of what the caller says */
  int participated, accepted, closed;
  int begun, completed; /* operations of ours */
} world;

/* An allocator that fails now and then. */
static unsigned one_in; /* 0: never */
static uint64_t dice;

static inline void *flaky(void *p, size_t n) {
  dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
  if (n && one_in && (dice >> 33) % one_in == 0)
    return NULL;
  if (n)
    return realloc(p, n);
  free(p);
  return NULL;
}

static inline void run(world *w, uint64_t ms) {
  uint64_t until = ss_loop_now(w->loop) + ms;
  while (ss_memory_step(w->memory, until))
    continue;
}

/* --- the script ----------------------------------------------------------- */

#define SDP(n)                                                                 \
  "v=0\r\no=- 1 1 IN IP4 10.0.0." n "\r\ns=-\r\nc=IN IP4 10.0.0." n "\r\n"     \
  "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

/* Early media, what waits behind it, and an accept that waits for it too. */
static inline void ring(world *w, ss_session *s, const ss_content *content) {
  ss_content early = *content;
  ss_operation *o = NULL;
  early.body = SS_STR(SDP("1"));
  ss_failure f = ss_session_progress_reliably(s, 183, &early, true, &o);
  w->begun += f.kind == SS_KIND_NONE;
  assert_int_equal(f.kind == SS_KIND_NONE, o != NULL);
  ss_session_progress(s, 182, &early);
}

static inline void on_received(void *arg, ss_session *s) {
  world *w = arg;
  ss_fields fields = {0};
  int rc = ss_fields_add(&fields, SS_STR("X-Why"), SS_STR("because"));
  ss_content content = {.fields = rc ? NULL : &fields,
                        .reason = SS_STR("Just So")};
  if (w->plot <= REFER) {
    if (w->plot == EARLY)
      ring(w, s, &content);
    else
      ss_session_progress(s, 180, &content);
    bool done = false; /* what has failed may be tried again */
    for (int i = 0; i < 2 && !done; i++)
      done = ss_session_participate(s, &content).kind == SS_KIND_NONE;
    w->participated += done;
    if (!done)
      ss_session_terminate(s, NULL);
  } else if (w->plot == REJECT) {
    ss_session_reject(s, 486, &content);
  }
  ss_fields_free(&fields);
}

static inline void begun(world *w, ss_failure f) {
  w->begun += f.kind == SS_KIND_NONE;
}

/* Says what a call can say, and refers the other side elsewhere. */
static inline void talk(world *w, ss_session *s) {
  ss_content none = {0};
  ss_refer to = {.target = SS_STR("sip:c@10.0.0.3"), .replaces = s};
  ss_operation *o;
  begun(w, ss_session_send(s, SS_STR("INFO"), &none, &o));
  begun(w, ss_session_refer(s, &to, &o));
}

static inline void on_requested(void *arg, ss_session *s, ss_inbound *i) {
  world *w = arg;
  ss_referral *r = NULL;
  ss_operation *o;
  (void)s;
  if (ss_inbound_request(i)->method != SS_REFER) {
    if (ss_inbound_waits(i))
      ss_inbound_unhandled(i);
    return;
  }
  for (int k = 0; k < 2 && !r; k++)
    ss_referral_accept(i, NULL, &r);
  if (!r)
    return;
  begun(w, ss_referral_notify(r, 180, SS_STR_NONE, &o));
  begun(w, ss_referral_notify(r, 200, SS_STR("Fine"), &o));
  ss_referral_unref(r);
}

static inline void on_changed(void *arg, ss_session *s, const ss_change *c) {
  world *w = arg;
  if (w->plot == REFER && c->state == SS_STATE_CONNECTED)
    talk(w, s);
  if (w->plot == HANG_UP && c->state == SS_STATE_CONNECTED)
    ss_session_terminate(s, NULL);
}

static inline void on_accepted(void *arg, ss_session *s, const ss_failure *f,
                               ss_message *ack) {
  world *w = arg;
  (void)s;
  (void)f;
  (void)ack;
  w->accepted++;
}

static inline void on_completed(void *arg, ss_session *s, ss_operation *o,
                                const ss_failure *f, ss_message *response) {
  world *w = arg;
  (void)s;
  (void)o;
  (void)f;
  (void)response;
  w->completed++;
}

static inline bool on_negotiate(void *arg, ss_session *s, uint32_t round,
                                ss_negotiate what, ss_message *about) {
  (void)round;
  (void)what;
  (void)about;
  (void)arg;
  (void)s;
  return false;
}

static inline void on_released(void *arg, ss_session *s) {
  (void)arg;
  (void)s;
}

static inline void on_closed(void *arg) {
  world *w = arg;
  w->closed++;
}

static const ss_endpoint_handler handler = {.received = on_received,
                                            .changed = on_changed,
                                            .accepted = on_accepted,
                                            .completed = on_completed,
                                            .requested = on_requested,
                                            .negotiate = on_negotiate,
                                            .released = on_released,
                                            .closed = on_closed};

/* --- the caller ----------------------------------------------------------- */

/* Its own memory may be what fails: it tries again. */
static inline void speak(world *w, const char *text) {
  for (int i = 0; i < 50; i++)
    if (ss_mpeer_send(w->peer, &w->us, ss_str_z(text)) == 0)
      return;
  fail_msg("not even the fiftieth time");
}

/* What else stands in a request. */
static inline const char *lines_of(const char *method) {
  if (!strcmp(method, "REFER"))
    return "Refer-To: <sip:c@10.0.0.3?Replaces=x%3By>\r\n";
  if (!strcmp(method, "NOTIFY"))
    return "Event: refer\r\nSubscription-State: terminated\r\n";
  return "";
}

static inline void say_with(world *w, const char *method, int cseq,
                            const char *branch, bool tagged, const char *body) {
  char text[1024];
  snprintf(text, sizeof text,
           "%s sip:desk@10.0.0.1 SIP/2.0\r\n"
           "Via: SIP/2.0/%s 10.0.0.2:5060;branch=z9hG4bK%d%s\r\n"
           "Record-Route: <sip:10.0.0.2;lr>\r\n"
           "From: \"A\" <sip:a@10.0.0.2>;tag=aa\r\n"
           "To: <sip:desk@10.0.0.1>%s%s\r\nCall-ID: %d@10.0.0.2\r\n"
           "CSeq: %d %s\r\nContact: <sip:a@10.0.0.2:5060>\r\n%s"
           "%sContent-Length: %zu\r\n\r\n%s",
           method, w->tcp ? "TCP" : "UDP", w->call, branch,
           tagged && *w->tag ? ";tag=" : "", tagged ? w->tag : "", w->call,
           cseq, method, w->extra,
           *body ? "Content-Type: application/sdp\r\n" : lines_of(method),
           strlen(body), body);
  speak(w, text);
}

static inline void say(world *w, const char *method, int cseq,
                       const char *branch, bool tagged) {
  say_with(w, method, cseq, branch, tagged,
           strcmp(method, "INVITE") ? "" : SDP("2"));
}

/* A header of what was heard, up to its end. */
static inline ss_str header(ss_str text, const char *name) {
  const char *p = memmem(text.p, text.n, name, strlen(name));
  if (!p)
    return SS_STR_NONE;
  p += strlen(name);
  size_t left = (size_t)(text.p + text.n - p);
  return (ss_str){p, ss_str_chr((ss_str){p, left}, '\r')};
}

static inline void answer_with(world *w, ss_str request, const char *more,
                               const char *body) {
  static const char *const names[] = {
      "\r\nVia: ", "\r\nFrom: ", "\r\nTo: ", "\r\nCall-ID: ", "\r\nCSeq: "};
  char text[2048] = "SIP/2.0 200 OK";
  for (int i = 0; i < 5; i++) {
    ss_str value = header(request, names[i]);
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s%.*s", names[i], (int)value.n,
             value.p);
  }
  size_t n = strlen(text);
  snprintf(text + n, sizeof text - n, "\r\n%sContent-Length: %zu\r\n\r\n%s",
           more, strlen(body), body);
  speak(w, text);
}

static inline void answer(world *w, ss_str request, const char *more) {
  answer_with(w, request, more, "");
}

static inline void learn_tag(world *w, ss_str text) {
  ss_str to = header(text, "\r\nTo: ");
  const char *tag = memmem(to.p, to.n, ";tag=", 5);
  assert_non_null(tag);
  snprintf(w->tag, sizeof w->tag, "%.*s", (int)(to.p + to.n - tag - 5),
           tag + 5);
}

/* Each time it comes, as a repeat of what was said before. */
static inline void acknowledge(world *w, ss_str text) {
  ss_str rseq = header(text, "\r\nRSeq: ");
  if (!rseq.n)
    return;
  learn_tag(w, text);
  snprintf(w->extra, sizeof w->extra, "RAck: %.*s 1 INVITE\r\n", (int)rseq.n,
           rseq.p);
  say(w, "PRACK", 2, "p", true);
  *w->extra = '\0';
}

static inline void on_heard(void *arg, const ss_addr *from, ss_str text) {
  world *w = arg;
  (void)from;
  if (text.n > 7 && !memcmp(text.p, "UPDATE ", 7)) {
    w->refreshes++;
    answer(w, text, "Session-Expires: 90;refresher=uac\r\n");
    return;
  }
  if (text.n > 8 && memcmp(text.p, "SIP/2.0 ", 8) != 0) {
    w->bye_came |= !memcmp(text.p, "BYE ", 4);
    answer(w, text, "");
    return;
  }
  char id[32];
  snprintf(id, sizeof id, "\r\nCall-ID: %d@", w->call);
  unsigned code = (unsigned)atoi(text.p + 8);
  ss_str cseq = header(text, "\r\nCSeq: ");
  if (!header(text, id).n)
    return;
  if (code < 200) {
    acknowledge(w, text);
    return;
  }
  if (memmem(cseq.p, cseq.n, "BYE", 3))
    w->bye_code = code;
  if (!memmem(cseq.p, cseq.n, "INVITE", 6))
    return;
  w->code = code;
  learn_tag(w, text);
}

static const ss_mpeer_handler peer_handler = {on_heard, NULL};

/* As a caller does: again until it hears something final, and the ACK to it
 * each time. */
static inline void invite(world *w) {
  w->code = w->bye_code = 0;
  w->bye_came = false;
  for (int i = 0; i < 12 && !w->code; i++) {
    if (w->plot == EARLY)
      strcpy(w->extra, "Supported: 100rel\r\n");
    if (w->plot == TIMED) /* we are to refresh it */
      strcpy(w->extra, "Supported: timer\r\nAllow: UPDATE\r\n"
                       "Session-Expires: 90;refresher=uas\r\n");
    say(w, "INVITE", 1, "i", false);
    *w->extra = '\0';
    if (w->plot == CANCEL) {
      run(w, 10);
      say(w, "CANCEL", 1, "i", false);
    }
    run(w, 4000);
  }
  if (!w->code)
    return;
  for (int i = 0; i < 3; i++) {
    say(w, "ACK", 1, w->code < 300 ? "a" : "i", true);
    run(w, 4000);
  }
}

/* In a call: once each, whatever comes of it. */
static inline void refer(world *w) {
  static const char *const methods[] = {"INFO", "REFER", "NOTIFY", "REFER"};
  for (int i = 0; i < 4; i++) {
    char branch[16];
    snprintf(branch, sizeof branch, "r%d", i);
    say(w, methods[i], 2 + i, branch, true);
    run(w, 100);
  }
}

/* A 503 to its BYE is not taken for an end. */
static inline void hang_up(world *w) {
  for (int i = 0; i < 12 && (!w->bye_code || w->bye_code == 503); i++) {
    char branch[16];
    snprintf(branch, sizeof branch, "b%u", w->bye_code);
    say(w, "BYE", w->bye_code ? 10 : 9, branch, true);
    run(w, 4000);
    assert_true(w->tcp || w->bye_code != 503); /* it would have been the end */
  }
  if (!one_in)
    assert_true(w->bye_code == 200 || w->bye_code == 481);
}

static inline void call(world *w) {
  w->call++;
  invite(w);
  bool answered = w->code >= 200 && w->code < 300;
  if (w->plot == TIMED)
    run(w, 100000);
  if (answered && w->plot == REFER)
    refer(w);
  if (answered && !w->bye_came)
    hang_up(w);
}

/* --- all of it ------------------------------------------------------------ */

static inline int open_endpoint(world *w, const ss_endpoint_handler *with) {
  ss_endpoint_config c;
  ss_endpoint_config_default(&c);
  c.loop = w->loop;
  c.listen = &w->us;
  c.listeners = 1;
  c.connect_timeout = 30000;
  c.limits.connection_idle = 60;
  size_t failed;
  int rc = ss_endpoint_open(&w->endpoint, &c, with, w, &failed);
  if (rc == 0)
    ss_endpoint_set_handled(w->endpoint, true);
  return rc;
}

static inline void open_network(world *w, bool tcp, plot what,
                                const ss_mpeer_handler *with) {
  *w = (world){.tcp = tcp, .plot = what};
  const char *us = tcp ? "tcp:10.0.0.1:5060" : "udp:10.0.0.1:5060";
  const char *them = tcp ? "tcp:10.0.0.2:5060" : "udp:10.0.0.2:5060";
  assert_int_equal(ss_memory_open(&w->memory, 1), 0);
  w->loop = ss_memory_loop(w->memory);
  ss_addr_parse(&w->us, ss_str_z(us));
  ss_addr_parse(&w->them, ss_str_z(them));
  assert_int_equal(ss_mpeer_open(w->memory, &w->them, with, w, &w->peer), 0);
}

static inline void close_network(world *w) {
  ss_endpoint_free(w->endpoint);
  ss_mpeer_close(w->peer);
  run(w, 0);
  assert_int_equal(w->loop->wheel.count, 0);
  ss_loop_close(w->loop);
}

#endif
