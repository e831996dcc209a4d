-- Requests in a call, and scripts that go wrong.
local sip = require "sipsession"
local kit = ...
local body, invite, connect, hang_up, check =
  kit.body, kit.invite, kit.connect, kit.hang_up, kit.check

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
