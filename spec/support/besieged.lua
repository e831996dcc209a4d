-- A server in a process of its own, for specs that measure what a siege costs
-- it (support.siege): says its process id and addresses, then four times a
-- second what endpoint:stats() has, as name=value pairs.
--
--   lua5.4 spec/support/besieged.lua OPTIONS HANDLER [drain]
--
-- The first two are Lua: an expression for the options of sip.endpoint, and the
-- body of a session_received handler (empty: none), which gets sip, endpoint
-- and session. With `drain` it closes the endpoint when it is told to end
-- (SIGTERM), which it hears of by luv, as a script does.
local sip = require "sipsession"

local options, handler = arg[1], arg[2]
local config = assert(load("local sip = ... return " .. options))(sip)
config.listen = config.listen or { "udp:127.0.0.1:0", "tcp:127.0.0.1:0" }
local endpoint = assert(sip.endpoint(config))
if handler ~= "" then
  local fn = assert(load("local sip, endpoint, session = ... " .. handler))
  endpoint:on("session_received", function(session)
    fn(sip, endpoint, session)
  end)
end

io.stdout:setvbuf "line"
local stat = assert(io.open "/proc/self/stat")
local pid = stat:read "n"
stat:close()
print("pid", pid, table.unpack(endpoint.addresses))

local function line(of, prefix, list)
  for name, value in pairs(of) do
    if type(value) == "table" then
      line(value, prefix .. name .. ".", list)
    else
      list[#list + 1] = ("%s%s=%s"):format(prefix, name, value)
    end
  end
  return list
end

local closed = false

local function report()
  while not closed do
    local all = line(endpoint:stats(), "", {})
    print("stats", table.concat(all, " "))
    sip.sleep(0.25)
  end
end

if arg[3] ~= "drain" then
  report()
end
local uv = require "luv"
require("sipsession.luv").attach()
local term = uv.new_signal()
term:start("sigterm", function()
  term:close()
  closed = true
  endpoint:close()
end)
sip.spawn(report)
uv.run()
print "drained"
