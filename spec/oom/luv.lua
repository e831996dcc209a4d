-- What sipsession.rtpengine uses of luv, and a daemon behind it: events in
-- order, timers after them, no sockets. luv ends the process when a callback
-- raises; here that is a fault.
local memory = _G.memory
local bencode = require "sipsession.bencode"

return function(w)
  local uv = { handles = 0 }
  local events, timers = {}, {}

  local function call(fn, ...)
    local ok, err = pcall(fn, ...)
    if not ok then
      w:fault("raised into luv: %s", tostring(err))
    end
  end

  -- What the allocator can't reach is not on trial.
  local function untouched(fn)
    local counted = memory.stop()
    fn()
    if counted then
      memory.start()
    end
  end

  function uv.new_udp()
    local socket = {}
    function socket.connect()
      return true
    end
    function socket.recv_start(_, fn)
      socket.fn = fn
      return true
    end
    function socket.unref()
    end
    function socket.send(_, text)
      untouched(function()
        local cookie, rest = text:match "^(%S+) (.*)$"
        local command = bencode.decode(rest).command
        local reply = command == "ping" and { result = "pong" }
          or command == "query" and { result = "error" } or { result = "ok" }
        events[#events + 1] = cookie .. " " .. bencode.encode(reply)
      end)
      uv.socket = socket
      return true
    end
    function socket.close()
      uv.handles = uv.handles - 1
      socket.fn = nil
    end
    uv.handles = uv.handles + 1
    return socket
  end

  function uv.new_timer()
    local timer = {}
    function timer.start(_, _, _, fn)
      timer.fn = fn
      untouched(function()
        timers[#timers + 1] = timer
      end)
    end
    function timer.again()
    end
    function timer.close()
      uv.handles = uv.handles - 1
      for i, one in ipairs(timers) do
        if one == timer then
          table.remove(timers, i)
        end
      end
    end
    uv.handles = uv.handles + 1
    return timer
  end

  function uv.random(n)
    return ("x"):rep(n)
  end

  function uv.update_time()
  end

  function uv.loop_mode()
    return uv.running
  end

  -- What is due: a datagram, else the timers; false when nothing is.
  local function step()
    local text = table.remove(events, 1)
    local timer = timers[1]
    if text and uv.socket.fn then
      call(uv.socket.fn, nil, text)
    elseif timer then
      table.remove(timers, 1)
      untouched(function()
        timers[#timers + 1] = timer
      end)
      call(timer.fn)
    else
      return text ~= nil
    end
    return true
  end

  function uv.run(mode)
    uv.running = "default"
    for _ = 1, 1000 do
      if not step() or mode == "once" then
        break
      end
    end
    uv.running = nil
  end

  return uv
end
