-- A server that is killed behind a proxy which knows of another one: callers
-- notice nothing but the time that the proxy takes to give it up (SR23).
local uv = require "luv"
local Process = require "support.process"
local Siege = require "support.siege"

local CALLS, RATE = 150, 50 -- a second
local KILLED = 50           -- after so many

describe("behind Kamailio's dispatcher #slow", function()
  if not Process.installed("kamailio", "-v") then
    pending "isn't installed: Debian's kamailio"
    return
  end
  local servers, proxy, list

  before_each(function()
    servers = {}
    for i = 1, 2 do
      servers[i] = Siege.new {
        handler = "print('log', 'call') session:participate()",
      }
    end
    list = os.tmpname()
    local file = assert(io.open(list, "w"))
    for _, server in ipairs(servers) do
      file:write(("1 sip:127.0.0.1:%d\n"):format(server.port))
    end
    file:close()
  end)

  after_each(function()
    proxy:kill()
    os.remove(list)
    servers[2]:finish()
    servers[1]:close()
  end)

  local function start_proxy(port)
    proxy = assert(Process.start("kamailio", { "-DD", "-E",
      "-f", "spec/support/dispatcher.cfg", "-Y", uv.os_tmpdir(),
      "-A", "PORT=" .. port, "-A", ('LIST="%s"'):format(list) },
      nil, { seconds = 60 }))
  end

  it("those whom the killed one didn't answer get the other one", function()
    local port, answered, count = Process.free_port(), {}, 0
    local alive = servers[2]
    start_proxy(port)
    local socket
    socket = alive:socket("127.0.0.1", function(bytes)
      local id = bytes:match "\r\nCall%-ID: ([^\r]*)"
      if bytes:find "^SIP/2%.0 200" and not answered[id] then
        answered[id], count = true, count + 1
      end
    end)
    local function call()
      socket:send(alive:request("INVITE",
        { port = socket:getsockname().port }), "127.0.0.1", port)
    end
    assert.is_true(alive:wait(function() -- until it listens
      if count == 0 then
        call()
      end
      alive:run(0.1)
      return count > 0
    end, 10))
    alive:run(0.5)
    local before = count
    alive:every(RATE, CALLS / RATE, function(i)
      if i == KILLED then
        assert.equal(0, uv.kill(servers[1].pid, "sigkill"))
      end
      call()
    end)
    alive:wait(function()
      return count == before + CALLS
    end, CALLS / RATE + 10)
    assert.equal(CALLS, count - before)
    assert.is_true(#servers[1].log >= KILLED // 2 - 1)
    assert.is_true(#alive.log > CALLS // 2, #alive.log)
  end)
end)
