/* Fuzz target: session descriptions. Two texts with a line "--" between them:
 * what this side said last, and what the other side offers. What is made of
 * them is a description, and one that answers the offer. */
#include "fuzz.h"

#include "sip/sdp.h"

static ss_addr address;

static size_t streams(ss_str sdp) {
  size_t n = 0;
  while (sdp.n) {
    ss_str line = fuzz_cut(&sdp, '\n');
    n += line.n > 1 && line.p[0] == 'm' && line.p[1] == '=';
  }
  return n;
}

/* An answer to an offer that is one. */
static void check_answer(ss_str offer, ss_str answer) {
  MUST(ss_sdp_check(offer) == 0);
  MUST(ss_sdp_check(answer) == 0);
  MUST(streams(answer) == streams(offer));
  MUST(ss_sdp_answers(offer, answer) == 0);
}

static void check_version(ss_str sdp, uint64_t expected) {
  uint64_t version;
  MUST(ss_sdp_version(sdp, &version) == 0);
  MUST(version == expected);
}

/* Into a buffer of that size: all of it or SS_EFULL. */
static void reanswer(ss_str base, ss_str offer, bool held, size_t size) {
  char *p = fuzz_buffer(size);
  ss_buf b = SS_BUF_ON(p, size);
  int rc = ss_sdp_reanswer(&b, base, offer, held, 7);
  if (rc == 0) {
    MUST(!b.full);
    check_answer(offer, ss_buf_view(&b));
    check_version(ss_buf_view(&b), 7);
  }
  free(p);
}

static void reoffer(ss_str base, bool held, size_t size) {
  char *p = fuzz_buffer(size);
  ss_buf b = SS_BUF_ON(p, size);
  int rc = ss_sdp_reoffer(&b, base, held, 8);
  if (rc == 0) {
    ss_str made = ss_buf_view(&b);
    MUST(!b.full);
    check_version(made, 8);
    MUST(streams(made) == streams(base));
    if (!held)
      MUST(ss_sdp_same(base, made));
    if (ss_sdp_check(base) == 0)
      MUST(ss_sdp_check(made) == 0);
  }
  free(p);
}

static void inactive(ss_str offer, size_t size) {
  char *p = fuzz_buffer(size);
  ss_buf b = SS_BUF_ON(p, size);
  int rc = ss_sdp_answer_inactive(&b, offer, &address, 9);
  if (rc == 0) {
    MUST(!b.full);
    check_answer(offer, ss_buf_view(&b));
  } else if (size > 4 * offer.n + 1024) {
    MUST(ss_sdp_check(offer) != 0);
  }
  free(p);
}

static void compare(ss_str base, ss_str offer) {
  uint64_t version;
  MUST(ss_sdp_same(base, base) && ss_sdp_same(offer, offer));
  MUST(ss_sdp_same(base, offer) == ss_sdp_same(offer, base));
  ss_sdp_version(base, &version);
  ss_sdp_answers(base, offer);
  if (ss_sdp_check(base) == 0)
    MUST(ss_sdp_answers(base, base) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const size_t sizes[] = {16384, 200, 30};
  size_t before = ss_alloc_alive();
  ss_str all = {(const char *)data, size}, base = all, offer = all;
  const char *cut = memmem(data, size, "\n--\n", 4);
  if (cut) {
    base.n = (size_t)(cut - all.p) + 1;
    offer = (ss_str){cut + 4, size - base.n - 3};
  }
  MUST(ss_addr_parse(&address, SS_STR("udp:10.0.0.1:4000")) == 0);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (int held = 0; held < 2; held++) {
      reanswer(base, offer, held, sizes[i]);
      reoffer(base, held, sizes[i]);
    }
    inactive(offer, sizes[i]);
  }
  compare(base, offer);
  MUST(ss_alloc_alive() == before);
  return 0;
}
