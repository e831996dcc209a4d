/* What an endpoint tells a program that doesn't want to know. */
#ifndef QUIET_HANDLER_H
#define QUIET_HANDLER_H

#include "ua/endpoint.h"

static inline void quiet_changed(void *arg, ss_session *s, const ss_change *c) {
  (void)arg;
  (void)s;
  (void)c;
}

static inline void quiet_accepted(void *arg, ss_session *s, const ss_failure *f,
                                  ss_message *ack) {
  (void)arg;
  (void)s;
  (void)f;
  (void)ack;
}

/* Nobody negotiates. */
static inline bool quiet_negotiate(void *arg, ss_session *s, uint32_t round,
                                   ss_negotiate what, ss_message *about) {
  (void)arg;
  (void)s;
  (void)round;
  (void)what;
  (void)about;
  return false;
}

static inline void quiet_released(void *arg, ss_session *s) {
  (void)arg;
  (void)s;
}

static inline void quiet_closed(void *arg) {
  (void)arg;
}

#endif
