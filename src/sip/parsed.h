/* What has been parsed of a message so far: the memory behind headers.h, in
 * the message's own block. Internal to sip/. */
#ifndef SS_SIP_PARSED_H
#define SS_SIP_PARSED_H

#include "sip/headers.h"

typedef struct ss_parsed_name_addr {
  bool done;
  int rc;
  ss_name_addr value;
} ss_parsed_name_addr;

struct ss_parsed {
  ss_parsed_name_addr from, to, contact;
  struct {
    bool done;
    int rc;
    ss_uri value;
  } request_uri;
  struct {
    ss_str text; /* the first element; .p NULL: not cut yet */
    bool done;
    int rc;
    /* its sent-by is good, and with it a reply can be addressed, even where
     * rc says that its parameters aren't */
    bool usable;
    ss_via value;
  } via;
};

/* Nothing yet: what isn't done isn't looked at. */
static inline void ss_parsed_init(struct ss_parsed *p) {
  p->from.done = p->to.done = p->contact.done = false;
  p->request_uri.done = p->via.done = p->via.usable = false;
  p->via.text = SS_STR_NONE;
  p->via.value = (ss_via){0};
}

/* The first element of the first Via; empty where there is none. */
ss_str ss_top_via(const ss_message *m);
/* A SIP URI with "?headers" (RFC 3261 19.1.1). */
bool ss_uri_has_headers(const ss_uri *uri);
/* What stands in quotes, without its escapes (RFC 3261 25.1 quoted-pair). */
int ss_unquote(ss_arena *arena, ss_str s, ss_str *out);

#endif
