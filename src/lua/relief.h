/* What Lua has for nothing, once the rush is over. */
#ifndef LSS_RELIEF_H
#define LSS_RELIEF_H

#include "lua/context.h"

void lss_relief_init(lss_context *c); /* the real world has its loop */

#endif
