/* Default reason phrases of response codes: the registered ones from the
 * table in code.h, any other by its class (RFC 3261 8.1.3.2). Gives phrases
 * only; what a code means to a call is decided in ua/. */
#include "sip/code.h"

ss_str ss_code_reason(unsigned code) {
  switch (code) {
#define X(number, name, reason)                                                \
  case number:                                                                 \
    return SS_STR(reason);
    SS_CODE_MAP(X)
#undef X
  }
  /* RFC 3261 8.1.3.2: an unknown code is the x00 of its class, and an unknown
   * provisional one is 183 */
  switch (code / 100) {
  case 1:
    return SS_STR("Session Progress");
  case 2:
    return SS_STR("OK");
  case 3:
    return SS_STR("Multiple Choices");
  case 4:
    return SS_STR("Bad Request");
  case 5:
    return SS_STR("Server Internal Error");
  case 6:
    return SS_STR("Busy Everywhere");
  default:
    return SS_STR_NONE;
  }
}
