-- The o= line of what sipsession.sdp builds. In one call it stays the same but
-- for its version, which goes up by one when anything of the description is
-- another (RFC 3264 8, RFC 4566 5.2). Where the script doesn't say what it sent
-- before, an answer's follows from the offer's origin: the offerer sees one
-- session of ours for one of its own.

local Description = require "sipsession.sdp_description"

local origin = {}

-- Session ids stay within 53 bits, which every peer's numbers hold; not zero.
local function random()
  return math.random(1, 1 << 53)
end

local key

-- FNV-1a with a key of this process. The same for equal texts is what matters;
-- that others can't foresee it is not asked for.
local function hash(text)
  key = key or random()
  local h = key ~ -3750763034362895579 -- 0xcbf29ce484222325
  for i = 1, #text do
    h = (h ~ text:byte(i)) * 0x100000001b3
  end
  h = (h ~ h >> 29) * 0x100000001b3
  return (h ~ h >> 32) & ((1 << 53) - 1) | 1
end

-- One more than a number of up to 20 digits, as text.
local function increment(digits)
  local front, last, nines = digits:match "^(%d-)([0-8]?)(9*)$"
  return front .. ("%d"):format((tonumber(last) or 0) + 1)
    .. ("0"):rep(#nines)
end

local function value(o, version)
  return table.concat({ o.username, o.session_id, version, o.network, o.family,
    o.address }, " ")
end

-- The fields that are there of an o= value.
local function read(text)
  local o = {}
  o.username, o.session_id, o.version, o.network, o.family, o.address =
    Description.origin_of(text or "")
  return o
end

-- The version of an answer to that of its offer: it goes up as that does, and
-- begins below 2^62 (RFC 3264 5).
local function following(version)
  return version and version:sub(-18):match "^0*(%d+)$"
end

-- Gives the description its origin: what the options say, else what the
-- previous description has, else one that follows from the offer, else a new
-- one.
function origin.put(description, options, offer)
  local given, before = options.origin, read(options.previous
    and options.previous.origin)
  local theirs = read(offer and offer.origin)
  local o = {
    username = given.username or before.username or "-",
    session_id = given.session_id or before.session_id
      or theirs.username and ("%d"):format(hash(("%s %s %s"):format(
        theirs.username, theirs.session_id, theirs.address)))
      or ("%d"):format(random()),
    network = given.network or before.network or "IN",
  }
  local side = given.address and given or before.address and before or options
  o.address, o.family = side.address, side.family
  description.origin = value(o, given.version or before.version
    or following(theirs.version) or "1")
  if before.version and not given.version
    and tostring(description) ~= tostring(options.previous) then
    description.origin = value(o, increment(before.version))
  end
end

-- The same description, changed since it was sent: its version goes up.
function origin.next(description)
  local o = read(description.origin)
  if o.version then
    description.origin = value(o, increment(o.version))
  end
end

return origin
