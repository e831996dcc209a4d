/* Descriptions side by side: is it the same but for its version (RFC 3264 8),
 * and can it be the answer to that offer (RFC 3264 6)? Formats and directions
 * are not looked at. */
#include "base/error.h"
#include "sip/sdp.h"
#include "sip/sdp_lines.h"

int ss_sdp_version(ss_str sdp, uint64_t *out) {
  ss_sdp_origin origin;
  uint64_t v = 0;
  if (ss_sdp_origin_find(sdp, &origin))
    return SS_ESYNTAX;
  for (size_t i = 0; i < origin.version.n; i++) {
    char c = origin.version.p[i];
    if (c < '0' || c > '9')
      return SS_ESYNTAX;
    if (v <= INT64_MAX / 10) /* beyond it, one more digit is too many */
      v = v * 10 + (uint64_t)(c - '0');
    else
      v = UINT64_MAX;
  }
  if (v > INT64_MAX)
    return SS_ELIMIT;
  *out = v;
  return 0;
}

bool ss_sdp_same(ss_str a, ss_str b) {
  ss_sdp_origin one, other;
  if (ss_sdp_origin_find(a, &one) || ss_sdp_origin_find(b, &other))
    return ss_str_eq(a, b);
  return ss_str_eq(one.before, other.before) &&
         ss_str_eq(one.after, other.after);
}

/* The media type of the next m-line; false at the end. Lines that are none are
 * passed over. */
static bool next_media(ss_str *rest, ss_str *media) {
  ss_str line;
  int rc;
  while ((rc = ss_sdp_line(rest, &line)) != 0) {
    if (rc > 0 && line.p[0] == 'm') {
      ss_str words = {line.p + 2, line.n - 2};
      *media = ss_sdp_word(&words);
      return true;
    }
  }
  return false;
}

int ss_sdp_answers(ss_str offer, ss_str answer) {
  ss_str asked, said;
  int rc = ss_sdp_check(answer);
  if (rc)
    return rc;
  while (next_media(&offer, &asked))
    if (!next_media(&answer, &said) || !ss_str_ieq(asked, said))
      return SS_EUNSUPPORTED;
  return next_media(&answer, &said) ? SS_EUNSUPPORTED : 0;
}
