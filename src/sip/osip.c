/* libosip2 behind the arena. Its allocators are global to the process and can
 * be set only once: ours take from the arena of the call that is under way in
 * this thread, and from the C library when there is none (somebody else's
 * osip objects). What osip gets to read is short, free of controls, NUL and
 * "%00" (it would unescape that), and has no runs of spaces: it reads C
 * strings, walks lists from their start and rescans spaces. Only struct fields
 * are used, as accessors were renamed between its releases. Where osip
 * unescapes, our slices are cut from the original text, so that nobody sees
 * what a peer hid behind a "%0d". */
#include "sip/osip.h"
#include "base/error.h"
#include "sip/chars.h"
#include <osipparser2/headers/osip_via.h>
#include <osipparser2/osip_const.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <osipparser2/osip_uri.h>
#include <pthread.h>
#include <stdlib.h>

static _Thread_local ss_arena *arena_now;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *take(size_t n) {
  return arena_now ? ss_arena_alloc(arena_now, n) : malloc(n);
}

static void *grow(void *p, size_t n) {
  if (arena_now && (!p || ss_arena_owns(arena_now, p)))
    return ss_arena_grow(arena_now, p, n);
  return realloc(p, n);
}

static void give(void *p) {
  if (arena_now && ss_arena_owns(arena_now, p))
    return; /* freed with its message */
  free(p);
}

static void quiet(const char *file, int line, osip_trace_level_t level,
                  const char *format, va_list arguments) {
  (void)file;
  (void)line;
  (void)level;
  (void)format;
  (void)arguments;
}

static void set_up(void) {
  /* without a function osip prints every parse error to stdout */
  osip_trace_initialize_func(TRACE_LEVEL0, quiet);
  osip_set_allocators(take, grow, give);
  parser_init();
}

static void enter(ss_arena *arena) {
  pthread_once(&once, set_up);
  arena_now = arena;
}

static int leave(int osip_rc) {
  arena_now = NULL;
  if (osip_rc == OSIP_SUCCESS)
    return 0;
  return osip_rc == OSIP_NOMEM ? SS_ENOMEM : SS_ESYNTAX;
}

/* RFC 3261 25.1: 1*DIGIT; a port of 0 goes nowhere. NULL is none given. */
static int port_of(const char *text, uint16_t *out) {
  uint32_t port = 0;
  if (text && (ss_str_u32(ss_str_z(text), UINT16_MAX, &port) || port == 0))
    return SS_ESYNTAX;
  *out = (uint16_t)port;
  return 0;
}

static bool host_ok(ss_str host, bool brackets) {
  return host.n &&
         ss_chars_all(host, brackets ? SS_CHAR_ADDRESS : SS_CHAR_HOST);
}

/* Where the host of a SIP URI begins: behind the "@", if there is one, else
 * behind the scheme. */
static size_t host_start(ss_str text, size_t scheme_end) {
  size_t i = ss_str_chr(text, '@');
  return (i < text.n ? i : scheme_end) + 1;
}

/* A value that is there comes unescaped: what can't be one, or is empty, is
 * not let through. */
static int take_value(ss_str value, unsigned classes, const char *also,
                      ss_str *out) {
  if (value.n == 0)
    return SS_ESYNTAX;
  for (size_t i = 0; i < value.n; i++)
    if (!ss_char_is(value.p[i], classes) && !strchr(also, value.p[i]))
      return SS_ESYNTAX;
  *out = value;
  return 0;
}

static int take_params(osip_list_t *params, ss_uri *out) {
  osip_list_iterator_t it;
  osip_uri_param_t *param = osip_list_get_first(params, &it);
  int rc = 0;
  for (; rc == 0 && osip_list_iterator_has_elem(it);
       param = osip_list_get_next(&it)) {
    ss_str name = ss_str_z(param->gname);
    ss_str value = ss_str_z(param->gvalue);
    if (ss_str_ieq(name, SS_STR("lr")))
      out->lr = true;
    else if (ss_str_ieq(name, SS_STR("transport")))
      rc = take_value(value, SS_CHAR_TOKEN, "", &out->transport);
    else if (ss_str_ieq(name, SS_STR("maddr")))
      rc = take_value(value, SS_CHAR_HOST | SS_CHAR_ADDRESS, "[]", &out->maddr);
  }
  return rc;
}

