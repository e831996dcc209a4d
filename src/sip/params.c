/* Parameters and media types: RFC 3261 25.1 generic-param, m-type; RFC 2045
 * 5.1. Nothing is copied: escapes in quoted strings stay as they were
 * written. */
#include "sip/params.h"
#include "base/error.h"
#include "base/octets.h"
#include "sip/chars.h"
#include "sip/headers.h"

/* Header values have no line ends any more, but those in the parts of a
 * multipart body have. */
static bool is_space(char c) {
  return ss_char_is(c, SS_CHAR_SPACE) || c == '\r' || c == '\n';
}

static size_t skip_space(ss_str s, size_t i) {
  while (i < s.n && is_space(s.p[i]))
    i++;
  return i;
}

static bool ends_value(char c) {
  return is_space(c) || c == ';' || c == ',' || c == '"' || c == '<' ||
         c == '>';
}

/* Whether eight octets may hold one that ends a value: one below "-", or of
 * ";<=>". For some others it may say so too. */
static inline bool may_end(const char *p) {
  uint64_t x = ss_octets_word(p), below = (x - SS_EACH_OCTET('-')) & ~x;
  /* one more, and these four differ only in the lowest two bits */
  uint64_t y = (x & ~SS_HIGH_BITS) + SS_EACH_OCTET(1);
  y = (y & SS_EACH_OCTET(0xfc)) ^ SS_EACH_OCTET(0x3c);
  return (below | ((y - SS_EACH_OCTET(1)) & ~y)) & SS_HIGH_BITS;
}

size_t ss_quoted(ss_str s) {
  for (size_t i = 1; i < s.n; i++) {
    if (s.p[i] == '"')
      return i + 1;
    if (s.p[i] == '\\')
      i++;
  }
  return 0;
}

/* The value at i of a parameter; gives where it ends, or 0. */
static size_t value_at(ss_str s, size_t i, ss_str *value) {
  if (i < s.n && s.p[i] == '"') {
    size_t n = ss_quoted(ss_str_from(s, i));
    if (n == 0)
      return 0;
    *value = (ss_str){s.p + i + 1, n - 2};
    return i + n;
  }
  size_t start = i;
  while (s.n - i >= 8 && !may_end(s.p + i))
    i += 8;
  while (i < s.n && (ss_char_is(s.p[i], SS_CHAR_TOKEN) || !ends_value(s.p[i])))
    i++;
  *value = (ss_str){s.p + start, i - start};
  return i;
}

int ss_param_next(ss_str *rest, ss_param *out) {
  ss_str s = *rest;
  size_t i = skip_space(s, 0);
  if (i == s.n)
    return 0;
  if (s.p[i] != ';')
    return SS_ESYNTAX;
  i = skip_space(s, i + 1);
  size_t start = i;
  while (i < s.n && ss_char_is(s.p[i], SS_CHAR_TOKEN))
    i++;
  if (i == start)
    return SS_ESYNTAX;
  size_t end = i;
  ss_param param = {{s.p + start, 0}, {s.p + start, i - start}, SS_STR_NONE};
  i = skip_space(s, i);
  if (i < s.n && s.p[i] == '=') {
    end = i = value_at(s, skip_space(s, i + 1), &param.value);
    if (i == 0)
      return SS_ESYNTAX;
    i = skip_space(s, i);
  }
  if (i < s.n && s.p[i] != ';')
    return SS_ESYNTAX;
  param.text.n = end - start;
  *rest = ss_str_from(s, i);
  *out = param;
  return 1;
}

size_t ss_unquoted_chr(ss_str s, char c) {
  size_t i = 0;
  while (i < s.n && s.p[i] != c) {
    size_t n = 1;
    if (s.p[i] == '"' && (n = ss_quoted(ss_str_from(s, i))) == 0)
      return s.n;
    i += n;
  }
  return i;
}

bool ss_parameter(ss_str value, ss_str name, ss_str *out) {
  ss_str rest = ss_str_from(value, ss_unquoted_chr(value, ';'));
  ss_param param;
  while (ss_param_next(&rest, &param) > 0) {
    if (ss_str_ieq(param.name, name)) {
      *out = param.value;
      return true;
    }
  }
  return false;
}

void ss_media_type_split(ss_str media_type, ss_str *type, ss_str *subtype) {
  size_t slash = ss_str_chr(media_type, '/');
  *type = *subtype = SS_STR_NONE;
  if (slash == media_type.n)
    return;
  *type = ss_str_trim((ss_str){media_type.p, slash});
  *subtype = ss_str_trim(ss_str_from(media_type, slash + 1));
}

bool ss_media_type_eq(ss_str a, ss_str b) {
  ss_str type[2], subtype[2];
  if (ss_str_ieq(a, b))
    return true;
  ss_media_type_split(a, &type[0], &subtype[0]);
  ss_media_type_split(b, &type[1], &subtype[1]);
  return type[0].n && ss_str_ieq(type[0], type[1]) &&
         ss_str_ieq(subtype[0], subtype[1]);
}

ss_str ss_media_type(ss_str content_type) {
  if (ss_str_eq(content_type, SS_STR("application/sdp"))) /* the usual one */
    return content_type;
  ss_str s = {content_type.p, ss_unquoted_chr(content_type, ';')};
  ss_str type, subtype;
  ss_media_type_split(s, &type, &subtype);
  return ss_str_is_token(type) && ss_str_is_token(subtype) ? ss_str_trim(s)
                                                           : SS_STR_NONE;
}
