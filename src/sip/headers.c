/* Values of headers, parsed when somebody asks and kept: name-addr, URIs, the
 * topmost Via (RFC 3261 19.1, 20.10, 20.42, 25.1). The display name, the angle
 * brackets and the header parameters are read here, since libosip2 refuses
 * white space and UTF-8 that the RFC allows there; URIs and sent-by go through
 * it (osip.c). Nothing is checked against other headers. */
#include "sip/headers.h"
#include "base/error.h"
#include "sip/chars.h"
#include "sip/osip.h"
#include "sip/params.h"
#include "sip/parsed.h"

/* A name or IPv4 address at i, and perhaps a port: gives where that ends, or
 * 0. */
static size_t plain_host(ss_str s, size_t i, ss_str *host, uint16_t *port) {
  size_t start = i;
  uint32_t number = 0;
  while (i < s.n && ss_char_is(s.p[i], SS_CHAR_HOST))
    i++;
  if (i == start)
    return 0;
  *host = (ss_str){s.p + start, i - start};
  if (i < s.n && s.p[i] == ':') {
    size_t digits = ++i;
    for (; i < s.n && i - digits < 5 && ss_char_is(s.p[i], SS_CHAR_DIGIT); i++)
      number = number * 10 + (uint32_t)(s.p[i] - '0');
    if (!number || number > UINT16_MAX)
      return 0;
  }
  *port = (uint16_t)number;
  return i;
}

/* What most URIs are: "sip:", a user of letters, digits and few signs, a name
 * or IPv4 address, perhaps a port; nothing escaped, no parameters. Of such a
 * one libosip2 says the same. Gives where it ends, for the caller to see what
 * stands there; 0: it isn't one. */
static size_t plain_uri(ss_str s, ss_uri *out) {
  ss_str user = SS_STR_NONE, host;
  uint16_t port;
  size_t i = 4;
  if (s.n < 5 || memcmp(s.p, "sip:", 4) != 0)
    return 0;
  while (i < s.n && ss_char_is(s.p[i], SS_CHAR_PLAIN))
    i++;
  if (i > 4 && i < s.n && s.p[i] == '@')
    user = (ss_str){s.p + 4, i++ - 4};
  else
    i = 4;
  i = plain_host(s, i, &host, &port);
  if (i)
    *out = (ss_uri){.text = {s.p, i},
                    .scheme = {"sip", 3},
                    .user = user,
                    .host = host,
                    .port = port,
                    .sip = true};
  return i;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool scheme_ok(ss_str s) {
  if (s.n == 0 || ((s.p[0] | 0x20) < 'a' || (s.p[0] | 0x20) > 'z'))
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!ss_char_is(s.p[i], SS_CHAR_TOKEN) || strchr("!%*_`'~", s.p[i]))
      return false;
  return true;
}

static int lower(ss_arena *arena, ss_str s, ss_str *out) {
  char *copy = ss_arena_dup(arena, s);
  if (!copy)
    return SS_ENOMEM;
  for (size_t i = 0; i < s.n; i++)
    if (copy[i] >= 'A' && copy[i] <= 'Z')
      copy[i] |= 0x20;
  *out = (ss_str){copy, s.n};
  return 0;
}

static int set_scheme(ss_arena *arena, ss_str s, ss_uri *uri) {
  static const ss_str known[] = {
      {"sip", 3}, {"sips", 4}, {"tel", 3}}; /* the SIP ones first */
  if (!scheme_ok(s))
    return SS_ESYNTAX;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (ss_str_ieq(s, known[i])) {
      uri->scheme = known[i];
      uri->sip = i < 2;
      return 0;
    }
  }
  return lower(arena, s, &uri->scheme);
}

/* Without the octets that stand in no URI. */
static bool uri_clean(ss_str s) {
  for (size_t i = 0; i < s.n; i++)
    if (ss_char_is(s.p[i], SS_CHAR_CONTROL | SS_CHAR_SPACE) || s.p[i] == '<' ||
        s.p[i] == '>' || s.p[i] == '"')
      return false;
  return true;
}

