-- A session description and its writing, for sipsession.sdp. However it was
-- read or changed, what tostring gives is RFC 4566 (and 8866) to the letter:
-- the lines that have to be there, in their order (4566 5), CRLF behind each.
-- A value that can't be written, because it has a line break in it or isn't
-- what its line is for, is a mistake of the script and raises.

local Description = { __name = "sipsession.sdp" }
Description.__index = Description

local Media = {}

local DIRECTIONS = {
  sendrecv = { send = true, receive = true }, sendonly = { send = true },
  recvonly = { receive = true }, inactive = {},
}

-- RFC 4566 9. Of the stream's kind the SIP token's octets only (RFC 3261 25.1).
local TOKEN = "[!#-'*+%-.0-9A-Z^-~]+"
local PLAIN, KIND = "^" .. TOKEN .. "$", "^[%w!%%*_+`'~.-]+$"
local ORIGIN = "^([^%c ]+) (%d+) (%d+) (" .. TOKEN .. ") (" .. TOKEN
  .. ") ([^%c ]+)$"

-- What the values of the other lines look like (RFC 4566 5.4-5.11), and which
-- may be there only once. No k=: RFC 8866 5.12 forbids to write one.
local TEXT = "^[^%c]+$"
local LINES = {
  i = { TEXT, once = true, text = true }, u = { "^[^%c ]+$", once = true },
  e = { TEXT, text = true }, p = { TEXT, text = true },
  b = { PLAIN:sub(1, -2) .. ":%d+$" }, t = { "^%d+ %d+$" },
  r = { "^[%ddhms]+ [%ddhms ]+$" }, z = { "^[%ddhms -]+$", once = true },
  c = { "^" .. TOKEN .. " " .. TOKEN .. " [^%c ]+$" },
}

-- ---------------------------------------------------------------- reading ---

-- The value of the first attribute of that name, "" for a flag; or nil.
local function attribute(section, name)
  for _, found in ipairs(section.attributes or {}) do
    if found.name == name then
      return found.value or ""
    end
  end
end

Description.attribute = attribute
Media.attribute = attribute

-- A new one. Streams look here for the connection and direction they don't
-- have themselves.
function Description.new(fields)
  local description = setmetatable(fields or {}, Description)
  description.lines = description.lines or {}
  description.attributes = description.attributes or {}
  description.media = {}
  description._media = {
    __index = function(_, name)
      if name == "connection" then
        return description.connection
      elseif name == "direction" then
        return description._direction or "sendrecv"
      end
      return Media[name]
    end,
  }
  return description
end

