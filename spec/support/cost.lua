-- Counts what calls cost: bench/calls.c under callgrind, or with the counters
-- of the core's allocator.
local cost = { limits = dofile "bench/cost.lua" }

local SHORT, LONG = 200, 700
local CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null "

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  local ok = pipe:close()
  return ok and text, text
end

-- The release build's: others cost something else.
function cost.program()
  local path = "build/release/bench/calls"
  local file = not os.getenv "SIPSESSION_BUILD" and io.open(path)
  if file then
    file:close()
    return path
  end
end

-- Why instructions can't be compared here, or nil.
function cost.why_not()
  if not output_of(CALLGRIND .. "true") then
    return "there is no callgrind that works here"
  end
  local machine = output_of "uname -m"
  local packages = output_of(
    "dpkg-query -W -f '${Package} ${Version}, ' libc6 liblua5.4-0")
  for name, version in cost.limits.libraries:gmatch "(%S+) ([^%s,]+)" do
    if not packages or not packages:find(name .. " " .. version, 1, true) then
      return "counted with " .. cost.limits.libraries
    end
  end
  return machine ~= "x86_64\n" and "counted on x86-64" or nil
end

local function difference(command, pattern)
  local count = {}
  for i, calls in ipairs { SHORT, LONG } do
    local ok, text = output_of(command .. " " .. calls)
    count[i] = tonumber(ok and ok:match(pattern)) or error(text)
  end
  return (count[2] - count[1]) / (LONG - SHORT)
end

function cost.allocations(program, kind)
  return difference(program .. " " .. kind, "allocations (%d+)")
end

function cost.instructions(program, kind)
  return math.floor(difference(CALLGRIND .. program .. " " .. kind,
    "Collected : (%d+)"))
end

return cost
