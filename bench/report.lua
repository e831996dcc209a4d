-- What the benchmark found: a table to read, bench/results.csv, and
-- docs/performance.svg.

local chart = require "bench.chart"

local HEAD = "kind      server      over     rate/s  median  range        "
  .. "floor  SIPp  highest/s    MB"
local LINE = "%-9s %-11s %-7s %7d  %6.1f  %5.1f-%5.1f  %5.2f  %4.2f  %9d  %4.0f"
local CSV_HEAD = "kind,server,over,rate,us_median,us_least,us_most,to_floor,"
  .. "to_sipp,highest_rate,p99_us_at_highest,mb,lost,repeated,unexpected,"
  .. "settings\n"
local CSV_LINE = "%s,%s,%s,%d,%.1f,%.1f,%.1f,%.2f,%.2f,%d,%d,%.0f,%d,%d,%d,%q\n"

local function median(list)
  table.sort(list)
  return (list[(#list + 1) // 2] + list[#list // 2 + 1]) / 2
end

local function transport(server)
  local n = server.connections
  return not n and "UDP" or n == 1 and "TCP" or n .. " TCP"
end

-- A row's cost in those of another server for the same kind of call over the
-- same transport; 0 where that isn't measured.
local function ratio(row, rows, name)
  for _, other in ipairs(rows) do
    if other.kind == row.kind and other.over == row.over
      and other.name == name then
      return row.median / other.median
    end
  end
  return 0
end

return function(run)
  local rows, held = run.rows, run.held
  for _, row in ipairs(rows) do
    row.name, row.over = row.server.name, transport(row.server)
    row.median = median(row.us)
    row.least, row.most = row.us[1], row.us[#row.us]
    row.memory = median(row.mb)
  end

  local csv = assert(io.open("bench/results.csv", "w"))
  csv:write(CSV_HEAD)
  print(("CPU for a call, us; %d rounds"):format(run.rounds))
  print(HEAD)
  for _, row in ipairs(rows) do
    local floor, sipp = ratio(row, rows, "floor"), ratio(row, rows, "sipp")
    print(LINE:format(row.kind, row.name, row.over, row.rate, row.median,
      row.least, row.most, floor, sipp, row.highest, row.memory))
    csv:write(CSV_LINE:format(row.kind, row.name, row.over, row.rate,
      row.median, row.least, row.most, floor, sipp, row.highest, row.p99,
      row.memory, row.lost, row.repeated, row.unexpected, row.server.settings))
  end
  csv:close()
  chart(rows, run.rate)

  print(("a connected call held: %.1f KB (%d of %d held)"):format(held.kb,
    held.completed, held.calls))
  local said = {}
  for _, row in ipairs(rows) do
    if not said[row.name] then
      print(("%s: %s"):format(row.name, row.server.settings))
    end
    said[row.name] = true
  end
  for _, row in ipairs(rows) do
    if row.lost + row.repeated + row.unexpected > 0 then
      print(("%s, %s, %s: %d not completed, %d repeated, %d unexpected answers")
        :format(row.name, row.kind, row.over, row.lost, row.repeated,
          row.unexpected))
    end
  end
  for _, what in ipairs(run.absent) do
    print("missing: " .. what)
  end
end
