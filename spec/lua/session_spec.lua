-- The session class: identity, fields, what stays when it has ended. What
-- calls do is in spec/session.
local sip = require "sipsession"
local World = require "support.world"

describe("a session", function()
  local w, session

  before_each(function()
    w = World.new()
    w:serve()
    w:invite {
      from = "\"Ann \\\"A\\\"\" <sip:ann@example.com>",
      sdp = World.OFFER, auto = true,
    }
    w.network:advance(0.3)
    session = w.sessions[1]
  end)

  after_each(function()
    session:terminate()
    w:finish()
  end)

  local function check_fields()
    assert.is_true(session.is_incoming)
    assert.equal(session.request:header "Call-ID", session.call_id)
    assert.equal(session.request:header "From":match "tag=([^;]+)",
      session.from_tag)
    assert.equal(16, #session.to_tag)
    assert.equal("sip:desk@10.0.0.1", session.request_uri)
    assert.same({
      uri = "sip:ann@example.com", display_name = "Ann \"A\"",
      tag = session.from_tag,
    }, session.remote_participant)
    assert.same({ uri = "sip:desk@10.0.0.1", tag = session.to_tag },
      session.local_participant)
    assert.equal("udp:10.0.0.2:5060", session.remote_address)
    assert.equal("INVITE", session.request.method)
    assert.equal(World.OFFER, session.offer)
    assert.equal(w.endpoint, session.endpoint)
  end

  it("can be read while it lives", function()
    assert.equal("incoming", session.state)
    check_fields()
    assert.equal(session.request, session.request)
    assert.matches("incoming", tostring(session))
  end)

  it("is told from what is none, in its methods", function()
    local others = { io.stdout, session.request, w.network.core, { 1 }, 7, "x" }
    for _, other in ipairs(others) do
      local ok, err = pcall(session.progress, other)
      assert.is_false(ok)
      assert.matches("sipsession.session expected, got ", err, 1, true)
    end
    local request = session.request
    assert.has_error(function()
      request.header(io.stdout, "From")
    end, "bad argument #1 to 'header' (sipsession.message expected, got FILE*)")
    local ok, err = pcall(request.header, session, "From")
    assert.is_false(ok)
    assert.matches("sipsession.message expected, got sipsession.session", err,
      1, true)
  end)

  it("calls the handlers of one event in turn, and those alone", function()
    local seen = {}
    local function note(name)
      return function()
        seen[#seen + 1] = name
      end
    end
    session:on("ended", note "ended 1")
    local off = session:on("state_changed", note "removed")
    session:on("dtmf", note "dtmf")
    session:on("state_changed", note "state 1")
    session:on("ended", note "ended 2")
    session:on("state_changed", note "state 2")
    off()
    off()
    session:reject(486)
    w.network:advance(1)
    assert.same({ "state 1", "state 2", "ended 1", "ended 2" }, seen)
  end)

  it("can be read after its end", function()
    session:reject(486)
    assert.equal("disconnected", session.state)
    check_fields()
    w.network:advance(70)
    collectgarbage()
    check_fields()
    w.endpoint:close()
    w.network:advance(70)
    check_fields()
    assert.equal("disconnected", session.state)
  end)

  it("gives nil for what it doesn't have", function()
    assert.is_nil(session.colour)
    assert.is_nil(session[1])
    assert.is_nil(session.data)
    assert.is_nil(session.media)
  end)

  it("keeps data of the script's, and a negotiator", function()
    local data, media = {}, { get_answer = function() end }
    session.data, session.media = data, media
    assert.equal(data, session.data)
    assert.equal(media, session.media)
    session.data, session.media = nil, nil
    assert.is_nil(session.data)
    assert.is_nil(session.media)
  end)

  it("has nothing else to write", function()
    assert.error_matches(function()
      session.state = "connected"
    end, "field 'state' can't be set; writable: 'media'")
    assert.has_error(function()
      session.colour = "red"
    end)
    assert.has_error(function()
      session.media = "red"
    end)
    assert.has_error(function()
      session.media = { get_answer = "red" }
    end)
  end)

  it("knows one event", function()
    assert.has_error(function()
      session:on("session_received", function() end)
    end)
    assert.has_error(function()
      session:on "state_changed"
    end)
  end)

  it("checks what it is called on", function()
    assert.has_error(function()
      session.reject(nil, 486)
    end)
    assert.has_error(function()
      session.reject(w.endpoint, 486)
    end)
  end)

  it("takes codes in range only", function()
    for _, code in ipairs { 399, 700, 200, 0, -1, 486.5, "x", {} } do
      assert.has_error(function()
        session:reject(code)
      end)
    end
    assert.has_error(function()
      session:reject()
    end)
    assert.has_error(function()
      session:reject {}
    end)
    assert.has_error(function()
      session:reject { code = 486, sdp = "x" }
    end)
    for _, code in ipairs { 100, 200, 99 } do
      assert.has_error(function()
        session:progress(code)
      end)
    end
    for _, code in ipairs { 299, 400 } do
      assert.has_error(function()
        session:redirect("sip:a@b", code)
      end)
    end
    assert.equal("incoming", session.state)
  end)

  it("is let go of when it has ended and nobody has it", function()
    local weak = setmetatable({ session }, { __mode = "v" })
    session:reject(486)
    w.network:advance(1)
    w.sessions[1], w.log = nil, {}
    session = nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    session = { terminate = function() end }
  end)

  it("lets its network go with it when both are forgotten", function()
    local network = require("sipsession.testing").network()
    local weak = setmetatable({}, { __mode = "k" })
    do
      local endpoint = sip.endpoint {
        listen = "udp:10.0.0.1:5060", network = network,
      }
      endpoint:on("session_received", function(s)
        weak[s] = true
        s.data = { s, endpoint, network }
        s:participate()
      end)
      local caller = network:peer "udp:10.0.0.2:5060"
      caller:invite { to = "sip:desk@10.0.0.1" }
      network:advance(0.3)
    end
    assert.is_not_nil((next(weak)))
    weak[network.core] = true
    network = nil -- luacheck: ignore
    for _ = 1, 3 do
      collectgarbage()
    end
    assert.is_nil((next(weak)))
  end)
end)
