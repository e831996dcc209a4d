/* The scanner: one pass over a datagram or a framed message that splits it
 * into start line, header fields and body (RFC 3261 7), unfolds, counts
 * against the limits and refuses what isn't strict syntax. It is the shield in
 * front of everything else, libosip2 above all: controls, NUL, bare CR and LF
 * and overlong lists end here. Time is linear in the header section, and the
 * header section is bounded. What the fields mean is checked in check.c. */
#include "sip/scan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/octets.h"
#include "sip/chars.h"
#include "sip/parsed.h"

#define ARENA_MAX (256 * 1024) /* what one message's headers may take */
#define FIELDS_MAX 255         /* ss_field.next is an octet, 0 means none */

void ss_scan_fault(ss_scan *s, unsigned code, const char *reason) {
  if (s->m->fault)
    return;
  s->m->fault = (uint16_t)code;
  s->m->fault_reason = ss_str_z(reason);
}

void ss_scan_over(ss_scan *s, unsigned code, const char *reason) {
  if (!s->m->fault)
    s->m->over = true;
  ss_scan_fault(s, code, reason);
}

/* Where the header section ends and how many lines it has at most. */
typedef struct extent {
  size_t head; /* bytes, the blank line included */
  size_t lines;
  bool complete; /* the blank line was found */
  bool many;     /* there are more lines than anybody needs */
  bool rewrite;  /* it has folds or tabs */
} extent;

/* Hostile lines are short, and many: their ends are seen without a call. */
static inline size_t line_length(ss_str s) {
  size_t n = 0;
  for (; n < 32 && s.n - n >= 8; n += 8) {
    uint64_t found = ss_octets_find(ss_octets_word(s.p + n), '\n');
    if (found)
      return n + ss_octets_first(found);
  }
  return n + ss_str_chr(ss_str_from(s, n), '\n');
}

/* Lines, folded ones too, that are looked at; for each that may be a field. */
#define LINES_EACH 10

static extent measure(ss_str text, const ss_limits *limits) {
  extent e = {0};
  size_t max = limits->header_size, lines = limits->header_lines * LINES_EACH;
  size_t end = text.n < max ? text.n : max;
  while (e.head < end && !e.complete && !e.many) {
    const char *p = text.p + e.head;
    size_t n = line_length((ss_str){p, end - e.head});
    if (e.head + n == end)
      break;
    e.complete = n == 0 || (n == 1 && *p == '\r');
    e.rewrite |= ss_char_is(*p, SS_CHAR_SPACE);
    e.head += n + 1;
    e.many = ++e.lines > lines;
  }
  e.rewrite |= memchr(text.p, '\t', e.head) != NULL;
  return e;
}

/* The same for what is usual, without a look at each line. False: it isn't. */
static bool measure_plain(ss_str text, const ss_limits *limits, extent *e,
                          ss_plain *plain) {
  if (text.n > limits->header_size)
    text.n = limits->header_size;
  if (!ss_scan_plain(text, plain) || plain->lines > limits->header_lines)
    return false;
  /* mostly it is too short for so many */
  if (plain->longest > limits->header_separators ||
      plain->n > limits->all_separators) {
    size_t separators = ss_scan_separators((ss_str){text.p, plain->n});
    if (separators > limits->header_separators ||
        separators > limits->all_separators)
      return false;
  }
  *e = (extent){.head = plain->n, .lines = plain->lines, .complete = true};
  return true;
}

/* Turns folds (RFC 3261 7.3.1) and tabs into spaces, in place. */
static void unfold(char *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '\r' && n - i > 2 && p[i + 1] == '\n' &&
        ss_char_is(p[i + 2], SS_CHAR_SPACE)) {
      p[i] = p[i + 1] = ' ';
      i++;
    } else if (p[i] == '\t') {
      p[i] = ' ';
    }
  }
}

/* One block: the message, what is parsed of it, its fields, its text, and the
 * unfolded header section where that differs. */
static ss_message *allocate(ss_str text, const extent *e, size_t room) {
  size_t size = sizeof(ss_message) + sizeof(struct ss_parsed) +
                room * sizeof(ss_field) + text.n + (e->rewrite ? e->head : 0);
  ss_message *m = ss_realloc(NULL, size);
  if (!m)
    return NULL;
  memset(m, 0, sizeof(ss_message));
  m->refs = 1;
  m->parsed = (void *)(m + 1);
  ss_parsed_init(m->parsed);
  m->field = (void *)(m->parsed + 1);
  m->field[0] = (ss_field){0};
  m->fields = 1;
  char *copy = (char *)(m->field + room);
  memcpy(copy, text.p, text.n);
  m->text = (ss_str){copy, text.n};
  m->head = (ss_str){copy, e->head};
  if (e->rewrite) {
    char *work = copy + text.n;
    memcpy(work, text.p, e->head);
    unfold(work, e->head);
    m->head.p = work;
  }
  ss_arena_init(&m->arena, ARENA_MAX);
  return m;
}

