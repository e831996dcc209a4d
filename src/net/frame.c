/* The stream framer (RFC 3261 18.3, 7.5; RFC 5626 4.4.1). A line ends at LF,
 * with or without CR before it; whoever parses the message judges that. Folded
 * and compact Content-Length fields are understood, no other header is. */
#include "net/frame.h"
#include "base/alloc.h"
#include "base/error.h"

#define FIRST_SIZE 2048

void ss_frame_init(ss_frame *f) {
  *f = (ss_frame){0};
}

void ss_frame_free(ss_frame *f) {
  ss_free(f->p);
  *f = (ss_frame){0};
}

/* Forgets what the last call handed out. */
static void drop_given(ss_frame *f) {
  f->at += f->given;
  f->given = 0;
}

int ss_frame_feed(ss_frame *f, const char *p, size_t n) {
  if (n == 0)
    return 0;
  drop_given(f);
  if (f->at) {
    memmove(f->p, f->p + f->at, f->n - f->at);
    f->n -= f->at;
    f->at = 0;
  }
  if (n > f->max - f->n) {
    size_t max = f->max ? f->max : FIRST_SIZE;
    char *q;
    while (max - f->n < n) {
      if (max > SIZE_MAX / 4)
        return SS_ENOMEM;
      max *= 2;
    }
    q = ss_realloc(f->p, max);
    if (!q)
      return SS_ENOMEM;
    f->p = q;
    f->max = max;
  }
  memcpy(f->p + f->n, p, n);
  f->n += n;
  return 0;
}

/* An idle connection keeps no large buffer. */
static void shrink(ss_frame *f) {
  if (f->at == f->n) {
    f->at = f->n = 0;
    if (f->max > FIRST_SIZE)
      ss_frame_free(f);
  }
}

/* What stands between messages; MESSAGE when one begins at f->at. */
static ss_frame_event skip_crlf(ss_frame *f) {
  while (f->at < f->n) {
    const char *p = f->p + f->at;
    size_t n = f->n - f->at;
    if (*p == '\n') {
      f->at++;
    } else if (*p != '\r') {
      return SS_FRAME_MESSAGE;
    } else if (n >= 4 && memcmp(p, "\r\n\r\n", 4) == 0) {
      f->at += 4;
      return SS_FRAME_PING;
    } else if (n < 4 && memcmp(p, "\r\n\r", n) == 0) {
      return SS_FRAME_MORE; /* may become a ping */
    } else {
      f->at++;
    }
  }
  shrink(f);
  return SS_FRAME_MORE;
}

/* Finds the blank line, going on where it stopped; sets head. */
static void find_head(ss_frame *f) {
  const char *p = f->p + f->at;
  size_t n = f->n - f->at;
  while (f->seen < n) {
    const char *lf = memchr(p + f->seen, '\n', n - f->seen);
    size_t i;
    if (!lf) {
      f->seen = n;
      return;
    }
    i = (size_t)(lf - p);
    f->seen = i + 1;
    if ((i >= 1 && p[i - 1] == '\n') ||
        (i >= 2 && p[i - 1] == '\r' && p[i - 2] == '\n')) {
      f->head = f->seen;
      return;
    }
  }
}

/* The next header line with its continuations, cut off *rest. */
static ss_str cut_line(ss_str *rest) {
  size_t i = 0;
  do {
    i += ss_str_chr((ss_str){rest->p + i, rest->n - i}, '\n');
    if (i < rest->n)
      i++;
  } while (i < rest->n && (rest->p[i] == ' ' || rest->p[i] == '\t'));
  ss_str line = {rest->p, i};
  *rest = (ss_str){rest->p + i, rest->n - i};
  return line;
}

/* The value of a Content-Length line, or p == NULL for any other line. */
static ss_str length_value(ss_str line) {
  size_t colon;
  ss_str name;
  if (line.n == 0 || !strchr("cClL", line.p[0]) || line.p[0] == '\0')
    return SS_STR_NONE;
  colon = ss_str_chr(line, ':');
  if (colon == line.n)
    return SS_STR_NONE;
  name = ss_str_trim((ss_str){line.p, colon});
  if (!ss_str_ieq(name, SS_STR("l")) &&
      !ss_str_ieq(name, SS_STR("content-length")))
    return SS_STR_NONE;
  return ss_str_trim((ss_str){line.p + colon + 1, line.n - colon - 1});
}

/* Reads Content-Length out of the header section: 0, SS_ESYNTAX when it is
 * missing, repeated or no number, SS_ELIMIT when it is over `max`. */
static int read_length(ss_str head, uint32_t max, uint32_t *length) {
  bool found = false;
  int rc = 0;
  cut_line(&head); /* the start line */
  while (head.n) {
    ss_str value = length_value(cut_line(&head));
    if (!value.p)
      continue;
    if (found)
      return SS_ESYNTAX;
    found = true;
    rc = ss_str_u32(value, max, length);
  }
  return found ? rc : SS_ESYNTAX;
}

/* The header section is complete: how long is the message? */
static ss_frame_event measure(ss_frame *f, const ss_limits *limits,
                              ss_str *out) {
  ss_str head = {f->p + f->at, f->head};
  size_t room = limits->message_size;
  uint32_t length = 0;
  int rc;
  *out = head;
  if (f->head > limits->header_size || f->head > room)
    return SS_FRAME_SIZE;
  room -= f->head;
  rc = read_length(head, room < UINT32_MAX ? (uint32_t)room : UINT32_MAX,
                   &length);
  if (rc != 0)
    return rc == SS_ELIMIT ? SS_FRAME_SIZE : SS_FRAME_LENGTH;
  f->need = f->head + length;
  return SS_FRAME_MESSAGE;
}

ss_frame_event ss_frame_next(ss_frame *f, const ss_limits *limits,
                             ss_str *out) {
  ss_frame_event event;
  drop_given(f);
  if (f->seen == 0) {
    event = skip_crlf(f);
    if (event != SS_FRAME_MESSAGE)
      return event;
  }
  if (f->head == 0) {
    find_head(f);
    if (f->head == 0) {
      *out = (ss_str){f->p + f->at, f->n - f->at};
      if (out->n <= limits->header_size && out->n <= limits->message_size)
        return SS_FRAME_MORE;
      return SS_FRAME_SIZE;
    }
    event = measure(f, limits, out);
    if (event != SS_FRAME_MESSAGE)
      return event;
  }
  if (f->n - f->at < f->need)
    return SS_FRAME_MORE;
  *out = (ss_str){f->p + f->at, f->need};
  f->given = f->need;
  f->seen = f->head = f->need = 0;
  return SS_FRAME_MESSAGE;
}

bool ss_frame_partial(const ss_frame *f) {
  size_t begin = f->at + f->given;
  return begin < f->n && f->p[begin] != '\r' && f->p[begin] != '\n';
}
