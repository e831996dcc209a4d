/* Handlers of an object's events: a list in one of its user values, for one of
 * its events, or for all where there are many objects.
 * A list is never changed, only replaced: delivery walks the one it began
 * with, passes over what was removed meanwhile, and calls nothing that was
 * added. */
#ifndef LSS_EVENT_H
#define LSS_EVENT_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* Adds the function at fn to the list in that user value of the object at idx,
 * and pushes the function that removes it. event: 0 where the list is for one.
 * changed(object), or NULL: called after the list has changed. */
void lss_event_add(lua_State *L, int idx, int value, int event, int fn,
                   lua_CFunction changed);
/* Pushes the list of handlers (or nil); how long it is, 0: none is for that
 * event. */
lua_Integer lss_event_push(lua_State *L, int idx, int value, int event);
/* Pushes the i-th handler of a list; false (nothing pushed): it is for another
 * event, or was removed. */
bool lss_event_handler(lua_State *L, int list, lua_Integer i, int event);

#endif
