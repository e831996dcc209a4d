-- What scripts give sdp.answer and sdp.offer, checked: whatever is wrong with
-- it is a mistake of the script and raises at the line that called them.

local codec = require "sipsession.sdp_codec"
local Description = require "sipsession.sdp_description"
local reader = require "sipsession.sdp_reader"

local KINDS = { "audio", "video" }

-- level: of the function that is to blame, as error() counts, seen from the
-- caller of fail.
local function fail(level, ...)
  error(string.format(...), level + 1)
end

local function check_names(options, known, what, level)
  if type(options) ~= "table" then
    fail(level + 1, "%s: a table is expected, not %s", what, type(options))
  end
  for name in pairs(options) do
    if not known:find(" " .. tostring(name) .. " ", 1, true) then
      fail(level + 1, "%s: unknown option '%s'", what, tostring(name))
    end
  end
end

local function check_time(stream, name, what, level)
  local value = stream[name]
  if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
    fail(level + 1, "%s.%s is an integer of milliseconds", what, name)
  end
end

local function check_stream(stream, what, level)
  level = level + 1
  check_names(stream, " port codecs direction ptime maxptime ", what, level)
  if math.type(stream.port) ~= "integer" or stream.port < 1
    or stream.port > 65535 then
    fail(level, "%s.port is an integer from 1 to 65535, not %s", what,
      tostring(stream.port))
  elseif type(stream.codecs) ~= "table" or #stream.codecs == 0 then
    fail(level, "%s.codecs is a list of names, { \"PCMU\", … }", what)
  elseif stream.direction ~= nil
    and not Description.DIRECTIONS[stream.direction] then
    fail(level, "%s.direction: '%s' is no direction; sendrecv, sendonly, "
      .. "recvonly and inactive are", what, tostring(stream.direction))
  end
  check_time(stream, "ptime", what, level)
  check_time(stream, "maxptime", what, level)
  local codecs = {}
  for i, text in ipairs(stream.codecs) do
    codecs[i] = codec.read(text) or fail(level, "%s.codecs: '%s' is no codec; "
      .. "write it as \"PCMU\", \"opus/48000/2\"", what, tostring(text))
  end
  return {
    port = stream.port, codecs = codecs, ptime = stream.ptime,
    maxptime = stream.maxptime, direction = stream.direction or "sendrecv",
  }
end

-- One stream, or a list of them.
local function check_streams(streams, what, level)
  level = level + 1
  if type(streams) ~= "table" or streams[1] == nil then
    return { check_stream(streams, what, level) }
  end
  local list = {}
  for i, stream in ipairs(streams) do
    list[i] = check_stream(stream, ("%s[%d]"):format(what, i), level)
  end
  return list
end

local function check_address(address, what, level)
  local plain = type(address) == "string"
    and (address:match "^%[([%x:.]+)%]$" or address) or ""
  local family = plain:find(":", 1, true) and "IP6" or "IP4"
  if not plain:find(family == "IP6" and "^[%x:.]+$" or "^[%w.-]+$") then
    fail(level + 1, "%s: address is an IP address or a host name, not '%s'",
      what, tostring(address))
  end
  return family, plain
end

local function check_number(options, name, what, level)
  local value = options[name]
  if value ~= nil and (math.type(value) ~= "integer" or value < 0) then
    fail(level + 1, "%s: %s is an integer from 0 up", what, name)
  end
  return value and ("%d"):format(value)
end

-- An o= value, or some of its fields.
local function check_origin(origin, what, level)
  level = level + 1
  if origin == nil then
    return {}
  elseif type(origin) == "string" then
    local fields = table.pack(Description.origin_of(origin))
    if not fields[1] then
      fail(level, "%s: origin: '%s' is no value of an o= line", what, origin)
    end
    return {
      username = fields[1], session_id = fields[2], version = fields[3],
      network = fields[4], family = fields[5], address = fields[6],
    }
  end
  what = what .. ": origin"
  check_names(origin, " username session_id version address ", what, level)
  local username = origin.username
  if username ~= nil and (type(username) ~= "string"
    or not username:find "^[^%c ]+$") then
    fail(level, "%s.username is a word", what)
  end
  local family, address
  if origin.address ~= nil then
    family, address = check_address(origin.address, what, level)
  end
  return {
    username = username, address = address, family = family,
    session_id = check_number(origin, "session_id", what, level),
    version = check_number(origin, "version", what, level),
  }
end

local function check_previous(previous, what, level)
  if previous == nil or getmetatable(previous) == Description then
    return previous
  elseif type(previous) ~= "string" then
    fail(level + 1, "%s: previous is a description, not a %s", what,
      type(previous))
  end
  local description, why = reader.parse(previous)
  return description or fail(level + 1, "%s: previous: %s", what, why)
end

-- The options, as { address, family, name, origin = { username, … },
-- previous, streams = { audio = { … }, video = { … } } }. To be
-- called by what scripts call.
return function(options, what)
  local level = 3
  check_names(options,
    " address audio video session_id version name previous origin ", what,
    level)
  local family, address = check_address(options.address, what, level)
  local name = options.name
  if name ~= nil and (type(name) ~= "string" or name == ""
    or name:find "%c") then
    fail(level, "%s: name is a line of text", what)
  end
  local origin = check_origin(options.origin, what, level)
  origin.session_id = check_number(options, "session_id", what, level)
    or origin.session_id
  origin.version = check_number(options, "version", what, level)
    or origin.version
  local checked = {
    address = address, family = family, name = name, origin = origin,
    previous = check_previous(options.previous, what, level), streams = {},
  }
  for _, kind in ipairs(KINDS) do
    if options[kind] ~= nil then
      checked.streams[kind] = check_streams(options[kind],
        what .. ": " .. kind, level)
    end
  end
  if not next(checked.streams) then
    fail(level, "%s: no stream; give audio or video", what)
  end
  return checked
end
