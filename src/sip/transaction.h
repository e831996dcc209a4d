/* The transaction layer (RFC 3261 17, RFC 6026): finds the transaction of a
 * message in constant time, repeats what must be repeated, absorbs what was
 * repeated, and hands everything new to the transaction user, once.
 *
 * Server transactions belong to the layer. The user is handed one with each
 * request, answers it with ss_server_reply, and may attach itself to hear how
 * it goes; after `ended` the pointer is dead. Once a final response was given
 * the request is dropped: what stays is a small record with the bytes to
 * repeat. A 2xx to INVITE is repeated by the user (13.3.1.4). */
#ifndef SS_SIP_TRANSACTION_H
#define SS_SIP_TRANSACTION_H

#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"
#include "net/transport.h"
#include "sip/render.h"

typedef struct ss_layer ss_layer;
typedef struct ss_server ss_server;
typedef struct ss_client ss_client;

typedef struct ss_layer_counters {
  uint64_t requests_in, responses_in;
  uint64_t retransmissions_in, retransmissions_out;
  uint64_t refused_overload, stray_responses, send_errors, out_of_memory;
} ss_layer_counters;

/* Of the 503 to what there is no room for. */
#define SS_RETRY_LATER SS_STR("Retry-After: 10\r\n")

/* What becomes of a request. */
typedef enum ss_entry {
  SS_LET_IN,
  SS_TURN_AWAY, /* 503, and so are its repeats */
  SS_TELL,      /* 503; a repeat is looked at again, as after */
  SS_IGNORE
} ss_entry;

/* The transaction user. */
typedef struct ss_layer_user {
  /* One that is no repeat, before it becomes a transaction; any method but ACK
   * and CANCEL. */
  ss_entry (*admit)(void *arg, const ss_path *path, ss_message *request);
  /* A new request, any method but ACK. To be answered now or later. */
  void (*request)(void *arg, ss_server *server, ss_message *request);
  /* An ACK that ends no INVITE transaction of a non-2xx: it is for a 2xx, or
   * for nobody. */
  void (*ack)(void *arg, ss_message *ack);
} ss_layer_user;

typedef struct ss_layer_config {
  ss_loop *loop;
  uint32_t t1, t2, t4; /* ms */
  size_t max;          /* transactions; requests beyond it get 503, BYE and
                          CANCEL only beyond an eighth more */
  ss_str server;       /* the Server header of what the layer says itself */
  const ss_layer_user *user;
  void *arg;
} ss_layer_config;

int ss_layer_new(ss_layer **out, const ss_layer_config *config);
void ss_layer_free(ss_layer *l); /* with all its transactions, silently */
/* Of Call-ID and From tag, which is what any request of a call has in common;
 * keyed. */
uint64_t ss_layer_call(ss_message *m);
/* What a request is looked for by. */
typedef struct ss_keys {
  uint64_t family; /* of its call and, nearly, its CSeq number */
  uint64_t own;    /* what is left to compare; none yet for an ACK */
  bool none;       /* it has no usable Via, or is a response */
} ss_keys;
/* A message that has no fault will be received soon. */
void ss_layer_expect(const ss_layer *l, ss_message *m, ss_keys *out);
void ss_layer_receive(ss_layer *l, const ss_path *path, ss_message *m,
                      const ss_keys *keys);
/* Answers without a transaction: a request with a fault, or one there is no
 * room for. Its To tag is the same each time the request is repeated. */
int ss_layer_refuse(ss_layer *l, const ss_path *path, ss_message *request,
                    unsigned code, ss_str reason, ss_str own);
size_t ss_layer_alive(const ss_layer *l); /* transactions */
const ss_layer_counters *ss_layer_count(const ss_layer *l);

/* What a server transaction tells whoever is attached to it. */
typedef struct ss_server_watch {
  /* A response couldn't be delivered, not over a new connection either. The
   * transaction ends after this; no `ended` follows. */
  void (*failed)(void *arg, int rc);
  /* It is over: the non-2xx final was acknowledged (the transaction absorbs
   * repeats for a while yet, by itself) or given up on (unacknowledged), or
   * the time to absorb repeats of a 2xx has passed. */
  void (*ended)(void *arg, bool unacknowledged);
} ss_server_watch;