int ss_uri_parse(ss_arena *arena, ss_str text, ss_uri *out) {
  size_t plain = plain_uri(text, out);
  if (plain && plain == text.n)
    return 0;
  ss_uri uri = {.text = text};
  size_t colon = ss_str_chr(text, ':');
  if (colon == text.n || colon + 1 == text.n || !uri_clean(text))
    return SS_ESYNTAX;
  int rc = set_scheme(arena, (ss_str){text.p, colon}, &uri);
  if (rc)
    return rc;
  if (uri.sip) {
    rc = ss_osip_uri(arena, text, &uri);
    if (rc)
      return rc;
  } else if (ss_str_eq(uri.scheme, SS_STR("tel"))) {
    /* RFC 3966 3: the number ends where its parameters begin */
    ss_str number = ss_str_from(text, colon + 1);
    uri.host = (ss_str){number.p, ss_str_chr(number, ';')};
    if (uri.host.n == 0)
      return SS_ESYNTAX;
  }
  *out = uri;
  return 0;
}

ss_str ss_uri_bare(const ss_uri *uri) {
  size_t at = ss_str_chr(uri->text, '@');
  if (!uri->sip)
    return uri->text;
  if (at == uri->text.n)
    at = 0;
  at += ss_str_chr(ss_str_from(uri->text, at), '?');
  return (ss_str){uri->text.p, at};
}

bool ss_uri_has_headers(const ss_uri *uri) {
  return ss_str_chr(uri->text, '?') < uri->text.n &&
         ss_uri_bare(uri).n < uri->text.n;
}

int ss_unquote(ss_arena *arena, ss_str s, ss_str *out) {
  size_t i = ss_str_chr(s, '\\');
  if (i == s.n) {
    *out = s;
    return 0;
  }
  char *copy = ss_arena_alloc(arena, s.n);
  if (!copy)
    return SS_ENOMEM;
  memcpy(copy, s.p, i);
  size_t n = i;
  for (; i < s.n; i++) {
    if (s.p[i] == '\\' && i + 1 < s.n)
      i++;
    copy[n++] = s.p[i];
  }
  *out = (ss_str){copy, n};
  return 0;
}

/* Cuts the display name off *rest, which then begins with "<", or is an
 * addr-spec. Unquoted names may be any text here: what RFC 3261 allows are
 * tokens, but commas and UTF-8 are seen (RFC 4475 3.1.2.15). */
static int display_name(ss_arena *arena, ss_str *rest, ss_str *display) {
  ss_str s = *rest;
  size_t n = 0;
  if (s.n && s.p[0] == '"') {
    n = ss_quoted(s);
    if (n == 0)
      return SS_ESYNTAX;
    int rc = ss_unquote(arena, (ss_str){s.p + 1, n - 2}, display);
    if (rc)
      return rc;
    *rest = ss_str_trim(ss_str_from(s, n));
    return rest->n && rest->p[0] == '<' ? 0 : SS_ESYNTAX;
  }
  n = ss_str_chr(s, '<');
  if (n == s.n)
    return 0;
  *display = ss_str_trim((ss_str){s.p, n});
  *rest = ss_str_from(s, n);
  return ss_chars_control(*display) || ss_str_chr(*display, '"') < display->n
             ? SS_ESYNTAX
             : 0;
}

/* Cuts the URI off *rest, which then holds the header parameters. */
static int addr_spec(ss_str *rest, ss_str *uri) {
  ss_str s = *rest;
  if (s.n && s.p[0] == '<') {
    size_t end = ss_str_chr(s, '>');
    if (end == s.n)
      return SS_ESYNTAX;
    *uri = (ss_str){s.p + 1, end - 1};
    *rest = ss_str_from(s, end + 1);
    return 0;
  }
  /* RFC 3261 20.10: without brackets what follows ";" belongs to the header,
   * and a URI with "?" or "," must have them */
  size_t end = ss_str_chr(s, ';');
  *uri = ss_str_trim((ss_str){s.p, end});
  *rest = ss_str_from(s, end);
  if (ss_str_chr(*uri, '?') < uri->n || ss_str_chr(*uri, ',') < uri->n)
    return SS_ESYNTAX;
  return 0;
}

/* The tag of a From or To. NULL: it is another header, where a parameter of
 * that name is one like any other (RFC 3261 25.1 contact-extension). */
