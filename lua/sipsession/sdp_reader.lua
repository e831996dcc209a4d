-- Reads session descriptions (RFC 4566) for sipsession.sdp: forgiving, in one
-- pass over any text whatever, within limits.

local reader = {}

local MOST_LINES, MOST_STREAMS = 2000, 64

-- Payload types that need no rtpmap (RFC 3551 6), clock rate and channels.
local STATIC = {
  [0] = { "PCMU", 8000, 1 }, [3] = { "GSM", 8000, 1 },
  [4] = { "G723", 8000, 1 }, [5] = { "DVI4", 8000, 1 },
  [6] = { "DVI4", 16000, 1 }, [7] = { "LPC", 8000, 1 },
  [8] = { "PCMA", 8000, 1 }, [9] = { "G722", 8000, 1 },
  [10] = { "L16", 44100, 2 }, [11] = { "L16", 44100, 1 },
  [12] = { "QCELP", 8000, 1 }, [13] = { "CN", 8000, 1 },
  [14] = { "MPA", 90000, 1 }, [15] = { "G728", 8000, 1 },
  [16] = { "DVI4", 11025, 1 }, [17] = { "DVI4", 22050, 1 },
  [18] = { "G729", 8000, 1 }, [25] = { "CelB", 90000, 1 },
  [26] = { "JPEG", 90000, 1 }, [28] = { "nv", 90000, 1 },
  [31] = { "H261", 90000, 1 }, [32] = { "MPV", 90000, 1 },
  [33] = { "MP2T", 90000, 1 }, [34] = { "H263", 90000, 1 },
}

local DIRECTIONS = {
  sendrecv = { send = true, receive = true }, sendonly = { send = true },
  recvonly = { receive = true }, inactive = {},
}

local function read_media(value)
  local words = {}
  for word in value:gmatch "%S+" do
    words[#words + 1] = word
  end
  local kind, place, protocol = table.unpack(words, 1, 3)
  local port, ports = (place or ""):match "^(%d+)/?(%d*)$"
  if not protocol or not port or #port > 5 or tonumber(port) > 65535
    or not kind:find "^[%w.-]+$" or not protocol:find "^[%w./-]+$" then
    return nil
  end
  return {
    type = kind, port = math.tointeger(tonumber(port)),
    ports = math.tointeger(tonumber(ports)) or 1, protocol = protocol,
    formats = table.move(words, 4, #words, 1, {}),
    lines = {}, attributes = {}, rtpmap = {}, fmtp = {},
  }
end

local function read_attribute(media, name, value)
  if name == "rtpmap" then
    local number, rest = value:match "^(%d+)%s+(%S+)"
    local encoding, rate, channels = (rest or ""):match "^([^/]+)/(%d+)/?(%d*)"
    if encoding and not media.rtpmap[number] then
      media.rtpmap[number] = {
        encoding = encoding, rate = math.tointeger(tonumber(rate)) or 0,
        channels = math.tointeger(tonumber(channels)) or 1,
      }
    end
  elseif name == "fmtp" then
    local number, rest = value:match "^(%d+)%s+(.*)$"
    if number and not media.fmtp[number] then
      media.fmtp[number] = rest
    end
  elseif DIRECTIONS[name] then
    media.direction = name
  end
end

local Description = { __name = "sipsession.sdp" }
Description.__index = Description

local function put_line(out, line)
  out[#out + 1] = line.type .. "=" .. line.value
end

-- The lines as they were read, each with CRLF.
function Description:__tostring()
  local out = {}
  for _, line in ipairs(self.lines) do
    put_line(out, line)
  end
  for _, media in ipairs(self.media) do
    for _, line in ipairs(media.lines) do
      put_line(out, line)
    end
  end
  out[#out + 1] = ""
  return table.concat(out, "\r\n")
end

local function read_line(description, media, kind, value)
  local section = media or description
  section.lines[#section.lines + 1] = { type = kind, value = value }
  if kind == "a" then
    local name, rest = value:match "^([^:]*):?(.*)$"
    name = name:match "^%S*"
    section.attributes[#section.attributes + 1] = { name = name, value = rest }
    read_attribute(section, name, rest)
  elseif kind == "c" then
    local family, address = value:match "^IN%s+(IP[46])%s+([^%s/]+)"
    if address then
      section.connection = { family = family, address = address }
    end
  elseif not media and kind == "o" then
    description.origin = value
  elseif not media and kind == "s" then
    description.name = value
  elseif not media and kind == "t" then
    description.time = description.time or value
  end
end

-- Reads a description: a table with
--   origin, name, time (values of o=, s= and the first t=), connection
--   ({ family = "IP4", address = … }), direction, attributes, lines;
--   media: a list, each with type, port, ports, protocol, formats (strings),
--   rtpmap (by format: { encoding =, rate =, channels = }, with the static
--   payload types' filled in), fmtp (by format), direction, connection (its
--   own or the session's), attributes ({ name =, value = }) and lines.
-- It takes any line ends and skips what is no "x=…" line. tostring gives the
-- lines back. Nil and why where there is no description in it.
function reader.parse(text)
  if type(text) ~= "string" or not text:find "%S" then
    return nil, "no session description"
  elseif text:find("\0", 1, true) then
    return nil, "the session description has a NUL in it"
  end
  local description = setmetatable({
    lines = {}, attributes = {}, media = {}, rtpmap = {}, fmtp = {},
  }, Description)
  local media
  local count, begun, broken = 0, false, false
  for line in text:gmatch "[^\r\n]+" do
    count = count + 1
    if count > MOST_LINES or #description.media > MOST_STREAMS then
      return nil, "the session description is too long"
    end
    local kind, value = line:match "^(%l)=(.*)$"
    if not begun and kind then
      begun = kind == "v" and value:find "^0%s*$" ~= nil
      if not begun then
        return nil, "the session description doesn't begin with v=0"
      end
    end
    if kind == "m" then
      media = read_media(value)
      if not media then
        broken = true
        break
      end
      description.media[#description.media + 1] = media
    end
    if kind then
      read_line(description, media, kind, value)
    end
  end
  if broken then
    return nil, "the session description has an m= line without a type, a "
      .. "port and a protocol"
  elseif not begun then
    return nil, "the session description doesn't begin with v=0"
  end
  for _, stream in ipairs(description.media) do
    stream.connection = stream.connection or description.connection
    stream.direction = stream.direction or description.direction or "sendrecv"
    for _, format in ipairs(stream.formats) do
      local static = STATIC[math.tointeger(tonumber(format:match "^%d+$"))]
      if static and not stream.rtpmap[format] then
        stream.rtpmap[format] = {
          encoding = static[1], rate = static[2], channels = static[3],
        }
      end
    end
  end
  return description
end

reader.STATIC, reader.DIRECTIONS = STATIC, DIRECTIONS
reader.Description = Description

return reader
