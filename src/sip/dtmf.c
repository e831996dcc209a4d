/* DTMF by INFO, as gateways and phones write it:
 *
 *   Signal=5            Signal= 11         5
 *   Duration=160        duration = 100
 *
 * Lines of any kind may stand between; of a name the first line counts. */
#include "sip/dtmf.h"
#include "base/error.h"
#include "sip/chars.h"
#include "sip/headers.h"

static int digit_of(ss_str s, char *out) {
  static const char events[] = "0123456789*#ABCD!"; /* RFC 4733 3.2 */
  uint32_t event;
  if (s.n == 1 && s.p[0] != '\0') {
    char c = s.p[0];
    if (c >= 'a' && c <= 'd')
      c = (char)(c - 32);
    if (!strchr(events, c))
      return SS_ESYNTAX;
    *out = c;
    return 0;
  }
  if (s.n != 2 || ss_str_u32(s, sizeof events - 2, &event))
    return SS_ESYNTAX;
  *out = events[event];
  return 0;
}

/* The value of the first "name = value" line. */
static bool line_of(ss_str body, ss_str name, ss_str *value) {
  while (body.n) {
    size_t n = ss_str_chr(body, '\n');
    ss_str line = {body.p, n};
    body = ss_str_from(body, n < body.n ? n + 1 : n);
    size_t equals = ss_str_chr(line, '=');
    if (equals < line.n &&
        ss_str_ieq(ss_str_trim((ss_str){line.p, equals}), name)) {
      *value = ss_str_trim(ss_str_from(line, equals + 1));
      return true;
    }
  }
  return false;
}

int ss_dtmf(ss_str content_type, ss_str body, char *digit, uint32_t *ms) {
  ss_str type = ss_media_type(content_type), value;
  bool relay = ss_media_type_eq(type, SS_STR("application/dtmf-relay"));
  char found;
  uint32_t duration;
  if (!relay && !ss_media_type_eq(type, SS_STR("application/dtmf")))
    return SS_ENOTFOUND;
  if (!line_of(body, SS_STR("Signal"), &value)) {
    if (relay)
      return SS_ESYNTAX;
    value = ss_str_trim(body);
  }
  if (digit_of(value, &found))
    return SS_ESYNTAX;
  if (!line_of(body, SS_STR("Duration"), &value) ||
      ss_str_u32(value, UINT32_MAX, &duration))
    duration = UINT32_MAX;
  *digit = found;
  *ms = duration;
  return 0;
}
