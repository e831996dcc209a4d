-- A client of rtpengine's control protocol "ng": a UDP datagram with a cookie
-- and a bencoded dictionary each way. A command that gets no reply is sent
-- again with its cookie, so that rtpengine carries it out once. Commands of one
-- call (`call-id`) are sent one after the other. On luv's loop, which drives
-- sipsession too (sipsession.luv). Knows nothing of what commands mean; no TCP,
-- no HTTP, no host names.

local sip = require "sipsession"
local bencode = require "sipsession.bencode"

local rtpengine = {}

local Client = {}
Client.__index = Client

local DEFAULTS = { timeout = 0.5, tries = 4 }

-- ----------------------------------------------------------------- errors ---

-- Made like the library's own errors.
local Error = {}
Error.__index = Error

function Error:is_realtime()
  return self.kind ~= "invalid_operation"
end

function Error:__tostring()
  local reason = self.reason and (" (%s)"):format(self.reason) or ""
  return sip._line(("%s%s: %s"):format(self.kind, reason, self.message))
end

local function new_error(kind, reason, ...)
  return setmetatable(
    { kind = kind, reason = reason, message = string.format(...) }, Error)
end

-- luv ends the process when a callback raises, and any may: memory is short.
local function complain(err)
  sip._complain("rtpengine: " .. tostring(err))
end

local function guarded(fn, ...)
  local ok, err = pcall(fn, ...)
  if not ok then
    pcall(complain, err)
  end
end

-- --------------------------------------------------------------- commands ---

-- What is under way: a job has text (with its cookie), name, call (its call-id
-- or nil), done (called once, with a reply, or nil and an error; it sets `told`
-- when there is no way back). All that it needs is there before it is sent or
-- put in a queue: afterwards memory may be short, and its timer tries again.

local function send(client, job)
  job.tried = job.tried + 1
  local ok, err = client.socket:send(job.text, nil, nil, function(trouble)
    job.trouble = trouble or job.trouble
  end)
  if not ok then
    job.trouble = err
  end
end

local function forget(client, job)
  if job.timer then
    job.timer:close()
    job.timer = false
  end
  if job.cookie then
    client.jobs[job.cookie] = nil
  end
end

local function finish(client, job, reply, err)
  job.is_over, job.reply, job.err = true, reply, err
  local ok, why = true, nil
  if not job.told then
    ok, why = pcall(job.done, reply, err)
  end
  if ok or job.told or client.is_closed then
    forget(client, job)
  end
  if not ok then
    error(why, 0)
  end
end

local function start(client, job)
  job.started = true
  client.uv.update_time() -- luv's clock stands still while others work
  job.timer:again()
  guarded(send, client, job)
end

-- The next command of the call.
local function advance(client, call)
  local queue = client.calls[call]
  local job = queue and queue[queue.first]
  if job then
    queue[queue.first] = nil
    queue.first = queue.first + 1
    start(client, job)
  else
    client.calls[call] = nil
  end
end

local function over(client, job, reply, err)
  if job.call and not client.is_closed and not job.is_over then
    advance(client, job.call)
  end
  finish(client, job, reply, err)
end

local function unanswered(client, job)
  if job.trouble then
    return new_error("connection_failure", nil, "can't reach rtpengine at %s: "
      .. "%s", client.address, job.trouble)
  end
  return new_error("operation_timeout", nil, "rtpengine at %s has not "
    .. "answered %s %s", client.address, job.name,
    job.tried == 1 and "once" or ("in %d tries"):format(job.tried))
end

local function remind(client, job)
  if job.is_over then
    over(client, job, job.reply, job.err)
  elseif job.started and job.tried < client.tries then
    send(client, job)
  elseif job.started then
    over(client, job, nil, unanswered(client, job))
  end
end

local function prepare(client, job)
  local ms = client.interval
  client.serial = client.serial + 1
  local cookie = client.prefix .. client.serial
  job.text = cookie .. " " .. job.text
  client.jobs[cookie] = job
  job.cookie, job.serial = cookie, client.serial
  local function again()
    guarded(remind, client, job)
  end
  job.timer = client.uv.new_timer()
  job.timer:start(ms, ms, again)
  -- One at a time of a call.
  local queue = job.call and client.calls[job.call]
  if queue then
    queue[queue.last + 1] = job
    queue.last = queue.last + 1
  elseif job.call then
    client.calls[job.call] = { first = 1, last = 0 }
  end
  return queue
