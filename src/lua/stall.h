/* A handler that doesn't return to the loop: told to the "stalled" handlers of
 * its endpoint, with a traceback, while it is at it. */
#ifndef LSS_STALL_H
#define LSS_STALL_H

#include "lua/context.h"

/* Handlers of this state may take so many ms from now on; the least that was
 * said counts. 0: no wish. Where there can't be a watchdog there is none. */
void lss_stall_watch(lss_context *c, uint32_t ms);
/* The hook that is set is no longer wanted. */
void lss_stall_unhook(lss_context *c);
void lss_stall_stop(lss_context *c); /* at the end of the state */

#endif
