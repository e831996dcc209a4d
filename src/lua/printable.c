/* sip.printable: a message as a log may have it. Controls can't move a
 * terminal's cursor or make a line that nobody wrote, and credentials (RFC 3261
 * 20.7, 20.28, 20.6) stay out of it. Not to be parsed again. */
#include "base/str.h"
#include "lua/module.h"
#include <lauxlib.h>
#include <stdio.h>

/* Hidden but for the scheme: what is in them is parsed by nobody here, so that
 * no odd quoting shows a part of it. None has a compact form. */
static const ss_str secrets[] = {
    SS_STR("Authorization"), SS_STR("Proxy-Authorization"),
    SS_STR("Authentication-Info"), SS_STR("Proxy-Authentication-Info")};

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

static bool is_break(char c) {
  return c == '\r' || c == '\n';
}

/* The octets of the UTF-8 character at p that may be shown; 0: none may. C1
 * controls, and what isn't UTF-8 (RFC 3629 4), are as good as ESC to some. */
static size_t shown(const char *p, size_t n) {
  unsigned char c = (unsigned char)p[0];
  unsigned char d = n > 1 ? (unsigned char)p[1] : 0;
  size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4, i;

  if (c < 0x80)
    return c >= 0x20 && c != 0x7f;
  if (c < 0xc2 || c > 0xf4 || n < len || (c == 0xc2 && d < 0xa0) ||
      (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) ||
      (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f))
    return 0;
  for (i = 1; i < len; i++)
    if (((unsigned char)p[i] & 0xc0) != 0x80)
      return 0;
  return len;
}

static size_t add(luaL_Buffer *b, const char *p, size_t n) {
  size_t len = shown(p, n);
  char text[5];

  if (!len && n > 1 && p[0] == '\r' && p[1] == '\n')
    len = 2;
  if (len) {
    luaL_addlstring(b, p, len);
    return len;
  }
  snprintf(text, sizeof text, "\\x%02x", (unsigned char)*p);
  luaL_addlstring(b, text, 4);
  return 1;
}

/* How much of a line that begins here is the name of such a field, its colon
 * and its scheme; 0: it is another. */
static size_t secret(const char *p, size_t n) {
  size_t i, k;

  for (k = 0; k < sizeof secrets / sizeof *secrets; k++) {
    i = secrets[k].n;
    if (n <= i || !ss_str_ieq((ss_str){p, i}, secrets[k]))
      continue;
    while (i < n && (is_space(p[i]) || (p[i] < ' ' && !is_break(p[i]))))
      i++;
    if (i == n || p[i] != ':')
      continue;
    for (i++; i < n && is_space(p[i]);)
      i++;
    if (n - i > 6 && ss_str_ieq((ss_str){p + i, 6}, SS_STR("Digest")) &&
        is_space(p[i + 6]))
      i += 7;
    return i;
  }
  return 0;
}

/* Where the field goes on: a fold continues it (RFC 3261 7.3.1). */
static size_t field_end(const char *p, size_t n) {
  size_t i = 0, next;

  for (;;) {
    while (i < n && !is_break(p[i]))
      i++;
    next = i + (n - i > 1 && p[i] == '\r' && p[i + 1] == '\n' ? 2 : 1);
    if (i >= n || next >= n || !is_space(p[next]))
      return i;
    i = next;
  }
}

int lss_printable_text(lua_State *L) {
  size_t n, i = 0, to;
  const char *p = luaL_checklstring(L, 1, &n);
  bool start = true;
  luaL_Buffer b;

  luaL_buffinit(L, &b);
  while (i < n) {
    to = start ? i + secret(p + i, n - i) : i;
    if (to > i) {
      while (i < to)
        i += add(&b, p + i, to - i);
      luaL_addstring(&b, "(hidden)");
      i += field_end(p + i, n - i);
      start = false;
      continue;
    }
    start = is_break(p[i]);
    i += add(&b, p + i, n - i);
  }
  luaL_pushresult(&b);
  return 1;
}
