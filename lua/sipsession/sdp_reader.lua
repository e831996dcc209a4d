-- Reads session descriptions (RFC 4566, 8866) for sipsession.sdp: forgiving, in
-- linear time over any text whatever, within limits. Line ends of any kind, odd
-- spacing, lines in any order and lines that are missing are fine; lines that
-- say nothing are kept aside. What can't be forgiven is a text that doesn't
-- begin as a description, and an m= line without a kind, a port and a protocol:
-- an answer has to have every stream in its place (RFC 3264 6).

local codec = require "sipsession.sdp_codec"
local Description = require "sipsession.sdp_description"

-- Any caller can send one, and reading it must cost little: a longer one is
-- refused, words behind so many in a line (formats above all) are not seen.
local MOST_OCTETS, MOST_LINES, MOST_STREAMS, MOST_WORDS = 16384, 500, 64, 100

local LINES, PLAIN = Description.LINES, Description.PLAIN

local function words_of(value)
  local words = {}
  for word in value:gmatch "%S+" do
    if #words == MOST_WORDS then
      break
    end
    words[#words + 1] = word
  end
  return words
end

local function integer(digits)
  return math.tointeger(tonumber(digits))
end

-- RFC 4566 5.14. Formats that can't be written are left out.
local function read_media(value)
  local words = words_of(value)
  local kind, place, protocol = table.unpack(words, 1, 3)
  local port, ports = (place or ""):match "^(%d+)/?(%d*)$"
  if not protocol or not port or #port > 5 or integer(port) > 65535
    or not kind:find(Description.KIND)
    or not Description.is_protocol(protocol) then
    return nil
  end
  local stream = {
    type = kind, port = integer(port), ports = 1, protocol = protocol,
    formats = {},
  }
  if #ports < 6 and (integer(ports) or 0) > 1 and integer(ports) <= 65535 then
    stream.ports = integer(ports)
  end
  for i = 4, #words do
    if words[i]:find(PLAIN) then
      stream.formats[#stream.formats + 1] = words[i]
    end
  end
  return stream
end

-- RFC 4566 5.7: IN IP4 224.2.36.42/127/3
local function read_connection(value)
  local words = words_of(value)
  local address, suffix = (words[3] or ""):match "^([^/]+)(/?.*)$"
  if not address or not words[1]:find(PLAIN) or not words[2]:find(PLAIN) then
    return nil
  end
  return {
    network = words[1], family = words[2], address = address,
    suffix = suffix:match "^/%d+$" or suffix:match "^/%d+/%d+$",
  }
end

-- A name with spaces in it is forgiven: the last five words are the rest.
local function read_origin(value)
  local words = words_of(value)
  if #words < 6 then
    return nil
  end
  local name = table.concat(words, "_", 1, #words - 5)
  value = name .. " " .. table.concat(words, " ", #words - 4)
  return Description.origin_of(value) and value
end

local function read_rtpmap(stream, value)
  local number, rest = value:match "^(%d+)%s+(%S+)"
  local encoding, rate, channels = (rest or ""):match "^([^/]+)/(%d+)/?(%d*)"
  if encoding and encoding:find(PLAIN) and #rate < 10
    and rate:find "[1-9]" and not stream.rtpmap[number] then
    stream.rtpmap[number] = {
      encoding = encoding, rate = integer(rate),
      channels = #channels < 4 and integer(channels) or 1,
    }
  end
end

local function read_attribute(section, value)
  local name, rest = value:match "^([^:]*[^:%s])%s*:?%s*(.*)$"
  if not name or not name:find(PLAIN) then
    return false
  end
  section.attributes[#section.attributes + 1] = { name = name, value = rest }
  if name == "rtpmap" and section.rtpmap then
    read_rtpmap(section, rest)
  elseif name == "fmtp" and section.fmtp then
    local number, parameters = rest:match "^(%S+)%s+(.*)$"
    if number and not section.fmtp[number] then
      section.fmtp[number] = parameters
    end
  elseif Description.DIRECTIONS[name] then
    if section.media then
      section._direction = section._direction or name
    elseif not rawget(section, "direction") then
      section.direction = name
    end
  end
  return true
end

-- Each takes a value and says whether it was of use. The first of a kind is
-- the one that counts.
local session = {
  o = function(description, value)
    local origin = not description.origin and read_origin(value)
    description.origin = origin or description.origin
    return origin
  end,
  s = function(description, value)
    local first = description.name == nil and value ~= ""
    description.name = first and value or description.name
    return first or value == ""
  end,
  c = function(description, value)
    local c = not description.connection and read_connection(value)
    description.connection = c or description.connection
    return c
  end,
  a = read_attribute,
}

local media = {
  c = function(stream, value)
    local c = read_connection(value)
    if c and rawget(stream, "connection") then
      stream.lines[#stream.lines + 1] = {
        type = "c", value = Description.connection_text(c),
      }
    elseif c then
      stream.connection = c
    end
    return c
  end,
  a = read_attribute,
}

-- Lines that are kept as they are, if they are what they should be.
local function read_other(section, letter, value, letters)
  local rule = letters:find(letter, 1, true) and LINES[letter]
  if rule and not rule.text then
    value = table.concat(words_of(value), " ")
  end
  if not rule or not value:find(rule[1])
    or letter == "r" and not section.time then
    return false
  end
  for _, line in ipairs(rule.once and section.lines or {}) do
    if line.type == letter then
      return false
    end
  end
  if letter == "t" and not section.time then
    section.time = value
  else
    section.lines[#section.lines + 1] = { type = letter, value = value }
  end
  return true
end

local function read_line(description, stream, letter, value)
  local section = stream or description
  local read = (stream and media or session)[letter]
  return read and read(section, value)
    or read_other(section, letter, value, stream and "ib" or "iuepbtrz")
end

-- "x=value" of a line without the space around it and with tabs as spaces, or
-- nil. Octets that are no text make a line none (RFC 4566 9, byte-string; the
-- control characters are ours to refuse).
local function cut(line)
  line = line:gsub("\t", " ")
  local letter, from = line:match "^ *(%l) *= *()"
  if not letter or line:find "%c" then
    return nil
  end
  return letter, line:sub(from, (line:find "[^ ] *$"))
end

local function read_lines(description, text)
  local count, begun, stream = 0, false, nil
  for line in text:gmatch "[^\r\n]+" do
    count = count + 1
    local letter, value = cut(line)
    if count > MOST_LINES
      or letter == "m" and #description.media == MOST_STREAMS then
      return "the session description is too long"
    elseif letter and not begun then
      if letter ~= "v" or value ~= "0" then
        break
      end
      begun = true
    elseif letter == "m" then
      stream = read_media(value)
      if not stream then
        return "the session description has an m= line without a type, a "
          .. "port and a protocol"
      end
      description:_add(stream)
    elseif not letter or not begun
      or not read_line(description, stream, letter, value) then
      description.unknown[#description.unknown + 1] = line
    end
  end
  return not begun and "the session description doesn't begin with v=0"
end

local reader = {}

-- Nil and why (a string) where there is no description in the text.
function reader.parse(text)
  if not text:find "%S" then
    return nil, "no session description"
  elseif #text > MOST_OCTETS then
    return nil, "the session description is too long"
  elseif text:find("\0", 1, true) then
    return nil, "the session description has a NUL in it"
  end
  local description = Description.new { unknown = {} }
  local why = read_lines(description, text)
  if why then
    return nil, why
  end
  for _, stream in ipairs(description.media) do
    codec.fill(stream.formats, stream.rtpmap)
  end
  return description
end

return reader
