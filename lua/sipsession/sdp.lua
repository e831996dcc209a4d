-- Session descriptions (RFC 4566) and the answer to an offer (RFC 3264 6) for
-- scripts that know where their media is: sdp.parse, sdp.answer, sdp.offer,
-- sdp.hold, sdp.resume. Codecs are compared by encoding name, clock rate and
-- channels. No ICE, no SRTP, no bundling: what the offer has of these is left
-- out of the answer, and a stream that needs them is refused in its place.

local sip = require "sipsession"
local check = require "sipsession.sdp_options"
local codec = require "sipsession.sdp_codec"
local Description = require "sipsession.sdp_description"
local origin = require "sipsession.sdp_origin"
local reader = require "sipsession.sdp_reader"

local sdp = {}

local DIRECTIONS = Description.DIRECTIONS
local KINDS = { "audio", "video" }
local PROTOCOLS = { ["RTP/AVP"] = true, ["RTP/AVPF"] = true }

local function failure(why)
  return nil, sip._media_failure(why)
end

-- Takes a description apart: see types/sipsession.lua. Nil and an error object
-- where there is none in the text.
function sdp.parse(text)
  if text ~= nil and type(text) ~= "string" then
    error(("sdp.parse: a text is expected, not a %s"):format(type(text)), 2)
  end
  local description, why = reader.parse(text or "")
  if not description then
    return failure(why)
  end
  return description
end

-- What a script calls a description: one, or its text, or nil (none).
local function read(description, what)
  if getmetatable(description) == Description then
    return description
  elseif description ~= nil and type(description) ~= "string" then
    error(("%s: a description is expected, not a %s"):format(what,
      type(description)), 3)
  end
  return reader.parse(description or "")
end

-- --------------------------------------------------------------- building ---

