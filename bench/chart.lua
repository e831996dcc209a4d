-- The benchmark's table as bars: docs/performance.svg.

local WIDTH, BAR, LEFT = 640, 22, 220

-- The user's part and the system's, and a line from the least to the most.
local function bar(y, row, label, scale, ours)
  local user, width = row.user_us * scale, row.us_median * scale
  return ([[
<text x="%d" y="%d" text-anchor="end">%s</text>
<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>
<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>
<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#222"/>
<text x="%.1f" y="%d">%.0f</text>]]):format(LEFT - 8, y + 15, label,
    LEFT, y, user, BAR - 4, ours and "#2a6f97" or "#a9b8c2",
    LEFT + user, y, width - user, BAR - 4, ours and "#7fb2cf" or "#d3dbe0",
    LEFT + row.us_least * scale, LEFT + row.us_most * scale, y + 9, y + 9,
    LEFT + math.max(width, row.us_most * scale) + 6, y + 15, row.us_median)
end

return function(rows, rate)
  local most = 0
  for _, row in ipairs(rows) do
    most = math.max(most, row.us_most)
  end
  local scale = (WIDTH - LEFT - 50) / most
  local height = 40 + #rows * BAR
  local out = { ([[
<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"
  font-family="sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="8" y="20">CPU microseconds for a call at %d calls/s: user, ]] ..
    [[system (lighter); median and range</text>]]):format(WIDTH, height, rate) }
  for i, row in ipairs(rows) do
    local label = row.server .. ", " .. row.kind
      .. (row.over == "UDP" and "" or ", " .. row.over)
      .. (row.rate == rate and "" or (", %d/s"):format(row.rate))
    out[#out + 1] = bar(12 + i * BAR, row, label, scale,
      row.server == "sipsession")
  end
  out[#out + 1] = "</svg>\n"
  local file = assert(io.open("docs/performance.svg", "w"))
  file:write(table.concat(out, "\n"))
  file:close()
end
