/* Event, Subscription-State (RFC 6665 8.2.1, 8.2.3) and the status line in a
 * NOTIFY about a REFER (RFC 3515 2.4.5, RFC 3420 2). No subscriptions here. */
#include "sip/event.h"
#include "base/error.h"
#include "sip/chars.h"
#include "sip/headers.h"

/* The token before the parameters, and one of these. */
static int token_with(ss_str value, ss_str name, ss_str *token,
                      ss_str *parameter) {
  ss_str s = ss_str_trim((ss_str){value.p, ss_str_chr(value, ';')});
  if (!ss_str_is_token(s))
    return SS_ESYNTAX;
  *token = s;
  if (!ss_parameter(value, name, parameter))
    *parameter = SS_STR_NONE;
  return 0;
}

int ss_event(ss_str value, ss_str *package, ss_str *id) {
  return token_with(value, SS_STR("id"), package, id);
}

int ss_subscription_state(ss_str value, bool *terminated, ss_str *reason) {
  ss_str state;
  int rc = token_with(value, SS_STR("reason"), &state, reason);
  if (rc == 0)
    *terminated = ss_str_ieq(state, SS_STR("terminated"));
  return rc;
}

int ss_sipfrag(ss_str body, unsigned *code, ss_str *reason) {
  static const ss_str version = {"SIP/2.0 ", 8};
  uint32_t n;
  while (body.n && (body.p[0] == '\r' || body.p[0] == '\n'))
    body = ss_str_from(body, 1);
  ss_str line = {body.p, ss_str_chr(body, '\n')};
  line = ss_str_trim(line);
  if (line.n < version.n + 3 ||
      !ss_str_ieq((ss_str){line.p, version.n}, version) ||
      ss_chars_control(line))
    return SS_ESYNTAX;
  line = ss_str_from(line, version.n);
  if (ss_str_u32((ss_str){line.p, 3}, 699, &n) || n < 100 ||
      (line.n > 3 && line.p[3] != ' '))
    return SS_ESYNTAX;
  *code = n;
  *reason = ss_str_trim(ss_str_from(line, 3));
  return 0;
}
