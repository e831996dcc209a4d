/* The body of a message, whole or as one part of a multipart one. */
#ifndef SS_SIP_BODY_H
#define SS_SIP_BODY_H

#include "sip/message.h"

/* The body if it has that media type, or the first part of a multipart body
 * that has (RFC 2046 5.1, RFC 5621); else empty. */
ss_str ss_body_find(const ss_message *m, ss_str media_type);
/* Likewise in a body with that Content-Type. */
ss_str ss_body_part(ss_str content_type, ss_str body, ss_str media_type);
/* Whether a receiver of these media types (a comma list) understands the body:
 * there is none, its type is one of them or multipart with such a part, or it
 * is marked as optional (RFC 3261 20.11). */
bool ss_body_understood(const ss_message *m, ss_str accepted);

/* Whether the peer takes one of those types, as its Accept has it (RFC 3261
 * 20.1, RFC 2616 14.1); without an Accept it does. */
bool ss_body_taken(const ss_message *m, ss_str types);

#endif
