-- Bencode, the encoding of rtpengine's ng protocol: strings of any bytes,
-- integers, lists, dictionaries. Reads what comes from the network: whatever
-- the bytes are, decode returns, and it makes nothing larger than they are.
-- Keys are written sorted and read in any order, as rtpengine sends them; of
-- two that are the same the last one counts.

local bencode = {}

local DEPTH = 32 -- lists and dictionaries in each other
local DIGITS = 9 -- of a string's length

-- --------------------------------------------------------------- encoding ---

local put

local function fail(...)
  error("bencode: " .. string.format(...), 0)
end

local function put_list(out, list, depth)
  local n = 0
  for _ in pairs(list) do
    n = n + 1
  end
  for i = 1, n do
    if list[i] == nil then
      fail "a table is a list without holes or has names for keys, not both"
    end
  end
  out[#out + 1] = "l"
  for _, value in ipairs(list) do
    put(out, value, depth)
  end
  out[#out + 1] = "e"
end

local function put_dictionary(out, map, depth)
  local keys = {}
  for key in pairs(map) do
    if type(key) ~= "string" then
      fail("a key is a string, not a %s", type(key))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  out[#out + 1] = "d"
  for _, key in ipairs(keys) do
    put(out, key, depth)
    put(out, map[key], depth)
  end
  out[#out + 1] = "e"
end

function put(out, value, depth)
  if type(value) == "string" then
    out[#out + 1] = #value .. ":"
    out[#out + 1] = value
  elseif math.type(value) == "integer" then
    out[#out + 1] = ("i%de"):format(value)
  elseif type(value) ~= "table" then
    fail("no way to write a %s", math.type(value) or type(value))
  elseif depth >= DEPTH then
    fail("tables are nested too deeply")
  elseif type(next(value)) == "string" then
    put_dictionary(out, value, depth + 1)
  else
    put_list(out, value, depth + 1)
  end
end

-- Strings, integers and tables of them as bencode. A table whose keys are
-- names is a dictionary; every other one a list, also the empty one. Raises
-- for what has no place in it: a float, a boolean, a table in itself.
function bencode.encode(value)
  local out = {}
  local ok, err = pcall(put, out, value, 0)
  if not ok then
    error(err, 2)
  end
  return table.concat(out)
end

-- --------------------------------------------------------------- decoding ---

local take

-- Each gives the value and where it ends, or nil and what is wrong.
local function take_string(text, at)
  local length, from = text:match("^(%d+):()", at)
  if not length or #length > DIGITS then
    return nil, "no length of a string"
  end
  length = math.tointeger(tonumber(length))
  if length > #text - from + 1 then
    return nil, "a string that goes past the end"
  end
  return text:sub(from, from + length - 1), from + length
end

local function take_integer(text, at)
  local digits, after = text:match("^i(%-?%d+)e()", at)
  local value = digits and math.tointeger(tonumber(digits))
  if not value or ("%d"):format(value) ~= digits then
    return nil, "no integer"
  end
  return value, after
end

local function take_list(text, at, depth)
  local list, value = {}
  at = at + 1
  while text:byte(at) ~= 0x65 do -- "e"
    value, at = take(text, at, depth)
    if value == nil then
      return nil, at
    end
    list[#list + 1] = value
  end
  return list, at + 1
end

local function take_dictionary(text, at, depth)
  local map, key, value = {}
  at = at + 1
  while text:byte(at) ~= 0x65 do
    key, at = take_string(text, at)
    if not key then
      return nil, at
    end
    value, at = take(text, at, depth)
    if value == nil then
      return nil, at
    end
    map[key] = value
  end
  return map, at + 1
end

local NESTED = { l = take_list, d = take_dictionary }

function take(text, at, depth)
  local first = text:sub(at, at)
  local nested = NESTED[first]
  if nested then
    if depth >= DEPTH then
      return nil, "nested too deeply"
    end
    return nested(text, at, depth + 1)
  elseif first == "" then
    return nil, "the end is missing"
  end
  return (first == "i" and take_integer or take_string)(text, at)
end

-- The value that the whole of the text stands for: a string, an integer or a
-- table; or nil and why it is none.
function bencode.decode(text)
  if type(text) ~= "string" then
    error("bencode: a string is expected, not a " .. type(text), 2)
  end
  local value, after = take(text, 1, 0)
  if value == nil then
    return nil, after
  elseif after <= #text then
    return nil, "something follows the end"
  end
  return value
end

return bencode