local function put(stream, name, value)
  stream.attributes[#stream.attributes + 1] = { name = name, value = value }
end

local function put_codec(stream, format, map, fmtp)
  local channels = map.channels > 1 and "/" .. map.channels or ""
  put(stream, "rtpmap", ("%s %s/%d%s"):format(format, map.encoding, map.rate,
    channels))
  if fmtp and fmtp ~= "" then
    put(stream, "fmtp", format .. " " .. fmtp)
  end
end

local function put_rest(stream, ptime, maxptime, direction)
  if ptime then
    put(stream, "ptime", ("%d"):format(ptime))
  end
  if maxptime then
    put(stream, "maxptime", ("%d"):format(maxptime))
  end
  put(stream, direction)
  stream.direction = direction
end

local function begin(options)
  local previous = options.previous or {}
  return Description.new {
    name = options.name or previous.name or "-",
    connection = { family = options.family, address = options.address },
  }
end

-- RFC 3264 6: the m= line of a stream that is refused, port 0.
local function refuse(description, stream)
  description:_add {
    type = stream.type, port = 0, protocol = stream.protocol,
    formats = table.move(stream.formats, 1, #stream.formats, 1, {}),
  }
end

-- ----------------------------------------------------------------- answer ---

-- RFC 3264 6: "the t= line in the answer MUST be equal to that of the offer".
local function copy_times(description, offer)
  description.time = offer.time
  for _, line in ipairs(offer.lines) do
    if line.type == "t" or line.type == "r" or line.type == "z" then
      description.lines[#description.lines + 1] = line
    end
  end
end

-- RFC 3264 6.1; 8.4: who is to send nothing may still send.
local function direction_of(theirs, ours)
  theirs, ours = DIRECTIONS[theirs], DIRECTIONS[ours]
  local send = ours.send and theirs.receive
  local receive = ours.receive and theirs.send
  return send and (receive and "sendrecv" or "sendonly")
    or receive and "recvonly" or "inactive"
end

-- Ours, else what the offerer likes to get, as long as it is one we may have.
local function ptime_of(offered, stream)
  local text = offered:attribute "ptime" or ""
  local theirs = #text < 5 and math.tointeger(tonumber(text:match "^%d+$"))
  if stream.ptime or not theirs or theirs == 0 then
    return stream.ptime
  end
  return math.min(theirs, stream.maxptime or theirs)
end

-- The first stream of ours that is free and fits an offered one, with the
-- formats in common.
local function match(offered, options, used)
  local streams = options.streams[offered.type:lower()]
  if offered.port > 0 and PROTOCOLS[offered.protocol:upper()] then
    for _, stream in ipairs(streams or {}) do
      local formats = used[stream] and {} or codec.common(offered,
        stream.codecs)
      if #formats > 0 then
        used[stream] = true
        return stream, formats
      end
    end
  end
end

local function accept(description, offered, stream, formats, direction)
  local answer = description:_add {
    type = offered.type, port = stream.port, protocol = offered.protocol,
    formats = formats,
  }
  for _, format in ipairs(formats) do
    put_codec(answer, format, offered.rtpmap[format], offered.fmtp[format])
  end
  put_rest(answer, ptime_of(offered, stream), stream.maxptime,
    direction_of(direction, stream.direction))
end

local function nothing_in_common(offer)
  local offered = {}
  for i, stream in ipairs(offer.media) do
    offered[i] = ("%s %s%s"):format(stream.type, stream.protocol,
      stream.port == 0 and " with port 0" or "")
  end
  return failure("no stream in common; the offer has "
    .. (#offered > 0 and table.concat(offered, ", ") or "none"))
end

-- The answer to an offer (text, or what sdp.parse gave): a description with
-- every stream of the offer in its place. The first of each kind that has a
-- codec in common with options.audio or options.video is accepted, with the
-- payload numbers and fmtp of the offer and its direction mirrored; the others
-- are refused with port 0 (RFC 3264 6). A kind may have a list of streams, each
-- for one of the offer's. Nil and an error object when the offer is no
-- description or there is no stream in common: a negotiator that returns that
-- answers 488. Raises on bad options.
function sdp.answer(offer, options)
  options = check(options, "sdp.answer")
  local why
  offer, why = read(offer, "sdp.answer")
  if not offer then
    return failure(why)
  end
  local description, used = begin(options), {}
  copy_times(description, offer)
  for i, offered in ipairs(offer.media) do
    local stream, formats = match(offered, options, used)
    if stream then
      accept(description, offered, stream, formats, offer:direction(i))
    else
      refuse(description, offered)
    end
  end
  if not next(used) then
    return nothing_in_common(offer)
  end
  origin.put(description, options, offer)
  return tostring(description)
end

-- ------------------------------------------------------------------ offer ---

-- Events without a clock rate have that of the first codec (RFC 4733 2.1).
local function put_numbers(offer, stream, kind, numbers, level)
  local plain, first = kind == "video" and 90000 or 8000, nil
  for i, ours in ipairs(stream.codecs) do
    local is_event = ours.name == "telephone-event"
    local number, map = codec.number(ours, numbers,
      is_event and first or plain)
    if not number then
      error("sdp.offer: no payload number is left; too many codecs",
        level + 1)
    end
    offer.formats[i] = number
    first = first or not is_event and map.rate
    put_codec(offer, number, map, is_event and "0-16" or nil)
  end
end

local function propose(description, kind, stream, before, level)
  local numbers = {}
  for number, map in pairs(before and before.rtpmap or {}) do
    numbers[number] = {
      encoding = map.encoding, rate = map.rate, channels = map.channels,
    }
  end
  local offer = description:_add {
    type = kind, port = stream.port, formats = {},
    protocol = before and before.protocol or "RTP/AVP",
  }
  put_numbers(offer, stream, kind, numbers, level + 1)
  put_rest(offer, stream.ptime, stream.maxptime, stream.direction)
end

-- An offer with our streams, for an INVITE that came without one, or to change
-- a call. With options.previous every stream of it keeps its place and its
-- payload numbers, and what we have no more is refused (RFC 3264 8). A codec
-- without a static payload number should have its clock rate with it,
-- "speex/16000" (default 8000, video 90000).
function sdp.offer(options)
  options = check(options, "sdp.offer")
  local description, next_of = begin(options), { audio = 1, video = 1 }
  local function take(kind)
    local stream = (options.streams[kind] or {})[next_of[kind]]
    if stream then
      next_of[kind] = next_of[kind] + 1
    end
    return stream
  end
  for _, before in ipairs(options.previous and options.previous.media or {}) do
    local kind = before.type:lower()
    local stream = before.port > 0 and next_of[kind]
      and PROTOCOLS[before.protocol:upper()] and take(kind)
    if stream then
      propose(description, kind, stream, before, 2)
    else
      refuse(description, before)
    end
  end
  for _, kind in ipairs(KINDS) do
    for stream in take, kind do
      propose(description, kind, stream, nil, 2)
    end
  end
  origin.put(description, options)
  return tostring(description)
end

-- ------------------------------------------------------------------- hold ---

local HELD = { sendrecv = "sendonly", recvonly = "inactive" }
local RESUMED = { sendonly = "sendrecv", inactive = "recvonly" }

local function turn(description, why, to)
  if not description then
    return failure(why)
  end
  local text = tostring(description)
  description, why = reader.parse(text) -- ours to change
  if not description then
    return failure(why)
  end
  local changed = false
  for _, stream in ipairs(description.media) do
    local direction = stream.port > 0 and to[stream.direction]
    if direction then
      stream.direction, changed = direction, true
    end
  end
  if changed then
    origin.next(description)
  end
  return tostring(description)
end

-- The description this side sent last, as the offer that puts the peer on hold:
-- every stream receives no more (RFC 3264 8.4). Its version is one higher.
function sdp.hold(description)
  local copy, why = read(description, "sdp.hold")
  return turn(copy, why, HELD)
end

-- The description this side sent last, as the offer that takes the peer off
-- hold: every stream receives again.
function sdp.resume(description)
  local copy, why = read(description, "sdp.resume")
  return turn(copy, why, RESUMED)
end

return sdp
