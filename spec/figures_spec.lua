-- The figures that README.md and docs/performance.md tell are those that
-- `make bench` and `make scale` wrote.

local read = require "support.read"

local page = read "docs/performance.md"

-- The lines of a CSV file by the names in its first; only the last value may
-- have commas in it, and is cut there.
local function records(path)
  local found, names = {}, nil
  for line in read(path):gmatch "[^\n]+" do
    local values = {}
    for value in (line .. ","):gmatch "([^,]*)," do
      values[#values + 1] = value
    end
    if not names then
      names = values
    elseif line:sub(1, 1) ~= "#" then
      local record = {}
      for i, name in ipairs(names) do
        record[name] = values[i]
      end
      found[#found + 1] = record
    end
  end
  return found
end

describe("docs/performance.md", function()
  it("ends its table of runs with the one that results.csv is of", function()
    local shown = page:match("\n| | answered.-\n\n"):match "([^\n]+)\n\n$"
    local cost = {}
    for _, record in ipairs(records "bench/results.csv") do
      if record.server == "sipsession" then
        cost[record.kind .. " " .. record.over] = record.us_median .. ", "
          .. record.to_sipp
      end
    end
    assert.equal(("| %s | %s | %s | %s |"):format(cost["answered UDP"],
      cost["declined UDP"], cost["answered TCP"], cost["answered 100 TCP"]),
      shown:match "|[^|]+(.+)")
  end)

  it("tells of many calls what scale.csv does", function()
    local shown = {}
    for row in page:match "\n| live calls | more.-\n\n":gmatch "[^\n]+" do
      shown[#shown + 1] = row
    end
    local n = 2
    for _, record in ipairs(records "bench/scale.csv") do
      n = n + 1
      local function ms(name)
        return ("%.1f"):format(record[name] / 1000)
      end
      assert.equal("| " .. table.concat({ record.live,
        ("%+.0f %%"):format((record.ratio - 1) * 100), record.mb,
        ms "turn_us_999", ms "turn_us_worst", ms "turn_us_alone",
        ms "filling_us_worst", ms "filling_us_alone" }, " | ") .. " |",
        shown[n])
    end
    assert.equal(n, #shown)
    assert.is_true(n > 5)
  end)
end)

it("README.md shows the chart that make bench draws", function()
  local path = read "README.md":match "!%[[^%]]+%]%((docs/[^)]+%.svg)%)"
  assert.is_truthy(read "bench/chart.lua":find('io.open("' .. path, 1, true))
  assert.matches("^<svg ", read(path))
end)

it("the collector's steps that are advised are those of make scale", function()
  local setting = read "bench/scale_serve.lua"
    :match 'collectgarbage%("incremental"[^)]+%)'
  for _, path in ipairs { "README.md", "docs/performance.md" } do
    local n = 0
    for told in read(path):gmatch 'collectgarbage%("incremental"[^)]+%)' do
      assert.equal(setting, told, path)
      n = n + 1
    end
    assert.is_true(n > 0, path)
  end
end)
