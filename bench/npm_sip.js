// npm's `sip` in the benchmark: it has transactions, but neither tags nor
// dialogs, so a tag is ours and a BYE is simply answered. Reads From and
// answers with a header of its own, as bench/serve.lua does.
//
//   node npm_sip.js PORT answered|declined
'use strict';

const sip = require('../build/bench/npm/node_modules/sip');

const [port, kind] = process.argv.slice(2);
const contact = [{ uri: `sip:127.0.0.1:${port}` }];
const answer = [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0',
  'm=audio 6000 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', '',
].join('\r\n');
let calls = 0;

function onInvite(request) {
  const { name, uri, params } = request.headers.from;
  const from = `${name || ''} <${uri}>;tag=${params.tag}`;
  request.headers.to.params.tag = `npm${++calls}`;
  if (kind === 'declined') {
    const headers = { 'X-From': from };
    sip.send(sip.makeResponse(request, 486, 'Busy Here', { headers }));
    return;
  }
  sip.send(sip.makeResponse(request, 180, 'Ringing', { headers: { contact } }));
  sip.send(sip.makeResponse(request, 200, 'OK', {
    headers: { contact, 'X-From': from, 'Content-Type': 'application/sdp' },
    content: answer,
  }));
}

sip.start({ address: '127.0.0.1', port: Number(port), tcp: false }, (request) => {
  if (request.method === 'INVITE')
    onInvite(request);
  else if (request.method === 'BYE')
    sip.send(sip.makeResponse(request, 200, 'OK'));
});
