/* A response to the INVITE that can't be sent yet, and what it will say: the
 * script's strings are gone by then. */
#include "ua/reliable.h"

#include "base/alloc.h"

static int dup_to(char **out, ss_str s) {
  if (!s.n)
    return 0;
  *out = ss_str_dup(s);
  return *out ? 0 : SS_ENOMEM;
}

ss_provisional *ss_provisional_new(unsigned code, const ss_content *content) {
  ss_provisional *p = ss_alloc(sizeof *p);
  if (!p)
    return NULL;
  p->code = code;
  p->body_size = content->body.n;
  if ((content->fields && ss_fields_copy(&p->fields, content->fields)) ||
      dup_to(&p->reason, content->reason) ||
      dup_to(&p->content_type, content->content_type) ||
      dup_to(&p->body, content->body))
    goto fail;
  return p;
fail:
  ss_provisional_free(p);
  return NULL;
}

void ss_provisional_free(ss_provisional *p) {
  if (!p)
    return;
  ss_fields_free(&p->fields);
  ss_free(p->reason);
  ss_free(p->content_type);
  ss_free(p->body);
  ss_free(p);
}

ss_content ss_provisional_content(const ss_provisional *p) {
  return (ss_content){.fields = &p->fields,
                      .reason = ss_str_z(p->reason),
                      .content_type = ss_str_z(p->content_type),
                      .body = {p->body, p->body_size}};
}
