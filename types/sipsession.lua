---@meta sipsession
-- The reference: every function and field a script sees, for people and for
-- LuaLS. UCMA names Microsoft's Unified Communications Managed API 5.0, whose
-- SignalingSession this follows. Times are seconds (numbers, with fractions).
--
-- A mistake in the script (a wrong type, a code out of range, a header that
-- can't be written) raises at the caller's line, before anything is sent. What
-- can happen to a correct script is returned: nil and an error object.

-----------------------------------------------------------------------------
-- The module
-----------------------------------------------------------------------------

---@class sipsession
---@field code sipsession.codes
---@field sdp sipsession.sdp require "sipsession.sdp", when it is asked for
---@field _VERSION string "sipsession 0.1.0"
local sip = {}

---The registered response codes (RFC 3261 21 and its extensions), both ways:
---sip.code.NOT_ACCEPTABLE_HERE is 488, sip.code[488] "Not Acceptable Here".
---@alias sipsession.codes table<string|integer, integer|string>

---@alias sipsession.header_value string|number|(string|number)[]

---Headers that a verb adds to its message: a map of names to values, where a
---value may be a list for a repeated header, or a list of {name, value} where
---the order matters. Those that the stack sets can't be given: Via, From, To,
---Call-ID, CSeq, Contact, Max-Forwards, Route, Record-Route, Content-Length,
---Content-Type (see content_type), RSeq, RAck, Session-Expires, Min-SE.
---@alias sipsession.headers table<string, sipsession.header_value>|table[]

---@class sipsession.endpoint_options
---"udp:127.0.0.1:5060", "tcp:[::1]:5060"; IP addresses, port 0 picks a free one
---@field listen string|string[]
---@field uri? string own identity; default from the first listener
---@field advertise? string host[:port] for Contact and Via behind NAT
---@field user_agent? string for User-Agent and Server
---@field media? sipsession.media default for its sessions
---400-699: an INVITE when no session_received handler is set; 480
---@field unhandled_code? integer
---400-699: what terminate() answers an unanswered INVITE with; 486
---@field terminate_code? integer
---Seconds until an INVITE nobody answered is ended with 408; 180, 0: never
---@field connect_timeout? number
---Seconds that a handler may take before the event "stalled"; 1, 0: any. The
---least of all endpoints of a Lua state counts. Not on an in-memory network
---@field stall_timeout? number
---@field close_timeout? number seconds that close() waits for peers; 2
---RFC 4028. A table: its calls are kept alive by a session timer. nil: where
---the caller asks for one. false: never, the extension isn't supported
---@field session_timer? sipsession.session_timer|false
---Body types the script takes, others get 415 (RFC 3261 8.2.3);
---"application/sdp"
---@field accept? string|string[]
---@field reliable? sipsession.reliability "supported"
---Networks that requests may come from, "192.0.2.0/24", "2001:db8::/32" or one
---address, up to 256; others get 403 (RFC 3261 21.4.4). Not given: all may
---@field allow? string|string[]
---What others get: a 403, or nothing, and no connection; "reject"
---@field deny? "reject"|"drop"
---Networks that a caller's Contact and Record-Route may send our requests to,
---like allow, and as given: 127.0.0.0/8 lets them send us to this machine.
---Elsewhere is passed over for where the INVITE came from. Not given: anywhere,
---but not from another machine to this one, nor by a Contact from a public
---address to a private one
---@field targets? string|string[]
---@field auth? sipsession.auth callers must say who they are
---@field timers? sipsession.timers
---@field limits? sipsession.limits
---@field network? sipsession.testing.network in memory, instead of real sockets

---Provisional responses that the caller acknowledges, 100rel (RFC 3262).
---@alias sipsession.reliability
---| "off" not supported: an INVITE that requires it gets 420
---| "supported" where progress asks for it; all, where the caller requires it
---| "required" all; a caller that doesn't know it gets 421

---A session timer (RFC 4028), in seconds from 90 up. A call that nobody
---refreshes, by re-INVITE or UPDATE, is ended with BYE before it expires; the
---library does its own part, at half the interval.
---@class sipsession.session_timer
---Asked for in the 200; the caller's where that is shorter; 1800
---@field interval? integer
---What asks for less gets 422; 90
---@field minimum? integer
---Who refreshes where the caller leaves it open: "uac" is the caller, "uas" we
---@field refresher? "uac"|"uas"

---Digest authentication of callers (RFC 3261 22, RFC 7616, RFC 8760): every
---request but ACK and CANCEL is challenged with 401; within a call it must be
---its caller's, else 403.
---@class sipsession.auth
---@field realm string what the passwords are for, "example.com"
---The password of that user; or a table with `ha1`, H(user ":" realm ":"
---password) in hex digits, or a table of them by algorithm; or nil where there
---is no such user. May yield, for 64*T1 (then 504). When it raises, or returns
---anything else: 500, and the error goes to the "error" handlers. The algorithm
---is the one that the caller has chosen: nil for MD5 turns it off for one user.
---@field lookup fun(user: string, realm: string, algorithm): string|table|nil
---Offered, the best first: "SHA-256", "SHA-512-256", "MD5"; the caller chooses,
---or who is in the path. Without MD5 nobody gets in by it.
---{ "SHA-256", "MD5" }
---@field algorithms? string[]
---Seconds, then a caller has to take another nonce; 300
---@field nonce_lifetime? number

---RFC 3261 17.1.1.1, in seconds; each at most 3600.
---@class sipsession.timers
---@field t1? number 0.5
---@field t2? number 4
---@field t4? number 5

---The library's maxima; what goes over one is refused and counted.
---@class sipsession.limits
---@field message_size? integer bytes of a message; 65535
---@field header_size? integer bytes of its header section; 16384
---@field header_lines? integer header fields, up to 250; 100
---@field header_separators? integer ; , & in one header value; 256
---@field all_separators? integer ; , & in the whole header section; 512
---@field vias? integer Via values; 70
---@field routes? integer Route and Record-Route values, each; 20
---@field uri_length? integer bytes of the Request-URI; 2048
---@field sessions? integer live sessions; 100000
---Requests of one call that the script has yet to answer; 64
---@field dialog_requests? integer
---@field pending_auth? integer requests whose user is being looked up; 1000
---@field used_nonces? integer nonces whose counts are kept; 100000
---@field transactions? integer transactions not yet ended; 200000
---@field connections? integer TCP connections of one listener; 10000
---Bytes waiting on one TCP connection; 1048576
---@field connection_backlog? integer
---TCP connections of one source (an IPv4 address or an IPv6 /64); 1000
---@field connections_per_source? integer
---New calls a second of one source, and as many at once; 0: any number. Over
---it one gets 503 a second, the others get nothing
---@field invites_per_source? integer
---Wrong credentials a minute of one source, and as many at once; 20; 0: any
---number. Over it its requests with credentials are answered as above, whether
---these are right or not; a caller's within his call go on. All who come from
---one address are one source. With it a nonce is good over UDP from the address
---that it was sent to; from another it is stale
---@field guesses_per_source? integer
---Seconds that an INVITE may go unanswered, whatever connect_timeout is; 86400
---@field provisional_time? integer
---@field connection_idle? integer seconds without a byte; 600
---@field message_time? integer seconds for one message over TCP; 10

---Opens an endpoint (UCMA: SipEndpoint). Keep it in a variable: one that is
---collected is closed, unless it has calls or sip.run() is running.
---@param options sipsession.endpoint_options
---@return sipsession.endpoint? endpoint
---@return sipsession.error? err connection_failure: can't listen there
function sip.endpoint(options) end

---Runs until nothing is left to wait for, or sip.stop(). Open in-memory
---networks run first, until nothing is due on them. Raises when it is running
---already, and what a hook of a network raised. "once" makes one turn that
---waits, "nowait" one that doesn't.
---
---Ctrl-C (SIGINT) under the lua interpreter ends it, and verbs that block, at
---the end of the turn with the interpreter's own error, "interrupted!"; calls
---stay as they are, and it can be run again. A second one kills, as ever.
---"nowait" leaves SIGINT alone, and so does all where it has no handler.
---@param mode? "default"|"once"|"nowait"
---@return boolean alive something is left to wait for
function sip.run(mode) end

---Makes sip.run return after the turn it is in.
function sip.stop() end

---Yields in a coroutine, elsewhere runs the loop: that of the endpoint the
---running handler belongs to (or the spawning one), else the newest in-memory
---network, else the real one.
---@param seconds number
---@return true? slept
---@return sipsession.error? err invalid_operation "not_yieldable"
function sip.sleep(seconds) end

---Runs fn in a coroutine of its own, until it first yields. Its errors go to
---the "error" handlers of the endpoint whose handler spawned it, else to
---stderr.
---@param fn function
---@param ... any arguments of fn
---@return thread
function sip.spawn(fn, ...) end

---For embedding in another event loop: a file descriptor that turns readable
---when a turn is due, for I/O or for time. Then call sip.run("nowait").
---@return integer
function sip.pollfd() end

---Seconds until the next timer, or nil; for loops that would rather not poll
---on time. 0: a turn is due.
---@return number?
function sip.timeout() end

---A message as a log may have it, as from the event "message": controls but for
---the CRLF between lines, C1 controls, what turns the writing direction and
---what isn't UTF-8 are written \xNN, and of Authorization, Proxy-Authorization,
---Authentication-Info and Proxy-Authentication-Info all but the scheme is
---hidden. To be read, not to be parsed again.
---@param text string
---@return string
function sip.printable(text) end

-----------------------------------------------------------------------------
-- Endpoint
-----------------------------------------------------------------------------

---@class sipsession.endpoint
---@field addresses string[] as bound; stays readable when it is closed
---@field sessions integer number of live sessions
---@field uri string own identity
---@field user_agent string
---@field media sipsession.media? default for its sessions; writable
---@field reliable sipsession.reliability writable, for INVITEs to come
---@field is_closed boolean or closing
local endpoint = {}

---Adds a handler; several are called in order, each in a coroutine of its own.
---"session_received"(session): a call came in. The handler starts after all
---that was read with the INVITE: a call that was cancelled meanwhile isn't
---announced. If it dies before it answered, the call gets 500.
---"error"(err, traceback): an error in any handler of the endpoint or its
---sessions; default: stderr. An uncaught error object with reason "cancelled"
---or "terminated_after_200" just ends its handler, unless its own caller gets a
---500 for it.
---"message"(direction, text, address): every message on the wire, "in" or
---"out", as received or sent.
---"ended"(session, record): a call has ended; exactly once for each that came
---in, also for one that was cancelled before session_received, or that nobody
---took. After its "disconnected", the completion of its accept, and its own
---"ended" handlers. Not for calls that go down with their network, or with the
---script's own end.
---"stalled"(traceback, seconds): a handler of the endpoint or its sessions has
---not returned to the loop for stall_timeout, and every other call waits;
---once, while it is still at it. Default: stderr. One that is in a function
---in C or in a coroutine of its own is told of on stderr first, and here when
---that has returned.
---@param event "session_received"|"error"|"message"|"ended"|"stalled"
---@param fn function
---@return function remove takes the handler away; idempotent
function endpoint:on(event, fn) end

---Ends its sessions as terminate does (pending operations fail with reason
---"endpoint_closed"), and closes the sockets when nobody waits for anything,
---after close_timeout at the latest. Idempotent; also by <close>.
---@param headers? sipsession.headers for the BYEs and refusals
function endpoint:close(headers) end

---Counters since the start: calls by outcome, messages, retransmissions, what
---was refused by reason; in `alive` what is there now.
---@return sipsession.stats
function endpoint:stats() end

---@class sipsession.stats
---@field calls_received integer
---@field calls_answered integer
---@field calls_connected integer
---@field calls_rejected integer
---@field calls_redirected integer
---@field calls_cancelled integer
---Nobody answered for connect_timeout, or Expires passed
---@field calls_timed_out integer
---@field calls_unacknowledged integer no ACK within 64*T1
---@field calls_unhandled integer no session_received handler
---@field calls_failed integer
---@field messages_in integer
---@field messages_out integer
---@field requests_in integer
---@field responses_in integer
---@field retransmissions_in integer
---@field retransmissions_out integer
---@field refused_syntax integer 400
---@field refused_limit integer 400, 413, 414 or 513, by the limit
---@field refused_unanswerable integer dropped: nobody to answer
---@field refused_overload integer 503
---@field refused_guesses integer requests over limits.guesses_per_source
---@field refused_rate integer INVITEs over limits.invites_per_source
---@field refused_size integer a stream's message over message_size
---@field refused_length integer a stream's Content-Length
---@field refused_slow integer a stream's message over message_time
---@field refused_idle integer a stream over connection_idle
---@field refused_backlog integer a stream over connection_backlog
---@field refused_connections integer over connections, or no descriptor left
---@field refused_merged integer 482
---@field refused_no_dialog integer 481
---@field refused_no_transaction integer 481 to a CANCEL
---@field refused_method integer 405, 501
---@field refused_extension integer 420
---@field refused_media_type integer 415
---@field refused_scheme integer 416
---@field refused_version integer 505
---@field refused_interval integer 422, a session timer
---@field refused_source integer not in `allow`
---@field challenged integer 401 to a request without credentials
---Credentials that were no good, or not for that call: 401, 403
---@field refused_credentials integer
---@field stray_responses integer
---@field stray_acks integer those of challenges too
---@field send_errors integer
---@field out_of_memory integer
---Sessions: integer, lingering: integer, dialogs: integer, transactions:
---integer, connections: integer }
---@field alive {

-----------------------------------------------------------------------------
-- Session
-----------------------------------------------------------------------------

---A call (UCMA: SignalingSession). Readable at any time, also after its end.
---@class sipsession.session
---@field state sipsession.state may be ahead of the event being handled
---@field is_incoming boolean
---@field call_id string
---@field from_tag string? of the From header: the caller's (nil: RFC 2543)
---@field to_tag string of the To header: ours
---@field request_uri string
---@field remote_participant sipsession.participant from the From header
---@field local_participant sipsession.participant from the To header
---@field remote_address string "udp:127.0.0.1:5061": where the INVITE came from
---Where a request of ours (a BYE) would go now, by the caller's Contact and
---Record-Route as far as they are followed (see targets); nil: it is over. A
---re-INVITE or UPDATE moves it (RFC 3261 12.2.1.1, 12.2.2)
---@field next_hop string?
---@field request sipsession.message the INVITE
---@field offer string? its body, or the part of it, that is SDP
---@field local_description string? our SDP in force: offer and answer agreed
---@field remote_description string? theirs
---@field held boolean hold() was successful, and no resume() since
---@field user string? whose call it is, where the endpoint has `auth`
---@field endpoint sipsession.endpoint
---@field record sipsession.record? once its state is "disconnected"
---@field media sipsession.media? writable; nil: the endpoint's
---As given to the endpoint until it is set. Writable until the 200 is sent,
---after that it raises; after the end it does nothing. The minimum holds for
---what comes after it was set.
---@field session_timer sipsession.session_timer|false|nil
---@field data any writable; the script's own
local session = {}

---@class sipsession.participant
---@field uri string
---@field display_name string?
---@field tag string?

---@alias sipsession.state
---| "idle"
---| "incoming" the INVITE is not answered
---| "connecting" an accept has begun
---| "alerted"
---| "connected" the ACK came
---| "redirecting"
---| "disconnected" over

---@alias sipsession.reason
---| "none"
---| "declined"
---| "canceled" the caller gave up
---| "terminated_locally" reject, redirect, terminate or close
---| "terminated_remotely" BYE
---| "busy"
---| "temporarily_unavailable"
---| "not_acceptable"
---| "not_acceptable_media" the negotiator failed or gave nothing
---| "timeout" no ACK, or nobody answered
---| "unreachable" the connection was lost
---| "session_timer_expired"
---| "session_does_not_exist"

---@class sipsession.change
---@field previous sipsession.state
---@field state sipsession.state
---@field reason sipsession.reason
---@field code integer? of the response that went with it
---@field message sipsession.message? the CANCEL, BYE or ACK that caused it
---@field cause sipsession.cause? that message's Reason header

---A Reason header (RFC 3326): the peer's word on why it sent this. Of several
---values the first whose protocol is Q.850 or SIP, else the first; the others
---are in message:headers "Reason".
---@class sipsession.cause
---@field protocol string "Q.850" and "SIP" like this, others as written
---@field cause integer? 16 is normal call clearing in Q.850
---@field text string?

---A call detail record: one table for each call, which all handlers share.
---Times are seconds on the endpoint's clock, that of message.time.
---@class sipsession.record
---@field started number the INVITE came
---@field answered number? the 200 was sent; nil if it was never connected
---@field ended number
---@field duration number from answered to ended; 0 if it was never connected
---@field at integer? os.time of the start; nil on a network in memory
---@field from string? the caller's URI
---@field to string the Request-URI
---@field call_id string
---@field outcome sipsession.outcome
---@field code integer? the final response to the INVITE; nil if none was sent
---@field reason sipsession.reason as of the transition to "disconnected"
---@field cause sipsession.cause? the Reason header of the CANCEL or BYE

---@alias sipsession.outcome
---| "connected" the ACK came, whatever ended the call
---| "cancelled" the caller gave up before that: CANCEL or BYE
---| "rejected" reject, terminate or close, before an accept
---| "redirected"
---| "unhandled" no session_received handler: unhandled_code
---| "timeout" nobody answered (code 408 or 487), or no ACK came (code 200)
---| "unreachable" the connection was lost
---Its negotiator failed, or the script ended it while it was pending
---| "failed" an accept that came to nothing

---@class sipsession.options
---@field headers? sipsession.headers
---@field reason? string the reason phrase
---@field sdp? string a description
---With content_type, in place of a description: a 200 whose body has none goes
---without, whatever the negotiator would say
---@field body? string
---@field content_type? string "type/subtype", with body

---@alias sipsession.ended
---| fun(session: sipsession.session, record: sipsession.record)

---Adds a handler; see endpoint:on. What is set inside session_received misses
---nothing. Nothing is delivered after "disconnected", save the completion of a
---pending accept, and then "ended"(session, record), once, before the
---endpoint's. (UCMA: StateChanged)
---"reinvite"(session, request): a re-INVITE has come, or an UPDATE with an
---offer (request.method). To know of it only: it is answered by way of
---session.media, and may yet be refused.
---"message_received"(session, request): an INFO or MESSAGE, to be answered by
---request:respond; otherwise it gets a 200 when all handlers have ended, a 500
---if one of them died. Without a handler 200, but 469 to an INFO of a package
---(RFC 6086). Those that wait when the call ends get 487.
---"dtmf"(session, digit, duration): an INFO with a digit (0-9 A-D * # and !,
---a hook flash) of application/dtmf-relay or application/dtmf; duration in
---seconds, nil if it isn't given. Answered 200. With no such handler, or where
---there is no digit in it, it is a "message_received".
---"refer_received"(session, referral): they want us to go elsewhere: accept or
---reject that before all handlers have ended, or it gets a 603 (500 if one of
---them died); without a handler 603.
---"refer_notified"(session, code, reason, request): what has become of our
---REFER, in a NOTIFY; code and reason are nil in a last one that says nothing.
---These come also after the call's end, until one has a code from 200 on.
---@param event "state_changed"
---@param fn fun(session: sipsession.session, change: sipsession.change)
---@return function remove
---@overload fun(self, event: "ended", fn: sipsession.ended): function
---@overload fun(self, event: "reinvite", fn: sipsession.requested): function
---@overload fun(self, event: "message_received", fn: sipsession.requested)
---@overload fun(self, event: "dtmf", fn: sipsession.digit): function
---@overload fun(self, event: "refer_received", fn: sipsession.referred)
---@overload fun(self, event: "refer_notified", fn: sipsession.notified)
function session:on(event, fn) end

---@alias sipsession.requested
---| fun(session: sipsession.session, request: sipsession.message)
---@alias sipsession.digit
---| fun(session: sipsession.session, digit: string, duration: number?)
---@alias sipsession.referred
---| fun(session: sipsession.session, referral: sipsession.referral)
---@alias sipsession.notified
---| fun(s: sipsession.session, code: integer?, reason: string?, request)

---Accepts the call and waits for the ACK: yields in a coroutine, elsewhere runs
---the loop (RFC 3261 13.3.1.4; UCMA: BeginParticipate, EndParticipate). One
---accept, reject or CANCEL wins: whichever came first. Errors:
---invalid_operation, at once, nothing was sent: "cancelled",
---"already_participating", "terminated", "endpoint_closed", "not_yieldable";
---operation_failure: "cancelled", "terminated_after_200", "terminated",
---"media", "endpoint_closed"; operation_timeout: no ACK within 64*T1, or no
---PRACK; connection_failure: the connection was lost.
---Where a reliable progress has carried a description, that one stands: the
---200 has none, `sdp` is left out, no negotiator is asked (RFC 3262 5); and it
---waits for the PRACK. Provisionals that still wait are dropped. Where another
---progress has answered the INVITE's offer the 200 says that again, but for
---`sdp` (RFC 3261 13.2.1).
---@param options? sipsession.options
---@return sipsession.message? ack
---@return sipsession.error? err
function session:participate(options) end

---@alias sipsession.completion
---| fun(ack: sipsession.message?, err: sipsession.error?)

---Accepts the call; fn(ack | nil, err) is called once, in a coroutine of its
---own, with what participate returns.
---@param options sipsession.options
---@param fn sipsession.completion
---@return true? begun
---@return sipsession.error? err invalid_operation: fn isn't called
---@overload fun(self, fn: sipsession.completion): true?, sipsession.error?
function session:participate_async(options, fn) end

---@class sipsession.progress_options: sipsession.options
---True: acknowledged by the caller, or an error; "auto": if the caller can
---@field reliable? boolean|"auto"

---Answers with a provisional response (RFC 3261 13.3.1.1), which is repeated
---each minute. Where `reliable` is true or "auto" and the caller knows 100rel,
---it waits, as participate does, for the caller's PRACK (RFC 3262); if none
---comes in 64*T1 the INVITE is answered 504, and the reason is "timeout".
---What the first one says to the INVITE's offer is the answer for the caller,
---reliable or not (RFC 3261 13.2.1), and participate says it again.
---Where the caller or the endpoint requires it all of them are reliable, and
---waited for only if `reliable` says so. They go one at a time: while the PRACK
---of one is awaited the next 16 wait, reliable or not. A reliable one with a
---description answers the INVITE's offer for good; one without, to an INVITE
---that had no offer, gets one from the negotiator, or the library's own.
---Errors: invalid_operation, as participate, and "not_supported": the caller
---doesn't know 100rel, nothing was sent; operation_timeout: no PRACK;
---operation_failure: "cancelled", "terminated", "endpoint_closed";
---"already_participating": that came first; "media": the negotiator; "pending":
---too many wait; no reason: it doesn't fit a message; connection_failure.
---@param code? integer 101-199; 180
---@param options? sipsession.progress_options
---@return true? sent
---@return sipsession.error? err
function session:progress(code, options) end

---@class sipsession.refusal
---@field code integer 400-699
---@field headers? sipsession.headers
---@field reason? string
---@field body? string
---@field content_type? string

---Declines the call (RFC 3261 13.3.1.3; UCMA: Reject). Errors:
---invalid_operation, as participate; operation_failure: what was given doesn't
---fit a message, nothing was sent.
---@param code integer 400-699
---@param headers? sipsession.headers
---@param reason? string the reason phrase
---@return true? rejected
---@return sipsession.error? err
---@overload fun(self, options: sipsession.refusal): true?, sipsession.error?
function session:reject(code, headers, reason) end

---Sends the caller elsewhere (RFC 3261 13.3.1.2; UCMA: Forward). Errors: as
---reject.
---@param targets string|string[] URIs, or name-addrs with parameters
---@param code? integer 300-399; 302
---@param headers? sipsession.headers
---@return true? redirected
---@return sipsession.error? err
function session:redirect(targets, code, headers) end

---Ends the call, in any state, at once; idempotent (RFC 3261 15; UCMA:
---Terminate). One not answered yet gets terminate_code, a connected one a BYE;
---one whose ACK is awaited gets the BYE when that came or 64*T1 passed.
---@param headers? sipsession.headers
---@return true
function session:terminate(headers) end

---@class sipsession.sending
---@field headers? sipsession.headers
---@field sdp? string a description
---@field body? string with content_type
---@field content_type? string "type/subtype", with body

---Sends a request within the connected call and waits for its answer: yields
---in a coroutine, elsewhere runs the loop (RFC 3261 12.2.1; UCMA: SendMessage,
---SendInfo). An answer of 481 or 408, or none, ends the call too (RFC 5057).
---Errors: invalid_operation, nothing was sent: "not_connected", "terminated",
---"endpoint_closed", "not_yieldable"; failure_response: err.code,
---err.response; operation_timeout: no answer within 64*T1; operation_failure:
---"terminated", "endpoint_closed": the call ended meanwhile;
---connection_failure.
---@param method string any but INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, REFER
---@param options? sipsession.sending
---@return sipsession.message? response a 2xx
---@return sipsession.error? err
function session:send(method, options) end

---@alias sipsession.answered
---| fun(response: sipsession.message?, err: sipsession.error?)

---Likewise; fn(response | nil, err) is called once, in a coroutine of its own,
---with what send returns.
---@param method string
---@param options sipsession.sending
---@param fn sipsession.answered
---@return true? begun
---@return sipsession.error? err invalid_operation: fn isn't called
---@overload fun(self, method: string, fn: sipsession.answered): true?
function session:send_async(method, options, fn) end

---@class sipsession.renewal
---@field headers? sipsession.headers
---@field sdp? string the offer, else the negotiator's, else the last again
---@field body? string with content_type; may be multipart, with an offer in it
---@field content_type? string "type/subtype", with body
---@field method? "INVITE"|"UPDATE"
---false: none. A re-INVITE then gets theirs in the 2xx, which is answered in
---the ACK; an UPDATE only refreshes.
---@field offer? boolean

---Renews the connected call: our re-INVITE (RFC 3261 14.1) or UPDATE (RFC
---3311), and waits for its end: yields in a coroutine, elsewhere runs the loop
---(UCMA: Renegotiate). Without a description the negotiator's get_offer is
---asked; without that, what was said last is said again. Glare (491) is waited
---out, up to ten times. What is refused leaves the call as it was; 481, 408 or
---no answer end it.
---Errors: invalid_operation, nothing was sent: "not_connected", "pending"
---(another one of ours), "terminated", "endpoint_closed", "not_yieldable";
---failure_response: err.code, err.response; operation_timeout: no answer;
---operation_failure: "media" (the negotiator failed, or the 2xx had no answer
---that fits), "terminated", "endpoint_closed"; connection_failure.
---@param options? sipsession.renewal
---@return sipsession.message? response the 2xx
---@return sipsession.error? err
function session:renegotiate(options) end

---Likewise; fn(response | nil, err) is called once, in a coroutine of its own.
---@param options sipsession.renewal
---@param fn sipsession.answered
---@return true? begun
---@return sipsession.error? err invalid_operation: fn isn't called
---@overload fun(self, fn: sipsession.answered): true?
function session:renegotiate_async(options, fn) end

---@class sipsession.holding
---@field headers? sipsession.headers

---Puts the other side on hold: re-INVITE with what was said last, each stream
---without receiving (sendonly, or inactive; RFC 3264 8.4). No negotiator makes
---it, but it is told the answer. Stays through their offers, where the library
---answers them. Results and errors as of renegotiate.
---@param options? sipsession.holding
---@return sipsession.message? response the 2xx
---@return sipsession.error? err
function session:hold(options) end

---@param options sipsession.holding
---@param fn sipsession.answered
---@return true? begun
---@return sipsession.error? err
---@overload fun(self, fn: sipsession.answered): true?
function session:hold_async(options, fn) end

---Ends that: what was said last, with its own directions again.
---@param options? sipsession.holding
---@return sipsession.message? response the 2xx
---@return sipsession.error? err
function session:resume(options) end

---@param options sipsession.holding
---@param fn sipsession.answered
---@return true? begun
---@return sipsession.error? err
---@overload fun(self, fn: sipsession.answered): true?
function session:resume_async(options, fn) end

---@class sipsession.refer_options
---@field headers? sipsession.headers
---Another call of this process, that the new one is to replace: an attended
---transfer (RFC 3891)
---@field replaces? sipsession.session
---A URI or name-addr for Referred-By (RFC 3892), false: none; our own URI
---@field referred_by? string|false
---@field subscribe? boolean false: no NOTIFYs, please (RFC 4488)

---Asks the other side to call `target`, within the connected call (RFC 3515;
---UCMA: BeginTransfer), and waits for its answer: yields in a coroutine,
---elsewhere runs the loop. What becomes of it comes as "refer_notified". The
---call goes on; terminate it when you like. Errors as of send; also
---invalid_operation "not_connected", "terminated" where `replaces` is no
---connected call.
---@param target string a URI
---@param options? sipsession.refer_options
---@return sipsession.message? response a 2xx
---@return sipsession.error? err
function session:refer(target, options) end

---Likewise; fn(response | nil, err) is called once, in a coroutine of its own.
---@param target string
---@param options sipsession.refer_options
---@param fn sipsession.answered
---@return true? begun
---@return sipsession.error? err invalid_operation: fn isn't called
---@overload fun(self, target: string, fn: sipsession.answered): true?
function session:refer_async(target, options, fn) end

---A REFER that came in a call (RFC 3515; UCMA: TransferReceived). Following it
---is the script's business; the library tells the other side what the script
---says of it.
---@class sipsession.referral
---@field target string the URI that we are referred to, headers included
---@field refer_to string the whole Refer-To
---@field referred_by string? the Referred-By
---@field replaces string? of the URI's headers (RFC 3891), unescaped
---@field request sipsession.message the REFER
local referral = {}

---Accepts: 202, and a NOTIFY that says 100; 200 and none where they want no
---NOTIFYs (Refer-Sub: false).
---@param options? { headers: sipsession.headers }|sipsession.headers
---@return true? accepted
---@return sipsession.error? err invalid_operation "answered", "terminated"
function referral:accept(options) end

---@param code integer 300-699
---@param options? { headers: sipsession.headers }|sipsession.headers
---@return true? rejected
---@return sipsession.error? err invalid_operation "answered", "terminated"
function referral:reject(code, options) end

---Tells what has become of it, by a NOTIFY, and waits for its answer: yields in
---a coroutine, elsewhere runs the loop. Works when the call has ended, too. One
---from 200 on is the last; without one the library says within 60 s that it is
---over. Errors: invalid_operation "terminated": the subscription is over, or
---there is none, "not_yieldable"; failure_response, operation_timeout,
---connection_failure: it is over now; operation_failure "endpoint_closed".
---@param code integer 100-699
---@param reason? string the reason phrase
---@return true? notified
---@return sipsession.error? err
function referral:notify(code, reason) end

---A negotiator (UCMA: OfferAnswerNegotiation), for INVITE, re-INVITE, UPDATE,
---PRACK and renegotiate. Its functions run in coroutines of their own and may
---yield; BYE and CANCEL win meanwhile. An UPDATE waits 32*T1 for it: 504; an
---accept whose ACK came, and a renegotiate, 64*T1: "media".
---Without one the library says again what was said last, with the directions
---of RFC 3264 6.1. An empty table is asked nothing, other fields aren't read.
---@class sipsession.media
---nil refuses the request with 488, an error with 500; a call that stands stays
---as it was
---@field get_answer? fun(session: sipsession.session, offer: string): string?
---The INVITE or re-INVITE had no offer: ours goes into the 200. Or it is our
---renegotiate.
---@field get_offer? fun(session: sipsession.session): string?
---The answer to that; nil: it had none that fits. Where it raises, an accept
---ends with BYE and "media", a renegotiate with "media".
---@field set_answer? fun(session: sipsession.session, answer: string?)

-----------------------------------------------------------------------------
-- Message, error
-----------------------------------------------------------------------------

---A message that was received. tostring(message) is its text as it came.
---@class sipsession.message
---@field method string? of a request
---@field uri string? of a request
---@field code integer? of a response
---@field reason string? of a response
---@field body string? nil when it has none
---@field content_type string? as written, with its parameters
---@field time number seconds on the receiver's clock
local message = {}

---The first value of a header; any case, compact forms too (RFC 3261 7.3.3).
---@param name string
---@return string?
function message:header(name) end

---Every value of a header as a list; without a name every header as a list of
---{name, value}, in order and as written.
---@param name? string
---@return string[]|table[]
function message:headers(name) end

---Answers the request of a "message_received" event.
---@param code integer 200-699
---@param options? sipsession.options
---@return true? answered
---@return sipsession.error? err invalid_operation "answered", "terminated"
function message:respond(code, options) end

---What happened to a correct script. tostring(err) is a line for a log.
---@class sipsession.error
---@field kind sipsession.error_kind
---@field reason string? finer; see the verbs
---@field message string
---@field code integer? of a failure_response
---@field response sipsession.message? of a failure_response
local err = {}

---@alias sipsession.error_kind
---| "invalid_operation" InvalidOperationException: it can't do that now
---| "operation_timeout" OperationTimeoutException: no ACK, or no answer to us
---| "failure_response" FailureResponseException: a 3xx-6xx
---| "operation_failure" OperationFailureException
---| "connection_failure" ConnectionFailureException
---| "tls_failure" TlsFailureException
---| "authentication" AuthenticationException

---Of UCMA's RealTimeException family: every kind but invalid_operation.
---@return boolean
function err:is_realtime() end

-----------------------------------------------------------------------------
-- sipsession.sdp
-----------------------------------------------------------------------------

---@class sipsession.sdp
local sdp = {}

---@alias sipsession.sdp.direction "sendrecv"|"sendonly"|"recvonly"|"inactive"

---@class sipsession.sdp.options
---@field address string where our media is: an IP address or a host name
---@field audio? sipsession.sdp.stream|sipsession.sdp.stream[]
---@field video? sipsession.sdp.stream|sipsession.sdp.stream[]
---What this side sent last in this call: o= stays the same, and its version
---goes up by one if anything is another (RFC 3264 8). Without it an answer's
---session id and version follow from the offer's.
---@field previous? string|sipsession.sdp.description
---The value of o=, or fields of it; goes before `previous`
---@field origin? string|sipsession.sdp.origin
---@field session_id? integer as origin.session_id
---@field version? integer as origin.version
---@field name? string for s=; default that of `previous`, "-"

---@class sipsession.sdp.origin
---@field username? string
---@field session_id? integer
---@field version? integer
---@field address? string

---@class sipsession.sdp.stream
---@field port integer
---"PCMU", "opus/48000/2", "telephone-event" …: what is given of name, clock
---rate and channels has to be equal. Names of one clock rate, like PCMU and
---opus, mean that one. Events and comfort noise are taken beside a codec of
---their clock rate, if they are in the list.
---@field codecs string[]
---@field direction? sipsession.sdp.direction as far as we go
---@field ptime? integer milliseconds; of an answer: default the offer's
---@field maxptime? integer milliseconds

---A description that was read. Fields may be changed: tostring writes them as
---they are then, each line in its place (RFC 4566 5), and raises on a value
---that can't stand there. rtpmap and fmtp are what `attributes` say; tostring
---goes by `attributes`.
---@class sipsession.sdp.description
---@field origin string? the value of o=
---@field name string? of s=
---@field time string? of the first t=
---@field connection sipsession.sdp.connection?
---@field attributes sipsession.sdp.attribute[] the session's
---@field media sipsession.sdp.media[]
---i=, u=, e=, p=, b=, r=, z= and what is more of t=
---@field lines { type: string, value: string }[]
---Lines with no meaning here; not written: who meets one in a description has
---to ignore all of it (RFC 4566 5)
---@field unknown string[]
local read = {}

---The direction of a stream as it is meant: inactive where it is refused, and
---with the connection address 0.0.0.0 nothing is to be sent (RFC 3264 8.4).
---@param i? integer default the first
---@return sipsession.sdp.direction? direction nil: there is no such stream
function read:direction(i) end

---The value of the first attribute of that name, "" for a flag; streams have
---it too.
---@param name string
---@return string?
function read:attribute(name) end

---@class sipsession.sdp.media
---@field type string "audio"
---@field port integer 0: refused
---@field ports integer
---@field protocol string "RTP/AVP"
---@field formats string[]
---By format, the static ones of RFC 3551 too
---@field rtpmap table<string, sipsession.sdp.codec>
---@field fmtp table<string, string>
---@field direction sipsession.sdp.direction its own, the session's, sendrecv
---@field connection sipsession.sdp.connection? its own or the session's
---@field attributes sipsession.sdp.attribute[]
---@field lines { type: string, value: string }[] i=, b= and what is more of c=

---@alias sipsession.sdp.codec
---| { encoding: string, rate: integer, channels: integer }

---@alias sipsession.sdp.attribute { name: string, value: string? }

---@class sipsession.sdp.connection
---@field network string? "IN"
---@field family string "IP4", "IP6"
---@field address string
---@field suffix string? of a multicast address, "/127"

---Builds the answer to an offer: every stream in its place, ours matched
---against it with the offer's payload numbers and parameters, the others
---refused (RFC 3264 6). Raises on wrong options.
---@param offer string|sipsession.sdp.description|nil
---@param options sipsession.sdp.options
---@return string? answer
---@return sipsession.error? err operation_failure "media": it is no
---description, or nothing is in common
function sdp.answer(offer, options) end

---Builds an offer with our streams (RFC 3264 5). With `previous` each stream
---keeps its place and its payload numbers; what we have no more is refused.
---@param options sipsession.sdp.options
---@return string
function sdp.offer(options) end

---The description this side sent last, as the offer that puts the peer on hold
---(RFC 3264 8.4): no stream receives, and the version is one higher.
---@param description string|sipsession.sdp.description|nil
---@return string? offer
---@return sipsession.error? err operation_failure "media": it is none
function sdp.hold(description) end

---The same, for taking the peer off hold: every stream receives again.
---@param description string|sipsession.sdp.description|nil
---@return string? offer
---@return sipsession.error? err operation_failure "media": it is none
function sdp.resume(description) end

---Takes a description apart (RFC 4566, 8866). Forgives what can be: line ends,
---spacing, order, lines that are missing. At most 64 streams and 2,000 lines.
---@param text string?
---@return sipsession.sdp.description? description
---@return sipsession.error? err operation_failure "media": it doesn't begin
---with v=0, has a NUL, is too long, or an m= line has no type, port, protocol
function sdp.parse(text) end

-----------------------------------------------------------------------------
-- sipsession.luv
-----------------------------------------------------------------------------

---@class sipsession.luv
local luv = {}

---Drives sipsession from luv's loop (uv.run), which goes on as long as
---sipsession has something to wait for. Idempotent. Raises without luv.
function luv.attach() end

---Stops driving it; sip.run() works again. Idempotent.
function luv.detach() end

-----------------------------------------------------------------------------
-- sipsession.rtpengine
-----------------------------------------------------------------------------

---@class sipsession.rtpengine
local rtpengine = {}

---@class sipsession.rtpengine.options
---@field address string "127.0.0.1:2223", "[::1]:2223": where it listens for ng
---@field timeout? number seconds until a command is sent again; 0.5
---@field tries? integer how often a command is sent in all; 4

---A client of one rtpengine, on luv's loop. Must be closed; keeps uv.run()
---going only while it waits for a reply. Raises without luv.
---@param options sipsession.rtpengine.options
---@return sipsession.rtpengine.client?
---@return sipsession.rtpengine.error? err connection_failure
function rtpengine.client(options) end

---@class sipsession.rtpengine.client
---@field address string
---@field is_closed boolean
local client = {}

---Sends a command of the ng protocol and waits for the reply: yields in a
---coroutine, else runs luv's loop. Commands with the same call-id are sent in
---order, each once the one before it has ended. Repeats carry the same cookie,
---so that rtpengine carries out a command once.
---@param name string "offer", "answer", "play media", "delete" …
---Strings, integers, lists and dictionaries of them; `session` stands for a
---session's call-id, from-tag (the caller's) and to-tag
---@param arguments? table
---@return table? reply with result "ok" or "pong"
---@return sipsession.rtpengine.error? err
function client:command(name, arguments) end

