/* Names of header fields and methods: text to number and back (RFC 3261 7.1,
 * 7.3.1, 7.3.3, IANA's registers). A look-up is one place in a
 * table and one comparison. */
#include "sip/message.h"

static const ss_str field_names[SS_FIELD_COUNT] = {
#define X(name, text, compact, single)                                         \
  [SS_FIELD_##name] = {text, sizeof(text) - 1},
    SS_FIELD_MAP(X)
#undef X
};

static const ss_str method_names[] = {
#define X(name) [SS_##name] = {#name, sizeof(#name) - 1},
    SS_METHOD_MAP(X)
#undef X
};

/* No two known names agree in length, first and last letter, nor in this,
 * whose factor was found by trying. */
#define PLACE(n, first, last)                                                  \
  (((unsigned)(n) + 97U * (unsigned)(first) + (unsigned)(last)) & 127)

static ss_field_id compact(char letter) {
  switch (letter) {
#define PAIR(c, id)                                                            \
  case c:                                                                      \
    return SS_FIELD_##id
    PAIR('a', ACCEPT_CONTACT);
    PAIR('b', REFERRED_BY);
    PAIR('c', CONTENT_TYPE);
    PAIR('d', REQUEST_DISPOSITION);
    PAIR('e', CONTENT_ENCODING);
    PAIR('f', FROM);
    PAIR('i', CALL_ID);
    PAIR('j', REJECT_CONTACT);
    PAIR('k', SUPPORTED);
    PAIR('l', CONTENT_LENGTH);
    PAIR('m', CONTACT);
    PAIR('o', EVENT);
    PAIR('r', REFER_TO);
    PAIR('s', SUBJECT);
    PAIR('t', TO);
    PAIR('u', ALLOW_EVENTS);
    PAIR('v', VIA);
    PAIR('x', SESSION_EXPIRES);
    PAIR('y', IDENTITY);
#undef PAIR
  default:
    return SS_FIELD_OTHER;
  }
}

static const uint8_t candidates[128] = {
#define PAIR(n, first, last, id) [PLACE(n, first, last)] = SS_FIELD_##id
    PAIR(2, 't', 'o', TO),
    PAIR(3, 'v', 'a', VIA),
    PAIR(4, 'c', 'q', CSEQ),
    PAIR(4, 'f', 'm', FROM),
    PAIR(4, 'r', 'k', RACK),
    PAIR(4, 'r', 'q', RSEQ),
    PAIR(5, 'a', 'w', ALLOW),
    PAIR(5, 'e', 't', EVENT),
    PAIR(5, 'r', 'e', ROUTE),
    PAIR(6, 'a', 't', ACCEPT),
    PAIR(6, 'm', 'e', MIN_SE),
    PAIR(6, 'r', 'n', REASON),
    PAIR(6, 's', 'r', SERVER),
    PAIR(7, 'c', 'd', CALL_ID),
    PAIR(7, 'c', 't', CONTACT),
    PAIR(7, 'e', 's', EXPIRES),
    PAIR(7, 'r', 'e', REQUIRE),
    PAIR(7, 's', 't', SUBJECT),
    PAIR(7, 'w', 'g', WARNING),
    PAIR(8, 'i', 'y', IDENTITY),
    PAIR(8, 'r', 'o', REFER_TO),
    PAIR(8, 'r', 's', REPLACES),
    PAIR(9, 's', 'd', SUPPORTED),
    PAIR(9, 't', 'p', TIMESTAMP),
    PAIR(10, 'u', 't', USER_AGENT),
    PAIR(11, 'r', 'r', RETRY_AFTER),
    PAIR(11, 'r', 'y', REFERRED_BY),
    PAIR(11, 'u', 'd', UNSUPPORTED),
    PAIR(12, 'a', 's', ALLOW_EVENTS),
    PAIR(12, 'c', 'e', CONTENT_TYPE),
    PAIR(12, 'm', 's', MAX_FORWARDS),
    PAIR(12, 'r', 'e', RECORD_ROUTE),
    PAIR(13, 'a', 'n', AUTHORIZATION),
    PAIR(13, 'p', 'e', PROXY_REQUIRE),
    PAIR(14, 'a', 't', ACCEPT_CONTACT),
    PAIR(14, 'c', 'h', CONTENT_LENGTH),
    PAIR(14, 'r', 't', REJECT_CONTACT),
    PAIR(15, 's', 's', SESSION_EXPIRES),
    PAIR(16, 'c', 'g', CONTENT_ENCODING),
    PAIR(19, 'c', 'n', CONTENT_DISPOSITION),
    PAIR(19, 'r', 'n', REQUEST_DISPOSITION),
#undef PAIR
};

ss_field_id ss_field_lookup(ss_str name) {
  if (name.n == 0)
    return SS_FIELD_OTHER;
  /* the names are letters and hyphens: setting this bit lowers the letters,
   * and the comparison below catches what it does to anything else */
  unsigned first = (uint8_t)name.p[0] | 0x20;
  if (name.n == 1)
    return name.p[0] & 0x40 ? compact((char)first) : SS_FIELD_OTHER;
  unsigned last = (uint8_t)name.p[name.n - 1] | 0x20;
  unsigned id = candidates[PLACE(name.n, first, last)];
  return id && ss_str_ieq(name, field_names[id]) ? (ss_field_id)id
                                                 : SS_FIELD_OTHER;
}

ss_str ss_field_name(ss_field_id id) {
  return (unsigned)id < SS_FIELD_COUNT ? field_names[id] : SS_STR_NONE;
}

ss_method ss_method_lookup(ss_str name) {
  const int count = (int)(sizeof method_names / sizeof *method_names);
  for (int i = 1; i < count; i++)
    if (name.n == method_names[i].n && name.p[0] == method_names[i].p[0] &&
        ss_str_eq(name, method_names[i]))
      return (ss_method)i;
  return SS_METHOD_UNKNOWN;
}

ss_str ss_method_name(ss_method method) {
  const size_t count = sizeof method_names / sizeof *method_names;
  return (size_t)method < count ? method_names[method] : SS_STR_NONE;
}
