-- The wall clock may be set at any time, so that nothing here depends on it:
-- times are the loop's, which are monotonic. What must name it is the table
-- below. spec/unit/test_clock.c has a clock that jumps.

-- A file, and how often it looks at the wall clock.
local ALLOWED = {
  ["src/ua/record.c"] = 1, -- record.at: when the call came
}

-- In C: functions that give the wall clock's time, or wait for one of its.
local C_FUNCTIONS = {
  "time", "gettimeofday", "ftime", "timespec_get", "localtime", "localtime_r",
  "gmtime", "gmtime_r", "mktime", "timegm", "ctime", "ctime_r", "strftime",
  "uv_gettimeofday", "uv_clock_gettime", "sem_timedwait",
  "pthread_mutex_timedlock",
}

local LUA_FUNCTIONS = { "os.time", "os.date", "os.clock", "gettimeofday",
  "clock_gettime" }

local function plain(name)
  return "%f[%w_]" .. name:gsub("%p", "%%%0") .. "%s*%("
end

-- How often that text looks at the wall clock.
local function looks(text, is_lua)
  local n = 0
  text = is_lua and text:gsub("%-%-[^\n]*", "")
    or text:gsub("/%*.-%*/", " ")
  for _, name in ipairs(is_lua and LUA_FUNCTIONS or C_FUNCTIONS) do
    n = n + select(2, text:gsub(plain(name), ""))
  end
  if is_lua then
    return n
  end
  for name in text:gmatch "%f[%w_]U?V?_?CLOCK_(%u[%u_]+)" do
    n = n + (name == "MONOTONIC" and 0 or 1)
  end
  -- a condition variable waits by the wall clock unless it is told not to
  if text:find "pthread_cond_timedwait"
    and not text:find "pthread_condattr_setclock%(&%w+, CLOCK_MONOTONIC%)" then
    n = n + 1
  end
  return n
end

local read = require "support.read"

describe("the wall clock", function()
  it("is asked by nothing but the record of a call", function()
    local found, files = {}, 0
    for path in io.popen("ls src/*/*.[ch] lua/sipsession/*.lua "
      .. "lua_sipsession.c"):lines() do
      local n = looks(read(path), path:find "%.lua$" ~= nil)
      found[path] = n > 0 and n or nil
      files = files + 1
    end
    assert.same(ALLOWED, found)
    assert.is_true(files > 100)
  end)

  it("would be noticed, however it is asked", function()
    for _, text in ipairs {
      "x = time(NULL);", "a->time = time (&t);", "gettimeofday(&t, NULL);",
      "clock_gettime(CLOCK_REALTIME, &t);", "timerfd_create(CLOCK_REALTIME, 0)",
      "clock_gettime(CLOCK_TAI, &t)", "clock_gettime(CLOCK_REALTIME_COARSE, t)",
      "uv_clock_gettime(UV_CLOCK_REALTIME, &t);", "localtime_r(&t, &tm);",
      "pthread_cond_timedwait(&c, &m, &t);", "/* */ time(0) /* */",
    } do
      assert.is_true(looks(text) > 0, text)
    end
    for _, text in ipairs { "os.time()", "local t = os.date '*t' os.date(x)",
      "uv.gettimeofday()", "uv.clock_gettime('realtime')" } do
      assert.is_true(looks(text, true) > 0, text)
    end
  end)

  it("isn't what looks like it", function()
    for _, text in ipairs {
      "clock_gettime(CLOCK_MONOTONIC, &t);", "ss_loop_time(x)", "uv_hrtime()",
      "/* the time (of day) */", "s->time", "clock_now(loop)",
      "pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);\n"
        .. "pthread_cond_timedwait(&c, &m, &t);",
    } do
      assert.equal(0, looks(text), text)
    end
    assert.equal(0, looks("network:time() -- os.time()", true))
  end)
end)
