-- The server of tools/soak_sockets.lua: what it does with a call is said by the
-- user in its Request-URI. It is told on its standard input, a word a line, to
-- "measure" (it prints what it has, as name=value pairs), to "hang up" what is
-- still there, and to "close", after which "nothing left" is the last it
-- prints. When its input ends it closes too.

local uv = require "luv"
local sip = require "sipsession"
require("sipsession.luv").attach()

-- 64*T1, which ended transactions are kept for (RFC 3261 17.2), is 1.6 s.
local endpoint = assert(sip.endpoint {
  listen = { "udp:127.0.0.1:0", "tcp:127.0.0.1:0" },
  timers = { t1 = 0.025, t2 = 0.2, t4 = 0.2 },
})

local live = {}                                  -- until they have ended
local every = setmetatable({}, { __mode = "k" }) -- until they are collected
local counts = { errors = 0, pending = 0, desks = 0 }

local script = {}

function script.accept(session)
  session:participate { headers = { ["X-Soak"] = "1" } }
end

-- after a pause, and by a function that has to be called once
function script.later(session)
  session:progress(180)
  sip.sleep(0.2)
  counts.pending = counts.pending + 1
  local begun = session:participate_async(function()
    counts.pending = counts.pending - 1
  end)
  if not begun then -- it was cancelled
    counts.pending = counts.pending - 1
  end
end

function script.decline(session)
  session:reject(488, { ["X-Screen"] = "blocked" })
end

function script.ring(session)
  session:progress(180)
  sip.sleep(3)
  session:participate()
end

function script.leave(session)
  if session:participate() then
    sip.sleep(0.3)
    session:terminate { ["X-Soak"] = "enough" }
  end
end

-- whom the hostile call
function script.desk(session)
  counts.desks = counts.desks + 1
  if counts.desks % 2 == 0 then
    session:participate()
  else
    session:reject(486)
  end
end

endpoint:on("session_received", function(session)
  live[session], every[session] = true, true
  local act = script[session.request_uri:match "^sip:(%a+)@"]
  if act then
    act(session)
  else
    session:reject(404)
  end
end)
endpoint:on("ended", function(session, record)
  live[session] = nil
  local name = "ended_" .. record.outcome
  counts[name] = (counts[name] or 0) + 1
end)
endpoint:on("error", function(err, traceback)
  counts.errors = counts.errors + 1
  print("error", err, (traceback:gsub("\n", " ")))
end)

local function size(of)
  local n = 0
  for _ in pairs(of) do
    n = n + 1
  end
  return n
end

local function add(list, prefix, of)
  for name, value in pairs(of) do
    if type(value) == "table" then
      add(list, prefix .. name .. ".", value)
    else
      list[#list + 1] = ("%s%s=%.0f"):format(prefix, name, value)
    end
  end
  return list
end

local function measure()
  collectgarbage()
  collectgarbage()
  local list = add({}, "", endpoint:stats())
  add(list, "", counts)
  add(list, "", { lua = collectgarbage "count", uncollected = size(every),
    registry = size(debug.getregistry()) })
  print("stats", table.concat(list, " "))
end

local input = uv.new_pipe(false)
assert(input:open(0))

local told = { measure = measure }

told["hang up"] = function()
  for session in pairs(live) do
    session:terminate()
  end
end

function told.close()
  input:close()
  endpoint:close()
end

local rest = ""
input:read_start(function(_, data)
  rest = rest .. (data or "close\n")
  for line, after in rest:gmatch "([^\n]*)\n()" do
    told[line]()
    rest = rest:sub(after)
    if input:is_closing() then
      break
    end
  end
end)

io.stdout:setvbuf "line"
print("server", assert(io.open "/proc/self/stat"):read "n",
  table.unpack(endpoint.addresses))
uv.run() -- as long as there is something to wait for
print "nothing left"
