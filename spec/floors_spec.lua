-- The floors of the house: base < net < sip < ua < lua. A file includes its
-- own floor and lower ones; each library is let in on one floor only.
local lfs = require "lfs"

local FLOORS = { base = 1, net = 2, sip = 3, ua = 4, lua = 5 }

-- Which floor may include a library's headers.
local function library(header)
  if header == "uv.h" or header:match "^uv/" then
    return "net"
  elseif header:match "^osip" or header:match "^openssl/" then
    return "sip"
  elseif header:match "^lua" or header == "lauxlib.h" then
    return "lua"
  end
end

-- What is wrong with `include` (as written, with its quotes) in a file of
-- `floor`, or nil.
local function violation(floor, include)
  local system = include:match "^<(.*)>$"
  local header = system or include:match '^"(.*)"$'
  local from = library(header)
  local target = header:match "^(%a+)/"
  if not system and FLOORS[target] then
    if FLOORS[target] > FLOORS[floor] then
      return ("%s includes %s, which is above it"):format(floor, header)
    end
  elseif from then
    if from ~= floor then
      return ("%s includes %s, which is for %s only"):format(floor, header,
        from)
    end
  elseif not system then
    return ("%s is not named with its floor"):format(header)
  end
end

local function includes(path)
  local found = {}
  for line in io.lines(path) do
    found[#found + 1] = line:match '^%s*#%s*include%s+(["<].-[">])'
  end
  return found
end

local function complaints()
  local list = {}
  local function look(floor, path)
    for _, include in ipairs(includes(path)) do
      local complaint = violation(floor, include)
      if complaint then
        list[#list + 1] = path .. ": " .. complaint
      end
    end
  end
  for floor in pairs(FLOORS) do
    for name in lfs.dir("src/" .. floor) do
      if name:match "%.[ch]$" then
        look(floor, "src/" .. floor .. "/" .. name)
      end
    end
  end
  look("lua", "lua_sipsession.c")
  table.sort(list)
  return list
end

describe("the floors", function()
  it("let no file include what is above it", function()
    assert.same({}, complaints())
  end)

  it("are exactly the directories of src", function()
    for name in lfs.dir "src" do
      if not name:match "^%." then
        assert.is_truthy(FLOORS[name], "src/" .. name .. " is no floor")
      end
    end
  end)

  it("would notice each kind of trespass", function()
    assert.is_string(violation("base", '"net/loop.h"'))
    assert.is_string(violation("net", '"sip/message.h"'))
    assert.is_string(violation("ua", '"lua/class.h"'))
    assert.is_string(violation("base", "<uv.h>"))
    assert.is_string(violation("ua", "<osipparser2/osip_parser.h>"))
    assert.is_string(violation("net", "<osip2/osip.h>"))
    assert.is_string(violation("sip", "<lua.h>"))
    assert.is_string(violation("ua", '"lauxlib.h"'))
    assert.is_string(violation("ua", '"session.h"'))
  end)

  it("let in what belongs there", function()
    assert.is_nil(violation("base", "<string.h>"))
    assert.is_nil(violation("net", '"base/list.h"'))
    assert.is_nil(violation("net", "<uv.h>"))
    assert.is_nil(violation("sip", "<osipparser2/osip_parser.h>"))
    assert.is_nil(violation("lua", "<lauxlib.h>"))
    assert.is_nil(violation("lua", '"ua/session.h"'))
  end)
end)
