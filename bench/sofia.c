/* Sofia-SIP's server in the benchmark, on nta, its transaction layer: a leg,
 * which is nta's dialog, for each answered call, and no offer or answer: the
 * description is a constant. nua is built on this and isn't used. One thread;
 * it reads From and answers with a header of its own, as bench/serve.lua does.
 *
 *   sofia PORT answered|declined|ringing */
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport_tag.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nta_agent_t *agent;
static bool declines, rings;

static const char answer[] = "v=0\r\n"
                             "o=- 1 1 IN IP4 127.0.0.1\r\n"
                             "s=-\r\n"
                             "c=IN IP4 127.0.0.1\r\n"
                             "t=0 0\r\n"
                             "m=audio 6000 RTP/AVP 0\r\n"
                             "a=rtpmap:0 PCMU/8000\r\n";

/* The ACK, or none in 32 s. */
static int on_ack(nta_incoming_magic_t *arg, nta_incoming_t *invite,
                  const sip_t *sip) {
  (void)arg, (void)sip;
  nta_incoming_destroy(invite);
  return 0;
}

static int on_request_in_leg(nta_leg_magic_t *arg, nta_leg_t *leg,
                             nta_incoming_t *request, const sip_t *sip) {
  (void)arg;
  if (sip->sip_request->rq_method != sip_method_bye)
    return 501;
  nta_incoming_treply(request, SIP_200_OK, TAG_END());
  nta_incoming_destroy(request);
  nta_leg_destroy(leg);
  return 0;
}

static void take_call(nta_incoming_t *invite, const sip_t *sip,
                      const char *header) {
  nta_leg_t *leg = nta_leg_tcreate(
      agent, on_request_in_leg, NULL, SIPTAG_CALL_ID(sip->sip_call_id),
      SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from), TAG_END());
  nta_leg_tag(leg, nta_incoming_tag(invite, NULL));
  nta_leg_server_route(leg, sip->sip_record_route, sip->sip_contact);
  nta_incoming_bind(invite, on_ack, NULL);
  nta_incoming_treply(invite, SIP_180_RINGING,
                      SIPTAG_CONTACT(nta_agent_contact(agent)), TAG_END());
  if (rings)
    return;
  nta_incoming_treply(
      invite, SIP_200_OK, SIPTAG_CONTACT(nta_agent_contact(agent)),
      SIPTAG_HEADER_STR(header), SIPTAG_CONTENT_TYPE_STR("application/sdp"),
      SIPTAG_PAYLOAD_STR(answer), TAG_END());
}

static int on_request(nta_leg_magic_t *arg, nta_leg_t *leg,
                      nta_incoming_t *request, const sip_t *sip) {
  (void)arg, (void)leg;
  if (sip->sip_request->rq_method != sip_method_invite)
    return 481;
  su_home_t home[1] = {SU_HOME_INIT(home)};
  char *from = sip_header_as_string(home, (sip_header_t *)sip->sip_from);
  char *header = su_sprintf(home, "X-From: %s", from);
  if (declines) {
    nta_incoming_treply(request, SIP_486_BUSY_HERE, SIPTAG_HEADER_STR(header),
                        TAG_END());
    nta_incoming_destroy(request);
  } else {
    take_call(request, sip, header);
  }
  su_home_deinit(home);
  return 0;
}

int main(int argc, char **argv) {
  char url[64];
  if (argc != 3) {
    fprintf(stderr, "usage: sofia PORT answered|declined|ringing\n");
    return 2;
  }
  declines = strcmp(argv[2], "declined") == 0;
  rings = strcmp(argv[2], "ringing") == 0;
  snprintf(url, sizeof url, "sip:127.0.0.1:%d;transport=udp", atoi(argv[1]));
  su_init();
  su_root_t *root = su_root_create(NULL);
  agent = nta_agent_create(root, (url_string_t *)url, NULL, NULL, NTATAG_UA(1),
                           TPTAG_UDP_RMEM(4 << 20), TAG_END());
  if (!agent || !nta_leg_tcreate(agent, on_request, NULL, NTATAG_NO_DIALOG(1),
                                 TAG_END())) {
    perror("sofia");
    return 1;
  }
  su_root_run(root);
  return 0;
}
