-- The benchmark's table as bars: docs/performance.svg.

local WIDTH, BAR, LEFT = 640, 22, 210

local function bar(y, row, label, scale, dark)
  local width = row.median * scale
  return ([[
<text x="%d" y="%d" text-anchor="end">%s</text>
<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>
<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#222"/>
<text x="%.1f" y="%d">%.0f</text>]]):format(LEFT - 8, y + 15,
    label, LEFT, y, width, BAR - 4,
    dark and "#2a6f97" or "#a9b8c2", LEFT + row.least * scale,
    LEFT + row.most * scale, y + 9, y + 9,
    LEFT + math.max(width, row.most * scale) + 6, y + 15, row.median)
end

return function(rows, rate)
  local most = 0
  for _, row in ipairs(rows) do
    most = math.max(most, row.most)
  end
  local scale = (WIDTH - LEFT - 50) / most
  local height = 40 + #rows * BAR
  local out = { ([[
<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"
  font-family="sans-serif" font-size="13">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="8" y="20">CPU microseconds for a call at %d calls/s; ]] ..
    [[median and range</text>]]):format(WIDTH, height, rate) }
  for i, row in ipairs(rows) do
    local label = row.name .. ", " .. row.kind
      .. (row.over == "UDP" and "" or ", " .. row.over)
      .. (row.rate == rate and "" or (", %d/s"):format(row.rate))
    out[#out + 1] = bar(12 + i * BAR, row, label, scale,
      row.name == "sipsession")
  end
  out[#out + 1] = "</svg>\n"
  local file = assert(io.open("docs/performance.svg", "w"))
  file:write(table.concat(out, "\n"))
  file:close()
end
