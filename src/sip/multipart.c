/* The parts of a multipart body (RFC 2046 5.1.1, RFC 5621): where each begins
 * and ends, and its Content-Type. One level at a time: a part that is itself
 * a multipart is cut by calling again on its body. Transfer encodings are not
 * undone (RFC 3261 27.5 allows only binary ones). */
#include "base/error.h"
#include "sip/chars.h"
#include "sip/headers.h"

#define BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */
#define HEADER_MAX 2048 /* octets of a part's header section */

typedef struct delimiter {
  size_t at;    /* of the line's first "-" */
  size_t after; /* where what follows the line begins */
  bool last;    /* the one with "--" at its end */
} delimiter;

/* Is there a delimiter line at i, where two hyphens are? */
static bool delimiter_at(ss_str s, size_t i, ss_str boundary, delimiter *d) {
  size_t end = i + 2 + boundary.n;
  if (end > s.n || memcmp(s.p + i + 2, boundary.p, boundary.n) != 0)
    return false;
  d->at = i;
  d->last = s.n - end >= 2 && s.p[end] == '-' && s.p[end + 1] == '-';
  if (d->last)
    end += 2;
  while (end < s.n && ss_char_is(s.p[end], SS_CHAR_SPACE))
    end++;
  if (end < s.n && s.p[end] == '\r')
    end++;
  if (end < s.n ? s.p[end] != '\n' : !d->last)
    return false; /* the boundary is only the beginning of a longer line */
  d->after = end < s.n ? end + 1 : end;
  return true;
}

/* A body may be nothing but short lines: a call for each would cost much. */
static bool next_delimiter(ss_str s, size_t i, size_t *lines, ss_str boundary,
                           delimiter *d) {
  const char *p = s.p;
  size_t n = s.n;
  while (i + 1 < n && *lines) {
    --*lines;
    if (p[i] == '-' && p[i + 1] == '-' && delimiter_at(s, i, boundary, d))
      return true;
    while (i < n && p[i] != '\n')
      i++;
    i++;
  }
  return false;
}

/* Splits a part into its header lines and its body. Where the blank line
 * between them is too far away, there is neither type nor body. */
static void part(ss_str s, ss_str *content_type, ss_str *body) {
  const char *start = s.p;
  *content_type = SS_STR("text/plain");
  bool ours = false; /* the line before was Content-Type: this may fold it */
  while (s.n) {
    size_t n = ss_str_chr(s, '\n');
    ss_str line = {s.p, n};
    s = ss_str_from(s, n < s.n ? n + 1 : n);
    if (line.n && line.p[line.n - 1] == '\r')
      line.n--;
    if (line.n == 0)
      break;
    if (s.p - start > HEADER_MAX) {
      *content_type = *body = SS_STR_NONE;
      return;
    }
    if (ss_char_is(line.p[0], SS_CHAR_SPACE)) {
      if (ours)
        content_type->n = (size_t)(line.p + line.n - content_type->p);
      continue;
    }
    size_t colon = ss_str_chr(line, ':');
    ours = colon < line.n && ss_str_ieq(ss_str_trim((ss_str){line.p, colon}),
                                        SS_STR("Content-Type"));
    if (ours)
      *content_type = ss_str_from(line, colon + 1);
  }
  *content_type = ss_str_trim(*content_type);
  *body = s;
}

bool ss_multipart_next(ss_str *rest, size_t *lines, ss_str boundary,
                       ss_str *content_type, ss_str *body) {
  ss_str s = *rest;
  delimiter open, close;
  *rest = SS_STR_NONE;
  if (boundary.n == 0 || boundary.n > BOUNDARY_MAX ||
      !next_delimiter(s, 0, lines, boundary, &open) || open.last ||
      !next_delimiter(s, open.after, lines, boundary, &close))
    return false;
  /* the line end before a delimiter belongs to it */
  size_t end = close.at;
  if (end > open.after)
    end--;
  if (end > open.after && s.p[end - 1] == '\r')
    end--;
  part((ss_str){s.p + open.after, end - open.after}, content_type, body);
  *rest = ss_str_from(s, close.at);
  return true;
}
