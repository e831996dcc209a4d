/* A received message after the scan: its references, its fields by number and
 * by name, and the elements of comma lists (RFC 3261 7.3.1). Says where things
 * stand; what they mean is told by headers.c. */
#include "sip/message.h"
#include "base/alloc.h"

ss_message *ss_message_ref(ss_message *m) {
  m->refs++;
  return m;
}

void ss_message_unref(ss_message *m) {
  if (!m || --m->refs > 0)
    return;
  ss_arena_free(&m->arena);
  ss_free(m);
}

const ss_field *ss_message_named(const ss_message *m, ss_str name,
                                 const ss_field *after) {
  ss_field_id id = after ? (ss_field_id)after->id : ss_field_lookup(name);
  const ss_field *f =
      after ? ss_message_next(m, after) : ss_message_field(m, id);
  if (id == SS_FIELD_OTHER)
    while (f && !ss_str_ieq(ss_field_written(f), name))
      f = ss_message_next(m, f);
  return f;
}

ss_elements ss_message_elements(const ss_message *m, ss_field_id id) {
  const ss_field *f = ss_message_field(m, id);
  return (ss_elements){m, f, f ? f->value : SS_STR_NONE};
}

bool ss_elements_next(ss_elements *e, ss_str *element) {
  while (e->field) {
    ss_str found;
    while (ss_str_element(&e->rest, &found)) {
      if (found.n) {
        *element = found;
        return true;
      }
    }
    e->field = ss_message_next(e->message, e->field);
    e->rest = e->field ? e->field->value : SS_STR_NONE;
  }
  return false;
}
