-- The end of a Lua state: whatever is open then is closed without a handler
-- being called, in whatever order finalizers run.
local script = require "support.script"

local OPEN = [[
  local sip = require "sipsession"
  local testing = require "sipsession.testing"
  local network = testing.network()
  local function open(where, options)
    options = options or {}
    options.listen = where
    local endpoint = assert(sip.endpoint(options))
    endpoint:on("error", print)
    endpoint:on("message", function() end)
    return endpoint
  end
]]

describe("at lua_close", function()
  local function silent(code, expected)
    local output, ok, status = script(OPEN .. code)
    assert.equal(expected or "", output)
    assert.is_true(ok, tostring(status))
  end

  it("an open endpoint is closed", function()
    silent [[
      keep = open { "udp:127.0.0.1:0", "tcp:127.0.0.1:0" }
      sip.run "nowait"
    ]]
  end)

  it("one that was never run is, too, and a loop without any", function()
    silent "keep = open 'udp:127.0.0.1:0'"
    silent "assert(sip.pollfd())"
    silent "keep = open('udp:10.0.0.1:5060', { network = network })"
  end)

  it("no handler is called for what is pending", function()
    silent [[
      local endpoint = open("udp:10.0.0.1:5060", { network = network })
      endpoint:on("session_received", function(session)
        keep = session
        session:on("state_changed", function(_, change)
          if change.state == "disconnected" then
            print "called"
          end
        end)
        session:participate_async(function()
          print "called"
        end)
      end)
      local caller = network:peer "udp:10.0.0.2:5060"
      for i = 1, 3 do
        caller:invite { to = "sip:desk@10.0.0.1" }
      end
      network:advance(1)
      sip.spawn(function()
        sip.sleep(1)
        print "called"
      end)
      coroutine.wrap(function()
        keep:participate()
      end)()
      assert(keep.state == "connecting")
    ]]
  end)

  local LATE = [[
    local late = setmetatable({}, { __gc = function(self)
      for _, name in ipairs { "session", "request", "ack" } do
        print((select(2, pcall(function()
          return self[name].state or self[name].method
        end)):gsub("^.-:%d+: ", "")))
      end
      print(self.endpoint.is_closed)
    end })
  ]]
  local ENDPOINT = [[
    local endpoint = open("udp:10.0.0.1:5060", { network = network })
  ]]
  local CALL = [[
    endpoint:on("session_received", function(session)
      late.session, late.request = session, session.request
      late.ack = session:participate()
    end)
    local caller = network:peer "udp:10.0.0.2:5060"
    caller:invite { to = "sip:desk@10.0.0.1", auto = true }
    network:advance(1)
    late.endpoint = endpoint
  ]]

  it("finalizers of the script's own may use what they hold", function()
    silent(ENDPOINT .. LATE .. CALL .. "assert(late.ack.method)",
      "connected\nINVITE\nthis message has been freed\nfalse\n")
  end)

  it("those that come after the library's find that it has gone", function()
    -- older, so it is finalized later
    local output, ok, status = script(LATE .. OPEN .. ENDPOINT .. CALL)
    assert.equal("this session has been freed\nthis message has been freed\n"
      .. "sipsession: the Lua state is being closed\ntrue\n", output)
    assert.is_true(ok, tostring(status))
  end)

  -- Lua takes no finalizer any more of what is made then; spec/oom counts.
  it("one may have calls that begin and end", function()
    silent(ENDPOINT .. [[
      local acks = 0
      endpoint:on("session_received", function(session)
        assert(session:participate().method == "ACK")
        acks = acks + 1
        session:terminate()
      end)
      local caller = network:peer("udp:10.0.0.2:5060", { auto = true })
      keep = setmetatable({}, { __gc = function()
        for _ = 1, 20 do
          caller:invite { to = "sip:desk@10.0.0.1" }
        end
        network:advance(70)
        print(acks, network.core:alive().sessions)
      end })
    ]], "20\t0\n")
  end)

  it("one may open an endpoint", function()
    silent [[
      keep = setmetatable({}, { __gc = function()
        assert(sip.endpoint { listen = "udp:127.0.0.1:0" })
      end })
    ]]
  end)

  it("os.exit closes the state from within a handler", function()
    for _, where in ipairs {
      "'udp:127.0.0.1:0'", "'udp:10.0.0.1:5060', { network = network }",
    } do
      silent("keep = open(" .. where .. [[)
        sip.spawn(function()
          sip.sleep(0.01)
          os.exit(0, true)
        end)
        sip.sleep(5)
      ]])
    end
  end)

  it("calls that are alive are hung up", function()
    local uv = require "luv"
    local socket, got = uv.new_udp(), {}
    socket:bind("127.0.0.1", 0)
    socket:recv_start(function(_, data)
      got[#got + 1] = data and data:match "^[^\r]*"
    end)
    silent("local own = " .. socket:getsockname().port .. [[
      network:close()
      local uv = require "luv"
      local endpoint = open "udp:127.0.0.1:0"
      local port = tonumber(endpoint.addresses[1]:match ":(%d+)$")
      uv.new_udp():try_send(table.concat({
        "INVITE sip:desk@127.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:" .. own .. ";branch=z9hG4bK1",
        "From: <sip:a@b>;tag=a", "To: <sip:desk@127.0.0.1>",
        "Call-ID: x", "CSeq: 1 INVITE",
        "Contact: <sip:a@127.0.0.1:" .. own .. ">", "", "",
      }, "\r\n"), "127.0.0.1", port)
      endpoint:on("session_received", function(session)
        session:progress(180)
        sip.stop()
      end)
      sip.run()
    ]])
    uv.run "nowait"
    socket:close()
    uv.run "nowait"
    assert.same({ "SIP/2.0 180 Ringing", "SIP/2.0 486 Busy Here" }, got)
  end)

  it("sipsession can be loaded again", function()
    silent [[
      package.loaded.sipsession = nil
      local again = require "sipsession"
      assert(again ~= sip)
      keep = assert(again.endpoint { listen = "udp:127.0.0.1:0" })
      again.run "nowait"
    ]]
  end)
end)
