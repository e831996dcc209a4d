/* References to the core's objects that end when the collector finds that
 * nobody can read them any more. What has a finalizer is looked at with the
 * world stopped, each one, dead or alive, so a bundle has one for many; and
 * nothing has one while the core has it, too. Who keeps one object of a bundle
 * keeps all of them: what is put into one is over. */
#ifndef LSS_BUNDLE_H
#define LSS_BUNDLE_H

#include "lua/context.h"

/* In the bundle's userdata; NULL: was finalized, nothing may be read. */
typedef struct lss_bundle lss_bundle;
typedef lss_bundle *const *lss_bundle_ref;

void lss_bundle_open(lua_State *L);
/* Pushes a bundle with room for one more object. Raises when there is no
 * memory. */
void lss_bundle_push(lua_State *L, lss_context *c);
/* Hands a reference over to the bundle on the top, just pushed: let_go ends it.
 * Who reads the object keeps the bundle in a user value, and looks first
 * whether it was finalized. Never fails. */
lss_bundle_ref lss_bundle_add(lua_State *L, void *object,
                              void (*let_go)(void *object));
/* What was in bundles that nobody has goes bit by bit, for the collector would
 * call thousands of finalizers in a row. False: nothing is left, or nothing may
 * go now. */
bool lss_bundle_drain(lua_State *L, lss_context *c);
/* At lua_close: what is in any bundle goes now. */
void lss_bundles_close(lss_context *c);

#endif
