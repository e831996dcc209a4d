-- sipsession.rtpengine against a daemon that does what the spec says: waiting,
-- repeats, order, errors, replies that are none.
local uv = require "luv"
local rtpengine = require "sipsession.rtpengine"
local script = require "support.script"
local Daemon = require "support.ng_daemon"
local Wire = require "support.wire"

describe("a client of rtpengine #slow", function()
  local wire, daemon, client, before

  local function handles()
    local open = {}
    uv.walk(function(handle)
      if not handle:is_closing() then
        open[#open + 1] = tostring(handle)
      end
    end)
    table.sort(open)
    return open
  end

  before_each(function()
    before = handles()
    wire = Wire.new()
  end)

  after_each(function()
    if client then
      client:close()
    end
    if daemon then
      daemon:close()
    end
    client, daemon = nil, nil
    wire:close()
    assert.same(before, handles())
  end)

  -- options.answer is the daemon's.
  local function open(options)
    options = options or {}
    daemon = Daemon.new(options.answer)
    client = assert(rtpengine.client { address = daemon.address,
      timeout = options.timeout or 5, tries = options.tries })
  end

  -- Runs the command in a coroutine while luv's loop goes on.
  local function ask(...)
    local args, result = table.pack(...), nil
    local thread = coroutine.create(function()
      result = table.pack(client:command(table.unpack(args, 1, args.n)))
    end)
    assert(coroutine.resume(thread))
    wire:wait(function()
      return result
    end)
    assert.is_truthy(result, "no result")
    return result[1], result[2], thread
  end

  it("sends a cookie and a dictionary, and gives the reply", function()
    open()
    local reply = assert(ask("offer", { sdp = "v=0", ["call-id"] = "one",
      flags = { "a", "b" }, n = 1 }))
    assert.same({ result = "ok", sdp = "v=0" }, reply)
    assert.matches("^%x+_1 d7:call%-id3:one7:command5:offer"
      .. "5:flagsl1:a1:be1:ni1e3:sdp3:v=0e$", daemon.log[1].text)
    assert.same({ result = "pong" }, ask "ping")
    assert.not_equal(daemon.log[1].cookie, daemon.log[2].cookie)
  end)

  it("fills in what a session knows", function()
    open()
    ask("delete", { session = { call_id = "c", from_tag = "f", to_tag = "t" },
      ["to-tag"] = "own" })
    ask("delete", { session = { call_id = "c", to_tag = "t" } })
    assert.same({ command = "delete", ["call-id"] = "c", ["from-tag"] = "f",
      ["to-tag"] = "own" }, daemon.log[1].request)
    assert.same({ command = "delete", ["call-id"] = "c", ["from-tag"] = "",
      ["to-tag"] = "t" }, daemon.log[2].request)
  end)

  it("has cookies that no other client has", function()
    open()
    local other = assert(rtpengine.client { address = daemon.address })
    ask "ping"
    other:command_async "ping"
    wire:wait(function()
      return daemon.log[2]
    end)
    assert.not_equal(daemon.log[1].cookie:match "^%x+",
      daemon.log[2].cookie:match "^%x+")
    other:close()
  end)

  it("asks again with the same cookie while no reply comes", function()
    open { timeout = 0.02, answer = function(_, n)
      return n == 3 and { result = "pong" } or nil
    end }
    assert.same({ result = "pong" }, ask "ping")
    assert.equal(3, #daemon.log)
    assert.equal(daemon.log[1].text, daemon.log[3].text)
    wire:run(0.06)
    assert.equal(3, #daemon.log)
  end)

  it("gives up after so many tries", function()
    open { timeout = 0.02, tries = 3, answer = function() end }
    local reply, err = ask "ping"
    assert.is_nil(reply)
    assert.equal("operation_timeout", err.kind)
    assert.is_true(err:is_realtime())
    assert.matches("^operation_timeout: .*ping in 3 tries$", tostring(err))
    wire:run(0.05)
    assert.equal(3, #daemon.log)
  end)

  it("says that nobody is there", function()
    open { timeout = 0.02, tries = 2 }
    daemon:close()
    wire:run(0.01)
    local reply, err = ask "ping"
    assert.is_nil(reply)
    assert.equal("connection_failure", err.kind)
    assert.matches("ECONNREFUSED", err.message)
  end)

  it("says that a command is too large for a datagram", function()
    open { timeout = 0.02, tries = 2 }
    local reply, err = ask("play media", { blob = ("x"):rep(70000) })
    assert.is_nil(reply)
    assert.equal("connection_failure", err.kind)
    assert.matches("EMSGSIZE", err.message)
  end)

  it("gives what rtpengine refuses as an error", function()
    open()
    local reply, err = ask("query", { ["call-id"] = "none" })
    assert.is_nil(reply)
    assert.equal("failure_response", err.kind)
    assert.equal("rtpengine refused query: Unknown call-id", err.message)
    assert.equal("error", err.response.result)
    daemon.answer = function()
      return { result = "load limit", message = "Load limit \27reached" }
    end
    reply, err = ask "offer"
    assert.is_nil(reply)
    assert.equal("load_limit", err.reason)
    assert.matches("refused offer: Load limit \\x1breached", tostring(err))
    daemon.answer = function()
      return { result = "error", ["error-reason"] = { 1 } }
    end
    reply, err = ask "offer"
    assert.is_nil(reply)
    assert.matches("refused offer: error$", tostring(err))
  end)

  for what, bytes in pairs {
    ["truncated"] = "d6:result2:o",
    ["empty"] = "",
    ["of huge lengths"] = "d6:result999999999:oke",
    ["nested deeply"] = ("l"):rep(60000),
    ["no dictionary"] = "4:pong",
    ["without a result"] = "d3:sdp3:v=0e",
    ["with a result that is a list"] = "d6:resultl2:okee",
    ["followed by something"] = "d6:result2:okex",
  } do
    it("takes a reply that is " .. what .. " for a failure", function()
      open { answer = function()
        return bytes
      end }
      local reply, err = ask "ping"
      assert.is_nil(reply)
      assert.equal("operation_failure", err.kind)
      assert.equal("malformed_reply", err.reason)
      daemon.answer = Daemon.agree
      assert.same({ result = "pong" }, ask "ping")
    end)
  end

  it("leaves alone what is no reply to it", function()
    open { answer = function(_, _, cookie)
      daemon:send ""
      daemon:send " "
      daemon:send "d6:result2:oke"
      daemon:send "other d6:result2:oke"
      daemon:send(cookie .. "d6:result2:oke")
      daemon:send(cookie:sub(1, -2) .. "9 d6:result2:oke")
      daemon:send(("x"):rep(60000))
      return { result = "pong" }
    end }
    assert.same({ result = "pong" }, ask "ping")
  end)

  it("takes a reply once", function()
    local n = 0
    open()
    client:command_async("ping", function()
      n = n + 1
      daemon:send(daemon.log[1].cookie .. " d6:result4:ponge")
    end)
    wire:wait(function()
      return n > 0
    end)
    ask "ping"
    assert.equal(1, n)
  end)

  it("takes a reply from the daemon only", function()
    local stranger = uv.new_udp()
    stranger:bind("127.0.0.1", 0)
    open { answer = function(_, _, cookie)
      stranger:send(cookie .. " d6:result2:oke", daemon.from.ip,
        daemon.from.port, function()
          daemon:send(cookie .. " d6:result4:ponge")
        end)
    end }
    assert.same({ result = "pong" }, ask "ping")
    stranger:close()
  end)

  it("sends the commands of one call one after the other", function()
    local held = {}
    open { answer = function(request, _, cookie)
      if request["call-id"] == "a" then
        held[#held + 1] = cookie
        return
      end
      return Daemon.agree(request)
    end }
    local done = {}
    for i, name in ipairs { "offer", "answer", "delete" } do
      client:command_async(name, { ["call-id"] = "a" }, function()
        done[i] = name
      end)
    end
    ask("offer", { ["call-id"] = "b" }) -- another one isn't held up
    assert.same({ "offer", "offer" }, daemon:commands())
    for i = 1, 3 do
      wire:wait(function()
        return held[i]
      end)
      assert.equal(i - 1, #done)
      daemon:send(held[i] .. " d6:result2:oke")
      wire:wait(function()
        return done[i]
      end)
    end
    assert.same({ "offer", "answer", "delete" }, done)
    assert.is_nil(next(client.calls))
    assert.is_nil(next(client.jobs))
  end)

  it("goes on with the next command of a call whose last one failed",
    function()
      open { timeout = 0.02, tries = 2, answer = function(request)
        return request.command == "delete" and { result = "ok" } or nil
      end }
      local err, reply
      client:command_async("offer", { ["call-id"] = "a" }, function(_, why)
        err = why
      end)
      client:command_async("delete", { ["call-id"] = "a" }, function(given)
        reply = given
      end)
      wire:wait(function()
        return reply
      end)
      assert.equal("operation_timeout", err.kind)
      assert.same({ "offer", "delete" }, daemon:commands())
    end)

  it("goes on waiting when somebody else resumes it", function()
    local cookie
    open { answer = function(_, _, given)
      cookie = given
    end }
    local reply
    local thread = coroutine.create(function()
      reply = client:command "ping"
    end)
    coroutine.resume(thread)
    assert.is_true(coroutine.resume(thread, "not yours"))
    wire:wait(function()
      return cookie
    end)
    assert.is_nil(reply)
    daemon:send(cookie .. " d6:result4:ponge")
    wire:wait(function()
      return reply
    end)
    assert.same({ result = "pong" }, reply)
  end)

  it("forgets a coroutine that was closed", function()
    open()
    local reached
    local thread = coroutine.create(function()
      client:command "ping"
      reached = true
    end)
    coroutine.resume(thread)
    coroutine.close(thread)
    ask "ping"
    assert.is_nil(reached)
    assert.is_nil(next(client.jobs))
  end)

  it("runs the loop where it can't yield, and says where it can't do that",
    function()
      open()
      local seen
      local thread = coroutine.create(function()
        table.sort({ 2, 1 }, function(a, b) -- no yield across a C call
          seen = table.pack(client:command "ping")
          return a < b
        end)
      end)
      assert(coroutine.resume(thread))
      assert.same({ result = "pong" }, seen[1])
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        timer:close()
        coroutine.resume(coroutine.create(function()
          table.sort({ 2, 1 }, function(a, b)
            seen = table.pack(client:command "ping")
            return a < b
          end)
        end))
      end)
      wire:wait(function()
        return not seen[1]
      end)
      assert.equal("not_yieldable", seen[2].reason)
      assert.is_false(seen[2]:is_realtime())
    end)

  it("ends what is under way when it is closed", function()
    open { answer = function() end }
    local errors = {}
    local function note(_, err)
      errors[#errors + 1] = err.reason
    end
    for _ = 1, 3 do
      client:command_async("delete", { ["call-id"] = "a" }, note)
    end
    local waited
    coroutine.resume(coroutine.create(function()
      waited = table.pack(client:command "ping")
    end))
    client:close()
    client:close()
    assert.same({ "closed", "closed", "closed" }, errors)
    assert.is_nil(waited[1])
    assert.equal("closed", waited[2].reason)
    local ok, err = client:command_async "ping"
    assert.is_nil(ok)
    assert.equal("invalid_operation", err.kind)
    local reply
    reply, err = client:command "ping"
    assert.is_nil(reply)
    assert.equal("closed", err.reason)
  end)

  it("raises for mistakes before anything is sent", function()
    open()
    for want, fn in pairs {
      ["a name is expected"] = function()
        client:command(1)
      end,
      ["a table of arguments"] = function()
        client:command("ping", "now")
      end,
      ["its name is the first"] = function()
        client:command("ping", { command = "x" })
      end,
      ["no way to write a boolean"] = function()
        client:command("ping", { all = true })
      end,
      ["a function is expected"] = function()
        client:command_async("ping", {}, 1)
      end,
      ["a table of options"] = function()
        rtpengine.client "127.0.0.1:2223"
      end,
      ["unknown option 'port'"] = function()
        rtpengine.client { port = 1 }
      end,
      ["'nil' is no address"] = function()
        rtpengine.client {}
      end,
      ["'localhost:1' is no address"] = function()
        rtpengine.client { address = "localhost:1" }
      end,
      ["'127.0.0.1:65536' is no address"] = function()
        rtpengine.client { address = "127.0.0.1:65536" }
      end,
      ["'::1:2223' is no address"] = function()
        rtpengine.client { address = "::1:2223" }
      end,
      ["'[12:34]:5' is no address"] = function()
        rtpengine.client { address = "[12:34]:5" }
      end,
      ["'1.2.3:5' is no address"] = function()
        rtpengine.client { address = "1.2.3:5" }
      end,
      ["timeout is a number"] = function()
        rtpengine.client { address = "127.0.0.1:1", timeout = 0 }
      end,
      ["tries is an integer"] = function()
        rtpengine.client { address = "127.0.0.1:1", tries = 0.5 }
      end,
    } do
      local ok, err = pcall(fn)
      assert.is_false(ok, want)
      assert.matches("rtpengine_spec.lua:%d+: .*" .. want:gsub("%p", "%%%0"),
        err)
    end
    wire:run(0.01)
    assert.equal(0, #daemon.log)
  end)

  it("gives an error where there is no way", function()
    local none, err = rtpengine.client { address = "255.255.255.255:1" }
    assert.is_nil(none)
    assert.equal("connection_failure", err.kind)
  end)
end)

describe("sipsession.rtpengine #slow", function()
  it("waits in the main chunk, and doesn't keep luv's loop going", function()
    local output, ok = script [[
      local uv = require "luv"
      local rtpengine = require "sipsession.rtpengine"
      local daemon = uv.new_udp()
      daemon:bind("127.0.0.1", 0)
      daemon:recv_start(function(_, data, from)
        if data then
          daemon:send(data:match "^%S+ " .. "d6:result4:ponge", from.ip,
            from.port)
        end
      end)
      do
        local client <close> = assert(rtpengine.client {
          address = "127.0.0.1:" .. daemon:getsockname().port,
        })
        assert(client:command("ping").result == "pong")
        client:command_async("ping", function(reply)
          print(reply.result)
          daemon:close()
        end)
        uv.run() -- returns once it has its reply
      end
    ]]
    assert.equal("pong\n", output)
    assert.is_true(ok)
  end)

  it("hands the error of a callback to where errors go", function()
    local output, ok = script [[
      local uv = require "luv"
      local rtpengine = require "sipsession.rtpengine"
      local client = assert(rtpengine.client {
        address = "127.0.0.1:9", timeout = 0.01, tries = 1,
      })
      client:command_async("ping", function()
        error "first"
      end)
      coroutine.wrap(function()
        client:command "ping"
        error "\27second"
      end)()
      uv.run()
      print "goes on"
      client:close()
    ]]
    assert.is_true(ok, output)
    assert.matches("first.*\nsipsession: rtpengine: [^\n]*\\x1bsecond\n\t.*"
      .. "goes on", output)
  end)

  it("says what to install where there is no luv", function()
    local output, ok = script [[
      package.preload.luv = function()
        error "no such module"
      end
      local found, err = pcall(require("sipsession.rtpengine").client,
        { address = "127.0.0.1:2223" })
      assert(not found and err:find("luarocks install luv", 1, true)
        and err:find("lua-luv", 1, true), err)
    ]]
    assert.is_true(ok, output)
  end)
end)
