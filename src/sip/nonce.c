/* Nonces: time (48 bits), random (64 bits), and the first 128 bits of a MAC
 * over both and their purpose. The counts of a used one are the highest and a
 * window of 64 below it, as datagrams may overtake each other. */
#include "sip/nonce.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/list.h"
#include "sip/digest.h"

#include <unistd.h>

#define TIME 6
#define BODY (TIME + 8)
#define MAC 16
#define WINDOW 64

typedef struct used {
  ss_hnode node;
  ss_list order; /* the first used first */
  uint64_t made;
  uint8_t body[BODY];
  uint32_t nc;     /* the highest */
  uint64_t window; /* bit i: nc - i was seen */
} used;

struct ss_nonces {
  uint8_t key[32];
  uint8_t veil[TIME]; /* over the time: how long we run is nobody's business */
  pid_t pid;          /* whose key it is */
  uint32_t lifetime;
  size_t max;
  uint64_t since; /* unused ones of this time and before are too old */
  bool evicted;   /* `since` counts */
  ss_hash table;
  ss_list order;
};

int ss_nonces_new(ss_nonces **out, uint32_t lifetime_ms, size_t max) {
  ss_nonces *n = ss_alloc(sizeof *n);
  if (!n)
    return SS_ENOMEM;
  n->lifetime = lifetime_ms;
  n->max = max;
  ss_list_init(&n->order);
  if (ss_hash_init(&n->table)) {
    ss_free(n);
    return SS_ENOMEM;
  }
  *out = n;
  return 0;
}

static void forget(ss_nonces *n, used *u) {
  ss_hash_remove(&n->table, &u->node);
  ss_list_remove(&u->order);
  ss_free(u);
}

void ss_nonces_free(ss_nonces *n) {
  if (!n)
    return;
  while (!ss_list_empty(&n->order))
    forget(n, SS_CONTAINER(n->order.next, used, order));
  ss_hash_free(&n->table);
  memset(n->key, 0, sizeof n->key);
  ss_free(n);
}

size_t ss_nonces_used(const ss_nonces *n) {
  return n->table.count;
}

static void make_key(ss_nonces *n) {
  pid_t pid = getpid();
  if (n->pid != pid) {
    ss_random(n->key, sizeof n->key);
    ss_random(n->veil, sizeof n->veil);
    n->pid = pid;
  }
}

static int mac(ss_nonces *n, uint64_t purpose, const uint8_t body[BODY],
               uint8_t out[32]) {
  char text[BODY + sizeof purpose];
  memcpy(text, body, BODY);
  memcpy(text + BODY, &purpose, sizeof purpose);
  return ss_mac(n->key, (ss_str){text, sizeof text}, out);
}

int ss_nonce_make(ss_nonces *n, uint64_t now, uint64_t purpose,
                  char out[SS_NONCE_LEN]) {
  uint8_t b[BODY + 32];
  make_key(n);
  for (int i = 0; i < TIME; i++)
    b[i] = n->veil[i] ^ (uint8_t)(now >> 8 * (TIME - 1 - i));
  ss_random(b + TIME, BODY - TIME);
  int rc = mac(n, purpose, b, b + BODY);
  if (rc)
    return rc;
  ss_hex(b, BODY + MAC, out);
  return 0;
}

static used *find(const ss_nonces *n, uint64_t h, const uint8_t body[BODY]) {
  ss_hnode *node = ss_hash_first(&n->table, h);
  for (; node; node = ss_hash_next(&n->table, node)) {
    used *u = SS_CONTAINER(node, used, node);
    if (!memcmp(u->body, body, BODY))
      return u;
  }
  return NULL;
}

static uint64_t hash(const uint8_t body[BODY]) {
  return ss_hash_add(0, (ss_str){(const char *)body, BODY});
}

/* Nobody can use them any more: what was used first is not the oldest, but
 * none is older than that long after it was used. */
static void tidy(ss_nonces *n, uint64_t now) {
  while (!ss_list_empty(&n->order)) {
    used *u = SS_CONTAINER(n->order.next, used, order);
    if (now - u->made <= n->lifetime)
      break;
    forget(n, u);
  }
}

static void evict(ss_nonces *n) {
  used *u = SS_CONTAINER(n->order.next, used, order);
  if (!n->evicted || u->made > n->since)
    n->since = u->made;
  n->evicted = true;
  forget(n, u);
}

/* Its octets, and when it was made. */
static int read_nonce(ss_nonces *n, uint64_t now, uint64_t purpose,
                      ss_str nonce, uint8_t body[BODY], uint64_t *made) {
  uint8_t b[BODY + MAC], right[32];
  if (!ss_unhex(nonce, b, sizeof b))
    return SS_ENOTFOUND;
  make_key(n);
  int rc = mac(n, purpose, b, right);
  if (rc)
    return rc;
  if (!ss_same_bytes(b + BODY, right, MAC))
    return SS_ENOTFOUND;
  *made = 0;
  for (int i = 0; i < TIME; i++)
    *made = *made << 8 | (b[i] ^ n->veil[i]);
  memcpy(body, b, BODY);
  return *made > now || now - *made > n->lifetime ? SS_ENOTFOUND : 0;
}

/* Was that count used before? */
static bool is_used(const used *u, uint32_t nc) {
  if (nc > u->nc)
    return false;
  uint32_t below = u->nc - nc;
  return below >= WINDOW || (u->window >> below & 1);
}

static void mark(used *u, uint32_t nc) {
  if (nc > u->nc) {
    uint32_t by = nc - u->nc;
    u->window = by < WINDOW ? u->window << by : 0;
    u->nc = nc;
  }
  u->window |= UINT64_C(1) << (u->nc - nc);
}

/* *out: what is known of it, or NULL. */
static int look(ss_nonces *n, uint64_t now, uint64_t purpose, ss_str nonce,
                uint32_t nc, uint8_t body[BODY], uint64_t *made, used **out) {
  int rc = read_nonce(n, now, purpose, nonce, body, made);
  if (rc)
    return rc;
  *out = find(n, hash(body), body);
  if (*out)
    return is_used(*out, nc) ? SS_ESTATE : 0;
  return n->evicted && *made <= n->since ? SS_ENOTFOUND : 0;
}

int ss_nonce_check(ss_nonces *n, uint64_t now, uint64_t purpose, ss_str nonce,
                   uint32_t nc) {
  uint8_t body[BODY];
  uint64_t made;
  used *u;
  return look(n, now, purpose, nonce, nc, body, &made, &u);
}

int ss_nonce_use(ss_nonces *n, uint64_t now, uint64_t purpose, ss_str nonce,
                 uint32_t nc) {
  uint8_t body[BODY];
  uint64_t made;
  used *u;
  int rc = look(n, now, purpose, nonce, nc, body, &made, &u);
  if (rc)
    return rc;
  if (!u) {
    tidy(n, now);
    u = ss_alloc(sizeof *u);
    if (!u)
      return SS_ENOMEM;
    if (n->table.count >= n->max)
      evict(n);
    u->made = made;
    memcpy(u->body, body, BODY);
    ss_hash_insert(&n->table, &u->node, hash(body));
    ss_list_append(&n->order, &u->order);
  }
  mark(u, nc);
  return 0;
}
