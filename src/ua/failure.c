/* Names and texts of failures. */
#include "ua/failure.h"

#include "base/error.h"

const char *ss_failure_kind_name(ss_failure_kind kind) {
  static const char *const name[] = {
#define X(id, text) text,
      SS_FAILURE_KIND_MAP(X)
#undef X
  };
  return name[kind];
}

const char *ss_failure_reason_name(ss_failure_reason reason) {
  static const char *const name[] = {
#define X(id, api, text) api,
      SS_FAILURE_REASON_MAP(X)
#undef X
  };
  return name[reason];
}

const char *ss_failure_text(const ss_failure *f) {
  static const char *const text[] = {
#define X(id, api, sentence) sentence,
      SS_FAILURE_REASON_MAP(X)
#undef X
  };
  if (f->reason != SS_WHY_NONE)
    return text[f->reason];
  return f->rc ? ss_strerror(f->rc) : ss_failure_kind_name(f->kind);
}
