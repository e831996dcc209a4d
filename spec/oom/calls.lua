-- The ways a call goes, from its INVITE to its end.
local sip = require "sipsession"
local kit = ...
local ANSWER = kit.ANSWER
local body, invite, connect, hang_up, check =
  kit.body, kit.invite, kit.connect, kit.hang_up, kit.check

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
    session:progress(183, { sdp = ANSWER }) -- what the 200 says, too
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
