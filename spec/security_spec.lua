-- What SECURITY.md says is tested has a test: each file, each "part of a
-- spec's name" and each `function_of_a_unit_program` that it names exists, and
-- it answers its 27 rows in their order.

local read = require "support.read"

local function all(pattern)
  local texts = {}
  for path in io.popen("ls " .. pattern):lines() do
    if not path:find("security_spec", 1, true) then
      texts[#texts + 1] = read(path)
    end
  end
  -- names that go over two lines
  return (table.concat(texts):gsub("\"%s*%.%.%s*\"", ""))
end

describe("SECURITY.md", function()
  local page = read "SECURITY.md"
  local rows = page:match "\n(%- %*%*SR01.-)\n\n##":gsub("%s+", " ")

  it("answers each row once, in order", function()
    local n = 0
    for id, verdict in rows:gmatch "%- %*%*SR(%d%d)%*%* [^*]+ %*(.-)%*" do
      n = n + 1
      assert.equal(n, tonumber(id))
      assert.matches("^[MPN]%l+ ?%l*$", verdict)
    end
    assert.equal(27, n)
  end)

  it("names files that exist", function()
    for path in page:gmatch "`(%l+/[%w_/]+%.%l+)`" do
      assert.is_truthy(io.open(path), path):close()
    end
  end)

  it("quotes names that specs have", function()
    -- what a table there calls a message is a part of a spec's name
    local specs, n = all("spec/*_spec.lua spec/*/*_spec.lua "
      .. "spec/support/*_messages.lua"), 0
    for name in rows:gmatch "[^`]\"(.-)\"" do
      assert.is_truthy(specs:find(name, 1, true), name)
      n = n + 1
    end
    assert.is_true(n > 30)
  end)

  it("names functions that unit programs run", function()
    local programs, n = all "spec/unit/test_*.c", 0
    local others = { invites_per_source = true, remote_address = true }
    for name in rows:gmatch "`(%w+_[%w_]+)`" do
      if not others[name] then
        local run = "[%(]" .. name .. "[,%)]"
        assert.is_truthy(programs:find("static void " .. name .. "(", 1, true),
          name)
        assert.is_truthy(programs:find(run), name)
        n = n + 1
      end
    end
    assert.is_true(n > 20)
  end)
end)