static int fill_uri(osip_uri_t *u, ss_str text, size_t scheme_end,
                    ss_uri *out) {
  size_t start = host_start(text, scheme_end);
  ss_str host = ss_str_from(text, start);
  size_t n = 0;
  while (n < host.n && host.p[n] != ';' && host.p[n] != '?')
    n++;
  bool brackets = n && host.p[0] == '[';
  out->host = ss_str_z(u->host);
  if (!host_ok(out->host, brackets) || port_of(u->port, &out->port))
    return SS_ESYNTAX;
  /* nothing but the host and its port may stand there */
  size_t expect = out->host.n + (brackets ? 2 : 0);
  if (u->port)
    expect += 1 + strlen(u->port);
  if (n != expect)
    return SS_ESYNTAX;
  if (u->username) {
    ss_str user = {text.p + scheme_end + 1, start - scheme_end - 2};
    out->user = (ss_str){user.p, ss_str_chr(user, ':')};
  }
  return take_params(&u->url_params, out);
}

/* An escaped NUL (RFC 4475 3.1.1.4) would end osip's strings early; an escaped
 * control in its place is as unlike anything that is looked for. */
static void hide_nul(char *z) {
  while ((z = strstr(z, "%00")))
    z[2] = '1';
}

int ss_osip_uri(ss_arena *arena, ss_str text, ss_uri *out) {
  osip_uri_t *u;
  char *z = ss_arena_dup(arena, text);
  if (!z)
    return SS_ENOMEM;
  hide_nul(z);
  enter(arena);
  int rc = osip_uri_init(&u);
  if (rc == OSIP_SUCCESS)
    rc = osip_uri_parse(u, z);
  rc = leave(rc);
  if (rc == 0)
    rc = fill_uri(u, text, ss_str_chr(text, ':'), out);
  return rc;
}

/* A copy with no spaces round "/" and ":" (RFC 3261 25.1 SLASH, COLON), and
 * single ones elsewhere. */
static char *copy_tight(ss_arena *arena, ss_str s) {
  char *copy = ss_arena_alloc(arena, s.n + 1);
  if (!copy)
    return NULL;
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    char c = s.p[i], before = n ? copy[n - 1] : '/';
    bool joins = before == '/' || before == ':';
    if (ss_char_is(c, SS_CHAR_SPACE)) {
      if (joins || before == ' ')
        continue;
      c = ' ';
    } else if ((c == '/' || c == ':') && before == ' ') {
      n--;
    }
    copy[n++] = c;
  }
  if (n && copy[n - 1] == ' ')
    n--;
  copy[n] = '\0';
  return copy;
}

static int fill_via(const osip_via_t *via, const char *text, ss_via *out) {
  /* any version: a request of another one is to get its 505 */
  if (strncasecmp(text, "SIP/", 4) != 0 ||
      !ss_str_is_token(ss_str_z(via->version)))
    return SS_ESYNTAX;
  out->protocol = ss_str_z(via->protocol);
  out->host = ss_str_z(via->host);
  if (!ss_str_is_token(out->protocol))
    return SS_ESYNTAX;
  if (!host_ok(out->host, strchr(text, '[') != NULL))
    return SS_ESYNTAX;
  return port_of(via->port, &out->port);
}

int ss_osip_via(ss_arena *arena, ss_str text, ss_via *out) {
  osip_via_t *via;
  char *z = copy_tight(arena, text);
  if (!z)
    return SS_ENOMEM;
  enter(arena);
  int rc = osip_via_init(&via);
  if (rc == OSIP_SUCCESS)
    rc = osip_via_parse(via, z);
  rc = leave(rc);
  return rc ? rc : fill_via(via, z, out);
}