---The same without waiting: fn(reply) or fn(nil, err) is called once, in a
---coroutine of its own.
---@param name string
---@param arguments? table
---@param fn? fun(reply: table?, err: sipsession.rtpengine.error?)
---@return true?
---@return sipsession.rtpengine.error? err closed
function client:command_async(name, arguments, fn) end

---Ends what is under way with an operation_failure "closed". Also <close>.
function client:close() end

---failure_response: rtpengine said no (reason "load_limit": it is full);
---operation_timeout: no reply to any try; connection_failure: nobody is there;
---operation_failure "malformed_reply", "closed"; invalid_operation "closed",
---"not_yieldable". tostring(err) is a line for a log.
---@class sipsession.rtpengine.error
---@field kind sipsession.error_kind
---@field reason string?
---@field message string
---@field response table? the reply, of a failure_response
local ngerr = {}

---@return boolean
function ngerr:is_realtime() end

-----------------------------------------------------------------------------
-- sipsession.bencode
-----------------------------------------------------------------------------

---@class sipsession.bencode
local bencode = {}

---Raises for what bencode has no place for: a float, a boolean, a list with
---holes.
---@param value string|integer|table keys that are names: a dictionary
---@return string
function bencode.encode(value) end

---Takes any bytes.
---@param text string
---@return string|integer|table|nil value
---@return string? why
function bencode.decode(text) end

