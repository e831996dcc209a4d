-- The script and the spec in docs/testing.md run as they stand there, and the
-- ladder on the page is what that spec prints.

local file = assert(io.open "docs/testing.md")
local page = file:read "a"
file:close()

local function block(kind, n)
  local found
  local next_block = page:gmatch("```" .. kind .. "\n(.-)```")
  for _ = 1, n do
    found = next_block()
  end
  return assert(found)
end

local printed = {}
-- busted's words are in this file's environment; the page's files get it too.
local environment = setmetatable({
  print = function(text)
    printed[#printed + 1] = text
  end,
}, { __index = _ENV })

package.loaded.screening =
  assert(load(block("lua", 1), "@docs/testing.md", "t", environment))()
assert(load(block("lua", 2), "@docs/testing.md", "t", environment))()
package.loaded.screening = nil

describe("docs/testing.md", function()
  it("shows the ladder that its spec prints", function()
    assert.equal(block("text", 1), printed[1])
  end)
end)
