/* Bodies by media type: plain and multipart (RFC 2046 5.1, RFC 5621 3). One
 * level deep: a multipart inside a multipart is a part like any other. */
#include "sip/body.h"

#include "sip/headers.h"

/* What stands behind more of either isn't looked for. */
#define PARTS_MAX 32
#define LINES_MAX 4000

static bool is_multipart(ss_str media_type) {
  ss_str type, subtype;
  ss_media_type_split(media_type, &type, &subtype);
  return ss_str_ieq(type, SS_STR("multipart"));
}

static ss_str content_type(const ss_message *m) {
  const ss_field *f = ss_message_field(m, SS_FIELD_CONTENT_TYPE);
  return f ? f->value : SS_STR_NONE;
}

static bool in_list(ss_str list, ss_str type) {
  ss_str element;
  if (type.n && ss_str_eq(list, type)) /* mostly it is the only one */
    return true;
  while (ss_str_element(&list, &element))
    if (ss_media_type_eq(element, type))
      return true;
  return false;
}

/* The body, or the first part, whose type is in the list. */
static bool find_in(ss_str value, ss_str body, ss_str list, ss_str *out) {
  ss_str type = ss_media_type(value);
  if (in_list(list, type)) {
    *out = body;
    return true;
  }
  ss_str boundary;
  if (!is_multipart(type) ||
      !ss_parameter(value, SS_STR("boundary"), &boundary))
    return false;
  ss_str rest = body, part_type;
  size_t lines = LINES_MAX;
  for (int i = 0; i < PARTS_MAX; i++) {
    if (!ss_multipart_next(&rest, &lines, boundary, &part_type, out))
      return false;
    if (in_list(list, ss_media_type(part_type)))
      return true;
  }
  return false;
}

static bool find(const ss_message *m, ss_str list, ss_str *out) {
  return find_in(content_type(m), m->body, list, out);
}

ss_str ss_body_part(ss_str value, ss_str body, ss_str media_type) {
  ss_str part;
  return body.n && find_in(value, body, media_type, &part) ? part : SS_STR_NONE;
}

ss_str ss_body_find(const ss_message *m, ss_str media_type) {
  return ss_body_part(content_type(m), m->body, media_type);
}

static bool is_optional(const ss_message *m) {
  const ss_field *f = ss_message_field(m, SS_FIELD_CONTENT_DISPOSITION);
  ss_str handling;
  return f && ss_parameter(f->value, SS_STR("handling"), &handling) &&
         ss_str_ieq(handling, SS_STR("optional"));
}

bool ss_body_understood(const ss_message *m, ss_str accepted) {
  ss_str body;
  return !m->body.n || is_optional(m) || find(m, accepted, &body);
}

/* How closely a media-range (RFC 3261 25.1) names a type: 3, that type; 2, with
 * any subtype; 1, any; 0, not at all. */
static int closeness(ss_str range, ss_str media_type) {
  ss_str range_type, range_subtype, type, subtype;
  if (ss_media_type_eq(range, media_type))
    return 3;
  ss_media_type_split(range, &range_type, &range_subtype);
  ss_media_type_split(media_type, &type, &subtype);
  if (!ss_str_eq(range_subtype, SS_STR("*")))
    return 0;
  if (ss_str_eq(range_type, SS_STR("*")))
    return 1;
  return ss_str_ieq(range_type, type) ? 2 : 0;
}

/* RFC 2616 3.9: "not acceptable" */
static bool is_excluded(ss_str range) {
  ss_str q;
  return ss_parameter(range, SS_STR("q"), &q) && q.n &&
         ss_str_starts(SS_STR("0.000"), q);
}

/* RFC 2616 14.1: of the ranges that a type is in the closest counts. Of two
 * that are as close, with other parameters, one that isn't excluded will do. */
static bool takes(const ss_message *m, ss_str media_type) {
  ss_elements ranges = ss_message_elements(m, SS_FIELD_ACCEPT);
  ss_str range;
  int closest = 1;
  bool taken = false;
  while (ss_elements_next(&ranges, &range)) {
    int found = closeness(ss_media_type(range), media_type);
    if (found < closest)
      continue;
    taken = (taken && found == closest) || !is_excluded(range);
    closest = found;
  }
  return taken;
}

bool ss_body_taken(const ss_message *m, ss_str types) {
  ss_str type;
  if (!ss_message_field(m, SS_FIELD_ACCEPT))
    return true;
  while (ss_str_element(&types, &type))
    if (takes(m, type))
      return true;
  return false;
}
