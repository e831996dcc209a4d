/* A load of calls on the loopback interface, over UDP or so many TCP
 * connections (wire.h), as SIPp's uac scenario places them: INVITE with a
 * description, ACK, BYE; "held" without the BYE, "ringing" without more than
 * the INVITE. A set number begins in each tick of TICK ms (10), or (-f) one
 * whenever one is over, so that RATE are in flight; every answer is checked;
 * what isn't answered is repeated (RFC 3261 17.1.1.2: T1 doubling), so that
 * what the server lost is counted. Over TCP it only counts as if it had been.
 *
 *   load [-f] [-t CONNECTIONS] [-r REPEATED] [-i TICK] PORT
 *     answered|declined|held|ringing RATE CALLS
 *
 * It gives up when more than REPEATED calls were repeated. Prints one line,
 * key=value: completed, repeated (calls of which something had to be sent
 * again), refused (503), failed, unexpected (answers), persecond (calls, from
 * the first INVITE to the end of the last call), and the times from the INVITE,
 * as it was sent first, to the first answer but 100 (that is, to the 180 where
 * there is one), in us: p50, p99, max. */
#include "wire.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define T1_US 500000
#define REPEATS 6 /* of one request, then the call has failed */

typedef enum { WAITING, RINGING, HANGING_UP, DONE, FAILED } state;

typedef struct call {
  uint64_t invited; /* when its INVITE was sent first, us */
  uint64_t sent;    /* when its request was sent last, us */
  uint32_t latency; /* us; 0: no answer yet */
  uint8_t state, tries;
  bool repeated, refused;
  char tag[64]; /* the callee's */
} call;

static bool declined, held, rings, tcp, in_flight;
static call *calls;
static size_t total, begun, over, first; /* all before `first` are over */
static size_t unexpected, repeated, most_repeated = SIZE_MAX;
static int port;
static uint64_t tick_us = 10000, took_us;

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- out ------------------------------------------------------------------ */

static const char offer[] = "v=0\r\n"
                            "o=user1 53655765 2353687637 IN IP4 127.0.0.1\r\n"
                            "s=-\r\n"
                            "c=IN IP4 127.0.0.1\r\n"
                            "t=0 0\r\n"
                            "m=audio 6000 RTP/AVP 0\r\n"
                            "a=rtpmap:0 PCMU/8000\r\n";

static void request(size_t i, const char *method, unsigned cseq,
                    const char *branch) {
  const call *c = &calls[i];
  const char *body = *method == 'I' && !declined ? offer : "";
  char text[WIRE_SPACE];
  int own = wire_port();
  int n = snprintf(text, sizeof text,
                   "%s sip:service@127.0.0.1:%d SIP/2.0\r\n"
                   "Via: SIP/2.0/%s 127.0.0.1:%d;branch=z9hG4bK-%d-%zu-%s\r\n"
                   "From: sipp <sip:sipp@127.0.0.1:%d>;tag=%dSIPpTag00%zu\r\n"
                   "To: service <sip:service@127.0.0.1:%d>%s%s\r\n"
                   "Call-ID: %zu-%d@127.0.0.1\r\n"
                   "CSeq: %u %s\r\n"
                   "Contact: <sip:sipp@127.0.0.1:%d%s>\r\n"
                   "Max-Forwards: 70\r\n"
                   "Subject: Performance Test\r\n"
                   "%sContent-Length: %zu\r\n\r\n%s",
                   method, port, tcp ? "TCP" : "UDP", own, getpid(), i, branch,
                   own, getpid(), i, port, *c->tag ? ";tag=" : "", c->tag, i,
                   getpid(), cseq, method, own, tcp ? ";transport=tcp" : "",
                   *body ? "Content-Type: application/sdp\r\n" : "",
                   strlen(body), body);
  wire_send(i, text, (size_t)n);
}

static void invite(size_t i) {
  call *c = &calls[i];
  c->sent = now_us();
  if (!c->invited)
    c->invited = c->sent;
  request(i, "INVITE", 1, "0");
}

static void bye(size_t i) {
  calls[i].sent = now_us();
  request(i, "BYE", 2, "7");
}

/* --- in ------------------------------------------------------------------- */

/* The value of a header line, or NULL. */
static const char *value(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at ? at + strlen(name) : NULL;
}

static void learn_tag(call *c, const char *text) {
  const char *to = value(text, "\r\nTo: "), *end = to ? strstr(to, "\r\n") : to;
  const char *tag = to ? strstr(to, ";tag=") : NULL;
  if (!tag || tag > end || (size_t)(end - tag - 5) >= sizeof c->tag) {
    unexpected++;
    return;
  }
  char found[sizeof c->tag] = {0};
  memcpy(found, tag + 5, (size_t)(end - tag - 5));
  if (*c->tag && strcmp(c->tag, found) != 0)
    unexpected++; /* RFC 3261 8.2.6.2: one tag for all of them */
  memcpy(c->tag, found, sizeof found);
}

static void end(call *c, bool well) {
  c->state = well ? DONE : FAILED;
  over++;
}

static void final(size_t i, call *c, int code) {
  bool good = declined ? code == 486 : code == 200;
  request(i, "ACK", 1, code == 200 ? "5" : "0");
  if (c->state != WAITING && c->state != RINGING)
    return; /* its ACK was lost */
  c->refused = code == 503;
  if (!good && !c->refused)
    unexpected++;
  c->tries = 0;
  if (code != 200 || held) {
    end(c, good);
  } else {
    c->state = HANGING_UP;
    bye(i);
  }
}

