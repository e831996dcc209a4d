/* Classes of octets, by table (RFC 3261 25.1). Internal to sip/. */
#ifndef SS_SIP_CHARS_H
#define SS_SIP_CHARS_H

#include "base/str.h"

enum {
  SS_CHAR_SEPARATOR = 1, /* ; , & : what the limits count */
  SS_CHAR_CONTROL = 2,   /* 0-31 and 127 without HTAB */
  SS_CHAR_TOKEN = 4,
  SS_CHAR_DIGIT = 8,
  SS_CHAR_HOST = 16,    /* letters, digits, - . and _ */
  SS_CHAR_ADDRESS = 32, /* hex digits, : and . : inside [] */
  SS_CHAR_SPACE = 64,   /* SP and HTAB */
  SS_CHAR_PLAIN = 128   /* letters, digits, - . _ and + */
};

extern const uint8_t ss_chars[256];

static inline bool ss_char_is(char c, unsigned classes) {
  return ss_chars[(uint8_t)c] & classes;
}

/* Every octet belongs to one of these classes; true of the empty slice. */
static inline bool ss_chars_all(ss_str s, unsigned classes) {
  for (size_t i = 0; i < s.n; i++)
    if (!ss_char_is(s.p[i], classes))
      return false;
  return true;
}

/* Some octet is a control; sixteen at a time (octets.c). */
bool ss_chars_control(ss_str s);

static inline ss_str ss_str_from(ss_str s, size_t at) {
  return (ss_str){s.p + at, s.n - at};
}

#endif
