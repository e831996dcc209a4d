-- Runs the C unit programs named as arguments, then the specs, and adds both
-- up: the last line is `N passed, N failed`, with `, N skipped` where some
-- were. A program that crashes, hangs, stops early or holds no test at all is
-- a failure too, and any failure makes the exit status 1.
--
--   lua5.4 tools/test.lua [options] program...
--   --specs ARGS      more arguments for busted
--   --unit-with CMD   what to start the unit programs with (valgrind)
--   --lua CMD         what to start the specs with

local UNIT_SECONDS = 120
local SPEC_SECONDS = 900

local option = { specs = "", ["unit-with"] = "", lua = os.getenv "LUA" }
option.lua = option.lua or "lua5.4"
local programs = {}
do
  local i = 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(.+)"
    if name then
      option[name] = assert(arg[i + 1], arg[i] .. " needs a value")
      i = i + 1
    else
      programs[#programs + 1] = arg[i]
    end
    i = i + 1
  end
end

local total = { passed = 0, failed = 0, skipped = 0 }

local function add(counts)
  for key in pairs(total) do
    total[key] = total[key] + counts[key]
  end
end

-- Runs a command, hands each line it prints to `fn`, and says how it ended:
-- true, or a text such as "exit 1", "signal 11", "no end after 120 s".
local function run(command, seconds, fn)
  local line_of = assert(io.popen(
    ("timeout -k 5 %d %s 2>&1"):format(seconds, command)))
  for line in line_of:lines() do
    fn(line)
  end
  local ok, how, code = line_of:close()
  if ok then
    return true
  end
  if code == 124 or code == 137 then
    return ("no end after %d s"):format(seconds)
  end
  return ("%s %d"):format(how, code)
end

-- cmocka in TAP form. One program may hold several groups, each with a plan.
local function unit(program)
  local counts = { passed = 0, failed = 0, skipped = 0 }
  local planned, seen, lines = 0, 0, {}
  local name = program:match "[^/]+$"
  local ended = run(
    ("env CMOCKA_MESSAGE_OUTPUT=TAP %s %s"):format(option["unit-with"],
      program),
    UNIT_SECONDS,
    function(line)
      lines[#lines + 1] = line
      local plan = line:match "^1%.%.(%d+)"
      if plan then
        planned = planned + tonumber(plan)
      elseif line:match "^[nokt ]+%d+ # SKIP" then -- cmocka: "not ok"
        counts.skipped = counts.skipped + 1
        seen = seen + 1
      elseif line:match "^ok %d+" then
        counts.passed = counts.passed + 1
        seen = seen + 1
      elseif line:match "^not ok %d+" then
        counts.failed = counts.failed + 1
        seen = seen + 1
      end
    end)
  local trouble = ended ~= true and ended or nil
  if planned == 0 then
    trouble = trouble or "no tests"
    counts.failed = counts.failed + 1
  elseif seen < planned then
    trouble = trouble or "stopped early"
    counts.failed = counts.failed + planned - seen
  elseif trouble and counts.failed == 0 then
    counts.failed = 1
  end
  if counts.failed > 0 then
    print(table.concat(lines, "\n"))
  end
  print(("%-28s %4d passed%s%s"):format(name, counts.passed,
    counts.failed > 0 and (", %d failed"):format(counts.failed) or "",
    trouble and (" (%s)"):format(trouble) or ""))
  add(counts)
end

-- busted's own last line says how many of each; without it busted died.
local function busted(paths)
  local counts
  local ended = run(
    ("%s spec/run.lua -o plainTerminal %s %s"):format(option.lua, option.specs,
      paths),
    SPEC_SECONDS,
    function(line)
      print(line)
      local passed, failed, errors, pending = line:match(
        "^(%d+) success%a* / (%d+) failure%a* / (%d+) error%a* / (%d+) pend")
      if passed then
        counts = {
          passed = tonumber(passed),
          failed = tonumber(failed) + tonumber(errors),
          skipped = tonumber(pending),
        }
      end
    end)
  if not counts then
    print(("specs: no result (%s)"):format(tostring(ended)))
    counts = { passed = 0, failed = 1, skipped = 0 }
  elseif ended ~= true and counts.failed == 0 then
    print(("specs: %s after the last of them"):format(ended))
    counts.failed = 1
  end
  add(counts)
  return counts.passed + counts.failed
end

-- The spec files by directory, a process for each: busted keeps what every spec
-- held, and the collector, which runs after each, would go through all of it.
local function directories()
  local list, of = {}, {}
  for path in io.popen("find spec -name '*_spec.lua' | sort"):lines() do
    local directory = path:match "^(.*)/"
    if not of[directory] then
      of[directory] = { "" }
      list[#list + 1] = of[directory]
    end
    table.insert(of[directory], path)
  end
  return list
end

local function specs()
  local ran = 0
  if option.specs:find "spec/" then
    ran = busted ""
  else
    for _, files in ipairs(directories()) do
      ran = ran + busted(table.concat(files, " "))
    end
  end
  if ran == 0 then
    print "specs: none ran"
    total.failed = total.failed + 1
  end
end

io.stdout:setvbuf "line"
table.sort(programs)
for _, program in ipairs(programs) do
  unit(program)
end
specs()

print(("%d passed, %d failed%s"):format(total.passed, total.failed,
  total.skipped > 0 and (", %d skipped"):format(total.skipped) or ""))
os.exit(total.failed == 0)
