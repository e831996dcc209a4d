/* A call in memory for the programs that let allocations fail: an endpoint
 * whose script follows a plot, and a caller that tries again as callers do. */
#ifndef OOM_WORLD_H
#define OOM_WORLD_H

#include "base/alloc.h"
#include "base/error.h"
#include "net/memory.h"
#include "ua/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum plot {
  ANSWER,
  HANG_UP,
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
  char tag[32];
  char extra[64]; /* lines of what the caller says */
  bool weather;   /* bad: anything may fail */
  int participated, accepted, closed;
  int begun, completed; /* operations of ours */
} world;

void run(world *w, uint64_t ms);
void say(world *w, const char *method, int cseq, const char *branch,
         bool tagged);
void invite(world *w);
void call(world *w); /* and all that goes with it, to its end */
int open_endpoint(world *w);
void open_network(world *w, bool tcp, plot what);
void close_network(world *w);

#endif