/* "SIP/" 1*DIGIT "." 1*DIGIT */
static bool is_version(ss_str s) {
  if (s.n < 7 || !ss_str_ieq((ss_str){s.p, 4}, SS_STR("SIP/")))
    return false;
  ss_str number = ss_str_from(s, 4);
  size_t dot = ss_str_chr(number, '.');
  return dot > 0 && dot + 1 < number.n &&
         ss_chars_all((ss_str){number.p, dot}, SS_CHAR_DIGIT) &&
         ss_chars_all(ss_str_from(number, dot + 1), SS_CHAR_DIGIT);
}

/* RFC 3261 7.2: SIP-Version SP Status-Code SP Reason-Phrase */
static int status_line(ss_message *m, ss_str line) {
  uint32_t code;
  if (line.n < 11 || !ss_str_ieq((ss_str){line.p, 8}, SS_STR("SIP/2.0 ")) ||
      ss_str_u32((ss_str){line.p + 8, 3}, 699, &code) || code < 100 ||
      (line.n > 11 && line.p[11] != ' '))
    return SS_ESYNTAX;
  m->code = (uint16_t)code;
  m->reason = ss_str_trim(ss_str_from(line, 11));
  return 0;
}

/* RFC 3261 7.1: Method SP Request-URI SP SIP-Version. Spaces at the end are
 * passed over (RFC 4475 3.1.2.10). */
static int request_line(ss_scan *s, ss_str line) {
  ss_message *m = s->m;
  size_t first = ss_str_chr(line, ' '), last = line.n;
  bool usual = line.n > 8 && memcmp(line.p + line.n - 8, " SIP/2.0", 8) == 0;
  if (usual)
    last -= 7;
  while (last > 0 && line.p[last - 1] != ' ')
    last--;
  if (!usual && (last == 0 || !is_version(ss_str_from(line, last))))
    return SS_ESYNTAX; /* not SIP at all */
  m->is_request = true;
  m->method_text = (ss_str){line.p, first};
  m->method = ss_method_lookup(m->method_text);
  if (first + 1 < last)
    m->uri = (ss_str){line.p + first + 1, last - first - 2};
  if (!usual && !ss_str_ieq(ss_str_from(line, last), SS_STR("SIP/2.0")))
    ss_scan_fault(s, 505, "Version Not Supported");
  if (!m->method && !ss_str_is_token(m->method_text))
    ss_scan_fault(s, 400, "Bad Request: malformed method");
  if (m->uri.n == 0)
    ss_scan_fault(s, 400, "Bad Request: no Request-URI");
  if (m->uri.n > s->limits->uri_length)
    ss_scan_over(s, 414, "Request-URI Too Long");
  if (ss_str_chr(m->uri, ' ') < m->uri.n)
    ss_scan_fault(s, 400, "Bad Request: white space in Request-URI");
  return 0;
}

/* Counts the separators of a line; false: it has controls. */
static bool count(ss_scan *s, ss_str line) {
  size_t separators = 0;
  unsigned seen = 0;
  for (size_t i = 0; i < line.n; i++) {
    unsigned class = ss_chars[(uint8_t)line.p[i]];
    seen |= class;
    separators += class & SS_CHAR_SEPARATOR;
  }
  s->separators += separators;
  if (separators > s->limits->header_separators)
    ss_scan_over(s, 400, "Bad Request: too many elements in a header");
  if (s->separators > s->limits->all_separators)
    ss_scan_over(s, 400, "Bad Request: too many elements");
  return !(seen & SS_CHAR_CONTROL);
}

static void control(ss_scan *s) {
  ss_scan_fault(s, 400, "Bad Request: control character");
}

static int start_line(ss_scan *s, ss_str line) {
  bool clean = s->plain || count(s, line);
  if (!clean)
    control(s);
  while (line.n && line.p[line.n - 1] == ' ')
    line.n--;
  if (line.n < 4 || !ss_str_ieq((ss_str){line.p, 4}, SS_STR("SIP/")))
    return request_line(s, line);
  return clean ? status_line(s->m, line) : SS_ESYNTAX;
}