end

local function enqueue(client, job)
  local ok, queue = pcall(prepare, client, job)
  if not ok then
    forget(client, job)
    error(queue, 0)
  elseif not queue then
    start(client, job)
  end
end

local function understand(job, body)
  local reply, why = bencode.decode(body)
  local result = type(reply) == "table" and reply.result
  if type(result) ~= "string" then
    return nil, new_error("operation_failure", "malformed_reply", "rtpengine's "
      .. "reply to %s is not understood: %s", job.name, why or "no result")
  elseif result == "ok" or result == "pong" then
    return reply
  end
  local said = reply["error-reason"] or reply.message
  local err = new_error("failure_response",
    result == "load limit" and "load_limit" or nil, "rtpengine refused %s: %s",
    job.name, type(said) == "string" and said or result)
  err.response = reply
  return nil, err
end

local function on_datagram(client, trouble, data)
  if trouble then -- such as: nobody has that port
    for _, job in pairs(client.jobs) do
      job.trouble = trouble
    end
  elseif data then
    local cookie, from = data:match "^(%S+) ()"
    local job = client.jobs[cookie or ""]
    if job and job.started then -- else a late copy, or not for us
      over(client, job, understand(job, data:sub(from)))
    end
  end
end

-- ---------------------------------------------------------------- waiting ---

local function lament(thread, err)
  complain(debug.traceback(thread, tostring(err)))
end

-- Nothing that runs in a callback of luv's may raise there.
local function wake(job, thread)
  if coroutine.status(thread) == "suspended" then
    job.told = true
    local ok, err = coroutine.resume(thread)
    if not ok then
      pcall(lament, thread, err)
      coroutine.close(thread)
    end
  end
end

local function wait(client, job)
  local reply, err, is_over, thread
  job.done = function(...)
    reply, err = ...
    is_over = true
    if thread then
      wake(job, thread)
    end
  end
  if coroutine.isyieldable() then
    enqueue(client, job)
    thread = coroutine.running()
    while not is_over do -- somebody else may resume us
      coroutine.yield()
    end
  elseif not client.uv.loop_mode() then
    enqueue(client, job)
    while not is_over do
      client.uv.run "once"
    end
  else
    return nil, new_error("invalid_operation", "not_yieldable", "%s can "
      .. "neither yield nor run luv's loop here", job.name)
  end
  return reply, err
end

-- ----------------------------------------------------------------- client ---

-- Errors in arguments are raised where the script is: three levels up.
local function new_job(client, name, arguments, done)
  if type(name) ~= "string" then
    error("command: a name is expected, \"ping\", not " .. type(name), 3)
  elseif arguments ~= nil and type(arguments) ~= "table" then
    error("command: a table of arguments is expected, not "
      .. type(arguments), 3)
  end
  local all = { command = name }
  local session = arguments and arguments.session
  if session then
    all["call-id"] = session.call_id
    all["from-tag"] = session.from_tag or ""
    all["to-tag"] = session.to_tag
  end
  for key, value in pairs(arguments or {}) do
    if key == "command" then
      error("command: its name is the first argument", 3)
    elseif key ~= "session" then
      all[key] = value
    end
  end
  local ok, text = pcall(bencode.encode, all)
  if not ok then
    error(("command %s: %s"):format(name, text), 3)
  elseif client.is_closed then
    return nil, new_error("invalid_operation", "closed", "the client is closed")
  end
  local call = all["call-id"]
  return { name = name, text = text, call = call and tostring(call),
    done = done or false, cookie = false, serial = 0, timer = false,
    trouble = false, tried = 0, started = false, is_over = false,
    told = false, reply = false, err = false }
end

