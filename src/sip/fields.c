/* Header fields of a script's making, kept as the lines they become. This is
 * where header injection ends (CWE-113): no octet that could end a line, and
 * no field that the stack answers for, gets in. Values are not parsed. */
#include "sip/fields.h"
#include "base/alloc.h"
#include "base/error.h"
#include "sip/chars.h"

#define BIT(id) (UINT64_C(1) << (id))

_Static_assert(SS_FIELD_COUNT <= 64, "ss_fields.given has a bit for each");

static const uint64_t owned =
    BIT(SS_FIELD_VIA) | BIT(SS_FIELD_FROM) | BIT(SS_FIELD_TO) |
    BIT(SS_FIELD_CALL_ID) | BIT(SS_FIELD_CSEQ) | BIT(SS_FIELD_CONTACT) |
    BIT(SS_FIELD_MAX_FORWARDS) | BIT(SS_FIELD_ROUTE) |
    BIT(SS_FIELD_RECORD_ROUTE) | BIT(SS_FIELD_CONTENT_LENGTH) |
    BIT(SS_FIELD_CONTENT_TYPE) | BIT(SS_FIELD_RSEQ) | BIT(SS_FIELD_RACK) |
    BIT(SS_FIELD_SESSION_EXPIRES) | BIT(SS_FIELD_MIN_SE);

static int reserve(ss_fields *f, size_t n) {
  size_t need = f->n + n, size = f->size ? f->size : 128;
  if (need > SS_FIELDS_MAX)
    return SS_ELIMIT;
  while (size < need)
    size *= 2;
  if (size == f->size)
    return 0;
  if (f->lent)
    return SS_ENOMEM;
  char *p = ss_realloc(f->p, size);
  if (!p)
    return SS_ENOMEM;
  f->p = p;
  f->size = (uint32_t)size;
  return 0;
}

static void append(ss_fields *f, ss_str s) {
  if (s.n)
    memcpy(f->p + f->n, s.p, s.n);
  f->n += s.n;
}

static int add(ss_fields *f, ss_field_id id, ss_str name, ss_str value) {
  if (ss_chars_control(value))
    return SS_ECONTROL;
  value = ss_str_trim(value);
  if (name.n > SS_FIELDS_MAX || value.n > SS_FIELDS_MAX)
    return SS_ELIMIT;
  int rc = reserve(f, name.n + value.n + 4);
  if (rc)
    return rc;
  append(f, name);
  append(f, SS_STR(": "));
  append(f, value);
  append(f, SS_STR("\r\n"));
  if (id)
    f->given |= BIT(id);
  return 0;
}

int ss_fields_add(ss_fields *f, ss_str name, ss_str value) {
  if (!ss_str_is_token(name))
    return SS_ETOKEN;
  ss_field_id id = ss_field_lookup(name);
  if (id && (owned & BIT(id)))
    return SS_EOWNED;
  return add(f, id, name, value);
}

int ss_fields_add_own(ss_fields *f, ss_field_id id, ss_str value) {
  return add(f, id, ss_field_name(id), value);
}

bool ss_fields_has(const ss_fields *f, ss_field_id id) {
  return f->given & BIT(id);
}

void ss_fields_free(ss_fields *f) {
  if (!f->lent)
    ss_free(f->p);
  *f = SS_FIELDS_NONE;
}

int ss_check_text(ss_str s) {
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] == '\t' || ss_char_is(s.p[i], SS_CHAR_CONTROL))
      return SS_ECONTROL;
  return 0;
}

int ss_fields_copy(ss_fields *to, const ss_fields *from) {
  char *p = NULL;
  if (from->n && !(p = ss_str_dup(ss_fields_text(from))))
    return SS_ENOMEM;
  uint32_t size = from->n ? (uint32_t)from->n + 1 : 0;
  *to = (ss_fields){p, from->n, size, false, from->given};
  return 0;
}