void ss_server_attach(ss_server *s, const ss_server_watch *watch, void *arg);
void ss_server_detach(ss_server *s);
void *ss_server_arg(const ss_server *s); /* who is attached, or NULL */
const ss_server_watch *ss_server_watched(const ss_server *s); /* likewise */
ss_message *ss_server_request(const ss_server *s);   /* NULL after the final */
const ss_path *ss_server_path(const ss_server *s);   /* where answers go */
bool ss_server_answered(const ss_server *s);         /* a 100 counts */
const ss_addr *ss_server_source(const ss_server *s); /* whence it came */
/* The To tag that was given in a response, or empty: the answer to a CANCEL
 * has the same (RFC 3261 9.2). */
ss_str ss_server_tag(const ss_server *s);
/* The same request came before by another way, as a transaction that is still
 * there (RFC 3261 8.2.2.2). */
bool ss_server_merged(const ss_server *s);
/* Renders and sends; `source` is filled in here. SS_ESTATE after a final,
 * SS_EFULL, SS_ENOMEM. A delivery that fails is told to `failed`. */
int ss_server_reply(ss_server *s, ss_reply *reply);
/* A refusal that the peer may well not care to acknowledge: where nothing has
 * been said yet, it is sent once, without a To tag of the caller's, and the
 * transaction is no more, so that nothing is kept or repeated for whom we don't
 * know (RFC 3261 8.2.7, 26.3.2.4); a repeat of the request is new then. Else
 * as ss_server_reply. */
int ss_server_refuse(ss_server *s, ss_reply *reply);
/* Forgets a transaction that couldn't be answered, for want of memory: the
 * peer repeats its request, and it is new then. */
void ss_server_drop(ss_server *s);
/* Sends the last response again: the user's 2xx, or a provisional that keeps
 * proxies waiting (13.3.1.1). */
void ss_server_repeat(ss_server *s);
/* The ACK of the 2xx has come (or nothing is to be repeated any more): repeats
 * of the INVITE are absorbed in silence now. */
void ss_server_acknowledged(ss_server *s);
/* The INVITE transaction that a CANCEL is for (RFC 3261 9.2), or NULL. */
ss_server *ss_layer_cancelled(ss_layer *l, ss_message *cancel);

/* A non-INVITE client transaction (17.1.2), not for ACK. `done` is called once,
 * unless it was abandoned: with the final response (borrowed), or with
 * -ETIMEDOUT or the code of a transport failure. */
typedef void (*ss_client_fn)(void *arg, int rc, ss_message *response);
/* Sends the packet, whose top Via has this branch; takes references of its own
 * of packet and path. */
int ss_client_start(ss_layer *l, const ss_path *path, ss_packet *packet,
                    ss_str branch, ss_method method, ss_client_fn done,
                    void *arg, ss_client **out);
/* Its user gives up sooner (17.1.2.2 says when it must): with -ETIMEDOUT where
 * timer E would repeat it once more than that. */
void ss_client_limit(ss_client *c, unsigned repeats);

/* What an INVITE client transaction tells (17.1.1, RFC 6026 7.2). None of
 * these is called from within ss_client_invite. */
typedef struct ss_client_watch {
  /* Every 1xx; every 2xx, repeats too (the user repeats its ACK); the one
   * 300-699, whose ACK the transaction has sent. Borrowed. */
  void (*response)(void *arg, ss_message *response);
  /* No response in 64*T1 (-ETIMEDOUT), or the transport failed (its code)
   * before a final response; the pointer is dead, and no `ended` follows. */
  void (*failed)(void *arg, int rc);
  /* After a final response: repeats of it need no more be feared (timers D
   * and M); the pointer is dead. */
  void (*ended)(void *arg);
} ss_client_watch;

/* Sends the INVITE as ss_render_request wrote it, whose top Via has this
 * branch; references as above. Once a 1xx has come nothing limits how long the
 * final may take: the user cancels, or abandons. An error: nothing was sent. */
int ss_client_invite(ss_layer *l, const ss_path *path, ss_packet *packet,
                     ss_str branch, const ss_client_watch *watch, void *arg,
                     ss_client **out);

/* No callback is called any more, and the pointer is dead to the user; the
 * machine goes on by itself, repeats and acknowledges a 300-699. An INVITE that
 * a 1xx has come for is forgotten after 64*T1 (9.1). A 2xx is then acknowledged
 * by nobody: who would owe it an ACK and a BYE must not abandon. */
void ss_client_abandon(ss_client *c);

#endif
