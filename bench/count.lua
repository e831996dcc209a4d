-- Counts what calls cost: bench/calls.c under callgrind, or with the counters
-- of the core's allocator. For the benchmark, and for spec/cost_spec.lua.
local count = { limits = dofile "bench/cost.lua" }

local SHORT, LONG = 200, 700
local CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null "

local function start(command)
  return assert(io.popen(command .. " 2>&1"))
end

local function output_of(pipe)
  local text = pipe:read "a"
  local ok = pipe:close()
  return ok and text, text
end

-- The release build's: others cost something else.
function count.program()
  local path = "build/release/bench/calls"
  local file = not os.getenv "SIPSESSION_BUILD" and io.open(path)
  if file then
    file:close()
    return path
  end
end

-- Why instructions can't be counted here, or nil.
function count.why_not()
  return not output_of(start(CALLGRIND .. "true"))
    and "there is no callgrind that works here" or nil
end

-- Why they can't be compared with the figures, or nil.
function count.why_not_compare()
  local why = count.why_not()
  if why then
    return why
  end
  local machine = output_of(start "uname -m")
  local packages = output_of(start(
    "dpkg-query -W -f '${Package} ${Version}, ' libc6 liblua5.4-0"))
  for name, version in count.limits.libraries:gmatch "(%S+) ([^%s,]+)" do
    if not packages or not packages:find(name .. " " .. version, 1, true) then
      return "counted with " .. count.limits.libraries
    end
  end
  return machine ~= "x86_64\n" and "counted on x86-64" or nil
end

-- Both run at once: it is no time that is counted.
local function difference(command, pattern)
  local short = start(("%s %d"):format(command, SHORT))
  local long = start(("%s %d"):format(command, LONG))
  local got = {}
  for i, pipe in ipairs { short, long } do
    local ok, text = output_of(pipe)
    got[i] = tonumber(ok and ok:match(pattern)) or error(text)
  end
  return (got[2] - got[1]) / (LONG - SHORT)
end

function count.allocations(program, kind)
  return difference(program .. " " .. kind, "allocations (%d+)")
end

function count.instructions(program, kind)
  return math.floor(difference(CALLGRIND .. program .. " " .. kind,
    "Collected : (%d+)"))
end

return count
