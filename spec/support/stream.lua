-- A TCP connection over luv as specs need it: bytes as one pleases, half
-- closed, reset, closed; what came in, as bytes and cut into messages.
--
-- Set raw, a function, for a stream of something else than SIP: it is called
-- for what comes instead of looking for messages.
--
-- Fields: bytes (all that came), messages (those cut out of it so far, as
-- text), pongs (CRLFs between them), ended (nil, "eof", or luv's name of the
-- error), connected.

local uv = require "luv"

local Stream = {}
Stream.__index = Stream

-- libuv's own streams, the peers', write without MSG_NOSIGNAL.
local sigpipe = uv.new_signal()
sigpipe:start("sigpipe", function() end)
sigpipe:unref()

-- luv ends the process when a callback fails: errors are kept for whoever
-- waits, and come out there.
local failed

function Stream.guarded(fn)
  return function(...)
    local ok, err = xpcall(fn, debug.traceback, ...)
    if not ok then
      failed = failed or err
    end
  end
end

function Stream.raise()
  local err = failed
  failed = nil
  if err then
    error(err, 0)
  end
end

-- The next whole message in the buffer (RFC 3261 18.3).
local function cut(stream)
  local rest = stream.rest
  while rest:find "^\r\n" do
    stream.pongs = stream.pongs + 1
    rest = rest:sub(3)
  end
  stream.rest = rest
  local head = rest:match "^.-\r\n\r\n"
  if not head then
    return nil
  end
  local length = ("\n" .. head):match "\n[Cc]ontent%-[Ll]ength%s*:%s*(%d+)"
  local size = #head + assert(tonumber(length), "no Content-Length")
  if #rest < size then
    return nil
  end
  stream.rest = rest:sub(size + 1)
  return rest:sub(1, size)
end

local function on_read(stream)
  return Stream.guarded(function(err, data)
    if err or not data then
      stream.ended = stream.ended or err or "eof"
      return
    end
    stream.bytes = stream.bytes .. data
    if stream.raw then
      stream.raw()
      return
    end
    stream.rest = stream.rest .. data
    local message = cut(stream)
    while message do
      stream.messages[#stream.messages + 1] = message
      if stream.on_message then
        stream.on_message(message)
      end
      message = cut(stream)
    end
  end)
end

local function new(handle)
  handle:nodelay(true)
  return setmetatable({
    handle = handle, bytes = "", rest = "", messages = {}, pongs = 0,
  }, Stream)
end

-- Options: deaf: it never reads, and has little room for what it doesn't read.
function Stream.connect(ip, port, options)
  local deaf = options and options.deaf
  local stream = new(uv.new_tcp(deaf and "inet" or nil))
  if deaf then
    stream.handle:recv_buffer_size(4096)
  end
  stream.handle:connect(ip, port, Stream.guarded(function(err)
    if err then
      stream.ended = err
    elseif not stream.handle:is_closing() then
      stream.connected = true
      if not deaf then
        stream.handle:read_start(on_read(stream))
      end
    end
  end))
  return stream
end

-- A listener; its on_stream gets each connection that comes.
function Stream.listen(ip, port)
  local handle = uv.new_tcp()
  assert(handle:bind(ip, port))
  local listener = { handle = handle }
  assert(handle:listen(128, Stream.guarded(function(err)
    assert(not err, err)
    local stream = new(uv.new_tcp())
    handle:accept(stream.handle)
    stream.connected = true
    stream.handle:read_start(on_read(stream))
    listener.on_stream(stream)
  end)))
  function listener.getsockname()
    return handle:getsockname()
  end
  function listener.close()
    if not handle:is_closing() then
      handle:close()
    end
  end
  return listener
end

-- Sends once the connection is made; in one write, so, up to some size, in one
-- segment.
function Stream:send(bytes)
  if self.ended or self.handle:is_closing() then
    return nil, self.ended or "closed"
  end
  self.handle:write(bytes)
  return true
end

-- Ends our side and goes on reading.
function Stream:shut()
  self.handle:shutdown()
end

-- RST.
function Stream:reset()
  if not self.handle:is_closing() then
    self.handle:close_reset()
  end
end

function Stream:close()
  if not self.handle:is_closing() then
    self.handle:close()
  end
end

return Stream
