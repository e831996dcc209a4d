/* Reading a session description line by line (RFC 4566 5, 5.14). Internal to
 * sip/. */
#ifndef SS_SIP_SDP_LINES_H
#define SS_SIP_SDP_LINES_H

#include "base/buf.h"

#define SS_SDP_STREAMS_MAX 64
#define SS_SDP_LINES_MAX 2000

/* Cuts the next line off *rest, without its CRLF or LF (RFC 4566 5 asks
 * parsers to take either). 1, 0 at the end, SS_ESYNTAX: not "x=…", or an
 * octet in it that could start a line of its own; the next call gives the
 * line behind that one. */
int ss_sdp_line(ss_str *rest, ss_str *line);

/* Cuts the next word off *rest; empty at the end. */
ss_str ss_sdp_word(ss_str *rest);
size_t ss_sdp_words(ss_str line); /* how many behind "x=" */

/* m=<media> <port>[/<n>] <proto> <fmt> … */
typedef struct ss_sdp_stream {
  ss_str media, proto, formats;
  ss_str format; /* the first of the formats */
  uint32_t port;
} ss_sdp_stream;

/* 0 or SS_ESYNTAX. */
int ss_sdp_stream_parse(ss_str line, ss_sdp_stream *out);

/* The m-line that this part of a checked description begins with; *rest gets
 * the lines behind it. */
ss_str ss_sdp_stream_of(ss_str part, ss_sdp_stream *m, ss_str *rest);

/* The version in the o= line of a description, which may be invalid
 * otherwise, and all the text around it. SS_ESYNTAX: no o= line of six words
 * before the streams. */
typedef struct ss_sdp_origin {
  ss_str before, version, after;
} ss_sdp_origin;
int ss_sdp_origin_find(ss_str sdp, ss_sdp_origin *out);

void ss_sdp_put(ss_buf *b, ss_str line); /* with CRLF */
/* An m-line with the port 0 (RFC 3264 6). */
void ss_sdp_put_refused(ss_buf *b, const ss_sdp_stream *m);

#endif
