/* Handlers of an object's events: a list in one of its user values for each.
 * A list is never changed, only replaced: delivery walks the one it began
 * with, passes over what was removed meanwhile, and calls nothing that was
 * added. */
#ifndef LSS_EVENT_H
#define LSS_EVENT_H

#include <lauxlib.h>
#include <lua.h>

/* Adds the function at fn to user value `event` of the object at idx, and
 * pushes the function that removes it. changed(object), or NULL: called after
 * the list has changed. */
void lss_event_add(lua_State *L, int idx, int event, int fn,
                   lua_CFunction changed);
/* Pushes the list of handlers (or nil); how many there are. */
lua_Integer lss_event_push(lua_State *L, int idx, int event);
/* Pushes the i-th handler of a list; false (nothing pushed): was removed. */
int lss_event_handler(lua_State *L, int list, lua_Integer i);

#endif
