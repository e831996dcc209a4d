-- Runs fuzz targets one after another and says how far each came:
--
--   lua5.4 tools/fuzz.lua directory seconds target...
--
-- In the directory are the programs (fuzz/fuzz_scan); what they learn goes to
-- its learned/<target>, and is where the next run begins; an input that breaks
-- one to its found/. Any such input makes the exit status 1.

local directory, seconds = arg[1], tonumber(arg[2])
local TIMEOUT = 10 -- seconds that one input may take

-- Its features are so many that weighing them takes a third of the time.
local OPTIONS = { endpoint = "-entropic=0" }

local function command(target)
  local work = ("%s/learned/%s"):format(directory, target)
  local found = directory .. "/found"
  os.execute(("mkdir -p %s %s"):format(work, found))
  return table.concat({
    "UBSAN_OPTIONS=print_stacktrace=1",
    ("%s/fuzz/fuzz_%s"):format(directory, target),
    OPTIONS[target] or "",
    "-max_total_time=" .. seconds,
    "-timeout=" .. TIMEOUT,
    "-rss_limit_mb=2048 -print_final_stats=1 -dict=fuzz/sip.dict",
    ("-artifact_prefix=%s/%s-"):format(found, target),
    work,
    "fuzz/corpus/" .. target,
    "2>&1",
  }, " ")
end

-- The end of what it said, its last coverage, and whether all went well.
local function run(target)
  local lines, seen = {}, { runs = 0, cov = 0, ft = 0, corp = 0 }
  local pipe = assert(io.popen(command(target)))
  for line in pipe:lines() do
    lines[#lines + 1] = line
    if #lines > 80 then
      table.remove(lines, 1)
    end
    local runs = line:match "^#(%d+)" or
      line:match "^stat::number_of_executed_units:%s+(%d+)"
    seen.runs = runs and tonumber(runs) or seen.runs
    for _, what in ipairs { "cov", "ft", "corp" } do
      seen[what] = tonumber(line:match(what .. ": (%d+)")) or seen[what]
    end
  end
  return pipe:close(), seen, lines
end

local failed = false
io.stdout:setvbuf "line"
for i = 3, #arg do
  local target = arg[i]
  local ok, seen, lines = run(target)
  if not ok then
    failed = true
    print(table.concat(lines, "\n"))
  end
  print(("%-10s %10d runs  %5d edges  %6d features  %5d inputs%s"):format(
    target, seen.runs, seen.cov, seen.ft, seen.corp,
    ok and "" or "  BROKEN, see " .. directory .. "/found"))
end
os.exit(not failed)