-- Adds a stream: type, port, protocol and formats are needed.
function Description:_add(stream)
  stream.ports = stream.ports or 1
  for _, name in ipairs { "lines", "attributes", "rtpmap", "fmtp" } do
    stream[name] = stream[name] or {}
  end
  self.media[#self.media + 1] = setmetatable(stream, self._media)
  return stream
end

-- RFC 3264 8.4, RFC 2543 B.5: a stream to an address that is none.
local function is_on_hold(connection)
  local address = connection and connection.address or "-"
  return address == "0.0.0.0" or address:find "^[0:]+$" ~= nil
    or address:lower():find "%.invalid$" ~= nil
end

-- The direction of stream i (the first) as it is meant: a refused one is
-- inactive, and to an address of 0.0.0.0 nothing is sent (RFC 3264 8.4). Nil:
-- there is no such stream.
function Description:direction(i)
  local stream = self.media[i or 1]
  if not stream then
    return nil
  end
  local way = DIRECTIONS[stream.direction] or {}
  if stream.port == 0 then
    return "inactive"
  elseif is_on_hold(stream.connection) then
    return way.send and "sendonly" or "inactive"
  end
  return stream.direction
end

-- username, id, version, network, family and address of an o= value; nil where
-- it is none, or has numbers of more than the 20 digits of 64 bits.
function Description.origin_of(value)
  local username, id, version, network, family, address = value:match(ORIGIN)
  if username and #id <= 20 and #version <= 20 then
    return username, id, version, network, family, address
  end
end

-- A connection as the value of its c= line.
function Description.connection_text(c)
  return ("%s %s %s%s"):format(c.network or "IN", c.family, c.address,
    c.suffix or "")
end

function Description.is_protocol(text)
  return ("/" .. text):gsub("/" .. TOKEN, "") == ""
end

-- ---------------------------------------------------------------- writing ---

local function bad(what, value)
  error(("sdp: %s can't be written: %q"):format(what, tostring(value)), 0)
end

local function check(value, pattern, what)
  if type(value) ~= "string" or not value:find(pattern) then
    bad(what, value)
  end
  return value
end

local function put(out, letter, value)
  out[#out + 1] = letter .. "=" .. value
end

local function put_lines(out, section, letters)
  for letter in letters:gmatch "." do
    local seen = false
    for _, line in ipairs(section.lines or {}) do
      if line.type == letter and not (seen and LINES[letter].once) then
        seen = true
        put(out, letter, check(line.value, LINES[letter][1],
          "a line " .. letter .. "="))
      end
    end
  end
end

local function put_connection(out, c)
  if type(c) ~= "table" or type(c.family) ~= "string"
    or type(c.address) ~= "string" then
    bad("a connection", c)
  end
  put(out, "c", check(Description.connection_text(c), LINES.c[1],
    "a connection"))
end

local function put_attribute(out, found)
  local name, value = found.name, found.value or ""
  check(name, PLAIN, "the name of an attribute")
  if value == "" then
    put(out, "a", name)
  else
    put(out, "a", name .. ":" .. check(value, "^[^%c]+$", "a=" .. name))
  end
end

-- One direction: that of the field, where the first one stood.
local function put_attributes(out, section, direction)
  for _, found in ipairs(section.attributes or {}) do
    if not DIRECTIONS[found.name] then
      put_attribute(out, found)
    elseif direction then
      put(out, "a", direction)
      direction = nil
    end
  end
  if direction then
    put(out, "a", direction)
  end
end

local function is_port(value, least)
  return math.type(value) == "integer" and value >= least and value <= 65535
end

local function put_stream(out, stream)
  local formats = {}
  for i, format in ipairs(stream.formats or {}) do
    formats[i] = check(tostring(format), PLAIN, "a format")
  end
  if #formats == 0 then -- there has to be one
    formats[1] = stream.port == 0 and "0" or "-"
  end
  if not is_port(stream.port, 0) or not is_port(stream.ports or 1, 1) then
    bad("a port", stream.port)
  end
  local port = tostring(stream.port)
  if (stream.ports or 1) > 1 then
    port = port .. "/" .. stream.ports
  end
  check(stream.type, KIND, "a stream's type")
  if not Description.is_protocol(check(stream.protocol, ".", "a protocol")) then
    bad("a protocol", stream.protocol)
  end
  put(out, "m", ("%s %s %s %s"):format(stream.type, port, stream.protocol,
    table.concat(formats, " ")))
  put_lines(out, stream, "i")
  if rawget(stream, "connection") then
    put_connection(out, stream.connection)
  end
  put_lines(out, stream, "cb")
  local direction = rawget(stream, "direction")
  if direction ~= nil and not DIRECTIONS[direction] then
    bad("a direction", direction)
  end
  put_attributes(out, stream, direction)
end

-- RFC 4566 5.7: a c= for the session, or one in each stream.
local function needs_connection(description)
  for _, stream in ipairs(description.media) do
    if not rawget(stream, "connection") then
      return true
    end
  end
  return #description.media == 0
end

local function put_session(out, description)
  put(out, "v", "0")
  local origin = description.origin or "- 0 0 IN IP4 0.0.0.0"
  if not Description.origin_of(check(origin, ".", "an origin")) then
    bad("an origin", origin)
  end
  put(out, "o", origin)
  put(out, "s", check(description.name or "-", TEXT, "a name"))
  put_lines(out, description, "iuep")
  if description.connection then
    put_connection(out, description.connection)
  elseif needs_connection(description) then
    put_connection(out, { family = "IP4", address = "0.0.0.0" })
  end
  put_lines(out, description, "b")
  put(out, "t", check(description.time or "0 0", LINES.t[1], "a time"))
  local repeats = false
  for _, line in ipairs(description.lines) do -- an r= belongs to its t=
    if line.type == "t" or line.type == "r" then
      put(out, line.type, check(line.value, LINES[line.type][1], "a time"))
      repeats = repeats or line.type == "r"
    end
  end
  put_lines(out, description, repeats and "z" or "")
  put_attributes(out, description, description._direction)
end

function Description:__tostring()
  local out = {}
  put_session(out, self)
  for _, stream in ipairs(self.media) do
    put_stream(out, stream)
  end
  out[#out + 1] = ""
  return table.concat(out, "\r\n")
end

Description.DIRECTIONS, Description.LINES = DIRECTIONS, LINES
Description.PLAIN, Description.KIND = PLAIN, KIND

return Description
