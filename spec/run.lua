-- Runs the specs with the interpreter this file is run by: `luarocks test`
-- and `make test` come in here, and need no `busted` in PATH. A tree without
-- its library is built first.
if not os.getenv "SIPSESSION_BUILD" then
  local library = io.open "sipsession.so"
  if library then
    library:close()
  else
    assert(os.execute "make -s WERROR=")
  end
end

table.insert(arg, 1, "--ignore-lua")
require "busted.runner" { standalone = false }