/* RFC 3261 7.1: what is round the Request-URI is SP. Tabs are spaces by now,
 * but not in the text. */
static void tabs_in_start_line(ss_scan *s) {
  ss_message *m = s->m;
  if (!m->uri.n)
    return;
  const char *sent = m->text.p + (m->uri.p - m->head.p);
  if (sent[-1] == '\t' || sent[m->uri.n] == '\t')
    ss_scan_fault(s, 400, "Bad Request: tab in the start line");
}

/* What every reply echoes (RFC 3261 8.2.6.2). */
static bool echoed(ss_field_id id) {
  return id == SS_FIELD_VIA || id == SS_FIELD_FROM || id == SS_FIELD_TO ||
         id == SS_FIELD_CALL_ID || id == SS_FIELD_CSEQ;
}

static void repeated(ss_scan *s, ss_field_id id) {
  switch (id) {
#define X(name, text, compact, single)                                         \
  case SS_FIELD_##name:                                                        \
    if (single)                                                                \
      ss_scan_fault(s, 400, "Bad Request: more than one " text);               \
    break;
    SS_FIELD_MAP(X)
#undef X
  default:
    break;
  }
}

static void add_field(ss_scan *s, ss_field_id id, ss_str name, ss_str value) {
  ss_message *m = s->m;
  bool full = m->fields == s->room;
  if (full)
    ss_scan_over(s, 400, "Bad Request: too many header fields");
  if (full || (m->over && !echoed(id))) {
    s->mute |= id == SS_FIELD_VIA; /* they are echoed all or not at all */
    return;
  }
  uint8_t index = m->fields++;
  m->field[index] = (ss_field){value, name.p, (uint32_t)name.n, (uint8_t)id, 0};
  if (m->first[id]) {
    m->field[s->last[id]].next = index;
    repeated(s, id);
  } else {
    m->first[id] = index;
  }
  s->last[id] = index;
}

/* RFC 3261 25.1: a quoted-pair may be any octet but CR and LF, NUL too (RFC
 * 4475 3.1.1.2). Only where the value is a name-addr, whose display name we
 * read ourselves. */
static bool may_escape(ss_field_id id) {
  return id == SS_FIELD_FROM || id == SS_FIELD_TO || id == SS_FIELD_CONTACT ||
         id == SS_FIELD_ROUTE || id == SS_FIELD_RECORD_ROUTE ||
         id == SS_FIELD_REFER_TO || id == SS_FIELD_REFERRED_BY;
}

/* Every control is escaped within a quoted string. */
static bool all_escaped(ss_str value) {
  bool quoted = false;
  for (size_t i = 0; i < value.n; i++) {
    char c = value.p[i];
    if (quoted && c == '\\' && i + 1 < value.n && value.p[i + 1] != '\r')
      i++;
    else if (c == '"')
      quoted = !quoted;
    else if (ss_char_is(c, SS_CHAR_CONTROL))
      return false;
  }
  return true;
}

/* Names are short: most have their colon within sixteen octets. */
static size_t find_colon(const ss_scan *s, ss_str line) {
  const char *end = s->m->head.p + s->m->head.n;
  size_t n = 0;
  for (; n < 16 && (size_t)(end - line.p) >= n + 8; n += 8) {
    uint64_t found = ss_octets_find(ss_octets_word(line.p + n), ':');
    if (found) {
      n += ss_octets_first(found);
      return n < line.n ? n : line.n;
    }
  }
  return n < line.n ? n + ss_str_chr(ss_str_from(line, n), ':') : line.n;
}

/* What isn't a name we know, up to the colon: a token, and white space. */
static bool other_name(ss_str *name, ss_field_id *id) {
  size_t n = name->n;
  while (name->n && name->p[name->n - 1] == ' ')
    name->n--;
  if (name->n < n)
    *id = ss_field_lookup(*name);
  return *id || ss_str_is_token(*name);
}

/* RFC 3261 7.3.1, 25.1 HCOLON: token, white space, ":", value. */
static void header_line(ss_scan *s, ss_str line) {
  size_t colon = find_colon(s, line);
  ss_str name = {line.p, colon};
  ss_field_id id = ss_field_lookup(name);
  if (colon == line.n || (!id && !other_name(&name, &id))) {
    ss_scan_fault(s, 400, "Bad Request: malformed header line");
    return;
  }
  ss_str value = ss_str_from(line, colon + 1);
  if (s->plain || count(s, value) || (may_escape(id) && all_escaped(value))) {
    add_field(s, id, name, ss_str_trim(value));
  } else {
    control(s); /* the reply goes without it, but not without a Via */
    s->mute |= id == SS_FIELD_VIA;
  }
}

