-- The servers of the benchmark, in the table's order.
--
-- command: of the port and the kind; or one for each kind there is. The kinds
--   are answered and declined; and ringing, of those that hold calls too.
-- needs: shell commands that succeed where the server can be had, each with
--   what is said of it where one doesn't.
-- connections: over so many of TCP; else over UDP.
-- rounds: at most so many. rate: it is measured at that, not at 2,000/s.
-- keeps: ended calls are kept, as RFC 3261 17.2 has it; fill: how many a second
--   it can take before it is measured.
-- holds: what a call that is held takes of its memory is measured.

local KAMAILIO = "kamailio -f bench/kamailio.cfg -A PORT=%d -w \"$PWD\" "
  .. "-x fm -X fm -m 1024 -M 32 "
local LIMITS = "limits raised to what the rates need"
local SERVE_TCP = "lua5.4 bench/serve.lua %d %s tcp"
local SIPP = "-sn uas; -sf for 486; -t t1 for TCP; -buff_size 4194304; "
  .. "keeps nothing"
local NEEDS_SIPP = { { "command -v sipp", "no sipp" } }
-- The others have a socket's buffer of that size too.
local RUN_SIPP = "sipp -i 127.0.0.1 -nostdin -buff_size 4194304 -p %d "
local SIPP_TCP = RUN_SIPP .. "-sn uas -t t1"
local NPM, SIP = "build/bench/npm", "sip@0.0.6"

local peers = {
  { name = "sipsession", command = "lua5.4 bench/serve.lua %d %s",
    keeps = true, fill = 8000, holds = true, settings = LIMITS },
  { name = "floor", command = "build/release/bench/floor %d %s",
    settings = "parses nothing, keeps nothing" },
  { name = "sipp", settings = SIPP, needs = NEEDS_SIPP, holds = true,
    command = { answered = RUN_SIPP .. "-sn uas",
      declined = RUN_SIPP .. "-sf bench/uas_declined.xml",
      ringing = RUN_SIPP .. "-sf bench/uas_ringing.xml" } },
  { name = "Sofia-SIP", command = "build/release/bench/sofia %d %s",
    needs = { { "test -x build/release/bench/sofia",
      "pkg-config finds no sofia-sip-ua" } },
    keeps = true, fill = 4000, rounds = 1, holds = true,
    settings = "nta and a leg for each call, in C; no offer and answer" },
  { name = "Kamailio", keeps = true, fill = 8000, rounds = 1,
    settings = "app_lua, stateful, one child, -x fm -X fm; all its processes",
    needs = { { "command -v kamailio", "no kamailio" },
      { KAMAILIO:format(5060) .. "-c", "no app_lua" } },
    command = { declined = KAMAILIO .. "-DD -E" } },
  { name = "npm sip", command = "node bench/npm_sip.js %d %s",
    keeps = true, rate = 1000, fill = 2000, rounds = 1,
    settings = SIP .. ", Node's own settings",
    needs = { { "command -v node", "no node" },
      { "command -v npm", "no npm" },
      { ("test -d %s/node_modules/sip || timeout 60 npm install %s %s"):format(
        NPM, "--no-audit --no-fund --prefix " .. NPM, SIP),
        "npm can't install it" } } },
  { name = "sipsession", connections = 1, rounds = 1, keeps = true,
    fill = 8000, command = { answered = SERVE_TCP }, settings = LIMITS },
  { name = "sipp", connections = 1, rounds = 1, needs = NEEDS_SIPP,
    command = { answered = SIPP_TCP }, settings = SIPP },
  { name = "sipsession", connections = 100, rounds = 1, keeps = true,
    fill = 8000, command = { answered = SERVE_TCP }, settings = LIMITS },
  { name = "sipp", connections = 100, rounds = 1, needs = NEEDS_SIPP,
    command = { answered = SIPP_TCP }, settings = SIPP },
}

-- What starts it for calls of a kind, or nil.
function peers.command(server, kind, port)
  local of = server.command
  if type(of) == "table" then
    of = of[kind]
  end
  return of and of:format(port, kind)
end

return peers