static int find_tag(ss_str params, ss_str *tag) {
  ss_param param;
  int rc;
  while ((rc = ss_param_next(&params, &param)) > 0) {
    if (!tag || !ss_str_ieq(param.name, SS_STR("tag")))
      continue;
    if (tag->n || param.value.n == 0 || param.value.p[-1] == '"')
      return SS_ESYNTAX;
    *tag = param.value;
  }
  return rc;
}

/* What most are: a plain URI, in brackets behind a display name of tokens or
 * of quoted text without escapes, or bare. Without controls. As plain_uri;
 * *params: what follows. */
static bool plain_name_addr(ss_str s, ss_name_addr *out, ss_str *params) {
  ss_str display;
  size_t i = 0;
  if (s.n && s.p[0] == '"') {
    for (i = 1; i < s.n && s.p[i] != '"' && s.p[i] != '\\'; i++) {
    }
    if (i == s.n || s.p[i] == '\\')
      return false;
    display = (ss_str){s.p + 1, i - 1};
    for (i++; i < s.n && s.p[i] == ' '; i++) {
    }
  } else {
    while (i < s.n && ss_char_is(s.p[i], SS_CHAR_TOKEN | SS_CHAR_SPACE))
      i++;
    display = ss_str_trim((ss_str){s.p, i});
  }
  bool bare = i == 3 && s.n > 3 && s.p[3] == ':';
  if (!bare && (i == s.n || s.p[i] != '<'))
    return false;
  i = bare ? 0 : i + 1;
  ss_str rest = ss_str_from(s, i);
  size_t n = plain_uri(rest, &out->uri);
  if (!n ||
      (bare ? n < rest.n && rest.p[n] != ';' : n == rest.n || rest.p[n] != '>'))
    return false;
  out->display = bare ? SS_STR_NONE : display;
  out->tag = SS_STR_NONE;
  *params = ss_str_from(rest, bare ? n : n + 1);
  return true;
}

/* clean: it has no controls. tag: that of *out where it is a From or To, else
 * NULL. */
static int parse_name_addr(ss_arena *arena, ss_str text, bool clean,
                           ss_name_addr *out, ss_str *tag) {
  ss_str rest = ss_str_trim(text), uri;
  if (clean && plain_name_addr(rest, out, &uri))
    return find_tag(uri, tag);
  ss_name_addr found = {0};
  int rc = display_name(arena, &rest, &found.display);
  /* a quoted display name may have them escaped: the scanner has looked */
  if (rc == 0 && !clean && ss_chars_control(rest))
    return SS_ESYNTAX;
  if (rc == 0)
    rc = addr_spec(&rest, &uri);
  if (rc == 0)
    rc = ss_uri_parse(arena, uri, &found.uri);
  if (rc)
    return rc;
  *out = found;
  return find_tag(rest, tag);
}

int ss_name_addr_parse(ss_arena *arena, ss_str text, ss_name_addr *out) {
  return parse_name_addr(arena, text, !ss_chars_control(text), out, NULL);
}

static int parse_party(ss_message *m, ss_field_id id,
                       ss_parsed_name_addr *kept) {
  const ss_field *f = ss_message_field(m, id);
  if (!f)
    return SS_ENOTFOUND;
  ss_str value = f->value, *tag = &kept->value.tag;
  /* only Contact is a list; a comma elsewhere is part of the value */
  if (id == SS_FIELD_CONTACT) {
    ss_elements e = ss_message_elements(m, id);
    if (!ss_elements_next(&e, &value))
      value = SS_STR_NONE;
    tag = NULL;
  }
  kept->rc = parse_name_addr(&m->arena, value, m->clean, &kept->value, tag);
  kept->done = kept->rc != SS_ENOMEM;
  return kept->rc;
}

static inline int parse_once(ss_message *m, ss_field_id id,
                             ss_parsed_name_addr *kept,
                             const ss_name_addr **out) {
  int rc = kept->done ? kept->rc : parse_party(m, id, kept);
  if (rc == 0)
    *out = &kept->value;
  return rc;
}

int ss_message_from(ss_message *m, const ss_name_addr **out) {
  return parse_once(m, SS_FIELD_FROM, &m->parsed->from, out);
}

