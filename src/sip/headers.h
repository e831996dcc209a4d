/* Single header values, parsed with libosip2's grammar into the message's
 * arena, on demand and once. The only floor that knows libosip2, and the only
 * file pair (headers.c, osip.c) in it. Only what the scanner has let through
 * gets here.
 *
 * Slices live as long as the message (or the arena that was given). */
#ifndef SS_SIP_HEADERS_H
#define SS_SIP_HEADERS_H

#include "base/addr.h"
#include "base/buf.h"
#include "sip/message.h"

typedef struct ss_uri {
  ss_str text;      /* all of it, as written between the angle brackets */
  ss_str scheme;    /* lower case */
  ss_str user;      /* unescaped by nobody: as written */
  ss_str host;      /* without brackets; of a tel: URI the number */
  uint16_t port;    /* 0: none given */
  bool sip;         /* sip: or sips: */
  bool lr;          /* RFC 3261 19.1.1 */
  ss_str transport; /* parameters; empty where not given */
  ss_str maddr;
} ss_uri;

typedef struct ss_name_addr {
  ss_str display; /* unquoted, unescaped */
  ss_uri uri;
  ss_str tag; /* of From and To; of others empty */
} ss_name_addr;

typedef struct ss_via {
  ss_str protocol; /* "UDP" */
  ss_str host;     /* sent-by, without brackets */
  uint16_t port;   /* 0: none given */
  ss_str branch;
  ss_str maddr;
  bool rport;    /* asked for (RFC 3581) */
  bool received; /* it has one already */
} ss_via;

/* Each gives 0 and a borrowed pointer, or SS_ENOTFOUND (there is no such
 * header), SS_ESYNTAX, SS_ENOMEM. The results are kept. */
int ss_message_from(ss_message *m, const ss_name_addr **out);
int ss_message_to(ss_message *m, const ss_name_addr **out);
bool ss_message_has_to_tag(ss_message *m);             /* it is of a dialog */
int ss_message_via(ss_message *m, const ss_via **out); /* the topmost */
int ss_message_contact(ss_message *m, const ss_name_addr **out); /* the first;
  "*" is SS_ESYNTAX */
int ss_message_request_uri(ss_message *m, const ss_uri **out);

/* One value on its own, for Route, Record-Route and what scripts give us. */
int ss_uri_parse(ss_arena *arena, ss_str text, ss_uri *out);
int ss_name_addr_parse(ss_arena *arena, ss_str text, ss_name_addr *out);

/* All of the URI but the ?headers of a SIP one: they have no place in a
 * Request-URI (RFC 3261 19.1.1). */
ss_str ss_uri_bare(const ss_uri *uri);
/* The first header of that name (any case) in the ?headers of a SIP URI,
 * unescaped, as a header's value may be. SS_ENOTFOUND, also where the URI is
 * no SIP one; SS_ESYNTAX: a broken escape in it; SS_ECONTROL: an octet that
 * could end a line; SS_EFULL. */
int ss_uri_header(ss_str uri, ss_str name, ss_buf *out);
/* The other way: what a value becomes in there. */
void ss_uri_escape(ss_buf *b, ss_str value);

/* "type/subtype" of a Content-Type value without parameters; no osip. There may
 * be white space round the slash, which says nothing (RFC 3261 25.1). */
ss_str ss_media_type(ss_str content_type);
bool ss_media_type_eq(ss_str a, ss_str b);
/* Its two halves, without that; both empty where there is no slash. */
void ss_media_type_split(ss_str media_type, ss_str *type, ss_str *subtype);
/* A parameter of "value;name=x;…", quotes taken off; false: not there. */
bool ss_parameter(ss_str value, ss_str name, ss_str *out);
/* Where the parts of a multipart body are: cuts the next part off *rest and
 * gives its Content-Type value (text/plain where it has none) and body.
 * RFC 2046 5.1; never recursive. *lines: how many lines may be looked at, and
 * then, how many more. */
bool ss_multipart_next(ss_str *rest, size_t *lines, ss_str boundary,
                       ss_str *content_type, ss_str *body);

#endif