-- Sends a command with its arguments and waits for the reply: yields in a
-- coroutine, else runs luv's loop. An argument `session` stands for its
-- call-id, from-tag (the caller's) and to-tag. Gives the reply as a table, or
-- nil and an error.
function Client:command(name, arguments)
  local job, err = new_job(self, name, arguments)
  if not job then
    return nil, err
  end
  return wait(self, job)
end

-- The same without waiting: true, or nil and an error; then fn(reply) or
-- fn(nil, err), in a coroutine of its own.
function Client:command_async(name, arguments, fn)
  if type(arguments) == "function" and fn == nil then
    arguments, fn = nil, arguments
  end
  if fn ~= nil and type(fn) ~= "function" then
    error("command_async: a function is expected, not " .. type(fn), 2)
  end
  local job, err
  job, err = new_job(self, name, arguments, function(...)
    if fn then
      sip.spawn(fn, ...)
    end
    job.told = true
  end)
  if not job then
    return nil, err
  end
  enqueue(self, job)
  return true
end

-- Ends what is under way, with an error, and gives the socket back.
function Client:close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  local jobs = {}
  for _, job in pairs(self.jobs) do
    jobs[#jobs + 1] = job
  end
  table.sort(jobs, function(a, b)
    return a.serial < b.serial
  end)
  self.calls = {}
  self.socket:close()
  for _, job in ipairs(jobs) do
    finish(self, job, nil, new_error("operation_failure", "closed",
      "the client was closed before rtpengine answered %s", job.name))
  end
  if not self.uv.loop_mode() then
    self.uv.run "nowait" -- luv 1.44 crashes at exit on a handle half closed
  end
end

Client.__close = Client.close

local function no_address(address, level)
  error(("client: '%s' is no address; write it as \"127.0.0.1:2223\" or "
    .. "\"[::1]:2223\""):format(tostring(address)), level + 1)
end

local function check(options)
  if type(options) ~= "table" then
    error("client: a table of options is expected, not " .. type(options), 3)
  end
  for name in pairs(options) do
    if name ~= "address" and name ~= "timeout" and name ~= "tries" then
      error("client: unknown option '" .. tostring(name) .. "'", 3)
    end
  end
  local address = options.address
  local host, port = tostring(address):match "^%[?([%x.:]+)%]?:(%d+)$"
  port = math.tointeger(tonumber(port))
  if type(address) ~= "string" or not port or port < 1 or port > 65535
    or (host:find(":", 1, true) ~= nil) ~= (address:sub(1, 1) == "[") then
    no_address(address, 3)
  end
  local timeout = options.timeout or DEFAULTS.timeout
  local tries = options.tries or DEFAULTS.tries
  if type(timeout) ~= "number" or not (timeout > 0 and timeout < 3600) then
    error("client: timeout is a number of seconds", 3)
  elseif math.type(tries) ~= "integer" or tries < 1 then
    error("client: tries is an integer from 1 up", 3)
  end
  return host, port, math.max(1, math.floor(timeout * 1000)), tries
end

-- A client of the rtpengine that listens for ng at options.address,
-- "127.0.0.1:2223". options.timeout: seconds until a command is sent again
-- (0.5); options.tries: how often it is sent in all (4). Gives nil and an error
-- where there is no way there. It must be closed; it keeps luv's loop going
-- only while it waits for a reply.
function rtpengine.client(options)
  local host, port, interval, tries = check(options)
  local found, uv = pcall(require, "luv")
  if not found then
    error("sipsession.rtpengine needs luv: install Debian's lua-luv, or "
      .. "`luarocks install luv`", 2)
  end
  local client = setmetatable({
    uv = uv, address = options.address, interval = interval, tries = tries,
    jobs = {}, calls = {}, serial = 0, is_closed = false, socket = false,
    -- rtpengine takes a cookie that it has seen for a repeat, whoever sent it.
    prefix = uv.random(12):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end) .. "_",
  }, Client)
  local function receive(trouble, data)
    guarded(on_datagram, client, trouble, data)
  end
  client.socket = assert(uv.new_udp())
  local called, ok, err = pcall(client.socket.connect, client.socket, host,
    port)
  if not called then -- luv raises for what is no IP address
    client:close()
    no_address(options.address, 2)
  end
  if ok then
    ok, err = client.socket:recv_start(receive)
  end
  if not ok then
    client:close()
    return nil, new_error("connection_failure", nil, "no way to rtpengine at "
      .. "%s: %s", options.address, err)
  end
  client.socket:unref()
  return client
end

return rtpengine
