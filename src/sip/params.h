/* Walking over ";name=value;…" (RFC 3261 25.1 generic-param). Internal to
 * sip/. */
#ifndef SS_SIP_PARAMS_H
#define SS_SIP_PARAMS_H

#include "base/str.h"

typedef struct ss_param {
  ss_str text; /* "name=value" as written */
  ss_str name;
  ss_str value; /* quotes taken off, escapes left; .p is NULL without "=" */
} ss_param;

/* Cuts the next parameter off *rest, which stands at a ";" or at the end: 1,
 * 0 at the end, or SS_ESYNTAX, where *rest stays as it was. */
int ss_param_next(ss_str *rest, ss_param *out);

/* The length of the quoted string that s begins with, both quotes included;
 * 0: it doesn't end. */
size_t ss_quoted(ss_str s);
/* Finds c outside quoted strings; s.n when there is none before one that
 * doesn't end. */
size_t ss_unquoted_chr(ss_str s, char c);

#endif