int ss_message_to(ss_message *m, const ss_name_addr **out) {
  return parse_once(m, SS_FIELD_TO, &m->parsed->to, out);
}

bool ss_message_has_to_tag(ss_message *m) {
  const ss_name_addr *to;
  return !ss_message_to(m, &to) && to->tag.n;
}

int ss_message_contact(ss_message *m, const ss_name_addr **out) {
  return parse_once(m, SS_FIELD_CONTACT, &m->parsed->contact, out);
}

int ss_message_request_uri(ss_message *m, const ss_uri **out) {
  struct ss_parsed *parsed = m->parsed;
  if (!m->is_request)
    return SS_ENOTFOUND;
  if (!parsed->request_uri.done) {
    parsed->request_uri.rc =
        ss_uri_parse(&m->arena, m->uri, &parsed->request_uri.value);
    parsed->request_uri.done = parsed->request_uri.rc != SS_ENOMEM;
  }
  if (parsed->request_uri.rc == 0)
    *out = &parsed->request_uri.value;
  return parsed->request_uri.rc;
}

ss_str ss_top_via(const ss_message *m) {
  ss_str *kept = &m->parsed->via.text;
  const ss_field *f = ss_message_field(m, SS_FIELD_VIA);
  if (f && !kept->p) {
    ss_str rest = *kept = f->value;
    if (ss_str_chr(rest, ',') < rest.n)
      ss_str_element(&rest, kept);
  }
  return *kept;
}

/* What most are: "SIP/2.0/UDP", a name or IPv4 address, perhaps a port, up to
 * the parameters. As plain_uri. */
static size_t plain_sent_by(ss_str s, ss_via *via) {
  size_t i = 8;
  if (s.n < 13 || memcmp(s.p, "SIP/2.0/", 8) != 0)
    return 0;
  while (i < s.n && ss_char_is(s.p[i], SS_CHAR_TOKEN))
    i++;
  if (i == 8 || i == s.n || s.p[i] != ' ')
    return 0;
  via->protocol = (ss_str){s.p + 8, i - 8};
  i = plain_host(s, i + 1, &via->host, &via->port);
  return i == s.n || s.p[i] == ';' ? i : 0;
}

static int via_params(ss_str params, ss_via *via) {
  ss_param param;
  int rc;
  while ((rc = ss_param_next(&params, &param)) > 0) {
    if (ss_str_ieq(param.name, SS_STR("branch"))) {
      if (via->branch.n || param.value.n == 0)
        return SS_ESYNTAX;
      via->branch = param.value;
    } else if (ss_str_ieq(param.name, SS_STR("maddr"))) {
      via->maddr = param.value;
    } else if (ss_str_ieq(param.name, SS_STR("rport"))) {
      via->rport = true;
    } else if (ss_str_ieq(param.name, SS_STR("received"))) {
      via->received = true;
    }
  }
  return rc;
}

static int parse_via(ss_message *m) {
  ss_via *via = &m->parsed->via.value;
  ss_str value = ss_top_via(m);
  if (value.n == 0)
    return SS_ESYNTAX;
  /* RFC 2543 6.40 allowed a comment at the end; RFC 3261 25.1: in quotes a "("
   * begins none */
  if (ss_str_chr(value, '(') < value.n)
    value.n = ss_unquoted_chr(value, '(');
  size_t end = plain_sent_by(value, via);
  if (!end) {
    *via = (ss_via){0};
    end = ss_str_chr(value, ';');
    int rc = ss_osip_via(&m->arena, (ss_str){value.p, end}, via);
    if (rc)
      return rc;
  }
  m->parsed->via.usable = true;
  return via_params(ss_str_from(value, end), via);
}

int ss_message_via(ss_message *m, const ss_via **out) {
  struct ss_parsed *parsed = m->parsed;
  if (!ss_message_field(m, SS_FIELD_VIA))
    return SS_ENOTFOUND;
  if (!parsed->via.done) {
    parsed->via.rc = parse_via(m);
    parsed->via.done = parsed->via.rc != SS_ENOMEM;
  }
  if (parsed->via.rc == 0)
    *out = &parsed->via.value;
  return parsed->via.rc;
}
