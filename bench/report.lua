-- What the benchmark found: tables to read, bench/results.csv, and
-- docs/performance.svg.

local chart = require "bench.chart"

-- Of each row, in results.csv's order: name, format.
local FIELDS = {
  { "kind", "%s" }, { "server", "%s" }, { "over", "%s" }, { "rate", "%d" },
  { "user_us", "%.1f" }, { "system_us", "%.1f" }, { "us_median", "%.1f" },
  { "us_least", "%.1f" }, { "us_most", "%.1f" }, { "to_floor", "%.2f" },
  { "to_sipp", "%.2f" }, { "instructions", "%d" }, { "highest_rate", "%d" },
  { "busy_rate", "%d" }, { "p50_us_at_half", "%.0f" },
  { "p99_us_at_half", "%.0f" }, { "peak_mb", "%.0f" },
  { "ringing_kb", "%.1f" }, { "connected_kb", "%.1f" },
  { "lost", "%d" }, { "repeated", "%d" }, { "drops", "%d" },
  { "unexpected", "%d" }, { "settings", "%q" },
}

-- Heads, widths (negative: to the left) and fields.
local CALL = { { "kind", -9, "kind" }, { "server", -11, "server" },
  { "over", -8, "over" } }
local COST = { { "rate/s", 6, "rate" }, { "user", 6, "user_us" },
  { "system", 7, "system_us" }, { "CPU", 6, "us_median" },
  { "least", 6, "us_least" }, { "most", 6, "us_most" },
  { "floor", 6, "to_floor" }, { "SIPp", 5, "to_sipp" } }
local CARRIED = { { "highest/s", 9, "highest_rate" },
  { "busy/s", 6, "busy_rate" },
  { "p50 us", 7, "p50_us_at_half" }, { "p99 us", 7, "p99_us_at_half" },
  { "peak MB", 8, "peak_mb" }, { "lost", 5, "lost" },
  { "repeated", 9, "repeated" }, { "drops", 6, "drops" } }

local format = {}
for _, field in ipairs(FIELDS) do
  format[field[1]] = field[2]
end

local function print_table(title, rows, columns)
  local all = table.move(CALL, 1, #CALL, 1, {})
  table.move(columns, 1, #columns, #CALL + 1, all)
  local function line(of)
    local cells = {}
    for i, column in ipairs(all) do
      cells[i] = ("%" .. column[2] .. "s"):format(of(column))
    end
    print((table.concat(cells, " "):gsub("%s+$", "")))
  end
  print(title)
  line(function(column) return column[1] end)
  for _, row in ipairs(rows) do
    line(function(column)
      local value = row[column[3]]
      return value and format[column[3]]:format(value) or "-"
    end)
  end
  print()
end

local function write_csv(rows)
  local file = assert(io.open("bench/results.csv", "w"))
  local cells = {}
  for i, field in ipairs(FIELDS) do
    cells[i] = field[1]
  end
  file:write(table.concat(cells, ","), "\n")
  for _, row in ipairs(rows) do
    for i, field in ipairs(FIELDS) do
      local value = row[field[1]]
      cells[i] = value and field[2]:format(value) or ""
    end
    file:write(table.concat(cells, ","), "\n")
  end
  file:close()
end

-- Nil of none.
local function median(list)
  table.sort(list)
  return list[1] and (list[(#list + 1) // 2] + list[#list // 2 + 1]) / 2
end

local function transport(server)
  local n = server.connections
  return not n and "UDP" or n == 1 and "TCP" or n .. " TCP"
end

-- Of what was measured of a server for a kind of call, the row to print.
local function summary(of, run)
  local server, us = of.server, median(of.us)
  local ours = server.name == "sipsession" and not server.connections
  local user = of.user / math.max(1, of.user + of.system) * us
  return { kind = of.kind, server = server.name, over = transport(server),
    rate = of.rate, user_us = user, system_us = us - user, us_median = us,
    us_least = of.us[1], us_most = of.us[#of.us],
    instructions = ours and run.instructions[of.kind] or nil,
    highest_rate = of.highest, busy_rate = of.busy,
    p50_us_at_half = median(of.p50), p99_us_at_half = median(of.p99),
    peak_mb = median(of.mb), lost = of.lost, repeated = of.repeated,
    drops = of.drops, unexpected = of.unexpected,
    settings = server.settings }
end

-- A row's cost in those of another server for the same kind of call over the
-- same transport, if that is measured.
local function ratio(row, rows, name)
  for _, other in ipairs(rows) do
    if other.kind == row.kind and other.over == row.over
      and other.server == name then
      return row.us_median / other.us_median
    end
  end
end

-- Of calls that are held, to the server's row of answered calls over UDP.
local function add_held(held, rows)
  print "a call that is held, KB (its handler has returned)"
  for _, each in ipairs(held) do
    print(("%-9s %-11s %5.1f  (%d of %d held)"):format(each.kind,
      each.server.name, each.kb, each.held, each.calls))
    for _, row in ipairs(rows) do
      if row.kind == "answered" and row.over == "UDP"
        and row.server == each.server.name then
        row[each.kind .. "_kb"] = each.kb
      end
    end
  end
  print()
end

return function(run)
  local rows = {}
  for i, of in ipairs(run.rows) do
    rows[i] = summary(of, run)
  end
  for _, row in ipairs(rows) do
    row.to_floor = ratio(row, rows, "floor")
    row.to_sipp = ratio(row, rows, "sipp")
  end

  print_table(("CPU for a call, us, median of %d rounds; user's and system's "
    .. "part\nby the kernel's samples, a few dozen a round"):format(run.rounds),
    rows, COST)
  print_table("The highest rate; calls a second with 100 in flight (busy);"
    .. "\nINVITE to 180 at half of the highest rate; memory, losses where CPU"
    .. "\nwas measured", rows, CARRIED)
  add_held(run.held, rows)
  write_csv(rows)
  chart(rows, run.rate)

  local said = {}
  for _, row in ipairs(rows) do
    if row.instructions then
      print(("sipsession, %s: %d instructions for a call, without sockets")
        :format(row.kind, row.instructions))
    end
  end
  for _, row in ipairs(rows) do
    if not said[row.server] then
      print(("%s: %s"):format(row.server, row.settings))
    end
    said[row.server] = true
  end
  for _, row in ipairs(rows) do
    if row.unexpected > 0 then
      print(("%s, %s, %s: %d unexpected answers"):format(row.server, row.kind,
        row.over, row.unexpected))
    end
  end
  for _, what in ipairs(run.absent) do
    print("missing: " .. what)
  end
end
