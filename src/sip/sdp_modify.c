/* What this side said last, said again: as the answer to a new offer, or as an
 * offer of its own (RFC 3264 8, 8.4). Streams, formats and directions that no
 * longer fit go; nothing is added. Formats are known by their numbers and
 * rtpmaps alone. */
#include "base/error.h"
#include "sip/chars.h"
#include "sip/sdp.h"
#include "sip/sdp_formats.h"
#include "sip/sdp_lines.h"

/* --- directions ---------------------------------------------------------- */

enum { SEND = 1, RECEIVE = 2 };

static const ss_str directions[] = {
    [0] = {"a=inactive", 10},
    [SEND] = {"a=sendonly", 10},
    [RECEIVE] = {"a=recvonly", 10},
    [SEND | RECEIVE] = {"a=sendrecv", 10},
};

static bool is_direction(ss_str line, unsigned *out) {
  line = ss_str_trim(line);
  for (unsigned i = 0; i < sizeof directions / sizeof *directions; i++) {
    if (ss_str_ieq(line, directions[i])) {
      *out = i;
      return true;
    }
  }
  return false;
}

/* The first one counts. */
static unsigned direction(ss_str part, unsigned otherwise) {
  ss_str line;
  unsigned found;
  while (ss_sdp_line(&part, &line) > 0)
    if (is_direction(line, &found))
      return found;
  return otherwise;
}

/* Is the connection address an unspecified one? */
static bool nowhere(ss_str part, bool otherwise) {
  ss_str line;
  while (ss_sdp_line(&part, &line) > 0) {
    if (line.p[0] == 'c') {
      ss_str words = ss_str_from(line, 2), address;
      ss_sdp_word(&words); /* nettype */
      ss_sdp_word(&words); /* addrtype */
      address = ss_sdp_word(&words);
      return ss_str_eq(address, SS_STR("0.0.0.0")) ||
             ss_str_eq(address, SS_STR("::"));
    }
  }
  return otherwise;
}

/* A description that has been checked: its session part, and each stream from
 * its m-line on. */
typedef struct description {
  ss_str session, stream[SS_SDP_STREAMS_MAX];
  size_t n;
  unsigned direction; /* for streams that don't say their own, as the next */
  bool nowhere;
} description;

static void split(ss_str sdp, description *out) {
  ss_str rest = sdp, from = sdp, line, *part = &out->session;
  out->n = 0;
  part->p = sdp.p;
  while (ss_sdp_line(&rest, &line) > 0) {
    if (line.p[0] == 'm') {
      part->n = (size_t)(from.p - part->p);
      part = &out->stream[out->n++];
      part->p = from.p;
    }
    from = rest;
  }
  part->n = (size_t)(sdp.p + sdp.n - part->p);
  out->direction = direction(out->session, SEND | RECEIVE);
  out->nowhere = nowhere(out->session, false);
}

static unsigned wish(const description *base, size_t i, bool held) {
  unsigned d = direction(base->stream[i], base->direction);
  return held ? d & ~(unsigned)RECEIVE : d;
}

/* What the other side does with a stream. The address 0.0.0.0 says that it
 * receives nothing (RFC 3264 8.4), but not with port 9: there it is ICE's, and
 * the candidates are to come (RFC 8829 5.2.1). */
static unsigned offered(const description *offer, size_t i) {
  ss_sdp_stream m;
  ss_str rest;
  unsigned d = direction(offer->stream[i], offer->direction);
  ss_sdp_stream_of(offer->stream[i], &m, &rest);
  if (m.port != 9 && nowhere(rest, offer->nowhere))
    d &= ~(unsigned)RECEIVE;
  return d;
}

/* RFC 3264 6.1: who sends where the other receives. */
static unsigned in_common(unsigned ours, unsigned theirs) {
  unsigned turned =
      (theirs & SEND ? RECEIVE : 0U) | (theirs & RECEIVE ? SEND : 0U);
  return ours & turned;
}

/* --- writing ------------------------------------------------------------- */

