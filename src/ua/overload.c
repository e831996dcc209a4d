/* More calls than the script can carry (RFC 3261 21.5.4): those that begin are
 * refused, early and without a transaction, while what belongs to calls that
 * there are goes on. In a turn as many may begin as fit into LATE, by what a
 * call has cost of late; none, when the turn before has left datagrams in the
 * socket: the loop no longer keeps up. */
#include "ua/ua.h"

#define LATE 150 /* ms: with the wait for the turn, below T1 */
#define FEW 4    /* calls that may begin in any turn, however slow */
#define ANY UINT32_MAX

/* What the turn before this one says about the cost of a call. */
static void learn(ss_endpoint *e, const ss_pace *pace) {
  if (e->pace.turn + 1 != pace->turn || !e->pace.admitted)
    return;
  uint64_t each = (uint64_t)pace->took * 1000 / e->pace.admitted;
  if (each > LATE * 1000) /* one that was slow once is soon forgotten */
    each = LATE * 1000;
  e->pace.cost =
      (uint32_t)(e->pace.cost ? (3 * e->pace.cost + each) / 4 : each);
}

static unsigned quota(const ss_endpoint *e, const ss_pace *pace) {
  if (pace->behind)
    return 0;
  if (!e->pace.cost)
    return ANY;
  unsigned fit = LATE * 1000 / e->pace.cost;
  return fit > FEW ? fit : FEW;
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
