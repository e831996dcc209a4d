/* The Reason header field, RFC 3326 2. Forgiving, for its values come from
 * gateways of all kinds: one parameter that is none doesn't spoil the others.
 * What a cause means isn't known here. */
#include "sip/reason.h"
#include "base/error.h"
#include "sip/chars.h"
#include "sip/params.h"
#include "sip/parsed.h"

/* RFC 3261 7.3.1: tokens are compared without case; scripts needn't. */
static bool is_known(ss_str *protocol) {
  static const ss_str known[] = {{"Q.850", 5}, {"SIP", 3}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (ss_str_ieq(*protocol, known[i])) {
      *protocol = known[i];
      return true;
    }
  }
  return false;
}

/* The first of each name that has a value counts. */
static void take(ss_reason *r, const ss_param *param) {
  if (ss_str_ieq(param->name, SS_STR("cause"))) {
    if (!r->coded)
      r->coded = !ss_str_u32(param->value, INT32_MAX, &r->cause);
  } else if (ss_str_ieq(param->name, SS_STR("text"))) {
    if (!r->text.n)
      r->text = param->value;
  }
}

/* The parameters; rest stands at a ";" or at the end. */
static void parse(ss_str rest, ss_reason *r) {
  ss_param param;
  int rc;
  while ((rc = ss_param_next(&rest, &param))) {
    if (rc > 0) {
      take(r, &param);
    } else { /* none: on to the next ";" */
      rest = ss_str_from(rest, 1);
      rest = ss_str_from(rest, ss_str_chr(rest, ';'));
    }
  }
}

int ss_message_reason(ss_message *m, ss_reason *out) {
  ss_elements e = ss_message_elements(m, SS_FIELD_REASON);
  ss_str value, params = SS_STR_NONE;
  bool known = false;
  *out = (ss_reason){0};
  while (!known && ss_elements_next(&e, &value)) {
    size_t n = ss_str_chr(value, ';');
    ss_str protocol = ss_str_trim((ss_str){value.p, n});
    if (!ss_str_is_token(protocol))
      continue;
    known = is_known(&protocol);
    if (known || !out->protocol.n) {
      out->protocol = protocol;
      params = ss_str_from(value, n);
    }
  }
  if (!out->protocol.n)
    return SS_ENOTFOUND;
  parse(params, out);
  return ss_unquote(&m->arena, out->text, &out->text);
}
