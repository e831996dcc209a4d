-- A handler that doesn't return to the loop is told of while it is at it. In
-- processes of their own, since the time is real.
local process = require "support.process"

-- Runs a script that has `sip`, and `endpoint` with a short stall_timeout, on
-- which fn is called by sip.spawn; gives its output, both kinds.
local function run(script, options)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(([[
    package.path, package.cpath = %q, %q
    local sip = require "sipsession"
    local endpoint = assert(sip.endpoint { listen = "udp:127.0.0.1:0",
      stall_timeout = %s })
    local function busy(seconds)
      local t = os.clock()
      while os.clock() - t < seconds do end
    end
    %s
    io.stderr:write "the end\n"
    endpoint:close()
    sip.run()
  ]]):format(package.path, package.cpath, options or "0.1", script))
  file:close()
  local pipe = assert(io.popen(process.LUA .. " " .. path .. " 2>&1"))
  local text = pipe:read "a"
  local ok = pipe:close()
  os.remove(path)
  assert.is_true(ok, text)
  return text
end

local function count(text, pattern)
  local _, n = text:gsub(pattern, "")
  return n
end

describe("a handler that doesn't return #slow", function()
  it("is told of on stderr, with its traceback, while it is busy", function()
    local text = run [[
      sip.spawn(function() busy(0.5) io.stderr:write "back\n" end)
    ]]
    assert.matches("stalled: a handler has not returned for 0.1 s", text)
    assert.matches("in .-busy", text)
    assert.is_true(text:find("stalled", 1, true) < text:find("back", 1, true))
    assert.equal(1, count(text, "stalled:"))
  end)

  it("is told of to the endpoint whose call it is, once", function()
    local text = run [[
      endpoint:on("stalled", function(traceback, seconds)
        io.stderr:write("told ", seconds, traceback:find "slow" and " slow" or
          traceback, "\n")
      end)
      endpoint:on("session_received", function(session)
        local function slow() busy(0.5) end
        slow()
        session:reject(486)
      end)
      local uv = require "luv"
      local socket = uv.new_udp()
      socket:bind("127.0.0.1", 0)
      socket:send("INVITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch="
        .. "z9hG4bK1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: 1"
        .. "\r\nCSeq: 1 INVITE\r\nContact: <sip:b@127.0.0.1>\r\n\r\n",
        "127.0.0.1", tonumber(endpoint.addresses[1]:match "%d+$"),
        function() end)
      uv.run "nowait"
      sip.sleep(1)
    ]]
    assert.matches("told 0.1 slow\n", text)
    assert.equal(1, count(text, "told"))
  end)

  it("is told of where it waits in C, or in a coroutine of its own", function()
    local text = run [[
      sip.spawn(function() os.execute "sleep 0.5" end)
      sip.spawn(function() coroutine.wrap(function() busy(0.5) end)() end)
    ]]
    assert.equal(2, count(text, "stalled: a handler doesn't return"))
  end)

  it("keeps the hook that the script has set", function()
    local text = run [[
      local calls = 0
      sip.spawn(function()
        debug.sethook(function() calls = calls + 1 end, "", 1000)
        busy(0.3)
        local before = calls
        busy(0.1)
        io.stderr:write(calls > before and "kept\n" or "lost\n")
      end)
    ]]
    assert.matches("stalled:", text)
    assert.matches("kept\n", text)
  end)

  it("isn't one that sleeps, or that is fast", function()
    local text = run [[
      sip.spawn(function() sip.sleep(0.4) end)
      for _ = 1, 10 do
        sip.spawn(function() busy(0.02) end)
        sip.sleep(0.01)
      end
      sip.sleep(0.4)
    ]]
    assert.equal("the end\n", text)
  end)

  it("is nobody's business where stall_timeout is 0", function()
    assert.equal("the end\n", run([[
      sip.spawn(function() busy(0.3) end)
    ]], "0"))
  end)
end)
