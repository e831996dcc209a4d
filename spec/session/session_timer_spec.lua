-- Session timers as they are agreed on (RFC 4028 4, 5, 9): what a request asks
-- for, what its 2xx says, what is refused. How they are kept is in
-- session_refresh_spec.lua.
local sip = require "sipsession"
local World = require "support.world"

-- Options of participate, or of a request, that ask for a session timer.
local function asking(expires, more)
  local headers = { Supported = "timer", ["Session-Expires"] = expires }
  for name, value in pairs(more or {}) do
    headers[name] = value or nil
  end
  return { headers = headers }
end

describe("a session timer", function()
  local w

  after_each(function()
    w:finish()
  end)

  -- Makes a call with these headers and ends it: Session-Expires and Require
  -- of its 200.
  local function agreed(options, timer)
    w = World.new { endpoint = { session_timer = timer } }
    local call, session = w:established(options)
    local ok = call.responses[#call.responses]
    assert.equal(200, ok.code)
    session:terminate()
    call:reply(assert(call:wait "BYE"), 200)
    return ok:header "Session-Expires", ok:header "Require", ok
  end

  -- Makes a call that is refused.
  local function refused(options, timer)
    w = World.new { endpoint = { session_timer = timer } }
    w:serve()
    local call = w:invite(options)
    w.network:advance(0)
    call:ack()
    assert.equal(0, #w.sessions)
    return call.responses[#call.responses]
  end

  describe("where we ask for none", function()
    it("isn't there when the caller asks for none either", function()
      local expires, require, ok = agreed {}
      assert.is_nil(expires)
      assert.is_nil(require)
      assert.equal("timer", ok:header("Supported"):match "timer")
    end)

    it("isn't there when the caller only could", function()
      assert.is_nil(agreed { headers = { Supported = "timer" } })
    end)

    it("is the caller's, who refreshes it unless he says", function()
      local expires, require = agreed(asking "1800")
      assert.equal("1800;refresher=uac", expires)
      assert.equal("timer", require)
    end)

    it("is refreshed by whom the caller names", function()
      assert.equal("1800;refresher=uac", (agreed(asking "1800;refresher=uac")))
      w:finish()
      local expires, require = agreed(asking "1800;refresher=uas")
      assert.equal("1800;refresher=uas", expires)
      assert.equal("timer", require)
    end)

    it("has a compact name, any case and parameters that we don't know",
      function()
        local expires = agreed { headers = {
          k = "100rel, TIMER", x = "91 ; foo=bar ;Refresher=UAS",
        } }
        assert.equal("91;refresher=uas", expires)
      end)

    it("is what a proxy asks for too, and then we refresh", function()
      local expires, require = agreed {
        headers = { ["Session-Expires"] = "600;refresher=uac" },
      }
      assert.equal("600;refresher=uas", expires)
      assert.is_nil(require)
    end)

    it("isn't a proxy's that is too short: it can't be told", function()
      assert.is_nil(agreed { headers = { ["Session-Expires"] = "60" } })
    end)

    it("can be of any length: 2^32 seconds are 2^32-1", function()
      assert.equal("4294967295;refresher=uac", (agreed(asking "4294967296")))
      w:finish()
      assert.equal("4294967295;refresher=uas",
        (agreed(asking(("9"):rep(400) .. ";refresher=uas"))))
    end)

    it("is understood by who requires it", function()
      local expires, require = agreed { headers = {
        Require = "timer", ["Session-Expires"] = "90;refresher=uac",
      } }
      assert.equal("90;refresher=uac", expires)
      assert.equal("timer", require)
    end)
  end)

  describe("where we ask for one", function()
    local ours = { interval = 600, minimum = 120 }

    it("is ours, and the caller refreshes it if he can", function()
      local expires, require = agreed({ headers = { Supported = "timer" } },
        ours)
      assert.equal("600;refresher=uac", expires)
      assert.equal("timer", require)
    end)

    it("is ours to refresh where the caller can't", function()
      local expires, require = agreed({}, ours)
      assert.equal("600;refresher=uas", expires)
      assert.is_nil(require)
    end)

    it("is refreshed by whom we name, unless the caller does", function()
      local timer = { interval = 600, refresher = "uas" }
      assert.equal("600;refresher=uas",
        (agreed({ headers = { Supported = "timer" } }, timer)))
      w:finish()
      assert.equal("500;refresher=uas", (agreed(asking "500", timer)))
      w:finish()
      assert.equal("500;refresher=uac",
        (agreed(asking "500;refresher=uac", timer)))
    end)

    it("makes the caller's shorter, never longer", function()
      assert.equal("600;refresher=uac", (agreed(asking "1800", ours)))
      w:finish()
      assert.equal("300;refresher=uac", (agreed(asking "300", ours)))
    end)

    it("isn't made shorter than the caller's Min-SE", function()
      assert.equal("900;refresher=uac",
        (agreed(asking("1800", { ["Min-SE"] = "900" }), ours)))
      w:finish()
      assert.equal("900;refresher=uac",
        (agreed(asking(nil, { ["Min-SE"] = "900 ;x=y" }), ours)))
      w:finish() -- a caller that contradicts itself
      assert.equal("300;refresher=uac",
        (agreed(asking("300", { ["Min-SE"] = "900" }), ours)))
    end)

    it("is of 1800 s where the table says nothing", function()
      assert.equal("1800;refresher=uas", (agreed({}, {})))
    end)

    it("is as long as the minimum at least", function()
      assert.equal("7200;refresher=uas", (agreed({}, { minimum = 7200 })))
    end)
  end)

  describe("that is too short", function()
    it("gets 422 with our Min-SE before a script knows (B35)", function()
      local response = refused(asking "89")
      assert.equal(422, response.code)
      assert.equal("90", response:header "Min-SE")
      assert.equal("Session Interval Too Small", response.reason)
      assert.is_nil(response:header "Session-Expires")
      assert.equal(1, w.endpoint:stats().refused_interval)
    end)

    it("is measured by the endpoint's minimum", function()
      local timer = { interval = 1800, minimum = 600 }
      local response = refused(asking "599;refresher=uac", timer)
      assert.equal(422, response.code)
      assert.equal("600", response:header "Min-SE")
      w:finish()
      assert.equal("600;refresher=uac", (agreed(asking "600", timer)))
    end)

    it("comes again, long enough, and is a call", function()
      w = World.new()
      w:accepting "in a handler"
      local call = w:invite(asking "30")
      local response = assert(call:wait(422))
      call:ack()
      call:reinvite { sdp = World.OFFER, headers = {
        Supported = "timer", To = "sip:desk@10.0.0.1",
        ["Session-Expires"] = response:header "Min-SE",
        ["Min-SE"] = response:header "Min-SE",
      } }
      local ok = assert(call:wait(200))
      assert.equal("90;refresher=uac", ok:header "Session-Expires")
      call:ack()
      call:bye()
      assert(call:wait(200))
    end)

    it("in a re-INVITE or UPDATE gets 422 too, and the call stands",
      function()
        w = World.new()
        local call, session = w:established(asking "1800")
        local seen = 0
        session:on("reinvite", function()
          seen = seen + 1
        end)
        call:update(asking "10")
        assert.equal("90", assert(call:wait(422)):header "Min-SE")
        call:reinvite { sdp = World.OFFER, headers = asking("10").headers }
        assert.equal("90", assert(call:wait(422)):header "Min-SE")
        call:ack()
        assert.equal(0, seen)
        assert.equal("connected", session.state)
        call:bye()
        assert(call:wait(200))
      end)
  end)

  describe("that can't be read", function()
    for _, bad in ipairs { "", "x", "-1", "90.5", "90 90", "90, 91", "0x5a",
      "90;refresher=garbage", "90;refresher", "90;refresher=uac;refresher=uas",
      ";refresher=uac", "90;;" } do
      it(("is a bad request: '%s'"):format(bad), function()
        local response = refused(asking(bad))
        assert.equal(400, response.code)
      end)
    end

    it("is a bad request in Min-SE and when it comes twice", function()
      assert.equal(400, refused(asking("90", { ["Min-SE"] = "soon" })).code)
      w:finish()
      assert.equal(400, refused(asking { "90", "90" }).code)
    end)

    it("changes nothing in a call", function()
      w = World.new()
      local call, session = w:established(asking "1800")
      call:update(asking "90;refresher=garbage")
      assert(call:wait(400))
      call:reinvite { sdp = World.OFFER, headers = asking("x").headers }
      assert(call:wait(400))
      call:ack()
      assert.equal("connected", session.state)
      w.network:advance(1767)
      assert.equal(0, w:count "BYE")
      call:reply(assert(call:wait("BYE", 1)), 200)
    end)
  end)

  describe("that isn't supported", function()
    it("is ignored, whatever it says", function()
      local expires, require, ok = agreed(asking "7;refresher=x", false)
      assert.is_nil(expires)
      assert.is_nil(require)
      assert.not_matches("timer", ok:header "Supported" or "")
    end)

    it("can't be required", function()
      local response = refused({ headers = { Require = "timer" } }, false)
      assert.equal(420, response.code)
      assert.equal("timer", response:header "Unsupported")
    end)

    it("isn't among what OPTIONS lists", function()
      w = World.new { endpoint = { session_timer = false } }
      assert.same({ "200 OPTIONS" }, w:ask "OPTIONS")
      local sent = w:sent()
      assert.not_matches("timer", sent[#sent].text)
      w:finish()
      w = World.new()
      assert.same({ "200 OPTIONS" }, w:ask "OPTIONS")
      sent = w:sent()
      assert.matches("\nSupported: [^\r]*timer", sent[#sent].text)
    end)
  end)

  describe("of a session", function()
    -- Sets it in the handler, then accepts. Returns the session's 200.
    local function set(timer, options, endpoint)
      w = World.new { endpoint = { session_timer = endpoint } }
      local was
      w:serve(function(session)
        was = session.session_timer
        session.session_timer = timer
        session:participate()
      end)
      local call = w:invite(options)
      local ok = assert(call:wait(200))
      call:ack()
      call:bye()
      assert(call:wait(200))
      return ok:header "Session-Expires", was, w.sessions[1].session_timer
    end

    it("is the endpoint's until it is set", function()
      local expires, was, is = set({ interval = 90, refresher = "uas" },
        { headers = { Supported = "timer" } }, { interval = 500 })
      assert.equal("90;refresher=uas", expires)
      assert.same({ interval = 500, minimum = 90 }, was)
      assert.same({ interval = 90, minimum = 90, refresher = "uas" }, is)
    end)

    it("can be left to the caller, or be none", function()
      local expires, was, is = set(nil, asking "400", { interval = 300 })
      assert.equal("400;refresher=uac", expires)
      assert.same({ interval = 300, minimum = 90 }, was)
      assert.is_nil(is)
      w:finish()
      expires, was, is = set(false, asking "400")
      assert.is_nil(expires)
      assert.is_nil(was)
      assert.is_false(is)
    end)

    it("has a minimum, for what comes after it was set", function()
      w = World.new()
      w:serve(function(session)
        session.session_timer = { minimum = 600 }
        session:participate()
      end)
      local call = w:invite(asking "300")
      assert.equal("300;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      call:ack()
      call:update(asking "300")
      assert.equal("600", assert(call:wait(422)):header "Min-SE")
      call:bye()
      assert(call:wait(200))
    end)

    it("is fixed with the 200, and of no matter after the end", function()
      w = World.new { endpoint = { media = { get_answer = function()
        sip.sleep(1)
        return World.ANSWER
      end } } }
      w:accepting "async"
      local call = w:invite(asking "300")
      w.network:advance(0.5)
      local session = w.sessions[1]
      session.session_timer = { interval = 200 }
      assert.equal("200;refresher=uac",
        assert(call:wait(200)):header "Session-Expires")
      assert.error_matches(function()
        session.session_timer = { interval = 100 }
      end, "session_timer: the call was answered")
      call:ack()
      w.network:advance(0)
      assert.error_matches(function()
        session.session_timer = false
      end, "session_timer: the call was answered")
      assert.same({ interval = 200, minimum = 90 }, session.session_timer)
      call:bye()
      assert(call:wait(200))
      session.session_timer = false
      assert.same({ interval = 200, minimum = 90 }, session.session_timer)
    end)

    it("can't be asked for by an endpoint that doesn't support it", function()
      w = World.new { endpoint = { session_timer = false } }
      local ok, err
      w:serve(function(session)
        session.session_timer = false
        ok, err = pcall(function()
          session.session_timer = {}
        end)
        session:participate()
      end)
      local call = w:invite()
      assert(call:wait(200))
      call:ack()
      assert.is_false(ok)
      assert.matches("its endpoint has session_timer = false", err)
      call:bye()
      assert(call:wait(200))
    end)
  end)

  it("has options that are checked", function()
    w = World.new()
    local function try(timer)
      local ok, err = pcall(sip.endpoint, {
        listen = "udp:10.0.0.1:9", network = w.network, session_timer = timer,
      })
      assert.is_false(ok)
      return err
    end
    assert.matches("interval: 89 is no whole number from 90",
      try { interval = 89 })
    assert.matches("minimum: 1 is no whole number from 90", try { minimum = 1 })
    assert.matches("interval: 100 is less than the minimum, 200",
      try { interval = 100, minimum = 200 })
    assert.matches("interval: number expected, got string",
      try { interval = "1800" })
    assert.matches('refresher: "uac" or "uas" expected, got \'us\'',
      try { refresher = "us" })
    assert.matches("unknown field of session_timer 'intervall' .*'interval'",
      try { intervall = 100 })
    assert.matches("session_timer: table or false expected, got true",
      try(true))
    assert.matches("session_timer: table or false expected, got 1800",
      try(1800))
  end)
end)