-----------------------------------------------------------------------------
-- sipsession.testing
-----------------------------------------------------------------------------

---@class sipsession.testing
local testing = {}

---An in-memory network with its own clock, which stands still until something
---advances it.
---@param options? { seed?: integer, trace?: boolean }
---@return sipsession.testing.network
function testing.network(options) end

---@class sipsession.testing.network
local network = {}

---A scripted peer. auto: it answers every request with 200 and acknowledges
---every final response.
---@param address string "udp:10.0.0.2:5060"
---@param options? { auto?: boolean }
---@return sipsession.testing.peer
function network:peer(address, options) end

---The network's time in seconds.
---@return number
function network:time() end

---Runs everything that is due within that time, in order.
---@param seconds number
function network:advance(seconds) end

---Runs the network until condition() gives something.
---@param condition fun(): any
---@param seconds? number 40
---@return any? what condition() gave, or nil
function network:wait(condition, seconds) end

---@class sipsession.testing.impairment
---@field loss? number probability, as the next two
---@field duplicate? number
---@field reorder? number
---@field delay? number seconds

---What goes wrong from now on; what isn't named doesn't. Streams are only
---delayed.
---@param how sipsession.testing.impairment
function network:impair(how) end

---Loses every message that fn returns true for. fn is asked when the message
---leaves: at once for a peer's, when the handlers have run for an endpoint's.
---It can't wait, nor advance or close the network.
---@param fn fun(m: sipsession.message, from: string, to: string): boolean?
---@return function remove
function network:drop(fn) end

