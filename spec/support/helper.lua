-- Loaded by busted before the specs. luv is loaded here to stay: busted forgets
-- modules between files, and luv opened twice in one state crashes.
pcall(require, "luv")

-- SIPSESSION_GC=aggressive makes the
-- collector start a cycle as soon as the last has ended, in the smallest of
-- steps, and step between lines of Lua too: what is held by nothing but luck
-- goes away while it is still in use.
if os.getenv "SIPSESSION_GC" ~= "aggressive" then
  return
end

local create, wrap = coroutine.create, coroutine.wrap

local function step()
  collectgarbage("step", 0)
end

local function watched(fn)
  return function(...)
    debug.sethook(step, "", 200)
    return fn(...)
  end
end

collectgarbage("incremental", 100, 400, 8)
debug.sethook(step, "", 200)
-- A hook belongs to one coroutine; each gets its own.
coroutine.create = function(fn)
  return create(watched(fn))
end
coroutine.wrap = function(fn)
  return wrap(watched(fn))
end
