/* Inside of the reliable provisionals of a session: what reliable.c does with
 * those that provisional.c keeps. */
#ifndef SS_UA_RELIABLE_H
#define SS_UA_RELIABLE_H

#include "ua/ua.h"

/* A response to the INVITE that waits, with its own copy of what it says. */
typedef struct ss_provisional {
  ss_list node;
  unsigned code;
  bool reliable;
  ss_operation *operation; /* waits for its PRACK, or NULL */
  ss_fields fields;
  char *reason, *content_type, *body;
  size_t body_size;
} ss_provisional;

/* provisional.c; NULL: no memory */
ss_provisional *ss_provisional_new(unsigned code, const ss_content *content);
void ss_provisional_free(ss_provisional *p);
ss_content ss_provisional_content(const ss_provisional *p); /* borrowed */

typedef enum ss_reliable_state {
  SS_RELIABLE_IDLE,
  SS_RELIABLE_DESCRIBING, /* the negotiator makes the offer of the first one
                             in the queue */
  SS_RELIABLE_SENT,       /* its PRACK is awaited */
  SS_RELIABLE_SETTLING,   /* that has come, its answer is at the negotiator */
  SS_RELIABLE_LATE        /* the 2xx has gone before it: no more repeats */
} ss_reliable_state;

struct ss_reliable {
  ss_session *session;
  ss_timer timer;    /* the repeats of the one that is SENT */
  uint64_t deadline; /* their end, ms */
  uint32_t interval;
  uint32_t rseq; /* of the last one */
  ss_reliable_state state;
  unsigned code;           /* of the last provisional, where it was reliable */
  bool described;          /* one had a description */
  bool carries;            /* the last one had */
  ss_operation *operation; /* waits for the PRACK, or NULL */
  ss_list queue;
  size_t queued;
  ss_provisional *accept; /* the 200 that waits for the PRACK, or NULL */
};

#endif