/* Is a line of a field that every reply echoes? "Call-ID" is the longest name
 * of those. */
static bool is_echoed(ss_str line) {
  size_t n = 0;
  while (n < line.n && n < 8 && line.p[n] != ':' && line.p[n] != ' ')
    n++;
  return n < 8 && echoed(ss_field_lookup((ss_str){line.p, n}));
}

/* Is a line of no use any more? Behind the limit there may be thousands. */
static bool is_surplus(ss_scan *s, ss_str line) {
  if (++s->lines > s->limits->header_lines)
    ss_scan_over(s, 400, "Bad Request: too many header fields");
  return s->m->over && !is_echoed(line);
}

/* Splits the header section at the line ends that are known: at 0, or why it
 * isn't SIP. */
static int split_plain(ss_scan *s, const ss_plain *plain) {
  ss_str head = s->m->head;
  int rc = start_line(s, (ss_str){head.p, plain->end[0]});
  for (size_t i = 1; rc == 0 && i < plain->lines - 1; i++) {
    size_t start = plain->end[i - 1] + 2;
    header_line(s, (ss_str){head.p + start, plain->end[i] - start});
  }
  return rc;
}

/* Splits the header section at its line ends; 0, or why it isn't SIP. */
static int split(ss_scan *s) {
  ss_str rest = s->m->head;
  bool started = false;
  while (rest.n) {
    size_t n = line_length(rest);
    ss_str line = {rest.p, n};
    rest = ss_str_from(rest, n < rest.n ? n + 1 : n);
    if (line.n && line.p[line.n - 1] == '\r')
      line.n--;
    else
      ss_scan_fault(s, 400, "Bad Request: line not ended by CRLF");
    if (started) {
      if (line.n && !is_surplus(s, line))
        header_line(s, line);
      else if (s->m->over && !s->m->is_request)
        return SS_ELIMIT; /* nobody is to be answered */
      continue;
    }
    int rc = start_line(s, line);
    if (rc)
      return rc;
    tabs_in_start_line(s);
    started = true;
  }
  return started ? 0 : SS_ESYNTAX;
}

/* RFC 3261 7.5: empty lines before a message are skipped. */
static ss_str skip_lines(ss_str text) {
  while (text.n >= 2 && text.p[0] == '\r' && text.p[1] == '\n')
    text = ss_str_from(text, 2);
  return text;
}

static int scan(ss_scan *s, const extent *e, const ss_plain *plain) {
  if (s->cut)
    ss_scan_over(s, 413, "Request Entity Too Large");
  int rc = plain ? split_plain(s, plain) : split(s);
  if (rc)
    return rc;
  if (!e->complete && (e->many || s->m->text.n > s->limits->header_size))
    ss_scan_over(s, 400, "Bad Request: header section too long");
  if (!e->complete)
    ss_scan_fault(s, 400, "Bad Request: header section without an end");
  s->m->body = ss_str_from(s->m->text, e->head);
  rc = ss_scan_check(s);
  if (rc)
    return rc;
  /* RFC 3261 17.2.1: an ACK is never answered; 8.1.3: nor is a response */
  if (s->m->fault && (s->mute || !s->m->is_request || s->m->method == SS_ACK))
    return s->m->over ? SS_ELIMIT : SS_ESYNTAX;
  return 0;
}

int ss_message_new(ss_message **out, ss_str text, bool stream,
                   const ss_limits *limits) {
  ss_scan s = {.limits = limits, .stream = stream};
  text = skip_lines(text);
  if (text.n > limits->message_size) {
    s.cut = true;
    text.n = limits->message_size;
  }
  extent e;
  ss_plain plain;
  s.plain = !s.cut && measure_plain(text, limits, &e, &plain);
  if (!s.plain)
    e = measure(text, limits);
  if (e.lines < 2)
    return SS_ESYNTAX;
  /* every line but the first can be a field, and [0] is unused */
  s.room = e.lines < FIELDS_MAX ? e.lines : FIELDS_MAX;
  s.m = allocate(text, &e, s.room);
  if (!s.m)
    return SS_ENOMEM;
  s.m->clean = s.plain;
  int rc = scan(&s, &e, s.plain ? &plain : NULL);
  if (rc) {
    ss_message_unref(s.m);
    return rc;
  }
  *out = s.m;
  return 0;
}
