/* Text that came from anywhere, as a log or a terminal may have it: controls
 * can't move a cursor or make a line that nobody wrote, and credentials (RFC
 * 3261 20.6, 20.7, 20.28) stay out of it. Not to be parsed again. */
#ifndef SS_BASE_PRINTABLE_H
#define SS_BASE_PRINTABLE_H

#include "base/str.h"

typedef enum ss_print_as {
  SS_PRINT_LINE,    /* one line: every break is escaped */
  SS_PRINT_MESSAGE, /* CRLF ends a line */
  SS_PRINT_TEXT     /* so does LF, and HTAB is allowed: a traceback */
} ss_print_as;

typedef struct ss_printable {
  ss_str rest;
  ss_print_as as;
  bool line_starts;
  bool hides;  /* what comes after `name`, to the end of the field */
  size_t name; /* octets of a field's name and scheme, to be shown */
  char escape[4];
} ss_printable;

static inline ss_printable ss_printable_of(ss_str text, ss_print_as as) {
  return (ss_printable){.rest = text, .as = as, .line_starts = true};
}

/* The next piece to write: of the text, or valid until the next call; a line's
 * end is a piece by itself. Empty: that was all. */
ss_str ss_printable_next(ss_printable *p);

#endif
