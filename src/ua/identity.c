/* Who the endpoint says it is: its URI, Contact, sent-by, product name, and
 * what it lists of its abilities. Texts that don't change are made once. */
#include "ua/ua.h"

#include "base/alloc.h"

#define VERSION "sipsession/0.1.0"

/* What a Contact and a sent-by have room for. */
#define ADVERTISE_MAX 200
#define USER_MAX 200

static int dup_to(char **out, ss_str s) {
  *out = ss_str_dup(s);
  return *out ? 0 : SS_ENOMEM;
}

static int init_uri(ss_endpoint *e, ss_str uri) {
  char text[SS_ADDR_TEXT + 8], host[SS_ADDR_TEXT];
  ss_buf b = SS_BUF_ON(text, sizeof text);
  if (!uri.n) {
    const ss_addr *a = ss_transport_local(e->transport[0]);
    ss_buf_lit(&b, "sip:");
    ss_buf_str(&b, ss_addr_ip_text(a, true, host));
    ss_buf_char(&b, ':');
    ss_buf_u64(&b, ss_addr_port(a));
    uri = ss_buf_view(&b);
  }
  int rc = dup_to(&e->uri, uri);
  if (rc)
    return rc;
  ss_arena arena;
  ss_arena_init(&arena, 65536);
  ss_uri parsed;
  rc = ss_uri_parse(&arena, ss_str_z(e->uri), &parsed);
  if (!rc && parsed.user.n > USER_MAX)
    rc = SS_ELIMIT;
  if (!rc && parsed.sip && parsed.user.n)
    rc = dup_to(&e->user, parsed.user);
  ss_arena_free(&arena);
  return rc;
}

/* The option tags we know, in the order of Supported. */
enum { TAG_100REL, TAG_TIMER, TAG_NOREFERSUB };
static const char *const tags[] = {[TAG_100REL] = "100rel",
                                   [TAG_TIMER] = "timer",
                                   [TAG_NOREFERSUB] = "norefersub"};

#define TAGS (sizeof tags / sizeof *tags)

static bool is_on(const ss_endpoint *e, size_t tag) {
  switch (tag) {
  case TAG_100REL:
    return e->reliable != SS_RELIABILITY_OFF;
  case TAG_TIMER:
    return e->timing.use != SS_TIMING_OFF;
  default:
    return true;
  }
}

bool ss_identity_supports(const ss_endpoint *e, ss_str tag) {
  for (size_t i = 0; i < TAGS; i++)
    if (ss_str_ieq(tag, ss_str_z(tags[i])))
      return is_on(e, i);
  return false;
}

static void add_supported(const ss_endpoint *e, ss_buf *b) {
  const char *before = "Supported: ";
  for (size_t i = 0; i < TAGS; i++) {
    if (!is_on(e, i))
      continue;
    ss_buf_str(b, ss_str_z(before));
    ss_buf_str(b, ss_str_z(tags[i]));
    before = ", ";
  }
  ss_buf_lit(b, "\r\n");
}

static void replace(char **slot, char *with) {
  ss_free(*slot);
  *slot = with;
}

int ss_identity_lists(ss_endpoint *e) {
  char text[1024], *allow = NULL, *options = NULL, *capabilities = NULL;
  ss_buf b = SS_BUF_ON(text, sizeof text);
  ss_buf_lit(&b, "Allow: " SS_ALLOW ", UPDATE");
  if (e->reliable != SS_RELIABILITY_OFF)
    ss_buf_lit(&b, ", PRACK");
  ss_buf_lit(&b, ", INFO, MESSAGE, REFER, NOTIFY\r\n");
  int rc = dup_to(&allow, ss_buf_view(&b));
  add_supported(e, &b);
  if (!rc)
    rc = dup_to(&options, ss_buf_view(&b));
  ss_buf_lit(&b, "Accept: ");
  ss_buf_str(&b, ss_str_z(e->accept));
  ss_buf_lit(&b, "\r\nAccept-Encoding: identity\r\n");
  ss_buf_lit(&b, "Allow-Events: refer\r\n");
  if (!rc)
    rc = b.full ? SS_ELIMIT : dup_to(&capabilities, ss_buf_view(&b));
  if (rc) {
    ss_free(allow);
    ss_free(options);
    return rc;
  }
  replace(&e->allow, allow);
  replace(&e->options, options);
  replace(&e->capabilities, capabilities);
  return 0;
}