static void answered(size_t i, const char *text) {
  call *c = &calls[i];
  int code = atoi(text + 8);
  const char *cseq = value(text, "\r\nCSeq: ");
  if (code == 100)
    return;
  if (!cseq || code < 100 || code > 699) {
    unexpected++;
    return;
  }
  learn_tag(c, text);
  if (!c->latency)
    c->latency = (uint32_t)(now_us() - c->invited) + 1;
  if (strncmp(cseq, "2 BYE\r", 6) == 0) {
    if (c->state == HANGING_UP)
      end(c, code == 200);
    else if (c->state != DONE)
      unexpected++;
  } else if (strncmp(cseq, "1 INVITE\r", 9) != 0) {
    unexpected++;
  } else if (code < 200) {
    if (c->state == WAITING && rings)
      end(c, true);
    else if (c->state == WAITING)
      c->state = RINGING;
  } else {
    final(i, c, code);
  }
}

static void on_message(const char *text) {
  const char *id = value(text, "\r\nCall-ID: ");
  char *end = NULL;
  size_t which = id ? strtoul(id, &end, 10) : total;
  if (which < begun && end && *end == '-' && atoi(end + 1) == getpid())
    answered(which, text);
  else
    unexpected++;
}

/* --- time ----------------------------------------------------------------- */

static void repeat(void) {
  uint64_t now = now_us();
  while (first < begun && calls[first].state >= DONE)
    first++;
  for (size_t i = first; i < begun; i++) {
    call *c = &calls[i];
    uint64_t wait = (uint64_t)T1_US << c->tries;
    if (c->state >= DONE || (c->state == RINGING && held) ||
        now - c->sent < wait)
      continue;
    if (c->tries++ == REPEATS) {
      end(c, false);
      continue;
    }
    repeated += !c->repeated;
    c->repeated = true;
    if (tcp)
      continue;
    if (c->state == HANGING_UP)
      bye(i);
    else if (c->state == WAITING)
      invite(i);
  }
}

/* By now, of all. */
static size_t due(double rate, uint64_t passed) {
  size_t n = in_flight ? over + (size_t)rate
                       : (size_t)((double)passed * rate / 1e6) + 1;
  return n < total ? n : total;
}

static void run(double rate) {
  uint64_t start = now_us(), tick = start, checked = start;
  while (over < total && repeated <= most_repeated) {
    wire_receive(on_message);
    uint64_t now = now_us();
    if (in_flight || now >= tick)
      for (size_t n = due(rate, now - start); begun < n; begun++)
        invite(begun);
    while (now >= tick)
      tick += tick_us;
    if (now - checked > 50000) {
      repeat();
      checked = now;
    }
    wire_flush();
    now = now_us();
    if (now < tick)
      wire_wait((int)((tick - now) / 1000) + 1);
  }
  took_us = now_us() - start;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void report(void) {
  size_t done = 0, refused = 0, failed = 0, n = 0;
  uint32_t *times = calloc(total, sizeof *times);
  for (size_t i = 0; i < total; i++) {
    const call *c = &calls[i];
    done += c->state == DONE;
    refused += c->refused;
    failed += c->state == FAILED && !c->refused;
    if (times && c->latency)
      times[n++] = c->latency;
  }
  if (n)
    qsort(times, n, sizeof *times, by_size);
  printf("calls=%zu completed=%zu repeated=%zu refused=%zu failed=%zu "
         "unexpected=%zu persecond=%.0f p50=%u p99=%u max=%u\n",
         total, done, repeated, refused, failed, unexpected,
         (double)done * 1e6 / (double)took_us, n ? times[n / 2] : 0,
         n ? times[n * 99 / 100] : 0, n ? times[n - 1] : 0);
  free(times);
}

int main(int argc, char **argv) {
  unsigned connections = 0;
  for (int option; (option = getopt(argc, argv, "ft:r:i:")) != -1;) {
    if (option == 'f')
      in_flight = true;
    else if (option == 't')
      connections = (unsigned)atoi(optarg);
    else if (option == 'r')
      most_repeated = strtoul(optarg, NULL, 10);
    else if (option == 'i')
      tick_us = strtoul(optarg, NULL, 10) * 1000;
  }
  bool complete = argc - optind == 4;
  double rate = complete ? atof(argv[optind + 2]) : 0;
  port = complete ? atoi(argv[optind]) : 0;
  total = complete ? strtoul(argv[optind + 3], NULL, 10) : 0;
  if (rate <= 0 || !port || !total || !tick_us) {
    fprintf(stderr, "usage: load [-f] [-t CONNECTIONS] [-r REPEATED] [-i TICK] "
                    "PORT answered|declined|held|ringing RATE CALLS\n");
    return 2;
  }
  declined = strcmp(argv[optind + 1], "declined") == 0;
  held = strcmp(argv[optind + 1], "held") == 0;
  rings = strcmp(argv[optind + 1], "ringing") == 0;
  tcp = connections > 0;
  calls = calloc(total, sizeof *calls);
  if (!calls || !wire_open(port, connections)) {
    perror("load");
    return 2;
  }
  run(rate);
  report();
  return 0;
}
