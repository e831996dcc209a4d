/* Values of extension headers: Session-Expires and Min-SE (RFC 4028 4, 5),
 * RAck (RFC 3262 7.2), Retry-After (RFC 3261 20.33), and looking for an
 * element of a list. What they mean for a call isn't known here. */
#include "sip/extension.h"
#include "base/error.h"
#include "sip/chars.h"
#include "sip/params.h"

bool ss_message_lists(const ss_message *m, ss_field_id id, ss_str token) {
  ss_elements e = ss_message_elements(m, id);
  ss_str element;
  while (ss_elements_next(&e, &element))
    if (id == SS_FIELD_ALLOW ? ss_str_eq(element, token)
                             : ss_str_ieq(element, token))
      return true;
  return false;
}

/* Cuts the digits at the front off *rest, and the space around them. */
static int cut_number(ss_str *rest, ss_str *digits) {
  ss_str s = ss_str_trim(*rest);
  size_t n = 0;
  while (n < s.n && ss_char_is(s.p[n], SS_CHAR_DIGIT))
    n++;
  *digits = (ss_str){s.p, n};
  *rest = ss_str_trim(ss_str_from(s, n));
  return n ? 0 : SS_ESYNTAX;
}

static int cut_seconds(ss_str *rest, uint32_t *out) {
  ss_str digits;
  if (cut_number(rest, &digits))
    return SS_ESYNTAX;
  if (ss_str_u32(digits, UINT32_MAX, out))
    *out = UINT32_MAX;
  return 0;
}

static int refresher_of(ss_str value, ss_refresher *out) {
  if (ss_str_ieq(value, SS_STR("uac")))
    *out = SS_REFRESHER_UAC;
  else if (ss_str_ieq(value, SS_STR("uas")))
    *out = SS_REFRESHER_UAS;
  else
    return SS_ESYNTAX;
  return 0;
}

int ss_session_expires(ss_str value, uint32_t *seconds,
                       ss_refresher *refresher) {
  uint32_t n;
  ss_refresher who = SS_REFRESHER_NONE;
  ss_param param;
  int rc;
  if (cut_seconds(&value, &n))
    return SS_ESYNTAX;
  while ((rc = ss_param_next(&value, &param)) > 0)
    if (ss_str_ieq(param.name, SS_STR("refresher")) &&
        (who || refresher_of(param.value, &who)))
      return SS_ESYNTAX;
  if (rc)
    return rc;
  *seconds = n;
  *refresher = who;
  return 0;
}

int ss_min_se(ss_str value, uint32_t *seconds) {
  uint32_t n;
  ss_param param;
  int rc;
  if (cut_seconds(&value, &n))
    return SS_ESYNTAX;
  while ((rc = ss_param_next(&value, &param)) > 0)
    ;
  if (rc == 0)
    *seconds = n;
  return rc;
}

int ss_retry_after(ss_str value, uint32_t *seconds) {
  uint32_t n;
  if (cut_seconds(&value, &n) ||
      (value.n && value.p[0] != '(' && value.p[0] != ';'))
    return SS_ESYNTAX;
  *seconds = n;
  return 0;
}

/* A number and the space behind it. */
static int cut_sequence(ss_str *rest, uint32_t *out) {
  ss_str digits;
  if (cut_number(rest, &digits) || rest->p == digits.p + digits.n)
    return SS_ESYNTAX;
  return ss_str_u32(digits, UINT32_MAX, out) ? SS_ESYNTAX : 0;
}

int ss_rack(ss_str value, uint32_t *rseq, uint32_t *cseq, ss_str *method) {
  uint32_t first, second;
  if (cut_sequence(&value, &first) || cut_sequence(&value, &second))
    return SS_ESYNTAX;
  value.n = ss_str_chr(value, ' '); /* some callers name the method twice */
  if (!ss_str_is_token(value))
    return SS_ESYNTAX;
  *rseq = first;
  *cseq = second;
  *method = value;
  return 0;
}