/* A stream with the formats that are kept (NULL: all) and a direction. */
static void put_stream(ss_buf *b, ss_str section, const ss_sdp_formats *kept,
                       unsigned d) {
  ss_sdp_stream m;
  ss_str rest, line = ss_sdp_stream_of(section, &m, &rest);
  unsigned old;
  if (kept) {
    line.n = (size_t)(m.formats.p - line.p);
    ss_buf_str(b, line);
    for (size_t i = 0; i < kept->n; i++) {
      if (i)
        ss_buf_char(b, ' ');
      ss_buf_str(b, kept->of[i].name);
    }
    ss_buf_lit(b, "\r\n");
  } else {
    ss_sdp_put(b, line);
  }
  while (ss_sdp_line(&rest, &line) > 0)
    if (!is_direction(line, &old) && !(kept && ss_sdp_is_of_others(line, kept)))
      ss_sdp_put(b, line);
  ss_sdp_put(b, directions[d]);
}

/* The o= line with another version. */
static void put_origin(ss_buf *b, ss_str line, uint64_t version) {
  ss_sdp_origin origin;
  if (ss_sdp_origin_find(line, &origin))
    return;
  ss_buf_str(b, origin.before);
  ss_buf_u64(b, version);
  ss_sdp_put(b, origin.after);
}

static bool is_time(ss_str line) {
  return line.p[0] == 't' || line.p[0] == 'r' || line.p[0] == 'z';
}

static void put_times(ss_buf *b, ss_str session) {
  ss_str line;
  while (ss_sdp_line(&session, &line) > 0)
    if (is_time(line))
      ss_sdp_put(b, line);
}

/* The a=mid of each stream that stays. */
typedef struct mids {
  ss_str of[SS_SDP_STREAMS_MAX];
  size_t n;
} mids;

static void add_mid(mids *m, ss_str section) {
  ss_str line;
  while (ss_sdp_line(&section, &line) > 0) {
    if (ss_str_starts(line, SS_STR("a=mid:"))) {
      m->of[m->n++] = ss_str_trim(ss_str_from(line, 6));
      return;
    }
  }
}

static bool is_mid(const mids *m, ss_str word) {
  for (size_t i = 0; i < m->n; i++)
    if (ss_str_eq(m->of[i], word))
      return true;
  return false;
}

/* a=group:<semantics> <mid> …: a refused stream is in none (RFC 8843
 * 7.3.3). */
static void put_group(ss_buf *b, ss_str line, const mids *kept) {
  ss_str words = line, word = ss_sdp_word(&words);
  bool any = false;
  ss_str semantics = word;
  while ((word = ss_sdp_word(&words)).n) {
    if (!is_mid(kept, word))
      continue;
    if (!any)
      ss_buf_str(b, semantics);
    any = true;
    ss_buf_char(b, ' ');
    ss_buf_str(b, word);
  }
  if (any)
    ss_buf_lit(b, "\r\n");
}

/* The session part of base, with the times of the offer (RFC 3264 6). */
static void put_session(ss_buf *b, ss_str session, ss_str offer,
                        const mids *kept, uint64_t version) {
  ss_str line;
  unsigned old;
  bool timed = false;
  while (ss_sdp_line(&session, &line) > 0) {
    if (line.p[0] == 'o') {
      put_origin(b, line, version);
    } else if (is_time(line)) {
      if (!timed)
        put_times(b, offer);
      timed = true;
    } else if (kept && ss_str_starts(line, SS_STR("a=group:"))) {
      put_group(b, line, kept);
    } else if (!is_direction(line, &old)) {
      ss_sdp_put(b, line);
    }
  }
}

/* --- the two ------------------------------------------------------------- */

/* Which streams stay; SS_EUNSUPPORTED: none, though both sides have a live one.
 * An offer that ends them all (RFC 3264 8.2) is as good as any. */
