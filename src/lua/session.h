/* The session class: one userdata for each session, whose user value is in the
 * core's session while it lives. It stands in its world's `live` table until
 * nothing more will be delivered, and so do its handlers and its endpoint. It
 * has no finalizer: its reference goes into a bundle when it has ended. */
#ifndef LSS_SESSION_H
#define LSS_SESSION_H

#include "lua/bundle.h"
#include "ua/endpoint.h"

/* Events of a session. */
enum {
  LSS_SESSION_ON_STATE = 1,
  LSS_SESSION_ON_ENDED,
  LSS_SESSION_ON_REINVITE,
  LSS_SESSION_ON_MESSAGE,
  LSS_SESSION_ON_DTMF,
  LSS_SESSION_ON_REFER,
  LSS_SESSION_ON_REFER_NEWS
};

/* User values of a session. Each costs as much as two fields of its own, and
 * the collector goes through all of them. */
enum {
  LSS_SESSION_ENDPOINT = 1,
  LSS_SESSION_EVENTS,  /* handlers of all of them, see lua/event.h */
  LSS_SESSION_WAITER,  /* of the accept: a task, a function, or nil */
  LSS_SESSION_REQUEST, /* the message object, once asked for */
  LSS_SESSION_RARE,    /* a table, once there is something of the next list */
  LSS_SESSION_BUNDLE,  /* which has the reference, once it has ended */
  LSS_SESSION_VALUES = LSS_SESSION_BUNDLE
};

/* What few sessions have. */
enum {
  LSS_RARE_DATA = 1,
  LSS_RARE_MEDIA,
  LSS_RARE_RECORD,  /* once asked for */
  LSS_RARE_RUNNING, /* operations: light userdata to task or function */
  LSS_RARE_VALUES = LSS_RARE_RUNNING
};

typedef struct lss_session {
  ss_list node;          /* world->sessions, `kept` or `late`; until it is in a
                            bundle and no more live */
  ss_session *core;      /* a reference; to be read by lss_session_readable */
  lss_bundle_ref bundle; /* has that reference; NULL: it is our own */
  unsigned place;        /* in the live table */
  unsigned listens;      /* bits: events that a handler was ever there for */
  lss_world *world;      /* of use only while `live` */
  ss_job negotiate;      /* starts the negotiator, */
  uint32_t round;        /* in this round, */
  ss_negotiate what;
  ss_message *about; /* with the description in it, or NULL */
  lss_task *waiter;  /* waits for the accept; NULL: a function does */
  bool live;         /* the core may still call */
  bool receiving;    /* its session_received handlers are being started */
  bool verb;         /* inside participate: `negotiator` says what it found */
  bool negotiator;
  bool pending; /* an accept */
  bool died;    /* a session_received handler did */
  bool real;    /* its world has a wall clock */
} lss_session;

void lss_session_open(lua_State *L);
/* The session at 1. */
lss_session *lss_session_check(lua_State *L);
/* Where it is known, it needn't be looked up. */
static inline lss_context *lss_session_context(lua_State *L,
                                               const lss_session *box) {
  return box->live ? box->world->context : lss_context_get(L);
}
/* The core's; NULL: other objects' finalizers have the userdata still. */
ss_session *lss_session_readable(const lss_session *box);
/* The core's of the session at idx; NULL: it is something else. */
const ss_session *lss_session_core(lua_State *L, int idx);
/* Pushes that value of the session at idx; its type. */
int lss_session_get_rare(lua_State *L, int idx, int value);
/* Pops it. */
void lss_session_set_rare(lua_State *L, int idx, int value);
/* Pushes the userdata of a live session, or nil. */
void lss_session_push(lua_State *L, lss_world *w, const ss_session *s);
/* Whether anybody ever listened to that event of it. */
static inline bool lss_session_listens(const lss_session *box, int event) {
  return box->listens >> event & 1;
}

/* delivery.c: the core's callbacks. */
void lss_session_received(void *arg, ss_session *session);
void lss_session_changed(void *arg, ss_session *session,
                         const ss_change *change);
void lss_session_accepted(void *arg, ss_session *session,
                          const ss_failure *failure, ss_message *ack);
void lss_session_released(void *arg, ss_session *session);
/* Makes the userdata of a session that came in; pushed. */
lss_session *lss_session_new(lua_State *L, ss_session *core, lss_world *w,
                             int endpoint);
/* Nothing more will be delivered: lets it go. It raises when there is no memory
 * for that, and does nothing without L: then it goes with the next one. */
void lss_session_settle(lua_State *L, lss_session *box);
/* Before a world is closed whose sessions are to stay readable. Raises. */
void lss_sessions_keep(lua_State *L, lss_world *w);
/* A world is closed: none of its sessions is live any more, and those that
 * nobody can have can't be read either. */
void lss_sessions_close(lss_world *w);

/* media.c */
bool lss_session_negotiate(void *arg, ss_session *session, uint32_t round,
                           ss_negotiate what, ss_message *about);

/* operations.c */
void lss_session_completed(void *arg, ss_session *session,
                           ss_operation *operation, const ss_failure *failure,
                           ss_message *response);
int lss_session_send(lua_State *L);
int lss_session_send_async(lua_State *L);

/* refer.c */
int lss_session_refer(lua_State *L);
int lss_session_refer_async(lua_State *L);

/* renew.c */
int lss_session_renegotiate(lua_State *L);
int lss_session_renegotiate_async(lua_State *L);
int lss_session_hold(lua_State *L);
int lss_session_hold_async(lua_State *L);
int lss_session_resume(lua_State *L);
int lss_session_resume_async(lua_State *L);

/* inbound.c */
void lss_session_requested(void *arg, ss_session *session, ss_inbound *inbound);

/* record.c */
void lss_session_ended(void *arg, ss_session *session);
int lss_session_get_record(lua_State *L);
/* Pushes what a message's Reason header says, or nil; m may be NULL. */
void lss_cause_push(lua_State *L, ss_message *m);

/* verbs.c */
int lss_session_participate(lua_State *L);
int lss_session_participate_async(lua_State *L);
int lss_session_progress(lua_State *L);
int lss_session_reject(lua_State *L);
int lss_session_redirect(lua_State *L);
int lss_session_terminate(lua_State *L);

#endif
