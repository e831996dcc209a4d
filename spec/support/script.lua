-- Runs a piece of Lua in an interpreter of its own, with this one's paths:
-- for what a script writes to stderr, and for what happens at its end.
local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Returns what it wrote to stdout and stderr, whether it ended well, and its
-- exit code or signal.
return function(code, interpreter_options)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(code)
  file:close()
  local pipe = assert(io.popen(table.concat({
    "LUA_INIT=", "LUA_PATH=" .. quote(package.path),
    "LUA_CPATH=" .. quote(package.cpath), "timeout", "60",
    os.getenv "LUA" or "lua5.4", interpreter_options or "", quote(name),
    "2>&1",
  }, " ")))
  local output = pipe:read "a"
  local ok, _, status = pipe:close()
  os.remove(name)
  return output, ok, status
end
