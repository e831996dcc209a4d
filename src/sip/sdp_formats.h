/* The formats of a stream, ours and the other side's. Internal to sip/. */
#ifndef SS_SIP_SDP_FORMATS_H
#define SS_SIP_SDP_FORMATS_H

#include "sip/sdp_lines.h"

#define SS_SDP_FORMATS_MAX 128 /* RFC 3550 5.1: payload types have 7 bits */

/* In the order of the m-line; what is over the maximum is none. */
typedef struct ss_sdp_formats {
  size_t n;
  struct {
    ss_str name, map; /* map: of its first rtpmap, or empty */
  } of[SS_SDP_FORMATS_MAX];
} ss_sdp_formats;

/* Can a stream of ours go on, and with which formats? Both are given from
 * their m-line on. False: one is refused, they are of different kinds, or no
 * format remains. */
bool ss_sdp_formats_kept(ss_str ours, ss_str theirs, ss_sdp_formats *kept);
/* An attribute of a format that isn't among those kept. */
bool ss_sdp_is_of_others(ss_str line, const ss_sdp_formats *kept);

#endif
