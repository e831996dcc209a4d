/* Who may call: options of an endpoint, and the lookup of passwords. */
#ifndef LSS_AUTH_H
#define LSS_AUTH_H

#include "lua/endpoint.h"

void lss_auth_open(lua_State *L);
/* allow, deny and auth of the options at 1; pushes what *config borrows from.
 */
void lss_access_config(lua_State *L, ss_endpoint_config *config);
/* Pushes auth.lookup of the options at 1, or nil. */
void lss_push_lookup(lua_State *L);
void lss_lookup(void *arg, ss_attempt *attempt);

/* For the testing kit: _digest(algorithm, user, realm, password, method, uri,
 * nonce, nc, cnonce) gives the response and H(A1) in hex, or nothing where the
 * algorithm is not supported. */
int lss_digest(lua_State *L);

#endif
