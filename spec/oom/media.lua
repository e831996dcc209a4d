-- What is negotiated, before the call is accepted and in it.
local sip = require "sipsession"
local kit = ...
local OFFER = kit.OFFER
local ANSWER = kit.ANSWER
local body, invite, connect, hang_up, check =
  kit.body, kit.invite, kit.connect, kit.hang_up, kit.check

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
