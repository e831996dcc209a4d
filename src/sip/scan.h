/* One scan under way: what scan.c hands to check.c. Internal to sip/. */
#ifndef SS_SIP_SCAN_H
#define SS_SIP_SCAN_H

#include "sip/message.h"

typedef struct ss_scan {
  ss_message *m;
  const ss_limits *limits;
  bool stream;
  bool cut;    /* only the beginning of the message is here */
  bool mute;   /* there is no way to send a reply: no Via, or an unfit one */
  bool plain;  /* no line has a control, or can be over a limit */
  size_t room; /* fields there is memory for, [0] included */
  size_t separators;
  size_t lines;                 /* of the header section, so far */
  uint8_t last[SS_FIELD_COUNT]; /* the end of each chain of fields */
} ss_scan;

#define SS_PLAIN_LINES 128

/* A header section whose lines end with CRLF, without folds, tabs and other
 * controls. */
typedef struct ss_plain {
  size_t n;                   /* octets, the blank line included */
  size_t lines;               /* that one included */
  size_t longest;             /* octets of the longest line */
  size_t end[SS_PLAIN_LINES]; /* where the CRLF of each line stands */
} ss_plain;
/* Looks for one where the text begins. False: it isn't one, or it isn't as it
 * usually is. */
bool ss_scan_plain(ss_str text, ss_plain *out);
/* How many there are (SS_CHAR_SEPARATOR). */
size_t ss_scan_separators(ss_str s);

/* Notes what is wrong; the first fault stays. `reason` is a literal. */
void ss_scan_fault(ss_scan *s, unsigned code, const char *reason);
void ss_scan_over(ss_scan *s, unsigned code, const char *reason);

/* Everything that is decided after the lines were split: mandatory headers,
 * numbers, the body, and the headers whose grammar decides about the message.
 * 0, or SS_ENOMEM; faults are noted. */
int ss_scan_check(ss_scan *s);

#endif
