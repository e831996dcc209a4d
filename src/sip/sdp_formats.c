/* Which formats of a stream are still there when it is offered anew: those
 * with the same number that mean the same by their rtpmaps (RFC 3264 6.1,
 * 8.3.2). What a format is isn't known here. */
#include "sip/sdp_formats.h"
#include "sip/chars.h"

/* The index of a format; f->n: it isn't there. */
static size_t format_find(const ss_sdp_formats *f, ss_str name) {
  size_t i = 0;
  while (i < f->n && !ss_str_eq(f->of[i].name, name))
    i++;
  return i;
}

/* "a=<name>:<format> <value>": cuts format and value out of it. */
static bool is_attribute(ss_str line, ss_str name, ss_str *format,
                         ss_str *value) {
  if (!ss_str_starts(line, name))
    return false;
  *value = ss_str_from(line, name.n);
  *format = ss_sdp_word(value);
  return true;
}

static void read_formats(ss_str section, ss_sdp_formats *out) {
  ss_sdp_stream m;
  ss_str rest, line, format, value;
  ss_sdp_stream_of(section, &m, &rest);
  out->n = 0;
  while (out->n < SS_SDP_FORMATS_MAX && (format = ss_sdp_word(&m.formats)).n) {
    out->of[out->n].name = format;
    out->of[out->n++].map = SS_STR_NONE;
  }
  while (ss_sdp_line(&rest, &line) > 0) {
    if (!is_attribute(line, SS_STR("a=rtpmap:"), &format, &value))
      continue;
    size_t i = format_find(out, format);
    if (i < out->n && !out->of[i].map.n)
      out->of[i].map = ss_sdp_word(&value);
  }
}

/* <encoding>/<clock rate>[/<parameters>], where the parameters of audio are
 * the channels, 1 where they aren't given (RFC 4566 6). */
static ss_str without_mono(ss_str map) {
  size_t clock = ss_str_chr(map, '/') + 1;
  if (clock >= map.n)
    return map;
  size_t end = clock + ss_str_chr(ss_str_from(map, clock), '/');
  if (end < map.n && ss_str_eq(ss_str_from(map, end), SS_STR("/1")))
    map.n = end;
  return map;
}

static bool same_map(ss_str a, ss_str b) {
  return !a.n || !b.n || ss_str_ieq(without_mono(a), without_mono(b));
}

/* Leaves in `ours` those that are still offered; false: none is. */
static bool keep_offered(ss_sdp_formats *ours, const ss_sdp_formats *theirs) {
  size_t n = 0;
  for (size_t i = 0; i < ours->n; i++) {
    size_t k = format_find(theirs, ours->of[i].name);
    if (k < theirs->n && same_map(ours->of[i].map, theirs->of[k].map))
      ours->of[n++] = ours->of[i];
  }
  ours->n = n;
  return n > 0;
}

bool ss_sdp_formats_kept(ss_str ours, ss_str theirs, ss_sdp_formats *kept) {
  ss_sdp_stream one, other;
  ss_str rest;
  ss_sdp_formats wanted;
  ss_sdp_stream_of(ours, &one, &rest);
  ss_sdp_stream_of(theirs, &other, &rest);
  if (!one.port || !other.port || !ss_str_ieq(one.media, other.media) ||
      !ss_str_ieq(one.proto, other.proto))
    return false;
  read_formats(ours, kept);
  read_formats(theirs, &wanted);
  return keep_offered(kept, &wanted);
}

bool ss_sdp_is_of_others(ss_str line, const ss_sdp_formats *kept) {
  static const ss_str names[] = {{"a=rtpmap:", 9},
                                 {"a=fmtp:", 7},
                                 {"a=rtcp-fb:", 10},
                                 {"a=imageattr:", 12}};
  ss_str format, value;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_attribute(line, names[i], &format, &value))
      return !ss_str_eq(format, SS_STR("*")) &&
             format_find(kept, format) == kept->n;
  return false;
}