---What was sent so far as a ladder; labels are as sip.printable makes them.
---@param width? integer
---@return string
function network:trace(width) end

---What is alive: sessions, transactions, timers …; all 0 after a clean end.
---@return table<string, integer>
function network:leftovers() end

---Ends it, with the endpoints on it. Idempotent.
function network:close() end

---@class sipsession.testing.peer
local peer = {}

---Sends any bytes, to the last address it talked to where none is given.
---@param bytes string
---@param address? string
---@return true? sent
---@return string? why
function peer:send(bytes, address) end

---The next message that came and wasn't handed out yet; waits in virtual time.
---@param seconds? number 40
---@return sipsession.message?
function peer:receive(seconds) end

---Sends an INVITE. Options: to, from, request_uri, sdp, or body with
---content_type, headers, call_id, branch, cseq, from_tag, contact, transport,
---address, auto, auth ({ user =, password = }).
---@param options table
---@return sipsession.testing.call
function peer:invite(options) end

---Answers a request that was received. `options` are headers, or a table with
---any of headers, sdp, body, content_type, and reason and contact beside them.
---@param request sipsession.message
---@param code integer
---@param options? table
---@param description? string
---@return true? sent
---@return string? why
function peer:reply(request, code, options, description) end

---Ends its connection to that address.
---@param address? string
function peer:shut(address) end

