-- What runs while memory is short: the ways a call goes, each with a script
-- and a caller, and the parts that need no call. A caller gives up where the
-- next step makes no sense; it returns true where all went as it should, which
-- is demanded when nothing has failed.

local memory, directory = _G.memory, _G.directory
local sip = require "sipsession"
local testing = require "sipsession.testing"

local function sdp(lines)
  return table.concat(lines, "\r\n") .. "\r\n"
end

local OFFER = sdp {
  "v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-", "c=IN IP4 10.0.0.2", "t=0 0",
  "m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000",
}
local ANSWER = sdp {
  "v=0", "o=- 7 1 IN IP4 10.0.0.1", "s=-", "c=IN IP4 10.0.0.1", "t=0 0",
  "m=audio 5000 RTP/AVP 0",
}

local names, bodies = {}, {}
bodies.names = names

local function body(name)
  return function(what)
    names[#names + 1] = name
    bodies[name] = what
  end
end

local function invite(w, options)
  options = options or {}
  options.to = "sip:desk@10.0.0.1"
  if options.sdp == nil then
    options.sdp = OFFER
  elseif not options.sdp then
    options.sdp = nil
  end
  return w.caller:invite(options)
end

-- Calls, is accepted and acknowledges.
local function connect(w, options)
  local call = invite(w, options)
  if not call:wait(200) then
    return nil
  end
  call:ack()
  w.network:advance(0)
  return call
end

local function hang_up(call)
  call:bye()
  return call:wait(200) and true
end

-- What a verb gave; `want` is the error's kind, or nil for success.
local function check(w, value, err, want)
  if not value then
    w:given(err)
  end
  if want then
    return not value and err.kind == want
  end
  return value and true
end

-- --- the ways a call goes ---------------------------------------------------

body "accepted" {
  script = function(session, w)
    session:on("ended", function(_, record)
      w:once("ended " .. record.call_id)
    end)
    session:progress(180, { headers = { ["X-Floor"] = { "1", "2" } } })
    w.done = check(w, session:participate {
      sdp = ANSWER, headers = { { "X-Desk", "7" } }, reason = "Fine" })
  end,
  caller = function(w)
    w.endpoint:on("ended", w:handler(function(session, record)
      w:once("told " .. session.call_id)
      w.outcome = record.outcome
    end))
    local call = connect(w)
    return call and hang_up(call) and w.done and w.outcome == "connected"
  end,
}

body "accepted with a callback" {
  script = function(session, w)
    check(w, session:participate_async(function(message, err)
      w:once("the callback " .. session.call_id)
      w.done = check(w, message, err)
    end))
  end,
  caller = function(w)
    local call = connect(w)
    return call and hang_up(call) and w.done
  end,
}

body "accepted from the main chunk" {
  script = function(session, w)
    w.session = session
  end,
  caller = function(w)
    local call = invite(w)
    call.auto = true
    w.network:advance(0)
    local session
    session, w.session = w.session, nil
    if not session then
      return
    end
    local ok, err = session:participate()
    return check(w, ok, err) and hang_up(call)
  end,
}

body "accepted over TCP, and traced" {
  protocol = "tcp",
  script = function(session, w)
    w.done = check(w, session:participate())
    sip.sleep(1)
    session:terminate { Reason = "Q.850;cause=16" }
  end,
  caller = function(w)
    local lines = 0
    w.endpoint:on("message", function(direction, text, address)
      lines = lines + #direction + #text + #address
    end)
    local call = connect(w)
    local bye = call and call:wait "BYE"
    if not bye then
      return
    end
    call:reply(bye, 200)
    w.network:advance(0)
    return w.done and lines > 1000 and #w.network:trace() > 100
  end,
}

body "declined" {
  script = function(session, w)
    w.done = check(w, session:reject {
      code = 486, reason = "Not Now", headers = { ["Retry-After"] = 60 },
      body = "later", content_type = "text/plain",
    })
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(486) then
      return
    end
    call:ack()
    return w.done
  end,
}

body "redirected" {
  script = function(session, w)
    w.done = check(w, session:redirect({ "sip:a@10.0.0.3", "<sip:b@10.0.0.4>" },
      302, { ["X-Why"] = "moved" }))
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(302) then
      return
    end
    call:ack()
    return w.done
  end,
}

body "cancelled" {
  script = function(session, w)
    session:progress()
    sip.sleep(5)
    w.done = check(w, nil, select(2, session:participate()),
      "invalid_operation")
  end,
  caller = function(w)
    local call = invite(w)
    call:wait(180)
    call:cancel { Reason = 'SIP;cause=200;text="elsewhere"' }
    if not call:wait(487) then
      return
    end
    call:ack()
    w.network:advance(10)
    return w.done
  end,
}

body "cancelled while the negotiator thinks" {
  script = function(session, w)
    session.media = { get_answer = w:handler(function()
      w:once "get_answer"
      sip.sleep(5)
      return ANSWER
    end) }
    local ok, err = session:participate()
    w.done = check(w, ok, err, "operation_failure")
  end,
  caller = function(w)
    local call = invite(w)
    w.network:advance(1)
    call:cancel()
    if not call:wait(487) then
      return
    end
    call:ack()
    w.network:advance(10)
    return w.done
  end,
}

body "never acknowledged" {
  script = function(session, w)
    local ok, err = session:participate()
    w.done = check(w, ok, err, "operation_timeout")
  end,
  caller = function(w)
    local call = invite(w)
    call:wait(200)
    local bye = call:wait "BYE"
    if not bye then
      return
    end
    call:reply(bye, 200)
    w.network:advance(0)
    return w.done
  end,
}

body "ended by the callee" {
  script = function(session, w)
    session:on("state_changed", function(_, change)
      if change.state == "connected" then
        w.done = session:terminate { ["X-Bye"] = "bye" }
      end
    end)
    session:participate()
  end,
  caller = function(w)
    local call = connect(w)
    local bye = call and call:wait "BYE"
    if not bye then
      return
    end
    call:reply(bye, 200)
    w.network:advance(0)
    return w.done
  end,
}

body "hung up before the ACK" {
  script = function(session, w)
    local ok, err = session:participate()
    w.done = check(w, ok, err, "operation_failure")
  end,
  caller = function(w)
    local call = invite(w)
    call:wait(200)
    return hang_up(call) and w.done
  end,
}

body "the connection is lost" {
  protocol = "tcp",
  script = function(session, w)
    session.media = { get_answer = function()
      sip.sleep(1)
      return ANSWER
    end }
    local ok, err = session:participate()
    w.done = not check(w, ok, err)
  end,
  caller = function(w)
    invite(w)
    w.network:advance(0)
    w.caller:close()
    w.network:advance(70)
    return w.done
  end,
}

body "nobody answers" {
  endpoint = { connect_timeout = 20 },
  script = function(session, w)
    session:progress(183, { sdp = ANSWER })
    w.ringing = true
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(408) then
      return
    end
    call:ack()
    return w.ringing
  end,
}

body "loss, duplicates and delay" {
  script = function(session, w)
    w.done = check(w, session:participate { sdp = ANSWER })
  end,
  caller = function(w)
    w.network:impair { loss = 0.2, duplicate = 0.2, reorder = 0.2,
      delay = 0.05 }
    local n = 0
    local remove = w.network:drop(function(message)
      n = n + 1
      return message.code == 200 and n < 4
    end)
    local call = invite(w)
    for _ = 1, 5 do
      if call:wait(200, 1) then
        break
      end
      call:retransmit()
    end
    for _ = 1, 6 do
      call:ack()
    end
    w.network:advance(1)
    w.network:impair()
    remove()
    return hang_up(call) and w.done
  end,
}

-- --- media ------------------------------------------------------------------

body "a negotiator answers" {
  script = function(session, w)
    session.media = {
      get_answer = w:handler(function(s, offer)
        w:once "get_answer"
        sip.sleep(0.1)
        s.data = offer
        return (sip.sdp.answer(offer,
          { address = "10.0.0.1", audio = { port = 5000, codecs = { "PCMU",
            "telephone-event" } } }))
      end),
    }
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = connect(w)
    return call and hang_up(call) and w.done
  end,
}

body "a negotiator offers" {
  script = function(session, w)
    session.media = {
      get_offer = w:handler(function()
        w:once "get_offer"
        return sip.sdp.offer {
          address = "10.0.0.1", audio = { port = 5000, codecs = { "PCMU" } } }
      end),
      set_answer = w:handler(function(_, answer)
        sip.sleep(0.1)
        w.answer = answer
      end),
    }
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = invite(w, { sdp = false })
    if not call:wait(200) then
      return
    end
    call:ack { sdp = ANSWER }
    w.network:advance(1)
    return hang_up(call) and w.done and w.answer
  end,
}

body "a negotiator fails" {
  script = function(session, w)
    session.media = { get_answer = w:handler(function()
      return nil
    end) }
    local ok, err = session:participate()
    w.done = check(w, ok, err, "operation_failure")
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(488) then
      return
    end
    call:ack()
    return w.done
  end,
}

body "they renegotiate" {
  script = function(session, w)
    session:on("reinvite", w:handler(function(_, request)
      w:once("reinvite " .. request:header "CSeq")
    end))
    session.media = { get_answer = function(_, offer)
      return (sip.sdp.answer(offer,
        { address = "10.0.0.1", audio = { port = 5000, codecs = { "PCMU" } } }))
    end }
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = connect(w)
    if not call then
      return
    end
    call:reinvite { sdp = OFFER:gsub("o=%- 1 1", "o=- 1 2") }
    if not call:wait(200) then
      return
    end
    call:ack()
    call:update { sdp = OFFER:gsub("o=%- 1 1", "o=- 1 3") }
    if not call:wait(200) then
      return
    end
    return hang_up(call) and w.done
  end,
}

body "we renegotiate, hold and resume" {
  script = function(session, w)
    session.media = {
      get_offer = w:handler(function()
        return ANSWER
      end),
      set_answer = w:handler(function()
        w.settled = (w.settled or 0) + 1
      end),
    }
    local ok = check(w, session:participate { sdp = ANSWER })
    sip.sleep(1)
    ok = check(w, session:renegotiate { headers = { ["X-A"] = "b" } }) and ok
    ok = check(w, session:hold()) and ok
    ok = check(w, session:resume()) and ok
    local began, err = session:renegotiate_async({ method = "UPDATE" },
      function(message, why)
        w:once "the callback"
        w.done = check(w, message, why) and ok
      end)
    check(w, began, err)
  end,
  caller = function(w)
    local call = invite(w, { auto = true })
    w.network:advance(3)
    return hang_up(call) and w.done
  end,
}

body "rung reliably" {
  script = function(session, w)
    w.rung = check(w, session:progress(183, { sdp = ANSWER, reliable = true }))
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = invite(w, { headers = { Supported = "100rel" } })
    if not call:wait(183) then
      return
    end
    call:prack()
    if not call:wait(200) or not call:wait(200) then
      return
    end
    call:ack()
    w.network:advance(0)
    return hang_up(call) and w.rung and w.done
  end,
}

body "a session timer" {
  endpoint = { session_timer = { interval = 90, minimum = 90 } },
  script = function(session, w)
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = invite(w, { auto = true,
      headers = {
        Supported = "timer", ["Session-Expires"] = "90;refresher=uas",
      } })
    w.network:advance(100)
    w.refreshed = call.inbox[2]
    return hang_up(call) and w.done and w.refreshed
  end,
}

-- --- requests in a call -----------------------------------------------------

body "we send" {
  script = function(session, w)
    local ok = check(w, session:participate())
    sip.sleep(1)
    ok = check(w, session:send("INFO", {
      headers = { ["Info-Package"] = "x" }, body = "hello",
      content_type = "text/plain" })) and ok
    ok = check(w, session:send_async("MESSAGE", function(message, why)
      w:once "the callback"
      w.told = check(w, message, why, "failure_response")
    end)) and ok
    w.done = ok
  end,
  caller = function(w)
    local call = connect(w)
    local info = call and call:wait "INFO"
    if not info then
      return
    end
    call:reply(info, 200)
    local message = call:wait "MESSAGE"
    if not message then
      return
    end
    call:reply(message, 403)
    w.network:advance(0)
    return hang_up(call) and w.done and w.told
  end,
}

body "they send" {
  script = function(session, w)
    session:on("message_received", w:handler(function(_, request)
      w:once("message_received " .. request:header "CSeq")
      if request.method == "MESSAGE" then
        sip.sleep(0.1)
        w.answered = check(w, request:respond(202, { body = "thanks",
          content_type = "text/plain", headers = { ["X-B"] = "c" } }))
      end
    end))
    session:on("dtmf", w:handler(function(_, digit, seconds)
      w:once("dtmf " .. digit)
      w.digit = digit .. seconds
    end))
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = connect(w)
    if not call then
      return
    end
    call:request("INFO", { body = "x", content_type = "text/plain" })
    local one = call:wait(200)
    call:request("MESSAGE", { body = "x", content_type = "text/plain" })
    local two = call:wait(202)
    call:request("INFO", { body = "Signal=5\r\nDuration=160\r\n",
      content_type = "application/dtmf-relay" })
    local three = call:wait(200)
    return hang_up(call) and one and two and three and w.done and w.answered
      and w.digit == "50.16"
  end,
}

body "they refer" {
  script = function(session, w)
    session:on("refer_received", w:handler(function(_, referral)
      w:once "refer_received"
      w.target = referral.target .. (referral.replaces or "")
      local ok = check(w, referral:accept { ["X-C"] = "d" })
      ok = check(w, referral:notify(180)) and ok
      w.told = check(w, referral:notify(200)) and ok
    end))
    w.done = check(w, session:participate())
  end,
  caller = function(w)
    local call = connect(w)
    if not call then
      return
    end
    call:request("REFER", { headers = {
      ["Refer-To"] = "<sip:carol@example.com?Replaces=a%3Bto-tag%3D1>",
    } })
    call:wait(202)
    for _ = 1, 3 do
      local notify = call:wait("NOTIFY", 5)
      if notify then
        call:reply(notify, 200)
        w.network:advance(0)
      end
    end
    return hang_up(call) and w.done and w.told
      and w.target == "sip:carol@example.com?Replaces=a%3Bto-tag%3D1a;to-tag=1"
  end,
}

body "we refer" {
  script = function(session, w)
    session:on("refer_notified", w:handler(function(_, code)
      w:once("refer_notified " .. code)
      w.code = code
    end))
    local ok = check(w, session:participate())
    sip.sleep(1)
    w.done = check(w, session:refer("sip:carol@example.com", {
      headers = { ["X-D"] = "e" }, referred_by = "sip:desk@10.0.0.1" })) and ok
  end,
  caller = function(w)
    local call = connect(w)
    local refer = call and call:wait "REFER"
    if not refer then
      return
    end
    call:reply(refer, 202)
    w.network:advance(0)
    call:request("NOTIFY", { headers = {
      Event = "refer", ["Subscription-State"] = "terminated;reason=noresource",
    }, body = "SIP/2.0 200 OK\r\n", content_type = "message/sipfrag" })
    if not call:wait(200) then
      return
    end
    return hang_up(call) and w.done and w.code == 200
  end,
}

body "requests that are refused" {
  script = function(session)
    session:reject(480)
  end,
  caller = function(w)
    local n = 0
    for _, text in ipairs {
      "OPTIONS sip:desk@10.0.0.1 SIP/2.0\r\n",
      "BYE sip:desk@10.0.0.1 SIP/2.0\r\n",
      "INVITE sip:desk@10.0.0.1 SIP/2.0\r\nRequire: none-such\r\n",
      "INVITE tel:12 SIP/2.0\r\n",
      "FROB sip:desk@10.0.0.1 SIP/2.0\r\n",
    } do
      n = n + 1
      local method = text:match "^%u+"
      w.caller:send(text .. "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKr"
        .. n .. "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:desk@10.0.0.1>"
        .. (method == "BYE" and ";tag=2" or "") .. "\r\nCall-ID: r" .. n
        .. "\r\nMax-Forwards: 70\r\nCSeq: 1 " .. method
        .. "\r\nContact: <sip:a@10.0.0.2>\r\nContent-Length: 0\r\n\r\n",
        "udp:10.0.0.1:5060")
    end
    w.network:advance(1)
    local codes = {}
    while true do
      local message = w.caller:receive(0)
      if not message then
        break
      end
      codes[message.code or 0] = true
    end
    return codes[200] and codes[481] and codes[420] and codes[416]
      and codes[405] or codes[501]
  end,
}

-- --- scripts that go wrong --------------------------------------------------

body "a handler raises" {
  script = function(session, w)
    if not w.raised then
      w.raised = true
      error(setmetatable({}, { __tostring = function()
        return "not enough memory, it says"
      end }))
    end
    session:reject(480)
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(500) then
      return
    end
    call:ack()
    return true
  end,
}

body "mistakes" {
  script = function(session, w)
    local bad = 0
    local function try(fn, ...)
      local ok, err = pcall(fn, session, ...)
      if not ok then
        bad = bad + 1
        w.text = tostring(err)
      end
    end
    try(session.reject, 99)
    try(session.reject, 486, { Via = "x" })
    try(session.reject, 486, { ["X-A"] = "b\r\nc" })
    try(session.redirect, { "sip:a@b", "nonsense <" })
    try(session.participate, { body = "x" })
    try(session.progress, 180, { what = true })
    try(session.on, "never", print)
    try(function()
      session.state = "connected"
    end)
    w.bad = bad
    w.done = tostring(session) .. tostring(session.request)
      .. session.remote_participant.uri .. session.local_participant.uri
      .. session.remote_address .. (session.offer or "none")
      .. #session.request:headers()
    session:reject(480)
  end,
  caller = function(w)
    local call = invite(w)
    if not call:wait(480) then
      return
    end
    call:ack()
    return w.bad == 8 and w.done
  end,
}

body "coroutines" {
  caller = function(w)
    local done = 0
    local own = coroutine.wrap(w:handler(function()
      sip.sleep(1)
      done = done + 1
    end))
    own()
    sip.spawn(w:handler(function(n)
      sip.sleep(2)
      sip.spawn(w:handler(function()
        sip.sleep(1)
        done = done + n
      end))
    end), 10)
    sip.sleep(1)
    w.network:advance(5)
    sip.run "nowait"
    return done == 11
  end,
}

-- --- the parts that know no calls -------------------------------------------

body "descriptions" {
  bare = true,
  caller = function()
    local offer = assert(sip.sdp.parse(OFFER))
    local answer = assert(sip.sdp.answer(OFFER, { address = "10.0.0.1",
      audio = { port = 5000, codecs = { "PCMA", "telephone-event" } } }))
    local odd = sip.sdp.parse "v=0\r\nnonsense\r\nm=audio"
    return offer.media[1].port == 4000 and tostring(offer) and answer
      and sip.sdp.parse(answer) and (odd or true)
  end,
}

body "a client of rtpengine" {
  bare = true,
  caller = function(w)
    local rtpengine = require "sipsession.rtpengine"
    local client = rtpengine.client { address = "127.0.0.1:2223", tries = 3 }
    w.client = client
    local one = client:command("ping")
    local two, told = 0, nil
    for _ = 1, 2 do
      local thread = coroutine.create(w:handler(function()
        local reply = client:command("offer",
          { ["call-id"] = "a", sdp = OFFER })
        two = two + (reply and reply.result == "ok" and 1 or 0)
      end))
      local ok, err = coroutine.resume(thread)
      if not ok then
        coroutine.close(thread)
        error(err, 0)
      end
    end
    check(w, client:command_async("query", { ["call-id"] = "a" },
      function(reply, why)
        w:once "the callback"
        told = not reply and why
      end))
    w.uv.run()
    return one and two == 2 and told
  end,
  prepare = function(w)
    w.uv = dofile(directory .. "/luv.lua")(w)
    package.loaded.luv = w.uv
  end,
  after = function(w)
    w.uv.run()
    if w.client then
      w.client:close()
      w.uv.run()
    end
    if w.uv.handles > 0 then
      w:fault("%d handles of luv are open", w.uv.handles)
    end
  end,
}

local function request(method, extra, port, n, protocol)
  return method .. " sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/"
    .. protocol:upper() .. " 127.0.0.1:" .. port
    .. ";branch=z9hG4bKreal" .. n .. "\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: "
    .. "<sip:desk@127.0.0.1>" .. extra .. "\r\nCall-ID: real\r\n"
    .. "Max-Forwards: 70\r\nCSeq: " .. n .. " " .. method
    .. "\r\nContact: <sip:a@127.0.0.1:" .. port
    .. ">\r\nContent-Length: 0\r\n\r\n"
end

-- Lets the loop go on until such a response has come, or 50 ms.
local function response(fd, pattern)
  for _ = 1, 50 do
    sip.run "nowait"
    local text = memory.get(fd)
    if text:find(pattern) then
      return text
    end
  end
end

for _, protocol in ipairs { "udp", "tcp" } do
  body("sockets, " .. protocol) {
    bare = true,
    caller = function(w)
      local endpoint, err = sip.endpoint { close_timeout = 0.05,
        listen = protocol .. ":127.0.0.1:0" }
      if not check(w, endpoint, err) then
        return
      end
      w.endpoint = endpoint
      endpoint:on("error", function() end)
      endpoint:on("session_received", function(session)
        session:participate()
      end)
      local fd, port = memory.open(protocol, endpoint.addresses[1]:match "%d+$")
      memory.put(fd, request("INVITE", "", port, 1, protocol))
      local text = response(fd, "SIP/2.0 200")
      if not text then
        return
      end
      local tag = text:match "\nTo:[^\r]*(;tag=[^\r;]*)"
      memory.put(fd, request("ACK", tag, port, 1, protocol))
      memory.put(fd, request("BYE", tag, port, 2, protocol))
      return response(fd, "CSeq: 2 BYE")
    end,
    after = function(w)
      if not w.endpoint then
        return
      end
      local fd, port = memory.open(protocol,
        w.endpoint.addresses[1]:match "%d+$")
      memory.put(fd, request("OPTIONS", "", port, 3, protocol))
      if not response(fd, "CSeq: 3 OPTIONS") then
        w:fault "OPTIONS is not answered any more"
      end
      w.endpoint:close()
      sip.run()
      local alive = w.endpoint:stats().alive
      if alive.connections > 0 then
        w:fault("%d connections left over", alive.connections)
      end
    end,
  }
end

-- --- opening and closing ----------------------------------------------------

body "endpoints come and go" {
  caller = function(w)
    local fine
    for i = 1, 2 do
      local endpoint, err = sip.endpoint {
        listen = { "udp:10.0.0.3:5060", "tcp:10.0.0.3:5060" },
        network = w.network, uri = "sip:desk@example.com",
        advertise = "203.0.113.5", user_agent = "desk/1.0",
        accept = { "application/sdp", "text/plain" },
        timers = { t1 = 0.5, t2 = 4, t4 = 5 },
        limits = { sessions = 100, message_size = 30000 },
      }
      if not check(w, endpoint, err) then
        return
      end
      local stats = endpoint:stats()
      fine = endpoint.addresses[2] and stats.alive and tostring(endpoint)
      if i == 1 then
        fine = check(w, endpoint, select(2, sip.endpoint {
          listen = "udp:10.0.0.3:5060", network = w.network })) and fine
        endpoint:close { ["X-Bye"] = "all" }
        endpoint = nil
        w.network:advance(3)
      end
    end
    collectgarbage()
    w.network:advance(3)
    return fine
  end,
}

body "closed with calls" {
  script = function(session, w)
    if w.second then
      session:progress()
      sip.sleep(1)
      w.late = check(w, session:participate())
      return
    end
    w.second = true
    session:participate()
  end,
  caller = function(w)
    local one = connect(w)
    local two = invite(w)
    w.network:advance(0)
    w.endpoint:close()
    local bye = one and one:wait("BYE", 5)
    if bye then
      one:reply(bye, 200)
    end
    if not two:wait(486, 5) then
      return
    end
    two:ack()
    w.network:advance(70)
    return bye and not w.late
  end,
}

body "networks come and go" {
  caller = function(w)
    for i = 1, 2 do
      local network = testing.network { seed = i }
      local endpoint = assert(sip.endpoint {
        listen = "udp:10.0.0.1:5060", network = network })
      endpoint:on("session_received", function(session)
        session:participate()
      end)
      local peer = network:peer "udp:10.0.0.2:5060"
      local call = peer:invite { to = "sip:desk@10.0.0.1", auto = true }
      call:wait(200)
      if i == 1 then
        network:close()
      end
    end
    collectgarbage()
    return true
  end,
}

return bodies
