/* Whole calls without a socket, for counting: so many of a kind through a Lua
 * handler, over the in-memory network, from a caller in C that does next to
 * nothing. Two runs differ by what the calls between them cost, instructions
 * (under callgrind) and allocations alike: spec/cost_spec.lua does the sum.
 *
 *   calls answered|declined CALLS
 *
 * Prints the core's allocations. The caller talks as SIPp's does: INVITE with
 * a description, ACK, BYE; it looks at the code and the To tag alone. */
#include "base/alloc.h"
#include "lua/network.h"
#include "net/memory.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int luaopen_sipsession(lua_State *L);

#define EACH 100 /* ms between two calls: no two share a batch */

/* The handler reads From and answers with a header of its own. */
static const char script[] =
    "local sip, answered = ...\n"
    "local core = sip._network(1)\n"
    "local endpoint = assert(sip.endpoint { listen = 'udp:10.0.0.1:5060',\n"
    "  network = core })\n"
    "endpoint:on('session_received', function(session)\n"
    "  local from = session.request:header 'From'\n"
    "  local headers = { ['X-From'] = from }\n"
    "  if answered then\n"
    "    session:progress(180)\n"
    "    session:participate { headers = headers }\n"
    "  else\n"
    "    session:reject(486, headers)\n"
    "  end\n"
    "end)\n"
    "return core, endpoint\n";

static const char offer[] = "v=0\r\n"
                            "o=user1 53655765 2353687637 IN IP4 10.0.0.2\r\n"
                            "s=-\r\n"
                            "c=IN IP4 10.0.0.2\r\n"
                            "t=0 0\r\n"
                            "m=audio 6000 RTP/AVP 0\r\n"
                            "a=rtpmap:0 PCMU/8000\r\n";

typedef struct caller {
  ss_mpeer *peer;
  ss_addr callee;
  unsigned long call;
  unsigned long acked, done, wrong;
} caller;

static void send_request(caller *c, const char *method, unsigned cseq,
                         const char *branch, ss_str to, const char *body) {
  char text[2048];
  int n = snprintf(
      text, sizeof text,
      "%s sip:service@10.0.0.1:5060 SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bK-4711-%lu-%s\r\n"
      "From: sipp <sip:sipp@10.0.0.2:5060>;tag=4711SIPpTag00%lu\r\n"
      "To: %.*s\r\n"
      "Call-ID: %lu-4711@10.0.0.2\r\n"
      "CSeq: %u %s\r\n"
      "Contact: sip:sipp@10.0.0.2:5060\r\n"
      "Max-Forwards: 70\r\n"
      "Subject: Performance Test\r\n"
      "%sContent-Length: %zu\r\n\r\n%s",
      method, c->call, branch, c->call, (int)to.n, to.p, c->call, cseq, method,
      *body ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
  ss_mpeer_send(c->peer, &c->callee, (ss_str){text, (size_t)n});
}

static void on_message(void *arg, const ss_addr *from, ss_str text) {
  caller *c = arg;
  char z[4096];
  (void)from;
  if (text.n < 12 || text.n >= sizeof z) {
    c->wrong++;
    return;
  }
  memcpy(z, text.p, text.n);
  z[text.n] = '\0';
  int code = atoi(z + 8);
  const char *to = strstr(z, "\r\nTo: ");
  const char *end = to ? strstr(to + 6, "\r\n") : NULL;
  if (!end) {
    c->wrong++;
    return;
  }
  ss_str value = {to + 6, (size_t)(end - to - 6)};
  bool invite = strstr(z, " INVITE\r\n") != NULL;
  if (invite && code == 200) {
    c->acked++;
    send_request(c, "ACK", 1, "5", value, "");
    send_request(c, "BYE", 2, "7", value, "");
  } else if (invite && code == 486) {
    c->acked++;
    send_request(c, "ACK", 1, "0", value, "");
    c->done++;
  } else if (!invite && code == 200) {
    c->done++;
  } else if (code != 180) {
    c->wrong++;
  }
}

static const ss_mpeer_handler handler = {.message = on_message};

static void fail(const char *what) {
  fprintf(stderr, "calls: %s\n", what);
  exit(2);
}

static void run(lua_State *L, lss_world *w, uint64_t until) {
  while (lss_world_turn(L, w, SS_RUN_NOWAIT, until) > 0) {
  }
}

int main(int argc, char **argv) {
  unsigned long calls = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
  bool answered = argc == 3 && strcmp(argv[1], "answered") == 0;
  if (!calls || (!answered && strcmp(argv[1], "declined") != 0))
    fail("usage: calls answered|declined CALLS");
  lua_State *L = luaL_newstate();
  if (!L)
    fail("no memory");
  luaL_openlibs(L);
  luaL_requiref(L, "sipsession", luaopen_sipsession, 0);
  if (luaL_loadstring(L, script))
    fail(lua_tostring(L, -1));
  lua_pushvalue(L, 1);
  lua_pushboolean(L, answered);
  if (lua_pcall(L, 2, 2, 0))
    fail(lua_tostring(L, -1));
  lss_world *w = lss_network_check(L, 2);
  lua_settop(L, 3);
  lss_world_hold(L, w);
  caller c = {0};
  ss_addr from;
  if (ss_addr_parse(&from, SS_STR("udp:10.0.0.2:5060")) ||
      ss_addr_parse(&c.callee, SS_STR("udp:10.0.0.1:5060")) ||
      ss_mpeer_open(w->memory, &from, &handler, &c, &c.peer))
    fail("no caller");
  size_t made = ss_alloc_made();
  for (c.call = 1; c.call <= calls; c.call++) {
    send_request(&c, "INVITE", 1, "0",
                 SS_STR("service <sip:service@10.0.0.1:5060>"), offer);
    run(L, w, c.call * EACH);
  }
  printf("calls %lu allocations %zu\n", calls, ss_alloc_made() - made);
  if (c.wrong || c.acked != calls || c.done != calls)
    fail("not every call went as it should");
  ss_mpeer_close(c.peer);
  lua_close(L);
  return 0;
}
