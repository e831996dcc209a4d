std = "lua54"
cache = false
max_line_length = 80

files["spec/**/*.lua"].std = "lua54+busted"
-- The helper puts its own in place of coroutine.create and wrap.
files["spec/support/helper.lua"].globals = { "coroutine" }
-- Declarations for the language server, not code.
files["types/*.lua"].ignore = { "1..", "2..", "631" }
files["*.rockspec"].std = "lua54+rockspec"
files[".busted"].std = "lua54"
-- Kamailio's script.
files["bench/kamailio.lua"].globals = { "ksr_request_route" }
files["bench/kamailio.lua"].read_globals = { "KSR" }
