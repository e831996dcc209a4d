/* The texts of error codes: the library's own, and the system's for the
 * negative errno values that pass through. Thread-safe, never translated. */
#include "base/error.h"
#include <limits.h>
#include <string.h>

/* libuv's end of file (UV_EOF) is the one code of its own that passes. */
enum { END_OF_FILE = -4095 };

const char *ss_strerror(int rc) {
  const char *text;
  switch (rc) {
  case 0:
    return "no error";
  case END_OF_FILE:
    return "end of file";
  case SS_ENOMEM: /* in Lua's words */
    return "not enough memory";
#define X(name, code, text)                                                    \
  case code:                                                                   \
    return text;
    SS_ERROR_MAP(X)
#undef X
  default:
    text = rc < 0 && rc > INT_MIN ? strerrordesc_np(-rc) : NULL;
    return text ? text : "unknown error";
  }
}
