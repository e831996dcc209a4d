-- Our server in the benchmark: a handler that reads From and answers with a
-- header of its own.
--
--   lua5.4 bench/serve.lua port answered|declined|ringing [tcp]
--
-- The limits are raised to what the rates need: 32 s of ended transactions are
-- kept (RFC 3261 17.2.1, 17.2.2).
package.cpath = (os.getenv "SIPSESSION_BUILD" or ".") .. "/?.so;"
  .. package.cpath

local sip = require "sipsession"

local port, kind = arg[1], arg[2]
local endpoint = assert(sip.endpoint {
  listen = (arg[3] or "udp") .. ":127.0.0.1:" .. port,
  limits = { sessions = 1000000, transactions = 4000000 },
})

endpoint:on("session_received", function(session)
  local headers = { ["X-From"] = session.request:header "From" }
  if kind == "declined" then
    session:reject(486, headers)
    return
  end
  session:progress(180)
  if kind ~= "ringing" then
    session:participate { headers = headers }
  end
end)

sip.run()