int ss_identity_init(ss_endpoint *e, const ss_endpoint_config *config) {
  if (config->advertise.n > ADVERTISE_MAX)
    return SS_ELIMIT;
  int rc = dup_to(&e->accept, config->accept.n ? config->accept
                                               : SS_STR("application/sdp"));
  if (!rc)
    rc = dup_to(&e->name,
                config->user_agent.n ? config->user_agent : SS_STR(VERSION));
  if (!rc && config->advertise.n)
    rc = dup_to(&e->advertise, config->advertise);
  if (!rc)
    rc = init_uri(e, config->uri);
  return rc ? rc : ss_identity_lists(e);
}

void ss_identity_free(ss_endpoint *e) {
  ss_free(e->uri);
  ss_free(e->user);
  ss_free(e->advertise);
  ss_free(e->name);
  ss_free(e->accept);
  ss_free(e->allow);
  ss_free(e->options);
  ss_free(e->capabilities);
}

ss_str ss_identity_sent_by(const ss_endpoint *e) {
  return ss_str_z(e->advertise);
}

/* Whether "host[:port]" has a port: a colon behind the host, which is in
 * brackets where it is IPv6. */
static bool has_port(ss_str s) {
  size_t end = ss_str_chr(s, ']');
  size_t from = end < s.n ? end : 0;
  return ss_str_chr((ss_str){s.p + from, s.n - from}, ':') < s.n - from;
}

static void make_contact(const ss_endpoint *e, const ss_addr *local,
                         ss_buf *b) {
  ss_buf_lit(b, "<sip:");
  if (e->user) {
    ss_buf_str(b, ss_str_z(e->user));
    ss_buf_char(b, '@');
  }
  ss_str host = ss_str_z(e->advertise);
  char text[SS_ADDR_TEXT];
  if (!host.n)
    host = ss_addr_ip_text(local, true, text);
  ss_buf_str(b, host);
  if (!e->advertise || !has_port(host)) {
    ss_buf_char(b, ':');
    ss_buf_u64(b, ss_addr_port(local));
  }
  if (local->proto != SS_UDP) {
    ss_buf_lit(b, ";transport=");
    ss_buf_str(b, ss_proto_name(local->proto));
  }
  ss_buf_char(b, '>');
}

/* Mostly it is that of the call before. */
void ss_identity_contact(ss_endpoint *e, const ss_path *path, ss_buf *b) {
  ss_addr local;
  ss_path_local(path, &local);
  if (!e->contact.n || !ss_addr_eq(&local, &e->contact.local)) {
    ss_buf made = SS_BUF_ON(e->contact.text, sizeof e->contact.text);
    make_contact(e, &local, &made);
    e->contact.local = local;
    e->contact.n = made.n;
  }
  ss_buf_str(b, (ss_str){e->contact.text, e->contact.n});
}

void ss_identity_media(ss_endpoint *e, const ss_path *path, ss_addr *out) {
  ss_path_local(path, out);
  if (!e->advertise)
    return;
  ss_str host = ss_str_z(e->advertise);
  if (host.p[0] == '[')
    host = (ss_str){host.p + 1, ss_str_chr(host, ']') - 1};
  else if (has_port(host))
    host.n = ss_str_chr(host, ':');
  ss_addr advertised;
  if (!ss_addr_ip(&advertised, out->proto, host, 0))
    *out = advertised;
}
