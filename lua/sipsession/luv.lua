-- Drives sipsession from luv's loop, so that one script may use both:
--
--   local uv = require "luv"
--   require("sipsession.luv").attach()
--   uv.run()
--
-- A poll handle of luv's waits on sip.pollfd(), which turns readable when a
-- turn is due, for I/O or for time. The handle keeps uv.run() going as long as
-- sipsession has something to wait for (an endpoint that is open, a sleeping
-- coroutine) and no longer. Handlers then run inside uv.run(): they may use
-- luv as they like, and must not call sip.run().
local sip = require "sipsession"

local luv = {}
local poll

local function load()
  local found, uv = pcall(require, "luv")
  if not found then
    error("sipsession.luv needs luv: install Debian's lua-luv, or "
      .. "`luarocks install luv`", 3)
  end
  return uv
end

-- Begins to drive sipsession from luv's loop. Idempotent.
function luv.attach()
  if poll then
    return
  end
  local uv = load()
  poll = assert(uv.new_poll(sip.pollfd()))
  local function turn()
    local alive = sip.run "nowait"
    if poll then
      if alive then
        poll:ref()
      else
        poll:unref()
      end
    end
  end
  assert(poll:start("r", function(err)
    if err then
      error("sipsession.luv: " .. err)
    end
    turn()
  end))
  sip._keeper(function()
    if poll then
      poll:ref()
    end
  end)
  turn() -- what was opened before is seen
end

-- Stops driving it; sip.run() works again. Idempotent.
function luv.detach()
  if not poll then
    return
  end
  sip._keeper(nil)
  poll:stop()
  poll:close()
  poll = nil
end

return luv
