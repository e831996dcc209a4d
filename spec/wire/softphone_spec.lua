-- A softphone that nobody here wrote calls the examples: baresip, which
-- `make softphone` installs. Checks what the phone itself says it saw. Not in
-- `make test`: its control port can't be chosen by the system.
local Loopback = require "support.loopback"
local Softphone = require "support.softphone"

describe("a softphone #slow", function()
  if not os.getenv "SIPSESSION_SOFTPHONE" or not Softphone.modules() then
    pending "calls with `make softphone`"
    return
  end
  local w, phone, printed
  local original = print

  before_each(function()
    printed = {}
    _G.print = function(text)
      printed[#printed + 1] = text
    end
    w = Loopback.new { endpoint = {
      listen = { "udp:127.0.0.1:0", "tcp:127.0.0.1:0" },
      timers = { t1 = 0.1, t2 = 0.4, t4 = 0.2 },
    } }
    phone = Softphone.start(w.wire)
  end)

  after_each(function()
    _G.print = original
    phone:close()
    w:finish()
  end)
  teardown(Loopback.settle)

  local function serve(example)
    w:serve()
    dofile("examples/" .. example)(w.endpoint)
  end

  for i, protocol in ipairs { "udp", "tcp" } do
    it("is answered over " .. protocol .. ", and hangs up", function()
      serve "accept_async.lua"
      phone:dial("desk", w.endpoint.addresses[i])
      assert.is_truthy(phone:wait "CALL_ESTABLISHED")
      assert.equal("answer", phone:wait "CALL_REMOTE_SDP".param)
      w.wire:run(0.1)
      phone:hangup()
      assert.is_truthy(phone:wait "CALL_CLOSED")
      w:logged { "incoming>connecting none -",
        "connecting>connected none 200",
        "connected>disconnected terminated_remotely -" }
      assert.equal("connected " .. w.sessions[1].call_id, printed[2])
      assert.matches("^baresip", w.sessions[1].request:header "User-Agent")
    end)

    it("is declined over " .. protocol .. " with 488", function()
      serve "decline.lua"
      phone:dial("desk", w.endpoint.addresses[i])
      local closed = assert(phone:wait "CALL_CLOSED")
      assert.matches("^488 Not Acceptable Here", closed.param)
      assert.is_falsy(phone:wait("CALL_ESTABLISHED", 0.05))
      w:logged { "incoming>disconnected terminated_locally 488" }
    end)

    it("cancels over " .. protocol .. " while it rings", function()
      serve "ring_then_answer.lua"
      phone:dial("desk", w.endpoint.addresses[i])
      assert.is_truthy(phone:wait "CALL_RINGING")
      phone:hangup()
      assert.is_truthy(phone:wait "CALL_CLOSED")
      w:logged { "incoming>disconnected canceled 487" }
      w.wire:wait(function()
        return printed[1]
      end)
      assert.same({ "the caller gave up" }, printed)
    end)
  end

  it("is sent elsewhere, and goes there", function()
    w:serve(function(session)
      if session.request_uri:find "^sip:sales@" then
        session:redirect((w.endpoint.addresses[1]:gsub("^udp:", "sip:b@")))
      else
        session:participate()
      end
    end)
    phone:dial("sales", w.endpoint.addresses[1])
    assert.is_truthy(phone:wait "CALL_ESTABLISHED")
    phone:hangup()
    assert.is_truthy(phone:wait "CALL_CLOSED")
    w:logged { "incoming>disconnected terminated_locally 302",
      "incoming>connecting none -", "connecting>connected none 200",
      "connected>disconnected terminated_remotely -" }
  end)

  it("is hung up on", function()
    w:serve(function(session)
      session:participate()
    end)
    phone:dial("desk", w.endpoint.addresses[1])
    assert.is_truthy(phone:wait "CALL_ESTABLISHED")
    w.sessions[1]:terminate()
    assert.is_truthy(phone:wait "CALL_CLOSED")
    w.wire:wait(function()
      return w.endpoint:stats().responses_in > 0
    end)
    assert.equal(1, w.endpoint:stats().responses_in) -- its 200
  end)

  it("says who it is where it is asked", function()
    phone:close()
    w:finish()
    w = Loopback.new { endpoint = {
      timers = { t1 = 0.1, t2 = 0.4, t4 = 0.2 },
      auth = {
        realm = "example.com",
        algorithms = { "MD5" }, -- this one gives up at what it doesn't know
        lookup = function(user)
          return user == "tester" and "secret"
        end,
      },
    } }
    phone = Softphone.start(w.wire, ";auth_user=tester;auth_pass=secret")
    w:serve(function(session)
      session:participate()
    end)
    phone:dial("desk", w.endpoint.addresses[1])
    assert.is_truthy(phone:wait "CALL_ESTABLISHED")
    w.wire:run(0.1)
    phone:hangup()
    assert.is_truthy(phone:wait "CALL_CLOSED")
    w:logged { "incoming>connecting none -", "connecting>connected none 200",
      "connected>disconnected terminated_remotely -" }
    assert.equal("tester", w.sessions[1].user)
  end)
end)
