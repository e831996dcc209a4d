-- Session descriptions (RFC 4566) and the answer to an offer (RFC 3264 6) for
-- scripts that know where their media is: sdp.answer, sdp.offer, sdp.parse.
-- Codecs are compared by encoding name, clock rate and channels, no deeper; no
-- ICE, no SRTP, no bundling: what the offer has of these is left out of the
-- answer, and a stream that needs them is refused.

local reader = require "sipsession.sdp_reader"

local sdp = { parse = reader.parse }

local Description, STATIC, DIRECTIONS =
  reader.Description, reader.STATIC, reader.DIRECTIONS

-- They go with a codec and are no stream alone.
local COMPANION = { ["telephone-event"] = true, cn = true, red = true }

-- --------------------------------------------------------------- checking ---

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

-- "PCMU", "L16/16000", "opus/48000/2": what of it is given must be equal.
local function check_codec(codec, what, level)
  if type(codec) == "string" then
    local name, rest = codec:match "^([%w!#$%%&'*+%-.^_`{|}~]+)(.*)$"
    local rate, channels = (rest or ""):match "^/(%d+)/?(%d*)$"
    if name and (rest == "" or rate) then
      return {
        text = codec, name = name:lower(), encoding = name,
        rate = math.tointeger(tonumber(rate)),
        channels = math.tointeger(tonumber(channels)),
      }
    end
  end
  fail(level + 1, "%s.codecs: '%s' is no codec; write it as \"PCMU\", "
    .. "\"opus/48000/2\"", what, tostring(codec))
end

local function check_stream(stream, what, level)
  level = level + 1
  check_names(stream, " port codecs direction ptime ", what, level)
  if math.type(stream.port) ~= "integer" or stream.port < 1
    or stream.port > 65535 then
    fail(level, "%s.port is an integer from 1 to 65535, not %s", what,
      tostring(stream.port))
  elseif type(stream.codecs) ~= "table" or #stream.codecs == 0 then
    fail(level, "%s.codecs is a list of names, { \"PCMU\", … }", what)
  elseif stream.direction ~= nil and not DIRECTIONS[stream.direction] then
    fail(level, "%s.direction: '%s' is no direction; sendrecv, sendonly, "
      .. "recvonly and inactive are", what, tostring(stream.direction))
  elseif stream.ptime ~= nil and (math.type(stream.ptime) ~= "integer"
    or stream.ptime < 1) then
    fail(level, "%s.ptime is an integer of milliseconds", what)
  end
  local codecs = {}
  for i, codec in ipairs(stream.codecs) do
    codecs[i] = check_codec(codec, what, level)
  end
  return {
    port = stream.port, codecs = codecs, ptime = stream.ptime,
    direction = stream.direction or "sendrecv",
  }
end

local KINDS = { "audio", "video" }

local function check(options, what)
  local level = 3
  check_names(options, " address audio video session_id version name ", what,
    level)
  local address = options.address
  local plain = type(address) == "string"
    and (address:match "^%[([%x:.]+)%]$" or address) or ""
  local family = plain:find(":", 1, true) and "IP6" or "IP4"
  if not plain:find(family == "IP6" and "^[%x:.]+$" or "^[%w.-]+$") then
    fail(level, "%s: address is an IP address or a host name, not '%s'", what,
      tostring(address))
  end
  for _, name in ipairs { "session_id", "version" } do
    local value = options[name]
    if value ~= nil and (math.type(value) ~= "integer" or value < 0) then
      fail(level, "%s: %s is an integer from 0 up", what, name)
    end
  end
  local name = options.name or "-"
  if type(name) ~= "string" or name == "" or name:find "[\r\n%z]" then
    fail(level, "%s: name is a line of text", what)
  end
  local checked = {
    address = plain, family = family, name = name,
    session_id = options.session_id or math.random(1, 1 << 53),
    version = options.version or 1,
  }
  for _, kind in ipairs(KINDS) do
    if options[kind] ~= nil then
      checked[kind] = check_stream(options[kind], what .. ": " .. kind, level)
    end
  end
  if not checked.audio and not checked.video then
    fail(level, "%s: no stream; give audio or video", what)
  end
  return checked
end

-- --------------------------------------------------------------- building ---

local function head(options, time)
  return {
    "v=0",
    ("o=- %d %d IN %s %s"):format(options.session_id, options.version,
      options.family, options.address),
    "s=" .. options.name,
    ("c=IN %s %s"):format(options.family, options.address),
    "t=" .. time,
  }
end

