/* Fuzz target: the stream framer. The same bytes at once and in pieces give
 * the same messages. The first two octets decide where the stream is cut. */
#include "fuzz.h"

#include "net/frame.h"

typedef struct piece {
  uint32_t random; /* of the sizes */
  size_t largest;
} piece;

static size_t piece_size(piece *p, size_t left) {
  p->random = p->random * 1664525 + 1013904223;
  size_t n = 1 + (p->random >> 16) % p->largest;
  return n < left ? n : left;
}

/* What came out: how many of what, and a checksum over the bytes. */
typedef struct outcome {
  size_t messages, pings;
  uint64_t sum;
  ss_frame_event last; /* SIZE, LENGTH, or MORE */
  bool partial;
} outcome;

static void add(outcome *o, ss_str text) {
  o->sum = o->sum * 31 + text.n;
  for (size_t i = 0; i < text.n; i++)
    o->sum = o->sum * 31 + (unsigned char)text.p[i];
}

static void drain(ss_frame *f, const ss_limits *limits, outcome *o) {
  for (;;) {
    ss_str text = SS_STR_NONE;
    ss_frame_event event = ss_frame_next(f, limits, &text);
    o->last = event;
    switch (event) {
    case SS_FRAME_MESSAGE:
      MUST(text.n && text.n <= limits->message_size);
      o->messages++;
      add(o, text);
      continue;
    case SS_FRAME_PING:
      o->pings++;
      continue;
    case SS_FRAME_LENGTH:
      add(o, text);
      return;
    case SS_FRAME_SIZE:
      MUST(text.n);
      return;
    case SS_FRAME_MORE:
      return;
    }
  }
}

static outcome run(ss_str bytes, piece *p, const ss_limits *limits) {
  outcome o = {.last = SS_FRAME_MORE};
  ss_frame f;
  ss_frame_init(&f);
  while (bytes.n && o.last == SS_FRAME_MORE) {
    size_t n = p ? piece_size(p, bytes.n) : bytes.n;
    char *copy = fuzz_buffer(n);
    memcpy(copy, bytes.p, n);
    MUST(ss_frame_feed(&f, copy, n) == 0);
    free(copy);
    drain(&f, limits, &o);
    bytes = (ss_str){bytes.p + n, bytes.n - n};
  }
  o.partial = o.last == SS_FRAME_MORE && ss_frame_partial(&f);
  ss_frame_free(&f);
  return o;
}

static void compare(ss_str bytes, piece p, const ss_limits *limits) {
  outcome whole = run(bytes, NULL, limits);
  outcome cut = run(bytes, &p, limits);
  MUST(whole.last == cut.last);
  MUST(whole.messages == cut.messages && whole.pings == cut.pings);
  MUST(whole.sum == cut.sum && whole.partial == cut.partial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t before = ss_alloc_alive();
  if (size < 2)
    return 0;
  ss_str bytes = {(const char *)data + 2, size - 2};
  ss_limits limits = fuzz_limits();
  compare(bytes, (piece){data[0], 1 + data[1]}, &limits);
  if (size < 600)
    compare(bytes, (piece){data[0], 1}, &limits);
  limits.message_size = 300;
  limits.header_size = 200;
  compare(bytes, (piece){data[0], 1 + data[1] % 32}, &limits);
  MUST(ss_alloc_alive() == before);
  return 0;
}
