/* Inside of the endpoint target: a whole endpoint on the in-memory network,
 * peers that call it, and a script that does as it is told. An input is text,
 * a step a line; what is no step is passed over:
 *
 *   > INVITE d0 s1 h4          a request of the peer, in call 0
 *   # p3 |text                  bytes of the peer, as they are
 *   < 200 n0 s1                its response to the last request of ours
 *   + 500                      time passes: ms
 *   ! participate d0           the script: session 0
 *   = e200 s2                  limits, as the first line
 *
 * Behind the verb stand letters with numbers (endpoint_step.c), and behind a
 * "|" a header line of one's own making. */
#ifndef FUZZ_ENDPOINT_H
#define FUZZ_ENDPOINT_H

#include "fuzz.h"

#include "base/buf.h"
#include "net/memory.h"
#include "ua/endpoint.h"

#define CALLS 4
#define PEERS 5
#define HEARD 8     /* requests of ours that a peer remembers */
#define SESSIONS 16 /* that a script knows */
#define OPERATIONS 32
#define STEPS 60
#define HEADERS_MAX 8
#define EDITS_MAX 8

typedef struct step {
  char kind;
  ss_str verb;
  long letter[26]; /* -1: not given */
  unsigned header[HEADERS_MAX], headers;
  struct {
    unsigned at, octet;
  } edit[EDITS_MAX];
  unsigned edits;
  ss_str raw;
} step;

/* endpoint_step.c: false: no step. */
bool step_parse(ss_str line, step *out);
static inline long step_get(const step *s, char letter, long otherwise) {
  long n = s->letter[letter - 'a'];
  return n < 0 ? otherwise : n;
}

/* endpoint_text.c: what messages are made of; any index gives one. */
typedef struct body {
  const char *type, *text;
} body;
const body *body_at(long index);
const char *header_at(long index);
const char *contact_at(long index);
const char *uri_at(long index);
const char *via_at(long index);
const char *reference_at(long index); /* what a script refers to */
const char *advertised_at(long index);
extern const char *const method_names[];
extern const char *const verb_names[];

/* A call as the peer knows it. */
typedef struct call {
  char tag[64];      /* ours, of the last response */
  char invite[64];   /* the branch of the last INVITE */
  unsigned cseq;     /* the last one used */
  unsigned inviting; /* of that INVITE */
  unsigned final;    /* its last response's code */
  unsigned rseq;
  char nonce[64];
  unsigned nc;
  bool established;
} call;

typedef struct world world;

typedef struct peer {
  world *world;
  ss_mpeer *peer;
  ss_addr addr;
  ss_message *heard[HEARD]; /* the newest first */
  ss_addr from[HEARD];
} peer;

/* A session as the script knows it. */
typedef struct known {
  ss_session *session; /* NULL: this is none */
  ss_state state;
  bool held; /* by the script; else by the endpoint alone, until released */
  bool accepting, ended, released;
  bool asked; /* by the negotiator's part, and not answered yet */
  uint32_t round;
  ss_negotiate what;
} known;

/* What the script and the peers do of themselves; a step sets them. */
enum {
  AUTO_ANSWER = 1,    /* participates when a call comes */
  AUTO_REJECT = 2,    /* or rejects it */
  AUTO_NEGOTIATE = 4, /* has a negotiator, which takes its time */
  AUTO_RESPOND = 8,   /* answers requests in the dialog */
  PEER_RESPONDS = 16, /* 200 to every request of ours */
  PEER_ACKNOWLEDGES = 32,
  TERMINATES_IN_CHANGE = 64,
  CLOSES_IN_END = 128,
  FREES_IN_CHANGE = 256,
  FREES_IN_RELEASE = 512,
  AUTO_LOOK_UP = 1024 /* knows the passwords at once */
};

struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_endpoint *endpoint; /* NULL: freed */
  ss_addr udp, tcp;
  peer peer[PEERS];
  call call[CALLS];
  known known[SESSIONS];
  ss_operation *operation[OPERATIONS]; /* that run */
  size_t operations;
  ss_inbound *inbound;   /* the last one that waited */
  ss_referral *referral; /* the last one that was accepted */
  ss_attempt *attempt;   /* whose user is looked up */
  unsigned automatic, branches, closed;
  bool closing;
};

/* endpoint_peer.c */
void peer_open(peer *p); /* if it isn't */
void peer_request(world *w, const step *s);
void peer_response(world *w, const step *s);
void peer_bytes(world *w, const step *s);
void peer_shut(world *w, const step *s);
void peer_gone(world *w, const step *s);

/* endpoint_auth.c */
void auth_config(const step *s, ss_auth_config *out);
void auth_heard(call *c, const ss_message *m);
void auth_put(ss_buf *b, const step *s, call *c, ss_str uri);
void auth_lookup(void *arg, ss_attempt *a);
void auth_looked_up(world *w, const step *s);

/* endpoint_script.c */
extern const ss_endpoint_handler script_handler;
void script_step(world *w, const step *s);
void script_close(world *w);
void script_timing(const step *s, ss_timing *out);

#endif
