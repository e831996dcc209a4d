/* What the unit tests of the transaction layer share: a layer of its own on
 * the in-memory network, a user that notes what it is told and answers when the
 * test says so, peers that speak from any address, and a log of everything the
 * layer sent, with its time. Nothing of the ua floor is in here. */
#ifndef LAYER_WORLD_H
#define LAYER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "net/memory.h"
#include "sip/layer.h"

#define UDP_CALLER "udp:10.0.0.2:5060"
#define TCP_CALLER "tcp:10.0.0.2:40000"

typedef struct sent {
  uint64_t at; /* ms since the test began */
  char to[SS_ADDR_TEXT];
  char text[2048];
} sent;

/* A server transaction as its user sees it. */
typedef struct served {
  ss_server *server; /* NULL: it was told that it is over */
  uint32_t cseq;
  ss_method method;
  bool merged;
  ss_server *cancelled; /* what a CANCEL is for */
  int ended, failed, rc;
  bool unacknowledged;
  uint64_t at; /* when it was told */
} served;

typedef struct asked {
  ss_client *client;
  int done, rc;
  unsigned code;
  uint64_t at;
} asked;

typedef struct speaker {
  ss_mpeer *peer; /* NULL: gone */
  ss_addr addr;
} speaker;

typedef struct world {
  ss_memory *memory;
  ss_loop *loop;
  ss_transport *udp, *tcp;
  ss_layer *layer;
  speaker peer[8];
  int peers;
  uint64_t start;
  sent sent[64];
  int count;
  served user[128];
  int requests, acks, admitted;
  ss_method refuses; /* what the user doesn't admit */
  ss_entry entry;    /* but this */
  unsigned at_once;  /* what the user answers from within, 0: nothing */
  bool left_waiting; /* the test ends with transactions that wait */
  asked bye;
  int hung_up; /* connections that peers saw end */
  size_t alive_before;
} world;

/* A request; what isn't given is that of an INVITE that just works. */
typedef struct request {
  const char *from; /* the peer's address: UDP_CALLER */
  const char *method, *uri, *sent_by, *branch, *params, *via;
  const char *from_tag, *to_tag, *call_id, *extra;
  unsigned cseq;
  bool no_branch;
} request;

int world_open(void **state);
int world_open_quick(void **state); /* T1 100, T2 250, T4 300, 8 at most */
int world_close(void **state);      /* fails if anything is left */

/* A peer that listens there; opened at the first use. */
speaker *peer_at(world *w, const char *address);
void peer_gone(world *w, const char *address);
void hang_up(world *w, const char *address); /* the stream to us ends */
/* The same in the middle of a message: to us the stream is broken. */
void break_off(world *w, const char *address);
void say_request(world *w, const request *r);
#define say(w, ...) say_request((w), &(request){__VA_ARGS__})
void pass(world *w, uint64_t ms);
uint64_t since_start(world *w);

/* The user answers the i-th request; 0 or the code of ss_server_reply. */
int answer(world *w, int i, unsigned code);

/* What the layer sent as i-th: when, to whom, which code. */
void expect_sent(world *w, int i, uint64_t at, unsigned code);
void expect_to(world *w, int i, const char *address);
void expect_same(world *w, int i, int j);
void expect_has(world *w, int i, const char *text);
void expect_lacks(world *w, int i, const char *text);
void expect_told(world *w, int i, uint64_t at, bool unacknowledged);
void expect_untold(world *w, int i);

/* A path of ours to that address; the caller releases it. */
int path_to(world *w, const char *address, ss_path *path);
/* Our own request: the packet of a BYE to that address. */
#define BRANCH "z9hG4bKourown"
int start_bye(world *w, const char *address);
void respond(world *w, const char *from, unsigned code, const char *branch,
             const char *method, const char *extra);

#define in_world(test)                                                         \
  cmocka_unit_test_setup_teardown(test, world_open, world_close)
#define in_quick_world(test)                                                   \
  cmocka_unit_test_setup_teardown(test, world_open_quick, world_close)

#endif
