/* The descriptions the library gives when the script gives none. The first:
 * every stream of the offer answered in its place and inactive (RFC 3264 6,
 * 6.1; 8.2 for a port of 0), or an offer with one inactive audio stream. Later
 * in a call what was last said is said again, as far as it still fits (RFC
 * 3264 8). No media knowledge beyond that; sipsession.sdp builds real
 * answers. All of it is bounded, and linear in the texts. */
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

/* sdp_modify.c: `base` is what this side last said, valid or not, with the
 * directions it wishes for. `held`: it wants to receive nothing (sendrecv
 * becomes sendonly, recvonly inactive; RFC 3264 8.4). `version` goes into the
 * o= line. */

/* Answers an offer within a call. A stream of ours stays, with those of its
 * formats that are still offered, where media type and protocol agree, neither
 * port is 0 and a format remains; its direction is what our wish and the offer
 * have in common (RFC 3264 6.1). Every other stream of the offer is refused in
 * its place. SS_ESYNTAX, SS_ELIMIT: the offer is no description, as
 * ss_sdp_check has it; SS_EUNSUPPORTED: it has fewer streams than base (RFC
 * 3264 8), none of its live streams could stay, or base is no description;
 * SS_EFULL. */
int ss_sdp_reanswer(ss_buf *b, ss_str base, ss_str offer, bool held,
                    uint64_t version);
/* base as an offer, byte by byte but for the version; where `held` line by
 * line, with the directions changed. SS_EUNSUPPORTED: base can't be read for
 * that; SS_EFULL. */
int ss_sdp_reoffer(ss_buf *b, ss_str base, bool held, uint64_t version);

/* base, and behind it those streams that `said` has more. SS_ENOTFOUND: it has
 * none; SS_EUNSUPPORTED: one of them is no description; SS_EFULL. */
int ss_sdp_extend(ss_buf *b, ss_str base, ss_str said);

/* sdp_compare.c */

/* The version in the o= line; the rest may be anything. SS_ESYNTAX: none, or
 * no number; SS_ELIMIT: over 63 bits (RFC 3264 5). */
int ss_sdp_version(ss_str sdp, uint64_t *out);
/* Equal, byte by byte, but for that version. */
bool ss_sdp_same(ss_str a, ss_str b);
/* Whether `answer` can be one to `offer`, which may be invalid otherwise: as
 * many streams, of the same media types in order (RFC 3264 6). 0, SS_ESYNTAX or
 * SS_ELIMIT: the answer is no description; SS_EUNSUPPORTED: it doesn't fit. */
int ss_sdp_answers(ss_str offer, ss_str answer);

#endif
