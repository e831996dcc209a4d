/* Cuts a byte stream into SIP messages (RFC 3261 18.3): the header section
 * ends at the first blank line, Content-Length (required, once, digits only)
 * says how long the body is. CRLFs between messages are skipped; a double CRLF
 * there is a keep-alive ping that wants a single CRLF back (RFC 5626 4.4.1).
 * No byte is searched twice, however the bytes arrive. Pure: no I/O. */
#ifndef SS_NET_FRAME_H
#define SS_NET_FRAME_H

#include "base/limits.h"
#include "base/str.h"

typedef struct ss_frame {
  char *p; /* what is buffered */
  size_t n, max;
  size_t at;    /* where the next message begins in it */
  size_t given; /* bytes there that were handed out by the last call */
  size_t seen;  /* bytes of the message that were looked at */
  size_t head;  /* length of its header section, 0: not complete */
  size_t need;  /* length of the whole message once head is known */
} ss_frame;

typedef enum ss_frame_event {
  SS_FRAME_MORE,    /* needs more bytes */
  SS_FRAME_MESSAGE, /* *out is a message; valid until the next call */
  SS_FRAME_PING,    /* CRLFCRLF between messages: answer CRLF */
  SS_FRAME_SIZE,    /* over a limit; *out is the header section or its start */
  SS_FRAME_LENGTH   /* bad Content-Length; *out is the header section */
} ss_frame_event;

void ss_frame_init(ss_frame *f);
void ss_frame_free(ss_frame *f);
/* Appends bytes: SS_ENOMEM. */
int ss_frame_feed(ss_frame *f, const char *p, size_t n);
/* The next thing in the buffer; call until SS_FRAME_MORE. After SIZE and
 * LENGTH the stream can't be used any more. */
ss_frame_event ss_frame_next(ss_frame *f, const ss_limits *limits, ss_str *out);
/* A message has begun and isn't complete. */
bool ss_frame_partial(const ss_frame *f);

#endif
