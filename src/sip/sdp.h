/* The description the library gives when the script gives none: every stream
 * of the offer answered in its place and inactive (RFC 3264 6, 6.1; 8.2 for a
 * port of 0), or an offer with one inactive audio stream. No media knowledge
 * beyond that; sipsession.sdp builds real answers. */
#ifndef SS_SIP_SDP_H
#define SS_SIP_SDP_H

#include "base/addr.h"
#include "base/buf.h"

/* SS_ESYNTAX: the offer is no description (RFC 4566 5: v=0, o=, s=, t=, each
 * line "x=…", a connection address for each stream); SS_ELIMIT: more than 64
 * streams or 2,000 lines; SS_EFULL. */
int ss_sdp_check(ss_str sdp);
int ss_sdp_answer_inactive(ss_buf *b, ss_str offer, const ss_addr *address,
                           uint64_t session_id);
int ss_sdp_offer_inactive(ss_buf *b, const ss_addr *address,
                          uint64_t session_id);

#endif