local function put_codec(out, format, map, fmtp)
  local channels = map.channels > 1 and "/" .. map.channels or ""
  out[#out + 1] = ("a=rtpmap:%s %s/%d%s"):format(format, map.encoding,
    map.rate, channels)
  if fmtp then
    out[#out + 1] = ("a=fmtp:%s %s"):format(format, fmtp)
  end
end

local function wanted(stream, map)
  for _, codec in ipairs(stream.codecs) do
    if codec.name == map.encoding:lower()
      and (codec.rate or map.rate) == map.rate
      and (codec.channels or map.channels) == map.channels then
      return true
    end
  end
  return false
end

-- The formats of an offered stream that are wanted, in the offer's order
-- (RFC 3264 6.1); a companion only beside a codec of its clock rate.
local function common(offered, stream)
  local chosen, rates, seen = {}, {}, {}
  for _, format in ipairs(offered.formats) do
    local map = offered.rtpmap[format]
    if map and not seen[format] and wanted(stream, map) then
      seen[format] = true
      chosen[#chosen + 1] = format
      if not COMPANION[map.encoding:lower()] then
        rates[map.rate] = true
      end
    end
  end
  local formats = {}
  for _, format in ipairs(chosen) do
    if rates[offered.rtpmap[format].rate] then
      formats[#formats + 1] = format
    end
  end
  return formats
end

-- RFC 3264 6.1; 8.4: a connection address of 0.0.0.0 wants nothing sent.
local function direction_of(offered, stream)
  local theirs, ours = DIRECTIONS[offered.direction],
    DIRECTIONS[stream.direction]
  local held = offered.connection and offered.connection.address == "0.0.0.0"
  local send = ours.send and theirs.receive and not held
  local receive = ours.receive and theirs.send
  return send and (receive and "sendrecv" or "sendonly")
    or receive and "recvonly" or "inactive"
end

local function put_stream(out, kind, protocol, formats, stream)
  out[#out + 1] = ("m=%s %d %s %s"):format(kind, stream.port, protocol,
    table.concat(formats, " "))
end

local function put_rest(out, stream, direction)
  if stream.ptime then
    out[#out + 1] = "a=ptime:" .. stream.ptime
  end
  out[#out + 1] = "a=" .. direction
  return out
end

local function finish(out)
  out[#out + 1] = ""
  return table.concat(out, "\r\n")
end

local PROTOCOLS = { ["RTP/AVP"] = true, ["RTP/AVPF"] = true }

-- The answer to an offer (text, or what sdp.parse gave): a description with
-- every stream of the offer in its place. The first of each kind that has a
-- codec in common with options.audio or options.video is accepted, with the
-- payload numbers and fmtp of the offer and its direction mirrored; the others
-- are refused with port 0 (RFC 3264 6). Options:
--   address      where our media is, IP address or host name; required
--   audio, video { port =, codecs = { "PCMU", "telephone-event", … },
--                direction = "sendrecv" as far as we go, ptime = ms or nil }
--   session_id, version, name   for o= and s=; a later answer in the same call
--                has the same session_id and the version one higher
-- Nil and why when the offer is no description or there is no stream in
-- common: a negotiator that returns that answers 488. Raises on bad options.
function sdp.answer(offer, options)
  options = check(options, "sdp.answer")
  local why
  if getmetatable(offer) ~= Description then
    offer, why = sdp.parse(offer)
    if not offer then
      return nil, why
    end
  end
  local time = (offer.time or ""):match "^%d+%s+%d+" or "0 0"
  local out, used, offered = head(options, time), {}, {}
  for _, media in ipairs(offer.media) do
    local stream = not used[media.type] and (media.type == "audio"
      or media.type == "video") and options[media.type]
    local formats = stream and media.port > 0 and PROTOCOLS[media.protocol]
      and common(media, stream) or {}
    if #formats > 0 then
      used[media.type] = true
      put_stream(out, media.type, media.protocol, formats, stream)
      for _, format in ipairs(formats) do
        put_codec(out, format, media.rtpmap[format], media.fmtp[format])
      end
      put_rest(out, stream, direction_of(media, stream))
    else
      out[#out + 1] = ("m=%s 0 %s %s"):format(media.type, media.protocol,
        (media.formats[1] or ""):match "^[%w.-]+$" or "0")
    end
    offered[#offered + 1] = media.type
  end
  if not next(used) then
    return nil, "no stream in common; the offer has "
      .. (#offered > 0 and table.concat(offered, ", ") or "none")
  end
  return finish(out)
end

-- A payload number for a codec of ours: its static one, else a free dynamic
-- one (RFC 3551 6).
local function number(codec, free)
  for static = 0, 34 do
    local map = STATIC[static]
    if map and map[1]:lower() == codec.name
      and (codec.rate or map[2]) == map[2]
      and (codec.channels or map[3]) == map[3] then
      return static, { encoding = map[1], rate = map[2], channels = map[3] }
    end
  end
  free.next = free.next + 1
  return free.next, {
    encoding = codec.encoding, channels = codec.channels or 1,
    rate = codec.rate or (free.kind == "video" and 90000 or 8000),
  }
end

-- An offer with our streams, for an INVITE that came without one. Options as
-- of sdp.answer; a codec without a static payload number should have its clock
-- rate with it, "opus/48000/2" (default 8000, video 90000).
function sdp.offer(options)
  options = check(options, "sdp.offer")
  local out = head(options, "0 0")
  for _, kind in ipairs(KINDS) do
    local stream = options[kind]
    if stream then
      local formats, maps, free = {}, {}, { next = 95, kind = kind }
      for i, codec in ipairs(stream.codecs) do
        formats[i], maps[i] = number(codec, free)
      end
      put_stream(out, kind, "RTP/AVP", formats, stream)
      for i, map in ipairs(maps) do
        put_codec(out, formats[i], map,
          map.encoding:lower() == "telephone-event" and "0-16" or nil)
      end
      put_rest(out, stream, stream.direction)
    end
  end
  return finish(out)
end

return sdp
