-- Codecs for sipsession.sdp: their static payload types (RFC 3551 6), the names
-- scripts write, "PCMU", "opus/48000/2", and which offered formats are the
-- same. Encoding name, clock rate and channels are compared, no deeper: what
-- stands in fmtp is for the media itself to judge.

local codec = {}

-- By payload type: encoding, clock rate, channels.
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

-- Names that mean one clock rate where the script gives none: G.722's is 8000
-- by an old error (RFC 3551 4.5.2), opus is always 48000/2 (RFC 7587 7).
local RATES = {
  pcmu = { 8000, 1 }, pcma = { 8000, 1 }, gsm = { 8000, 1 },
  g723 = { 8000, 1 }, g722 = { 8000, 1 }, g728 = { 8000, 1 },
  g729 = { 8000, 1 }, opus = { 48000, 2 }, amr = { 8000, 1 },
  ["amr-wb"] = { 16000, 1 }, ilbc = { 8000, 1 },
}

-- They go with a codec of their clock rate and are no stream alone.
local COMPANION = {
  ["telephone-event"] = true, cn = true, red = true, rtx = true,
  ulpfec = true, flexfec = true, ["flexfec-03"] = true,
}

local NAME = "^([!#-'*+%-.0-9A-Z^-~]+)(.*)$"

-- What a script wrote, as a table; nil where it is no codec. What of name,
-- rate and channels is there must be equal in a format.
function codec.read(text)
  local name, rest = nil, nil
  if type(text) == "string" then
    name, rest = text:match(NAME)
  end
  local rate, channels = (rest or ""):match "^/(%d%d?%d?%d?%d?%d?)/?(%d?)$"
  if not name or (rest ~= "" and not rate) then
    return nil
  end
  local known = rest == "" and RATES[name:lower()] or {}
  return {
    encoding = name, name = name:lower(),
    rate = math.tointeger(tonumber(rate)) or known[1],
    channels = math.tointeger(tonumber(channels)) or known[2],
  }
end

local function equal(ours, map)
  return ours.name == map.encoding:lower()
    and (ours.rate or map.rate) == map.rate
    and (ours.channels or map.channels) == map.channels
end

local function map_of(static)
  return { encoding = static[1], rate = static[2], channels = static[3] }
end

-- Gives the formats that need none (RFC 3551 6) their rtpmap.
function codec.fill(formats, rtpmap)
  for _, format in ipairs(formats) do
    local static = not rtpmap[format] and format:find "^%d+$"
      and STATIC[math.tointeger(tonumber(format))]
    if static then
      rtpmap[format] = map_of(static)
    end
  end
end

-- Does a companion have what it goes with? An rtx repeats one payload type
-- (RFC 4588 8.6).
local function is_accompanied(map, fmtp, rates, taken)
  local repeated = map.encoding:lower() == "rtx"
    and (fmtp or ""):match "apt=(%d+)"
  return rates[map.rate] and (not repeated or taken[repeated])
end

-- The formats of an offered stream that are among `codecs`, in the offer's
-- order (RFC 3264 6.1).
function codec.common(offered, codecs)
  local rates, taken, formats = {}, {}, {}
  local function take(companions)
    for _, format in ipairs(offered.formats) do
      local map = offered.rtpmap[format]
      local is_companion = map and COMPANION[map.encoding:lower()] or false
      if map and not taken[format] and is_companion == companions
        and (not companions
          or is_accompanied(map, offered.fmtp[format], rates, taken)) then
        for _, ours in ipairs(codecs) do
          taken[format] = taken[format] or equal(ours, map)
        end
        rates[map.rate] = rates[map.rate] or taken[format] or nil
      end
    end
  end
  take(false)
  take(true)
  for _, format in ipairs(offered.formats) do
    if taken[format] then
      taken[format] = nil
      formats[#formats + 1] = format
    end
  end
  return formats
end

local function dynamic(numbers)
  for number = 96, 127 do
    if not numbers[tostring(number)] then
      return tostring(number)
    end
  end
end

-- A payload number for a codec of ours: the one it had before in this call
-- (RFC 3264 8.3.2: a number keeps its meaning), its static one, else a free
-- dynamic one (RFC 3551 6). numbers: rtpmaps by number, of before and of now;
-- what is given goes in. rate: of a codec that has none. Nil where no number is
-- free.
function codec.number(ours, numbers, rate)
  for number = 0, 127 do
    local map = numbers[tostring(number)]
    if map and not map.used and equal(ours, map) then
      map.used = true
      return tostring(number), map
    end
  end
  local found, map
  for number = 0, 34 do
    local static = STATIC[number]
    if not found and static and not numbers[tostring(number)]
      and equal(ours, map_of(static)) then
      found, map = tostring(number), map_of(static)
    end
  end
  if not found then
    found = dynamic(numbers)
    map = {
      encoding = ours.encoding, channels = ours.channels or 1,
      rate = ours.rate or rate,
    }
  end
  if found then
    numbers[found], map.used = map, true
  end
  return found, map
end

return codec
