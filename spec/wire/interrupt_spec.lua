-- One SIGINT ends sip.run and what blocks, as it ends a loop in plain Lua; in
-- interpreters of their own, whose handler of it (lua.c's) is what this is
-- about.
local uv = require "luv"
local Process = require "support.process"
local Wire = require "support.wire"
local World = require "support.world"

local START = [[
  io.stdout:setvbuf "line"
  local sip = require "sipsession"
  local uv = require "luv"
  local function ready()
    print("pid", uv.os_getpid())
  end
  local function ready_soon() -- from inside the loop
    sip.spawn(function()
      sip.sleep(0)
      ready()
    end)
  end
  local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0",
    timers = { t1 = 0.01, t2 = 0.08, t4 = 0.02 } })
]]

describe("SIGINT", function()
  local process, pid, text

  -- Starts it, and waits until it has said that it is ready.
  local function start(script)
    pid, text = nil, ""
    process = assert(Process.start(Process.LUA, { "-e", START .. script },
      function(line)
        pid = pid or line:match "^pid\t(%d+)"
        text = text .. line .. "\n"
      end, { seconds = 20 }))
    assert(Process.wait(function()
      return pid or process.ended
    end, 10))
    assert(pid, text)
  end

  local function interrupt()
    Process.wait(function() end, 0.02) -- until it waits again
    assert.equal(0, uv.kill(tonumber(pid), "sigint"))
  end

  -- It ends with that status, and no handler is said to have failed.
  local function ends(code)
    assert.equal(code, process:finish(5), text)
    assert.is_nil(("\n" .. text):find("\nsipsession: ", 1, true), text)
  end

  -- As a loop in plain Lua does.
  local function ends_interrupted()
    ends(1)
    assert.matches("lua[^\n]*: interrupted!\nstack traceback:\n", text)
  end

  -- A call to the address that it has said.
  local function accepted()
    local wire = Wire.new()
    finally(function()
      wire:close()
    end)
    local call = wire:peer("udp", { auto = true }):invite {
      to = "sip:desk@127.0.0.1", sdp = World.OFFER,
      address = text:match "at\t(%S+)" }
    assert(call:wait(200))
    return wire, call
  end

  after_each(function()
    process:kill()
  end)

  it("ends sip.run that waits", function()
    start [[
      ready_soon()
      sip.run()
      print "returned"
    ]]
    interrupt()
    ends_interrupted()
    assert.matches("in function 'sipsession.run'", text, 1, true)
    assert.is_nil(text:find "returned")
  end)

  it("ends turns of sip.run, one by one", function()
    start [[
      ready_soon()
      while true do
        sip.run "once"
      end
    ]]
    interrupt()
    ends_interrupted()
  end)

  it("ends sip.run in a coroutine", function()
    start [[
      ready_soon()
      local ok, err = pcall(coroutine.wrap(sip.run))
      print(ok, err)
    ]]
    interrupt()
    ends(0)
    assert.matches("false\tinterrupted!\n", text)
  end)

  it("ends in-memory networks, which never wait", function()
    start [[
      require("sipsession.testing").network()
      sip.spawn(function()
        while true do
          sip.sleep(1)
          if ready then
            ready()
            ready = nil
          end
        end
      end)
      sip.run()
    ]]
    interrupt()
    ends_interrupted()
  end)

  it("ends sip.sleep, which can be called again", function()
    start [[
      ready_soon()
      print(pcall(sip.sleep, 100))
      print(sip.sleep(0.01))
    ]]
    interrupt()
    ends(0)
    assert.matches("false\tinterrupted!\ntrue\n", text)
  end)

  it("leaves calls as they are, for the script to end them", function()
    start [[
      endpoint:on("session_received", function(session)
        session:on("state_changed", function(change)
          print("state", session.state)
        end)
        session:participate()
        print("joined")
      end)
      print("at", endpoint.addresses[1])
      ready_soon()
      print(pcall(sip.run))
      endpoint:close()
      print("alive", sip.run())
    ]]
    local wire, call = accepted()
    assert(wire:wait(function()
      return text:find "joined"
    end))
    interrupt()
    assert(call:wait "BYE")
    assert(wire:wait(function()
      return process.ended
    end))
    ends(0)
    assert.matches("false\tinterrupted!\n", text)
    assert.matches("state\tdisconnected\n.*alive\tfalse\n$", text)
  end)

  it("while a handler runs waits for the end of the turn", function()
    start [[
      endpoint:on("session_received", function(session)
        uv.kill(uv.os_getpid(), "sigint")
        print "received"
        accepted = session:participate()
        print("accepted", accepted)
      end)
      print("at", endpoint.addresses[1])
      ready_soon()
      print(pcall(sip.run))
      repeat
        sip.sleep(0.01)
      until accepted
      endpoint:close()
      sip.run()
    ]]
    local wire, call = accepted()
    assert(call:wait "BYE")
    assert(wire:wait(function()
      return process.ended
    end))
    ends(0)
    assert.matches("received\nfalse\tinterrupted!\naccepted\tACK ", text)
  end)

  it("kills, the second time", function()
    start [[
      ready_soon()
      pcall(sip.run)
      ready_soon()
      sip.run()
    ]]
    interrupt()
    assert(Process.wait(function()
      return select(2, text:gsub("pid", "")) == 2
    end, 5))
    interrupt()
    ends(128 + 2)
  end)

  it("is the interpreter's again once sip.run is over", function()
    start [[
      endpoint:close()
      sip.run()
      ready()
      while true do end
    ]]
    interrupt()
    ends_interrupted()
    assert.is_nil(text:find "sipsession.run")
  end)

  it("that came as sip.run was called ends it, too", function()
    start [[
      ready()
      debug.sethook(function()
        if debug.getinfo(2, "f").func ~= sip.run then
          error("late", 0)
        end
      end, "c") sip.run()
    ]]
    ends(1)
    assert.matches("lua[^\n]*: late\n", text)
  end)

  it("is nobody's business where it has another handler", function()
    start [[
      local heard = uv.new_signal()
      heard:start("sigint", function()
        print "heard"
      end)
      sip.spawn(function()
        sip.sleep(0)
        uv.kill(uv.os_getpid(), "sigint")
        sip.sleep(0.02)
        print "slept"
        endpoint:close()
      end)
      sip.run()
      uv.run "nowait"
      heard:close()
      uv.run "nowait"
      ready()
    ]]
    ends(0)
    assert.matches("slept\nheard\npid", text)
  end)

  it("leaves the script's own hook alone, until it comes", function()
    start [[
      local calls = 0
      local function hook()
        calls = calls + 1
      end
      debug.sethook(hook, "c")
      sip.sleep(0.01)
      assert(calls > 0 and debug.gethook() == hook)
      ready_soon()
      local ok, err = pcall(sip.run)
      print(ok, err, debug.gethook()) -- lua.c has put away all hooks
    ]]
    interrupt()
    ends(0)
    assert.matches("false\tinterrupted!\tnil\n", text)
  end)
end)
