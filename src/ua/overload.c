/* More calls than the script can carry (RFC 3261 21.5.4): those that begin are
 * refused, early and without a transaction, while what belongs to calls that
 * there are goes on. In a turn as many may begin as fit into LATE, by what a
 * call has cost of late; none, once turn after turn has left datagrams in the
 * socket, and by now many: the loop no longer keeps up. */
#include "ua/ua.h"

#define LATE 150   /* ms: with the wait for the turn, below T1 */
#define BACKLOG 50 /* ms of turns that leave some unread */
#define FEW 4      /* calls that may begin in any turn, however slow */
#define ANY UINT32_MAX

/* What the turn before this one says about the cost of a call: a long turn in
 * which few began says little. */
static void learn(ss_endpoint *e, const ss_pace *pace) {
  uint64_t most = (uint64_t)LATE * e->pace.admitted;
  uint64_t ms = pace->took < most ? pace->took : most;
  if (e->pace.turn + 1 != pace->turn || !e->pace.admitted)
    return;
  e->pace.us = e->pace.us * 3 / 4 + ms * 1000;
  e->pace.calls = e->pace.calls * 3 / 4 + (uint64_t)e->pace.admitted * 1000;
}

static unsigned quota(const ss_endpoint *e, const ss_pace *pace) {
  if (pace->late && pace->behind > BACKLOG)
    return 0;
  if (!e->pace.us)
    return ANY;
  uint64_t fit = LATE * e->pace.calls / e->pace.us;
  return fit < FEW ? FEW : fit < ANY ? (unsigned)fit : ANY;
}

void ss_overload_init(ss_endpoint *e) {
  e->pace.quota = ANY; /* a virtual loop has but this turn */
}

bool ss_overload_refuses(ss_endpoint *e) {
  const ss_pace *pace = &e->loop->pace;
  if (e->pace.turn != pace->turn) {
    learn(e, pace);
    e->pace.quota = quota(e, pace);
    e->pace.admitted = 0;
    e->pace.turn = pace->turn;
  }
  if (e->pace.quota != ANY && e->pace.admitted >= e->pace.quota)
    return true;
  e->pace.admitted++;
  return false;
}