static int choose(const description *base, const description *offer, bool *stay,
                  mids *kept) {
  ss_sdp_stream m;
  ss_str rest;
  ss_sdp_formats formats;
  bool live = false, offered_one = false, any = false;
  for (size_t i = base->n; i < offer->n; i++) {
    ss_sdp_stream_of(offer->stream[i], &m, &rest);
    offered_one |= m.port != 0;
  }
  for (size_t i = 0; i < base->n; i++) {
    ss_sdp_stream_of(base->stream[i], &m, &rest);
    live |= m.port != 0;
    ss_sdp_stream_of(offer->stream[i], &m, &rest);
    offered_one |= m.port != 0;
    stay[i] = ss_sdp_formats_kept(base->stream[i], offer->stream[i], &formats);
    any |= stay[i];
    if (stay[i])
      add_mid(kept, base->stream[i]);
  }
  return live && offered_one && !any ? SS_EUNSUPPORTED : 0;
}

static void put_answer(ss_buf *b, const description *base,
                       const description *offer, const bool *stay, bool held) {
  ss_sdp_stream m;
  ss_str rest;
  ss_sdp_formats kept;
  for (size_t i = 0; i < offer->n; i++) {
    if (stay[i] &&
        ss_sdp_formats_kept(base->stream[i], offer->stream[i], &kept)) {
      put_stream(b, base->stream[i], &kept,
                 in_common(wish(base, i, held), offered(offer, i)));
    } else {
      ss_sdp_stream_of(offer->stream[i], &m, &rest);
      ss_sdp_put_refused(b, &m);
    }
  }
}

/* What was written must be a description: two that are can make one that is
 * over a limit. */
static int finish(const ss_buf *b, size_t start) {
  if (b->full)
    return SS_EFULL;
  return ss_sdp_check(ss_str_from(ss_buf_view(b), start)) ? SS_EUNSUPPORTED : 0;
}

int ss_sdp_reanswer(ss_buf *b, ss_str base, ss_str offer, bool held,
                    uint64_t version) {
  description ours, theirs;
  bool stay[SS_SDP_STREAMS_MAX] = {false};
  mids kept = {.n = 0};
  size_t start = b->n;
  int rc = ss_sdp_check(offer);
  if (rc)
    return rc;
  if (ss_sdp_check(base))
    return SS_EUNSUPPORTED;
  split(base, &ours);
  split(offer, &theirs);
  if (theirs.n < ours.n || choose(&ours, &theirs, stay, &kept))
    return SS_EUNSUPPORTED;
  put_session(b, ours.session, theirs.session, &kept, version);
  put_answer(b, &ours, &theirs, stay, held);
  return finish(b, start);
}

static int offer_again(ss_buf *b, ss_str base, uint64_t version) {
  ss_sdp_origin origin;
  if (ss_sdp_origin_find(base, &origin))
    return SS_EUNSUPPORTED;
  ss_buf_str(b, origin.before);
  ss_buf_u64(b, version);
  ss_buf_str(b, origin.after);
  return b->full ? SS_EFULL : 0;
}

int ss_sdp_reoffer(ss_buf *b, ss_str base, bool held, uint64_t version) {
  description ours;
  size_t start = b->n;
  if (!held)
    return offer_again(b, base, version);
  if (ss_sdp_check(base))
    return SS_EUNSUPPORTED;
  split(base, &ours);
  put_session(b, ours.session, ours.session, NULL, version);
  for (size_t i = 0; i < ours.n; i++)
    put_stream(b, ours.stream[i], NULL, wish(&ours, i, true));
  return finish(b, start);
}

int ss_sdp_extend(ss_buf *b, ss_str base, ss_str said) {
  description one, more;
  if (ss_sdp_check(base) || ss_sdp_check(said))
    return SS_EUNSUPPORTED;
  split(base, &one);
  split(said, &more);
  if (more.n <= one.n)
    return SS_ENOTFOUND;
  ss_buf_str(b, base);
  if (base.p[base.n - 1] != '\n')
    ss_buf_lit(b, "\r\n");
  ss_buf_str(b, ss_str_from(said, (size_t)(more.stream[one.n].p - said.p)));
  return b->full ? SS_EFULL : 0;
}