---Takes it off the network.
function peer:close() end

---@class sipsession.testing.call
---Every response so far, each with its time
---@field responses sipsession.message[]
local call = {}

---The next message of the call with that code or method; waits in virtual time.
---@param what? integer|string
---@param seconds? number 40
---@return sipsession.message? message
---@return string? what came instead
function call:wait(what, seconds) end

---Acknowledges the last final response.
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:ack(options) end

---Cancels the INVITE.
---@param headers? table
---@return sipsession.message? sent
---@return string? why
function call:cancel(headers) end

---Hangs up.
---@param headers? table
---@return sipsession.message? sent
---@return string? why
function call:bye(headers) end

---Acknowledges a reliable provisional response: the last one, or that one
---(RFC 3262).
---@param response? sipsession.message
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:prack(response, options) end

---Sends a re-INVITE, with an offer in options.sdp or without.
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:reinvite(options) end

---Sends an UPDATE (RFC 3311).
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:update(options) end

---Sends any request within the call.
---@param method string
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:request(method, options) end

---Sends the last request again, with the next CSeq and credentials for the 401
---to it, after the ACK of that where it is an INVITE. Options: what is to be
---put in otherwise: user, password, algorithm, uri, method, nc, cnonce, realm,
---nonce, response, qop; false leaves one out.
---@param options? table
---@return sipsession.message? sent
---@return string? why
function call:authenticate(options) end

---Such credentials for a request with that method, as a header's value.
---@param method string
---@param options? table
---@return string
function call:authorization(method, options) end

---Sends the very bytes of the last request (with that method) again.
---@param method? string
function call:retransmit(method) end

---Answers a request of the other side: peer:reply, and with a Contact where a
---re-INVITE or UPDATE is accepted.
---@param request sipsession.message
---@param code integer
---@param options? table
---@param description? string
---@return true? sent
---@return string? why
function call:reply(request, code, options, description) end

return sip
