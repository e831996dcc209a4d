/* The two grammars that libosip2 reads for us: URIs and the sent-protocol and
 * sent-by of a Via. Internal to sip/. */
#ifndef SS_SIP_OSIP_H
#define SS_SIP_OSIP_H

#include "sip/headers.h"

/* 0, SS_ESYNTAX or SS_ENOMEM. */
int ss_osip_uri(ss_arena *arena, ss_str text, ss_uri *out);
/* `text` is a Via value up to its parameters; fills protocol, host, port. */
int ss_osip_via(ss_arena *arena, ss_str text, ss_via *out);

#endif
